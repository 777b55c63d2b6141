"""Bytes that are no UTF-8 have a text, and the text gives them back."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from xvc.core.byte_text import as_given, as_text, as_texts
from xvc.core.record import facts_of, run_from
from xvc.core.run import DataFile, RunRecord
from xvc.types import Digest, RunId

names = st.one_of(
    st.binary(max_size=12).map(os.fsdecode),
    st.text(max_size=8),
    st.text(alphabet="$'\\\\x9e\udce9\ud800u", max_size=10),
)


@given(names)
def test_a_name_survives_being_written(name: str) -> None:
    """Any bytes and any text: what is written is text, and reads back as the same bytes."""
    text = as_text(name)

    assert text.encode() is not None
    assert as_given(text) == name or os.fsencode(as_given(text)) == os.fsencode(name)


@given(names)
def test_writing_twice_is_writing_once(name: str) -> None:
    """A record that was read and is written again does not change."""
    once = as_texts({name: [name]})

    assert as_texts(once) == once


@given(names)
def test_a_record_keeps_its_paths(name: str) -> None:
    """The paths of a record come back as they are; its texts can be held by any file."""
    run = RunRecord(RunId("a"), note=name, outs={name: DataFile(Digest("d"), 1)})
    facts = facts_of(run)
    again = run_from(facts, RunRecord(RunId("a")))

    assert str(facts).encode()
    assert facts_of(again) == facts
    assert list(again.outs) == [as_given(as_text(name))]
