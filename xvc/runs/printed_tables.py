"""Reads printed tables: a header, then rows; fastai, Rich, Markdown, YOLO, reports, frames.

A table is known by its header. Refuses to guess: a row that has another number of cells, or a
header that names no result, says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from xvc.core.name_words import camel_words, word_table
from xvc.runs.printed_lines import NAME, NUMBER, number
from xvc.runs.printed_names import PROGRESS, Printed, Said, is_result

_EDGES = "│┃║|"
_CELLS = re.compile(f"[{_EDGES}]")
_MAY_BEGIN = re.compile(
    rf"[ \t]*(?:[{_EDGES}]|(?i:{'|'.join(PROGRESS)})[ \t|]+[^\W\d]"
    rf"|precision[ ]|Class[ ]|[ \t]+[^\W\d])"
)
_HEAD = re.compile(rf"{NAME}(?:[ ]?\([^()]*\))?|#")
_CELL = re.compile(rf"({NUMBER})(%|[KMG]B?)?(?:[ ]*(?:±|\+/-)[ ]*[0-9.]+)?")
_EMPTY = re.compile(
    r"-|[Nn]one|N/A|No log|\.\.\.|<NA>|[0-9]+:[0-9]{2}(?::[0-9]{2})?|[0-9.]+(?:m?s|m)"
)
_AT = re.compile(r"([0-9]+)(?:/[0-9]+)?")
_BAR = re.compile(r":?[ \t]*([0-9]{1,3})%(?:\|.*|[ \t]+[━╸╺─].*)$")
_LABELS = (
    "all",
    "accuracy",
    "micro avg",
    "macro avg",
    "weighted avg",
    "samples avg",
)
_REPORT = ["precision", "recall", "f1-score", "support"]
_STATS = word_table("mean std min max")
_PATIENCE = 3  # lines of something else between the rows of a table


class TableReader:
    """Knows the header of the table that is being printed."""

    def __init__(self) -> None:
        self._head: list[str] = []
        self._kind = ""
        self._section = ""
        self._strange = 0

    def take(self, text: str) -> tuple[Printed, list[Said]] | None:
        """Read a line as part of a table.

        Returns:
            The progress and what a row says, both empty for other lines of a table; None where
            the line belongs to no table.
        """
        if not self._kind and _MAY_BEGIN.match(text) is None:
            return None
        body = text.strip()
        piped = body[:1] in _EDGES and body[-1:] in _EDGES and len(body) > 1
        if not re.search(r"\w|%", body):
            return ({}, []) if self._kind or piped else None
        cells = self._cells(body, piped=piped)
        if cells is None:
            return None
        if self._is_header(text, cells, piped=piped):
            self._strange, self._section = 0, ""
            return {}, []
        read = self._of_pair(cells) if piped and len(cells) == 2 else None
        if read is None and self._kind:
            read = self._of_row(body, cells)
        if read is None:
            self._strange += 1
            if self._strange > _PATIENCE:
                self._kind = ""
            return ({}, []) if piped else None
        self._strange = 0
        return read

    def _cells(self, body: str, *, piped: bool) -> list[str] | None:
        if piped:
            return [cell.strip() for cell in _CELLS.split(body)[1:-1]]
        bar = _BAR.search(body)
        if bar is not None:
            if bar[1] != "100" and self._kind == "epochs":
                return None
            body = body[: bar.start()]
        for sign in (r"[│┃║|]", r"\t", r"[ ]{2,}"):
            if re.search(sign, body):
                return [cell.strip() for cell in re.split(sign, body)]
        return body.split()

    def _is_header(self, text: str, cells: Sequence[str], *, piped: bool) -> bool:
        names = [cell.rstrip(":\\").strip() for cell in cells]
        names = [name for name in names if name] if not piped else names
        if names == _REPORT:
            self._head, self._kind = names, "report"
            return True
        if names[:1] == ["Class"] and any(name.startswith("mAP") for name in names):
            self._head, self._kind = _grouped(names), "classes"
            return True
        low = [name.lower() for name in names]
        is_named = len(names) > 1 and all(_HEAD.fullmatch(name) for name in names)
        if not is_named or len({*low}) < len(low):
            return False
        if low[0] in PROGRESS:
            has_result = any(map(_is_column, names[1:]))
            self._head, self._kind = names, "epochs" if has_result else ""
            return has_result or piped
        if piped:
            is_metrics = "metric" in low[0] or "metrics" in low[0]
            self._head, self._kind = names, "metrics" if is_metrics and len(names) == 2 else ""
            return True
        if text[:1] in " \t" and all(map(_is_column, names)):
            self._head, self._kind = names, "frame"
            return True
        return False

    def _of_pair(self, cells: Sequence[str]) -> tuple[Printed, list[Said]] | None:
        """Read a row of a table of two columns: a name and a number."""
        name, value = cells
        if name.endswith("/") and not value:
            self._section = name
            return {}, []
        found = _CELL.fullmatch(value)
        if found is None or not re.fullmatch(NAME, name):
            return None
        is_sure = bool(self._section) or self._kind == "metrics"
        said = Said(self._section + name, number(found[1]), found[2] or "", is_sure=is_sure)
        return {}, [said]

    def _of_row(self, body: str, cells: Sequence[str]) -> tuple[Printed, list[Said]] | None:
        if self._kind == "report":
            return self._of_report(body)
        if len(cells) != len(self._head) and self._kind != "frame":
            cells = _BAR.sub("", body).split()
        if self._kind == "frame":
            cells = _BAR.sub("", body).split()
            if len(cells) != len(self._head) + 1:
                return None
            return self._of_cells(["step", *self._head], cells)
        if len(cells) != len(self._head):
            return None
        if self._kind == "classes":
            return self._of_cells(self._head[1:], cells[1:]) if cells[0] == "all" else None
        return self._of_cells(self._head, cells) if self._kind == "epochs" else None

    def _of_report(self, body: str) -> tuple[Printed, list[Said]] | None:
        label = next((one for one in _LABELS if body.startswith(f"{one} ")), None)
        cells = body.split()
        if label is None:
            return ({}, []) if cells[-1].isdigit() else None
        values = body[len(label) :].split()
        if not all(re.fullmatch(NUMBER, value) for value in values):
            return None
        if label == "accuracy" and len(values) == 2:
            return {}, [Said("accuracy", number(values[0]), is_sure=True)]
        if len(values) != len(self._head):
            return None
        return {}, [
            Said(f"{label}.{name}", number(value), is_sure=True)
            for name, value in zip(self._head[:-1], values, strict=False)
        ]

    def _of_cells(
        self, names: Sequence[str], cells: Sequence[str]
    ) -> tuple[Printed, list[Said]] | None:
        row: Printed = {}
        values = list[Said]()
        for name, cell in zip(names, cells, strict=True):
            progress = PROGRESS.get(name.lower())
            said = cell.rstrip(":")
            if progress is not None:
                at = _AT.fullmatch(said)
                if at is None:
                    return None
                row[progress] = int(at[1])
            elif (found := _CELL.fullmatch(said)) is not None:
                is_sure = self._kind in ("classes", "frame") and not _is_of_data(name)
                values.append(Said(name, number(found[1]), found[2] or "", is_sure=is_sure))
            elif not _EMPTY.fullmatch(said):
                return None
        return row, values


def _is_column(name: str) -> bool:
    """Whether a column holds a result, or what several made of one: ``test-auc-std``."""
    return is_result(name) or is_result(" ".join(w for w in camel_words(name) if w not in _STATS))


def _is_of_data(name: str) -> bool:
    return name.lower() in ("images", "instances", "labels", "targets", "support")


def _grouped(names: Sequence[str]) -> list[str]:
    """Name the columns of a header with groups: ``Box(P  R)`` is ``Box/P`` and ``Box/R``."""
    group, named = "", list[str]()
    for column in names:
        before, opened, rest = column.partition("(")
        group, name = (before, rest) if opened else (group, column)
        named.append(f"{group}/{name.rstrip(')')}" if group else name)
        if name.endswith(")"):
            group = ""
    return named
