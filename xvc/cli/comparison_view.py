"""A comparison as text, markdown, CSV, HTML and JSON: the same rows in five formats."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, TypedDict

from xvc.cli.output import few, table
from xvc.core.direction import Direction
from xvc.core.foreign_text import for_spreadsheet
from xvc.core.run import Status
from xvc.git.commands import LineChange
from xvc.render import markdown
from xvc.render.document import DocumentTable, Report, Section, Text
from xvc.render.html import page
from xvc.runs.comparison import Difference, Missing
from xvc.runs.difference_tables import differences, verdicts
from xvc.runs.verdicts import Judgement

if TYPE_CHECKING:
    from xvc.runs.compare import Compared


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


class Comparing(TypedDict):
    """How runs differ from the first: of each list the first twenty, `--format csv` has all.

    ``code``, ``verdicts`` and ``rows`` have a list for each of the other runs; ``verdicts`` is
    empty where no run has repeats, ``rows`` where none were asked for. Of rows n counts rows.
    """

    runs: list[RunFacts]
    commands: Annotated[list[str], "Of each run; empty where at most values of params differ."]
    params: list[Row]
    params_total: int
    metrics: list[Row]
    metrics_total: int
    packages: list[Row]
    packages_total: int
    data: list[DataRow]
    data_total: int
    code: Annotated[list[list[LineChange]], "The first twenty files of each."]
    code_totals: list[int]
    verdicts: list[list[Judgement]]
    verdict_totals: list[int]
    rows: list[list[Judgement]]
    rows_totals: list[int]
    unknown_directions: list[str]
    unknown_directions_total: int
    is_same: bool


def names(found: Compared) -> list[str]:
    """What each run is called: its version, else its id."""
    return [one.version or one.record.id for one in found.runs]


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


def _tables(found: Compared, every: bool) -> list[DocumentTable]:
    called = names(found)
    return [
        *differences(found.comparison, called, every=every),
        *verdicts(found.verdicts, called),
        *verdicts(found.rows, called, of="score of a row"),
    ]


def as_text(found: Compared, every: bool) -> str:
    """Aligned tables."""
    parts = [
        table(each.head, each.rows, right=sorted(each.right)) for each in _tables(found, every)
    ]
    if len({one.record.id for one in found.runs}) == 1:
        return f"all of them name one run, {names(found)[0]}: there is nothing to compare"
    if not parts:
        return f"{' and '.join(names(found))} are the same in everything that was recorded"
    return "\n\n".join([*parts, *(["\n".join(_remarks(found))] if _remarks(found) else [])])


def as_markdown(found: Compared, every: bool) -> str:
    """Tables for a document."""
    parts = [
        f"### {markdown.escaped(each.title)}\n\n{markdown.table(each)}"
        for each in _tables(found, every)
    ]
    return "\n\n".join(parts) or "No differences."


def as_csv(found: Compared, every: bool, *, is_raw: bool = False) -> str:
    """One line a row: section, key, then a value a run; no formula, unless *is_raw*."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    write = str if is_raw else for_spreadsheet
    writer.writerow(["section", "key", *map(write, names(found))])
    comparison = found.comparison
    if every or not comparison.is_same_command:
        writer.writerow(["command", "command", *map(write, comparison.commands)])
    for title, rows in (
        ("params", comparison.params),
        ("metrics", comparison.metrics),
        ("packages", comparison.packages),
    ):
        for row in rows:
            if every or not row.is_same:
                cells = ["" if isinstance(value, Missing) else value for value in row.values]
                shown = [write(cell) if isinstance(cell, str) else cell for cell in cells]
                writer.writerow([title, write(row.key), *shown])
    for data in comparison.data:
        if every or not data.is_same:
            writer.writerow(
                ["data", write(data.path), *(f.digest if f else "" for f in data.files)]
            )
    return out.getvalue()


def as_html(found: Compared, every: bool) -> str:
    """A page of its own."""
    tables = tuple(_tables(found, every))
    blocks = tables or (Text("No differences."),)
    title = f"{' and '.join(names(found))} compared"
    return page(Report(title, "", (Section("Differences", blocks),)))


LAYOUTS: dict[str, Callable[[Compared, bool], str]] = {
    "text": as_text,
    "markdown": as_markdown,
    "csv": as_csv,
    "html": as_html,
}


def as_data(found: Compared, *, every: bool) -> Comparing:
    """The comparison as JSON."""
    comparison = found.comparison
    params, metrics, packages = (
        [row for row in rows if every or not row.is_same]
        for rows in (comparison.params, comparison.metrics, comparison.packages)
    )
    data = [row for row in comparison.data if every or not row.is_same]
    return {
        "runs": [
            {"id": one.record.id, "version": one.version, "status": one.record.status}
            for one in found.runs
        ],
        "commands": ([] if comparison.is_same_command and not every else list(comparison.commands)),
        "params": _json_rows(params),
        "params_total": len(params),
        "metrics": _json_rows(metrics),
        "metrics_total": len(metrics),
        "packages": _json_rows(packages),
        "packages_total": len(packages),
        "data": [
            {
                "path": row.path,
                "files": [
                    {"digest": file.digest, "size": file.size} if file else None
                    for file in row.files
                ],
            }
            for row in few(data)
        ],
        "data_total": len(data),
        "code": [few(changes) for changes in comparison.code],
        "code_totals": [len(changes) for changes in comparison.code],
        "verdicts": [few(rows) for rows in found.verdicts],
        "verdict_totals": [len(rows) for rows in found.verdicts],
        "rows": [few(rows) for rows in found.rows],
        "rows_totals": [len(rows) for rows in found.rows],
        "unknown_directions": few(found.unknown_directions),
        "unknown_directions_total": len(found.unknown_directions),
        "is_same": comparison.is_same,
    }


def _json_rows(rows: Sequence[Difference]) -> list[Row]:
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
        for row in few(rows)
    ]
