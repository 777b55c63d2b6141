"""What processes leave of the modules that they loaded is read whatever became of it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from xvc.system.loaded_modules import leave_own_files, left_own_files, own_files


class _Late(ModuleType):
    """A module that loads what it stands for when it is asked for anything that it lacks."""

    def __getattr__(self, name: str) -> object:
        raise ImportError(name)


def test_a_line_that_was_torn_hides_no_other(tmp_path: Path) -> None:
    """A process that is killed, or a disk that is full, leaves half a line."""
    place = tmp_path / "left"
    script = str(tmp_path / "train.py")
    leave_own_files(script, place)
    with place.open("ab") as file:
        file.write(b'"/half/a/na\n[1]\n\xff\n')
    leave_own_files(str(tmp_path / "eval.py"), place)

    assert {script, str(tmp_path / "eval.py")} <= {*left_own_files(place)}
    assert not place.exists()


def test_a_module_that_loads_late_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking at what a process has loaded asks no module for anything."""
    monkeypatch.setitem(sys.modules, "xvc_late", _Late("xvc_late"))

    assert own_files(str(tmp_path / "train.py"))[0] == str(tmp_path / "train.py")
