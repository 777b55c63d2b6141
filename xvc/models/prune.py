"""Pruning candidates: the best stay, what is in a stage stays, and what goes can be had again.

Runs count as wholes, by the last value of the metric. Takes away pointers and folders of this
tree only: the objects stay in the cache, the pointers in the history.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from xvc.core.human_units import counted
from xvc.core.model import candidate_path
from xvc.core.objective import Measure
from xvc.dvc.outputs import digests_of, object_of
from xvc.dvc.pointers import SUFFIX, Out
from xvc.dvc.remote import Remote
from xvc.dvc.repository import Dvc
from xvc.errors import BadValue, ConflictError, NotFoundError, ObjectCorrupt, error
from xvc.git.branch import clear
from xvc.history.find import find
from xvc.history.judging import Judged
from xvc.models.list import Candidate, NoModel, ranked_alike, read_models
from xvc.models.publish_models import MODELS, ModelChange, land
from xvc.project import Project
from xvc.recovery.recover import replay
from xvc.sharing.fetch_objects import Notify, ObjectFetch
from xvc.system.files import md5_of
from xvc.system.lock import FileLock
from xvc.types import Digest, RunId

_WAIT = 120.0  # seconds for versions being made


@error("not-committed")
class NotCommitted(ConflictError):
    """A candidate that is to go is in no commit, so nothing would lead to it any more."""

    name: str
    run: str
    says = "the pointer of {name} of run {run} is in no commit"
    way = "`git add models` and commit it, or `xvc tag --run {run}`; then prune."


@error("unrecoverable")
class Unrecoverable(NotFoundError):
    """Bytes of a candidate that is to go are neither in the cache nor on the remote."""

    path: str
    says = "{path} could not be had again: neither the cache nor a remote has it whole"
    way = (
        "Nothing was pruned. `xvc push` from a clone that has it, or `dvc fetch -r OTHER`; `git rm "
        "{path}.dvc` gives it up for good."
    )


@dataclass(frozen=True, slots=True)
class CandidateFate:
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
    fates: tuple[CandidateFate, ...]
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
    notify: Notify,
) -> Pruning:
    """Take away all candidates but the best, of each name; a plan is refused as the deed is.

    Args:
        project: where.
        keep: how many of the best stay, at least 1.
        by: the metric, with ``:max`` or ``:min`` where its direction is not known.
        name: of which model only.
        runs: runs without the metric that may go all the same.
        yes: whether to do it; else it is only planned.
        notify: hears when the remote is asked.

    Raises:
        BadValue: *keep* is below 1.
        NoModel: there is no model of that name.
        NoDirection: nothing says which way the metric is better.
        Unrecoverable: a model that goes is neither in the cache nor on the remote.
        DvcFailed: the remote does not answer, and not all is in the cache.
        ObjectCorrupt: its bytes in the cache are not what its name says.
        NotCommitted: no commit leads to a model that goes.
        PathsChanged, ModelChanged: something that would be written has changes of the user's.
        LockBusy, GitFailed: as in `land`.
    """
    project.needed_dvc()
    if keep < 1:
        raise BadValue("--keep", "at least the best one stays")
    measure = Measure.parse(by, project.settings.metrics_direction)
    if not yes:
        fates = _fates(project, measure, keep, name, runs)
        _refuse_lost(project, _going(fates), notify)
        return Pruning(measure, fates)
    with FileLock(project.room.version_lock).held(wait=_WAIT, doing="model prune"):
        clear(project.git, project.pending)
        replay(project, MODELS)
        fates = _fates(project, measure, keep, name, runs)
        going = _going(fates)
        _refuse_lost(project, going, notify)
        commit = land(project, _change(project, going)) if going else None
    return Pruning(measure, fates, commit)


def _fates(
    project: Project, measure: Measure, keep: int, name: str | None, runs: Sequence[str]
) -> tuple[CandidateFate, ...]:
    models = read_models(project)
    if name is not None and name not in models.names:
        raise NoModel(name, models.names)
    named = {found.record.id for found in (find(project, runs) if runs else ())}
    fates: list[CandidateFate] = []
    for each in models.names if name is None else (name,):
        here = [candidate for candidate in models.of(each) if candidate.is_here]
        fates += _of_name(here, keep, named, _Ranking.of(project, measure, here))
    return tuple(fates)


@dataclass(frozen=True, slots=True)
class _Ranking:
    """The places of candidates by a metric, and the runs that are not ranked with the newest."""

    measure: Measure
    place: Mapping[RunId, int]
    judged: Judged

    @classmethod
    def of(cls, project: Project, measure: Measure, here: Sequence[Candidate]) -> _Ranking:
        ranked, judged = ranked_alike(project, measure, here)
        return cls(measure, {run.id: number for number, run in enumerate(ranked)}, judged)

    def why_unranked(self, each: Candidate) -> str:
        if each.id in self.judged.on_other_scale:
            return f"{self.measure.metric} on another scale than the newest"
        if each.id in self.judged.others:
            return "judged otherwise than the newest"
        if each.run is None or self.measure.value(each.run) is None:
            return f"no {self.measure.metric} recorded"
        word = "discarded" if each.run.is_discarded else each.run.status.value
        return f"its run is {word}; name the run to let it go"


def _of_name(
    here: Sequence[Candidate], keep: int, named: set[RunId], ranking: _Ranking
) -> list[CandidateFate]:
    place, fates = ranking.place, []
    for each in sorted(here, key=lambda each: place.get(each.id, len(place))):
        why = f"in {', '.join(each.stages)}" if each.stages else ""
        if each.id not in place:
            why = why or ("" if each.id in named else ranking.why_unranked(each))
        elif place[each.id] < keep:
            why = f"among the best {keep}"
        fates.append(
            CandidateFate(each, ranking.measure.value(each.run) if each.run else None, why)
        )
    return fates


def _going(fates: Sequence[CandidateFate]) -> list[Candidate]:
    return [fate.candidate for fate in fates if fate.goes]


def _refuse_lost(project: Project, going: Sequence[Candidate], notify: Notify) -> None:
    """Look that all can be had again: a commit names each, and cache or remote has its bytes.

    Of the remote it is only asked what it has; but what is in a folder, its list alone says.
    """
    dvc = project.needed_dvc()
    outs = [_out(each) for each in going]
    for each, out in zip(going, outs, strict=True):
        if project.git.read("HEAD", project.relative(project.root / out.path) + SUFFIX) is None:
            raise NotCommitted(each.name, each.id)
    _bring_lists(dvc, {str(out.digest) for out in outs if not _is_here(dvc, out.digest)}, notify)
    _refuse_gone([out for out in outs if not _is_here(dvc, out.digest)])
    objects = {digest: out for out in outs for digest in digests_of(dvc, out).values()}
    away = {digest for digest in objects if not _is_here(dvc, digest)}
    there = _held(dvc, away, outs, notify) if away and dvc.remotes() else set()
    _refuse_gone([objects[digest] for digest in sorted(away - there)])
    for digest in objects.keys() - away:
        found = md5_of(object_of(dvc, digest))
        if found != digest:
            raise ObjectCorrupt(digest, found)


def _out(each: Candidate) -> Out:
    return Out(candidate_path(each.name, each.id), Digest(each.file.digest), "", each.file.size)


def _is_here(dvc: Dvc, digest: str) -> bool:
    return object_of(dvc, digest).is_file()


def _bring_lists(dvc: Dvc, lists: Collection[str], notify: Notify) -> None:
    if lists and dvc.remotes():
        ObjectFetch(dvc, None, notify).bring_lists(lists)


def _held(dvc: Dvc, away: Collection[str], outs: Sequence[Out], notify: Notify) -> set[str]:
    remote = Remote.open(dvc)
    notify(f"looking for {counted(len(away), 'object')} on {remote.name}")
    return remote.held(away, outs)


def _refuse_gone(gone: Sequence[Out]) -> None:
    if gone:
        raise Unrecoverable(gone[0].path)


def _change(project: Project, going: Sequence[Candidate]) -> ModelChange:
    paths = [candidate_path(each.name, each.id) for each in going]
    gone: dict[str, bytes | None] = {
        project.relative(project.root / path) + SUFFIX: None for path in paths
    }
    what = f"pruned {', '.join(f'{each.name} of {each.version or each.id}' for each in going)}"
    first = going[0]
    return ModelChange(
        why=what if len(going) < 4 else f"pruned {counted(len(going), 'candidate')}",
        files=gone,
        command="model prune",
        what=what,
        hindrance=f"each comes back by `xvc get {first.version or first.id} model:{first.name}`",
    )
