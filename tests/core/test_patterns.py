"""Regular expressions match alike under every Python that the project takes."""

import re
from pathlib import Path

import xvc

_POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)(?:[*+?]|\{\d*,?\d*\})\+")


def test_no_possessive_quantifier_stands_behind_a_group() -> None:
    """Before 3.11.5, Debian 12 has 3.11.2, such a group lost matches: keys were not masked."""
    sources = Path(xvc.__file__).parent.rglob("*.py")

    found = [
        f"{path}:{number}"
        for path in sources
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if _POSSESSIVE_GROUP.search(line)
    ]

    assert _POSSESSIVE_GROUP.search("(?:ab|c)*+")
    assert not found
