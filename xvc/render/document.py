"""A document as values: sections of sentences, tables, commands and curves.

Pure, and nothing is escaped here: renderers (`xvc.render.markdown`, `xvc.render.html`) do
that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from xvc.render.figure import Plot


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Commands:
    """Lines to copy, as they are."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DocumentTable:
    """Rows under a head; ``right`` are the columns of numbers, ``total`` how many rows there are.

    ``total`` is None when all of them are here.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()
    total: int | None = None

    @property
    def remark(self) -> str:
        """What is said below a table that was cut.

        >>> DocumentTable("", ("run",), (("a",),), total=10_000).remark
        '1 of 10,000 shown'
        """
        is_cut = self.total is not None and self.total > len(self.rows)
        return f"{len(self.rows):,} of {self.total:,} shown" if is_cut else ""


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines of a metric, one for each run."""

    plot: Plot


Block = Text | Commands | DocumentTable | Curves


@dataclass(frozen=True, slots=True)
class Section:
    """A title and what stands under it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A document."""

    title: str
    lead: str
    sections: tuple[Section, ...]


def bounded(table: DocumentTable, rows: int, width: int = 60) -> DocumentTable:
    """Cut a table to its first rows and its cells to *width* characters; its total is kept.

    >>> bounded(DocumentTable("", ("a",), (("1",), ("2",))), 1).remark
    '1 of 2 shown'
    """
    head, *kept = (
        tuple(cell if len(cell) <= width else f"{cell[: width - 1]}…" for cell in row)
        for row in (table.head, *table.rows[:rows])
    )
    total = len(table.rows) if table.total is None else table.total
    return replace(table, head=head, rows=tuple(kept), total=total)
