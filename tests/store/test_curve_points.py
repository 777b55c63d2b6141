"""Curves thinned in the database: every peak stays, what is not finite is counted."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from stores import filled
from xvc.errors import BadValue
from xvc.store import db
from xvc.store.curve_points import Curve, WantedCurves, curve_points
from xvc.types import RunId

A, B = RunId("a" * 12), RunId("b" * 12)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two runs of a thousand rows, one with a peak, a NaN and a row without a value."""
    row = "('00000000-0000-7000-8000-' || lpad(hex({n}), 12, '0'))::UUID"
    place = "'2026-01-01 00:00:00Z'::TIMESTAMPTZ + to_seconds(i)"
    value = (
        "CASE i WHEN 500 THEN 99 WHEN 600 THEN 'nan'::DOUBLE WHEN 700 THEN NULL ELSE i / 1000 END"
    )
    return filled(
        tmp_path / "s.duckdb",
        f"INSERT INTO events SELECT {row.format(n='i')}, '{A}', {place}, i, {value}, 'x' "
        "FROM range(1000) t(i)",
        f"INSERT INTO events SELECT {row.format(n='i + 5000')}, '{B}', {place}, i, 1.5, 'x' "
        "FROM range(1000) t(i)",
        logged={"step": "BIGINT", "loss": "DOUBLE", "word": "VARCHAR"},
    )


def curves(store: Path, **wanted: object) -> list[Curve]:
    facts = {"table": "events", "key": "loss", "x": "step", "runs": [A, B], **wanted}
    with db.reading(store) as connection:
        return curve_points(connection, WantedCurves(**facts))  # type: ignore[arg-type]


def test_a_thinned_curve_keeps_its_peak_and_its_ends(store: Path) -> None:
    """Of a thousand points some twenty are left, the peak, the first and the last among them."""
    first, second = curves(store, intervals=10)

    assert (first.run, second.run) == (A, B)
    assert len(first.x) <= 22
    assert (first.total, first.left_out) == (998, 1)
    assert first.y[first.x.index(500)] == 99
    assert (first.x[0], first.x[-1]) == (0, 999)
    assert list(first.x) == sorted(first.x)


def test_a_part_has_its_own_points(store: Path) -> None:
    """A zoom reads the points between its ends, as many as there are."""
    (found,) = curves(store, runs=[A], low=100, high=120)

    assert found.x == tuple(range(100, 121))
    assert found.y == tuple(n / 1000 for n in range(100, 121))


@pytest.mark.parametrize(("x", "ends"), [("row", (1, 1000)), ("relative", (0, 999))])
def test_axes_that_every_table_has(store: Path, x: str, ends: tuple[float, float]) -> None:
    """Rows are counted in each run from 1, seconds from its first row."""
    (found,) = curves(store, runs=[B], x=x)

    assert (found.x[0], found.x[-1]) == ends


def test_means_are_of_the_intervals(store: Path) -> None:
    """What is to be smoothed is the mean of each interval."""
    (found,) = curves(store, runs=[B], intervals=4, is_mean=True)

    assert found.y == (1.5,) * 4
    assert math.isclose(sum(found.x) / 4, 499.5, rel_tol=0.01)


def test_text_has_no_curve(store: Path) -> None:
    """A key whose values are no numbers is refused by its name."""
    with pytest.raises(BadValue, match="word"):
        curves(store, key="word")
