"""A series of looks stays small, and loses neither totals nor peaks."""

from __future__ import annotations

import json

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
