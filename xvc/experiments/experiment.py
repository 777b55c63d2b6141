"""One experiment: a run with its params, metrics, notes and files, in a folder and in the history.

The folder, ``experiments/<series>/<name>/``, has params.json, metrics.json, metadata.yaml and what
was saved. The run is called ``<series>/<name>``: a series is the runs whose names begin with it.
"""

from __future__ import annotations

import itertools
import json
import os
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from xvc.core.json_values import to_plain
from xvc.core.run import Status
from xvc.errors import BadValue
from xvc.experiments.artifacts import write_artifact
from xvc.system.files import write_durably
from xvc.tracking.options import check_status
from xvc.tracking.tracker import Tracker

HOME = Path("experiments")
"""Where the folders of experiments lie when nothing else is said."""


@dataclass(frozen=True)
class ExperimentMetadata:
    """What is known of an experiment before it begins."""

    name: str
    description: str = ""
    tags: tuple[str, ...] | list[str] = ()
    git_commit: str | None = None
    data_version: str | None = None
    author: str | None = None


class Experiment:
    """An experiment that is going on, or has ended: its notes and its status can still change.

    Attributes:
        name: what it was called.
        series: the group that it belongs to, or an empty text.
        folder: where its files lie.
        tracker: the run behind it.
    """

    def __init__(
        self, metadata: ExperimentMetadata, series: str, folder: Path, tracker: Tracker
    ) -> None:
        self.metadata, self.name, self.series, self.tracker = (
            metadata,
            metadata.name,
            series,
            tracker,
        )
        self.folder = folder
        self._params: dict[str, object] = {}
        self._metrics: dict[str, object] = {}
        self._history: list[dict[str, object]] = []
        self._notes: list[str] = [metadata.description] if metadata.description else []
        self._tags = list(metadata.tags)
        self._status, self._began, self._took = Status.RUNNING, time.time(), 0.0
        self._artifacts: list[str] = []
        self.write()

    @property
    def run_id(self) -> str:
        """The id of its run."""
        return self.tracker.track_id

    @property
    def status(self) -> str:
        """How it is: running, finished, failed, or what `set_status` said."""
        return self._status.value

    @property
    def params(self) -> dict[str, object]:
        """The params that were logged."""
        return dict(self._params)

    @property
    def metrics(self) -> dict[str, object]:
        """The last value of each metric."""
        return dict(self._metrics)

    def log_param(self, name: str, value: object) -> None:
        """Log one param; see `log_params`."""
        self.log_params({name: value})

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log what the experiment is made with.

        Raises:
            BadValue: a value cannot be kept; its name is in the message.
        """
        self.tracker.set_params(params)
        self._params.update(params)

    def log_metric(self, name: str, value: float, step: int | None = None) -> None:
        """Log one number, at *step* where there are steps."""
        self.log_metrics({name: value}, step)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers; each is on the disk when this returns.

        Raises:
            BadValue: a value cannot be kept; its name is in the message.
        """
        at = {} if step is None else {"step": step}
        self.tracker.log(metrics, **at)
        self._metrics.update(metrics)
        self._history.append({**metrics, **at})

    def log_note(self, text: str) -> None:
        """Add a line to the notes, also when the experiment has ended."""
        self._notes.append(text)
        self.tracker.note("; ".join(self._said()))
        self._rewrite()

    def add_tag(self, tag: str) -> None:
        """Mark the experiment with a word, like ``production``; also when it has ended."""
        if tag not in self._tags:
            self._tags.append(tag)
            self.tracker.note("; ".join(self._said()))
            self._rewrite()

    def set_status(self, status: str) -> None:
        """Say how the experiment went, whatever the code's end says.

        Raises:
            BadValue: there is no such status.
        """
        check_status(status)
        has_ended = self._took > 0
        self._status = Status(status)
        if has_ended:
            self.tracker.reclassify(status)
            self.write()

    def save_model(self, model: object, filename: str = "model.pkl") -> Path:
        """Keep a model as a pickle that was read back; returns where it lies.

        Raises:
            BadValue: it cannot be pickled, or the name leads out of the folder.
        """
        return self.save_artifact(filename, model)

    def save_artifact(self, name: str, thing: object) -> Path:
        """Keep an object, a figure, a frame, a text or a file as *name*; returns where it lies.

        Raises:
            BadValue: it cannot be kept, or the name leads out of the folder.
        """
        target = self.folder / name
        inside = os.path.normpath(target).startswith(f"{os.path.normpath(self.folder)}{os.sep}")
        if not inside:
            raise BadValue(name, "is no name of a file in the folder of the experiment")
        write_artifact(thing, target)
        self.tracker.log_artifact(target, name)
        self._artifacts.append(name)
        return target

    def end(self, error: BaseException | None = None) -> None:
        """End the run: finished, failed with the traceback, or as `set_status` said."""
        self._took = max(time.time() - self._began, 1e-9)
        reason = None
        if error is not None:
            reason = "".join(traceback.format_exception_only(error)).strip()
            text = "".join(traceback.format_exception(error))
            write_durably(self.folder / "traceback.txt", text.encode(errors="backslashreplace"))
        if self._status is Status.RUNNING:
            self._status = Status.FINISHED if error is None else _failure(error)
        self.tracker.log({"training_time": self._took})
        self.tracker.close(self._status.value, reason)
        self.write()

    def write(self) -> None:
        """Write params, metrics and metadata into the folder."""
        self._dump("params.json", self._params)
        self._dump("metrics.json", {**self._metrics, "history": self._history})
        facts = {
            **asdict(self.metadata),
            "series": self.series or None,
            "run": self.run_id,
            "status": self.status,
            "tags": self._tags,
            "notes": self._notes,
            "artifacts": self._artifacts,
            "began": self._began,
            "training_time": self._took or None,
        }
        lines = [f"{name}: {_json(value)}" for name, value in facts.items()]
        write_durably(self.folder / "metadata.yaml", "\n".join([*lines, ""]).encode())

    def _rewrite(self) -> None:
        if self._took:
            self.write()

    def _said(self) -> list[str]:
        return [*self._notes, *(f"#{tag}" for tag in self._tags)]

    def _dump(self, name: str, value: object) -> None:
        write_durably(self.folder / name, _json(value, indent=2).encode())


def _json(value: object, indent: int | None = None) -> str:
    """Write a value as JSON, which YAML reads as well."""
    return json.dumps(to_plain(value), default=str, indent=indent)


def _failure(error: BaseException) -> Status:
    return Status.INTERRUPTED if isinstance(error, KeyboardInterrupt) else Status.FAILED


def _made(home: Path, series: str, name: str) -> Path:
    """Make the folder of an experiment; one whose name is taken gets a number."""
    (home / series).mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        folder = home / series / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise AssertionError("counting never ends")


def series_of(series: str | None, increment: str | None) -> str:
    """Read the series of a call; *increment* is another word for it.

    Raises:
        BadValue: both are said and differ, or the name is no name of a folder.
    """
    if series and increment and series != increment:
        raise BadValue("series", f"is {series!r}, and increment is {increment!r}: say one")
    name = series or increment or ""
    if name in (".", "..") or "/" in name or "\0" in name:
        raise BadValue("series", f"{name!r} is no name of a folder; it may have no slash")
    return name


@contextmanager
def track_experiment(
    experiment: str | ExperimentMetadata,
    *,
    series: str | None = None,
    increment: str | None = None,
    folder: str | Path | None = None,
) -> Iterator[Experiment]:
    """Track what happens in the ``with`` block as one run.

    An exception makes it failed, is kept with its traceback, and goes on.

    Args:
        experiment: its name, or all that is known of it.
        series: the group that it belongs to.
        increment: another word for *series*.
        folder: holds the folders of all series; ``experiments`` where nothing is said.

    Raises:
        BadValue: a name leads out of the folder.
        JournalFailed: nothing can be written.

    >>> import os, tempfile
    >>> os.chdir(tempfile.mkdtemp())
    >>> with track_experiment("baseline", series="0042") as exp:
    ...     exp.log_param("depth", 6)
    ...     exp.log_metric("accuracy", 0.87)
    >>> exp.status, exp.metrics
    ('finished', {'accuracy': 0.87})
    """
    made = begin(experiment, series_of(series, increment), folder)
    try:
        yield made
    except BaseException as err:
        made.end(err)
        raise
    made.end()


def track_artifacts(
    experiment: str | ExperimentMetadata | Experiment,
    artifacts: Mapping[str, object],
    *,
    series: str | None = None,
    increment: str | None = None,
    folder: str | Path | None = None,
) -> dict[str, Path]:
    """Keep several things at once, each by its name as `Experiment.save_artifact` does.

    Args:
        experiment: one that is going on; or the name of one that has only these artifacts.
        artifacts: what to keep, by the names of the files.
        series: the group of an experiment that is begun.
        increment: another word for *series*.
        folder: holds the folders of all series.

    Returns:
        where each lies.

    Raises:
        BadValue: one of them cannot be kept, or a name leads out of the folder.
    """
    if isinstance(experiment, Experiment):
        return {name: experiment.save_artifact(name, each) for name, each in artifacts.items()}
    with track_experiment(experiment, series=series, increment=increment, folder=folder) as made:
        return track_artifacts(made, artifacts)


def refuse_name(name: str) -> None:
    """Refuse a name of an experiment that is none of a folder.

    Raises:
        BadValue: it is not.
    """
    if not name or name in (".", "..") or "/" in name or "\0" in name:
        raise BadValue("name", f"{name!r} is no name of a folder; it may have no slash")


def begin(
    experiment: str | ExperimentMetadata, series: str, folder: str | Path | None = None
) -> Experiment:
    """Begin an experiment that the caller ends with `Experiment.end`.

    Raises:
        BadValue: a name leads out of the folder.
        JournalFailed: nothing can be written.
    """
    known = (
        experiment if isinstance(experiment, ExperimentMetadata) else ExperimentMetadata(experiment)
    )
    refuse_name(known.name)
    home = _made(Path(folder) if folder else HOME, series, known.name)
    name = f"{series}/{home.name}" if series else home.name
    said = "; ".join([*filter(None, [known.description]), *(f"#{tag}" for tag in known.tags)])
    tracker = Tracker(name=name, note=said or None, nested=True)
    made = Experiment(known, series, home, tracker)
    facts = {"git_commit": known.git_commit, "data_version": known.data_version}
    facts["author"] = known.author
    given = {key: value for key, value in facts.items() if value is not None}
    if given:
        made.log_params(given)
    return made
