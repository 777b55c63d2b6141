"""What a run leaves: its output, its metrics, its files, and its end, written down."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, cast

from xvc.core.best_effort import best_effort
from xvc.core.byte_text import as_text
from xvc.core.code_files import is_document, is_source
from xvc.core.human_units import few_of
from xvc.core.json_values import to_plain
from xvc.core.model import ModelFile
from xvc.core.record import CONTESTED, UNHELD, UNHELD_DIGESTS, UNOPENED, RecordKind
from xvc.core.run import ABSENT, DataFile, Status
from xvc.core.secrets import mask_texts, mask_values
from xvc.core.typed_value import TypedValue
from xvc.dvc.repository import pointer_of
from xvc.errors import JournalFailed
from xvc.git.commands import TreeChanges
from xvc.journal.fallback_dir import make_fallback
from xvc.project import Project
from xvc.recording.begin_run import (
    Begun,
    looked_at,
    metrics_files,
    open_journal,
    params_files,
    pipeline_metrics,
    results_among,
    unnamed_results,
)
from xvc.recording.command_params import declared_in
from xvc.recording.metric_sources import read_metrics
from xvc.recording.run_times import also_left_by, changed_at
from xvc.recording.run_times import note_end as note_run_end
from xvc.recording.shell_words import handed_on
from xvc.recording.unheld_code import script_text, scripts_in, unheld_modules
from xvc.recording.unheld_digests import unheld_digests
from xvc.recording.unheld_files import UnheldFiles
from xvc.recording.untracked_data import StandardInput, named_outside, read_data
from xvc.runs.failure_text import KEPT, last_words
from xvc.runs.pipeline_runs import PipelineResult, PipelineWatch, keep_locks
from xvc.runs.run_params import ParamsUse
from xvc.runs.unopened_params import ParamsWatch, without_its_params
from xvc.system.files import what_stands
from xvc.system.loaded_modules import left_own_files
from xvc.system.output_log import OutputLog, mask
from xvc.system.process import Ending
from xvc.system.signal_pipe import STOPPING, held_back
from xvc.system.written_files import Before
from xvc.types import Json

if TYPE_CHECKING:
    from xvc.runs.captured_rows import CapturedRows
    from xvc.runs.contested_params import ValuesWatch

_TABLE = "events"


@dataclass(frozen=True, slots=True)
class WantedOutputs:
    """What a run is to leave: outputs, by their paths from the root, and models.

    ``before`` knows what lay at these paths when the run began.
    """

    outs: tuple[str, ...] = ()
    models: tuple[ModelFile, ...] = ()
    before: Before = field(default_factory=Before)

    @classmethod
    def now(cls, root: Path, outs: tuple[str, ...], models: tuple[ModelFile, ...]) -> WantedOutputs:
        """Look at what is there before the run."""
        places = (*(root / out for out in outs), *(Path(each.path) for each in models))
        return cls(outs, models, Before(places))


class Recorder:
    """Where the child's output goes: to the caller, into the log, and through the metric reader."""

    def __init__(
        self,
        project: Project,
        begun: Begun,
        sink: Callable[[int, bytes], None],
        *,
        capture: bool,
        patterns: Sequence[re.Pattern[str]] = (),
        secrets: Sequence[str] = (),
    ) -> None:
        self._sink, self._begun, self._secrets = sink, begun, secrets
        self.path = project.room.logs / f"{begun.record.id}.log"
        self._log = OutputLog(self.path, project.settings.output_limit)
        self._captured = _captured(begun, patterns) if capture else None
        self._project, self._named, self.before = project, list[Path](), Before()
        with best_effort(begun.warnings):
            self._named = metrics_files(project)
            self.before = Before(self._named)
        self.metrics: dict[str, Json] = {}
        self._watch: PipelineWatch | None = None
        with best_effort(begun.warnings):
            self._watch = PipelineWatch(project, begun.record.command)
        self._stderr = b""
        self._params: ParamsWatch | None = None
        self._values: ValuesWatch | None = None
        self._opened: list[Path] = []
        self.contested: dict[str, str] = {}
        self.unopened: list[Path] = []
        self.unsaid: dict[str, dict[str, Json]] = {}
        self.unused: tuple[str, ...] = ()
        self.unheld: UnheldFiles | None = None
        self.data: dict[str, DataFile] = {}
        with best_effort(begun.warnings):
            self.unheld = _unheld_files(project, begun)
        self._input = StandardInput()
        self._away = _away(project, begun.record.data)

    def watch_params(
        self,
        places: Mapping[Path, Sequence[Path]],
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        """Begin to look whether the command opens params files; we must be done with them."""
        with best_effort(self._begun.warnings):
            self._params = ParamsWatch(self._begun.record.command, places, environment)
        if not self._begun.record.params:
            return
        from xvc.runs.contested_params import ValuesWatch  # late: for runs with params

        with best_effort(self._begun.warnings):
            apart = [place for every in places.items() for place in (every[0], *every[1])]
            apart += self._named
            folders = (folder, self._project.root)
            self._values = ValuesWatch(folders, self._begun.record.command, apart)

    def look_at_params(self) -> None:
        """See which it has not opened, before we open them again."""
        with best_effort(self._begun.warnings):
            self.unopened = self._params.unopened() if self._params is not None else []
        with best_effort(self._begun.warnings):
            self._opened = self._values.opened() if self._values is not None else []

    def note_use(self, use: ParamsUse, asked: Collection[str]) -> None:
        """Take what unopened files say for no params of the run, unless something else says it."""
        self.unused = use.unused
        with best_effort(self._begun.warnings):
            if use.instead:
                used = mask_values(dict(use.instead))
                self._begun.journal.note(RecordKind.PARAMS, self._begun.record.id, used)
        for path in self.unopened:
            every = self._begun.said.get(path, ())
            keys = [key for key in every if key not in use.reported and key not in asked]
            name = os.path.relpath(path, self._project.root)
            params = self._begun.record.params
            said = {key: params[key] for key in keys if key in params}
            if path in self._begun.said:
                self.unsaid[as_text(self._project.relative(path))] = said
            if keys:
                self._begun.warnings.append(without_its_params(name, keys))

    def note_doubts(self, use: ParamsUse, folder: Path, environment: Mapping[str, str]) -> None:
        """Mark params of which something else that the command read says another value."""
        if self._values is None:
            return
        from xvc.runs.contested_params import contested  # late: as above

        record, root = self._begun.record, self._project.root
        by_files = {key for keys in self._begun.said.values() for key in keys}
        unsaid = {key for said in self.unsaid.values() for key in said}
        script = script_text(record.command, folder)
        in_doubt = {k: v for k, v in record.params.items() if k not in use.reported}
        self.contested = contested(
            params=in_doubt | dict(use.instead),
            opened=self._opened,
            command=record.command,
            environment=environment,
            script=script,
            root=root,
        )
        declared = declared_in(script).names if unsaid else {}
        for key in unsaid & declared.keys():
            self.contested.setdefault(key, "a script has an option of this name")
        self._begun.warnings += [
            f"{key} is {TypedValue.of(in_doubt[key]).text[:60]} on record, and {says}; the script "
            "alone knows which it used: a Tracker's params say it"
            for key, says in self.contested.items()
            if key in by_files and key not in unsaid
        ]

    def left_by_pipelines(self, *, is_finished: bool) -> PipelineResult | None:
        """Read what DVC's pipelines left; None where there are none, or they could not be read."""
        if self._watch is None:
            return None
        return self._watch.left(self._begun.record.data, is_finished=is_finished)

    @property
    def last_words(self) -> str | None:
        """What the command said last on stderr."""
        return mask_texts(last_words(self._stderr), self._secrets)

    def take(self, stream: int, chunk: bytes) -> None:
        with best_effort(self._begun.warnings):
            self._log.write(chunk)
            if stream == 2:
                self._stderr = (self._stderr + chunk)[-KEPT:]
            if self._captured is not None and stream == 1:
                self.log_all(self._captured.feed(chunk))
        self._sink(stream, chunk)

    def log_all(self, rows: Iterable[Mapping[str, Json]]) -> None:
        for row in rows:
            with best_effort(self._begun.warnings):
                self._begun.journal.row(self._begun.record.id, _TABLE, row)
                self.metrics |= dict(row)

    def read_files(self, pipeline: PipelineResult | None) -> None:
        """Read the metric files that this run wrote; an untouched one speaks of an older run.

        Those of a pipeline's stages that had nothing to do are what the pipeline says now.
        """
        since = self._begun.record.started or 0
        named = dict.fromkeys([*self._named, *metrics_files(self._project)])
        now = [path for path in named if path.is_file()]  # a pipe would keep us waiting for ever
        self._begun.warnings += [
            f"{self._project.relative(path)}: it is {what}, so no metrics are read from it"
            for path in named
            if (what := what_stands(path))
        ]
        touched = [path for path in now if not self.before.not_written(path, since)]
        touched += pipeline_metrics(self._project, pipeline.done) if pipeline is not None else []
        read: dict[str, dict[str, Json]] = {}
        for path in now if touched else ():
            with best_effort(self._begun.warnings if path in touched else []):
                values = read_metrics(path)
                name = os.path.relpath(path, self._project.root)
                read[name] = {k: v for k, v in values.items() if isinstance(v, int | float)}
        counts = Counter(key for values in read.values() for key in values)
        for path in dict.fromkeys(touched):
            name = os.path.relpath(path, self._project.root)
            values = read.get(name, {})
            row = {k if counts[k] == 1 else f"{name}:{k}": v for k, v in values.items()}
            self.log_all([row] if row else [])

    def unwatch(self) -> None:
        """Look no more at who writes and opens files."""
        self.before.close()
        for watch in (self._params, self._values):
            if watch is not None:
                watch.close()
        if self.unheld is not None:
            self.unheld.close()

    def look_for_absent(self) -> None:
        """Mark what a pipeline's lock names, was not there, and that nobody has made or brought."""
        data = self._begun.record.data
        away = [path for path in self._away if path in _away(self._project, data)]
        if away:
            self.data |= {path: replace(data[path], state=ABSENT) for path in away}
            self._begun.warnings.append(
                f"data absent: {few_of(away)}; `dvc repro` makes it, `xvc pull` brings it"
            )

    def look_at_data(self) -> None:
        """See what the command read that nothing tracks."""
        run = self._begun.record.id
        read, folders = self.unheld.read() if self.unheld is not None else ({}, set[str]())
        if read or folders:
            self.data |= read_data(self._project.git.place.top, run, read, folders)
        self.data |= self._input.read(run)

    def close(self) -> None:
        self._log.close()
        with best_effort(self._begun.warnings):
            mask(self.path, self._secrets)
        if self._captured is not None:
            self.log_all(self._captured.close())
            self._begun.warnings += self._captured.warnings()
        if self._log.failure:
            self._begun.warnings.append(f"the output log is not complete: {self._log.failure}")


def _away(project: Project, data: Mapping[str, DataFile]) -> list[str]:
    """List the data that is taken for unchanged and is not there: a stage may make it."""
    top = project.git.place.top if project.place else project.root
    held = [path for path, file in data.items() if file.state is None and not file.is_made]
    return [path for path in held if not os.path.lexists(top / path)]


def _captured(begun: Begun, patterns: Sequence[re.Pattern[str]]) -> CapturedRows:
    from xvc.runs.captured_rows import CapturedRows  # late: for those who asked for it

    return CapturedRows(begun.journal.path.parent, begun.record.id, patterns)


def _unheld_files(project: Project, begun: Begun) -> UnheldFiles | None:
    """Begin to look at what becomes of the files that the run's snapshot lacks."""
    if begun.snapshot is None:
        return None
    apart = [path for path in begun.snapshot.left_out if path.endswith("/")]
    compiled = project.environment.get("PYTHONPYCACHEPREFIX", "")
    others = [*apart, *begun.snapshot.written]
    record, settings = begun.record, project.settings
    folder = project.root / (record.folder or ".")
    words = handed_on(record.command, scripts_in(folder))[0][1:]
    own = {*record.data, *begun.held, *project.never_inputs()}
    own |= {*project.stage_outs()}
    own |= {project.relative(path) for path in (*params_files(project), *metrics_files(project))}
    others += [
        path for path in begun.snapshot.lacking if not is_document(path, settings.tag_ignore)
    ]
    named = named_outside(words, folder, project.git.place.top)
    return UnheldFiles(project.git, others, own, compiled, named)


def _facts_of(ending: Ending) -> dict[str, Json]:
    return {
        "exit_code": ending.exit_code,
        "signal": ending.signal,
        "finished": time.time_ns(),
        "usage": _usage(ending),
    }


def reason_of(ending: Ending, recorder: Recorder) -> str | None:
    """Say why a command failed: in its own last words, or in ours."""
    if ending.refused is not None and ending.exit_code == 0:
        return ending.refused
    if ending.told_to_stop and ending.exit_code == 0:
        return "it was told to stop, and ended with exit code 0"
    return recorder.last_words if status_of(ending) is Status.FAILED else None


def _end(
    project: Project,
    begun: Begun,
    ending: Ending,
    outs: Mapping[str, DataFile],
    reason: str | None,
    pipeline: PipelineResult | None,
    opened: Sequence[str],
    stale: Sequence[str],
    not_left: Mapping[str, DataFile],
    recorder: Recorder,
) -> None:
    unsaid = {
        path: {key: to_plain(value) for key, value in said.items()}
        for path, said in recorder.unsaid.items()
    }
    facts: dict[str, Json] = {
        "status": status_of(ending).value,
        **_facts_of(ending),
        "log": as_text(str(project.room.logs / f"{begun.record.id}.log")),
        **({"reason": reason} if reason else {}),
        **({"unused": [*recorder.unused]} if recorder.unused else {}),
        **({UNOPENED: cast("Json", unsaid)} if unsaid else {}),
        **({CONTESTED: {**recorder.contested}} if recorder.contested else {}),
    }
    left: dict[str, Json] = {}
    if outs:
        left["outs"] = _file_facts(outs)
    if not_left or recorder.data:
        left["data"] = _file_facts({**begun.record.data, **recorder.data, **not_left})
    if pipeline is not None:
        data = {p: file for p, file in begun.record.data.items() if p not in pipeline.stale}
        left["data"] = _file_facts({**data, **recorder.data, **pipeline.data, **not_left})
        with best_effort(begun.warnings):
            if begun.snapshot is not None:
                keep_locks(project, begun.record.id, begun.snapshot, pipeline)
    if begun.snapshot is not None:
        with best_effort(begun.warnings):
            left["touched"] = _touched(project, stale)
        with best_effort(begun.warnings):
            left |= _unheld(project, begun, opened)
        with best_effort(begun.warnings):
            begun.snapshot.index.unlink(missing_ok=True)
    for said in ({**facts, **left}, facts):
        before = len(begun.warnings)
        with best_effort(begun.warnings):
            _write_end(project, begun, said)
        if len(begun.warnings) == before:
            return


def _write_end(project: Project, begun: Begun, facts: dict[str, Json]) -> None:
    """Write the end where the beginning is, else wherever there is room."""
    try:
        begun.journal.note(RecordKind.END, begun.record.id, facts)
        begun.journal.close()
    except JournalFailed:
        journal = open_journal(project, make_fallback(project.room.journals))
        journal.note(RecordKind.END, begun.record.id, facts)
        journal.close()


def note_end(
    project: Project, begun: Begun, wanted: WantedOutputs, ending: Ending, recorder: Recorder
) -> dict[str, DataFile]:
    """Write down how the command ended, then what it left; returns the models it left.

    A signal to end only stops the keeping of what it left: the end itself is written down.
    """
    warnings = begun.warnings
    with best_effort(warnings):  # first: what follows may take long, or the last of the memory
        begun.journal.note(RecordKind.SET, begun.record.id, _facts_of(ending))
    outs: dict[str, DataFile] = {}
    models: dict[str, DataFile] = {}
    pipeline: PipelineResult | None = None
    opened: list[str] = []
    touched: list[str] = []
    with best_effort(warnings):
        if recorder.unheld is not None:  # before we look at files ourselves
            opened, touched = recorder.unheld.opened(), recorder.unheld.only_touched()
    with best_effort(warnings):
        recorder.look_at_data()
    try:
        with held_back(STOPPING, interrupt):
            with best_effort(warnings):
                recorder.close()
            with best_effort(warnings):
                is_finished = status_of(ending) is Status.FINISHED
                pipeline = recorder.left_by_pipelines(is_finished=is_finished)
                if pipeline is None:
                    recorder.look_for_absent()
            with best_effort(warnings):
                recorder.read_files(pipeline)
            with best_effort(warnings):
                models = _models(project, begun, wanted, ending)
            with best_effort(warnings):
                outs = _outs(project, begun, wanted, pipeline)
    except KeyboardInterrupt:
        warnings.append("interrupted: of what the run left, not everything is kept")
    if pipeline is not None and pipeline.params:
        with best_effort(warnings):
            used = mask_values(dict(pipeline.params))
            begun.journal.note(RecordKind.PARAMS, begun.record.id, used)
    reason = reason_of(ending, recorder)
    changes = TreeChanges()
    with best_effort(warnings):
        if begun.snapshot is not None:
            changes = project.git.changes_since(begun.snapshot.index)
    not_left: dict[str, DataFile] = {}
    with best_effort(warnings):
        not_left = _not_left(project, wanted, outs)
    _end(
        project,
        begun,
        ending,
        outs | models,
        reason,
        pipeline,
        opened,
        changes.stale,
        not_left,
        recorder,
    )
    if project.place is not None:
        note_run_end(project.own_room, begun.record.id, touched)
    with best_effort(warnings):
        warnings += _unnamed(project, begun, wanted, changes)
    return models


def _unnamed(
    project: Project, begun: Begun, wanted: WantedOutputs, changes: TreeChanges
) -> list[str]:
    """Name what the run wrote and nobody ignores, declares or reads: once, with the ways out."""
    taken = [path for path in changes.stale if path not in project.git.tracked()]
    written = [*changes.untracked, *taken]
    if not written:
        return []
    places = [project.root / path for path in (*wanted.outs, *(m.path for m in wanted.models))]
    known = {project.relative(place) for place in (*places, *metrics_files(project))}
    top, since = project.git.place.top, begun.record.started or 0
    fresh = [
        path
        for path in written
        if not is_source(path)
        and (changed_at(top / path) or 0) >= since
        and not any(path == each or path.startswith(f"{each}/") for each in known)
    ]
    return unnamed_results(project, [*results_among(project, fresh)])


def interrupt(_: int) -> None:
    """Stop what is being done beside the command, on whichever signal."""
    raise KeyboardInterrupt


def _file_facts(files: Mapping[str, DataFile]) -> Json:
    """Write down files in the order of their paths."""
    return {as_text(path): {**files[path].facts} for path in sorted(files)}


def _outs(
    project: Project, begun: Begun, wanted: WantedOutputs, pipeline: PipelineResult | None
) -> dict[str, DataFile]:
    """Keep the declared outputs in the DVC cache as this run left them; a pipeline has its own."""
    found: dict[str, DataFile] = dict(pipeline.outs) if pipeline is not None else {}
    warnings, since = begun.warnings, begun.record.started or 0
    for out in wanted.outs:
        place = project.root / out
        older = [] if out in found else wanted.before.not_written(place, since)
        if project.dvc is None:
            warnings.append(f"--out {out} needs DVC here; run `xvc init`")
        elif not place.exists():
            warnings.append(f"the run was to leave {out}, and it is not there")
        elif wanted.before.is_untouched(place, older):
            warnings.append(f"the run did not write {out}, so it is no output of it")
        else:
            with best_effort(warnings):
                warnings += _older(out, older)
                warnings += _left_by_two(project, begun, place)
                made, found[out] = found.get(out), project.dvc.keep(place)
                warnings += _not_followed(out, place)
                if made is not None and made.digest != found[out].digest:
                    warnings.append(
                        f"{out} holds other bytes than dvc.lock says of it; the run has those, "
                        f"a version those of the lock. `dvc commit {quote(out)}` makes them one"
                    )
    return found


def _not_left(
    project: Project, wanted: WantedOutputs, found: Mapping[str, DataFile]
) -> dict[str, DataFile]:
    """Look at declared outputs that the run did not leave, where the pointer of an earlier one is.

    What is not what that pointer names is as data that is not: a version would have the other
    run's bytes for this one's. Paths are from the top.
    """
    places = [project.root / out for out in wanted.outs if out not in found]
    names = {project.relative(place) for place in places if pointer_of(place).exists()}
    if not names or project.dvc is None:
        return {}
    named = {out.path: out.file for out in project.survey().outs if out.path in names}
    here = {path: project.git.place.top / path for path in named}
    whole = {p: f for p, f in named.items() if here[p].is_file() or here[p].is_dir()}
    gone = {p: replace(f, state=ABSENT) for p, f in named.items() if p not in whole}
    looked = looked_at(project, whole)
    return gone | {path: file for path, file in looked.items() if file.state is not None}


def _older(out: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    named = few_of([f"{out}/{name}" for name in names])
    return [f"{named}: in {out} and not written by this run; what it leaves has them all the same"]


def _left_by_two(project: Project, begun: Begun, place: Path) -> list[str]:
    if project.place is None:
        return []
    path = project.relative(place)
    other = also_left_by(project.own_room, begun.record.id, path)
    if other is None:
        return []
    return [
        f"run {other} was to leave {path}, too, while this one went on, so whose bytes it holds is "
        "not known; `xvc worktree add` makes a tree for each"
    ]


def _not_followed(out: str, place: Path) -> list[str]:
    """Name what DVC keeps nothing of: links in a folder that lead to folders, or nowhere."""
    links = [path for path in sorted(place.rglob("*")) if path.is_symlink()]
    names = [f"{out}/{path.relative_to(place)}" for path in links if not path.is_file()]
    if not names:
        return []
    return [
        f"not kept: {few_of(names)}; DVC follows no link to a folder. "
        "Name the folder itself with --out, or write files in its place"
    ]


def _models(
    project: Project, begun: Begun, wanted: WantedOutputs, ending: Ending
) -> dict[str, DataFile]:
    """Keep the models of a run that has finished; what a failed one left may be half of one."""
    if not wanted.models or status_of(ending) is not Status.FINISHED:
        return {}
    from xvc.models.add import keep_models  # late: most runs leave no model

    single = []
    for each in wanted.models:
        said = _left_by_two(project, begun, Path(each.path))
        begun.warnings += [f"not kept as a model: {text}" for text in said]
        single += [] if said else [each]
    run, since = begun.record.id, begun.record.started or 0
    return keep_models(project, run, since, single, wanted.before, begun.warnings)


def _touched(project: Project, stale: Sequence[str]) -> Json:
    """Map the files of the run's code that changed meanwhile to what they held afterwards."""
    found: dict[str, Json] = {}
    for path in stale:
        file = project.git.place.top / path
        found[as_text(path)] = project.git.hash_file(file) if file.is_file() else None
    return found


def _unheld(project: Project, begun: Begun, opened: Sequence[str]) -> dict[str, Json]:
    """Name what ran, or was *opened* meanwhile, and that the run's code is not known to lack."""
    record = begun.record
    files = left_own_files(project.room.modules_of(record.id))
    folder = project.root / (record.folder or ".")
    searched = project.environment.get("PYTHONPATH", "")
    loaded = unheld_modules(project.git, files, record.command, folder, searched) if files else []
    known = {*record.code.incomplete}
    fresh = [name for name in map(as_text, loaded) if name not in known]
    others = [name for name in map(as_text, opened) if name not in {*known, *fresh}]
    if fresh:
        begun.warnings.append(
            f"code incomplete: the run loaded {few_of(fresh)}, which git ignores or which is "
            "outside of the tree: no version tells what ran"
        )
    if others:
        begun.warnings.append(
            f"code incomplete: {few_of(others)} was opened while the run went on, and git ignores "
            "it, or it is another repository's: no version tells what ran"
        )
    if not fresh and not others:
        return {}
    names = [*fresh, *others]
    digests: Json = {**unheld_digests(project.git, names)}
    return {UNHELD: cast("Json", names), UNHELD_DIGESTS: digests}


def _usage(ending: Ending) -> Json:
    return {key: value for key, value in asdict(ending.usage).items() if value is not None}


def status_of(ending: Ending) -> Status:
    if ending.timed_out:
        return Status.TIMED_OUT
    if ending.out_of_memory:
        return Status.OUT_OF_MEMORY
    if ending.told_to_stop or (ending.interrupted and ending.shell_code != 0):
        return Status.INTERRUPTED
    if ending.signal is not None:
        return Status.KILLED
    is_well = ending.exit_code == 0 and ending.refused is None
    return Status.FINISHED if is_well else Status.FAILED
