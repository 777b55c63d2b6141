"""Making a folder an xvc project: git and DVC made ready or joined, settings, ignore rules.

Twice is harmless, and after a refusal the next call finishes what the first began: the files that
it made are remembered until they are committed. What is there is kept; only xvc's own files are
committed.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from xvc.config import FILE, has_settings
from xvc.core.best_effort import best_effort
from xvc.core.human_units import counted
from xvc.dvc import repository as dvc
from xvc.dvc.local_config import keep_settings
from xvc.dvc.pointers import SUFFIX
from xvc.dvc.repository import Dvc, pointer_of
from xvc.errors import ForeignProject, GitFailed, IgnoredByGit, NoIdentity, UsageError, error
from xvc.git import follow_hook as hook
from xvc.git import merge_driver as driver
from xvc.git.branch import Move, advance
from xvc.git.commands import scrubbed
from xvc.git.snapshot import tree_with
from xvc.project import OUTSIDE, Project
from xvc.recording.begin_run import metrics_files, params_files, results_among
from xvc.system.asset_files import NAME
from xvc.system.files import add_line, keep_out_of_git, write_durably

_METRICS = re.compile(r"(?i)(metric|score|result|eval)[^/]*\.(json|ya?ml|toml)$")
_TEMPLATE = """\
# Settings of xvc. Every key is optional; these are the defaults and what was found here.

# The store: a DuckDB file that DVC tracks. `git` sees its pointer only.
database: {database}

# Version tags begin with this: e0.1.0, e0.2.0 …
# tag:
#   prefix: e
#   keys: [model, lr, accuracy]     # what a version's message shows; else what differs

# Files whose values are a run's params (those of dvc.yaml are read anyway).
params:
  files: {params}

# Files that a run writes its metrics into (those of dvc.yaml are read anyway).
metrics:
  files: {metrics}
  # direction:                      # when a metric's name does not tell
  #   score: max

# Environment variables that are recorded; no other is.
# environment:
#   variables: [CUDA_VISIBLE_DEVICES]
"""


@error("folder-no-text")
class FolderNoText(UsageError):
    """A folder's name is no UTF-8, and DVC writes paths into settings that are."""

    folder: str
    says = "the path {folder!r} is not UTF-8, and DVC cannot write it into its settings"
    way = "Rename the folder and call `xvc init` again; what was run before is kept."


@error("git-by-variables")
class GitByVariables(UsageError):
    """The folder has a repository that only variables of the environment name."""

    folder: str
    named: str
    says = "{folder} is the work tree of {named}, which only GIT_DIR and GIT_WORK_TREE say"

    @property
    def hint(self) -> str:
        """What to do next, quoted for a shell."""
        text, mark = shlex.quote(f"gitdir: {self.named}"), shlex.quote(f"{self.folder}/.git")
        return f"Say it in a file: `echo {text} > {mark}`, then call `xvc init` again."


@dataclass(frozen=True, slots=True)
class Initialised:
    """What was done, in words, and what was found and is used."""

    root: str
    done: tuple[str, ...]
    joined: tuple[str, ...]
    commit: str | None
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything was done."""
        return bool(self.done)


def init(project: Project, folder: Path, *, commit: bool = True) -> Initialised:
    """Make *folder* ready for ``xvc run``.

    Raises:
        ForeignProject: the other program called xvc lives here.
        FolderNoText: the path is no UTF-8.
        GitByVariables: there is a repository of which no file says.
        GitFailed: git refused.
        DvcFailed: DVC refused.
        IgnoredByGit: git ignores the folder in which DVC keeps its settings.
        BadSetting: existing settings cannot be read.
    """
    done: list[str] = []
    warnings: list[str] = []
    _refuse_foreign(folder)
    if project.place is None:
        _refuse_variables(folder, project)
        _start_git(folder, project)
        done.append(f"made {folder} a git repository")
        project = Project.find(folder, project.environment)
    _refuse_no_text(project.root)
    for stale in ("dvc", "settings", "keeper"):
        vars(project).pop(stale, None)
    _refuse_foreign(project.root)
    _refuse_ignored(project)
    ours = _remembered(project)
    for step in (_start_dvc, _write_settings, _write_ignores, _ignore_results, _set_driver):
        ours += step(project, done)
        _remember(project, ours)
    _set_hook(project, done, warnings)
    _tell_of_ignored(project, ours, warnings)
    _tell_of_stores_below(project, warnings)
    joined = _joined(project)
    made = None
    gone = _taken_by_git(project, done) if commit else []
    if commit and (ours or gone):
        made = _commit(project, ours, gone, warnings)
        if made is not None:
            done.append(f"committed {counted(len(set(ours)), 'file')} as {made[:10]}")
    return Initialised(
        root=str(project.root),
        done=tuple(done),
        joined=joined,
        commit=made,
        warnings=tuple(warnings),
    )


def _remembered(project: Project) -> list[Path]:
    try:
        names = json.loads(project.room.set_up.read_bytes())
    except (OSError, ValueError):
        return []
    return [project.root / name for name in names if isinstance(name, str)]


def _remember(project: Project, ours: list[Path]) -> None:
    note = project.room.set_up
    if ours:
        names = sorted({path.relative_to(project.root).as_posix() for path in ours})
        note.parent.mkdir(parents=True, exist_ok=True)
        write_durably(note, json.dumps(names).encode())


def _refuse_ignored(project: Project) -> None:
    """Refuse where git ignores DVC's own folder: DVC would refuse without a word of why."""
    folder = project.relative(project.root / ".dvc")
    if project.dvc is None and (why := _ignoring(project, [folder, f"{folder}/config"])):
        raise IgnoredByGit(folder, why)


def _tell_of_ignored(project: Project, ours: list[Path], warnings: list[str]) -> None:
    """Name what git ignores of the files that a project stands on."""
    paths = [project.relative(path) for path in (*ours, *project.merged_pointers())]
    ignored = sorted(project.git.ignored(paths))
    if ignored:
        warnings.append(
            f"git ignores {', '.join(ignored[:3])}{' and others' * (len(ignored) > 3)} "
            f"({_ignoring(project, ignored)}). xvc commits them all the same; `git add` and "
            f"`dvc add` pass them over until .gitignore ends with `!*.dvc` and the like"
        )


def _ignoring(project: Project, paths: list[str]) -> str:
    """Name the file, line and pattern by which git ignores the first of these paths; else ''."""
    found = project.git.text("check-ignore", "-v", "--", *paths, accept=(0, 1))
    for each in found.splitlines():
        source, _, rest = each.partition("\t")[0].partition(":")
        line, _, pattern = rest.partition(":")
        if not pattern.startswith("!"):  # git names the lines that let something through, too
            return f"{source} line {line}: {pattern}"
    return ""


def _refuse_foreign(folder: Path) -> None:
    for mark in (".xvc", ".xvcignore"):
        if (folder / mark).exists():
            raise ForeignProject(str(folder / mark))


def _refuse_no_text(folder: Path) -> None:
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise FolderNoText(str(folder)) from None


def _refuse_variables(folder: Path, project: Project) -> None:
    """Refuse to make a second repository where git's variables name the folder's own."""
    said = [project.environment.get(name) for name in ("GIT_DIR", "GIT_WORK_TREE")]
    if not (said[0] and said[1]):
        return
    named, tree = (Path(os.path.abspath(folder / each)) for each in said if each)
    if (named / "HEAD").is_file() and folder.is_relative_to(tree.resolve()):
        raise GitByVariables(str(tree), str(named))


def _start_git(folder: Path, project: Project) -> None:
    called = subprocess.run(
        ["git", "init", "-q"],
        cwd=folder,
        env=scrubbed(project.environment),
        capture_output=True,
        check=False,
    )
    if called.returncode:
        raise GitFailed(("init",), called.returncode, called.stderr.decode("utf-8", "replace"))


def _start_dvc(project: Project, done: list[str]) -> list[Path]:
    place = project.git.place
    site = project.room.dvc_site
    site.mkdir(parents=True, exist_ok=True, mode=0o700)
    ours: list[Path] = []
    marks = (project.root / ".dvc" / name for name in ("config", ".gitignore"))
    back = project.git.bring_back(map(project.relative, marks), deleted=True)
    project.unhide(_added_to(project))
    if back:
        done.append(f"brought back {', '.join(back)}, which git has and the tree had not")
    found = Dvc.find(project.root, place.top, project.environment)
    if found is None:
        ours = [project.root / ".dvc" / "config", project.root / ".dvc" / ".gitignore"]
        ours.append(project.root / ".dvcignore")
        _remember(project, [*_remembered(project), *ours])
        dvc.start(project.root, place.top, site, project.environment)
        done.append("made it a DVC repository (analytics off)")
        vars(project).pop("dvc", None)
    root = found.root if found else project.root
    ours += _ignore_dvc(project, root, done)
    if keep_settings(root, {"core": {"site_cache_dir": str(site)}}, project.dvc_note):
        done.append("keeps DVC's own state inside the repository (.dvc/config.local)")
    return [path for path in ours if path.exists()]


def _ignore_dvc(project: Project, root: Path, done: list[str]) -> list[Path]:
    """Have git ignore DVC's private files, where DVC was set up without git and did not say so."""
    ignore = root / ".dvc" / ".gitignore"
    if ignore.exists() or not root.is_relative_to(project.root):
        return []
    write_durably(ignore, b"/config.local\n/tmp\n/cache\n")
    done.append("git ignores DVC's private files (.dvc/.gitignore)")
    return [ignore]


def _added_to(project: Project) -> list[Path]:
    """Name the files of the user's to which xvc adds lines."""
    named = [project.root / name for name in (driver.ATTRIBUTES, ".gitignore")]
    return [*named, project.own_store_path.with_name(".gitignore")]


def _write_settings(project: Project, done: list[str]) -> list[Path]:
    file = project.root / FILE
    if file.exists() or has_settings(project.root):
        return []
    params = _inside(project, params_files(project))
    text = _TEMPLATE.format(
        database=project.settings.database,
        params=_listed(params or ["params.yaml"]),
        metrics=_listed(_inside(project, metrics_files(project))),
    )
    write_durably(file, text.encode())
    done.append(f"wrote {FILE}")
    vars(project).pop("settings", None)
    return [file]


def _inside(project: Project, files: list[Path]) -> list[str]:
    """Name the files of the project's folder, as its settings do; other projects' are not set."""
    root = project.root
    return [file.relative_to(root).as_posix() for file in files if file.is_relative_to(root)]


def _listed(names: list[str]) -> str:
    plain = re.compile(r"[A-Za-z_][\w./-]*", re.ASCII)
    return "[" + ", ".join(n if plain.fullmatch(n) else json.dumps(n) for n in names) + "]"


def _write_ignores(project: Project, done: list[str]) -> list[Path]:
    store = project.store_path
    store.parent.mkdir(parents=True, exist_ok=True)
    ignore = store.with_name(".gitignore")
    lines = [f"/{store.name}", f"/{store.name}.wal", f"/.{store.name}.*"]
    lines += [f"/{store.name}.kept-*", f"/{store.name}.corrupt-*", f"/{NAME}"]
    added = [add_line(ignore, line) for line in lines]
    if any(added):
        done.append(f"git ignores {project.relative(store)} (DVC keeps it)")
    attributes = project.root / ".gitattributes"
    held = attributes.exists()
    lines = [f"*{SUFFIX} -text -filter", *_kept_encodings(project)]
    added = [add_line(attributes, line) for line in lines]
    changed = any(added)
    if changed:
        done.append(f"{'added to' if held else 'wrote'} .gitattributes (pointers keep their bytes)")
    return [ignore, attributes] if changed else [ignore]


def _kept_encodings(project: Project) -> list[str]:
    """Write lines that keep git from turning what is UTF-8 here into another encoding."""
    root, attribute = project.root, "working-tree-encoding"
    own = [root / name for name in (FILE, ".dvcignore", ".dvc/config", ".dvc/.gitignore")]
    named = {
        f"*{SUFFIX}": pointer_of(project.store_path),
        **{f"/{path.relative_to(root).as_posix()}": path for path in [*own, *_ignores(project)]},
    }
    paths = {project.relative(path): pattern for pattern, path in named.items()}
    said = project.git.text("check-attr", "-z", attribute, "--", *paths).split("\0")
    free = ("unspecified", "unset", "UTF-8")
    turned = [path for path, how in zip(said[::3], said[2::3], strict=False) if how not in free]
    return [f"{paths[path]} -{attribute}" for path in turned]


def _ignores(project: Project) -> list[Path]:
    stores = project.store_path.with_name(".gitignore")
    return [stores] if stores.is_relative_to(project.root) else []


def _ignore_results(project: Project, done: list[str]) -> list[Path]:
    """Have git ignore metric files that runs wrote before: what they say is recorded."""
    state, top = project.git.state(), project.top
    files = {project.relative(path) for path in metrics_files(project)}
    named = [name for name in state.untracked if name in files or _METRICS.match(Path(name).name)]
    below = [name for name in named if (top / name).is_relative_to(project.root)]
    written = sorted(results_among(project, below))
    ignore = project.root / ".gitignore"
    is_users = project.relative(ignore) in (*state.changed, *state.untracked)
    lines = [f"/{(top / name).relative_to(project.root).as_posix()}" for name in written]
    added = [add_line(ignore, line) for line in lines]
    if any(added):
        done.append(f"git ignores {', '.join(written)}, which runs have written")
    return [ignore] if any(added) and not is_users else []


def _set_driver(project: Project, done: list[str]) -> list[Path]:
    """Have git merge stores with xvc, where DVC keeps them."""
    changed = driver.attach(project.root, project.merged_pointers())
    if driver.install(project.git) or changed:
        done.append("git merges the stores of branches, row by row (merge driver xvc)")
    return [project.root / driver.ATTRIBUTES] if changed else []


def _set_hook(project: Project, done: list[str], warnings: list[str]) -> None:
    """Have the store follow its pointer when git changes that; a wish, not a need."""
    with best_effort(warnings):
        wanted = project.settings.git_hook
        state = hook.settle(project.git, wanted=wanted)
        if state.is_new:
            done.append(f"{'git calls' if wanted else 'git no longer calls'} xvc {_WHEN}")
        if state.hindrance:
            warnings.append(f"{state.hindrance}: {hook.LATER}")


_WHEN = f"when it has changed a store's pointer (hook {hook.NAME})"


def _joined(project: Project) -> tuple[str, ...]:
    found = [f"params from {project.relative(path)}" for path in params_files(project)]
    found += [f"metrics from {project.relative(path)}" for path in metrics_files(project)]
    if project.dvc is not None:
        found += [f"DVC remote {name}" for name in project.dvc.remotes()]
    return tuple(found)


def _taken_by_git(project: Project, done: list[str]) -> list[str]:
    """Name what is xvc's and git tracks, as after runs without git and `git add -A`.

    DVC takes no file that git tracks, and each run would change it.
    """
    store = project.relative(project.store_path)
    beside = project.room_beside.folder
    if beside.is_dir():
        keep_out_of_git(beside)
    head = project.git.commit_of("HEAD")
    if head is None:
        return []
    names = (store, project.relative(beside))
    listed = project.git.call("ls-tree", "-r", "-z", "--name-only", "--full-tree", head, *names)
    found = [os.fsdecode(path) for path in listed.split(b"\0") if path]
    if found:
        where = store if store in found else found[0]
        more = f" and {counted(len(found) - 1, 'file')} beside it" if len(found) > 1 else ""
        done.append(f"git tracks {where}{more} no more; the file stays")
    return found


def _tell_of_stores_below(project: Project, warnings: list[str]) -> None:
    """Name the stores that runs in folders of this one have made before it was a project."""
    listed = [*project.git.listed(f"*/{project.settings.database}"), *project.git.state().untracked]
    others = [project.store_path, *(other.store_path for other in project.others())]
    for place in (project.top / path for path in dict.fromkeys(listed)):
        beside = place.with_name(place.name + OUTSIDE)
        is_store = place.name == project.store_path.name and beside.is_dir()
        if is_store and place.is_relative_to(project.root) and place not in others:
            call = f"xvc merge {shlex.quote(str(place))}"
            name = project.relative(place)
            warnings.append(f"{name} has runs from before; `{call}` brings them into this store")


def _commit(project: Project, ours: list[Path], gone: list[str], warnings: list[str]) -> str | None:
    """Commit xvc's own files on the branch, leaving everything else of the user's as it is."""
    place = project.git
    state = place.state()
    files: dict[str, bytes | None] = {
        project.relative(path): path.read_bytes() for path in ours if path.is_file()
    }
    files |= dict.fromkeys(gone)
    if not files or (state.branch is None and state.commit is None):
        return None
    base = place.tree_of(state.commit) if state.commit is not None else None
    tree = tree_with(place, project.room.scratch, base, files)
    if tree == base:
        project.room.set_up.unlink(missing_ok=True)
        return None
    try:
        made = place.make_commit(tree, [state.commit], "Set up xvc\n")
    except NoIdentity as err:
        warnings.append(f"{err}; the set-up is not committed. {err.hint}")
        return None
    move = Move(branch=state.branch, parent=state.commit, commit=made, why="xvc init")
    advance(place, move, scratch=project.room.scratch, log=project.pending)
    project.room.set_up.unlink(missing_ok=True)
    return made
