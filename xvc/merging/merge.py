"""Merging other stores into the one of this tree: on a copy, published whole or not at all.

Changes the store and its pointer only; no commit is made. The sources are only read. What both
sides changed waits for a decision, and meanwhile the store is as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xvc.core.expression import Expression
from xvc.core.filter import parse_filter
from xvc.core.merge import Choice, Conflict, Place, Side, decide
from xvc.dvc.repository import Dvc, pointer_of
from xvc.errors import BadValue, ConflictError, error
from xvc.git.history import changed_at, made_at
from xvc.history.find import versions
from xvc.history.missing import missing_versions
from xvc.journal.reader import journals
from xvc.merging import unfinished
from xvc.merging.choices import read_choices
from xvc.merging.sources import MergeSource, NotFetched, resolve, written_at
from xvc.merging.unfinished import Unfinished
from xvc.project import Project
from xvc.recovery.exclusive import exclusively
from xvc.recovery.operation_log import new_operation
from xvc.recovery.pending_operation import intended
from xvc.recovery.recover import mend
from xvc.store import query
from xvc.store.merge import Outcome, Source, merge_into
from xvc.store.publish import held_still, keep, keep_as_it_is, publish, renew

Tell = Callable[[str], object]
_NEWEST = "newest"
"""Where to say how far things are."""


@error("merge-unfinished")
class MergeUnfinished(ConflictError):
    """An earlier merge waits for decisions."""

    sources: tuple[str, ...]
    undecided: int
    says = "the merge of {sources} has conflicts to decide: {undecided}"
    way = (
        "See `xvc merge --conflicts`; decide with `--ours`, `--theirs` or `--newest`; then `xvc "
        "merge --continue`, or `xvc merge --abort`."
    )


@dataclass(frozen=True, slots=True)
class Policy:
    """How conflicts end: a side's value, or without one the newer row's; *only* some, or all."""

    side: Side | None = None
    only: Expression | None = None

    @classmethod
    def named(cls, prefer: str, only: str | None = None) -> Policy:
        """Read how conflicts are to end: ``ours``, ``theirs`` or ``newest``; *only* is a filter.

        Raises:
            BadValue: *prefer* is none of these.
            BadExpression: *only* cannot be read.
        """
        if prefer not in (*Side, _NEWEST):
            raise BadValue("prefer", f"{prefer!r} is none of {', '.join((*Side, _NEWEST))}")
        some = None if only is None else parse_filter(only)
        return cls(None if prefer == _NEWEST else Side(prefer), some)


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did, or would do: the account of each source, and what is left to decide.

    ``digest`` names the store that came of it, None when it is as it was; ``is_git`` tells that git
    began it, has the pointer now, and takes it back, so that it is no ``operation`` of ours.
    """

    outcomes: tuple[Outcome, ...]
    digest: str | None = None
    warnings: tuple[str, ...] = ()
    is_git: bool = False
    operation: str | None = None

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """All conflicts, decided or not."""
        return tuple(each for outcome in self.outcomes for each in outcome.conflicts)

    @property
    def undecided(self) -> int:
        """How many conflicts wait for a decision."""
        return sum(each.choice is None for each in self.conflicts)


def merge(
    project: Project,
    names: Sequence[str],
    *,
    policy: Policy | None = None,
    dry_run: bool = False,
    tell: Tell = str,
) -> Merged:
    """Merge stores into the one of this tree; with conflicts left, nothing changes but a note.

    Without *names*, the versions whose run this store lacks are merged.

    Raises:
        NoProject: no git or no DVC here.
        MergeUnfinished: an earlier merge waits for decisions.
        NoSource: a name means nothing that has a store.
        NotFetched: a store is not in the DVC cache.
        MergeUnsound: a row is not accounted for.
    """
    dvc = project.needed_dvc()
    mend(project)
    with exclusively(project):
        if not dry_run:
            refuse_unfinished(project)
        project.keeper.refresh()
        wanted = dict.fromkeys(names or _missing(project))
        sources = [resolve(project, dvc, name) for name in wanted]
        try:
            return _carried_out(project, dvc, sources, (), policy, dry_run=dry_run, tell=tell)
        finally:
            for source in sources:  # one that was made of journals is pinned if it is waited for
                if source.path.parent == project.room.scratch:
                    source.path.unlink(missing_ok=True)


def _missing(project: Project) -> list[str]:
    with project.keeper.view() as connection:
        held = query.ids(connection)
    return [info.name for info in missing_versions(project, versions(project), held)]


def refuse_unfinished(project: Project) -> None:
    """Refuse to begin while a merge waits for somebody.

    Raises:
        MergeUnfinished: one does.
    """
    waiting = unfinished.read(project.room)
    if waiting is not None and _is_waited_for(project, waiting):
        raise MergeUnfinished(tuple(each.name for each in waiting.sources), waiting.open)


def proceed(project: Project, *, tell: Tell = str) -> Merged:
    """Finish a merge with what was decided; one that git began is handed back to git's index.

    Raises:
        NoMerge: none is unfinished.
        NotFetched: a store is not in the DVC cache.
    """
    dvc = project.needed_dvc()
    with exclusively(project):
        waiting = unfinished.expect(project.room)
        _expect_there(project, waiting)
        held, is_git = (waiting.sources, waiting.conflicts), waiting.is_git
        done = _carried_out(project, dvc, *held, None, is_git=is_git, tell=tell)
        if is_git and not done.undecided:
            _hand_back(project, waiting)
        return done


def _expect_there(project: Project, waiting: Unfinished) -> None:
    places = [place for each in waiting.sources for place in (each.path, each.base) if place]
    for place in places:
        if not place.is_file():
            digest = place.parent.name + place.name  # else it was pinned, and is there
            raise NotFetched(digest, project.relative(pointer_of(project.store_path)))


def _is_waited_for(project: Project, waiting: Unfinished) -> bool:
    """Whether the merge still goes on: one that git began may have been aborted with git."""
    path = project.relative(pointer_of(project.store_path))
    return not waiting.is_git or bool(project.git.call("ls-files", "-u", "--", path))


def _hand_back(project: Project, waiting: Unfinished) -> None:
    """Mark the pointer as resolved, if git still waits for it."""
    if _is_waited_for(project, waiting):
        project.git.update_index(None, [project.relative(pointer_of(project.store_path))])


def choose(project: Project, policy: Policy) -> Unfinished:
    """Decide conflicts of the unfinished merge; the store does not change.

    Raises:
        NoMerge: none is unfinished.
    """
    with exclusively(project):
        waiting = unfinished.expect(project.room)
        return _save_choices(project, _decided(project, waiting.sources, waiting.conflicts, policy))


def choose_from(project: Project, file: Path) -> Unfinished:
    """Decide conflicts of the unfinished merge as a file says; the store does not change.

    Raises:
        NoMerge: none is unfinished.
        BadValue: the file cannot be read, or an entry means nothing.
    """
    with exclusively(project):
        waiting = unfinished.expect(project.room)
        return _save_choices(project, read_choices(file, waiting.conflicts))


def choose_at(project: Project, source: str, place: Place, choice: Choice) -> Unfinished:
    """Decide one conflict of the unfinished merge; the store does not change.

    Raises:
        NoMerge: none is unfinished.
        BadValue: there is no conflict at this place.
    """
    with exclusively(project):
        waiting = unfinished.expect(project.room)
        decided = [
            replace(each, choice=choice) if (each.source, each.place) == (source, place) else each
            for each in waiting.conflicts
        ]
        if all((each.source, each.place) != (source, place) for each in decided):
            raise BadValue("conflict", f"there is none at {' '.join(filter(None, place))}")
        return _save_choices(project, decided)


def abort(project: Project) -> Unfinished:
    """Forget the unfinished merge; the store was never touched by it.

    Raises:
        NoMerge: none is unfinished.
    """
    with exclusively(project):
        waiting = unfinished.expect(project.room)
        unfinished.forget(project.room)
    return waiting


def _save_choices(project: Project, conflicts: Iterable[Conflict]) -> Unfinished:
    changed = replace(unfinished.expect(project.room), conflicts=tuple(conflicts))
    unfinished.write(project.room, changed)
    return changed


def _carried_out(
    project: Project,
    dvc: Dvc,
    sources: Sequence[MergeSource],
    before: Sequence[Conflict],
    policy: Policy | None,
    *,
    tell: Tell,
    dry_run: bool = False,
    is_git: bool = False,
) -> Merged:
    """Merge on a copy, and publish it when nothing is left to decide."""
    project.room.scratch.mkdir(parents=True, exist_ok=True)
    with held_still(project.keeper) as copy:
        outcomes = merge_all(project, copy, sources, before, policy, tell)
        is_open = any(outcome.open for outcome in outcomes)
        has_changed = any(outcome.has_changed or outcome.conflicts for outcome in outcomes)
        merged = Merged(tuple(outcomes), None, _warnings(project, outcomes), is_git)
        if not dry_run and not is_open and has_changed:
            merged = _published(project, dvc, copy, merged)
    if not dry_run:
        _note_undecided(project, sources, merged)
    return merged


def _published(project: Project, dvc: Dvc, copy: Path, merged: Merged) -> Merged:
    """Make the copy the store, and write the operation down."""
    was = keep_as_it_is(project.keeper, dvc)
    kept = keep(dvc, copy)
    if merged.is_git:
        publish(project.keeper, dvc, copy, kept)
        return replace(merged, digest=kept.digest)
    what = f"merged {', '.join(outcome.source for outcome in merged.outcomes)}"
    undo = "the store is again as it was, with what was recorded since"
    operation = replace(new_operation(project, "merge", what, undo), was=was, made=kept.digest)
    with intended(project, operation):
        publish(project.keeper, dvc, copy, kept)
    return replace(merged, digest=kept.digest, operation=operation.id)


def merge_all(
    project: Project,
    copy: Path,
    sources: Sequence[MergeSource],
    before: Sequence[Conflict],
    policy: Policy | None,
    tell: Tell,
) -> list[Outcome]:
    """Merge sources into *copy*, one after the other, with conflicts decided as *policy* says.

    Raises:
        MergeUnsound: a row is not accounted for.
    """
    outcomes = _attempt(project, sources, before, copy, tell)
    for _ in sources if policy else ():  # what one decides can bring up another
        if all(not outcome.open for outcome in outcomes):
            break
        found = [each for outcome in outcomes for each in outcome.conflicts]
        before = _decided(project, sources, found, policy or Policy())
        renew(project.keeper, copy)
        outcomes = _attempt(project, sources, before, copy, tell)
    return outcomes


def _attempt(
    project: Project,
    sources: Sequence[MergeSource],
    before: Sequence[Conflict],
    copy: Path,
    tell: Tell,
) -> list[Outcome]:
    outcomes = []
    for found in sources:
        tell(f"merging {found.name} …")
        source = Source(found.name, found.path, found.digest, found.base)
        outcomes.append(merge_into(copy, source, before, project.room.scratch))
    return outcomes


def _note_undecided(project: Project, sources: Sequence[MergeSource], merged: Merged) -> None:
    """Keep what waits for a decision, or forget what no longer does."""
    if not merged.undecided:
        unfinished.forget(project.room)
        return
    pinned = unfinished.pinned(project.room, sources)
    before = unfinished.read(project.room)
    is_git = before is not None and before.is_git
    unfinished.write(project.room, Unfinished(pinned, merged.conflicts, is_git=is_git))


def _decided(
    project: Project, sources: Sequence[MergeSource], conflicts: Sequence[Conflict], policy: Policy
) -> tuple[Conflict, ...]:
    ours, found = _written_at(project), list(conflicts)
    for source in sources:
        its = [each for each in found if each.source == source.name]
        at = source.at or written_at(project, source.digest)
        fallback = Side.THEIRS if at > ours else Side.OURS
        made = iter(decide(its, policy.side, policy.only, fallback))
        found = [next(made) if each.source == source.name else each for each in found]
    return tuple(found)


def _written_at(project: Project) -> float:
    """When our store changed last: now while it has journals, else when its version was made."""
    path = project.relative(pointer_of(project.store_path))
    room = project.room
    is_unsaved = bool(journals(room.journals) or journals(room.folded))
    commits = [] if is_unsaved else changed_at(project.git, "HEAD", path, None)
    return (
        float(made_at(project.git, commits[0])) if commits else project.store_path.stat().st_mtime
    )


def _warnings(project: Project, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    return (*project.keeper.warnings, *warnings_of(outcomes))


def warnings_of(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Warn of merges without a usable ancestor, and of keys that were ignored."""
    told = []
    for each in outcomes:
        if not each.is_related:
            told.append(
                f"{each.source}: the store where the branches parted is no ancestor of both, so "
                "rows that one side deleted there are kept"
            )
        told += [
            f"{each.source}: rows of {table} have doubled or empty keys; whole rows were compared"
            for table in each.doubled
        ]
    return tuple(told)
