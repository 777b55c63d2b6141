"""Putting a commit on the user's branch, index and all, so that a kill leaves nothing to repair.

git never takes away a lock file that its kill has left. So what is about to be locked is noted
before, and the next xvc clears what the note names and is ours by its content. A lock of the
user's own git is waited for, never touched.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from xvc.errors import BadValue, GitFailed, LockBusy
from xvc.git.commands import Git
from xvc.git.index_copy import copy_index
from xvc.system.files import sync_file, sync_folder
from xvc.system.pending import PendingChange, PendingLog
from xvc.system.process_id import Owner, current_owner, is_alive
from xvc.types import Json

REFS = "refs"
"""The kind of change that is noted: git is about to lock refs."""
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK)
_WAIT = 3.0  # seconds for the user's git to let the index go
_PAUSE = 0.02
_SETTLED = 1.0  # seconds after which an empty lock file is no longer a git at work


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A branch (None: a detached HEAD) goes from one commit (None: there is none yet) to another.

    ``why`` is for git's reflog.
    """

    branch: str | None
    parent: str | None
    commit: str
    why: str

    @property
    def back(self) -> Move | None:
        """The move back to the commit of before; None where there was none."""
        if self.parent is None:
            return None
        why = f"{self.why} was refused"
        return Move(branch=self.branch, parent=self.commit, commit=self.parent, why=why)


def advance(git: Git, move: Move, *, scratch: Path, log: PendingLog) -> None:
    """Move a branch, and the index with it.

    The index goes first: killed in between, the tree shows what is about to be committed, and the
    same call completes. Of the index only the paths that differ between the two commits change.

    Raises:
        LockBusy: the user's git holds the index; nothing has moved.
        GitFailed: the branch has moved meanwhile; the index is as it was.
    """
    entries = git.between(move.parent, move.commit)
    ref = "HEAD" if move.branch is None else f"refs/heads/{move.branch}"
    with noted(git, log, move.commit, (ref, "HEAD")), _held_index(git, scratch) as index:
        saved = copy_index(index, scratch / f"saved-{os.getpid()}.index")
        fresh = copy_index(index, scratch / f"fresh-{os.getpid()}.index")
        try:
            git.put(fresh, entries)
            if fresh.exists():
                _put(fresh, index)
            try:
                _move(git, move)
            except BaseException as err:
                has_moved = git.commit_of(ref) == move.commit  # its git may have died after that
                if not has_moved:
                    _put_back(saved, index)
                if not (has_moved and isinstance(err, GitFailed)):
                    raise
        finally:
            saved.unlink(missing_ok=True)
            fresh.unlink(missing_ok=True)


def _move(git: Git, move: Move) -> None:
    if move.branch is not None:
        git.move_branch(move.branch, move.commit, move.parent, move.why)
    elif move.parent is not None:
        git.move_detached_head(move.commit, move.parent, move.why)


def take_back(git: Git, scratch: Path, *, parent: str, commit: str) -> None:
    """Give the index what *parent* has, where it holds what *commit* was to bring.

    For an `advance` that was killed before the branch moved and is not done again.

    Raises:
        LockBusy: the user's git holds the index.
        GitFailed: git could not.
    """
    with _held_index(git, scratch) as index:
        found = git.call("diff-index", "--cached", "-z", "--name-only", commit)
        others = {os.fsdecode(path) for path in found.split(b"\0")}
        entries = {p: entry for p, entry in git.between(commit, parent).items() if p not in others}
        if entries:
            fresh = copy_index(index, scratch / f"fresh-{os.getpid()}.index")
            git.put(fresh, entries)
            _put(fresh, index)


def _put(fresh: Path, index: Path) -> None:
    """Put a file in the place of the user's index, on the disk when this returns."""
    sync_file(fresh)
    os.replace(fresh, index)
    sync_folder(index.parent)


def _put_back(saved: Path, index: Path) -> None:
    if saved.exists():
        _put(saved, index)
    else:
        index.unlink(missing_ok=True)


@contextlib.contextmanager
def _held_index(git: Git, scratch: Path) -> Iterator[Path]:
    """Hold the user's index as git does, by ``index.lock``; ours says whose it is."""
    lock = git.place.folder / "index.lock"
    mine = scratch / f"{os.getpid()}.index-lock"
    mine.write_text(str(current_owner()))
    deadline = time.monotonic() + _WAIT
    try:
        while not _linked(mine, lock):
            if time.monotonic() > deadline:
                raise LockBusy(str(lock), "git")
            time.sleep(_PAUSE)
    finally:
        mine.unlink()
    try:
        yield git.place.folder / "index"
    finally:
        lock.unlink()


def _linked(mine: Path, lock: Path) -> bool:
    """Make the lock with its content in one step, or in two where there are no hard links."""
    try:
        os.link(mine, lock)
    except FileExistsError:
        return False
    except OSError as err:
        if err.errno not in _NO_LINKS:
            raise
        return _written(mine, lock)
    return True


def _written(mine: Path, lock: Path) -> bool:
    try:
        with lock.open("xb") as file:
            file.write(mine.read_bytes())
    except FileExistsError:
        return False
    return True


@contextlib.contextmanager
def noted(git: Git, log: PendingLog, new: str, refs: Iterable[str]) -> Iterator[None]:
    """Note the refs that git is about to lock; *new* is what it writes there, or empty.

    One at a time: the caller holds the lock of versions. What a git that failed has left goes at
    once; after a kill the note stays, for whoever comes next.
    """
    locks = list(dict.fromkeys(_lock_of(git, ref) for ref in refs))
    facts: dict[str, Json] = {"new": new, "locks": [str(path) for path in locks]}
    change = log.note(REFS, facts)
    try:
        yield
    except GitFailed:
        clear(git, log)
        raise
    if any(lock.exists() for lock in locks):  # of a git that died after its work was done
        clear(git, log)
    change.take_off()


def _lock_of(git: Git, ref: str) -> Path:
    folder = git.place.folder if ref == "HEAD" else git.place.common
    return folder / f"{ref}.lock"


def is_index_dead(git: Git) -> bool:
    """Whether an xvc was killed while it held the index."""
    return _is_dead(git.place.folder / "index.lock")


def clear(git: Git, log: PendingLog) -> None:
    """Take away the lock files that a killed xvc or its git has left; the caller holds versions."""
    clear_index(git)
    for change in log.of(REFS):
        if are_ours(change):
            drop_locks(change)
            change.take_off()


def clear_index(git: Git) -> None:
    """Take away the lock of the index that a killed xvc has left."""
    if is_index_dead(git):
        (git.place.folder / "index.lock").unlink(missing_ok=True)


def are_ours(change: PendingChange) -> bool:
    """Whether every lock that a change of refs names, and that is there, is one our git has left.

    Raises:
        KeyError, TypeError: the facts are not those of this version.
    """
    new = str(change.facts["new"])
    return all(_is_left(lock, new, change.since) for lock in _locks(change) if lock.exists())


def drop_locks(change: PendingChange) -> None:
    """Take away the locks that a change of refs names."""
    for lock in _locks(change):
        lock.unlink(missing_ok=True)


def _locks(change: PendingChange) -> list[Path]:
    return [Path(str(lock)) for lock in cast("list[str]", change.facts["locks"])]


def _is_left(lock: Path, new: str, since: float) -> bool:
    """Whether our own git left a lock: its content and time are ours, and it no longer changes."""
    try:
        age = time.time() - lock.stat().st_mtime
        if 0 <= age < _SETTLED:
            time.sleep(_SETTLED - age)
        text = lock.read_text().strip()
        return lock.stat().st_mtime >= since - _SETTLED and (not new or new.startswith(text))
    except OSError:
        return True  # it has gone


def _is_dead(lock: Path) -> bool:
    try:
        return is_alive(Owner.parse(lock.read_text())) is False
    except (OSError, BadValue, UnicodeDecodeError):
        return False  # there is none, or it is git's own
