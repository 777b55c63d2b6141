"""The house stands as xvc/ARCHITECTURE.md draws it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from floors import HOUSE, House


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, to do wrong things to."""
    folder = tmp_path / "xvc"
    shutil.copytree(HOUSE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_imports_go_down_and_through_their_doors() -> None:
    """Every import, late ones included, is one that the two tables allow; none goes in a circle."""
    complaints = House().complaints()

    assert complaints == []


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("core/version.py", "from xvc.store import db", "core may not use store"),
        (
            "store/db.py",
            "def late():\n    from xvc.runs.run import run",
            "store may not use runs",
        ),
        (
            "setup/status.py",
            "from xvc.tracking.tracker import Tracker",
            "setup may not use tracking",
        ),
        ("errors.py", "import xvc.types", "errors may not use types"),
        ("core/json_values.py", "from . import ids", "relative imports hide the floor"),
        ("cli/output.py", "import duckdb", "not a door of duckdb"),
        ("runs/list.py", "def late():\n    import pandas as pd", "not a door of pandas"),
        ("git/commands.py", "from git import Repo", "not a door of git"),
        ("core/run.py", "from xvc.core import record", "xvc.core.record →"),
        ("gadgets.py", "", "room gadgets is on no floor"),
    ],
)
def test_a_wrong_import_is_found(copy: Path, file: str, line: str, complaint: str) -> None:
    """An import on the wrong floor, beside a door or in a circle fails the test above."""
    with (copy / file).open("a") as planted:
        planted.write(f"\n{line}\n")

    complaints = House(copy).complaints()

    assert any(complaint in each for each in complaints)


def test_an_idle_door_is_found(copy: Path) -> None:
    """The table may not promise a door that nobody uses."""
    page = copy / "ARCHITECTURE.md"
    page.write_text(page.read_text().replace("| psutil | ", "| psutil | `core/ids.py`, "))

    complaints = House(copy).complaints()

    assert complaints == ["xvc.core.ids is named as a door of psutil and does not import it"]


def test_types_may_be_named_anywhere(copy: Path) -> None:
    """A third-party type in a signature costs nothing at run time and needs no door."""
    with (copy / "core" / "ids.py").open("a") as planted:
        planted.write("\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import duckdb\n")

    assert House(copy).complaints() == []


@pytest.mark.parametrize("room", sorted(each.name for each in House().rooms.values()))
def test_a_sideways_import_is_found_in_every_room(copy: Path, room: str) -> None:
    """No room may use another that the table does not give it."""
    house = House()
    others = [o for o in house.rooms if o != room and not house.may_use(room, o)]
    folder = copy / room
    file = next(p for p in sorted(folder.glob("*.py"))) if folder.is_dir() else copy / f"{room}.py"
    with file.open("a") as planted:
        planted.writelines(f"\nimport xvc.{other}\n" for other in others)

    complaints = "\n".join(House(copy).complaints())

    assert [o for o in others if f"{room} may not use {o}" not in complaints] == []


def test_a_circle_of_typing_imports_inside_a_room_is_found(copy: Path) -> None:
    """Two modules of a room that name each other's types are one module, or a third is missing."""
    with (copy / "runs" / "comparison.py").open("a") as planted:
        planted.write("\nif TYPE_CHECKING:\n    from xvc.runs.compare import Comparison\n")

    complaints = House(copy).complaints()

    assert any("xvc.runs.comparison →" in each for each in complaints)


@pytest.mark.parametrize("row", House().rules(), ids=lambda row: row[0])
def test_a_rule_is_two_hops_from_the_page(row: tuple[str, list[str], list[str]]) -> None:
    """The page names where a rule is and what calls it: both exist, and the caller imports it."""
    _, rules, callers = row
    house = House()

    assert [each for each in (*rules, *callers) if each not in house.modules] == []
    imported = {(each.module, each.target) for each in house.imports}
    assert [
        caller
        for caller in callers
        if caller not in rules and not any((caller, rule) in imported for rule in rules)
    ] == []
