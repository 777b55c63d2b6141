"""Metrics that a program prints: ``METRIC accuracy=0.93``, and ``accuracy: 0.93`` when asked.

Pure: bytes in, numbers out, in any cut. Refuses to guess: a line with anything else on it, or
with bytes that are not UTF-8, is no metric.
"""

from __future__ import annotations

import re

Metric = tuple[str, float | int]
"""A key as it was printed, and its number."""

_LONGEST = 4096  # bytes of a line; binary output must not fill memory, nor int() refuse digits
_COLOUR = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBER = r"([+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:nan|inf(?:inity)?)))"
_MARKED = re.compile(rf"METRIC[ \t]+(\S+)={_NUMBER}")
_LOOSE = re.compile(rf"([^\W\d][\w./-]*):[ \t]+{_NUMBER}")


class LineMetrics:
    """Reads metrics from output that arrives in pieces; keeps one unfinished line, no more."""

    def __init__(self, *, loose: bool) -> None:
        self._loose = loose
        self._rest = b""

    def feed(self, chunk: bytes) -> list[Metric]:
        r"""Return the metrics of the lines that *chunk* completes, in order.

        >>> reader = LineMetrics(loose=False)
        >>> reader.feed(b"METRIC acc=0"), reader.feed(b".5\n")
        ([], [('acc', 0.5)])
        """
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = _shown(rest)[: _LONGEST + 1] + (b"\r" if rest.endswith(b"\r") else b"")
        return self._metrics(lines)

    def close(self) -> list[Metric]:
        """Return the metric of a last line without an end, and forget it."""
        rest, self._rest = self._rest, b""
        return self._metrics([rest])

    def _metrics(self, lines: list[bytes]) -> list[Metric]:
        found = (_metric(line, loose=self._loose) for line in lines)
        return [metric for metric in found if metric is not None]


def parse_metric_lines(lines: bytes, *, loose: bool) -> list[Metric]:
    r"""Return every metric in a finished output, in order.

    >>> parse_metric_lines(b"METRIC n=3\nloss: 0.25\n", loose=True)
    [('n', 3), ('loss', 0.25)]
    """
    reader = LineMetrics(loose=loose)
    return reader.feed(lines) + reader.close()


def _shown(line: bytes) -> bytes:
    return line.rstrip(b"\r").rpartition(b"\r")[2]  # what a terminal shows in the end


def _metric(line: bytes, *, loose: bool) -> Metric | None:
    shown = _shown(line)
    if len(shown) > _LONGEST:
        return None
    try:
        text = _COLOUR.sub(b"", shown).decode("utf-8").strip(" \t")
    except UnicodeDecodeError:
        return None
    found = _MARKED.fullmatch(text) or (_LOOSE.fullmatch(text) if loose else None)
    return (found[1], _number(found[2])) if found else None


def _number(text: str) -> float | int:
    return int(text) if _WHOLE.fullmatch(text) else float(text)
