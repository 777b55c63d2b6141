"""Tag messages: what is rendered parses, nothing leaves its line, any text parses."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.commit_subject import headline
from xvc.core.tag_message import TagMessage
from xvc.types import CommitId, Digest, Nanoseconds, RunId

HEX = st.text("0123456789abcdef", min_size=6, max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
        | st.dictionaries(st.sampled_from(["$float", "$$float", "$int"]), inner, max_size=1)
    ),
    max_leaves=6,
)
RECORDS = st.dictionaries(st.text(max_size=8) | st.just("$float"), VALUES, max_size=4)
MESSAGES = st.builds(
    TagMessage,
    subject=st.text().map(headline),
    run=st.none() | HEX.map(RunId),
    snapshot=st.none() | HEX.map(CommitId),
    store=st.none() | HEX.map(Digest),
    started=st.none() | st.integers(-(2**63), 2**63 - 1).map(Nanoseconds),
    params=RECORDS,
    metrics=RECORDS,
    data=st.dictionaries(st.text(), HEX, max_size=3),
    note=st.none() | st.text(),
)


@given(MESSAGES)
def test_a_message_survives_being_rendered(message: TagMessage) -> None:
    """Whatever we write into a tag, we can read back."""
    again = TagMessage.parse(message.render())

    assert again == message


@given(st.text())
def test_any_text_parses(text: str) -> None:
    """A tag made by hand is never an error."""
    message = TagMessage.parse(text)

    assert len(message.subject.splitlines()) <= 1


@given(st.sampled_from(["Run", "Started", "Params", "Metrics", "Data", "Note"]), st.text())
def test_a_damaged_trailer_counts_as_absent(name: str, value: str) -> None:
    """What somebody wrote behind a trailer's name never stops the rest."""
    message = TagMessage.parse(f"mine\n\nXvc-{name}: {value}\nXvc-Store: abc\n")

    assert (message.subject, message.store) == ("mine", "abc")


@pytest.mark.parametrize(
    "value",
    ["[" * 10**5, "[1]", '{"a": '],
)
def test_a_record_edited_by_hand_counts_as_absent(value: str) -> None:
    """Broken JSON and depth without end give no parameters, and no error."""
    message = TagMessage.parse(f"mine\n\nXvc-Params: {value}\n")

    assert message.params == {}


@pytest.mark.parametrize("value", ['{"$int": "x"}', '{"$dict": [1]}', '{"$dict": [[[[]], 1]]}'])
def test_a_mark_edited_by_hand_stays_as_it_is(value: str) -> None:
    """What no program of ours wrote as a mark is a dict like any other."""
    message = TagMessage.parse(f"mine\n\nXvc-Params: {value}\n")

    assert list(message.params) == list(json.loads(value))


@given(st.text(), st.text(), st.text())
def test_nothing_breaks_out_of_its_line(subject: str, key: str, note: str) -> None:
    """Line breaks of any script in any value leave the message its lines and its record."""
    message = TagMessage(subject, run=RunId("k7"), params={key: note}, note=note)
    again = TagMessage.parse(message.render())

    assert again == replace(message, subject=headline(subject))
    assert len(message.render().splitlines()) == 5


def test_a_forged_trailer_stays_a_value() -> None:
    """A note that looks like a trailer is only a note."""
    note = "fine\n\nXvc-Run: forged\nXvc-Store: forged"
    again = TagMessage.parse(TagMessage("a\nXvc-Run: forged", note=note).render())

    assert (again.run, again.store, again.note) == (None, None, note)


def test_numbers_that_json_lacks_stay_apart_from_text() -> None:
    """NaN and the infinities come back as numbers, their names as text."""
    unusual = {"a": math.inf, "b": -math.inf, "c": "NaN", "d": "nan", "e": "Infinity"}
    again = TagMessage.parse(TagMessage("x", metrics={**unusual, "n": math.nan}).render()).metrics
    nan = again["n"]

    assert isinstance(nan, float)
    assert math.isnan(nan)
    assert {**again, "n": None} == {**unusual, "n": None}


def test_trailers_are_strict_json_in_a_fixed_order() -> None:
    """Other programs can read a record: sorted keys, text as it is, no bare NaN."""
    line = TagMessage("x", params={"b": math.nan, "a": "größe"}).render().splitlines()[2]
    record = json.loads(line.removeprefix("Xvc-Params: "), parse_constant=pytest.fail)

    assert list(record) == ["a", "b"]
    assert "größe" in line


def test_the_whole_message() -> None:
    """Subject, blank line, trailers: this is what stands in git for good."""
    message = TagMessage(
        "lr=0.1 | baseline",
        run=RunId("k7f3m2q9x1b4"),
        snapshot=CommitId("c0ffee"),
        store=Digest("5d41"),
        started=Nanoseconds(1_000_000_001),
        params={"lr": 0.1},
        metrics={"acc": 1},
        data={"data/iris.csv": "3a2f"},
        note="two\nlines",
    )
    text = message.render()

    assert text == (
        "lr=0.1 | baseline\n"
        "\n"
        "Xvc-Run: k7f3m2q9x1b4\n"
        "Xvc-Snapshot: c0ffee\n"
        "Xvc-Store: 5d41\n"
        "Xvc-Started: 1970-01-01T00:00:01.000000001Z\n"
        'Xvc-Params: {"lr": 0.1}\n'
        'Xvc-Metrics: {"acc": 1}\n'
        'Xvc-Data: {"data/iris.csv": "3a2f"}\n'
        'Xvc-Note: "two\\nlines"\n'
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("made by hand", TagMessage("made by hand")),
        ("\n\nlate\r\n\r\nXvc-Run: k7\r\n", TagMessage("late", run=RunId("k7"))),
        (
            "signed\n\nXvc-Run: k7\n-----BEGIN PGP SIGNATURE-----\n",
            TagMessage("signed", RunId("k7")),
        ),
        ("twice\n\nXvc-Run: k7\nXvc-Run: k8\n", TagMessage("twice", RunId("k7"))),
        ("bad time\n\nXvc-Started: 2024-13-40T00:00:00Z\n", TagMessage("bad time")),
        ("", TagMessage("")),
    ],
)
def test_messages_of_other_hands(text: str, expected: TagMessage) -> None:
    """Hand-made, Windows-made, signed and doubled messages give what can be known."""
    message = TagMessage.parse(text)

    assert message == expected


@pytest.mark.parametrize(
    "said", ["a\nb", "a\0b", "\ud800", "\x1b[31mred", "/etc", "../other", "a/../..", 3, ["a"]]
)
def test_a_project_that_is_no_folder_below_the_top_counts_as_absent(said: object) -> None:
    """A tag that somebody else made names no file, and its text reaches no terminal."""
    assert TagMessage.parse(f"one\n\nXvc-Project: {json.dumps(said)}\n").project is None
    assert TagMessage.parse('one\n\nXvc-Project: "größe/a b"\n').project == "größe/a b"
