"""A comparison of runs as tables: params, metrics, data, packages, code. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from xvc.core.direction import is_progress
from xvc.core.human_units import number, size
from xvc.core.run import DOUBT, DataFile
from xvc.render.document import DocumentTable
from xvc.runs.comparison import Cell, Comparison, Difference, Missing
from xvc.runs.repeats import Spread
from xvc.runs.verdicts import LEVEL, Judgement, difference_in_words, sentence

if TYPE_CHECKING:
    from xvc.git.commands import LineChange

_CODE_SHOWN = 20


def differences(
    comparison: Comparison, called: Sequence[str], *, every: bool
) -> list[DocumentTable]:
    """Lay a comparison out in tables; without *every*, only what differs.

    Args:
        comparison: what was found.
        called: what each run is called.
        every: whether rows that are the same are shown, too.
    """
    made = [
        _table("command", ("run", "command"), _commands(comparison, called, every=every)),
        _table("params", ("param", *called), _params(comparison, every=every)),
        _table(
            "metrics",
            ("metric", *called, *(f"Δ {name}" for name in called[1:]), "better"),
            tuple(
                _metric(row)
                for row in comparison.metrics
                if every or not (row.is_same or is_progress(row.key))
            ),
        ),
        _table(
            "data",
            ("data", *called),
            tuple(
                (row.path, *(_file(file) for file in row.files))
                for row in comparison.data
                if every or not row.is_same
            ),
        ),
        _table("packages", ("package", *called), _values(comparison.packages, every=every)),
    ]
    made += [
        _table(
            f"code of {name} against {called[0]}",
            ("file" if len(called) == 2 else f"file of {name}", "lines"),
            _code(changes),
        )
        for name, changes in zip(called[1:], comparison.code, strict=False)
    ]
    return [each for each in made if each.rows]


def verdicts(
    judgements: Sequence[Sequence[Judgement]], called: Sequence[str], *, of: str = "metric"
) -> list[DocumentTable]:
    """Lay out what the repeats of each run, or its rows, say against those of the first."""
    by = "with their repeats" if of == "metric" else "row by row"
    made = [
        _table(
            f"{name} against {called[0]}, {by}",
            (of, called[0], name, f"difference, {LEVEL:.0%} interval", "verdict"),
            [_verdict(each) for each in rows],
        )
        for name, rows in zip(called[1:], judgements, strict=False)
    ]
    return [each for each in made if each.rows]


def _verdict(judgement: Judgement) -> tuple[str, ...]:
    return (
        judgement.metric,
        _spread(judgement.baseline),
        _spread(judgement.candidate),
        difference_in_words(judgement),
        sentence(judgement),
    )


def _spread(spread: Spread) -> str:
    deviation = "" if spread.deviation is None else f" ± {number(spread.deviation)}"
    return f"{number(spread.mean)}{deviation} (n={spread.count})"


def _params(comparison: Comparison, *, every: bool) -> tuple[tuple[str, ...], ...]:
    doubts = comparison.doubts or (frozenset[str](),) * len(comparison.runs)
    return tuple(
        (
            row.key,
            *(
                _cell(value) + DOUBT * (row.key in marked)
                for value, marked in zip(row.values, doubts, strict=True)
            ),
        )
        for row in comparison.params
        if every or not row.is_same or any(row.key in marked for marked in doubts)
    )


def _values(rows: Sequence[Difference], *, every: bool) -> tuple[tuple[str, ...], ...]:
    return tuple((row.key, *map(_cell, row.values)) for row in rows if every or not row.is_same)


def _commands(
    comparison: Comparison, called: Sequence[str], *, every: bool
) -> tuple[tuple[str, ...], ...]:
    if comparison.is_same_command and not every:
        return ()
    return tuple(
        (name, command or "-") for name, command in zip(called, comparison.commands, strict=False)
    )


def _metric(row: Difference) -> tuple[str, ...]:
    values = [
        f"{_cell(value)}{' *' if place == row.best else ''}"
        for place, value in enumerate(row.values)
    ]
    deltas = [
        _delta(delta, percent)
        for delta, percent in zip(row.delta[1:], row.percent[1:], strict=True)
    ]
    way = {"max": "higher", "min": "lower"}.get(row.direction or "", "?")
    return (row.key, *values, *deltas, way)


def _delta(delta: float | None, percent: float | None) -> str:
    if delta is None:
        return "-"
    share = "" if percent is None else f" ({percent:+.1f}%)"
    sign = "+" if delta > 0 else ""
    return f"{sign}{number(delta)}{share}"


def _cell(value: Cell) -> str:
    return "(none)" if isinstance(value, Missing) else number(value)


def _file(file: DataFile | None) -> str:
    if file is not None and file.is_unkept:
        return file.short
    return "(none)" if file is None else f"{file.digest[:8]} {size(file.size)}"


def _code(changes: Sequence[LineChange]) -> tuple[tuple[str, ...], ...]:
    rows = [
        (change.path, "binary" if change.added is None else f"+{change.added} -{change.removed}")
        for change in changes[:_CODE_SHOWN]
    ]
    if len(changes) > _CODE_SHOWN:
        rows.append((f"… {len(changes) - _CODE_SHOWN} more files", ""))
    return tuple(rows)


def _table(title: str, head: Sequence[str], rows: Iterable[tuple[str, ...]]) -> DocumentTable:
    right = frozenset(range(1, len(head))) if title == "metrics" else frozenset[int]()
    return DocumentTable(title, tuple(head), tuple(rows), right)
