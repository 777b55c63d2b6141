"""Doing a run again: its command in a clean tree, with its code, its data and its params.

What it gives is held against what it gave then. Refuses a run whose command or code is not known in
full. The new run is one like others, with the old one as its parent.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.human_units import few_of
from xvc.core.model import candidate_of
from xvc.core.run import ABSENT, UNTRACKED, DataFile, RunRecord
from xvc.core.secrets import MASK
from xvc.core.typed_value import TypedValue
from xvc.errors import ConflictError, NoObject, ObjectCorrupt, error
from xvc.history.find import FoundRun, find
from xvc.history.revision import NoCode, revision_of
from xvc.models.add import digest_of
from xvc.project import Project
from xvc.recording.begin_run import environment_now, file_params
from xvc.recording.command_params import option_params
from xvc.runs.code_fingerprint import fingerprints
from xvc.runs.comparison import Difference, compare_packages
from xvc.runs.printed_metrics import LineMetrics
from xvc.runs.reproduction import (
    Cause,
    ChangedInput,
    ReproducedValue,
    ReproductionOutcome,
    Tolerance,
    changed_inputs,
    compare_models,
    compare_values,
    models_in,
    times_in,
    worst_outcome,
)
from xvc.runs.request import RunRequest
from xvc.runs.run import Ran, capture_patterns
from xvc.runs.run_in_tree import (
    CleanTree,
    clear,
    data_out,
    in_folder_of,
    put_data_here,
    put_data_of,
    run_in_tree,
)
from xvc.types import Json, RunId
from xvc.versions.get import obtain

if TYPE_CHECKING:
    from xvc.git.worktrees import WorkTree


@error("not-repeatable")
class NotRepeatable(ConflictError):
    """A run cannot be done again: part of what it was is not known."""

    run: str
    reason: str
    says = "run {run} cannot be done again: {reason}"
    way = "`xvc checkout {run}` makes a tree of its code, to call the command by hand."


@dataclass(frozen=True, slots=True)
class RerunRequest:
    """What is done again and how it is judged.

    With ``verify`` a run that drifted is done a second time, to tell noise from other causes. With
    ``here_data`` it gets the data that lies in this work tree.
    """

    reference: str
    tolerance: Tolerance = field(default_factory=Tolerance)
    verify: bool = False
    here_data: bool = False


@dataclass(frozen=True, slots=True)
class Reran:
    """A run done again: what is not as it was, how each value came out, and why.

    ``second`` is the run of a second time, None without one.
    """

    was: FoundRun
    ran: Ran
    rows: tuple[ReproducedValue, ...]
    changes: tuple[ChangedInput, ...]
    times: tuple[str, ...] = ()
    second: Ran | None = None
    causes: tuple[Cause, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def outcome(self) -> ReproductionOutcome:
        """The worst of all values."""
        return worst_outcome(self.rows)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known before anything runs: the run, and how the environment is another."""

    was: FoundRun
    packages: tuple[Difference, ...]
    base: str
    snapshot: str
    warnings: tuple[str, ...] = ()


def prepare(project: Project, wanted: RerunRequest) -> Prepared:
    """Find the run and its code, have its data in the cache, and look at the environment.

    Raises:
        NoRun, NoVersion, AmbiguousRun, BadReference, NoObject: the reference names no run here.
        NotRepeatable: its command was not recorded in full.
        NoProject: there is no git.
        NoCode: its code is not in this repository.
        NoRemote, DvcFailed, RemoteCorrupt: its data cannot be had.
    """
    if project.place is None:
        raise project.no_git()
    was = find(project, [wanted.reference])[0]
    record = was.record
    if not record.command or (record.exit_code is None and record.signal is None):
        says = "it did not come from `xvc run`, so how its program was called is not known"
        raise NotRepeatable(record.id, says)
    if any(MASK in word for word in record.command):
        raise NotRepeatable(record.id, "its command has a secret, which is not kept")
    base, snapshot, warnings = _code_of(project, was, wanted.reference)
    names = [which[0] for path, out in record.outs.items() if (which := _unplaced(path, out))]
    if names:
        warnings.append(
            f"models that are not compared: {few_of(sorted(names))}; an older xvc recorded them "
            "without where the command left them, or they lay outside the project"
        )
    if not wanted.here_data:
        warnings += _data_in_cache(project, record)
    now = environment_now(project, record.command[0], warnings)
    packages = compare_packages([was.environment, now]) if was.environment is not None else ()
    differing = tuple(row for row in packages if not row.is_same)
    return Prepared(
        was=was, packages=differing, base=base, snapshot=snapshot, warnings=tuple(warnings)
    )


def rerun(
    project: Project,
    wanted: RerunRequest,
    ready: Prepared,
    sink: Callable[[int, bytes], None],
) -> Reran:
    """Do a run again and hold what it gives against what it gave.

    Raises:
        GitFailed, TreeTaken, LockBusy: no tree can be made for it.
        NoCommand: its command cannot be started here.
    """
    warnings = list(ready.warnings)
    models: dict[str, str | None] = {}
    ran = _run_again(project, wanted, ready, sink, warnings, models)
    was = ready.was.record
    rows = tuple(compare_values(was, ran.record, wanted.tolerance))
    rows += tuple(compare_models(models_in(was), models))
    code = fingerprints(project, [was, ran.record])
    same = code[was.id] == code[ran.record.id] if len(code) == 2 else None
    changes = tuple(changed_inputs(was, ran.record, ready.packages, has_same_code=same))
    times = tuple(times_in(was, wanted.tolerance))
    reran = Reran(
        was=ready.was, ran=ran, rows=rows, changes=changes, times=times, warnings=tuple(warnings)
    )
    if reran.outcome is not ReproductionOutcome.DRIFTED or ran.is_interrupted:
        return reran
    second: Ran | None = None
    others: dict[str, str | None] = {}
    if wanted.verify:
        second = _run_again(project, wanted, ready, sink, warnings, others)
    is_noisy = second is not None and (
        others != models or _differ(ran.record, second.record, wanted.tolerance)
    )
    causes = [*dict.fromkeys(change.cause for change in changes)]
    causes += [Cause.NOISE] if is_noisy else []
    return replace(reran, second=second, causes=tuple(causes) or (Cause.UNKNOWN,))


def _differ(one: RunRecord, other: RunRecord, tolerance: Tolerance) -> bool:
    return worst_outcome(compare_values(one, other, tolerance)) is ReproductionOutcome.DRIFTED


def _code_of(project: Project, was: FoundRun, reference: str) -> tuple[str, str, list[str]]:
    """Return the commit and the snapshot of a run; of a version whose snapshot is not here, its."""
    code, git = was.record.code, project.git
    if code.incomplete:
        named = ", ".join(code.incomplete[:3])
        raise NotRepeatable(was.record.id, f"its snapshot does not hold {named}")
    kept = code.snapshot or (None if code.is_dirty else code.commit)
    snapshot = git.commit_of(kept) if kept else None
    if snapshot is None and was.version is None:
        raise NoCode(was.record.id)
    if snapshot is None:
        commit = revision_of(project, was.version or reference).commit
        return commit, commit, []
    base = git.commit_of(code.commit) if code.commit else None
    return base or snapshot, snapshot, []


def _data_in_cache(project: Project, record: RunRecord) -> list[str]:
    """Fetch the data that a run read; what is nowhere any more, or was edited in place, is said."""
    away = [path for path, file in record.data.items() if file.state == UNTRACKED]
    where = "neither git nor DVC has it, so it is not in the tree of this run"
    said = [f"{few_of(away)}: {where}"] if away else []
    for path, file in record.data.items():
        if file.state == ABSENT or file.is_unkept:
            continue
        try:
            obtain(project, data_out(record.id, path, file))
        except NoObject:
            if file.state is None:
                raise
            said.append(
                f"{path}: the bytes that the run read are not kept, for they were changed by hand; "
                "it gets those that its pointer names"
            )
        except ObjectCorrupt as err:
            said.append(f"{path} is no longer what the run read: {err}. {err.hint}")
    return said


def _run_again(
    project: Project,
    wanted: RerunRequest,
    ready: Prepared,
    sink: Callable[[int, bytes], None],
    warnings: list[str],
    models: dict[str, str | None],
) -> Ran:
    """Run it, and note the digest of what lies afterwards where it had left its *models*."""
    record = ready.was.record
    printed = LineMetrics(loose=True, patterns=capture_patterns(project, warnings))
    values: dict[str, Json] = {}

    def taken(stream: int, chunk: bytes) -> None:
        sink(stream, chunk)
        for row in printed.feed(chunk) if stream == 1 else ():
            values.update(row)

    def prepared(there: Project, tree: WorkTree) -> RunRequest:
        if wanted.here_data:
            put_data_here(project, tree, [p for p, f in record.data.items() if not f.is_unkept])
        else:
            put_data_of(project, tree, record.id, record.data)
        request = request_again(there, ready, warnings)
        clear(project, tree, outs_of(record))
        return request

    def left(there: Project) -> None:
        models.update({path: digest_of(there.root / path) for path in models_in(record)})

    name = f"rerun-{record.id}-{os.getpid()}"
    tree = CleanTree(name, ready.base, ready.snapshot, "rerun")
    ran = run_in_tree(project, tree, prepared, taken, warnings, left)
    values.update({key: value for row in printed.close() for key, value in row.items()})
    return _with_printed(record, ran, values)


def _unplaced(path: str, out: DataFile) -> tuple[str, RunId] | None:
    """Return name and run of a model of which it is not known where the command left it."""
    return candidate_of(path) if out.left_at is None else None


def outs_of(record: RunRecord) -> list[str]:
    """List the outputs that a run declared; its models lie elsewhere."""
    return [path for path in record.outs if candidate_of(path) is None]


def _with_printed(was: RunRecord, ran: Ran, values: Mapping[str, Json]) -> Ran:
    """Add the metrics that only the output tells, as ``--capture`` had read them then."""
    lacking = was.metrics.keys() - ran.record.metrics.keys()
    metrics = {**ran.record.metrics, **{k: v for k, v in values.items() if k in lacking}}
    return replace(ran, record=replace(ran.record, metrics=metrics))


def request_again(there: Project, ready: Prepared, warnings: list[str]) -> RunRequest:
    """Ask for the run as it was asked for; the params that neither file nor command says, too."""
    record = ready.was.record
    copies = any("{params}" in word for word in record.command)
    said = _said(there, record)
    asked = {
        key: TypedValue.of(value)
        for key, value in record.params.items()
        if value != MASK and _was_asked(record, key, is_said=key in said and not copies)
    }
    hidden = [key for key, value in record.params.items() if value == MASK]
    if hidden:
        warnings.append(f"params that are secret are not kept, so not given: {', '.join(hidden)}")
    return RunRequest(
        command=_forced(record.command, warnings),
        seeded=record.seeded,
        folder=there.root / (record.folder or "."),
        params=asked,
        name=None,
        outs=tuple(in_folder_of(there, record.folder, out) for out in outs_of(record)),
        write_params=copies,
        parent=ready.was.version or record.id,
    )


def _was_asked(record: RunRecord, key: str, *, is_said: bool) -> bool:
    """Whether a param was asked for; of an older record, whether nothing else says it."""
    return not is_said if record.asked is None else key in record.asked


def _said(there: Project, record: RunRecord) -> Mapping[str, Json]:
    said = file_params(there, [])
    return said | dict.fromkeys(option_params(record.command, said))


def _forced(command: tuple[str, ...], warnings: list[str]) -> tuple[str, ...]:
    """Have a pipeline do all its stages again: by its lock there would be nothing to do."""
    words = [Path(word).name for word in command[:2]]
    is_pipeline = words in (["dvc", "repro"],)
    if not is_pipeline or {"-f", "--force"} & {*command}:
        return command
    warnings.append("`dvc repro` is called with --force: by its lock it would do nothing again")
    return (*command[:2], "--force", *command[2:])
