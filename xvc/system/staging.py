"""Writing a file or a folder beside its place and giving it its name in one step.

Without leave nothing is replaced, however many write to one place at once. With leave a folder is
moved aside first, and back when the new one cannot take its place. What a killed process has left
in a folder goes with the next that writes there, by its note of who it was.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType

from xvc.errors import BadValue
from xvc.system.process_id import Owner, current_owner, is_alive

_NOTE = "owner"
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EISDIR)
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK)


class Staging:
    """A hidden folder beside *target*, gone at the end of the ``with``."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self._made = [each for each in target.parents if not each.exists()]
        self._is_published = False
        self._home: Path | None = None
        self._old: Path | None = None

    @property
    def folder(self) -> Path:
        """Where to write."""
        assert self._home is not None  # noqa: S101 - only within the ``with``
        return self._home / "new"

    def __enter__(self) -> Staging:
        self.target.parent.mkdir(parents=True, exist_ok=True)
        _clear_dead(self.target.parent)
        name = f".{self.target.name.lstrip('.')}.getting-"
        self._home = Path(tempfile.mkdtemp(prefix=name, dir=self.target.parent))
        try:
            note = f"{current_owner()}\n{self.target.name}"
            (self._home / _NOTE).write_bytes(os.fsencode(note))
            self.folder.mkdir()
        except OSError:  # a full disk
            shutil.rmtree(self._home, ignore_errors=True)
            self._drop_empty_parents()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._old is not None and not self._is_published and not os.path.lexists(self.target):
            os.rename(self._old, self.target)
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
        if not self._is_published:
            self._drop_empty_parents()

    def _drop_empty_parents(self) -> None:
        for folder in self._made:
            try:
                folder.rmdir()
            except OSError:
                return  # somebody else has put something there

    def publish(self, written: Path, *, replace: bool) -> None:
        """Give what was written, a file or a folder in `folder`, the target's name.

        Raises:
            FileExistsError: something is there, and *replace* does not hold.
            OSError: it cannot be renamed.
        """
        is_folder = written.is_dir() and not written.is_symlink()
        while not self._is_published:
            if os.path.lexists(self.target):
                if not replace:
                    raise FileExistsError(errno.EEXIST, "already there", str(self.target))
                if not is_folder and (self.target.is_symlink() or not self.target.is_dir()):
                    os.replace(written, self.target)
                    self._is_published = True
                    return
                self._move_aside()
            self._is_published = self._name(written, is_folder=is_folder)

    def _move_aside(self) -> None:
        old = self.folder.with_name(f"old-{os.urandom(4).hex()}")
        try:
            os.rename(self.target, old)
        except FileNotFoundError:
            return  # another one was quicker
        self._old = old

    def _name(self, written: Path, *, is_folder: bool) -> bool:
        """Try to give the name; False when somebody has taken it meanwhile."""
        try:
            if is_folder:
                os.rename(written, self.target)
            else:
                _name_file(written, self.target)
        except OSError as err:
            if err.errno in _TAKEN:
                return False
            raise
        return True


def _clear_dead(folder: Path) -> None:
    """Take away what processes that were killed left here; what they had moved aside goes back."""
    for home in folder.glob(".*.getting-*"):
        try:
            record, _, name = os.fsdecode((home / _NOTE).read_bytes()).partition("\n")
            is_dead = is_alive(Owner.parse(record)) is False
        except (OSError, BadValue):
            continue  # not one of ours, or only just made
        if is_dead:
            for old in home.glob("old-*"):
                if not os.path.lexists(folder / name):
                    with contextlib.suppress(FileNotFoundError):  # another one was quicker
                        os.rename(old, folder / name)
            shutil.rmtree(home, ignore_errors=True)


def _name_file(written: Path, target: Path) -> None:
    """Link, because a rename would replace a file that came meanwhile."""
    try:
        os.link(written, target, follow_symlinks=False)
    except OSError as err:
        if err.errno not in _NO_LINKS:
            raise
        os.rename(written, target)
