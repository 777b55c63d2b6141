"""Words inside names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xvc.core.name_words import camel_words, words


@given(st.text())
def test_words_are_lower_case_and_never_empty(name: str) -> None:
    """Any text gives words that can be looked up in a table."""
    found = words(name)

    assert all(word and word == word.lower() for word in found)


@given(st.lists(st.sampled_from(["val", "loss", "f1", "top", "auc"]), min_size=1))
def test_every_way_of_joining_words_is_undone(parts: list[str]) -> None:
    """Signs and capitals part words alike."""
    joined = ["/".join(parts), "_".join(parts), "".join(part.title() for part in parts)]

    assert [camel_words(name) for name in joined] == [parts] * 3
