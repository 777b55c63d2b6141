"""A comparison as text, markdown, CSV, HTML and JSON: the same rows in five coats."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

from xvc.cli.output import table
from xvc.core import markdown
from xvc.core.compare import Difference, Missing
from xvc.core.differences import differences
from xvc.core.html import page
from xvc.core.report import Report, Section, Text
from xvc.flows.compare import Compared
from xvc.types import Json


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


def as_text(found: Compared, every: bool) -> str:
    """Aligned tables."""
    parts = [
        table(each.head, each.rows, right=sorted(each.right))
        for each in differences(found.comparison, names(found), every=every)
    ]
    if not parts:
        return f"{' and '.join(names(found))} are the same in everything that was recorded"
    return "\n\n".join([*parts, *(["\n".join(_remarks(found))] if _remarks(found) else [])])


def as_markdown(found: Compared, every: bool) -> str:
    """Tables for a document."""
    parts = [
        f"### {markdown.escaped(each.title)}\n\n{markdown.table(each)}"
        for each in differences(found.comparison, names(found), every=every)
    ]
    return "\n\n".join(parts) or "No differences."


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
    tables = tuple(differences(found.comparison, names(found), every=every))
    blocks = tables or (Text("No differences."),)
    title = f"{' and '.join(names(found))} compared"
    return page(Report(title, "", (Section("Differences", blocks),)))


LAYOUTS: dict[str, Callable[[Compared, bool], str]] = {
    "text": as_text,
    "markdown": as_markdown,
    "csv": as_csv,
    "html": as_html,
}


def as_data(found: Compared, *, every: bool) -> Json:
    """The whole comparison as JSON."""
    comparison = found.comparison
    return {
        "runs": [
            {"id": one.record.id, "version": one.version, "status": one.record.status.value}
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
            [{"path": c.path, "added": c.added, "removed": c.removed} for c in changes]
            for changes in comparison.code
        ],
        "unknown_directions": list(found.unknown_directions),
        "is_same": comparison.is_same,
    }


def _json_rows(rows: Sequence[Difference], *, every: bool) -> Json:
    return [
        {
            "key": row.key,
            "values": [None if isinstance(value, Missing) else value for value in row.values],
            "present": [not isinstance(value, Missing) for value in row.values],
            "delta": list(row.delta),
            "percent": list(row.percent),
            "direction": row.direction.value if row.direction else None,
            "best": row.best,
        }
        for row in rows
        if every or not row.is_same
    ]
