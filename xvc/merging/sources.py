"""What a person names as the source of a merge: the file of its store, and the common ancestor's.

Branches, versions, branches of remotes and runs mean the store that their commit holds; a work tree
and a path mean a store as it is now. Reads only.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

from xvc.core.worktree import folder_of
from xvc.dvc.pointers import parse_pointer
from xvc.dvc.repository import Dvc, pointer_of
from xvc.errors import BadReference, NoObject, NotFoundError, error
from xvc.git.history import changed_at, made_at, named
from xvc.git.worktrees import WorkTree, base_of, living_trees
from xvc.history.find import find
from xvc.journal.folders import every_journal, last_written, left_behind, name_of
from xvc.project import Project
from xvc.store.db import wal_of
from xvc.store.merge import merged_digests
from xvc.store.orphan_journals import fold_into
from xvc.system.files import make_folder, md5_of
from xvc.worktrees.known_trees import NoTree, every_tree, project_at, tree_named

_WORKTREE = "worktree:"
_MERGING = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD")


@error("no-source")
class NoSource(NotFoundError):
    """Nothing that can be merged answers to a name."""

    name: str
    reason: str
    says = "cannot merge {name!r}: {reason}"
    way = "Name a branch, a version, worktree:NAME, origin/BRANCH, or a path to a store."


class NotFetched(NoObject):
    """The store of a commit is not in the DVC cache."""

    code = "not-fetched"

    @property
    def hint(self) -> str:
        """Names the fetch that brings every commit's."""
        return f"Fetch it with `dvc fetch --all-commits {quote(self.path)}`; nothing was changed."


@dataclass(frozen=True, slots=True)
class MergeSource:
    """A source: its store, the ancestor's, and when it was written (seconds since the epoch).

    ``digest`` names its content; ``is_live`` tells that the file may change: it lies in a tree, not
    in the cache.
    """

    name: str
    path: Path
    digest: str
    base: Path | None
    at: float
    is_live: bool


def resolve(project: Project, dvc: Dvc, text: str) -> MergeSource:
    """Find what *text* means.

    Raises:
        NoSource: nothing answers to it, or it has no store.
        NotFetched: its store, or the common ancestor's, is not in the DVC cache.
    """
    path = Path(text) if os.path.isabs(text) else project.root / text
    if path.is_file():
        return _of_file(project, text, path)
    if text.startswith(_WORKTREE):
        return _of_tree_or_its_journals(project, dvc, text)
    commit = named(project.git, text) or _of_run(project, text)
    if commit is None:
        with suppress(NoTree):
            return _of_tree_or_its_journals(project, dvc, text)
    if commit is None:
        raise NoSource(text, "no branch, version, run, work tree or file has that name")
    digest = _pointer_at(project, commit)
    if digest is None:
        raise NoSource(text, f"{_pointer_path(project)} is not in it")
    passed = changed_at(project.git, commit, _pointer_path(project), None)
    at = float(made_at(project.git, passed[0] if passed else commit))
    path, base = _held(project, dvc, digest), _base(project, dvc, commit)
    return MergeSource(name=text, path=path, digest=digest, base=base, at=at, is_live=False)


def _of_file(project: Project, text: str, path: Path) -> MergeSource:
    if project.store_path.exists() and path.samefile(project.store_path):
        raise NoSource(text, "that is the store to merge into")
    return _live(text, path.resolve(), None)


def _live(text: str, path: Path, base: Path | None) -> MergeSource:
    """Take a store as it lies there, with what DuckDB has only in the log beside it."""
    digest = md5_of(path)
    if wal_of(path).exists():
        digest += f"+{md5_of(wal_of(path))}"
    return MergeSource(
        name=text, path=path, digest=digest, base=base, at=path.stat().st_mtime, is_live=True
    )


def _of_tree_or_its_journals(project: Project, dvc: Dvc, text: str) -> MergeSource:
    """Take the store of a tree; of one that is removed, what its journals hold."""
    try:
        return _of_tree(project, dvc, text)
    except NoTree:
        name = text.removeprefix(_WORKTREE)
        room, living = project.room, living_trees(every_tree(project))
        folders = [
            folder
            for folder in left_behind(room, living)
            if name_of(room, folder) in (name, folder_of(name))
        ]
        if not folders:
            why = f"there is no work tree {name}, and no journal of a removed one of that name"
            raise NoSource(text, why) from None
    place = room.scratch / f"removed-{os.getpid()}-{os.urandom(4).hex()}.duckdb"
    make_folder(room.scratch)
    fold_into(place, [each for folder in folders for each in every_journal(folder)], room.scratch)
    at = max(last_written(folder) for folder in folders)
    return replace(_live(text, place, None), at=at)


def _of_tree(project: Project, dvc: Dvc, text: str) -> MergeSource:
    tree = _tree(project, text.removeprefix(_WORKTREE))
    there = project_at(project, tree)
    if there.store_path == project.store_path:
        raise NoSource(text, "that is the tree to merge into")
    there.keeper.refresh()
    if not there.store_path.is_file():
        raise NoSource(text, "nothing is recorded there")
    base = _base(project, dvc, tree.commit) if tree.commit else None
    return _live(text, there.store_path, base)


def _tree(project: Project, name: str) -> WorkTree:
    main = every_tree(project)[0]
    if name == "main" and not main.is_bare:
        return main
    tree = tree_named(project, name, project.root)[1]
    if tree is None or tree.gone is not None:
        raise NoTree(name)
    return tree


def _of_run(project: Project, text: str) -> str | None:
    """Find the commit of a run's version."""
    try:
        version = find(project, [text])[0].version
    except (NotFoundError, BadReference):
        return project.git.commit_of(text) if not text.startswith("-") else None
    if version is None:
        raise NoSource(text, "that run has no version; its rows are in the store of its tree")
    return named(project.git, version)


def written_at(project: Project, digest: str) -> float:
    """Tell when a store was made that git is merging now, in seconds since the epoch; else 0."""
    heads = [commit for head in _MERGING if (commit := project.git.commit_of(head)) is not None]
    for commit in heads:
        for passed in changed_at(project.git, commit, _pointer_path(project), None):
            if _pointer_at(project, passed) == digest:
                return float(made_at(project.git, passed))
    return 0.0


def _pointer_path(project: Project) -> str:
    return project.relative(pointer_of(project.store_path))


def _pointer_at(project: Project, commit: str) -> str | None:
    path = _pointer_path(project)
    text = project.git.read(commit, path)
    return None if text is None else parse_pointer(text, path).digest


def _held(project: Project, dvc: Dvc, digest: str) -> Path:
    if not dvc.holds(digest):
        raise NotFetched(digest, _pointer_path(project))
    return dvc.verify(digest, _pointer_path(project))


def _base(project: Project, dvc: Dvc, commit: str) -> Path | None:
    """Find the store that both sides come from: of what was merged before, the newest."""
    here = project.git.commit_of("HEAD")
    parted = base_of(project.git, here, commit) if here else None
    digest = _merged_before(project, commit, parted)
    if digest is None and parted is not None:
        digest = _pointer_at(project, parted)
    return None if digest is None else _held(project, dvc, digest)


def _merged_before(project: Project, commit: str, parted: str | None) -> str | None:
    """Find the newest of their stores that ours has been merged with since we parted."""
    keeper = project.keeper
    if not keeper.path.exists():
        return None
    merged = merged_digests(keeper.path, is_known=keeper.is_as_left)
    if not merged:
        return None
    for passed in changed_at(project.git, commit, _pointer_path(project), parted):
        digest = _pointer_at(project, passed)
        if digest in merged:
            return digest
    return None
