"""Metrics that a program prints: ``METRIC accuracy=0.93``, and what frameworks print when asked.

Pure: bytes in, rows out, in any cut. A line is read by the user's own patterns, else as a dict, as
a row of a table, or as parts that each say a name and a number. Refuses to guess: a part with
anything else in it, or a line with bytes that are not UTF-8, says nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from xvc.core.metric_names import direction_said
from xvc.core.name_words import word_table

Number = float | int
Printed = dict[str, Number]
"""What one line says: keys as they were printed, with their numbers."""

_LONGEST = 4096  # bytes of a line; binary output must not fill memory, nor int() refuse digits
_NUMERAL = re.compile(rb"[0-9]|(?i:nan|inf)")
_PLAIN = re.compile(  # what nearly every line is that says one thing: read at once
    rb"(?!(?i:epoch|step|iter|round|batch))([A-Za-z_][\w'./@-]*) ?[:=] ?"
    rb"([+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
)
_COLOUR = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBER = r"([+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:nan|inf(?:inity)?)))"
_MARKED = re.compile(rf"METRIC[ \t]+(\S+)={_NUMBER}")
_NAME = r"([^\W\d][\w'./@-]*(?: [^\W\d][\w'./@-]*){0,3})"
_UNIT = r"(?:%|[a-zA-Z]{1,3}(?:/[a-z]+)?)?"
_TAIL = rf"{_UNIT}(?:[ \t]*(?:\(.*\)|(?:±|\+/-|\+-).*))?"
_VALUE = rf"{_NUMBER}(?:/([0-9]+))?{_TAIL}"
_SAID = re.compile(rf"(?:{_NAME}:[ \t]+)??{_NAME}[ \t]*[:=][ \t]*{_VALUE}")
_SPACED = re.compile(rf"{_NAME}[ \t]+{_VALUE}")
_CLOCK = r"[0-9]+(?::[0-9]{2})+"  # "eta: 0:12:33", beside numbers
_ONE = rf"[^\W\d][\w'./@-]*[ \t]*[:=][ \t]*(?:{_NUMBER}{_UNIT}|{_CLOCK})"
_SERIES = re.compile(rf"(?:{_ONE}[ \t]+)+{_ONE}")
_EACH = re.compile(rf"([^\W\d][\w'./@-]*)[ \t]*[:=][ \t]*{_NUMBER}{_UNIT}(?!\S)")
_APART = re.compile(r"[|;\t]|,[ \t]+|[ \t]+-[ \t]+|[ \t]{2,}")
_SENTENCE = re.compile(
    rf"(?:the[ \t]+)?([^\W\d][\w'./@ -]*?)(?:[ \t]+(?:is|was|are|were)[ \t]*:?|[ \t]*[:=])[ \t]*"
    rf"{_NUMBER}[ \t]*%?[.!]?",
    re.IGNORECASE,
)
_OF = word_table("of on for over after at in with using by")
_NO_NAME = word_table("if when since because until while as and or but than that this line")
_ASIDE = re.compile(r"^(?:the|a|an)[ \t]+|[ \t]+(?:is|was|are|were)$", re.IGNORECASE)
_MOST_WORDS = 12
_PROGRESS = re.compile(
    r"\[?(epoch|step|iteration|iter|round|batch)s?\]?[ \t]*[:=#]?[ \t]*\[?([0-9]+)"
    r"(?:[ \t]*/[ \t]*[0-9]+)?\]?(?=$|[\s:,|-])[ \t]*[:,]?[ \t]*",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"\[([0-9]+)\][ \t:]+")
_BAR = re.compile(  # of tqdm: "train: 100%|███| 10/10 [00:01<00:00, 9.1it/s, loss=0.3]"
    r"(?:^|:[ \t]*|[ \t]+)[0-9]{1,3}%\|[^|]*\|[ \t]*[0-9.]+[a-zA-Z]?/[0-9.]+[a-zA-Z]?"
    r"(?:[ \t]*\[[0-9:]+<[^,\]]*,[^,\]]*(?:,[ \t]*(.*))?\])?$"
)
_CELLS = re.compile(r"[│┃║|]")
_LEVELS = word_table("info warning warn debug error critical trace notice fatal")
_BESIDE = word_table("lr learningrate learning rate gradnorm grad norm")


class LineMetrics:
    """Reads metrics from output that arrives in pieces; keeps one unfinished line, no more.

    ``lines`` counts what was looked at, ``found`` the lines that said something.
    """

    def __init__(self, *, loose: bool, patterns: Sequence[re.Pattern[str]] = ()) -> None:
        self._loose = loose
        self._patterns = patterns
        self._rest = b""
        self.lines = 0
        self.found = 0

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
        read = (_row(line, self._patterns, loose=self._loose) for line in lines)
        found = [row for row in read if row]
        self.found += len(found)
        return found


def _shown(line: bytes) -> bytes:
    return line.rstrip(b"\r").rpartition(b"\r")[2]  # what a terminal shows in the end


def _row(line: bytes, patterns: Sequence[re.Pattern[str]], *, loose: bool) -> Printed:
    shown = _shown(line)
    if len(shown) > _LONGEST or _NUMERAL.search(shown) is None:
        return {}
    if loose and not patterns and (plain := _PLAIN.fullmatch(shown)) is not None:
        return {plain[1].decode(): _number(plain[2].decode())}
    try:
        text = _COLOUR.sub(b"", shown).decode("utf-8").strip(" \t")
    except UnicodeDecodeError:
        return {}
    if (marked := _MARKED.fullmatch(text)) is not None:
        return {marked[1]: _number(marked[2])}
    for pattern in patterns:
        if row := _by_pattern(pattern, text):
            return row
    return _loosely(text) if loose else {}


def _by_pattern(pattern: re.Pattern[str], text: str) -> Printed:
    """Read a line by a user's pattern: groups ``name`` and ``value``, or one group for each key."""
    row: Printed = {}
    for found in pattern.finditer(text):
        groups = found.groupdict()
        if "name" in groups and "value" in groups:
            named = {groups.pop("name"): groups.pop("value")}
            groups |= {key: value for key, value in named.items() if key}
        for key, said in groups.items():
            number = re.fullmatch(_NUMBER, said or "")
            if number is not None:
                row[key] = _number(number[1])
    return row


def _loosely(text: str) -> Printed:
    if text.startswith("{") and text.endswith("}"):
        return _of_dict(text)
    row, rest = _progress(text)
    rest = _BAR.sub(lambda bar: f" | {bar[1] or ''}", rest)
    before = ""
    rest = re.sub(r"([:=])[ \t]+", r"\1 ", rest)
    for part in map(str.strip, _parts(rest)):
        if _SERIES.fullmatch(part):  # "loss=0.1 acc=0.9"
            row |= {key: _number(number) for key, number in _EACH.findall(part)}
            continue
        said = _part(part, before)
        if said is not None:
            before, key, number = said
            row.setdefault(key, number)
    if row and all(key in ("epoch", "step") for key in row) and rest.strip(" .|-"):
        return {} if not _is_only_progress(rest) else row
    return row or _of_cells(text) or _of_sentence(text)


def _parts(text: str) -> Iterator[str]:
    """Split a line, but nothing in brackets: ``Namespace(lr=0.1, n=3)`` is one, ``{a: 1}`` too.

    Also what stands before a bracket that was opened on an earlier line.
    """
    inside, depth = list[bool](), 0
    for letter in text:
        depth += letter in "({"
        inside.append(depth > 0)
        if letter in ")}" and depth == 0:
            inside = [True] * len(inside)
        depth -= letter in ")}" and depth > 0
    at = 0
    for found in _APART.finditer(text):
        if not inside[found.start()]:
            yield text[at : found.start()]
            at = found.end()
    yield text[at:]


def _is_only_progress(rest: str) -> bool:
    return not re.search(r"[^\W\d]", rest)


def _progress(text: str) -> tuple[Printed, str]:
    """Take the number of an epoch or a step off the beginning of a line."""
    row: Printed = {}
    while (found := _PROGRESS.match(text)) is not None:
        name = found[1].lower()
        row["epoch" if name == "epoch" else name if name != "iter" else "iteration"] = int(found[2])
        text = text[found.end() :].lstrip("|,- \t")
    if (numbered := _NUMBERED.match(text)) is not None:
        row["step"] = int(numbered[1])
        text = text[numbered.end() :]
    return row, text


def _part(part: str, before: str) -> tuple[str, str, Number] | None:
    """Read one part of a line: what it is about, the name, and the number."""
    about, name, number, whole = before, "", "", None
    if (found := _SAID.fullmatch(part)) is not None:
        about, name, number, whole = found[1] or before, found[2], found[3], found[4]
    elif (found := _SPACED.fullmatch(part)) is not None and _is_metric(found[1]):
        name, number, whole = found[1], found[2], found[3]
    else:
        return None
    if "".join(about.lower().split()) in _LEVELS:
        about = ""
    name = _ASIDE.sub("", name) or name
    value = _number(number)
    if whole is not None:
        if not int(whole):
            return None
        value = value / int(whole)
    return about, f"{about}/{name}" if about else name, value


def _is_metric(name: str) -> bool:
    """Whether a name that only a blank parts from its number is one of a metric."""
    return direction_said(name) is not None or "".join(name.lower().split("_")) in _BESIDE


def _of_sentence(text: str) -> Printed:
    """Read what people write of one score: ``The RMSE of prediction is: 0.445``.

    Its name is a metric's, with what it is of; any other sentence says nothing.
    """
    found = _SENTENCE.fullmatch(text)
    if found is None:
        return {}
    words = found[1].split()
    low = [word.lower() for word in words]
    head = words[: next((at for at, word in enumerate(low) if word in _OF), len(words))]
    names = {" ".join(head[-2:]), *head[-1:]}
    is_score = any(direction_said(name) is not None for name in names)
    if not is_score or len(words) > _MOST_WORDS or any(word in _NO_NAME for word in low):
        return {}
    return {" ".join(words): _number(found[2])}


def _of_cells(text: str) -> Printed:
    """Read a row of a table of two columns: a name and a number."""
    cells = [cell.strip() for cell in _CELLS.split(text) if cell.strip()]
    if len(cells) != 2 or not re.fullmatch(_NAME, cells[0]):
        return {}
    number = re.fullmatch(_NUMBER, cells[1])
    return {cells[0]: _number(number[1])} if number is not None else {}


def _of_dict(text: str) -> Printed:
    """Read a dict as Python or JSON write it; numbers may be in quotes, dicts in dicts."""
    try:
        found = ast.literal_eval(
            re.sub(r"(?<=[:\s\[,])(-?(?:nan|NaN|inf|Infinity))(?=[\s,}\]])", r"'\1'", text)
        )
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {}
    return dict(_numbers(found)) if isinstance(found, dict) else {}


def _numbers(found: dict[object, object], before: str = "") -> Iterator[tuple[str, Number]]:
    for key, value in found.items():
        name = f"{before}{key}"
        if isinstance(value, dict):
            yield from _numbers(value, f"{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield name, value
        elif isinstance(value, str) and (number := re.fullmatch(_NUMBER, value.strip())):
            yield name, _number(number[1])


def _number(text: str) -> Number:
    return int(text) if _WHOLE.fullmatch(text) else float(text)


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
