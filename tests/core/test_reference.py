"""References: every form reads back, every text is read or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.reference import (
    ByName,
    ByVersion,
    ByWorktree,
    Extreme,
    Latest,
    Reference,
    parse_reference,
)
from xvc.core.version import Version
from xvc.errors import BadReference

WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(str.strip)
NUMBERS = st.integers(min_value=0, max_value=10**6)
REFERENCES = (
    st.builds(Version, NUMBERS, NUMBERS, NUMBERS).map(lambda v: ByVersion(v, str(v)))
    | st.builds(Latest, NUMBERS)
    | st.builds(Extreme, WORDS, st.booleans())
    | st.builds(ByWorktree, WORDS)
    | st.from_regex(r"[a-z][a-z0-9/_-]{0,12}", fullmatch=True).map(ByName)
)


@given(REFERENCES)
def test_a_reference_survives_being_written(reference: Reference) -> None:
    """Whatever we print, we can read back."""
    again = parse_reference(str(reference))

    assert again == reference


@given(st.text())
def test_every_text_is_read_or_refused(text: str) -> None:
    """Nothing but BadReference comes out of a text, and what was read prints as it was typed."""
    try:
        typed = str(parse_reference(text))
    except BadReference as refused:
        typed = refused.text

    assert typed in (text, "@")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "best:",
        "worst: ",
        "worktree:",
        "@+1",
        "@-",
        "@-x",
        "@~1",
        "@{u}",
        "@2",
        "-x",
        "--force",
        "a\nb",
        "a\x00",
        "a\x7f",
        "best:\x1b[31m",
        "median:loss",
        ":loss",
    ],
)
def test_what_can_name_nothing_is_refused(text: str) -> None:
    """Halves of forms, unknown forms, options and control characters are refused."""
    with pytest.raises(BadReference) as refused:
        parse_reference(text)

    assert refused.value.text == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@", Latest(0)),
        ("@-0", Latest(0)),
        ("@-2", Latest(2)),
        ("best:val/loss", Extreme("val/loss", best=True)),
        ("worst:a:b", Extreme("a:b", best=False)),
        ("worktree:w1", ByWorktree("w1")),
        ("e1.2", ByName("e1.2")),
        ("feature/x", ByName("feature/x")),
        ("@scope/branch", ByName("@scope/branch")),
    ],
)
def test_the_forms(text: str, expected: Reference) -> None:
    """Each form means one thing; what is no form is a name."""
    reference = parse_reference(text)

    assert reference == expected


def test_versions_follow_the_prefix_of_the_project() -> None:
    """Under another prefix, e1.0.0 is a name like any other."""
    read = [parse_reference(text, prefix="v") for text in ("v1.0.0", "e1.0.0")]

    assert read == [ByVersion(Version(1, 0, 0), "v1.0.0"), ByName("e1.0.0")]
