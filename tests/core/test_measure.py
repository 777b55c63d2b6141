"""Which run is best: one order of values, one rule for ties, finished runs only."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from xvc.core.direction import Direction
from xvc.core.objective import Measure, in_order
from xvc.core.run import RunRecord, Status
from xvc.reports.ranking import ranked
from xvc.types import Json, RunId

_NUMBERS = st.one_of(st.integers(), st.integers(-3, 3), st.floats(), st.just(10**400))
_VALUES: st.SearchStrategy[Json] = st.one_of(_NUMBERS, st.booleans(), st.text(), st.none())


@given(st.lists(st.tuples(_VALUES, st.sampled_from(Status), st.integers(0, 3))), st.booleans())
def test_all_that_ranks_runs_ranks_them_alike(
    told: list[tuple[Json, Status, int]], is_max: bool
) -> None:
    """Lists, reports and references agree, to the last digit of an integer of any size."""
    runs = [
        RunRecord(RunId(f"{place:012}"), status=status, metrics={"m": value}, started=started)
        for place, (value, status, started) in enumerate(told)
    ]
    measure = Measure("m", Direction.MAX if is_max else Direction.MIN)
    done = [run for run in runs if run.status is Status.FINISHED]
    by_age = sorted(done, key=lambda run: (run.started or 0, run.id))

    listed = in_order({run.id: run.metrics["m"] for run in by_age}, descending=is_max)
    best = [run.id for run in measure.ranked(runs)]

    assert listed[: len(best)] == best
    assert [place.run.id for place in ranked(runs, measure)] == best
    assert getattr(measure.first(runs), "id", None) == next(iter(best), None)
    assert not any(math.isnan(place.behind) for place in ranked(runs, measure))


def test_the_worst_of_equals_is_the_one_that_began_first_as_well() -> None:
    """One rule for ties, whichever end is asked for."""
    runs = [
        RunRecord(RunId(name), status=Status.FINISHED, metrics={"m": 1}, started=started)
        for name, started in (("b", 2), ("a", 1), ("c", 3))
    ]
    measure = Measure("m", Direction.MAX)

    ends = measure.first(runs), measure.first(runs, best=False)

    assert [end.id for end in ends if end] == ["a", "a"]
