"""What is wrong with a set of runs: done twice, failed, or lacking a param that others have.

Pure. Repeats that differ by their seed are reported and not blamed; neither are a run that was
done again after it had failed, a param that only some models have, or one that came later.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from xvc.core.human_units import counted
from xvc.core.json_values import as_json
from xvc.core.run import RunRecord, Status
from xvc.recording.command_params import option_params
from xvc.runs.check_results import Finding, Level, first
from xvc.runs.repeats import RepeatedExperiment, experiments, seeds_of
from xvc.types import Json, RunId

_FAILED = (Status.FAILED, Status.KILLED, Status.OUT_OF_MEMORY, Status.TIMED_OUT, Status.LOST)
_NAMED = 5  # params of a finding
_INTERPRETER = re.compile(r"(python|pypy|bash|sh|Rscript|julia|node)[0-9.]*")


def script_of(command: Sequence[str]) -> str:
    """Return what a command runs, without its options: runs of one script can be held together.

    >>> script_of(["python", "-u", "train.py", "--lr", "0.1"]), script_of(["./train", "-v"])
    ('python train.py', './train')
    """
    if not command:
        return ""
    program, rest = command[0], list(command[1:])
    name = program.rpartition("/")[2]
    if not _INTERPRETER.fullmatch(name):
        return program
    if "-m" in rest[:-1]:
        return f"{name} -m {rest[rest.index('-m') + 1]}"
    script = next((word for word in rest if not word.startswith("-")), "")
    return f"{name} {script}".strip()


def duplicates(
    runs: Sequence[RunRecord], code: Mapping[RunId, str], most: int
) -> tuple[Finding, ...]:
    """Find finished runs of the same code, params, tracked data, command and seed.

    What a run read that neither git nor DVC holds is not known, so it is never said that two runs
    did exactly the same.

    Args:
        runs: all of them; a run whose code is not in *code* is not judged.
        code: what tells the code of a run from other code.
        most: how many examples are wanted.
    """
    same, other, repeated = list[str](), list[str](), list[str]()
    for each in experiments((run for run in runs if run.id in code), code):
        for together in _by_seed(each):
            (same if len({_results(run) for run in together}) == 1 else other).append(
                ", ".join(run.id for run in together)
            )
        if len(each.repeats) > 1:
            script = script_of(each.repeats[0].command)
            repeated.append(f"{script}: {counted(len(each.repeats), 'run')}")
    found = []
    alike = "of the same code, params, command and tracked data"
    if same:
        count = sum(ids.count(",") for ids in same)
        says = f"{counted(count, 'run')} {alike} as another, with the same results"
        hint = "xvc ls --sort started"
        found.append(Finding(Level.PROBLEM, says, count, first(same, most), hint))
    if other:
        count = sum(ids.count(",") for ids in other)
        says = (
            f"{counted(count, 'run')} {alike} as another, with other results: chance, or something "
            "that is not recorded"
        )
        step = f"xvc compare {other[0].replace(',', '')}"
        found.append(Finding(Level.NOTE, says, count, first(other, most), step))
    if repeated:
        says = f"{counted(len(repeated), 'experiment')} repeated with other seeds"
        found.append(Finding(Level.NOTE, says, len(repeated), first(repeated, most)))
    return tuple(found)


def _by_seed(experiment: RepeatedExperiment) -> list[list[RunRecord]]:
    """List the runs of each seed that had it more than once, but for those run again on purpose."""
    ids = {run.id for run in experiment.runs}
    by_seed: dict[str, list[RunRecord]] = {}
    for run in experiment.runs:
        if run.parent not in ids:
            by_seed.setdefault(seeds_of(run), []).append(run)
    return [sorted(runs, key=_start) for runs in by_seed.values() if len(runs) > 1]


def _results(run: RunRecord) -> str:
    return _text({**run.metrics})


def _start(run: RunRecord) -> tuple[int, str]:
    return run.started or 0, run.id


def _text(value: Json) -> str:
    return as_json(value, sort_keys=True)


def failures(runs: Sequence[RunRecord], most: int) -> tuple[Finding, ...]:
    """Find runs that failed; those that were done again with success are a note."""
    failed = [run for run in runs if run.status in _FAILED]
    done: dict[str, int] = {}
    for run in runs:
        if run.status is Status.FINISHED:
            key = _intent(run)
            done[key] = max(done.get(key, 0), run.started or 0)
    open_, settled = list[RunRecord](), list[RunRecord]()
    for run in sorted(failed, key=_start):
        is_settled = done.get(_intent(run), -1) > (run.started or 0)
        (settled if is_settled else open_).append(run)
    found = []
    if open_:
        says = f"{counted(len(open_), 'run')} failed{_kinds(open_)}"
        hint = f"xvc show {open_[0].id}"
        lines = [_told_failure(run) for run in open_]
        found.append(Finding(Level.PROBLEM, says, len(open_), first(lines, most), hint))
    if settled:
        says = f"{counted(len(settled), 'run')} failed and succeeded when done again"
        ids = first([run.id for run in settled], most)
        found.append(Finding(Level.NOTE, says, len(settled), ids))
    return tuple(found)


def _intent(run: RunRecord) -> str:
    return _text([dict(run.params), list(run.command), run.folder])


def _kinds(runs: Sequence[RunRecord]) -> str:
    kinds = Counter(run.status.value for run in runs)
    return "" if set(kinds) == {"failed"} else f" ({', '.join(sorted(kinds))})"


def _told_failure(run: RunRecord) -> str:
    how = run.status.value
    if run.status is Status.FAILED and run.exit_code:
        how = f"exit code {run.exit_code}"
    elif run.status is Status.KILLED and run.signal:
        how = f"killed by {run.signal}"
    return f"{run.id}: {': '.join(part for part in (how, run.reason) if part)}"


def missing_params(
    runs: Sequence[RunRecord], renamed: Collection[str], most: int
) -> tuple[Finding, ...]:
    """Find params that some finished runs of a script lack; what runs lack together is one finding.

    *renamed* are the keys that have a new name.
    """
    scripts: dict[str, list[RunRecord]] = {}
    for run in sorted(runs, key=_start):
        if run.status is Status.FINISHED:
            scripts.setdefault(script_of(run.command), []).append(run)
    found = list[Finding]()
    for script, its in scripts.items():
        lacks: dict[_Lack, list[str]] = {}
        keys = sorted({key for run in its for key in run.params} - set(renamed))
        for key in keys if len(its) > 1 else ():
            if (lack := _lack_of(its, key)) is not None:
                lacks.setdefault(lack, []).append(key)
        found += [_lacking(script, lack, own, most) for lack, own in lacks.items()]
    return tuple(sorted(found, key=lambda each: each.level is Level.NOTE))


@dataclass(frozen=True, slots=True)
class _Lack:
    """Runs that lack a param, why, and since which run the others have it, if it came later.

    ``is_option``: all that is known of it are options of commands, and these runs left it out.
    """

    ids: tuple[RunId, ...]
    decider: str | None = None
    since: RunId | None = None
    is_option: bool = False


def _lack_of(runs: Sequence[RunRecord], key: str) -> _Lack | None:
    begins = next(place for place, run in enumerate(runs) if key in run.params)
    lacking = tuple(run.id for run in runs[begins:] if key not in run.params)
    if lacking:
        its = runs[begins:]
        is_option = all(key in option_params(run.command) for run in its if key in run.params)
        return _Lack(lacking, _decider(its, key), is_option=is_option)
    earlier = tuple(run.id for run in runs[:begins])
    return _Lack(earlier, since=runs[begins].id) if earlier else None


def _lacking(script: str, lack: _Lack, keys: Sequence[str], most: int) -> Finding:
    of = f"of {script}" if script else "of no command"
    count, ids = len(lack.ids), first(lack.ids, most)
    word = "param" if len(keys) == 1 else f"{len(keys)} params"
    named = f"{word} {', '.join(map(repr, keys[:_NAMED]))}{' …' if len(keys) > _NAMED else ''}"
    if lack.since is not None:
        came = "which is" if len(keys) == 1 else "which are"
        says = f"{counted(count, 'run')} {of} had no {named}, {came} there since run {lack.since}"
        return Finding(Level.NOTE, says, count, ids)
    if lack.is_option:
        says = f"{counted(count, 'run')} {of} left the {named} to the default"
        return Finding(Level.NOTE, says, count, ids)
    says = f"{counted(count, 'run')} {of} {'lacks' if count == 1 else 'lack'} the {named}"
    if lack.decider is None:
        return Finding(Level.PROBLEM, says, count, ids, f"xvc show {lack.ids[-1]}")
    return Finding(Level.NOTE, f"{says}, as {lack.decider!r} decides", count, ids)


def _decider(runs: Sequence[RunRecord], key: str) -> str | None:
    """Find the param, a choice by name such as the model, that says whether a run has the key."""
    for name in sorted({name for run in runs for name in run.params} - {key}):
        chosen = [run.params.get(name) for run in runs]
        if not all(isinstance(value, str) for value in chosen):
            continue
        has = {(str(value), key in run.params) for value, run in zip(chosen, runs, strict=True)}
        choices = {value for value, _ in has}
        if len(has) == len(choices) and 1 < len(choices) <= max(2, len(runs) // 2):
            return name
    return None
