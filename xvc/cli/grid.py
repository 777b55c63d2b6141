"""Rows of a store, shown: an aligned table, CSV, markdown, or JSON with the rest of the answer.

Tables are for eyes: short numbers, and on a terminal short cells. The other forms have every value
in full; times are ISO with their zone.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, TypedDict, cast

from xvc.cli.output import Answer, number, say, show, table
from xvc.core.foreign_text import for_spreadsheet
from xvc.core.json_values import to_plain
from xvc.errors import BadValue
from xvc.types import Json

if TYPE_CHECKING:
    from xvc.cli.context import Context
    from xvc.project import Project
    from xvc.store.table_queries import Grid

_WIDEST = 40  # characters of a cell on a terminal
_PLAIN = (bool, int, float, str, bytes, list, dict)


@dataclass(frozen=True, slots=True)
class Form:
    """Which form was asked for beside JSON, and how columns are written for eyes.

    CSV and markdown have neither formulas nor HTML, unless ``is_raw``.
    """

    as_csv: bool = False
    as_markdown: bool = False
    is_raw: bool = False
    written: Mapping[str, Callable[[int], str]] | None = None

    @property
    def is_full(self) -> bool:
        """Whether every value is printed in full."""
        return self.as_csv or self.as_markdown


class Rows(TypedDict):
    """Rows, their columns in order, and how many there are in all; null: more than were asked."""

    columns: list[str]
    rows: list[Mapping[str, object]]
    total: int | None


def show_grid(here: Context, project: Project, command: str, grid: Grid, form: Form) -> None:
    """Print rows.

    Raises:
        BadValue: two forms were asked for.
    """
    check_form(here, form)
    warnings = tuple(project.keeper.warnings)
    text = laid_out(grid, form)
    show(Answer(command, data_of(grid), text, warnings, is_raw=form.is_raw), here.manner)
    more = 0 if grid.total is None else grid.total - len(grid.rows)
    if more or grid.total is None:
        say(f"… {more or 'perhaps'} more; --limit 0 shows all", here.manner)


def check_form(here: Context, form: Form) -> None:
    """Refuse two forms at once.

    Raises:
        BadValue: two were asked for.
    """
    if form.as_csv + form.as_markdown + here.manner.as_json > 1:
        raise BadValue("--csv", "one of --csv, --markdown and --json is enough")


def grid_of(columns: Sequence[str], rows: Sequence[Sequence[object]], total: int) -> Grid:
    """Make a grid of what did not come from a table of the store."""
    from xvc.store.table_queries import Grid  # late: it opens DuckDB

    return Grid(tuple(columns), tuple(tuple(row) for row in rows), total)


def beginning(grid: Grid, limit: int) -> Grid:
    """Cut an answer that has all rows; 0 leaves all of them."""
    return replace(grid, rows=grid.rows[: limit or None], total=len(grid.rows))


def data_of(grid: Grid) -> Rows:
    """Return rows as objects, with their columns in order and how many there are in all."""
    rows: list[Mapping[str, object]] = [
        {name: as_json(value) for name, value in zip(grid.columns, row, strict=True)}
        for row in grid.rows
    ]
    return {"columns": list(grid.columns), "rows": rows, "total": grid.total}


def as_json(value: object) -> Json:
    """Write a value so that the envelope can hold it.

    >>> as_json(date(2026, 11, 21)), as_json(None), as_json(0.5)
    ('2026-11-21', None, 0.5)
    """
    if value is None or isinstance(value, _PLAIN):
        return cast("Json", value)  # the envelope writes NaN, bytes and what is nested
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def laid_out(grid: Grid, form: Form) -> str:
    """Write rows in the form that was asked for."""
    if form.as_csv:
        return _csv(grid, is_raw=form.is_raw)
    if form.as_markdown:
        return _markdown(grid, is_raw=form.is_raw)
    if not grid.rows:
        return f"no rows ({', '.join(grid.columns)})"
    written = form.written or {}
    rows = [
        [_seen(value, written.get(name)) for name, value in zip(grid.columns, row, strict=True)]
        for row in grid.rows
    ]
    return table([_printable(name) for name in grid.columns], rows, right=_numeric(grid))


def _numeric(grid: Grid) -> list[int]:
    """Find the columns that hold nothing but numbers."""
    return [
        place
        for place in range(len(grid.columns))
        if all(
            row[place] is None
            or (isinstance(row[place], int | float) and not isinstance(row[place], bool))
            for row in grid.rows
        )
    ]


def _seen(value: object, written: Callable[[int], str] | None) -> str:
    if written is not None and isinstance(value, int):
        return written(value)
    if isinstance(value, float | None):
        return number(value)
    text = _printable(_full(value))
    if sys.stdout.isatty() and len(text) > _WIDEST:
        return f"{text[: _WIDEST - 1]}…"
    return text


def _printable(text: str) -> str:
    """Put a text on one line, with nothing in it that a terminal obeys."""
    line = " ".join(text.split())
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)


def _full(value: object) -> str:
    """Write a value in full.

    >>> _full(0.1), _full(True), _full([1, None]), _full(b"x")
    ('0.1', 'true', '[1, null]', 'eA==')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    if isinstance(value, list | dict):
        return json.dumps(to_plain(value), ensure_ascii=False)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value)


def _csv(grid: Grid, *, is_raw: bool) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    write = str if is_raw else for_spreadsheet
    writer.writerow(map(write, grid.columns))
    for row in grid.rows:
        writer.writerow(_cell(value, write) for value in row)
    return out.getvalue()


def _cell(value: object, write: Callable[[str], str]) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    return _full(value) if isinstance(value, int | float) else write(_full(value))


def _markdown(grid: Grid, *, is_raw: bool) -> str:
    right = _numeric(grid) if grid.rows else []
    marks = ["---:" if place in right else "---" for place in range(len(grid.columns))]
    rows = [["-" if value is None else _full(value) for value in row] for row in grid.rows]
    from xvc.render.markdown import escaped  # late: few ask for it

    write = _piped if is_raw else escaped
    return "\n".join(
        _line(cells, write) if cells is not marks else _line(cells, str)
        for cells in (grid.columns, marks, *rows)
    )


def _line(cells: Sequence[str], write: Callable[[str], str]) -> str:
    return "| " + " | ".join(write(_printable(cell)) for cell in cells) + " |"


def _piped(cell: str) -> str:
    return cell.replace("|", "\\|")
