"""Rows as a table that people read: of text, or of HTML for notebooks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

_WIDEST = 40  # characters of one value


def as_text(title: str, count: int, names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write rows below each other, columns aligned.

    >>> print(as_text("run a", 5, ["loss", "name"], [[0.5, "x"], [None, "y"]]))
    run a: 5 rows, the last 2
    loss  name
    0.5   x
          y
    """
    lines = [[_cell(value) for value in row] for row in rows]
    columns = zip(names, *lines, strict=True)
    widths = [max(map(len, column)) for column in columns]
    table = [
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
        for line in [list(names), *lines]
    ]
    return "\n".join([_headline(title, count, len(lines)), *(table if lines else [])])


def as_html(title: str, count: int, names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write rows as a table of HTML; whatever was logged is escaped.

    >>> as_html("run a", 1, ["<b>"], [["&"]]).count("<b>")
    0
    """
    lines = [[_cell(value) for value in row] for row in rows]
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(word)}</td>' for word in line)}</tr>" for line in lines
    )
    caption = f"<caption>{escape(_headline(title, count, len(lines)))}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _headline(title: str, count: int, shown: int) -> str:
    rows = f"{count} row" if count == 1 else f"{count} rows"
    return f"{title}: {rows}" + (f", the last {shown}" if shown < count else "")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    text = " ".join(str(value).split())
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
