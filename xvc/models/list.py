"""Models of the project: the candidates of this tree, what is in which stage, and the history.

Reads only. Candidates are what the tree's pointers name, stages what the tags say; runs are told
from the store, each as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from shlex import quote

from xvc.core.model import CANDIDATES, ROOT, candidate_of, stage_path, tag_folder, version_tag
from xvc.core.objective import Measure
from xvc.core.run import MODIFIED, DataFile, RunRecord
from xvc.core.version import Version
from xvc.dvc.pointers import SUFFIX, read_pointer
from xvc.dvc.repository import pointer_of
from xvc.errors import BadVersion, NotFoundError, error
from xvc.history.find import all_versions, versions, versions_by_run
from xvc.history.judging import Judged, judged_alike
from xvc.history.owner import is_project, own_versions
from xvc.models.stages import Assignment, Evidence, current, of_model, read_assignment
from xvc.project import Project
from xvc.recording.begin_run import looked_at
from xvc.recovery.lost_runs import opened
from xvc.store import query
from xvc.types import Json, RunId


@error("no-model")
class NoModel(NotFoundError):
    """There is no model of that name, or the run has none."""

    name: str
    known: tuple[str, ...]
    run: str = ""

    def __str__(self) -> str:
        named = f" {self.name!r}" if self.name else ""
        return f"run {self.run} left no model{named}" if self.run else f"there is no model{named}"

    @property
    def hint(self) -> str:
        """Says what there is, or how to have one."""
        if self.known:
            return f"{'It left' if self.run else 'There are'}: {', '.join(self.known)}."
        run = self.run or "RUN"
        return f"Keep one with `xvc run --model PATH:NAME` or `xvc model add PATH --run {run}`."


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model of one run; ``stages`` it is in, ``run`` as the store knows it, if it does."""

    name: str
    id: RunId
    file: DataFile
    version: str | None = None
    stages: tuple[str, ...] = ()
    run: RunRecord | None = None
    is_here: bool = True

    @property
    def at(self) -> int | None:
        """When its run ended, in nanoseconds since the epoch."""
        return None if self.run is None else self.run.finished or self.run.started


@dataclass(frozen=True, slots=True)
class Models:
    """Everything at once: one consistent look, by name and newest first."""

    candidates: tuple[Candidate, ...]
    history: tuple[Assignment, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that there is."""
        named = {each.name for each in self.candidates} | {each.name for each in self.history}
        return tuple(sorted(named))

    def of(self, name: str) -> list[Candidate]:
        """List the candidates of a name."""
        return [each for each in self.candidates if each.name == name]


def assignments(project: Project) -> tuple[Assignment, ...]:
    """List every change of a stage by this project, as `all_assignments` does."""
    found = all_assignments(project)
    every = all_versions(project) if found else []
    own = {info.name for info in own_versions(project, every)}
    theirs = {info.name for info in every} - own
    here = {"", folder_of(project)}  # an older xvc named no folder
    others = {each.folder for each in found} - here
    gone = {folder for folder in others if not is_project(project, folder)}  # it was renamed, say
    return tuple(
        each
        for each in found
        if (each.folder in here and each.evidence.version not in theirs)
        or (each.folder in gone and each.evidence.version in own)
    )


def folder_of(project: Project) -> str:
    """Name the folder of this project's dvc.yaml as tags of its models do."""
    return tag_folder(project.relative(project.root))


def all_assignments(project: Project) -> tuple[Assignment, ...]:
    """List every change of a stage in the repository.

    Where a tag of another tool says no version, that which GTO has registered counts.
    """
    tags = project.git.tags("")
    by_commit = {
        (tag.name.partition("@")[0], tag.commit): tag.name for tag in tags if "@v" in tag.name
    }
    read = (read_assignment(tag.name, tag.commit, tag.at, tag.message) for tag in tags)
    found = [each for each in read if each is not None]
    return tuple(sorted((_known(project, each, by_commit) for each in found), key=_order))


def _order(each: Assignment) -> tuple[str, int]:
    return each.name, each.number


def _known(
    project: Project, each: Assignment, registered: dict[tuple[str, str], str]
) -> Assignment:
    if each.evidence.version or each.is_away:
        return each
    name = each.tag.partition("#")[0]
    tag = registered.get((name, each.commit), "")
    prefix = project.settings.tag_prefix
    try:
        version = Version.parse(tag.rpartition("@")[2], "v").name(prefix)
    except BadVersion:
        return each
    return replace(
        each, evidence=replace(each.evidence, model=each.name, stage=each.stage, version=version)
    )


def read_models(project: Project) -> Models:
    """Look at all models.

    Raises:
        NoProject: no git or no DVC here.
        PointerCorrupt: a pointer cannot be read.
    """
    project.needed_dvc()
    with opened(project) as connection:
        history = assignments(project)
        named = versions_by_run(versions(project))
        held = _pointers(project)
        staged = _staged(history)
        for name, run in staged:
            held.setdefault((name, run), None)
        found = []
        for (name, run), file in held.items():
            record = query.by_id(connection, run)
            stages = staged.get((name, run), {})
            known = file or next(iter(stages.values()))
            here = file is not None
            found.append(
                Candidate(
                    name=name,
                    id=run,
                    file=known,
                    version=named.get(run),
                    stages=tuple(stages),
                    run=record,
                    is_here=here,
                )
            )
    found.sort(key=lambda each: (each.name, -(each.at or 0), each.id))
    return Models(tuple(found), history)


def candidates_here(project: Project) -> set[tuple[str, RunId]]:
    """Name the candidates whose pointers this tree has, by name and run."""
    folder = project.root / ROOT / CANDIDATES
    paths = (place.relative_to(project.root).as_posix() for place in folder.glob(f"*/*{SUFFIX}"))
    found = (candidate_of(path.removesuffix(SUFFIX)) for path in paths)
    return {which for which in found if which is not None}


def _pointers(project: Project) -> dict[tuple[str, RunId], DataFile | None]:
    found: dict[tuple[str, RunId], DataFile | None] = {}
    folder = project.root / ROOT / CANDIDATES
    for place in sorted(folder.glob(f"*/*{SUFFIX}")):
        which = candidate_of(place.relative_to(project.root).as_posix().removesuffix(SUFFIX))
        pointer = read_pointer(place, project.relative(place)) if which else None
        if which is not None and pointer is not None:
            found[which] = pointer.file
    return found


def _staged(history: Sequence[Assignment]) -> dict[tuple[str, RunId], dict[str, DataFile]]:
    """Map each model that is in a stage to its stages, with the file that is there."""
    found: dict[tuple[str, RunId], dict[str, DataFile]] = {}
    for name, stage in sorted({(each.name, each.stage) for each in history}):
        now = current(history, name, stage)
        if now is not None and now.evidence.run:
            file = DataFile(now.evidence.digest, now.evidence.size)
            found.setdefault((name, RunId(now.evidence.run)), {})[stage] = file
    return found


def list_models(
    project: Project, name: str | None, by: str | None, *, has_more: bool = False
) -> list[Candidate]:
    """List candidates and what is in stages, by name; the best first when a metric is named.

    Those whose run was judged otherwise than the newest of its name come last, with a warning.

    With *has_more* a name that is not here is no mistake: other branches have it.

    Raises:
        NoModel: there is none of that name.
        NoDirection: nothing says which way the metric is better.
    """
    found = read_models(project)
    if name is not None and name not in found.names and not has_more:
        raise NoModel(name, found.names)
    listed = [each for each in found.candidates if name in (None, each.name)]
    if by is not None:
        measure = Measure.parse(by, project.settings.metrics_direction)
        place: dict[RunId, int] = {}
        for its in {each.name: None for each in listed}:
            ranked, _ = ranked_alike(project, measure, [e for e in listed if e.name == its])
            place |= {run.id: number for number, run in enumerate(ranked)}
        listed.sort(key=lambda each: (each.name, place.get(each.id, len(place))))
    return listed


def ranked_alike(
    project: Project, measure: Measure, found: Sequence[Candidate]
) -> tuple[list[RunRecord], Judged]:
    """Rank the runs of candidates that were judged alike, the best first; and name the others."""
    judged = judged_alike(project, [each.run for each in found if each.run is not None], measure)
    project.keeper.warnings += [judged.warning] if judged.warning else []
    return measure.ranked(judged.runs), judged


def disagreements(project: Project, name: str | None) -> list[str]:
    """Say where a stage's tag, its pointer in this tree and the files on the disk differ.

    Raises:
        NoProject: no git or no DVC here.
        PointerCorrupt: a pointer cannot be read.
    """
    project.needed_dvc()
    changes = assignments(project)
    said = []
    for model, stage in sorted({(each.name, each.stage) for each in changes}):
        now = current(changes, model, stage)
        if name in (None, model):
            said += _disagreement(project, stage_path(stage, model), now)
    return said


def _disagreement(project: Project, path: str, now: Assignment | None) -> list[str]:
    place = project.root / path
    pointer = read_pointer(pointer_of(place), project.relative(pointer_of(place)))
    told = now.evidence if now is not None else Evidence()
    if pointer is None:
        if not told.digest:  # by a tag of another tool, which keeps models elsewhere
            return []
        return [f"{path} is not on this branch; the tag of {told.stage} names {told.version}"]
    said = []
    if told.digest and told.digest != pointer.file.digest:
        said.append(
            f"{path}{SUFFIX} of this branch names another model than {told.version}, which the tag "
            f"of {told.stage} names; merge the branch that has it, or promote here"
        )
    (looked,) = looked_at(project, {project.relative(place): pointer.file}).values()
    if looked.state == MODIFIED:
        said.append(
            f"{path} holds other bytes than its pointer names; "
            f"`dvc checkout {quote(path + SUFFIX)} --force` puts those in place"
        )
    return said


def history(project: Project, name: str) -> list[Assignment]:
    """List the changes of a model's stages, newest first.

    Raises:
        NoModel: there is none of that name.
    """
    found = read_models(project)
    if name not in found.names:
        raise NoModel(name, found.names)
    return of_model(found.history, name)


def registered(name: str, version: str, prefix: str, folder: str) -> str:
    """Name the GTO tag of one of xvc's versions.

    >>> registered("digits", "e1.4.0", "e", "")
    'digits@v1.4.0'
    """
    return version_tag(name, Version.parse(version, prefix), folder)


def metric_names(found: Sequence[Candidate]) -> list[str]:
    """List the metrics that any of these runs has, as numbers."""
    named: dict[str, Json] = {}
    for each in found:
        named |= dict(each.run.metrics) if each.run is not None else {}
    return sorted(named)
