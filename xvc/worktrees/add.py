"""Adding a work tree for an experiment, or adopting one that is there.

What is being made is noted first, so that the same call completes it after a kill. A folder or
branch that exists is refused, unless a killed call of xvc made it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

from xvc.core.worktree import Record, SetupStage, branch_of, check_name, folder_of
from xvc.errors import ConflictError, NotFoundError, XvcError, error
from xvc.git.worktrees import (
    WorkTree,
    drop_branch,
    fill_tree,
    forget_tree,
    leads_to,
    make_tree,
    trees,
)
from xvc.journal.folders import journal_folders, last_written, set_aside
from xvc.journal.layout import Room
from xvc.project import Project
from xvc.worktrees.known_trees import (
    NoTree,
    TreeMoved,
    every_tree,
    forget,
    git_at,
    log_of,
    record_of,
    records,
    remember,
    scratch_of,
    tree_list_lock,
    tree_lock,
)
from xvc.worktrees.set_up import SetUp, set_up


@error("no-base")
class NoBase(NotFoundError):
    """There is no commit that a tree could begin at."""

    revision: str
    says = "{revision} names no commit"
    way = "Commit something first, or name a branch, a version or a commit with `--from`."


@error("tree-taken")
class TreeTaken(ConflictError):
    """The name, the branch or the folder of a wanted work tree is in use."""

    what: str
    way_out: str
    says = "{what}"
    way = "{way_out!l}."


@dataclass(frozen=True, slots=True)
class AddedTree:
    """A tree that is ready: where, on which branch, from which commit, and what was put there."""

    name: str
    path: str
    branch: str | None
    base: str
    is_new: bool
    done: SetUp


def add(
    project: Project, name: str, *, base: str | None = None, path: Path | None = None
) -> AddedTree:
    """Make the tree ``exp-<name>`` beside the main one, on branch ``exp/<name>``.

    Args:
        project: any tree's.
        name: of the experiment.
        base: where it begins; when None the commit of the main tree, or of the tree we are in
            where the repository is bare.
        path: another folder.

    Raises:
        BadValue: *name* is no name.
        NoBase: *base* names no commit.
        OutsideProject: on the way to *path* a link that git tracks leads out of the project.
        TreeTaken: name, branch or folder are in use.
        LockBusy: another xvc is at it, for long.
        GitFailed: git refused.
    """
    check_name(name)
    if path is not None:
        project.refuse_way_out(path)
    room = project.room
    with tree_lock(room, name, "worktree add"):
        with tree_list_lock(project, f"add {name}"):
            listed = trees(project.git)
            record = _planned(project, listed[0], name, base, path)
            is_new = record.stage is SetupStage.MAKING
            tree, record = make_as_recorded(project, record)
        done = set_up(project, listed[0], tree)
        remember(room, replace(record, stage=SetupStage.READY))
        return AddedTree(
            name=name,
            path=record.path,
            branch=record.branch,
            base=record.base,
            is_new=is_new,
            done=done,
        )


def _planned(
    project: Project, main: WorkTree, name: str, base: str | None, path: Path | None
) -> Record:
    """Write down what is to be made, or find what a call before this one wrote down."""
    revision = base or main.commit or ("HEAD" if main.is_bare else None)
    commit = project.git.commit_of(revision) if revision else None
    known = record_of(project.room, name)
    if known is not None:
        refuse_another(known, commit if base else None, path)
        return known
    if commit is None:
        raise NoBase(base or "HEAD of the main tree")
    place = (path or main.path.parent / folder_of(name)).resolve()
    branch = branch_of(name)
    _refuse_taken(project, branch, place)
    fresh = Record(
        name=name,
        path=str(place),
        base=commit,
        branch=branch,
        made_branch=True,
        stage=SetupStage.MAKING,
        since=time.time_ns(),
    )
    return remember(project.room, fresh)


def refuse_another(known: Record, commit: str | None, path: Path | None) -> None:
    """Refuse when the same name was given for something else, or for what is gone.

    Raises:
        TreeTaken: it was.
    """
    remove = f"`xvc worktree remove {known.name}` first, or take another name."
    if known.stage is SetupStage.REMOVING:
        raise TreeTaken(f"work tree {known.name} is being removed", remove)
    if path is not None and str(path.resolve()) != known.path:
        raise TreeTaken(f"work tree {known.name} is at {known.path}", remove)
    if commit is not None and commit != known.base:
        raise TreeTaken(f"work tree {known.name} began at {known.base[:10]}", remove)
    if known.stage is SetupStage.READY and not Path(known.path).is_dir():
        way = f"If it was moved, `git worktree repair` with its new path; if it is gone, {remove}"
        raise TreeTaken(f"work tree {known.name} is gone from {known.path}", way)


def _refuse_taken(project: Project, branch: str, place: Path) -> None:
    heads = project.git.refs("refs/heads/")
    family = branch.partition("/")[0]
    if f"refs/heads/{branch}" in heads:
        way = f"Take another name, or `git worktree add {quote(str(place))} {branch}` and "
        raise TreeTaken(
            f"branch {branch} exists", f"{way}`xvc worktree adopt {quote(str(place))}`."
        )
    if f"refs/heads/{family}" in heads:
        raise TreeTaken(f"branch {family} exists, so {branch} cannot", f"Rename {family}.")
    refuse_used(project, place)


def refuse_used(project: Project, place: Path) -> None:
    """Refuse a folder that is in use.

    Raises:
        TreeTaken: git has a tree there, or something else is there.
    """
    if any(tree.path == place for tree in trees(project.git)):
        way = (
            f"`xvc worktree adopt {quote(str(place))}` takes it on; if it was moved, "
            "`git worktree repair` with its new path leads git there; `git worktree prune` if "
            "it is gone."
        )
        raise TreeTaken(f"git has a work tree at {place}", way)
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise TreeTaken(f"{place} exists", "Name another folder with `--path`.")


def make_as_recorded(
    project: Project, record: Record, files: str = "HEAD"
) -> tuple[WorkTree, Record]:
    """Have git make the tree, as far as it is not made; the caller holds the list of trees.

    Args:
        project: any tree's.
        record: what was written down of it.
        files: the commit or the tree whose files it gets.

    Raises:
        NoTree: git has none there although it was made.
        GitFailed: git refused.
    """
    git, scratch = project.git, scratch_of(project.room, record.name)
    path, log = Path(record.path), log_of(project.room, record.name)
    try:
        if record.stage is SetupStage.MAKING:
            path.parent.mkdir(parents=True, exist_ok=True)
            make_tree(git, path, branch=record.branch, base=record.base, scratch=scratch, log=log)
    except (XvcError, OSError):
        if not path.exists():  # else the same call completes it
            forget_tree(git, path)
            if record.branch is not None:
                drop_branch(git, record.branch, record.base, log)
            forget(project.room, record.name)
        raise
    tree = next((each for each in trees(git) if each.path == path), None)
    if tree is None or tree.folder is None:
        raise NoTree(record.path)
    if record.stage is SetupStage.MAKING:
        _set_older_apart(project.room, tree.folder)
        record = remember(project.room, replace(record, tree=tree.folder.name))
        fill_tree(git_at(project, tree), files)
    return tree, record


def _set_older_apart(room: Room, folder: Path) -> None:
    """Keep the journals of an earlier tree of this name apart; git wrote `commondir` at birth."""
    born = (folder / "commondir").stat().st_mtime
    for journals in journal_folders(room, folder.name):
        if last_written(journals) < born:
            set_aside(room, journals)


def adopt(project: Project, path: Path) -> AddedTree:
    """Give a tree that git or another tool has made what `add` gives its own; twice is harmless.

    Raises:
        NoTree: git knows no linked tree there.
        TreeMoved: git knows it at another place.
        LockBusy: another xvc is at it, for long.
        GitFailed: git refused.
    """
    listed = every_tree(project)
    wanted = path.resolve()
    tree = next((each for each in listed[1:] if each.path == wanted), None)
    room = project.room
    if tree is None or tree.folder is None or tree.gone is not None:
        _refuse_moved_here(listed[1:], wanted)
        raise NoTree(str(path))
    record = next((each for each in records(room) if each.path == str(wanted)), None)
    if record is not None and record.stage is SetupStage.MAKING:
        return add(project, record.name)  # a call that was killed
    name = record.name if record else _free_name(room, tree)
    with tree_lock(room, name, "worktree adopt"):
        if record is None:
            base = tree.commit or ""
            fresh = Record(
                name=name,
                path=str(wanted),
                base=base,
                branch=tree.branch,
                made_branch=False,
                stage=SetupStage.READY,
            )
            _set_older_apart(room, tree.folder)
            record = replace(fresh, since=time.time_ns(), tree=tree.folder.name)
        done = set_up(project, listed[0], tree)
        is_new = record_of(room, name) is None
        if record.stage is not SetupStage.REMOVING:
            remember(room, replace(record, stage=SetupStage.READY))
        return AddedTree(
            name=name,
            path=record.path,
            branch=tree.branch,
            base=record.base,
            is_new=is_new,
            done=done,
        )


def _refuse_moved_here(linked: Iterable[WorkTree], path: Path) -> None:
    for tree in linked:
        if tree.folder is not None and not tree.path.is_dir() and leads_to(path, tree.folder):
            raise TreeMoved(tree.folder.name, str(tree.path), str(path))


def _free_name(room: Room, tree: WorkTree) -> str:
    """Name an adopted tree as its experiment's branch says, else as git does."""
    wanted = (tree.branch or "").removeprefix("exp/")
    own = tree.folder.name if tree.folder else tree.path.name
    taken = {each.name for each in records(room)}
    if tree.branch == branch_of(wanted) and "/" not in wanted and wanted not in taken:
        return wanted
    while own in taken:
        own += "-2"
    return own
