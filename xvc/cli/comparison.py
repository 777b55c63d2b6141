"""A comparison as text, markdown, CSV, HTML and JSON: the same rows in five coats."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypedDict

from xvc.cli.output import number, size, table
from xvc.core.compare import Cell, CodeChange, Difference, Missing
from xvc.core.direction import Direction, is_progress
from xvc.core.run import DataFile, Status

if TYPE_CHECKING:
    from xvc.flows.compare import Compared

_CODE_SHOWN = 20


class RunFacts(TypedDict):
    """One of the runs."""

    id: str
    version: str | None
    status: Status


class Row(TypedDict):
    """One key, a place for each run; ``best`` is the place of the best number."""

    key: str
    values: list[object]
    present: list[bool]
    delta: list[float | None]
    percent: list[float | None]
    direction: Direction | None
    best: int | None


class File(TypedDict):
    """One file as a run had it; size in bytes."""

    digest: str
    size: int | None


class DataRow(TypedDict):
    """One input of DVC's, a place for each run."""

    path: str
    files: list[File | None]


class CodeRow(TypedDict):
    """One file of code; lines are null for binary files."""

    path: str
    added: int | None
    removed: int | None


class Comparing(TypedDict):
    """How runs differ from the first; ``code`` has a list for each of the others."""

    runs: list[RunFacts]
    params: list[Row]
    metrics: list[Row]
    packages: list[Row]
    data: list[DataRow]
    code: Annotated[list[list[CodeRow]], "The first twenty files of each."]
    code_totals: list[int]
    unknown_directions: list[str]
    is_same: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One table of a comparison: its title, its head and its rows."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def names(found: Compared) -> list[str]:
    """What each run is called: its version, else its id."""
    return [one.version or one.record.id for one in found.runs]


def sections(found: Compared, *, every: bool) -> list[Section]:
    """Lay a comparison out; without *every*, only what differs."""
    comparison, called = found.comparison, names(found)
    made = [
        Section("params", ("param", *called), _values(comparison.params, every=every)),
        Section(
            "metrics",
            ("metric", *called, *(f"Δ {name}" for name in called[1:]), "better"),
            tuple(
                _metric(row)
                for row in comparison.metrics
                if every or not (row.is_same or is_progress(row.key))
            ),
        ),
        Section(
            "data",
            ("data", *called),
            tuple(
                (row.path, *(_file(file) for file in row.files))
                for row in comparison.data
                if every or not row.is_same
            ),
        ),
        Section("packages", ("package", *called), _values(comparison.packages, every=every)),
    ]
    made += [
        Section(f"code of {name} against {called[0]}", ("file", "lines"), _code(changes))
        for name, changes in zip(called[1:], comparison.code, strict=False)
    ]
    return [section for section in made if section.rows]


def _values(rows: Sequence[Difference], *, every: bool) -> tuple[tuple[str, ...], ...]:
    return tuple((row.key, *map(_cell, row.values)) for row in rows if every or not row.is_same)


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
    return "(none)" if file is None else f"{file.digest[:8]} {size(file.size)}"


def _code(changes: Sequence[CodeChange]) -> tuple[tuple[str, ...], ...]:
    rows = [
        (change.path, "binary" if change.added is None else f"+{change.added} -{change.removed}")
        for change in changes[:_CODE_SHOWN]
    ]
    if len(changes) > _CODE_SHOWN:
        rows.append((f"… {len(changes) - _CODE_SHOWN} more files", ""))
    return tuple(rows)


def _remarks(found: Compared) -> list[str]:
    remarks = []
    if any(row.best is not None for row in found.comparison.metrics):
        remarks.append("* the best of the row")
    if found.unknown_directions:
        keys = ", ".join(found.unknown_directions)
        remarks.append(
            f"? xvc does not know which way is better: {keys} (xvc.yaml: metrics.direction)"
        )
    return remarks


def as_text(found: Compared, every: bool) -> str:
    """Aligned tables."""
    parts = [
        table(section.head, section.rows, right=range(1, len(section.head)))
        if section.title == "metrics"
        else table(section.head, section.rows)
        for section in sections(found, every=every)
    ]
    if not parts:
        return f"{' and '.join(names(found))} are the same in everything that was recorded"
    return "\n\n".join([*parts, *(["\n".join(_remarks(found))] if _remarks(found) else [])])


def as_markdown(found: Compared, every: bool) -> str:
    """Tables for a document."""
    parts = []
    for section in sections(found, every=every):
        lines = [_bar(section.head), _bar(["---"] * len(section.head)), *map(_bar, section.rows)]
        parts.append(f"### {section.title}\n\n" + "\n".join(lines))
    return "\n\n".join(parts) or "No differences."


def _bar(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def as_csv(found: Compared, every: bool) -> str:
    """One line a row: section, key, then a value a run."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["section", "key", *names(found)])
    comparison = found.comparison
    for title, rows in (
        ("params", comparison.params),
        ("metrics", comparison.metrics),
        ("packages", comparison.packages),
    ):
        for row in rows:
            if every or not row.is_same:
                cells = ["" if isinstance(value, Missing) else value for value in row.values]
                writer.writerow([title, row.key, *cells])
    for data in comparison.data:
        if every or not data.is_same:
            writer.writerow(["data", data.path, *(f.digest if f else "" for f in data.files)])
    return out.getvalue()


def as_html(found: Compared, every: bool) -> str:
    """A page of its own."""
    parts = ["<!doctype html><meta charset='utf-8'><title>xvc compare</title>"]
    parts.append("<style>body{font:14px sans-serif}td,th{padding:2px 10px;text-align:left}</style>")
    for section in sections(found, every=every):
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in section.head)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in section.rows
        )
        parts.append(f"<h3>{html.escape(section.title)}</h3><table><tr>{head}</tr>{rows}</table>")
    return "\n".join(parts)


LAYOUTS: dict[str, Callable[[Compared, bool], str]] = {
    "text": as_text,
    "markdown": as_markdown,
    "csv": as_csv,
    "html": as_html,
}


def as_data(found: Compared, *, every: bool) -> Comparing:
    """The whole comparison as JSON."""
    comparison = found.comparison
    return {
        "runs": [
            {"id": one.record.id, "version": one.version, "status": one.record.status}
            for one in found.runs
        ],
        "params": _json_rows(comparison.params, every=every),
        "metrics": _json_rows(comparison.metrics, every=every),
        "packages": _json_rows(comparison.packages, every=every),
        "data": [
            {
                "path": row.path,
                "files": [
                    {"digest": file.digest, "size": file.size} if file else None
                    for file in row.files
                ],
            }
            for row in comparison.data
            if every or not row.is_same
        ],
        "code": [
            [
                {"path": c.path, "added": c.added, "removed": c.removed}
                for c in changes[:_CODE_SHOWN]
            ]
            for changes in comparison.code
        ],
        "code_totals": [len(changes) for changes in comparison.code],
        "unknown_directions": list(found.unknown_directions),
        "is_same": comparison.is_same,
    }


def _json_rows(rows: Sequence[Difference], *, every: bool) -> list[Row]:
    return [
        {
            "key": row.key,
            "values": [None if isinstance(value, Missing) else value for value in row.values],
            "present": [not isinstance(value, Missing) for value in row.values],
            "delta": list(row.delta),
            "percent": list(row.percent),
            "direction": row.direction,
            "best": row.best,
        }
        for row in rows
        if every or not row.is_same
    ]
