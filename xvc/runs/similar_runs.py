"""Whether something has run before, and what came nearest to it: asked before a run begins.

The same is: the same code (documents and xvc's own files are none), the same data, the same command
in the same folder and the same params that were asked for. With another seed it is a repeat.
Refuses to guess: what a script logs on its own is not compared, and a run whose code is not in this
clone is never called the same.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from xvc.core.commit_subject import chosen_metrics, cut, shown
from xvc.core.equality import is_same
from xvc.core.human_units import few_of
from xvc.core.run import ABSENT, OUTSIDE, DataFile, RunRecord, Status
from xvc.core.run_inputs import given, overlap
from xvc.core.seed_names import is_seed
from xvc.core.typed_value import TypedValue
from xvc.dvc.pointers import SUFFIX
from xvc.errors import XvcError
from xvc.git.history import Change, line_changes
from xvc.git.submodules import submodules
from xvc.project import Project
from xvc.recording.begin_run import as_it_would_be
from xvc.recording.unheld_digests import unheld_now
from xvc.recovery.lost_runs import opened
from xvc.runs.code_fingerprint import CodeDigests, code_trees
from xvc.runs.repeats import has_same_command, own_params, seeds_in
from xvc.store import db, query
from xvc.store.idle_instance import reading_own
from xvc.types import Json, RunId
from xvc.versions.base import PathsWithoutCode, code_changes

_LOOKED_AT = 40
"""So many of the runs that are nearest by their params are compared by their code, too."""


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """What may be run; without a command only code, data and the params asked for count."""

    folder: Path
    command: tuple[str, ...] = ()
    params: Mapping[str, TypedValue] = field(default_factory=dict)
    seeded: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Near:
    """A run that came near, and in what it differs: params as (then, now), data, files of code.

    ``files`` is None where the code is the run's or cannot be compared. ``alike`` is how much of
    what both changed in the code is the same, between 0 and 1, where that was asked. ``unseen`` are
    data that nothing keeps and that we did not read: it is not known to be the same.
    """

    run: RunRecord
    version: str | None
    params: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)
    data: tuple[str, ...] = ()
    has_other_code: bool = False
    has_other_command: bool = False
    files: tuple[str, ...] | None = None
    alike: float | None = None
    unseen: Mapping[str, DataFile] = field(default_factory=dict)

    @property
    def distance(self) -> tuple[int, int]:
        """How far away it is: in how many things it differs, and in how many files."""
        command = int(self.has_other_command and not self.params)
        differs = len(self.params) + len(self.data) + self.has_other_code + command
        return differs + bool(self.unseen), len(self.files or ())

    @property
    def is_same_as_seen(self) -> bool:
        """Whether it differs in nothing but in data of which nothing is known."""
        return bool(self.unseen) and self.distance[0] == 1


@dataclass(frozen=True, slots=True)
class Precedents:
    """Runs of the same, newest first; those of another seed; and what came nearest to it."""

    same: tuple[Near, ...]
    repeats: tuple[Near, ...]
    nearest: tuple[Near, ...]
    runs: int


def precedents(
    project: Project, plan: PlannedRun, warnings: list[str], nearest: int = 3
) -> Precedents:
    """Look for runs of what may be run now.

    Raises:
        StoreBusy: another program holds the store.
    """
    params = {key: typed.value for key, typed in plan.params.items()}
    wanted, tree = as_it_would_be(project, plan.command, plan.folder, params, warnings, plan.seeded)
    with opened(project) as connection:
        runs = query.near(connection, wanted, own_params(wanted))
        total = query.count(connection)
    names = _names(project)
    found = compared(project, wanted, tree, runs, names, nearest, warnings)
    warnings += _judged_otherwise(project, wanted, tree, found)
    return _of_all(found, total, warnings)


def _judged_otherwise(
    project: Project, wanted: RunRecord, tree: str, found: Precedents
) -> list[str]:
    """Name the runs whose results would not compare with those of a run of now."""
    if not project.settings.has_judge or not tree:
        return []
    from xvc.history.judging import differing, judges  # late: most projects name no judge

    near = [*found.same, *found.repeats, *found.nearest]
    now = replace(wanted, code=replace(wanted.code, snapshot=tree))
    known = judges(project, [now, *(each.run for each in near)])
    parts = {each.run.id: differing(known.get(now.id), known.get(each.run.id)) for each in near}
    others = [each.version or each.run.id for each in near if parts[each.run.id]]
    if not others:
        return []
    named = dict.fromkeys(part for each in parts.values() for part in each)
    return [
        f"judged otherwise than a run would be now ({few_of([*named])} differs): {few_of(others)}"
    ]


def _of_all(found: Precedents, total: int, warnings: list[str]) -> Precedents:
    """Count all runs, and say where not all were looked at."""
    if total > found.runs:
        warnings.append(
            f"of {total:,} runs {found.runs:,} were looked at: the newest, and those with the same "
            "command or params"
        )
    return replace(found, runs=total)


def compared(
    project: Project,
    wanted: RunRecord,
    tree: str,
    runs: Sequence[RunRecord],
    names: Mapping[RunId, str],
    nearest: int = 3,
    warnings: list[str] | None = None,
) -> Precedents:
    """Sort runs by whether they are of the same as *wanted*, whose code is in *tree*."""
    made = frozenset(out for run in runs for out in run.outs)
    lying = _Lying(project, wanted)
    near = [
        _asked(wanted, run, lying.where(run), names.get(run.id), made)
        for run in runs
        if run.id != wanted.id
    ]
    alike = [each for each in near if each.distance[0] == 0]
    others = sorted((e for e in near if e.distance[0]), key=lambda each: each.distance)
    looked = [*alike, *others[:_LOOKED_AT]]
    trees = code_trees(project, [each.run for each in looked])
    by_code = _by_code(project, wanted, looked, tree, trees, [] if warnings is None else warnings)
    found = [each for each in by_code if each.distance[0] == 0]
    same = [each for each in found if _is_of_its_seeds(wanted, each.run)]
    repeats = [each for each in found if each not in same]
    rest = sorted((e for e in by_code if e.distance[0]), key=lambda each: each.distance)
    differences = sorted(
        (_with_files(project, each, tree, trees) for each in rest[: 3 * nearest]),
        key=lambda each: each.distance,
    )
    return Precedents(tuple(same), tuple(repeats), tuple(differences[:nearest]), len(near))


def by_change(
    project: Project, plan: PlannedRun, warnings: list[str], nearest: int = 3
) -> Precedents:
    """Look for runs whose change to the code was the one that is in the tree now, or close to it.

    A change is what the tree has and HEAD has not; of a clean tree, what its last commit did.
    """
    _, tree = as_it_would_be(project, plan.command, plan.folder, {}, warnings)
    with opened(project) as connection:
        runs, total = query.newest(connection), query.count(connection)
    if total > len(runs):
        warnings.append(f"of {total:,} runs the newest {len(runs):,} were looked at")
    names = _names(project)
    head = project.git.commit_of("HEAD") if project.place else None
    trees = code_trees(project, runs)
    commits = {run.code.commit for run in runs if run.code.commit and run.id in trees}
    bases = _bases(project, {*commits, *([head] if head else [])})
    pairs = {
        run.id: _pair(bases, run.code.commit, trees[run.id]) for run in runs if run.id in trees
    }
    own = _pair(bases, head, tree)
    changes = line_changes(project.git, {pair for pair in (own, *pairs.values()) if pair})
    mine = _code_of(project, changes.get(own or ("", ""), frozenset()))
    found = []
    for run in runs:
        theirs = _code_of(project, changes.get(pairs.get(run.id) or ("", ""), frozenset()))
        if mine and (both := mine & theirs):
            share = len(both) / len(mine | theirs)
            found.append(Near(run, names.get(run.id), has_other_code=share < 1, alike=share))
    found.sort(key=lambda each: -(each.alike or 0.0))
    same = [each for each in found if each.alike == 1]
    rest = [each for each in found if each.alike != 1]
    return Precedents(tuple(same), (), tuple(rest[:nearest]), total)


def _names(project: Project) -> dict[RunId, str]:
    from xvc.history.find import known_versions, versions_by_run  # late: each run comes by here

    return versions_by_run(known_versions(project))


def _bases(project: Project, commits: set[str]) -> dict[str, tuple[str, str | None]]:
    """Map commits to their trees, and to those of their first parents."""
    parents = {commit: f"{commit}^" for commit in commits}
    trees = project.git.trees_of({*commits, *parents.values()})
    return {c: (trees[c], trees.get(parents[c])) for c in commits if c in trees}


def _pair(
    bases: Mapping[str, tuple[str, str | None]], commit: str | None, tree: str
) -> tuple[str, str] | None:
    """Name the two trees between which a change lies; None where nothing is known to be one."""
    if commit is None or commit not in bases or not tree:
        return None
    own, before = bases[commit]
    if own != tree:
        return own, tree
    return (before, tree) if before is not None else None


def _code_of(project: Project, change: Change) -> Change:
    documents = PathsWithoutCode(frozenset(), project.settings.tag_ignore)
    return frozenset(
        line for line in change if not documents.holds(line[0]) and not line[0].endswith(SUFFIX)
    )


class _Lying:
    """Looks what lies now where runs read data that nothing keeps, each path once, not for long."""

    def __init__(self, project: Project, wanted: RunRecord) -> None:
        self._top = project.place.top if project.place else project.root
        self._known: dict[str, DataFile] = dict(wanted.data)
        self._host = wanted.host or os.uname().nodename
        self._left: list[int] = []
        self._until = 0.0

    def where(self, run: RunRecord) -> dict[str, DataFile]:
        """Tell by their paths what lies where a run of this machine read such data."""
        paths = {path: file for path, file in run.data.items() if file.is_unkept}
        if not paths or run.host != self._host:
            return {}
        # late: most data is kept
        from xvc.recording.untracked_data import MOST_SECONDS, MOST_TOGETHER, lying_now

        if not self._left:
            self._left, self._until = [MOST_TOGETHER], time.monotonic() + MOST_SECONDS
        fresh = {path: file for path, file in paths.items() if path not in self._known}
        self._known |= lying_now(self._top, fresh, self._left, self._until)
        return {path: self._known[path] for path in paths}


def _asked(
    wanted: RunRecord,
    run: RunRecord,
    lying: Mapping[str, DataFile],
    version: str | None,
    made: Collection[str] = (),
) -> Near:
    """Compare what was asked for: params, data and command, without the seeds.

    A run that failed names no output, for it has left none; then those of all runs, *made*, count.
    *lying* is what lies now where that run read data that nothing keeps.
    """
    ours = {**wanted.data, **lying}
    outs = run.outs if run.status is Status.FINISHED else {*run.outs, *made}
    then, now_asked = own_params(run), own_params(wanted)
    for key in run.passed_over - {*(wanted.asked or ())}:  # the same command will not open them
        now_asked.pop(key, None)
    keys = {*now_asked, *(then if run.asked is None else then.keys() & {*run.asked})}
    params = {
        key: (then.get(key), now_asked.get(key))
        for key in sorted(keys)
        if not is_same(then.get(key), now_asked.get(key))
    }
    data = given(run.data)
    now = {
        path: identity
        for path, identity in given(ours).items()
        if path in data or not (path in run.data or any(overlap(path, out) for out in outs))
    }
    changed = sorted(path for path in {*data, *now} if data.get(path) != now.get(path))
    either = {path: [d[path] for d in (run.data, ours) if path in d] for path in changed}
    unseen = {
        path: found[0] for path, found in either.items() if any(each.is_unread for each in found)
    }
    is_other = bool(wanted.command) and not has_same_command(run, wanted)
    return Near(
        run,
        version,
        params,
        tuple(path for path in changed if path not in unseen),
        has_other_command=is_other,
        unseen=unseen,
    )


def _is_of_its_seeds(wanted: RunRecord, run: RunRecord) -> bool:
    asked = {key: value for key, value in wanted.params.items() if is_seed(key)}
    if any(not is_same(run.params.get(key), value) for key, value in asked.items()):
        return False
    named = [key for key in run.asked or () if is_seed(key) and key not in asked]
    return not named and (not wanted.command or seeds_in(run.command) == seeds_in(wanted.command))


def _by_code(
    project: Project,
    wanted: RunRecord,
    near: Sequence[Near],
    tree: str,
    trees: Mapping[RunId, str],
    warnings: list[str],
) -> list[Near]:
    if project.place is None or not tree:
        return [_with_other_code(each) for each in near]
    others = {its for its in trees.values() if its != tree}
    digests = CodeDigests(project, {tree, *others} if others else ())  # one tree equals itself
    names = {name for each in (wanted, *(n.run for n in near)) for name in each.code.incomplete}
    now, passed_over = unheld_now(project.git, sorted(names), own=wanted.code.incomplete)
    if passed_over:
        warnings.append(_not_looked_at(passed_over))
    found = []
    for each in near:
        its = trees.get(each.run.id)
        unread = tuple({*wanted.code.unread, *each.run.code.unread})
        looking = replace(each.run, code=replace(each.run.code, unread=unread))
        is_known = its is not None and _has_beside(each.run, wanted, now)
        if its is None or not is_known or digests.of(its, looking) != digests.of(tree, looking):
            found.append(_with_other_code(each))
        else:
            found.append(_without_its_params(each, wanted, digests, its, tree))
    return found


def _not_looked_at(names: Sequence[str]) -> str:
    return (
        f"not looked at: {few_of(names)}, which runs name as code; it lies outside of the tree "
        "or is too much. Whether those were of the same is not known"
    )


def _has_beside(run: RunRecord, wanted: RunRecord, now: Mapping[str, str]) -> bool:
    """Whether the code that no snapshot holds is known to lie here as a run had it."""
    names = {*run.code.incomplete, *wanted.code.incomplete}
    then, ours = run.code.unheld, wanted.code.unheld
    in_place = {*then, *ours} - names
    return all(name in now and then.get(name) == now[name] for name in names) and all(
        then.get(name) == ours.get(name) for name in in_place
    )


def _without_its_params(
    near: Near, wanted: RunRecord, digests: CodeDigests, its: str, tree: str
) -> Near:
    """Find the params that a file said then and none says now; a script's own say nothing yet."""
    gone = {key for key in own_params(near.run) if key not in wanted.params} - near.params.keys()
    gone &= digests.said_by_files(its, tree) if gone else set()
    lost = {key: (near.run.params[key], None) for key in sorted(gone)}
    return replace(near, params={**near.params, **lost})


def _with_other_code(near: Near) -> Near:
    return replace(near, has_other_code=True)


def _with_files(project: Project, near: Near, tree: str, trees: Mapping[RunId, str]) -> Near:
    """Name the files of code in which a run differs; those that no digest counts are left out."""
    its = trees.get(near.run.id)
    if not near.has_other_code or its is None or not tree:
        return near
    return replace(near, files=code_changes(project, near.run, its, tree))


def result(run: RunRecord) -> str:
    """Say in a few words how a run came out: how it ended, its metrics, what was decided of it."""
    said = []
    if run.status is not Status.FINISHED:
        said.append(": ".join(part for part in (run.status.value, run.reason) if part))
    keys = chosen_metrics(run.metrics, [])
    said += [f"{key}={shown(run.metrics[key])}" for key in keys]
    said += [run.decision] if run.decision else []
    return cut("  ".join(said), 100)


def difference(near: Near) -> str:
    """Say in a few words in what a run differs from what may be run now."""
    said = [_moved(key, then, now) for key, (then, now) in near.params.items()]
    if near.alike is not None:
        return f"| {near.alike:.0%} of the changed lines are the same"
    if near.data:
        said.append(f"other data: {few_of(near.data)}")
    if near.has_other_code:
        said.append(f"other code: {few_of(near.files)}" if near.files else "other code")
    if near.unseen:
        said.append(f"{unseen_in_words(near.unseen)}, and changed there or is not known")
    if near.has_other_command and not near.params:
        said.append("another command: " + " ".join(near.run.command))
    return cut("| " + "; ".join(said), 100) if said else ""


def unseen_in_words(unseen: Mapping[str, DataFile]) -> str:
    """Say of data why nobody has read what it is.

    >>> unseen_in_words({"d": DataFile("", state=OUTSIDE)})
    'd lies outside of the project'
    """
    outside = [path for path, file in unseen.items() if file.state == OUTSIDE]
    inside = [path for path in unseen if path not in outside]
    said = [f"{few_of(outside)} lies outside of the project"] if outside else []
    return ", ".join([*said, *([f"nothing tracks {few_of(inside)}"] if inside else [])])


def read_otherwise(run: RunRecord, other: RunRecord) -> list[str]:
    """List the data, of what nothing keeps or was absent, that two runs did not both read alike."""
    both = (run.data, other.data)
    every = [each for data in both for each in data.items()]
    paths = {path for path, file in every if file.is_unkept or file.state == ABSENT}
    found = [[data[path].identity for data in both if path in data] for path in sorted(paths)]
    return [
        path
        for path, said in zip(sorted(paths), found, strict=True)
        if len(said) < len(both) or len({*said}) > 1
    ]


def _moved(key: str, then: Json, now: Json) -> str:
    if then is None:
        return f"without {key}"
    return f"with {key}={shown(then)}" if now is None else f"{key} {shown(then)} → {shown(now)}"


def _have_same_submodules(project: Project, one: RunRecord, other: RunRecord) -> bool:
    """Whether two runs of one tree lacked the same submodules: its commits do not tell."""
    lacking = {*one.code.left_out} ^ {*other.code.left_out}
    return not lacking or not lacking & submodules(project.git).keys()


def _trust(near: Near) -> int:
    """Put first the runs that read what lies here now, last those that are not known to have read.

    One that failed early read less than what it would have read.
    """
    if not any(file.is_unkept for file in near.run.data.values()):
        return 2
    return 1 if near.unseen else 0


def seen_before(project: Project, record: RunRecord) -> Near | None:
    """Find the newest run of the same as one that just began; None without a store at hand.

    With data of which nothing is known it is one that may be of the same: `Near.is_same_as_seen`.
    Asks for runs of that very command only, and never waits: it is asked before each run.
    """
    keeper = project.keeper
    if not keeper.path.exists():
        return None
    path = keeper.path
    reading = reading_own(path) if keeper.is_as_left else db.reading(path)
    with suppress(XvcError, OSError), reading as connection:
        runs = query.of_command(connection, record)
        if len(runs) == query.MANY:  # of older ones those that say the same params
            more = query.of_command(connection, record, own_params(record))
            runs = [*{run.id: run for run in (*runs, *more)}.values()]
        lying = _Lying(project, record)
        near = (_asked(record, run, lying.where(run), None) for run in runs if run.id != record.id)
        alike = [
            each
            for each in near
            if (each.distance[0] == 0 or each.is_same_as_seen)
            and _is_of_its_seeds(record, each.run)
        ]
        if not alike:
            return None
        alike.sort(key=_trust)
        trees = code_trees(project, [record, *(each.run for each in alike)])
        if record.id not in trees:
            return None
        for each in _by_code(project, record, alike, trees[record.id], trees, []):
            is_same = each.distance[0] == 0 or each.is_same_as_seen
            if is_same and _have_same_submodules(project, record, each.run):
                return each
    return None
