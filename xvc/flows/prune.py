"""Pruning candidates: the best stay, what is in a stage stays, and what goes can be had again.

Runs count as wholes, by the last value of the metric. Takes away pointers and folders of this
tree only: the objects stay in the cache, the pointers in the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xvc.adapters.branch import clear
from xvc.adapters.dvc import SUFFIX
from xvc.adapters.lock import FileLock
from xvc.adapters.outs import Out
from xvc.core.measure import Measure
from xvc.core.model import candidate_path
from xvc.errors import BadValue, ConflictError
from xvc.flows.find import find
from xvc.flows.get import obtain
from xvc.flows.land import Change, complete, land
from xvc.flows.list_models import Candidate, NoModel, dvc_of, read_models
from xvc.project import Project
from xvc.types import Digest, RunId

_WAIT = 120.0  # seconds for versions being made


class NotCommitted(ConflictError):
    """A candidate that is to go is in no commit, so nothing would lead to it any more."""

    code = "not-committed"

    def __init__(self, name: str, run: str) -> None:
        super().__init__(name, run)
        self.name, self.run = name, run

    def __str__(self) -> str:
        return f"the pointer of {self.name} of run {self.run} is in no commit"

    @property
    def hint(self) -> str:
        """Names what commits it."""
        return f"`git add models` and commit it, or `xvc tag --run {self.run}`; then prune."


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a candidate, its value of the metric, and why it stays."""

    candidate: Candidate
    value: float | None
    kept_by: str

    @property
    def goes(self) -> bool:
        """Whether it goes."""
        return not self.kept_by

    @property
    def way_back(self) -> str:
        """The command that brings it back."""
        each = self.candidate
        return f"xvc get {each.version or each.id} model:{each.name}"


@dataclass(frozen=True, slots=True)
class Pruning:
    """The plan, the best first, or what was done: then ``commit`` is the one without them."""

    measure: Measure
    fates: tuple[Fate, ...]
    commit: str | None = None

    @property
    def size(self) -> int:
        """The bytes of what goes."""
        return sum(fate.candidate.file.size or 0 for fate in self.fates if fate.goes)


def prune(
    project: Project,
    keep: int,
    by: str,
    *,
    name: str | None = None,
    runs: Sequence[str] = (),
    yes: bool = False,
) -> Pruning:
    """Take away all candidates but the best, of each name.

    Args:
        project: where.
        keep: how many of the best stay, at least 1.
        by: the metric, with ``:max`` or ``:min`` where its direction is not known.
        name: of which model only.
        runs: runs without the metric that may go all the same.
        yes: whether to do it; else it is only planned.

    Raises:
        BadValue: *keep* is below 1.
        NoModel: there is no model of that name.
        NoDirection: nothing says which way the metric is better.
        NoObject, DvcFailed: a model that goes is neither in the cache nor on the remote.
        ObjectCorrupt: its bytes in the cache are not what its name says.
        NotCommitted: no commit leads to a model that goes.
        PathsChanged, ModelChanged: something that would be written has changes of the user's.
        LockBusy, GitFailed: as in `land`.
    """
    dvc_of(project)
    if keep < 1:
        raise BadValue("--keep", "at least the best one stays")
    measure = Measure.parse(by, project.settings.metrics_direction)
    if not yes:
        return Pruning(measure, _fates(project, measure, keep, name, runs))
    with FileLock(project.room.version_lock).held(wait=_WAIT, doing="model prune"):
        clear(project.git, project.room.scratch)
        complete(project)
        fates = _fates(project, measure, keep, name, runs)
        going = [fate.candidate for fate in fates if fate.goes]
        for each in going:
            _refuse_lost(project, each)
        commit = land(project, _change(project, going)) if going else None
    return Pruning(measure, fates, commit)


def _fates(
    project: Project, measure: Measure, keep: int, name: str | None, runs: Sequence[str]
) -> tuple[Fate, ...]:
    models = read_models(project)
    if name is not None and name not in models.names:
        raise NoModel(name, models.names)
    named = {found.record.id for found in (find(project, runs) if runs else ())}
    fates: list[Fate] = []
    for each in models.names if name is None else (name,):
        here = [candidate for candidate in models.of(each) if candidate.is_here]
        fates += _of_name(here, measure, keep, named)
    return tuple(fates)


def _of_name(
    here: Sequence[Candidate], measure: Measure, keep: int, named: set[RunId]
) -> list[Fate]:
    ranked = measure.ranked(each.run for each in here if each.run is not None)
    place = {run.id: number for number, run in enumerate(ranked)}
    fates = []
    for each in sorted(here, key=lambda each: place.get(each.id, len(place))):
        why = f"in {', '.join(each.stages)}" if each.stages else ""
        if each.id not in place:
            why = why or ("" if each.id in named else f"no {measure.metric} recorded")
        elif place[each.id] < keep:
            why = f"among the best {keep}"
        fates.append(Fate(each, measure.value(each.run) if each.run else None, why))
    return fates


def _refuse_lost(project: Project, each: Candidate) -> None:
    """Look that a model can be had again: its bytes, and a commit that names them."""
    out = Out(
        candidate_path(each.name, each.id), Digest(each.file.digest), each.name, each.file.size
    )
    obtain(project, out)
    pointer = project.relative(project.root / out.path) + SUFFIX
    if project.git.read("HEAD", pointer) is None:
        raise NotCommitted(each.name, each.id)


def _change(project: Project, going: Sequence[Candidate]) -> Change:
    paths = [candidate_path(each.name, each.id) for each in going]
    gone: dict[str, bytes | None] = {
        project.relative(project.root / path) + SUFFIX: None for path in paths
    }
    what = f"pruned {', '.join(f'{each.name} of {each.version or each.id}' for each in going)}"
    first = going[0]
    return Change(
        why=what if len(going) < 4 else f"pruned {len(going)} candidates",
        files=gone,
        command="model prune",
        what=what,
        hindrance=f"each comes back by `xvc get {first.version or first.id} model:{first.name}`",
    )
