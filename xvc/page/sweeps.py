"""Sweeps, for the page: the answers of `xvc sweep status` and `xvc sweep show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xvc.core.objective import number_of
from xvc.errors import XvcError
from xvc.page.browser_values import Wired, wired

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xvc.core.sweep import Trial
    from xvc.project import Project
    from xvc.sweeps.show import SweepResults
    from xvc.sweeps.state import SweepStatus


def all_sweeps(project: Project) -> dict[str, Wired]:
    """List the sweeps of the project, the newest first; one that cannot be read is a warning."""
    from xvc.sweeps.state import sweep_status
    from xvc.sweeps.sweep_folder import sweep_ids  # late: loads what reads the store

    found: list[tuple[int, Mapping[str, Wired]]] = []
    warnings = []
    for name in sweep_ids(project):
        try:
            status = sweep_status(project, name)
        except XvcError as err:
            warnings.append(f"{err}. {err.hint}".rstrip())
        else:
            found.append((status.sweep.created, _summary(status)))
    found.sort(key=lambda each: each[0], reverse=True)
    return {"sweeps": [summary for _, summary in found], "warnings": warnings}


def one_sweep(project: Project, name: str) -> dict[str, Wired]:
    """Tell all of a sweep: its trials, best first, and how much each param mattered.

    Raises:
        NoSweep: there is none of that name.
    """
    from xvc.sweeps.show import show_sweep  # late: as above

    shown = show_sweep(project, name or None)
    request = shown.status.sweep.request
    return {
        **_summary(shown.status),
        "space": {key: _dimension(key, shown) for key in request.space},
        "direction": request.direction.value if request.direction else None,
        "importances": dict(shown.importances),
        "best_so_far": list(_best_so_far(shown)),
        "trials": [_trial(each) for each in shown.ranked],
        "warnings": list(shown.warnings),
    }


def stop_sweep(project: Project, name: str) -> dict[str, Wired]:
    """End a sweep well; as `xvc sweep stop`."""
    from xvc.sweeps.stop import stop  # late: as above

    return {"state": stop(project, name).condition.value}


def _summary(status: SweepStatus) -> Mapping[str, Wired]:
    sweep, progress = status.sweep, status.progress
    return {
        "id": sweep.id,
        "created": sweep.created / 1e6,
        "state": status.condition.value,
        "command": [*sweep.request.command],
        "sampler": sweep.request.sampler.value,
        "metric": sweep.request.metric,
        "params": list(sweep.request.space),
        "total": sweep.total,
        "counts": {state.value: count for state, count in progress.counts.items()},
        "best": None if progress.best is None else _trial(progress.best),
    }


def _dimension(key: str, shown: SweepResults) -> Mapping[str, Wired]:
    from xvc.core.search_space import dimension_text, is_of_magnitudes  # late: as above

    dimension = shown.status.sweep.request.space[key]
    return {"text": dimension_text(dimension), "log": is_of_magnitudes(dimension)}


def _trial(trial: Trial) -> Mapping[str, Wired]:
    return {
        "number": trial.number,
        "state": trial.state.value,
        "params": wired(trial.params),
        "value": wired(trial.value),
        "run": trial.run,
        "seconds": wired(trial.seconds),
        "reason": trial.reason,
        "used": wired(trial.used),
    }


def _best_so_far(shown: SweepResults) -> Iterator[list[Wired]]:
    """The best value after each trial that ended well, by the trials' numbers."""
    direction = shown.status.sweep.request.direction
    if direction is None:
        return
    from xvc.core.direction import better  # late: as above

    best: float | None = None
    for trial in sorted(shown.ranked, key=lambda each: each.number):
        value = number_of(trial.value)
        if trial.state.value != "finished" or value is None:
            continue
        if best is None or better(direction, best, value):
            best = value
        yield [trial.number, wired(best)]
