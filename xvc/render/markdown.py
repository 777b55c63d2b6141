r"""A report as markdown (GitHub's kind). Whatever keys and values contain is shown, never obeyed.

Pure: the same report is the same text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from xvc.core.commit_subject import one_line
from xvc.core.human_units import number
from xvc.render.document import Block, Commands, Curves, DocumentTable, Report, Section, Text
from xvc.render.figure import Series, thinned

_SIGNS = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")
_MARK = re.compile(r"^(?=[#+=-])")
_ORDINAL = re.compile(r"^(\d+)(?=[.)](?:\s|$))")
_BARS = "▁▂▃▄▅▆▇█"
_WIDEST = 24


def escaped(text: str) -> str:
    r"""Write a text of others on one line, so that it reads as it is.

    >>> print(escaped("a|b <b> `x` val_loss _y_"))
    a\|b &lt;b&gt; \`x\` val_loss \_y\_
    """
    line = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SIGNS.sub(lambda sign: f"\\{sign[0]}", line)


def _paragraph(text: str) -> str:
    """Keep the beginning of a text from making a heading or a list of it."""
    return _ORDINAL.sub(r"\1\\", _MARK.sub(r"\\", escaped(text)))


def _heading(text: str, level: int) -> str:
    harmless = escaped(text).replace("#", r"\#")  # those at the end would be taken for a frame
    return f"{'#' * level} {harmless}"


def markdown(report: Report, level: int = 1) -> str:
    """Return the document, its title as a heading of *level*."""
    parts = [_heading(report.title, level), _paragraph(report.lead)]
    for section in report.sections:
        parts += section_lines(section, level + 1)
    return "\n\n".join(part for part in parts if part) + "\n"


def section_lines(section: Section, level: int) -> list[str]:
    """Return the parts of a section, between which an empty line belongs."""
    parts = [_heading(section.title, level)]
    for block in section.blocks:
        parts += _block(block, level + 1)
    return parts


def _block(block: Block, level: int) -> list[str]:
    match block:
        case Text(text):
            return [_paragraph(text)]
        case Commands(lines):
            return [fenced(lines)]
        case DocumentTable():
            return [*_titled(block.title, level), table(block), *_remarks(block)]
        case Curves(plot):
            return [*_titled(plot.title, level), table(_sketch(plot.series))]


def _titled(title: str, level: int) -> list[str]:
    return [_heading(title, level)] if title else []


def _remarks(block: DocumentTable) -> list[str]:
    return [block.remark] if block.remark else []


def fenced(lines: Sequence[str]) -> str:
    """Write lines as a block of code, whatever signs they hold."""
    clean = [one_line(line) for line in lines]
    longest = max(
        (len(list(run)) for sign, run in groupby("\n".join(clean)) if sign == "`"), default=0
    )
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}bash", *clean, fence])


def table(block: DocumentTable) -> str:
    r"""Write a table.

    >>> print(table(DocumentTable("", ("key", "n"), (("a|b", "1"),), frozenset({1}))))
    | key | n |
    | --- | ---: |
    | a\|b | 1 |
    """
    marks = ["---:" if place in block.right else "---" for place in range(len(block.head))]
    head, *rows = ([escaped(cell) for cell in row] for row in (block.head, *block.rows))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, marks, *rows))


def _sketch(series: Sequence[Series]) -> DocumentTable:
    """A curve in words: its ends, its extremes, and a line of small bars."""
    rows = tuple(
        (
            each.label,
            *map(number, (each.y[0], min(each.y), max(each.y), each.y[-1])),
            bars(each.y),
        )
        for each in series
    )
    return DocumentTable(
        "", ("run", "first", "least", "greatest", "last", "curve"), rows, frozenset({1, 2, 3, 4})
    )


def bars(values: Sequence[float]) -> str:
    """Draw numbers as small bars.

    >>> bars([0.0, 0.5, 1.0])
    '▁▅█'
    """
    points = thinned(Series("", tuple(values), tuple(values)), _WIDEST).y
    low, half = min(points), max(points) / 2 - min(points) / 2  # no difference that overflows
    if half == 0:
        return _BARS[0] * len(points)
    places = [(value / 2 - low / 2) / half for value in points]
    return "".join(_BARS[min(len(_BARS) - 1, int(place * len(_BARS)))] for place in places)
