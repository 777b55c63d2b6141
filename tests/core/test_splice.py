"""A section between marks: the rest of the document is nobody's business."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xvc.render.splice import BEGIN, END, MarksDamaged, NoMarks, spliced

CONTENT = st.binary(max_size=40).filter(lambda raw: b"<!--" not in raw) | st.sampled_from(
    [b"# A\n\ntext\n", b"a\r\nb\r\n", b"no end", b"\xff\xfe\x00", b"\r\n"]
)
SECTIONS = st.text(st.characters(codec="utf-8", exclude_characters="<\r"), max_size=20)


@given(CONTENT, CONTENT, CONTENT, SECTIONS)
def test_what_stands_outside_is_left(
    before: bytes, inside: bytes, after: bytes, section: str
) -> None:
    """Every byte before the begin mark and behind the end mark comes back; doing it again is a
    no-op."""
    document = before + BEGIN + inside + END + after

    made = spliced(document, section, "x.md", may_append=False)

    assert made.startswith(before + BEGIN)
    assert made.endswith(END + after)
    ending = b"\r\n" if b"\r\n" in document else b"\n"
    assert section.strip("\n").encode().replace(b"\n", ending) in made
    if b"\r\n" not in inside or ending in before + after:
        assert spliced(made, section, "x.md", may_append=False) == made


@given(CONTENT, SECTIONS)
@example(b"\r", "")
def test_marks_are_appended_once(document: bytes, section: str) -> None:
    """A document without marks keeps all it has and gets them at its end, only when allowed."""
    made = spliced(document, section, "x.md", may_append=True)

    assert made.startswith(document)
    assert (made.count(BEGIN), made.count(END)) == (1, 1)
    assert spliced(made, section, "x.md", may_append=True) == made
    with pytest.raises(NoMarks):
        spliced(document, section, "x.md", may_append=False)


def test_a_section_cannot_bring_marks_of_its_own() -> None:
    """What looks like a mark in the new text is none afterwards."""
    made = spliced(b"", f"a {END.decode()} b {BEGIN.decode()}", "x.md", may_append=True)

    assert (made.count(BEGIN), made.count(END)) == (1, 1)


@pytest.mark.parametrize(
    "document",
    [BEGIN, END, END + BEGIN, BEGIN + BEGIN + END, BEGIN + END + END, (BEGIN + END) * 2],
)
def test_damaged_marks_are_refused(document: bytes) -> None:
    """A mark that is missing, doubled or out of order is nothing to guess about."""
    with pytest.raises(MarksDamaged):
        spliced(document, "text", "x.md", may_append=True)
