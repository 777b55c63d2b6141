"""``xvc brief``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict, overload

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Series
from xvc.cli.output import Answer, envelope_of, show
from xvc.core.commit_subject import cut, one_line, shown
from xvc.core.direction import Direction
from xvc.core.human_units import counted
from xvc.core.sweep import TrialStatus
from xvc.runs.digest import Discarded, Failed, Staged, figure
from xvc.runs.verdicts import in_words, with_interval

if TYPE_CHECKING:
    from xvc.runs.brief import Brief
    from xvc.worktrees.list import TreeInfo

_STATES: tuple[Literal["waiting", "running", "finished", "failed", "pruned"], ...] = (
    *("waiting", "running", "finished", "failed", "pruned"),
)
_MOST = 1950
"""Characters, of the text and of the whole JSON document alike."""


class Best(TypedDict):
    """The best run by one metric."""

    metric: str
    direction: Direction
    value: float
    run: str
    version: str | None
    what: str


class Tried(TypedDict):
    """One idea: its best run, how many repeats it has, and the main metric among them."""

    run: str
    version: str | None
    what: str
    n: int
    metric: str | None
    mean: float | None
    sd: float | None
    again: Annotated[int, "Runs of a seed that had been run before."]
    verdict: Annotated[str | None, "Against the idea with the best mean; null for that one."]
    difference: Annotated[float | None, "Of its mean from the best one."]
    low: Annotated[float | None, "Of its 95 % interval."]
    high: float | None
    more: Annotated[int | None, "Runs more of each that would show a difference of this size."]


class Sweep(TypedDict):
    """A sweep: its trials by state, as `xvc sweep show` counts them, and its best run."""

    sweep: str
    waiting: Annotated[int, "Not begun, or to be run again: they were interrupted or lost."]
    running: int
    finished: int
    failed: int
    pruned: int
    best: str | None
    what: str


class Tree(TypedDict):
    """Another work tree."""

    name: str
    branch: str | None
    state: str
    unsaved_rows: int


class Data(TypedDict):
    """The state of a project; of long lists the beginning, with how many there are."""

    root: str
    branch: str | None
    changed_total: int
    runs: int
    running_total: int
    latest_version: str | None
    versions: int
    unsaved_rows: int
    unsaved_total: int
    undecided: int | None
    best: list[Best]
    tried: list[Tried]
    tried_total: int
    discarded: Annotated[list[Discarded], "What is not to be tried again, and why."]
    discarded_total: int
    failed: Annotated[list[Failed], "Those that nobody discarded; ends alike are told once."]
    failed_total: Annotated[int, "Runs that failed, those that were discarded too."]
    luck: Annotated[str | None, "How far the best of so many ideas would lead by chance."]
    sweeps: list[Sweep]
    sweeps_total: int
    production: list[Staged]
    production_total: int
    worktrees: list[Tree]
    worktrees_total: int


def command(context: typer.Context, series: Series = None, as_json: AsJson = False) -> None:
    """Say in under 2,000 characters where the project stands: what worked, what failed, what next.

    Example: xvc brief
    """
    from xvc.runs.brief import brief  # late: it opens DuckDB

    here: Context = context.obj
    show(answer_of(brief(here.project(), series)), here.manner)


def answer_of(found: Brief) -> Answer:
    """Write a brief as short as it has to be: what says most of one kind goes first.

    The text says more than the document, whose names of fields take room, too.
    """
    warnings, steps = _warnings(found), _steps(found)

    def document(data: Data) -> str:
        answer = Answer("brief", data, "", warnings, steps)
        return json.dumps(envelope_of(answer), ensure_ascii=False)

    def text(data: Data) -> str:
        return "\n".join([_text(data), *warnings, *steps])

    said = _text(_short_enough(found, text))
    return Answer("brief", _short_enough(found, document), said, warnings, steps)


def _short_enough(found: Brief, written: Callable[[Data], str]) -> Data:
    data = _data(found)
    while len(written(data)) > _MOST and _shorten(data):
        pass
    return data


def _data(found: Brief) -> Data:
    names = found.names
    others = [each for each in found.trees if not each.is_here]
    return {
        "root": _end_of(found.root),
        "branch": cut(found.branch) if found.branch else None,
        "changed_total": found.changed,
        "runs": found.runs,
        "running_total": found.running,
        "latest_version": found.latest_version,
        "versions": found.versions,
        "unsaved_rows": found.unsaved_rows,
        "unsaved_total": found.unsaved_runs,
        "undecided": found.undecided,
        "best": _best(found),
        "tried": [
            {
                "run": each.run,
                "version": names.get(each.run),
                "what": each.what,
                "n": each.repeats,
                "metric": cut(each.metric, 40) if each.metric else None,
                "mean": _short(each.mean),
                "sd": _short(each.deviation),
                "again": each.again,
                "verdict": each.judged.verdict if each.judged else None,
                "difference": _short(each.judged.difference) if each.judged else None,
                "low": _short(each.judged.low) if each.judged else None,
                "high": _short(each.judged.high) if each.judged else None,
                "more": each.judged.more if each.judged else None,
            }
            for each in found.tried
        ],
        "tried_total": found.ideas,
        "discarded": list(found.discarded),
        "discarded_total": found.all_discarded,
        "luck": found.luck,
        "failed": list(found.failures),
        "failed_total": found.failed,
        "sweeps": [
            {
                "sweep": cut(each.name, 40),
                "waiting": each.counts[TrialStatus.WAITING],
                "running": each.counts[TrialStatus.RUNNING],
                "finished": each.counts[TrialStatus.FINISHED],
                "failed": each.counts[TrialStatus.FAILED],
                "pruned": each.counts[TrialStatus.PRUNED],
                "best": each.best,
                "what": each.what,
            }
            for each in found.sweeps
        ],
        "sweeps_total": found.swept,
        "production_total": len(found.production),
        "production": [
            Staged(cut(each.model, 40), cut(each.version, 40)) for each in found.production[:5]
        ],
        "worktrees": [_tree(each) for each in others[:5]],
        "worktrees_total": len(others),
    }


@overload
def _short(value: float) -> float: ...
@overload
def _short(value: float | None) -> float | None: ...
def _short(value: float | None) -> float | None:
    """Six digits: the whole document has under 2,000 characters."""
    return None if value is None else float(f"{value:.6g}")


def _best(found: Brief) -> list[Best]:
    return [
        {
            "metric": cut(each.metric),
            "direction": each.direction,
            "value": each.value,
            "run": each.run,
            "version": found.names.get(each.run),
            "what": each.what,
        }
        for each in found.best
    ]


def _tree(each: TreeInfo) -> Tree:
    return {
        "name": cut(each.name, 32),
        "branch": cut(each.branch, 40) if each.branch else None,
        "state": each.condition.value,
        "unsaved_rows": each.unsaved,
    }


def _end_of(path: str, longest: int = 120) -> str:
    line = one_line(path)
    return line if len(line) <= longest else "…" + line[1 - longest :]


def _shorten(data: Data) -> bool:
    """Take away luck, then the last entry of the list that says most; false when all are empty."""
    lists: Sequence[list[Any]] = (
        *(data["tried"], data["failed"], data["worktrees"], data["sweeps"]),
        *(data["discarded"], data["best"], data["production"]),
    )
    if data["luck"] is not None:  # ideas say more
        data["luck"] = None
        return True
    longest = max(lists, key=len)
    if not longest:
        return False
    longest.pop()
    return True


def _text(data: Data) -> str:
    return "\n".join(_lines(data))


def _lines(data: Data) -> Iterator[str]:
    where = f" on {data['branch']}" if data["branch"] else ""
    changed = data["changed_total"]
    dirty = f", {counted(changed, 'file')} changed" if changed else ", clean"
    yield f"project   {data['root']}{where}{dirty}"
    latest = f", the latest {data['latest_version']}" if data["latest_version"] else ""
    yield f"runs      {data['runs']}, running {data['running_total']}; " + (
        f"versions {data['versions']}{latest}"
    )
    if data["unsaved_total"]:
        rows, runs = counted(data["unsaved_rows"], "row"), counted(data["unsaved_total"], "run")
        yield f"unsaved   {rows} of {runs}"
    if data["undecided"] is not None:
        yield f"merge     unfinished, {counted(data['undecided'], 'conflict')} to decide"
    for staged in data["production"]:
        yield f"in use    {staged.model}: {staged.version or 'unknown version'} in production"
    for best in data["best"]:
        value = figure(best["metric"], best["direction"], best["value"])
        yield f"best      {value}: {best['version'] or best['run']}  {best['what']}"
    yield from _idea_lines(data)
    for bad in data["failed"]:
        times = f" ({bad.times} times)" if bad.times > 1 else ""
        fixed = f"; then {bad.fixed} finished" if bad.fixed else "; not fixed"
        yield f"failed    {bad.run} {bad.how}{times}{fixed}  {bad.what}"
    for sweep in data["sweeps"]:
        ends = ", ".join(f"{sweep[state]} {state}" for state in _STATES if sweep[state])
        best_of = f"; best {sweep['best']}  {sweep['what']}" if sweep["best"] else ""
        yield f"sweep     {sweep['sweep']}: {ends}{best_of}"
    for tree in data["worktrees"]:
        rows = counted(tree["unsaved_rows"], "row")
        yield f"worktree  {tree['name']} {tree['state']}, {rows} unsaved"


def _idea_lines(data: Data) -> Iterator[str]:
    yield from map(_idea_line, data["tried"])
    if (more := data["tried_total"] - len(data["tried"])) > 0:
        yield f"tried     {counted(more, 'more idea')}: `xvc ls`"
    if data["luck"] and data["tried"]:
        yield f"luck      {data['luck']}"
    for gone in data["discarded"]:
        why = f": {gone.why}" if gone.why else ""
        runs = f" ({gone.times} runs)" if gone.times > 1 else ""
        yield f"discarded {gone.run}{why}{runs}  {gone.what}"
    if (more := data["discarded_total"] - len(data["discarded"])) > 0:
        yield f"discarded {more} more: `xvc ls --discarded`"


def _idea_line(idea: Tried) -> str:
    """Write an idea: its repeats, where there are some, and what was done twice for nothing."""
    lie = ""
    if idea["n"] > 1 and idea["mean"] is not None:
        deviation = f" ± {shown(idea['sd'])}" if idea["sd"] is not None else ""
        lie = f"  {idea['metric']} {shown(idea['mean'])}{deviation} over {idea['n']} seeds"
        lie += _verdict(idea)
    again = f"  ({counted(idea['again'], 'run')} of a known seed)" if idea["again"] else ""
    return f"tried     {idea['version'] or idea['run']}  {idea['what']}{lie}{again}"


def _verdict(idea: Tried) -> str:
    """Say how an idea compares with the best: the word, what it is short of, by how much."""
    if idea["verdict"] is None or idea["difference"] is None:
        return ""
    lies = with_interval(idea["difference"], idea["low"], idea["high"])
    return f", {in_words(idea['verdict'], idea['more'])}: {lies}"


def _warnings(found: Brief) -> tuple[str, ...]:
    warnings = [cut(each, 120) for each in found.warnings[:2]]
    more = len(found.warnings) - len(warnings)
    return (*warnings, *([f"{more} more: `xvc status`"] if more else []))


def _steps(found: Brief) -> tuple[str, ...]:
    steps = []
    if found.undecided is not None:
        steps.append("xvc merge --conflicts" if found.undecided else "xvc merge --continue")
    if found.failures:
        steps.append(f"xvc show {found.failures[0].run}")
    if found.taggable and found.undecided is None:
        steps.append(f"xvc tag minor --run {found.taggable}")
    if found.best and found.tried and found.best[0].run != found.tried[0].run:
        steps.append(f"xvc compare {found.best[0].run} {found.tried[0].run}")
    if any(each.unsaved for each in found.trees if not each.is_here):
        steps.append("xvc worktree list")
    return tuple(steps or ["xvc run -- python train.py"])
