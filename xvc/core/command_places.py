"""Places of params in a command: ``{lr}``. Pure.

The command of one run is a person's own: only braces around the name of one of its params are a
place. That of a sweep or of repeats is a template: braces around any name are a place,
and those that are not meant so are written twice. ``${lr}`` is the shell's own in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from xvc.core.late_pattern import late
from xvc.core.seed_names import is_seed

Fill = Callable[[Sequence[str], Mapping[str, str]], tuple[str, ...]]
"""Puts texts of params into their places: `filled_in_run` or `filled_in_template`."""

_NAME = r"[A-Za-z_][\w.-]*"
_PLACE = late(rf"(?<![$\w{{])\{{({_NAME})\}}")
_DOUBLED = late(rf"\{{\{{{_NAME}\}}\}}")


def filled_in_run(command: Sequence[str], shown: Mapping[str, str]) -> tuple[str, ...]:
    """Put values in place of ``{key}`` in the command of one run: all other braces are its own.

    >>> filled_in_run(("t.py", "--lr={lr}", "{{lr}}", "{{x}}", "${lr}"), {"lr": "1e-3"})
    ('t.py', '--lr=1e-3', '{lr}', '{{x}}', '${lr}')
    """
    return tuple(_filled(word, shown, _any_of(shown)) for word in command)


def filled_in_template(command: Sequence[str], shown: Mapping[str, str]) -> tuple[str, ...]:
    """Put values in place of ``{key}`` in the command of a sweep, or of repeats.

    >>> filled_in_template(("t.py", "--seed={seed}", "{{x}}", "${seed}"), {"seed": "2"})
    ('t.py', '--seed=2', '{x}', '${seed}')
    """
    return tuple(_filled(word, shown, _NAME if _is_one(word) else _NOTHING) for word in command)


_NOTHING = "(?!)"  # a pattern that nothing fits


def _any_of(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, names)) or _NOTHING


def _filled(word: str, shown: Mapping[str, str], doubled: str) -> str:
    """Fill one word; names that fit *doubled* stand for themselves where two braces are around."""
    pattern = rf"\{{(\{{(?:{doubled})\}})\}}|(?<!\$)\{{({_any_of(shown)})\}}"
    return re.sub(pattern, lambda got: got[1] or shown[got[2]], word)


def _is_one(word: str) -> bool:
    """Whether a word has no space in it: one that has may be code, with braces of its own."""
    return not re.search(r"\s", word)


def not_filled_in_run(command: Sequence[str], keys: Collection[str]) -> tuple[str, ...]:
    """Write a command so that `filled_in_run` leaves it as it is.

    >>> not_filled_in_run(("t.py", "{lr}"), ["lr"])
    ('t.py', '{{lr}}')
    """
    return filled_in_run(command, {key: f"{{{{{key}}}}}" for key in keys})


def placeholders(command: Sequence[str]) -> list[str]:
    """List the names in the braces of a sweep's command, or of repeats.

    Code in a word of its own has other braces.

    >>> placeholders(["t.py", "--lr={lr}", "${HOME}", "{1..3}", "{{x}}", "print(f'{y} z')"])
    ['lr']
    """
    words = (_DOUBLED.sub("", word) for word in command if _is_one(word))
    return [name for word in words for name in _PLACE.findall(word)]


def placed_keys(fill: Fill, command: Sequence[str], keys: Iterable[str]) -> frozenset[str]:
    """Name the params that *fill* puts into a command.

    >>> sorted(placed_keys(filled_in_run, ("t.py", "s{seed}", "{{lr}}"), ["seed", "lr", "x"]))
    ['seed']
    """
    marks = {key: f"\0{key}\0" for key in keys}  # no word of a command has a NUL
    text = "".join(fill(command, marks))
    return frozenset(key for key, mark in marks.items() if mark in text)


def with_seed_places(
    fill: Fill,
    command: Sequence[str],
    shown: Mapping[str, str],
) -> tuple[str, ...] | None:
    """Return a command with its seeds in braces and all else filled in; None where none is in it.

    `filled_in_run` with the seeds makes it the command that *fill* makes with all params.

    >>> with_seed_places(filled_in_run, ("t.py", "{lr}", "s{seed}", "1"), {"lr": "1", "seed": "1"})
    ('t.py', '1', 's{seed}', '1')
    """
    marks = {key: f"\0{key}\0" for key in shown if is_seed(key)}  # as above
    words = not_filled_in_run(fill(command, {**shown, **marks}), marks)
    for key, mark in marks.items():
        words = tuple(word.replace(mark, f"{{{key}}}") for word in words)
    filled = fill(command, shown)
    seeds = {key: shown[key] for key in marks}
    is_placed = not_filled_in_run(filled, marks) != words
    return words if is_placed and filled_in_run(words, seeds) == filled else None
