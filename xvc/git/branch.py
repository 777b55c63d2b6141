"""Putting a commit on the user's branch, index and all, so that a kill leaves nothing to repair.

git never takes away a lock file that its kill has left. So what is about to be locked is noted
before, and the next xvc clears what the note names and is ours by its content. A lock of the
user's own git is waited for, never touched.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from xvc.errors import BadValue, GitFailed, LockBusy
from xvc.git.commands import Git
from xvc.git.index_copy import copy_index
from xvc.system.files import sync_folder, write_durably
from xvc.system.process_id import Owner, current_owner, is_alive

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK)
_WAIT = 3.0  # seconds for the user's git to let the index go
_PAUSE = 0.02
_SETTLED = 1.0  # seconds after which an empty lock file is no longer a git at work


def advance(
    git: Git, scratch: Path, parent: str | None, branch: str | None, commit: str, why: str
) -> None:
    """Move *branch* (None: a detached HEAD) from *parent* to *commit*, and the index with it.

    The index goes first: killed in between, the tree shows what is about to be committed, and the
    same call completes. Of the index only the paths that differ between the two commits change.

    Raises:
        LockBusy: the user's git holds the index; nothing has moved.
        GitFailed: the branch has moved meanwhile; the index is as it was.
    """
    entries = git.between(parent, commit)
    ref = "HEAD" if branch is None else f"refs/heads/{branch}"
    with noted(git, scratch, commit, (ref, "HEAD")), _held_index(git, scratch) as index:
        saved = copy_index(index, scratch / f"saved-{os.getpid()}.index")
        fresh = copy_index(index, scratch / f"fresh-{os.getpid()}.index")
        try:
            git.put(fresh, entries)
            if fresh.exists():
                os.replace(fresh, index)
                sync_folder(index.parent)
            try:
                _move(git, parent, branch, commit, why)
            except BaseException as err:
                has_moved = git.commit_of(ref) == commit  # its git may have died after that
                if not has_moved:
                    _put_back(saved, index)
                if not (has_moved and isinstance(err, GitFailed)):
                    raise
        finally:
            saved.unlink(missing_ok=True)
            fresh.unlink(missing_ok=True)


def _move(git: Git, parent: str | None, branch: str | None, commit: str, why: str) -> None:
    if branch is not None:
        git.move_branch(branch, commit, parent, why)
    elif parent is not None:
        git.move_detached_head(commit, parent, why)


def take_back(git: Git, scratch: Path, parent: str, commit: str) -> None:
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
            os.replace(fresh, index)
            sync_folder(index.parent)


def _put_back(saved: Path, index: Path) -> None:
    if saved.exists():
        os.replace(saved, index)
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
def noted(git: Git, scratch: Path, new: str, refs: Iterable[str]) -> Iterator[None]:
    """Note the refs that git is about to lock; *new* is what it writes there, or empty.

    One at a time: the caller holds the lock of versions. What a git that failed has left goes at
    once; after a kill the note stays, for whoever comes next.
    """
    locks = [_lock_of(git, ref) for ref in refs]
    facts = {"new": new, "locks": [str(path) for path in dict.fromkeys(locks)]}
    scratch.mkdir(parents=True, exist_ok=True)
    write_durably(_note(scratch), json.dumps(facts).encode())
    try:
        yield
    except GitFailed:
        clear(git, scratch)
        raise
    if any(lock.exists() for lock in locks):  # of a git that died after its work was done
        clear(git, scratch)
    _note(scratch).unlink(missing_ok=True)


def _note(scratch: Path) -> Path:
    return scratch / "refs-being-moved"


def _lock_of(git: Git, ref: str) -> Path:
    folder = git.place.folder if ref == "HEAD" else git.place.common
    return folder / f"{ref}.lock"


def has_remains(git: Git, scratch: Path) -> bool:
    """Whether an xvc or its git was killed while it moved refs or held the index."""
    return _note(scratch).exists() or _is_dead(git.place.folder / "index.lock")


def clear(git: Git, scratch: Path) -> None:
    """Take away the lock files that a killed xvc or its git has left; the caller holds versions."""
    index = git.place.folder / "index.lock"
    if _is_dead(index):
        index.unlink(missing_ok=True)
    note = _note(scratch)
    try:
        facts = json.loads(note.read_bytes())
        new, locks, since = facts["new"], list(map(Path, facts["locks"])), note.stat().st_mtime
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        note.unlink(missing_ok=True)
        return
    if all(_is_left(lock, new, since) for lock in locks if lock.exists()):
        for lock in locks:
            lock.unlink(missing_ok=True)
        note.unlink(missing_ok=True)


def _is_left(lock: Path, new: str, since: float) -> bool:
    """Whether a lock is what our git has left: of our time, with our content, and at rest."""
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
