"""Finding runs: what a reference names, in the store, in a version's own store, or in git.

Reads only. A run that is in no store at hand is read from the DVC cache by its version's tag.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from xvc.core.direction import Direction, direction_of
from xvc.core.human_units import did_you_mean
from xvc.core.ids import is_run_id
from xvc.core.objective import Measure
from xvc.core.reference import ByName, ByVersion, ByWorktree, Extreme, Latest, parse_reference
from xvc.core.run import Environment, RunRecord
from xvc.core.tag_message import TagMessage, VersionInfo
from xvc.core.version import Version
from xvc.dvc.pointers import parse_pointer
from xvc.dvc.repository import pointer_of
from xvc.errors import (
    AmbiguousRun,
    BadReference,
    BadVersion,
    GitFailed,
    NoRun,
    NoVersion,
)
from xvc.git.commands import TagRef
from xvc.history.owner import own_versions
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.store import db, edits, query
from xvc.store.last_values import summaries
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from xvc.history.other_stores import Elsewhere


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run that was asked for, with its version (if any) and its environment (if kept).

    ``summaries`` names the metrics of which not the last value counts, with what does;
    ``elsewhere`` is the other store that has it, None where this tree's has.
    """

    record: RunRecord
    version: str | None = None
    environment: Environment | None = None
    summaries: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Elsewhere | None = None

    def here(self) -> RunRecord:
        """Return the record of a run that is to be changed, or to have a version.

        Raises:
            RunElsewhere: this tree's store has it not.
        """
        if self.elsewhere is not None:
            from xvc.history.other_stores import RunElsewhere  # late: as in `_find_one`

            raise RunElsewhere(self.record.id, self.elsewhere.where, self.elsewhere.source)
        return self.record


def versions(project: Project) -> list[VersionInfo]:
    """List the versions of the project, lowest first."""
    return own_versions(project, all_versions(project))


def all_versions(project: Project) -> list[VersionInfo]:
    """List the versions of every project in the repository, lowest first."""
    if project.place is None:
        return []
    prefix = project.settings.tag_prefix
    found = [info for tag in project.git.tags(prefix) if (info := _info(tag, prefix)) is not None]
    return sorted(found, key=lambda info: info.version)


def known_versions(project: Project, *, of_all: bool = False) -> list[VersionInfo]:
    """List the versions as `versions` or `all_versions` does; none, and a warning, without git."""
    try:
        return all_versions(project) if of_all else versions(project)
    except GitFailed as err:
        project.keeper.warnings.append(f"{err}; versions are not shown")
        return []


def _info(tag: TagRef, prefix: str) -> VersionInfo | None:
    try:
        version = Version.parse(tag.name, prefix)
    except BadVersion:
        return None  # another tag that begins alike
    return VersionInfo(
        version=version,
        name=tag.name,
        commit=tag.commit,
        at=tag.at,
        message=TagMessage.parse(tag.message),
    )


def no_version(project: Project, name: str) -> NoVersion:
    """Say that a project has no such version, and which project of the repository has it."""
    infos = (info for info in all_versions(project) if info.name == name)
    return NoVersion(name, next((info.message.project or "" for info in infos), ""))


def versions_by_run(infos: Iterable[VersionInfo]) -> dict[RunId, str]:
    """Map each run to its highest version."""
    return {info.message.run: info.name for info in infos if info.message.run is not None}


def runs_of(infos: Iterable[VersionInfo]) -> set[RunId]:
    """List the runs that versions are of."""
    return {info.message.run for info in infos if info.message.run is not None}


def find(project: Project, references: Sequence[str]) -> list[FoundRun]:
    """Find the run behind each reference, in order.

    ``best:`` and ``worst:`` warn of versions of this branch whose run the store lacks.

    Raises:
        BadReference: a text can name nothing.
        NoRun: nothing answers to it.
        NoVersion: there is no such version.
        AmbiguousRun: a prefix fits several runs.
        NoObject: the version's store is not in the DVC cache, or this tree's has not been brought.
    """
    with opened(project) as connection:
        return found_in(project, connection, references)


def found_in(
    project: Project, connection: DuckDBPyConnection, references: Sequence[str]
) -> list[FoundRun]:
    """Find what `find` finds, in everything recorded, which has been opened already."""
    infos = versions(project)
    found = [_find_one(project, connection, infos, text) for text in references]
    return [replace(each, record=_with_own_log(project, each.record)) for each in found]


def _with_own_log(project: Project, run: RunRecord) -> RunRecord:
    """Name the log that another machine's run has here; its record knows where it was there."""
    own = str(project.room.logs / f"{run.id}.log")
    if run.log is None or os.path.exists(run.log) or not os.path.exists(own):  # not to be seen: no
        return run
    return replace(run, log=own)


def _find_one(
    project: Project, connection: DuckDBPyConnection, infos: Sequence[VersionInfo], text: str
) -> FoundRun:
    reference = parse_reference(text, project.settings.tag_prefix)
    match reference:
        case ByVersion(_, name):
            return _by_version(project, connection, infos, name)
        case Latest(back):
            record = query.latest(connection, back)
        case ByWorktree(name):
            record = query.latest(connection, 0, worktree=name)
        case Extreme(metric, best):
            from xvc.history.missing import missing_versions, warning_of  # late: few ask for it

            known = query.known_among(connection, runs_of(infos))
            if missing := missing_versions(project, infos, known):
                project.keeper.warnings.append(warning_of(missing))
            record = _extreme(project, connection, metric, best=best)
        case ByName(name):
            record = _by_name(connection, name)
            if record is None and (held := _of_a_version(project, infos, name)):
                return held
            if record is None and (other := _elsewhere(project, connection, name)):
                project.keeper.warnings.append(other.warning)
                version = versions_by_run(infos).get(other.record.id)
                return FoundRun(other.record, version, other.environment, elsewhere=other)
    if record is None:
        raise project.keeper.lacking or project.nothing_checked_out() or NoRun(text)
    return _found(connection, record, versions_by_run(infos).get(record.id))


def _elsewhere(project: Project, connection: DuckDBPyConnection, name: str) -> Elsewhere | None:
    from xvc.history.other_stores import find_elsewhere  # late: most runs are here

    return find_elsewhere(project, name, edits.deletions(connection))


def _found(connection: DuckDBPyConnection, record: RunRecord, version: str | None) -> FoundRun:
    environment = query.environment(connection, record.environment)
    ways = summaries(connection, [record.id]).get(record.id, {})
    return FoundRun(record, version, environment, ways)


def _by_version(
    project: Project, connection: DuckDBPyConnection, infos: Sequence[VersionInfo], name: str
) -> FoundRun:
    info = next((info for info in infos if info.name == name), None)
    if info is None:
        raise no_version(project, name)
    run = info.message.run
    if run is None:
        raise NoRun(name)
    record = query.by_id(connection, run)
    if record is not None:
        return _found(connection, record, name)
    return _from_cache(project, info, run)


def _from_cache(project: Project, info: VersionInfo, run: RunId) -> FoundRun:
    """Read a run from the store that its version holds, where the tree has another."""
    path = project.relative(pointer_of(project.store_path))
    text = project.git.read(info.commit, path)
    if text is None or project.dvc is None:
        raise NoRun(info.name)
    digest = parse_pointer(text, path).digest
    if not project.dvc.holds(digest):
        raise project.dvc.lack_of(digest, path)
    with db.reading(project.dvc.place(digest)) as connection:
        record = query.by_id(connection, run)
        if record is None:
            raise NoRun(info.name)
        from xvc.history.other_stores import Elsewhere  # late: as above

        found = _found(connection, record, info.name)
        return replace(found, elsewhere=Elsewhere(record, found.environment, info.name, info.name))


def _extreme(
    project: Project, connection: DuckDBPyConnection, metric: str, *, best: bool
) -> RunRecord | None:
    text = f"{'best' if best else 'worst'}:{metric}"
    if not query.has_metric(connection, metric) and (known := query.keys(connection)):
        raise BadReference(text, f"no run has {metric!r}{did_you_mean(metric, known)}")
    direction = direction_of(metric, project.settings.metrics_direction)
    if direction is None:
        raise BadReference(
            text,
            f"xvc does not know which way {metric} is better; "
            f"say `metrics: {{direction: {{{metric}: max}}}}` (or min) in xvc.yaml",
        )
    measure = Measure(metric, direction)
    highest = (direction is Direction.MAX) is best
    leading: list[RunRecord] = []
    if not project.settings.has_judge:
        from xvc.core.metric_scale import is_share  # late: few references are of this kind

        leading = query.foremost(connection, metric, highest=highest, most=1)
        if is_share(metric):  # what is furthest from it tells whether all are on one scale
            ends = [*leading, *query.foremost(connection, metric, highest=not highest, most=1)]
            leading = [] if measure.on_one_scale(ends)[1] else leading
    if leading:
        return measure.first(leading, best=best)
    from xvc.history.judging import judged_alike  # late: most settings name no judge

    judged = judged_alike(project, query.with_metric(connection, metric), measure)
    project.keeper.warnings += [judged.warning] if judged.warning else []
    return measure.first(judged.runs, best=best)


def _by_name(connection: DuckDBPyConnection, name: str) -> RunRecord | None:
    if is_run_id(name):
        record = query.by_id(connection, RunId(name))
        if record is not None:
            return record
    fitting = query.by_prefix(connection, name) if len(name) >= 2 else []
    if len(fitting) == 1:
        return query.by_id(connection, fitting[0])
    named = query.by_given_name(connection, name) or query.latest(connection, 0, branch=name)
    if named is not None:
        return named
    if fitting:
        raise AmbiguousRun(name, tuple(fitting))
    return None


def _of_a_version(project: Project, infos: Sequence[VersionInfo], name: str) -> FoundRun | None:
    for info in reversed(infos):
        if info.message.run is not None and info.message.run.startswith(name) and len(name) > 3:
            found = _from_cache(project, info, info.message.run)
            if found.elsewhere is not None:
                project.keeper.warnings.append(found.elsewhere.warning)
            return found
    return None


def suggestions(project: Project, beginning: str) -> list[str]:
    """List what a reference that begins so could become: versions, branches, run ids and names."""
    named = [info.name for info in versions(project)[::-1]]
    if project.place is not None:
        heads = "refs/heads/"
        named += [ref.removeprefix(heads) for ref in project.git.refs(heads)]
    with project.keeper.view() as connection:
        runs = query.newest(connection)
        for run in runs:
            named += [run.id, *([run.name] if run.name else [])]
        named += query.by_prefix(connection, beginning) if beginning else []
        metrics = dict.fromkeys(key for run in runs for key in run.metrics)
    declared = project.settings.metrics_direction
    known = [key for key in metrics if direction_of(key, declared) is not None]
    named += [f"{end}:{key}" for end in ("best", "worst") for key in known]
    return [name for name in dict.fromkeys(named) if name.startswith(beginning)]
