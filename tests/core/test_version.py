"""Versions: what is printed reads back, order is by number, the next one is free."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.version import Bump, Version, next_version
from xvc.errors import BadVersion

NUMBERS = st.integers(min_value=0, max_value=10**12)
VERSIONS = st.builds(Version, NUMBERS, NUMBERS, NUMBERS)
PREFIXES = st.sampled_from(["e", "", "exp-", "v", "team/e"])


@given(VERSIONS, PREFIXES)
def test_a_version_survives_being_written(version: Version, prefix: str) -> None:
    """Whatever we print, under any prefix, we can read back."""
    again = Version.parse(version.name(prefix), prefix)

    assert again == version


@given(st.text())
def test_only_what_we_would_print_is_read(text: str) -> None:
    """A text is either refused or is exactly the name of the version it gives."""
    try:
        read = str(Version.parse(text))
    except BadVersion as refused:
        read = refused.text

    assert read == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "e",
        "1.2.3",
        "e1.2",
        "e1.2.3.4",
        "e01.2.3",
        "e1.2.-3",
        "E1.2.3",
        "e1.2.3\n",
        "e1.2.٣",
        "e" + "9" * 300 + ".0.0",
    ],
)
def test_other_shapes_are_refused(text: str) -> None:
    """No leading zeros, signs, spaces, foreign digits, or names longer than a file name."""
    with pytest.raises(BadVersion) as refused:
        Version.parse(text)

    assert refused.value.text == text


@given(VERSIONS, VERSIONS)
def test_order_is_by_the_three_numbers(one: Version, other: Version) -> None:
    """e1.10.0 is behind e1.9.0, whatever the letters say."""
    is_before = one < other

    assert is_before == (
        (one.major, one.minor, one.patch) < (other.major, other.minor, other.patch)
    )


@given(st.lists(VERSIONS, max_size=5), st.sampled_from(Bump))
def test_the_next_version_is_behind_all(existing: list[Version], bump: Bump) -> None:
    """The next version is greater than every one that exists."""
    following = next_version(existing, bump)

    assert all(version < following for version in existing)


@pytest.mark.parametrize(
    ("bump", "first", "later"),
    [
        (Bump.MAJOR, "e1.0.0", "e2.0.0"),
        (Bump.MINOR, "e0.1.0", "e1.5.0"),
        (Bump.PATCH, "e0.0.1", "e1.4.3"),
    ],
)
def test_a_bump_clears_what_is_behind_it(bump: Bump, first: str, later: str) -> None:
    """The parts behind the one that grows start again at 0."""
    names = (str(next_version([], bump)), str(Version(1, 4, 2).bumped(bump)))

    assert names == (first, later)
