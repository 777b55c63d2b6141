"""Tolerances of a rerun: a metric is as far off as is written, whatever a float makes of it."""

import pytest

from xvc.core.run import RunRecord
from xvc.runs.reproduction import Tolerance, compare_values
from xvc.types import Json, RunId


@pytest.mark.parametrize(
    ("was", "now", "tolerance", "outcome"),
    [
        (0.8, 0.7, "0.1", "within tolerance"),  # 0.8 - 0.7 is 0.10000000000000009
        (0.9, 0.8, "0.1", "within tolerance"),
        (0.8, 0.6999, "0.1", "drifted"),
        (3, 2, "1", "within tolerance"),
        (10**400, 10**400 + 1, "1", "within tolerance"),
        (10**400, 0.5, "1", "drifted"),
        (1.0, float("inf"), "1", "drifted"),
        (float("inf"), float("inf"), "0", "identical"),
        (1.0, float("nan"), "1", "drifted"),
        (float("nan"), float("nan"), "0", "identical"),
    ],
)
def test_a_metric_is_held_to_its_tolerance_as_it_is_written(
    was: Json, now: Json, tolerance: str, outcome: str
) -> None:
    old, new = (RunRecord(RunId("a"), metrics={"acc": value}) for value in (was, now))
    row = compare_values(old, new, Tolerance.parse([f"acc={tolerance}"]))[-1]
    assert (row.key, row.outcome.value) == ("acc", outcome)
