"""Whether bytes were written to a file that was there before."""

from __future__ import annotations

import mmap
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from xvc.system.written_files import Before


def _same_again(file: Path) -> None:
    file.write_bytes(b"before")


def _other(file: Path) -> None:
    file.write_bytes(b"behind")


def _replaced(file: Path) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_bytes(b"before")
    fresh.rename(file)


def _appended(file: Path) -> None:
    with file.open("ab") as at:
        at.write(b"!")


def _mapped(file: Path) -> None:
    with file.open("r+b") as at, mmap.mmap(at.fileno(), 0) as held:
        held[:] = b"behind"
    os.utime(file)


def _opened(file: Path) -> None:
    file.open("r+b").close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who wrote")
@pytest.mark.parametrize(
    ("act", "is_written"),
    [
        (Path.touch, False),
        (os.utime, False),
        (_opened, False),
        (lambda file: file.chmod(0o600), False),
        (_same_again, True),
        (_other, True),
        (_replaced, True),
        (_appended, True),
        (_mapped, True),
    ],
)
def test_writing_is_told_from_a_touch(
    tmp_path: Path, act: Callable[[Path], object], is_written: bool
) -> None:
    """Times alone tell neither; the same bytes written again are writing."""
    file = tmp_path / "a"
    file.write_bytes(b"before")
    time.sleep(0.03)
    before, since = Before([file]), time.time_ns()
    act(file)
    older = before.not_written(file, since - 10**9)
    is_untouched = before.is_untouched(file, older)
    before.close()

    assert is_untouched is not is_written


def test_of_more_files_than_are_watched_none_is_lost(tmp_path: Path) -> None:
    """Beyond the limits another time counts as writing."""
    for number in range(2100):
        (tmp_path / f"{number:04}").touch()
    before, since = Before([tmp_path]), time.time_ns() - 10**9
    for file in tmp_path.iterdir():
        os.utime(file, ns=(1, time.time_ns() + 1))
    older = before.not_written(tmp_path, since)
    before.close()

    assert 0 < len(older) <= 2000
