"""What every command does in clones of hostile repositories: `scripts/hostile.py` has the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from hostile_kinds import (
    CALLS,
    KINDS,
    MORE,
    PRIVATE,
    VARIABLE,
    Kind,
    both,
    made,
    prepare,
    tried,
)
from surroundings import Calling, copied

_FEW = ("pipeline: commands and templates", "pointers outside", "a folder's list upwards")


@pytest.fixture
def tree(_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stranger's project; we are in it, and a variable of ours is private."""
    monkeypatch.setenv(VARIABLE, PRIVATE)
    (tmp_path / "template").mkdir()
    folder = copied(_template, tmp_path / "template" / "tree")
    monkeypatch.chdir(folder)
    return folder


def test_reading_a_hostile_clone_leaves_the_outside_alone(
    tree: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """Nothing private is opened, written, shown or recorded, and nothing is a mistake of xvc's."""
    scene = prepare(tree.parent, call_xvc, versions=())
    kind = Kind(both(*(KINDS[name].make for name in _FEW)))

    finding = tried(made(kind, scene, tmp_path / "kind"), call_xvc, ("pull", "ls", "status"))

    assert (finding.read, finding.written, finding.wrong) == ((), (), ())
    assert [*finding.said.values()] == ["ok"] * 3


@pytest.mark.sweep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", KINDS)
def test_every_command_in_every_hostile_clone(
    name: str, tree: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """The same of every kind and every command, those that write included."""
    scene = prepare(tree.parent, call_xvc)
    kind = KINDS[name]
    calls = kind.calls((*CALLS, *MORE))

    finding = tried(made(kind, scene, tmp_path / "kind"), call_xvc, calls)

    assert (finding.read, finding.written, finding.wrong) == ((), (), ())
