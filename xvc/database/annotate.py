"""What people say of a run afterwards: its note, name and labels, its idea, whether it is kept.

Each is an edit in a journal and a line in the operation log, so that `xvc undo` takes it back and a
merge decides on it as on any other. Never changes what the run itself logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xvc.core.edit import LABEL, Edit
from xvc.core.run import RunRecord, decided
from xvc.core.secrets import mask_text
from xvc.errors import BadValue
from xvc.history.find import find
from xvc.journal.edit_builder import labelling, saying
from xvc.project import Project
from xvc.recording.edit_records import write_down
from xvc.recovery.operation_log import log_operation
from xvc.store import query
from xvc.types import RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What to say; None leaves a part as it is, an empty text takes it back.

    ``labels`` come on, ``unlabels`` come off; ``fixes`` is a reference to a run that failed.
    """

    note: str | None = None
    name: str | None = None
    idea: str | None = None
    fixes: str | None = None
    labels: tuple[str, ...] = ()
    unlabels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """The runs as they are now, and the operation that `xvc undo` takes back."""

    runs: tuple[RunRecord, ...]
    operation: str


def say(project: Project, references: Sequence[str], wanted: Saying) -> Said:
    """Say something of runs.

    Raises:
        BadValue: nothing is said, or it cannot be kept.
        NoRun: nothing answers to a reference.
        RunElsewhere: a run is in another store only.
    """
    runs = _here(project, references)
    fixes = wanted.fixes
    if fixes:
        fixes = find(project, [fixes])[0].record.id
    texts = {"note": wanted.note, "name": wanted.name, "idea": wanted.idea, "fixes": fixes}
    made = [
        edit
        for run in runs
        for edit in (
            *(saying(run, key, text) for key, text in texts.items() if text is not None),
            *(labelling(run, label) for label in wanted.labels),
            *(labelling(run, label, on=False) for label in wanted.unlabels),
        )
    ]
    if not made:
        raise BadValue("note", "say something: a text, --name, --label, --idea or --fixes")
    if fixes in runs:
        raise BadValue("--fixes", f"run {fixes} cannot fix itself")
    keys = ", ".join(dict.fromkeys(_told(edit) for edit in made))
    return _done(project, "note", f"said {keys} of {', '.join(runs)}", runs, made)


def decide(project: Project, references: Sequence[str], what: str, reason: str | None) -> Said:
    """Keep or discard runs; the last decision counts.

    Raises:
        NoRun: nothing answers to a reference.
        RunElsewhere: a run is in another store only.
    """
    runs = _here(project, references)
    reason = mask_text(" ".join((reason or "").split())) or None
    made = [saying(run, "decision", decided(what, reason)) for run in runs]
    verb = {"kept": "keep", "discarded": "discard"}[what]
    return _done(project, verb, f"{decided(what, reason)} ({', '.join(runs)})", runs, made)


def _told(edit: Edit) -> str:
    key = edit.key or ""
    return f"label {key.removeprefix(LABEL)}" if key.startswith(LABEL) else key


def _here(project: Project, references: Sequence[str]) -> list[RunId]:
    """Find the runs in this tree's own store; notes on runs of other stores would not be shown."""
    return list(dict.fromkeys(each.here().id for each in find(project, references)))


def _done(
    project: Project, command: str, what: str, runs: Sequence[RunId], made: Sequence[Edit]
) -> Said:
    ids = write_down(project, *made)
    undo = "an undo record in a journal takes the edits back"
    operation = log_operation(project, command, what, undo=undo, edits=tuple(ids))
    with project.keeper.view() as connection:
        found = [query.by_id(connection, run) for run in runs]
    return Said(tuple(run for run in found if run is not None), operation)


def set_of_runs(project: Project, key: str, value: object, runs: Sequence[RunId]) -> list[Edit]:
    """Make the edits by which `xvc db set --table runs` says something of runs.

    Raises:
        BadValue: it is nothing that can be said of a run, or no run is named.
        RunElsewhere: a run is in another store only.
    """
    if not runs:
        raise BadValue("--run", f"say of which run: {key} of all runs is not set at once")
    _here(project, runs)
    if key.startswith(LABEL):
        return [labelling(run, key.removeprefix(LABEL), on=value is True) for run in runs]
    return [saying(run, key, None if value is None else str(value)) for run in runs]
