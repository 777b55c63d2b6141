"""The rules of a merge: accounts that add up, who decides a conflict, what is known of a run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.account import Account, Fate, MergeUnsound, added_up
from xvc.core.filter import parse_filter
from xvc.core.merge import Choice, Conflict, Side, decide, remembered
from xvc.store.run_merge import settle_run

counts = st.dictionaries(st.sampled_from(Fate), st.integers(0, 9))
notes = [
    Conflict("them", "runs", key, "note", "both-changed", ours='"a"', theirs='"b"') for key in "xy"
]
row = Conflict("them", "events", "1", None, Fate.DELETED_BY_US.value, newer=Side.THEIRS)


@given(counts)
def test_every_row_of_every_input_is_counted(fates: dict[Fate, int]) -> None:
    """The sums of the fates are the inputs; one row more on any side is an error."""
    ours = sum(count for fate, count in fates.items() if fate.is_ours)
    theirs = sum(count for fate, count in fates.items() if fate.is_theirs)
    result = sum(count for fate, count in fates.items() if fate.is_left)

    assert Account("t", ours, theirs, result, fates).checked().result == result
    for wrong in (
        (ours + 1, theirs, result),
        (ours, theirs + 1, result),
        (ours, theirs, result - 1),
    ):
        with pytest.raises(MergeUnsound):
            Account("t", *wrong, fates).checked()


def test_what_was_done_one_after_the_other_is_added_up() -> None:
    """Rows before the first merge, rows after the last, and all that came and went between."""
    first = Account("t", 2, 3, 4, {Fate.EQUAL: 1, Fate.KEPT_NEW: 1, Fate.TAKEN_NEW: 2})
    then = Account("t", 4, 1, 5, {Fate.KEPT_NEW: 4, Fate.RESTORED: 1})
    whole = added_up([first.checked(), then.checked()])["t"]
    left = whole.after_replacing(replaced=1, dropped=3, result=1).balanced()

    assert (whole.ours, whole.theirs, whole.result) == (2, 4, 5)
    assert (left.taken, left.replaced, left.dropped, left.of(Fate.RESTORED)) == (0, 1, 3, 0)
    with pytest.raises(MergeUnsound):
        added_up([first, first])
    with pytest.raises(MergeUnsound):
        whole.after_replacing(replaced=1, dropped=3, result=2).balanced()


def test_some_conflicts_are_decided() -> None:
    """Only what the filter names gets a choice."""
    made = decide([*notes, row], Side.THEIRS, parse_filter("table == 'runs' and key == 'x'"))

    assert [each.choice for each in made] == [Choice(Side.THEIRS), None, None]


@pytest.mark.parametrize("fallback", list(Side))
def test_the_newer_row_wins(fallback: Side) -> None:
    """Where rows tell their time that decides, elsewhere the store that was written later."""
    made = decide([notes[0], row], None, fallback=fallback)

    assert [each.choice for each in made] == [Choice(fallback), Choice(Side.THEIRS)]


def test_a_choice_holds_for_the_same_values_only() -> None:
    """A conflict whose values changed since somebody decided is undecided again."""
    before = decide(notes, Side.OURS)
    now = [
        notes[0],
        Conflict("them", "runs", "y", "note", "both-changed", ours='"a"', theirs='"c"'),
    ]

    assert [each.choice for each in remembered(now, before)] == [Choice(Side.OURS), None]


@pytest.mark.parametrize(
    ("ours", "theirs", "side"),
    [
        ("running", "finished", Side.THEIRS),
        ("failed", "lost", Side.OURS),
        ("running", "lost", Side.THEIRS),
    ],
)
def test_who_knows_more_of_an_end_is_right(ours: str, theirs: str, side: Side) -> None:
    """The run's own word beats a guess, a guess beats nothing, and the whole end goes together."""
    chosen = settle_run(None, {"status": ours}, {"status": theirs}, ["status"])

    assert {chosen[name].side for name in ("status", "exit_code", "reason")} == {side}


def test_two_ends_are_for_a_person() -> None:
    """Finished here and failed there is nothing that a rule could know."""
    assert settle_run(None, {"status": "finished"}, {"status": "failed"}, ["status"]) == {}


def test_the_later_value_of_each_metric_wins() -> None:
    """Metrics are merged key by key by when they were logged, as folds do it."""
    ours: dict[str, Any] = {"metrics": {"a": 1, "b": 1}, "metric_times": {"a": 5, "b": 5}}
    theirs: dict[str, Any] = {"metrics": {"a": 2, "c": 3}, "metric_times": {"a": 6, "c": 1}}
    chosen = settle_run({}, ours, theirs, ["metrics", "metric_times"])

    assert chosen == settle_run({}, theirs, ours, ["metrics", "metric_times"])
    assert chosen["metrics"].value == '{"a": 2, "b": 1, "c": 3}'
    assert chosen["metric_times"].value == '{"a": 6, "b": 5, "c": 1}'


def test_metrics_of_one_moment_are_for_a_person() -> None:
    """Two values logged at the same time: neither is the later."""
    ours: dict[str, Any] = {"metrics": {"a": 1}, "metric_times": {"a": 5}}
    theirs: dict[str, Any] = {"metrics": {"a": 2}, "metric_times": {"a": 5}}

    assert settle_run({}, ours, theirs, ["metrics"]) == {}


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, {"a": 1, "c": 3}, '{"a": 1, "b": 2, "c": 3}'),
        ({"a": 1, "b": 1}, {"b": 1}, {"a": 1, "b": 2}, '{"b": 2}'),
        ({"a": 1}, {"a": 2}, {"a": 3}, None),
        ({}, {"a": 1}, {"a": 1.0}, None),
    ],
)
def test_params_are_merged_by_key(base: Any, ours: Any, theirs: Any, merged: str | None) -> None:
    """Keys that one side added, changed or took away; one that both changed is for a person."""
    sides = [{"params": side} for side in (base, ours, theirs)]

    assert settle_run(*sides, ["params"]) == ({"params": Choice(value=merged)} if merged else {})
