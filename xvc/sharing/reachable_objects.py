"""What a repository still needs of its DVC cache: all that any name in it leads to.

Branches, those of remotes, tags, run snapshots, stashes, and of every work tree HEAD, index and
files must be readable in full; one that is not stops the search. What their history, the reflogs,
the journals, unfinished merges and DVC's own notes mention is kept as well. So is what other
projects of the repository need, as far as it is in this cache. Reads only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from xvc.core.run_inputs import is_digest
from xvc.dvc.commit_outputs import Pointers, digests_in_file
from xvc.dvc.outputs import digests_of, object_of
from xvc.dvc.pointers import Out, tracked_outs
from xvc.dvc.repository import Dvc
from xvc.errors import (
    BusyError,
    CorruptError,
    NoObject,
    PointerCorrupt,
    StoreCorrupt,
    Unresolved,
    error,
)
from xvc.git.commands import Git
from xvc.git.worktrees import WorkTree, trees
from xvc.project import Project
from xvc.recovery.recover import mend
from xvc.store import db, query
from xvc.worktrees.known_trees import git_at

_PATTERNS = ("*.dvc", "dvc.lock", "*/dvc.lock", "dvc.yaml", "*/dvc.yaml")
_HEADS = ("HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD", "ORIG_HEAD")
_UNREAD = ("logs", "tmp", "dvc-site", "dvc-cache", "stores-kept", "locks", "gc")
_FOLDER, _STORE = ".dir", ".duckdb"
_DUCK = b"DUCK"  # at byte 8 of every DuckDB file


@error("unreadable-root")
class Unreadable(CorruptError):
    """Something that may need objects cannot be read, so nobody knows which."""

    what: str
    reason: str
    says = "{what}: {reason}"
    way = (
        "Nothing was deleted or marked. `xvc pull` brings what is missing, `git worktree prune` "
        "forgets a tree that is gone, `git tag -d` or `git branch -D` gives up what is broken."
    )


@dataclass(frozen=True, slots=True)
class _OutputSource:
    """What names outputs, in words: a ref at a *commit*, or an index or file of a tree."""

    words: str
    commit: str | None = None


@dataclass(slots=True)
class _Search:
    """What was found so far: outputs with what named them, and digests that are mentioned."""

    named: dict[Out, _OutputSource] = field(default_factory=dict)
    stores: dict[Out, _OutputSource] = field(default_factory=dict)
    mentioned: set[str] = field(default_factory=set)

    def add(self, outs: Iterable[Out], by: _OutputSource) -> None:
        for out in outs:
            self.named.setdefault(out, by)


def needed(project: Project, dvc: Dvc) -> set[str]:
    """Return the digest of every object that something needs.

    Raises:
        Unreadable: something cannot be read; its name and why are said.
        UnreadableAt: a pointer in a commit or an index cannot be read.
        BadListing: a folder's list names a file outside it.
        GitFailed: git cannot say.
    """
    mend(project)  # it brings journals back from the fallback folder
    git, pointers, found = project.git, Pointers(project.git), _Search()
    listed = [tree for tree in trees(git) if not tree.is_bare]
    _refuse_away(listed)
    refs = _refs(project, git, listed)
    outs = pointers.outs_of(refs.values())
    history, tips = _history(git, refs.values())
    for ref, commit in refs.items():
        found.add(outs[commit], _OutputSource(ref, commit))
        if commit in tips:
            _note_stores(found, outs[commit], _OutputSource(ref, commit))
    for tree in listed:
        _look_into_tree(project, pointers, tree, found)
    pointers.read(history)
    found.mentioned |= pointers.mentioned() | _noted(project, dvc)
    for out, by in found.stores.items():
        found.mentioned |= _outs_of_runs(project, dvc, out, by)
    return _expanded(project, dvc, found)


def _refuse_away(listed: Iterable[WorkTree]) -> None:
    for tree in listed:
        if not tree.path.is_dir() or not os.access(tree.path, os.R_OK | os.X_OK):
            raise Unreadable(f"work tree {tree.path}", tree.gone or "it is not there")


def _refs(project: Project, git: Git, listed: Iterable[WorkTree]) -> dict[str, str]:
    """Map all that has a name to its commit: refs, and where each tree stands."""
    parts = ("refname", "objecttype", "objectname", "*objecttype", "*objectname")
    flags = f"--format={' '.join(f'%({part})' for part in parts)}"
    found: dict[str, str] = {}
    for line in git.text("for-each-ref", flags).splitlines():
        ref, *facts = line.split()
        kind, name = facts[-2:]  # of what a tag marks, where it is one
        if kind in ("commit", "tag"):
            found[ref] = name
    for tree in listed:
        there = git_at(project, tree)
        for name in _HEADS:
            commit = there.commit_of(name)
            if commit is not None:
                found[f"{name} of {tree.path}"] = commit
    return found


def _history(git: Git, named: Iterable[str]) -> tuple[list[str], set[str]]:
    """List every commit that anything leads to, and those that are nobody's parent."""
    asked = "".join(f"{commit}\n" for commit in named).encode()
    lines = git.call("rev-list", "--all", "--reflog", "--parents", "--stdin", stdin=asked)
    commits, parents = [], set[str]()
    for line in lines.decode().splitlines():
        commit, *before = line.split()
        commits.append(commit)
        parents.update(before)
    return commits, set(commits) - parents


def _note_stores(found: _Search, outs: Iterable[Out], by: _OutputSource) -> None:
    """Note the stores of the newest commits only: a later store has all runs of an earlier one."""
    known = {out.digest for out in found.stores}
    for out in outs:
        if out.path.endswith(_STORE) and out.digest not in known:
            found.stores[out] = by


def _look_into_tree(project: Project, pointers: Pointers, tree: WorkTree, found: _Search) -> None:
    """Read the index in all its stages, and the files, tracked or not, ignored or not."""
    git = git_at(project, tree)
    stages: dict[str, dict[str, str]] = {}
    for part in _asked(git, "--stage"):
        meta, _, path = part.partition("\t")
        mode, blob, stage = meta.split()
        if mode.startswith("100"):
            stages.setdefault(stage, {})[path] = blob
    for files in stages.values():
        outs = pointers.outs_of_files(f"the index of {tree.path}", files)
        found.add(outs, _OutputSource(f"the index of {tree.path}"))
        _note_stores(found, outs, _OutputSource(f"the index of {tree.path}"))
    for path in [*_asked(git, "--cached"), *_asked(git, "--others")]:
        if ".dvc" not in PurePosixPath(path).parts[:-1]:
            _look_into_file(tree, path, found)


def _asked(git: Git, kind: str) -> list[str]:
    answer = git.call("ls-files", "-z", kind, "--", *_PATTERNS)
    return [part for part in os.fsdecode(answer).split("\0") if part]


def _look_into_file(tree: WorkTree, path: str, found: _Search) -> None:
    place = tree.path / path
    if not place.is_file():
        return
    try:
        outs = tracked_outs(tree.path, [path])
        found.mentioned |= digests_in_file(place)
    except PointerCorrupt as err:
        raise Unreadable(str(place), err.reason) from err
    except Unresolved as err:
        raise Unreadable(str(place), "it holds merge marks") from err
    except OSError as err:
        raise Unreadable(str(place), err.strerror or str(err)) from err
    found.add(outs, _OutputSource(str(place)))
    _note_stores(found, outs, _OutputSource(str(place)))


def _noted(project: Project, dvc: Dvc) -> set[str]:
    """List what journals, merges, the operation log and DVC's cache of stages mention."""
    room = project.room.folder
    folders = [path for path in room.iterdir() if path.name not in _UNREAD] if room.exists() else []
    found: set[str] = set()
    for file in _files((*folders, dvc.cache / "runs")):
        if file.suffix != _STORE:
            try:
                found |= digests_in_file(file)
            except FileNotFoundError:
                continue  # a journal that a version has just made superfluous
            except OSError as err:
                raise Unreadable(str(file), err.strerror or str(err)) from err
    return found


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_file():
            yield place
        elif place.is_dir():
            yield from (path for path in place.rglob("*") if path.is_file())


def _outs_of_runs(project: Project, dvc: Dvc, out: Out, by: _OutputSource) -> set[str]:
    """List what the runs of a store have read and left."""
    place, said = object_of(dvc, out.digest), f"{out.path} at {by.words}"
    try:
        with place.open("rb") as file:
            if file.read(12)[8:] != _DUCK:
                return set()
        with db.reading(place) as connection:
            runs = query.with_files(connection)
    except FileNotFoundError:
        if _is_elsewhere(project, dvc, out, by):
            return set()
        raise Unreadable(said, "the store is not in the DVC cache") from None
    except (StoreCorrupt, BusyError, OSError) as err:
        raise Unreadable(said, str(err)) from err
    files = (file.digest for run in runs for file in (*run.data.values(), *run.outs.values()))
    return {name for name in files if is_digest(name)}


def _is_elsewhere(project: Project, dvc: Dvc, out: Out, by: _OutputSource) -> bool:
    """Whether an output is of another DVC repository of the tree that keeps it in another cache."""
    top, git = project.top, project.git
    for folder in PurePosixPath(out.said_by).parents:
        if top / folder == dvc.root:
            return False
        if (top / folder / ".dvc" / "config").is_file():
            return Dvc(top / folder, project.environment).cache.resolve() != dvc.cache.resolve()
        text = git.read(by.commit, f"{folder}/.dvc/config") if by.commit else None
        if text is not None:
            return re.search(rb"(?m)^\s*dir\s*=", text) is None  # its own: another than ours
    return False


def _expanded(project: Project, dvc: Dvc, found: _Search) -> set[str]:
    """Add what is in the folders; of those only mentioned, as far as their list is here."""
    wanted, done = set(found.mentioned), set[str]()
    for out, by in found.named.items():
        wanted.add(str(out.digest))
        if out.digest.endswith(_FOLDER) and out.digest not in done:
            try:
                wanted |= set(digests_of(dvc, out).values())
            except NoObject:
                if not _is_elsewhere(project, dvc, out, by):
                    why = "its list is not in the cache"
                    raise Unreadable(f"{out.path} at {by.words}", why) from None
            done.add(str(out.digest))
    for digest in {name for name in found.mentioned if name.endswith(_FOLDER)} - done:
        if dvc.holds(digest):
            wanted |= set(dvc.listing(digest, digest).values())
    return wanted
