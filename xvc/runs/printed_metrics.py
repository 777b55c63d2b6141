"""Metrics that a program prints: ``METRIC accuracy=0.93``, and what frameworks print when asked.

Pure: bytes in, rows out, in any cut. A line is read by the user's own patterns, else as a dict, as
a line of a table, or as parts that each say a name and a number. Refuses to guess: a number whose
name is not a result's is no metric (`printed_names`), and a line with bytes that are not UTF-8
says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from xvc.core.metric_names import direction_said
from xvc.runs.printed_lines import NUMBER, number, of_dict, of_line, without_prefix
from xvc.runs.printed_names import PROGRESS, Printed, Said, chosen, is_alone, is_result
from xvc.runs.printed_tables import TableReader

_LONGEST = 4096  # bytes of a line; binary output must not fill memory, nor int() refuse digits
_MOST_LINES = 200  # of a dict that is printed over several lines
_MOST_NAMES = 1000
_NUMERAL = re.compile(rb"[0-9]|(?i:nan|inf)")
_PLAIN = re.compile(  # what nearly every line is that says one thing: read at once
    rb"([A-Za-z_][\w'./@-]*) ?[:=] ?([+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
)
_BEGINS = re.compile(  # what a line without a number may begin: a table, a section of one, a dict
    rb"[ \t]*(?:(?i:epoch|step|iter|iteration|round|batch|e|class|precision)[ \t|]"
    rb"|[{|}]|\xe2\x94[\x82\x83]|\xe2\x95\x91|[ \t][ \t]*\S+(?:[ \t]+\S+)+[ \t]*$)"
)
_COLOUR = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_MARKED = re.compile(rf"METRIC[ \t]+(\S+)=({NUMBER})")


class LineMetrics:
    """Reads metrics from output that arrives in pieces; keeps one unfinished line, no more.

    ``lines`` counts what was looked at, ``found`` the lines that said something, ``unread`` has
    names with numbers that nothing says are metrics, ``mixed`` those that changed their unit.
    """

    def __init__(self, *, loose: bool, patterns: Sequence[re.Pattern[str]] = ()) -> None:
        self._loose = loose
        self._patterns = patterns
        self._is_quick = loose and not patterns
        self._rest = b""
        self._table = TableReader()
        self._dict: list[str] = []
        self._is_code = False
        self._epoch: int | None = None
        self._units: dict[str, str] = {}
        self.lines = 0
        self.found = 0
        self.unread: dict[str, None] = {}
        self.mixed: dict[str, None] = {}

    def feed(self, chunk: bytes) -> list[Printed]:
        r"""Return what the lines that *chunk* completes say, in order.

        >>> reader = LineMetrics(loose=False)
        >>> reader.feed(b"METRIC acc=0"), reader.feed(b".5\n")
        ([], [{'acc': 0.5}])
        """
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = _shown(rest)[: _LONGEST + 1] + (b"\r" if rest.endswith(b"\r") else b"")
        return self._rows(lines)

    def close(self) -> list[Printed]:
        """Return what a last line without an end says, and forget it."""
        rest, self._rest = self._rest, b""
        return self._rows([rest] if rest else [])

    def _rows(self, lines: list[bytes]) -> list[Printed]:
        self.lines += len(lines)
        found = [row for line in lines if (row := self._row(line))]
        self.found += len(found)
        return found

    def _row(self, line: bytes) -> Printed:
        shown = _shown(line)
        if len(shown) > _LONGEST:
            return {}
        if self._is_quick and (plain := _PLAIN.fullmatch(shown)) is not None:
            return self._of_plain(plain[1].decode(), plain[2].decode())
        has_numeral = _NUMERAL.search(shown) is not None
        if not has_numeral and not (self._loose and self._may_begin(shown)):
            return {}
        try:
            text = _COLOUR.sub(b"", shown).decode("utf-8").rstrip(" \t")
        except UnicodeDecodeError:
            return {}
        if (marked := _MARKED.fullmatch(text.strip())) is not None:
            return {marked[1]: number(marked[2])}
        for pattern in self._patterns if has_numeral else ():
            if row := _by_pattern(pattern, text.strip()):
                return row
        return self._loosely(text) if self._loose else {}

    def _of_plain(self, name: str, value: str) -> Printed:
        if "." in value and not self._units and is_result(name):
            return {name: float(value)}
        said = Said(name, number(value))
        if is_alone(said):
            return self._kept({}, [said])
        if name not in self.unread and name.lower() not in PROGRESS:
            self._chosen({}, [said])
        return {}

    def _may_begin(self, shown: bytes) -> bool:
        return bool(self._dict) or _BEGINS.match(shown) is not None

    def _loosely(self, text: str) -> Printed:
        stripped = text.strip(" \t")
        body = stripped if stripped[:1] == "{" else without_prefix(stripped)
        if body is None or self._is_of_code(body):
            return {}
        if (whole := self._collected(body)) is not None:
            return self._chosen(*_with_progress(of_dict(whole)))
        if (read := self._table.take(text if body is stripped else body)) is not None:
            return self._chosen(*read)
        progress, values, is_framed = of_line(body)
        if "epoch" in progress and not values and len(progress) == 1:
            self._epoch = int(progress["epoch"])  # the line of Keras that comes next is of it
        elif self._epoch is not None and values and re.match(r"[0-9]+/[0-9]+ ", body):
            progress, self._epoch = {"epoch": self._epoch, **progress}, None
        return self._chosen(progress, values, is_framed=is_framed)

    def _is_of_code(self, body: str) -> bool:
        """Whether a line is the code that a traceback shows below the place of it."""
        was, self._is_code = self._is_code, body.startswith('File "')
        return was or self._is_code

    def _collected(self, body: str) -> str | None:
        """Return a dict that this line completes; "" while one is open or where it was none."""
        if not self._dict and not body.startswith("{"):
            return None
        if not self._dict and body.endswith("}"):
            return body
        self._dict.append(body)
        text = "\n".join(self._dict)
        depth = sum(text.count(sign) for sign in "{[") - sum(text.count(sign) for sign in "}]")
        if depth > 0 and len(self._dict) < _MOST_LINES and len(text) < 4 * _LONGEST:
            return ""
        self._dict = []
        return text if depth == 0 else ""

    def _chosen(
        self, progress: Printed, values: Iterable[Said], *, is_framed: bool = False
    ) -> Printed:
        taken, asked = chosen(progress, values, is_framed=is_framed)
        if len(self.unread) < _MOST_NAMES:
            self.unread.update(dict.fromkeys(asked))
        return self._kept(progress, taken) if taken else {}

    def _kept(self, progress: Printed, values: Sequence[Said]) -> Printed:
        """Make a row; a key has one unit, that of its first value."""
        row = dict(progress)
        if not self._units and not any(said.unit for said in values):
            for said in values:
                row.setdefault(said.name, said.number)
            return row if len(row) > len(progress) else {}
        for said in values:
            if said.unit or said.name in self._units:
                if len(self._units) < _MOST_NAMES:
                    self._units.setdefault(said.name, said.unit)
                if self._units.get(said.name, said.unit) != said.unit:
                    self.mixed[said.name] = None
                    continue
            row.setdefault(said.name, said.number)
        return row if len(row) > len(progress) else {}


def _shown(line: bytes) -> bytes:
    return line.rstrip(b"\r").rpartition(b"\r")[2]  # what a terminal shows in the end


def _with_progress(values: Sequence[Said]) -> tuple[Printed, list[Said]]:
    """Take the epoch and the step out of what a dict says."""
    progress: Printed = {}
    others = list[Said]()
    for said in values:
        if said.name in PROGRESS:
            progress[said.name] = said.number
        else:
            others.append(said)
    return progress, others


def _by_pattern(pattern: re.Pattern[str], text: str) -> Printed:
    """Read a line by a user's pattern: groups ``name`` and ``value``, or one group for each key."""
    row: Printed = {}
    for found in pattern.finditer(text):
        groups = found.groupdict()
        if "name" in groups and "value" in groups:
            named = {groups.pop("name"): groups.pop("value")}
            groups |= {key: value for key, value in named.items() if key}
        for key, said in groups.items():
            if re.fullmatch(NUMBER, said or ""):
                row[key] = number(said)
    return row


def judged(output: bytes) -> Printed:
    r"""Return the last values of what a program printed whose names say that they are scores.

    >>> judged(b"loading 3\nepoch 1 loss: 0.5\nloss: 0.25\n")
    {'loss': 0.25}
    """
    reader = LineMetrics(loose=True)
    said: Printed = {}
    for row in (*reader.feed(output), *reader.close()):
        said |= {key: value for key, value in row.items() if direction_said(key) is not None}
    return said
