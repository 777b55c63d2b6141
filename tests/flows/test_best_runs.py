"""Every command that says which run is best says the same."""

from __future__ import annotations

from pathlib import Path

from surroundings import Calling
from xvc import Tracker


def _logged(value: float, *, fails: bool = False) -> str:
    tracker = Tracker(params={"value": value})
    try:
        with tracker:
            tracker.log({"acc": value})
            if fails:
                raise ArithmeticError
    except ArithmeticError:
        pass
    return str(tracker.track_id)


def test_the_best_run_is_finished_and_of_equals_the_first(project: Path, call_xvc: Calling) -> None:
    """References, lists, groups, reports and briefs name one run, infinities and NaN beside it."""
    for value in (0.5, float("nan"), float("-inf")):
        _logged(value)
    first, second = _logged(2**53 + 1), _logged(2**53 + 1)
    _logged(2**53)
    failed = _logged(2**60, fails=True)

    shown = call_xvc("show", "best:acc", "--json").data["id"]
    lists = [
        [run["id"] for run in call_xvc("ls", "--sort", "acc", *words, "--json").data["runs"]]
        for words in ((), ("--all",))
    ]
    said = call_xvc("brief", "--json").data["best"][0]["run"]

    assert shown == said == first
    assert lists[0] == lists[1]
    assert lists[0][:3] == [failed, first, second]
    assert f"| 1 | {first} |" in call_xvc("report").out
    assert call_xvc("show", "worst:acc", "--json").data["metrics"]["acc"] == {"$float": "-inf"}
