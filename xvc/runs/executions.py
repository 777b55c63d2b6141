"""What is wrong with a set of runs: done twice, failed, or lacking a param that others have.

Pure. Repeats that differ by their seed are reported and not blamed; neither are a run that was
done again after it had failed, a param that only some models have, or one that came later.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from xvc.core.name_words import pieces, word_table
from xvc.core.run import RunRecord, Status
from xvc.core.spelling import counted
from xvc.runs.checks import Finding, Level, first
from xvc.types import Json, RunId

_SEEDS = word_table("seed seeds randomseed randomstate repeat replicate repetition")
_FAILED = (Status.FAILED, Status.KILLED, Status.OUT_OF_MEMORY, Status.TIMED_OUT, Status.LOST)
_INTERPRETER = re.compile(r"(python|pypy|bash|sh|Rscript|julia|node)[0-9.]*")


def is_seed(key: str) -> bool:
    """Whether a key tells repeats of one experiment apart.

    >>> is_seed("train/random_state"), is_seed("lr")
    (True, False)
    """
    said = pieces(key)
    return "".join(said) in _SEEDS or "".join(said[-2:]) in _SEEDS or said[-1:] == ["seed"]


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


def experiment(run: RunRecord) -> str:
    """Tell a run's folder, params, data and command, without its seeds: repeats share it."""
    params: dict[str, Json] = {k: v for k, v in run.params.items() if not is_seed(k)}
    data: dict[str, Json] = {path: file.identity for path, file in run.data.items()}
    return _text([run.folder, params, data, list(_seedless(run.command))])


def duplicates(
    runs: Sequence[RunRecord], code: Mapping[RunId, str], most: int
) -> tuple[Finding, ...]:
    """Find finished runs of the same code, params, data and command.

    Args:
        runs: all of them; a run whose code is not in *code* is not judged.
        code: what tells the code of a run from other code.
        most: how many examples are wanted.
    """
    alike: dict[str, list[RunRecord]] = {}
    for run in runs:
        if run.status is Status.FINISHED and run.id in code:
            alike.setdefault(f"{code[run.id]} {experiment(run)}", []).append(run)
    twice, repeated = list[str](), list[str]()
    extra = 0
    for together in alike.values():
        by_seed: dict[str, list[RunRecord]] = {}
        for run in _originals(together):
            by_seed.setdefault(_seeds(run), []).append(run)
        for same in by_seed.values():
            if len(same) > 1:
                extra += len(same) - 1
                twice.append(_told_twice(same))
        if len(by_seed) > 1:
            repeated.append(f"{script_of(together[0].command)}: {counted(len(together), 'run')}")
    found = []
    if twice:
        says = f"{counted(extra, 'execution')} repeated exactly what another run had done"
        hint = "xvc ls --sort started"
        found.append(Finding(Level.PROBLEM, says, extra, first(twice, most), hint))
    if repeated:
        says = f"{counted(len(repeated), 'experiment')} repeated with other seeds"
        found.append(Finding(Level.NOTE, says, len(repeated), first(repeated, most)))
    return tuple(found)


def _originals(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Leave out what was done again on purpose: a run whose parent is the other one."""
    ids = {run.id for run in runs}
    return [run for run in runs if run.parent not in ids]


def _told_twice(same: Sequence[RunRecord]) -> str:
    ids = ", ".join(run.id for run in sorted(same, key=_start))
    results = {_text({**run.metrics}) for run in same}
    return f"{ids}: {'the same' if len(results) == 1 else 'other'} results"


def _start(run: RunRecord) -> tuple[int, str]:
    return run.started or 0, run.id


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def _seeds(run: RunRecord) -> str:
    params: dict[str, Json] = {k: v for k, v in run.params.items() if is_seed(k)}
    return _text([params, list(run.command)])


def _seedless(command: Sequence[str]) -> Iterable[str]:
    """Take the values of seeds out of a command: ``--seed 1``, ``--seed=1``, ``seed=1``."""
    follows = False
    for word in command:
        option, equals, _ = word.partition("=")
        is_value, follows = follows, is_seed(option) and not equals and word.startswith("-")
        if is_value or (equals and is_seed(option)):
            continue
        yield word


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
    code = f"exit code {run.exit_code}" if run.exit_code else ""
    why = run.reason or run.signal or code or run.status.value
    return f"{run.id}: {why}"


def missing_params(
    runs: Sequence[RunRecord], renamed: Collection[str], most: int
) -> tuple[Finding, ...]:
    """Find params that some runs of a script lack; *renamed* are the keys that have a new name."""
    scripts: dict[str, list[RunRecord]] = {}
    for run in sorted(runs, key=_start):
        scripts.setdefault(script_of(run.command), []).append(run)
    found = list[Finding]()
    for script, its in scripts.items():
        keys = sorted({key for run in its for key in run.params} - set(renamed))
        for key in keys if len(its) > 1 else ():
            found += _missing(script, its, key, most)
    return tuple(sorted(found, key=lambda each: each.level is Level.NOTE))


def _missing(script: str, runs: Sequence[RunRecord], key: str, most: int) -> Iterable[Finding]:
    begins = next(place for place, run in enumerate(runs) if key in run.params)
    lacking = [run for run in runs[begins:] if key not in run.params]
    of = f"of {script}" if script else "of no command"
    if lacking:
        decider = _decider(runs[begins:], key)
        ids = first([run.id for run in lacking], most)
        says = f"{counted(len(lacking), 'run')} {of} lack the param {key!r}"
        if decider is None:
            yield Finding(Level.PROBLEM, says, len(lacking), ids, f"xvc show {lacking[-1].id}")
        else:
            why = f"{says}, as {decider!r} decides"
            yield Finding(Level.NOTE, why, len(lacking), ids)
    elif begins:
        since = f"since run {runs[begins].id}"
        says = f"{counted(begins, 'run')} {of} had no param {key!r}, which is there {since}"
        yield Finding(Level.NOTE, says, begins, first([run.id for run in runs[:begins]], most))


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
