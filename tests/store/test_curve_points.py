"""Curves thinned in the database: every peak stays, what is not finite is counted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from stores import filled
from xvc.errors import BadValue
from xvc.store import db
from xvc.store.curve_points import Curve, WantedCurves, curve_points, telling_axes
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


def _axis(
    tmp_path: Path, rows: Sequence[Mapping[str, object]], key: str = "loss"
) -> tuple[str | None, list[str]]:
    """Ask which axis the curves of two runs with the same rows have, and which they could have."""
    keys = list(rows[0])
    values = [
        f"('00000000-0000-7000-8000-' || lpad(hex({number}), 12, '0'))::UUID, '{run}', "
        f"'2026-01-01 00:00:00Z'::TIMESTAMPTZ, "
        + ", ".join("NULL" if row[each] is None else str(row[each]) for each in keys)
        for number, (run, row) in enumerate((run, row) for run in (A, B) for row in rows)
    ]
    store = filled(
        tmp_path / "s.duckdb",
        *(f"INSERT INTO events SELECT {each}" for each in values),
        logged=dict.fromkeys(keys, "DOUBLE"),
    )
    candidates = [each for each in keys if each not in ("loss", "val")]
    with db.reading(store) as connection:
        return telling_axes(connection, "events", key, candidates, [A, B])


def test_a_param_is_no_axis(tmp_path: Path) -> None:
    """`--epochs 12` stands in every row of its run; what counts the rows is the other key."""
    rows = [{"epochs": 12, "epoch": n, "loss": n / 3} for n in range(5)]

    assert _axis(tmp_path, rows) == ("epoch", ["epoch"])
    assert _axis(tmp_path, [{"epochs": 12, "loss": n} for n in range(5)]) == (None, [])


def test_the_axis_tells_the_values_of_a_curve_apart(tmp_path: Path) -> None:
    """A batch that begins anew in each epoch is none, nor is the epoch of many batches."""
    whole = [
        {"epoch": n // 8, "batch": n % 8, "step": n, "loss": n, "val": n if n % 8 == 7 else None}
        for n in range(64)
    ]
    parted = [{key: row[key] for key in ("epoch", "batch", "loss")} for row in whole]

    assert _axis(tmp_path, whole) == ("step", ["epoch", "batch", "step"])
    assert _axis(tmp_path, parted) == (None, ["epoch", "batch"])
    assert _axis(tmp_path, whole, "val")[0] == "epoch"


@pytest.mark.parametrize("key", ["id", "run", "its", "x", "y", "runs"])
def test_a_key_may_be_called_as_the_query_calls_its_own(tmp_path: Path, key: str) -> None:
    """A curve of loss over a key such as ``id`` is the one of its values."""
    rows = [f"(uuidv7(), '{A}', now(), {n}, {n / 10})" for n in range(3)]
    store = filled(
        tmp_path / "s.duckdb",
        "INSERT INTO events VALUES " + ", ".join(rows),
        logged={key: "DOUBLE", "loss": "DOUBLE"},
    )
    [curve] = curves(store, x=key, runs=[A])

    assert (curve.x, curve.y) == ((0.0, 1.0, 2.0), (0.0, 0.1, 0.2))
