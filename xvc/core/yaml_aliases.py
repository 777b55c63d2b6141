"""How much a YAML text holds when each of its aliases is written out: a few lines may be a billion.

Pure, over the nodes that PyYAML and ruamel compose; makes none of the values.
"""

from __future__ import annotations

from typing import Any


def is_multiplied(node: Any, most: int) -> bool:
    """Whether a composed text has more values than *most*, each counted as often as it is named.

    >>> is_multiplied(None, 0)
    True

    Raises:
        RecursionError: it is nested too deeply to be counted.
    """
    known: dict[int, int] = {}

    def count(each: Any) -> int:
        if each is None or isinstance(each.value, str):
            return 1
        if id(each) not in known:
            known[id(each)] = 1  # what contains itself is refused where it is made
            parts = (part for entry in each.value for part in _nodes(entry))
            known[id(each)] = 1 + sum(map(count, parts))
        return known[id(each)]

    return count(node) > most


def _nodes(entry: Any) -> tuple[Any, ...]:
    return entry if isinstance(entry, tuple) else (entry,)
