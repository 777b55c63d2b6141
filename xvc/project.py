"""A project: its root, its settings, and its parts, each opened when first asked for.

Reads no environment of its own: the mapping comes from whoever calls (the command line, or a
Tracker that stands alone).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from xvc import config
from xvc.config import Settings
from xvc.core.code_files import Limits
from xvc.core.model import RESULTS
from xvc.core.run import DataFile
from xvc.core.run_inputs import Made, inputs, results
from xvc.core.secrets import is_harmless
from xvc.dvc.local_config import keep_settings, settle_cache, share_settings
from xvc.dvc.pipeline import FILE as PIPELINE
from xvc.dvc.pipeline import Pipeline, read_pipeline, stage_outs
from xvc.dvc.pointers import LOCK, PATTERNS, Survey, reader_of, survey
from xvc.dvc.repository import Dvc, pointer_of
from xvc.errors import (
    BadSetting,
    GitFailed,
    NoProject,
    NothingCheckedOut,
    OutsideProject,
    PipelineCorrupt,
    RepositoryGone,
    Unresolved,
)
from xvc.git import commands as git
from xvc.git.commands import Git, RepositoryPaths
from xvc.journal.layout import Room
from xvc.store.keeper import Keeper
from xvc.system import path_containment as containment
from xvc.system.asset_files import Assets
from xvc.system.pending import PendingLog
from xvc.system.trusted_settings import Trusted
from xvc.types import Json

OUTSIDE = ".xvc-journals"
_OWN_NAMES = (
    *(config.FILE, "pyproject.toml", "dvc.yaml", "dvc.lock"),
    *(".gitignore", ".gitattributes", ".dvcignore", ".worktreeinclude"),
    *(".dvc/config", ".dvc/config.local", ".dvc/.gitignore", ".dvc/tmp", ".dvc/cache", *RESULTS),
)
"""What is read and written in a tree by its name, at the project's root or the tree's top."""


class Project:
    """Everything xvc knows of one folder."""

    def __init__(
        self,
        root: Path,
        place: git.RepositoryPaths | None,
        environment: Mapping[str, str],
        overrides: Mapping[str, Json] | None = None,
    ) -> None:
        self.root, self.place, self.environment = root, place, environment
        self.home: Project | None = None
        self.unread: list[str] = []
        self._overrides = dict(overrides or {})

    @classmethod
    def find(
        cls,
        folder: Path,
        environment: Mapping[str, str],
        overrides: Mapping[str, Json] | None = None,
    ) -> Project:
        """Find the project that *folder* is in: the nearest settings or DVC repository, else git's.

        Outside all, the folder itself is the project: it has runs and a store, but no versions.
        """
        folder = folder.resolve()
        place = git.find(folder)
        top = place.top if place else folder
        if place is not None:
            _bring_marks(place, folder, environment)
        nearest = top
        for root in (folder, *folder.parents):
            if config.is_marked(root) or _is_in_use_by_dvc(root):
                nearest = root
            if nearest != top or root == top:
                break
        found = cls(nearest, place, environment, overrides)
        found.refuse_ways_out(*_OWN_NAMES)
        return found

    @classmethod
    def of_store(
        cls, store: Path, environment: Mapping[str, str], near: Project | None = None
    ) -> Project:
        """Find the project of a store: *near*, the project of its folder, or a store of its own.

        A store that no project keeps is a project of its own, with its journals beside it.
        """
        if near is not None and near.store_path.resolve() == store:
            return near
        if store.parent.is_dir():
            owner = cls.find(store.parent, environment)
            if owner.store_path.resolve() == store:
                return owner
        return cls.find(store.parent, environment, {"database": str(store)})

    @property
    def is_alone(self) -> bool:
        """Whether it is a store that no project keeps, and so no version holds."""
        return "database" in self._overrides

    def recorded_in(self, home: Project) -> Project:
        """Return this project with its runs kept in the store of another."""
        found = Project(self.root, self.place, self.environment, self._overrides)
        found.home = home
        return found

    @cached_property
    def settings(self) -> Settings:
        """The settings, all layers.

        Raises:
            BadSetting: any of them cannot be used.
            OutsideProject: the project's own name a path outside it.
        """
        settings, mistakes = self._read_settings()
        if mistakes:
            raise BadSetting(mistakes)
        return settings

    def tolerate_settings(self) -> tuple[str, ...]:
        """Use the settings that can be used, and return what is wrong with the others.

        For what must go on whatever a file says: a command, a training.
        """
        if "settings" in vars(self):
            return ()
        vars(self)["settings"], mistakes = self._read_settings()
        return mistakes

    def _read_settings(self) -> tuple[Settings, tuple[str, ...]]:
        return config.read(
            self.root,
            user_file=self._user_file,
            environment=self.environment,
            overrides=self._overrides,
            is_inside=self._may_name,
        )

    @property
    def _user_file(self) -> Path:
        home = (
            self.environment.get("XDG_CONFIG_HOME")
            or f"{self.environment.get('HOME', '/')}/.config"
        )
        return Path(home) / "xvc" / "config.yaml"

    @property
    def top(self) -> Path:
        """The work tree's top; outside git the root."""
        return self.place.top if self.place else self.root

    def _may_name(self, key: str, path: str) -> bool:
        return self.is_named_inside(path) or (key != "database" and path in self.trusted.files)

    def is_named_inside(self, path: str) -> bool:
        """Whether a path, as a file of the project writes it down, lies in the work tree."""
        return containment.is_named_inside(path, self.root, self.top)

    @cached_property
    def trusted(self) -> Trusted:
        """What the user has allowed the settings of this clone."""
        return Trusted.read(self.place.common / "xvc") if self.place else Trusted()

    def asked_files(self) -> tuple[str, ...]:
        """List the params and metric files outside the project that its own settings name."""
        own = config.named_paths(config.project_values(self.root))
        named = [path for key, path in own if key not in ("database", "cache.folder")]
        return tuple(dict.fromkeys(path for path in named if not self.is_named_inside(path)))

    def asked_variables(self) -> tuple[str, ...]:
        """List the environment variables that only the project's settings want recorded."""
        asked = self._asked("environment.variables", self._users_own.environment_variables)
        return tuple(name for name in asked if not is_harmless(name))

    def asked_patterns(self) -> tuple[str, ...]:
        """List the files that look like secrets and that only a clone's settings want kept."""
        return self._asked_by_clone("snapshot.allow", self._users_own.snapshot_allow)

    def asked_captures(self) -> tuple[str, ...]:
        """List the patterns by which only a clone's settings want metrics read."""
        return self._asked_by_clone("capture.patterns", self._users_own.capture_patterns)

    @property
    def _users_own(self) -> Settings:
        own, _ = config.read(
            Path(os.devnull),
            user_file=self._user_file,
            environment=self.environment,
            overrides=self._overrides,
        )
        return own

    def _asked_by_clone(self, key: str, own: Collection[str]) -> tuple[str, ...]:
        """List what the settings of a repository say that came from elsewhere.

        One without a remote has come from nowhere: its settings are the user's.
        """
        asked = self._asked(key, own)
        return asked if asked and self.place is not None and self.git.text("remote") else ()

    def _asked(self, key: str, own: Collection[str]) -> tuple[str, ...]:
        said = config.project_values(self.root).get(key)
        named = [said] if isinstance(said, str) else said if isinstance(said, list) else []
        found = (name for name in named if isinstance(name, str) and name not in own)
        return tuple(dict.fromkeys(found))

    def may_read(self, path: Path) -> bool:
        """Whether a file of the tree is read where a run is recorded; says so once if not."""
        way = self.way_out(path)
        if way is not None:
            said = f"{self.outside(way)}, so it was not read"
            self.unread += [said] if said not in self.unread else []
        return way is None

    def refuse_ways_out(self, *names: str) -> None:
        """Make sure that no link of the repository leads out of it at these names.

        A link that git does not track is the user's own, and followed.

        Raises:
            OutsideProject: a tracked link does.
        """
        for folder in {self.root, self.top}:
            for name in names:
                if (way := self.way_out(folder / name)) is not None:
                    raise self.outside(way)

    def way_out(self, path: Path) -> Path | None:
        """Find the tracked link on the way to a path that leads out of the work tree."""
        named = Path(os.path.normpath(path))
        if self.place is None or not named.is_relative_to(self.top):
            return None
        way = containment.way_out(named, self.top)
        is_tracked = way is not None and self.git.listed(f":(literal){self.relative(way)}")
        return way if is_tracked else None

    def refuse_way_out(self, place: Path) -> None:
        """Make sure that what is written at a place is written there.

        Raises:
            OutsideProject: a link that git tracks leads out of the work tree.
        """
        if (way := self.way_out(place)) is not None:
            raise self.outside(way)

    def way_out_below(self, path: Path) -> Path | None:
        """Find a tracked link that leads out of the work tree, on the way to a path or below it."""
        below = path.rglob("*") if path.is_dir() else ()
        links = (path, *(each for each in below if each.is_symlink()))
        return next((way for each in links if (way := self.way_out(each)) is not None), None)

    def outside(self, link: Path) -> OutsideProject:
        """Say that a link leads out of the project."""
        way = "Replace the link by a folder or file of the project's own"
        target = str(link.resolve())
        return OutsideProject(f"the link {self.relative(link)}", target, str(self.top), way)

    def no_git(self) -> NoProject | RepositoryGone:
        """Say why nothing of git can be had here."""
        gone = git.gone_from(self.root)
        if gone is None:
            return NoProject(str(self.root), "a git repository")
        return RepositoryGone(str(gone[0].parent), str(gone[1]))

    def misplaced(self) -> tuple[str, ...]:
        """Say that this tree is a copy of another, or that it or its repository was moved."""
        if self.place is None:
            why = None if self.is_alone else self.no_git()
            return (f"{why}. {why.hint}",) if isinstance(why, RepositoryGone) else ()
        first = was = None
        with contextlib.suppress(OSError):
            first, was = git.copied_from(self.place), git.moved_from(self.place)
        if was is not None:
            way = "`git worktree repair` here leads git to it, before something takes it for gone"
            return (f"git has this work tree at {was}, and it lies in {self.top}: {way}",)
        if first is None:
            return ()
        return (
            f"{self.top} is a copy of the work tree {first}, and git takes both for one: a version "
            "of either moves the branch of both. `xvc worktree add` makes a tree of its own",
        )

    @cached_property
    def git(self) -> Git:
        """The repository.

        Raises:
            NoProject: there is none.
        """
        if self.place is None:
            raise self.no_git()
        return Git(self.place, self.environment)

    @cached_property
    def dvc(self) -> Dvc | None:
        """The DVC set-up; None where there is none. A linked work tree shares its main tree's.

        A project that was moved or copied gets paths of its own again.
        """
        top = self.place.top if self.place else self.root
        found = Dvc.find(self.root, top, self.environment)
        if found is not None:
            self._refuse_cache(found)
        if found is not None and self.place is not None:
            with contextlib.suppress(OSError):  # a tree that cannot be written stays as it is
                self._settle_dvc(found, self.place)
            second = self.room.stores_kept(self.relative(found.root))  # the cache may be another
            found = Dvc(found.root, self.environment, second)
            self._refuse_cache(found)
            if not (self.place.top / ".dvc").is_dir():
                found.take_over(self.room.stores_kept("."))
            found.bring_back()
        return found

    def _settle_dvc(self, found: Dvc, place: RepositoryPaths) -> None:
        site = self.room.dvc_site
        below = found.root.relative_to(place.top)
        note = self.dvc_note_of(below.as_posix())
        own = {"core": {"site_cache_dir": str(site)}}
        main = git.main_tree(place.common)
        if place.folder == place.common:
            keep_settings(found.root, own, note, adds=False)
            git.note_main_tree(place)
        elif main is not None and (main / below / ".dvc").is_dir():
            share_settings(Dvc(main / below, self.environment), found.root, site, note)
        else:
            if main is None and settle_cache(found, self.room.dvc_cache):
                own["cache"] = {"dir": str(self.room.dvc_cache)}
            keep_settings(found.root, own, note, adds=main is None and not note.exists())

    @property
    def dvc_note(self) -> Path:
        """Where it is noted which private settings of DVC were written in this tree."""
        found = self.dvc
        below = found.root.relative_to(self.place.top) if found and self.place else Path()
        return self.dvc_note_of(below.as_posix())

    def dvc_note_of(self, below: str) -> Path:
        """Where that is noted of the DVC repository in a folder of the work tree."""
        tree = _own_name(self.place, self.place.top) if self.place else "alone"
        return self.room.folder / "dvc-settings" / f"{tree}+{quote(below, safe='')}.json"

    def needed_dvc(self) -> Dvc:
        """The DVC set-up, for what cannot do without it and git.

        Raises:
            NoProject: there is no git or no DVC here.
            NothingCheckedOut: it is a clone without a commit.
        """
        if self.place is None:
            raise self.no_git()
        if self.dvc is None:
            raise self.nothing_checked_out() or NoProject(str(self.root), "a DVC repository")
        return self.dvc

    def nothing_checked_out(self) -> NothingCheckedOut | None:
        """Name the branches of remotes where HEAD's own has no commit, as in a fresh clone."""
        if self.place is None or self.git.commit_of("HEAD") is not None:
            return None
        named = (ref.split("/", 3)[-1] for ref in self.git.refs("refs/remotes/"))
        branches = sorted({*named} - {"HEAD"}, key=lambda name: (name != "main", name))
        return NothingCheckedOut(str(self.root), tuple(branches)) if branches else None

    @property
    def room(self) -> Room:
        """Where xvc's private files lie: shared by worktrees, or beside a store of its own."""
        if self.home is not None:
            return self.home.room
        if self.place is not None and not self.is_alone:
            return Room(self.place.common / "xvc", _own_name(self.place, self.root))
        return self.room_beside

    @property
    def pending(self) -> PendingLog:
        """The changes under way; who writes there holds the lock of versions."""
        return PendingLog(self.room.pending)

    @property
    def own_room(self) -> Room:
        """Where the private files of this work tree lie, wherever its runs are kept.

        Raises:
            NoProject: there is no repository.
        """
        place = self.git.place
        return Room(place.common / "xvc", _own_name(place, self.root))

    @property
    def room_beside(self) -> Room:
        """Where the private files of a store lie that has no repository around it."""
        return Room(self.store_path.with_name(self.store_path.name + OUTSIDE))

    @property
    def store_path(self) -> Path:
        """The store that keeps the runs: of this work tree, unless another is their home."""
        return self.home.store_path if self.home is not None else self.own_store_path

    @cached_property
    def own_store_path(self) -> Path:
        """The store of this work tree.

        Raises:
            OutsideProject: a link leads out of the tree at its place, its pointer or its assets.
        """
        path = self.root / self.settings.database
        if self.is_alone or not path.is_relative_to(self.top):
            return path  # named by the user's own words
        log = path.with_name(path.name + ".wal")  # DuckDB's: it reads and empties it
        for place in (path.parent, pointer_of(path), log, Assets.beside(path).folder):
            if (way := containment.way_out(place, self.top)) is not None:
                raise self.outside(way)
        way = containment.way_out(path, self.top)
        if way is not None and not self._is_object(path):
            raise self.outside(way)
        return path

    def _is_object(self, path: Path) -> bool:
        """Whether a file is DVC's link into the cache."""
        return self.dvc is not None and containment.is_inside(path, self.dvc.cache)

    def _refuse_cache(self, found: Dvc) -> None:
        home = self.place.common.parent if self.place else self.top  # of a linked work tree
        if not containment.is_inside(found.cache, home):
            containment.refuse_cache(
                found.cache, self.top, may_make=lambda: self._is_own_word(found)
            )

    def _is_own_word(self, found: Dvc) -> bool:
        """Whether it is the user who has named the cache: not a file that git tracks."""
        file = found.cache_said_by
        if file is None or not file.is_relative_to(self.top):
            return True
        return self.place is None or not self.git.listed(f":(literal){self.relative(file)}")

    @property
    def assets(self) -> Assets:
        """The assets of this work tree, beside its store."""
        return Assets.beside(self.store_path)

    @cached_property
    def keeper(self) -> Keeper:
        """The store with its journals."""
        if self.home is not None:
            return self.home.keeper
        if self.place is not None and not self.is_alone:
            self.unhide([*self.merged_pointers(), self.store_path.with_name(".gitignore")])
        keeper = Keeper(self.store_path, self.room, self.dvc)
        keeper.warnings += (*self.settings.said_twice, *self.misplaced())
        return keeper

    def unhide(self, paths: Iterable[Path]) -> None:
        """Write the files of these that a sparse checkout hides: what follows adds to them."""
        with contextlib.suppress(GitFailed, OSError):  # a tree that cannot be written
            self.git.bring_back(map(self.relative, paths))

    @property
    def snapshot_limits(self) -> Limits:
        """How much of what git does not track is code of a run."""
        settings, allowed = self.settings, self.settings.snapshot_allow
        if refused := self.refused_patterns():
            allowed = tuple(pattern for pattern in allowed if pattern not in refused)
        return Limits(
            settings.snapshot_limit, settings.snapshot_total, settings.snapshot_files, allowed
        )

    def refused_patterns(self) -> frozenset[str]:
        """The files that look like secrets of which a clone's settings alone say they are none."""
        if not self.settings.snapshot_allow:
            return frozenset()
        return frozenset(self.asked_patterns()) - self.trusted.patterns

    def refused_captures(self) -> frozenset[str]:
        """The patterns for metrics that a clone's settings alone name: one may never end."""
        if not self.settings.capture_patterns:
            return frozenset()
        return frozenset(self.asked_captures()) - self.trusted.captures

    def relative(self, path: Path) -> str:
        """Name a path as git does, from the top of the work tree; one outside stays as it is."""
        top = self.place.top if self.place else self.root
        return (path.relative_to(top) if path.is_relative_to(top) else path).as_posix()

    def own_pointers(self) -> frozenset[str]:
        """The tracked paths that xvc itself writes: never inputs of a run."""
        own = self.own_store_path
        return frozenset({self.relative(own), self.relative(Assets.beside(own).folder)})

    def never_inputs(self) -> frozenset[str]:
        """The tracked paths that are results wherever they are: what xvc writes, and models."""
        return self.own_pointers() | {self.relative(self.root / folder) for folder in RESULTS}

    def merged_pointers(self) -> tuple[Path, ...]:
        """The pointers that git merges with xvc's driver."""
        return pointer_of(self.store_path), pointer_of(self.assets.folder)

    def dvc_files(self, untracked: Collection[str] = (), *patterns: str) -> list[str]:
        """List the files of DVC that are this project's, from the top of the work tree.

        What belongs to another project or DVC repository in the same tree is left out.

        Args:
            untracked: files that git does not know yet, some of them DVC's.
            patterns: git's, of the files wanted; else those that name outputs.
        """
        if self.place is None:
            return []
        wanted = patterns or PATTERNS
        names = {*self._listed((*wanted, *_PROJECTS)), *untracked}
        others = self._others(names)
        return sorted(
            name
            for name in names
            if any(fnmatchcase(name, pattern) for pattern in wanted)
            and self._is_in_dvc(name)
            and not is_below(name, others)
        )

    def others(self) -> list[Project]:
        """List the other projects and DVC repositories of the tree, but for those around this."""
        if self.place is None:
            return []
        folders = sorted(self._others(self._listed((*PATTERNS, *_PROJECTS))))
        return [Project(self.top / folder, self.place, self.environment) for folder in folders]

    def _others(self, names: Iterable[str]) -> frozenset[str]:
        own = self.relative(self.root)
        marked = {folder for folder in map(_root_marked_by, names) if folder is not None}
        return frozenset(
            folder
            for folder in marked
            if not _is_at_or_below(own, folder) and not self._is_plain(folder)
        )

    def _listed(self, patterns: Sequence[str]) -> list[str]:
        """List the tracked files that fit one of the patterns."""
        ends = tuple(pattern.rpartition("*")[2] for pattern in patterns)  # few get to the patterns
        likely = [name for name in self.git.tracked() if name.endswith(ends)]
        return [name for name in likely if any(fnmatchcase(name, each) for each in patterns)]

    def _is_in_dvc(self, name: str) -> bool:
        """Whether a file is in this project's DVC repository, and not in one around it."""
        above = map(str, PurePosixPath(name).parents)
        return self.dvc is None or self.relative(self.dvc.root) in above

    def _is_plain(self, folder: str) -> bool:
        """Whether a folder that might be another project's is none."""
        top = self.place.top if self.place else self.root
        place = top / folder
        return not (config.has_settings(place) or _is_in_use_by_dvc(place))

    def survey(self, untracked: Collection[str] = ()) -> Survey:
        """Read all that DVC tracks for this project; paths are from the top. Nothing is raised.

        Args:
            untracked: files that git does not know yet, some of them pointers.
        """
        top = self.place.top if self.place else self.root
        return survey(reader_of(top), self.dvc_files([*untracked, *self.locks()]))

    def locks(self) -> list[str]:
        """List the locks beside this project's pipelines, tracked or not, from the top."""
        top = self.place.top if self.place else self.root
        beside = [str(PurePosixPath(name).with_name(LOCK)) for name in self.pipelines()]
        return [name for name in beside if os.path.lexists(top / name)]

    def data_inputs(self, found: Survey, outs: Collection[str] = ()) -> dict[str, DataFile]:
        """Choose the data of a run among what DVC tracks; keys are paths from the top.

        Args:
            found: what DVC tracks.
            outs: what the run writes, from the root: never its input.
        """
        never = self.never_inputs() | {self.relative(self.root / out) for out in outs}
        tracked = {out.path: out.file for out in found.outs if not out.is_made}
        return inputs(tracked, _made(found), found.needs, never)

    def pipeline_outs(self, found: Survey) -> dict[str, DataFile]:
        """Choose the results of pipelines among what DVC tracks; keys are paths from the root."""
        below = {}
        for path, file in results(_made(found), found.needs, self.own_pointers()).items():
            whole = (self.place.top if self.place else self.root) / path
            if whole.is_relative_to(self.root):
                below[whole.relative_to(self.root).as_posix()] = file
        return below

    def stage_outs(self) -> dict[str, str]:
        """Map what the stages of this project's pipelines declare, from the top, to their names."""
        return stage_outs(self.pipelines())

    def pipelines(self, untracked: Collection[str] = ()) -> dict[str, Pipeline]:
        """Read the pipelines of this project, by the path of each ``dvc.yaml`` from the top.

        One that cannot be read declares nothing and has that for its problem.
        """
        top = self.place.top if self.place else self.root
        own = self.relative(self.root / PIPELINE)
        names = dict.fromkeys([own, *self.dvc_files(untracked, PIPELINE, f"*/{PIPELINE}")])
        return {name: _pipeline(top, name) for name in names}


_MARKS = (".dvc/config", ".dvc/.gitignore", config.FILE)
_PROJECTS = ("*/xvc.yaml", "*/pyproject.toml", ".dvc/config", "*/.dvc/config")


def _is_in_use_by_dvc(folder: Path) -> bool:
    """Whether a folder is a DVC repository, be it readable or not."""
    try:
        return (folder / ".dvc" / "config").is_file()
    except PermissionError:
        return True


def _bring_marks(place: RepositoryPaths, folder: Path, environment: Mapping[str, str]) -> None:
    """Write what says where a project is, where a sparse checkout hides it."""
    above = [each for each in (folder, *folder.parents) if each.is_relative_to(place.top)]
    if any(map(_is_in_use_by_dvc, above)):
        return
    names = [(each / mark).relative_to(place.top).as_posix() for each in above for mark in _MARKS]
    with contextlib.suppress(GitFailed, OSError):
        Git(place, environment).bring_back(names)


def _pipeline(top: Path, name: str) -> Pipeline:
    try:
        return read_pipeline(reader_of(top), name)
    except (PipelineCorrupt, Unresolved) as err:
        return Pipeline(problems=(err,))


def _made(found: Survey) -> dict[str, Made]:
    return {out.path: Made(out.stage, out.file) for out in found.outs if out.is_made}


def _root_marked_by(name: str) -> str | None:
    """Name the folder that a file makes a project or a DVC repository, as far as its name says."""
    path = PurePosixPath(name)
    if path.name in (config.FILE, "pyproject.toml"):
        return str(path.parent)
    if path.name == "config" and path.parent.name == ".dvc":
        return str(path.parent.parent)
    return None


def is_below(path: str, folders: Collection[str]) -> bool:
    """Whether a path lies in one of some folders, at any depth.

    >>> is_below("b/models/net.dvc", {"b"}), is_below("bb/net.dvc", {"b"})
    (True, False)
    """
    return bool(folders) and any(str(folder) in folders for folder in PurePosixPath(path).parents)


def _is_at_or_below(path: str, folder: str) -> bool:
    return folder in (".", path) or path.startswith(f"{folder}/")


def _own_name(place: git.RepositoryPaths, root: Path) -> str:
    """Name what has a store of its own: a work tree, or a project in a folder of one."""
    tree = place.tree if place.folder == place.common else f"worktree-{place.tree}"
    below = root.relative_to(place.top).as_posix()
    return tree if below == "." else f"{tree}+{quote(below, safe='')}"
