"""Patterns that wait to be compiled are sound, and answer as compiled ones do."""

import copy
import pickle
import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

import pytest

import xvc
from xvc.core.late_pattern import LatePattern, late

_NEEDS_MORE = ("xvc.backends", "xvc.callbacks", "xvc.executors", "xvc.page")


def _late() -> Iterator[tuple[str, LatePattern]]:
    for module in walk_packages(xvc.__path__, "xvc."):
        if module.name.startswith(_NEEDS_MORE) or module.name.endswith("__main__"):
            continue
        for name, value in vars(import_module(module.name)).items():
            if type(value) is LatePattern:
                yield f"{module.name}.{name}", value


def test_each_compiles() -> None:
    """A mistake in a pattern would show at its first use only."""
    found = dict(_late())
    broken = []
    for name, value in found.items():
        try:
            re.compile(value.source, value.asked)
        except re.error as err:
            broken.append(f"{name}: {err}")

    assert len(found) > 50
    assert broken == []


@pytest.mark.parametrize("text", ["Loss 3", "none", ""])
def test_it_answers_as_a_compiled_one(text: str) -> None:
    """Each method, the first time as the second."""
    slow, quick = re.compile(r"([a-z]+) (\d)", re.IGNORECASE), late(r"([a-z]+) (\d)", re.IGNORECASE)

    for _ in range(2):
        assert quick.sub("x", text) == slow.sub("x", text)
        assert quick.findall(text) == slow.findall(text)
        assert bool(quick.match(text)) == bool(slow.match(text))
    assert (quick.pattern, quick.flags, quick.groups) == (slow.pattern, slow.flags, slow.groups)


def test_it_can_be_copied() -> None:
    """As a compiled one can, before its first use and after it."""
    word = late("[a-z]+")

    for each in (copy.copy(word), pickle.loads(pickle.dumps(word))):
        assert each.findall("ab 1 c") == ["ab", "c"]
