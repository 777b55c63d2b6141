"""Numbers, spans of time and sizes as people read them. Pure; loses digits on purpose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from xvc.core.json_values import readable
from xvc.types import Json


def number(value: Json) -> str:
    """Write a value for a cell.

    >>> number(0.97221), number(3), number(None), number("svm")
    ('0.9722', '3', '-', 'svm')
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return (
            f"{value:.4g}"
            if abs(value) < 1e-3 or abs(value) >= 1e6
            else f"{value:.4f}".rstrip("0").rstrip(".")
        )
    return " ".join(readable(value).split())


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Continue the sentence that a name is unknown by the nearest known one, if any is near.

    >>> did_you_mean("los", ["loss", "acc"]), did_you_mean("f1", ["loss"])
    ("; did you mean 'loss'?", '')
    """
    import difflib  # late: only a mistake needs it

    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def duration(seconds: float | None) -> str:
    """Write a span of time.

    >>> duration(0.123), duration(75), duration(7322)
    ('0.12s', '1m15s', '2h02m')
    """
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.2f}s" if seconds < 10 else f"{seconds:.0f}s"
    if seconds < 3600:
        return f"{int(seconds // 60)}m{int(seconds % 60):02d}s"
    return f"{int(seconds // 3600)}h{int(seconds % 3600 // 60):02d}m"


def size(count: int | None) -> str:
    """Write a number of bytes.

    >>> size(1536), size(12)
    ('1.5 KB', '12 B')
    """
    if count is None:
        return "-"
    amount, unit = float(count), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):  # noqa: B007 - the last one stays
        if amount < 1024:
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def day(nanoseconds: int | None) -> str:
    """Write the day of a point of time, in UTC, so that it is the same on every machine.

    >>> day(1_700_000_000_000_000_000), day(None)
    ('2023-11-14', '-')
    """
    if nanoseconds is None:
        return "-"
    return moment_of(nanoseconds).strftime("%Y-%m-%d")


_FIRST, _LAST = -62_135_596_800, 253_402_300_799  # seconds of the years 1 and 9999


def moment_of(nanoseconds: int) -> datetime:
    """Return a point of time in UTC, to the microsecond; the nearest where no calendar has it.

    A store from elsewhere may say the year 294246.

    >>> moment_of(1_500).microsecond, moment_of(10**22).year, moment_of(-(10**22)).year
    (1, 9999, 1)
    """
    seconds, rest = divmod(nanoseconds // 1000, 1_000_000)
    whole = min(max(seconds, _FIRST), _LAST)
    return datetime.fromtimestamp(whole, UTC).replace(microsecond=rest)


def instant(nanoseconds: int | None) -> str | None:
    """Write a point of time to the second, in UTC, so that texts sort as times do.

    >>> instant(1_700_000_000_000_000_000)
    '2023-11-14T22:13:20Z'
    """
    if nanoseconds is None:
        return None
    return moment_of(nanoseconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def counted(number: int, thing: str) -> str:
    """Write a number of things.

    >>> counted(1, "run"), counted(2, "run"), counted(2, "entry"), counted(0, "match")
    ('1 run', '2 runs', '2 entries', '0 matches')
    """
    if number == 1:
        return f"1 {thing}"
    if thing.endswith("y") and thing[-2:-1] not in {*"aeiou"}:
        return f"{number} {thing[:-1]}ies"
    return f"{number} {thing}{'es' if thing.endswith(('s', 'x', 'ch', 'sh')) else 's'}"


def few_of(names: Sequence[str], most: int = 3, total: int | None = None) -> str:
    """Name a few and count the others; there are *total* where not all are given.

    >>> few_of(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    more = (len(names) if total is None else total) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
