"""The limits of what may be recorded, as the manual names them."""

from __future__ import annotations

from pathlib import Path

from xvc.core import limits

README = Path(__file__).parents[2] / "README.md"


def test_the_manual_names_every_limit() -> None:
    """README has each number, so that it follows when one changes."""
    text = README.read_text(encoding="utf-8")
    numbers = {name: value for name, value in vars(limits).items() if name.isupper()}

    assert numbers
    for name, value in numbers.items():
        assert f"{value:,}" in text, name
