"""Numbers in dicts, by their path: what ``log({"val": {"acc": 0.9}})`` measured is ``val.acc``.

Pure. A dict of very many numbers is data and no set of metrics: nothing is taken from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

MOST_NUMBERS = 200
"""Of one dict that are metrics."""

MOST_TEXT = 20_000
"""Characters of a dict, as JSON, in which metrics are looked for."""


def numbers_in(key: str, value: object) -> dict[str, int | float]:
    """List the numbers in a dict by path; nothing is in a list, and truth values are no numbers.

    >>> numbers_in("val", {"acc": 0.9, "ok": True, "by": {"cat": 3}, "all": [1, 2]})
    {'val.acc': 0.9, 'val.by.cat': 3}
    """
    found: dict[str, int | float] = {}
    for path, number in _numbers(key, value):
        found[path] = number
        if len(found) > MOST_NUMBERS:
            return {}
    return found


def _numbers(path: str, value: object) -> Iterator[tuple[str, int | float]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _numbers(f"{path}.{key}", part)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value


def above(path: str) -> Iterator[str]:
    """List the keys under which a path could have been logged as part of a dict, longest first.

    >>> list(above("val.by.cat"))
    ['val.by', 'val']
    """
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


def is_within(path: str, key: str) -> bool:
    """Whether a path is a key, or leads into the dict under it."""
    return path == key or path.startswith(f"{key}.")
