"""The house stands as xvc/ARCHITECTURE.md draws it."""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path

import pytest

from floors import HOUSE, House

LARGE = {"xvc.errors": "the tree of errors is one page: who catches one reads it in one place"}
LONG = {"xvc.journal.writer.row": "the path of every logged row: a call more costs 5 % of it"}
"""The exceptions, each with its reason; CONTRIBUTING.md lists them, and they may not grow."""


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
        ("core/version.py", "from xvc.store import db", "store is not below core"),
        (
            "store/db.py",
            "def late():\n    from xvc.runs.run import run",
            "flows is not below store",
        ),
        (
            "setup/status.py",
            "from xvc.tracking.tracker import Tracker",
            "tracking is not below flows",
        ),
        ("errors.py", "import xvc.types", "types is not below errors"),
        ("core/plain.py", "from . import ids", "relative imports hide the floor"),
        ("cli/output.py", "import duckdb", "not a door of duckdb"),
        ("runs/list.py", "def late():\n    import pandas as pd", "not a door of pandas"),
        ("git/commands.py", "from git import Repo", "git has no door"),
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


def test_modules_are_small() -> None:
    """No module has more than 400 lines; half of them have fewer than 120."""
    sizes = House().sizes()

    assert {name for name, size in sizes.items() if size > 400} == set(LARGE)
    assert statistics.median(sizes.values()) < 120


def test_functions_are_short() -> None:
    """No function has more than 40 lines beside its docstring."""
    long = {name for name, length in House().functions() if length > 40}

    assert long == set(LONG)


@pytest.mark.parametrize("name", [*LARGE, *LONG])
def test_exceptions_are_catalogued(name: str) -> None:
    """Each exception stands in the catalogue that a contributor reads."""
    page = (HOUSE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")

    assert f"`{name}`" in page
