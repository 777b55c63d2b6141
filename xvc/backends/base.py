"""What every tracking backend offers: runs with metrics, params and artifacts, one at a time.

In an xvc project each run of a backend is also a run of xvc: with the code that ran, in the store,
and every row on the disk when the call returns. Elsewhere the backend is on its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Self

from xvc.errors import BadValue, NotFoundError, UsageError, XvcError, error

if TYPE_CHECKING:
    from types import TracebackType

    from xvc.tracking.tracker import Tracker

FINISHED = "finished"
FAILED = "failed"

_COUNTS = ("success_rate", "total_count", "success_count", "error_count")
_SCORES = (
    *("accuracy", "precision", "recall", "f1_score"),
    *("mean_latency_ms", "total_tokens", "error_rate"),
)


@error("no-active-run")
class NoActiveRun(UsageError, RuntimeError):
    """A row was logged and no run was begun."""

    says = "No active run"
    way = "Call `start_run()` first, or use the tracker in a `with` block."


@error("backend-missing")
class BackendMissing(NotFoundError, ImportError):
    """The package behind a backend is not installed."""

    package: str
    extra: str
    says = "{package} is required for this backend"
    way = 'Install it with `pip install "xvc-experiments[{extra}]"`.'


@dataclass
class TrackingConfig:
    """What all backends share.

    ``log_artifacts``, ``log_code`` and ``auto_log_metrics`` are accepted and change nothing yet.
    """

    project: str = "insideLLMs"
    experiment_name: str | None = None
    tags: list[str] = field(default_factory=list)
    notes: str | None = None
    log_artifacts: bool = True
    log_code: bool = False
    auto_log_metrics: bool = True


class ExperimentTracker(ABC):
    """The base of all backends; used in a ``with`` block it begins and ends one run."""

    is_recorded: bool = True
    """Whether a run of this tracker is also one of xvc, where there is a project."""
    _of_a_run: ClassVar[tuple[str, ...]] = ("_run_id", "_step", "_record")

    def __init__(self, config: TrackingConfig | None = None) -> None:
        self.config = config or TrackingConfig()
        self._run_active = False
        self._run_id: str | None = None
        self._step = 0
        self._record: Tracker | None = None
        self._outer: list[dict[str, object]] = []

    @abstractmethod
    def start_run(
        self, run_name: str | None = None, run_id: str | None = None, nested: bool = False
    ) -> str:
        """Begin a run and return its id.

        A run that is open ends first. It stays open around a *nested* one: with the end of that
        the outer run goes on.
        """

    @abstractmethod
    def end_run(self, status: str = FINISHED) -> None:
        """End the run as *status*; without one nothing happens."""

    @abstractmethod
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers; without *step* the tracker counts steps from 0.

        Raises:
            NoActiveRun: no run was begun.
            BadValue: *metrics* is no mapping.
        """

    @abstractmethod
    def log_params(self, params: Mapping[str, object]) -> None:
        """Log what the run was made with.

        Raises:
            NoActiveRun: no run was begun.
            BadValue: *params* is no mapping.
        """

    @abstractmethod
    def log_artifact(
        self,
        artifact_path: str,
        artifact_name: str | None = None,
        artifact_type: str | None = None,
    ) -> None:
        """Keep a copy of a file; the source stays where it is.

        Raises:
            NoActiveRun: no run was begun.
        """

    def log_experiment_result(self, result: object, prefix: str = "") -> None:
        """Log the counts, the score and the duration of an experiment, and what it was of.

        Args:
            result: has ``success_rate``, ``total_count``, ``success_count``, ``error_count``;
                where present also ``score``, ``duration_seconds``, ``experiment_id``,
                ``model_info``, ``probe_name`` and ``probe_category``.
            prefix: stands before every name.

        Raises:
            NoActiveRun: no run was begun.
        """
        metrics = _numbers(result, _COUNTS, prefix)
        score = getattr(result, "score", None)
        if score is not None:
            metrics |= self._score_to_metrics(score, prefix)
        metrics |= _numbers(result, ("duration_seconds",), prefix)
        self.log_metrics(metrics)
        self.log_params({f"{prefix}{name}": value for name, value in _identity(result).items()})

    def _score_to_metrics(self, score: object, prefix: str = "") -> dict[str, float]:
        return _numbers(score, _SCORES, prefix)

    def __enter__(self) -> Self:
        self.start_run(run_name=self.config.experiment_name)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end_run(FINISHED if kind is None else FAILED)

    def _expect_named(self, called: str, values: object) -> None:
        """Refuse what has no names, and a call outside of a run."""
        self._expect_run()
        if not isinstance(values, Mapping) and not hasattr(values, "keys"):  # a Series has keys
            way = f"values by name, as {called}({{'loss': 0.5}}), not one {type(values).__name__}"
            raise BadValue(called, way)

    def _expect_run(self) -> None:
        if not self._run_active:
            raise NoActiveRun

    def _next_step(self, step: int | None) -> int:
        if step is not None:
            return step
        self._step += 1
        return self._step - 1

    def _end_open(self, *, nested: bool) -> None:
        """End the run that is open, unless a nested one is to begin in it."""
        if self._run_active and not nested:
            self.end_run()

    def _begin(self, run_id: str, step: int = 0) -> str:
        """Note that a run is open, around which others may be; in a project it is xvc's, too."""
        if self._run_active:
            self._outer.append({name: getattr(self, name) for name in self._of_a_run})
        self._run_id, self._run_active, self._step = run_id, True, step
        self._record = _begun(self, run_id) if self.is_recorded else None
        return run_id

    def _finish(self, status: str) -> None:
        """Note that the run has ended; the one around it goes on."""
        record, self._record = self._record, None
        self._run_active = bool(self._outer)
        if self._outer:
            vars(self).update(self._outer.pop())
        if record is not None:
            record.close(status if status in (FINISHED, FAILED) else FAILED)

    def _record_row(self, metrics: Mapping[str, float], step: int) -> None:
        if self._record is not None:
            self._record.log({**metrics, "step": step})

    def _record_artifact(self, path: str, name: str | None) -> None:
        if self._record is not None:
            self._record.log_artifact(path, name)

    def _record_params(self, params: Mapping[str, object]) -> None:
        if self._record is not None:
            self._record.set_params(params)


def _begun(tracker: ExperimentTracker, run_id: str) -> Tracker | None:
    """Begin a run of xvc; None where there is no project, and a warning where that fails."""
    from warnings import warn

    from xvc.tracking.place import is_in_project
    from xvc.tracking.tracker import Tracker  # late: who only imports a backend needs none of it

    try:
        if not is_in_project():
            return None
        return Tracker(name=run_id, note=tracker.config.notes, nested=bool(tracker._outer))
    except XvcError as err:
        warn(f"xvc does not record this run: {err}", stacklevel=3)
        return None


def is_experiment_result(value: object) -> bool:
    """Tell what `ExperimentTracker.log_experiment_result` takes by what it has."""
    return all(hasattr(value, name) for name in (*_COUNTS, "model_info"))


def _numbers(holder: object, names: tuple[str, ...], prefix: str) -> dict[str, float]:
    found = {name: getattr(holder, name, None) for name in names}
    return {f"{prefix}{name}": float(value) for name, value in found.items() if value is not None}


def _identity(result: object) -> dict[str, object]:
    model = getattr(result, "model_info", None)
    category = getattr(result, "probe_category", None)
    facts = {
        "experiment_id": getattr(result, "experiment_id", None),
        "model_name": getattr(model, "name", None),
        "model_provider": getattr(model, "provider", None),
        "probe_name": getattr(result, "probe_name", None),
        "probe_category": getattr(category, "value", category),
    }
    return {name: value for name, value in facts.items() if value is not None}
