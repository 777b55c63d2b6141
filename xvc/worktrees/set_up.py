"""Setting up a linked work tree: its DVC settings, its store, its data, the files it asks for.

Every step looks at what is there and does the rest, so a call that was killed is completed by the
next. Nothing that is there is replaced; tracked files are not touched.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from shlex import quote

from xvc.config import FILE as SETTINGS
from xvc.core.human_units import counted
from xvc.core.model import candidate_of
from xvc.dvc.cache_links import Linker, link_kinds
from xvc.dvc.local_config import cache_type, share_settings
from xvc.dvc.outputs import members
from xvc.dvc.pointers import SUFFIX, Out, reader_of, survey
from xvc.dvc.repository import Dvc
from xvc.errors import BadListing, NoObject, ObjectCorrupt
from xvc.git.submodules import put_submodules
from xvc.git.worktrees import WorkTree, untracked_like
from xvc.project import Project
from xvc.store import query
from xvc.system.files import add_line
from xvc.worktrees.known_trees import git_at, project_at

INCLUDE = ".worktreeinclude"
_DVC = ".dvc/config"
_SCRATCH = ".exp-set-up"


@dataclass(slots=True)
class SetUp:
    """What was done: files put there by kind of link, files copied, and what is not there.

    Of what is ``missing``, the DVC cache lacks what is ``absent``, and what is ``imported``, with
    the command that brings it; the rest was never downloaded. ``place`` is where to do what a
    warning asks for, if not in the tree.
    """

    place: Path | None = None
    linked: dict[str, int] = field(default_factory=dict)
    copied: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    imported: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def set_up(project: Project, main: WorkTree, tree: WorkTree, *, is_passing: bool = False) -> SetUp:
    """Make a linked tree ready for runs.

    One that is *passing* is gone when its warnings are read: what helps is done where we are.

    Raises:
        DvcFailed: a DVC configuration file cannot be read.
        OSError: the tree cannot be written.
    """
    place = project.git.place.top if is_passing else tree.path
    done = SetUp(place)
    _keep_apart(project, main, tree)
    there = project_at(project, tree)
    roots = _dvc_roots(there, tree)
    giving = project.git.place.top if main.is_bare else main.path
    for root in roots:
        if giving != tree.path and (giving / root / ".dvc").is_dir():
            main_dvc = Dvc(giving / root, project.environment)
            note = there.dvc_note_of(root.as_posix())
            share_settings(main_dvc, tree.path / root, project.room.dvc_site, note)
    project.room.dvc_site.mkdir(parents=True, exist_ok=True, mode=0o700)
    there.keeper.refresh()
    done.warnings += there.keeper.warnings
    if giving != tree.path:
        done.warnings += _lacking_set_up(project, main, giving, there, is_passing=is_passing)
        done.warnings += put_submodules(there.git, giving)
    _put_data_of(there, tree, roots, done)
    if not main.is_bare:
        _copy_included(project, main, tree, there, done)
    again = "start again" if is_passing else f"`xvc worktree adopt {quote(str(place))}`"
    if done.absent:
        has_remote = bool(there.dvc and there.dvc.remotes())
        done.warnings.append(_how_to_fetch(place, again, done.absent, has_remote=has_remote))
    for path, source in done.imported.items():
        said = f"{path} is imported, and not in the DVC cache; `{source}` in {place} brings it"
        done.warnings.append(f"{said}, then {again}")
    return done


def _lacking_set_up(
    project: Project, main: WorkTree, giving: Path, there: Project, *, is_passing: bool
) -> Iterator[str]:
    """Say which settings the other tree has and this one's commit has not, and what brings them."""
    top = there.top
    homes = {giving / there.root.relative_to(top)}
    if project.dvc is not None:
        homes.add(giving / project.dvc.root.relative_to(project.top))
    wanted = {(home / name).relative_to(giving) for home in homes for name in (_DVC, SETTINGS)}
    names = sorted(
        str(each) for each in wanted if (giving / each).is_file() and not (top / each).exists()
    )
    if not names:
        return
    held = project.git.blobs(main.commit) if main.commit else {}
    said = f"this tree begins at a commit without {' and '.join(names)}"
    if any(name.endswith(_DVC) for name in names):
        said += ": its runs get no version, and its data is not here"
    if is_passing:
        yield said
        return
    steps = [f"`git merge {main.branch or main.commit}` in {top}"]
    if not all(name in held for name in names):
        steps.insert(0, f"commit {'it' if len(names) == 1 else 'them'} in {giving}")
    yield f"{said}. To have them: {', '.join(steps)}, `xvc worktree adopt {quote(str(top))}`"


def _keep_apart(project: Project, main: WorkTree, tree: WorkTree) -> None:
    """Let git ignore a tree that lies inside the main one; else `git add` takes it in."""
    if main.is_bare or not tree.path.is_relative_to(main.path):
        return
    below = tree.path.relative_to(main.path).as_posix()
    if not git_at(project, main).ignored([f"{below}/"]):
        exclude = project.git.place.common / "info" / "exclude"
        exclude.parent.mkdir(exist_ok=True)
        add_line(exclude, f"/{below}/")


def _dvc_roots(there: Project, tree: WorkTree) -> list[PurePosixPath]:
    """List the DVC repositories of a tree, those inside others first."""
    found = {
        PurePosixPath(p).parent.parent for p in there.git.listed(".dvc/config", "*/.dvc/config")
    }
    own = Dvc.find(there.root, tree.path, there.environment)  # one that git does not track
    if own is not None:
        found.add(PurePosixPath(own.root.relative_to(tree.path).as_posix()))
    return sorted(found, key=lambda root: (-len(root.parts), root))


def put_data(there: Project, tree: WorkTree, done: SetUp) -> None:
    """Put what the tree's pointers name to its place, from the cache; what is there stays.

    Raises:
        OSError: the tree cannot be written.
    """
    _put_data_of(there, tree, _dvc_roots(there, tree), done)


def _put_data_of(
    there: Project, tree: WorkTree, roots: Sequence[PurePosixPath], done: SetUp
) -> None:
    files = there.git.listed("*.dvc", "dvc.lock", "*/dvc.lock") if roots else []
    around = {
        file: next((each for each in roots if PurePosixPath(file).is_relative_to(each)), None)
        for file in files
    }
    for root in roots:
        own = [file for file, nearest in around.items() if nearest == root]
        _put_data(there, tree, root, own, done)


def _put_data(
    there: Project, tree: WorkTree, root: PurePosixPath, files: Iterable[str], done: SetUp
) -> None:
    dvc = Dvc(tree.path / root, there.environment)
    outs = _readable(tree.path, files, done)
    outs = [out for out in outs if out.path not in there.own_pointers()]
    written = _written_by_runs(there) if any(not out.is_made for out in outs) else frozenset()
    linker = Linker(link_kinds(cache_type(dvc)), dvc.root / ".dvc" / "tmp" / "xvc-links")
    linker.clear()
    for out in outs:
        is_own = out.is_made or out.path in written or out.path.endswith(".duckdb")
        _put(tree.path, dvc, linker, out, done, is_own=is_own)
    linker.clear()
    for kind, count in linker.made.items():
        done.linked[kind] = done.linked.get(kind, 0) + count


def _readable(top: Path, files: Iterable[str], done: SetUp) -> list[Out]:
    found: dict[str, Out] = {}
    for file in files:
        read = survey(reader_of(top), [file])
        found |= {out.path: out for out in read.outs}
        done.warnings += [f"{err}. {err.hint}".rstrip() for err in read.problems]
        not_yet = [each for each in read.pending if each.is_imported]
        done.missing += [each.said_by for each in not_yet]
        done.warnings += [
            f"{each.path} is not downloaded yet; `dvc update {quote(each.said_by)}` "
            f"in {done.place or top} brings it"
            for each in not_yet
        ]
    return list(found.values())


def _written_by_runs(there: Project) -> frozenset[str]:
    """Name the files that a run has left as its outputs, so that the next may write them."""
    if not there.store_path.exists():
        return frozenset()
    with there.keeper.view() as connection:
        files = query.recorded_files(connection)
    named = {each.path for each in files if each.is_output and candidate_of(each.path) is None}
    return frozenset(there.relative(there.root / path) for path in named)


def _put(top: Path, dvc: Dvc, linker: Linker, out: Out, done: SetUp, *, is_own: bool) -> None:
    try:
        found = members(dvc, out)
    except NoObject:
        if not (top / out.path).exists():
            name = out.said_by if out.said_by.endswith(SUFFIX) else out.path
            done.missing.append(name)
            if out.source:
                done.imported[out.path] = out.source
            else:
                done.absent.append(name)
        return
    except (ObjectCorrupt, BadListing) as err:
        done.warnings.append(f"{out.path} was not put there: {err}. {err.hint}")
        return
    if out.digest.endswith(".dir") and _is_inside(top, top / out.path):
        (top / out.path).mkdir(parents=True, exist_ok=True)
    safe: dict[Path, bool] = {}
    for path, place in found.items():
        target = top / path
        if target.parent not in safe:
            safe[target.parent] = _is_inside(top, target.parent)
        if safe[target.parent]:
            linker.put(place, target, is_own=is_own)
        else:
            done.warnings.append(f"{path} was not put there: a link leads out of the tree")


def _is_inside(top: Path, path: Path) -> bool:
    return path.resolve().is_relative_to(top)


def _how_to_fetch(at: Path, again: str, missing: list[str], *, has_remote: bool) -> str:
    """Say what is missing, and what brings it: without a remote nothing does from here."""
    names = " ".join(map(quote, missing[:5])) + (" …" if len(missing) > 5 else "")
    are, them = ("is", "it") if len(missing) == 1 else ("are", "them")
    said = f"{counted(len(missing), 'tracked output')} {are} not in the DVC cache ({names}); "
    if not has_remote:
        return said + "there is no DVC remote, so only another clone's cache can have it"
    return f"{said}get {them} with `dvc fetch {names.removesuffix(' …')}` in {at}, then {again}"


def _copy_included(
    project: Project, main: WorkTree, tree: WorkTree, there: Project, done: SetUp
) -> None:
    """Copy the untracked files that the main tree's list names; what is there stays."""
    patterns = main.path / INCLUDE
    if not patterns.is_file():
        return
    scratch = tree.path / _SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    store = there.relative(there.store_path)
    try:
        for path in untracked_like(git_at(project, main), patterns):
            source, target = main.path / path, tree.path / path
            is_ours = ".dvc" in Path(path).parts or path.startswith(store)
            if is_ours or os.path.lexists(target) or not _is_inside(tree.path, target.parent):
                continue
            _copy(source, target, scratch)
            done.copied.append(path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _copy(source: Path, target: Path, scratch: Path) -> None:
    """Copy into a folder that git ignores, then rename, so that no file is ever half written."""
    if not scratch.is_dir():
        scratch.mkdir()
        (scratch / ".gitignore").write_text("*\n")
    fresh = scratch / "file"
    fresh.unlink(missing_ok=True)
    shutil.copy2(source, fresh, follow_symlinks=False)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(fresh, target)
