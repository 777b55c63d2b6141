"""A series of looks stays small, and loses neither totals nor peaks."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.usage_series import MOST, UsageLook, UsageSeries, series_from, spans


@given(st.lists(st.integers(0, 1 << 40), min_size=1, max_size=2_000))
def test_a_series_keeps_the_peak_and_the_total(memory: list[int]) -> None:
    """However long it grows, it has at most so many looks, and what they say adds up."""
    series = UsageSeries()
    looks = [UsageLook(at, cpu_seconds=at / 2, memory=held) for at, held in enumerate(memory)]
    last = max(at for at, look in enumerate(looks) if series.add(look))

    assert len(series.looks) <= MOST
    assert max(look.memory or 0 for look in series.looks) == max(memory[: last + 1])
    assert series.looks[-1].cpu_seconds == last / 2
    assert all(span.cpu_percent == 50 for span in spans(series.looks))


@given(
    st.lists(st.builds(UsageLook, st.floats(0, 1e9), memory=st.none() | st.integers(0, 1 << 60)))
)
def test_a_series_survives_being_written(looks: list[UsageLook]) -> None:
    """What is read back is what was seen."""
    again = series_from(json.loads(json.dumps(UsageSeries(looks).facts())))

    assert again == looks


@pytest.mark.parametrize(
    "text",
    [
        '{"seconds": [0, null], "memory": [1, 2]}',
        '{"seconds": [0, NaN], "memory": [1, 2]}',
        '{"seconds": [0, 1], "cpu_seconds": [0, 1%s]}' % ("0" * 400),
        '{"seconds": [0, 1], "memory": [Infinity, 1]}',
        '{"seconds": [0, 1], "memory": ["1", true]}',
    ],
)
def test_what_another_clone_sends_is_drawn_or_left_out(text: str) -> None:
    """Every figure that is read can be written as JSON, and every two looks be compared."""
    found = spans(series_from(json.loads(text)))

    assert json.dumps([each.memory for each in found], allow_nan=False)
    assert all(each.memory is None and each.cpu_percent is None for each in found)
