"""Which runs are repeats of one experiment: the one rule, for every command that speaks of them.

Pure. Repeats are finished runs of the same code, data, command and params but for the seed, be it
a param, an option or what `{seed}` put into the command; each seed counts once, by the run that
began first. Refuses to call anything else one: a run whose
code is not known repeats nothing, and one that people discarded repeats only others of these.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from xvc.core.command_places import filled_in_run
from xvc.core.direction import Direction
from xvc.core.json_values import as_json
from xvc.core.late_pattern import late
from xvc.core.name_words import pieces
from xvc.core.objective import exact_number
from xvc.core.run import RunRecord, Status
from xvc.core.run_inputs import given
from xvc.core.seed_names import is_seed
from xvc.core.typed_value import TypedValue, is_equal
from xvc.recording.command_params import option_params
from xvc.types import Json, RunId

_VALUE = late(r"-?[0-9]+")
_OPTION = late(r"[^=]*=[^= \t\n\r\f\v]*")


def settings_of(run: RunRecord, passed: Collection[str] = ()) -> str:
    """Tell a run's folder, params, data and command, without its seeds, but whether it has any.

    Which seed a run had that names none is not known: it may be that of one which names it.
    *passed* are params of files that had no say; what was asked for had one. What something else
    says of a param tells, too: it may be what was used.
    """
    data: dict[str, Json] = {**given(run.data)}
    words: list[Json] = [*_split(marked_command(run))[0]]
    silent = {*passed} - {*(run.asked or ())}
    params = {key: value for key, value in own_params(run).items() if key not in silent}
    doubts: dict[str, Json] = {**run.code.contested}
    return _text([run.folder, params, data, words, bool(_seeds(run)), doubts])


def own_params(run: RunRecord) -> dict[str, Json]:
    """Return the params of a run but for its seeds, and for options of its command that hold one.

    >>> from dataclasses import replace
    >>> run = RunRecord(RunId("a"), command=("t.py", "--out=s1"), params={"seed": 1, "out": "s1"})
    >>> own_params(run), own_params(replace(run, seeded=("t.py", "--out=s{seed}")))
    ({'out': 's1'}, {})
    """
    found = {key: value for key, value in run.params.items() if not is_seed(key)}
    if run.seeded is None:
        return found
    from xvc.system.value_files import parse_typed  # late: loads yaml

    said = option_params(run.command, found)
    held = {
        key: text for key, text in option_params(marked_command(run), found).items() if "\0" in text
    }
    return {
        key: value
        for key, value in found.items()
        if key not in held or not is_equal(parse_typed(said[key]).value, value)
    }


def seeds_of(run: RunRecord) -> str:
    """Tell the seeds of a run: those among its params, else those of its command."""
    return _text(_seeds(run))


def seeds_in_words(run: RunRecord) -> str:
    """Name the seeds of a run for people; runs of other seeds have other names.

    >>> seeds_in_words(RunRecord(RunId("a"), params={"seed": 3}))
    'seed 3'
    """
    seeds = _seeds(run)
    if isinstance(seeds, dict):
        return ", ".join(f"{key} {TypedValue.of(seeds[key]).text}" for key in sorted(seeds))
    return f"seed {_text([*seeds])[1:-1]}" if seeds else "the run without a seed"


def _seeds(run: RunRecord) -> dict[str, Json] | list[Json]:
    params: dict[str, Json] = {
        key: value for key, value in run.params.items() if is_seed(key) and value is not None
    }
    return params or [*_split(run.command)[1]]


def has_same_command(run: RunRecord, other: RunRecord) -> bool:
    """Whether two runs called the same in the same folder, but for their seeds."""
    return run.folder == other.folder and (
        run.command == other.command
        or _split(marked_command(run))[0] == _split(marked_command(other))[0]
    )


def without_seeds(run: RunRecord) -> list[str]:
    """Return the words of a run's command without the values of its seeds.

    >>> without_seeds(RunRecord(RunId("a"), command=("a.py", "--seed", "1", "--lr=2")))
    ['a.py', '--lr=2']
    >>> without_seeds(RunRecord(RunId("a"), command=("a.py", "1"), seeded=("a.py", "{seed}")))
    ['a.py', '{seed}']
    """
    return _split(run.command if run.seeded is None else run.seeded)[0]


def seeds_in(command: Sequence[str]) -> list[str]:
    """Return the values of the seeds that a command names.

    >>> seeds_in(["python", "a.py", "--seed", "1", "--lr=2"])
    ['1']
    """
    return _split(command)[1]


def with_seed(run: RunRecord, command: Sequence[str], name: str, value: str) -> tuple[str, ...]:
    """Return *command*, that of a run, with another value of a seed; the same where it has none.

    >>> from dataclasses import replace
    >>> run = RunRecord(RunId("a"))
    >>> with_seed(run, ["python", "a.py", "--seed", "1", "--fold=2"], "seed", "7")
    ('python', 'a.py', '--seed', '7', '--fold=2')
    >>> with_seed(replace(run, seeded=("a.py", "s{seed}")), ["a.py", "s1"], "seed", "7")
    ('a.py', 's7')
    """
    if run.seeded is not None:
        own = {key: TypedValue.of(each).text for key, each in run.params.items() if is_seed(key)}
        command = filled_in_run(run.seeded, {**own, name: value})
    words, follows = list[str](), False
    for word in command:
        option, equals, _ = _parted(word)
        is_meant = is_seed(option) and pieces(option) == pieces(name)
        if follows and not _is_option(word):
            words.append(value)
        else:
            words.append(f"{option}={value}" if is_meant and equals else word)
        follows = is_meant and not equals and word.startswith("-")
    return tuple(words)


@dataclass(frozen=True, slots=True)
class RepeatedExperiment:
    """Finished runs of the same code and settings: one of each seed, and those done again.

    ``repeats`` are in the order in which they began; ``again`` are runs of a seed that one of them
    has had.
    """

    repeats: tuple[RunRecord, ...]
    again: tuple[RunRecord, ...] = ()

    @property
    def runs(self) -> tuple[RunRecord, ...]:
        """All of them."""
        return (*self.repeats, *self.again)

    def numbers(self, metric: str) -> list[int | float]:
        """The value of a metric in each repeat that has one."""
        found = (exact_number(run.metrics.get(metric)) for run in self.repeats)
        return [number for number in found if number is not None]


def experiments(runs: Iterable[RunRecord], code: Mapping[RunId, str]) -> list[RepeatedExperiment]:
    """Put finished runs together by what they tried, in the order in which that began.

    Args:
        runs: in any order; those that did not finish are left out.
        code: what tells the code of a run from other code; a run that is not in it stands alone.
    """
    alike: dict[tuple[bool, str, str], dict[str, list[RunRecord]]] = {}
    done = [run for run in runs if run.status is Status.FINISHED]
    if len(done) < 2:
        return [RepeatedExperiment((run,)) for run in done]
    passed = _passed_over(done)
    for run in sorted(done, key=lambda run: (run.started or 0, run.id)):
        said = settings_of(run, passed.get(_called(run), ()) if passed else ())
        key = (run.is_discarded, code.get(run.id, f"run {run.id}"), said)
        alike.setdefault(key, {}).setdefault(seeds_of(run), []).append(run)
    return [
        RepeatedExperiment(
            tuple(same[0] for same in by_seed.values()),
            tuple(run for same in by_seed.values() for run in same[1:]),
        )
        for by_seed in alike.values()
    ]


def _passed_over(runs: Iterable[RunRecord]) -> dict[str, frozenset[str]]:
    """Map commands to the params of files that a run of theirs is known not to have opened.

    Of another such run it may not be known: anybody can have opened the file meanwhile.
    """
    found: dict[str, frozenset[str]] = {}
    for run in runs:
        if run.code.unopened:
            called = _called(run)
            found[called] = found.get(called, frozenset()) | run.passed_over
    return found


def _called(run: RunRecord) -> str:
    words: list[Json] = [*_split(marked_command(run))[0]]
    return _text([run.folder, words])


def with_shared_settings(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """List the finished runs that share their settings with another: only their code matters."""
    alike: dict[str, list[RunRecord]] = {}
    passed = _passed_over(runs)
    for run in runs:
        if run.status is Status.FINISHED:
            silent = passed.get(_called(run), ()) if passed else ()
            alike.setdefault(settings_of(run, silent), []).append(run)
    return [run for together in alike.values() if len(together) > 1 for run in together]


_SMALLEST, _LARGEST = 1e-150, 1e150  # differences whose squares a float holds


@dataclass(frozen=True, slots=True)
class Spread:
    """A metric over the repeats of a run; ``deviation`` is null for one repeat."""

    count: int
    mean: float
    deviation: float | None

    @classmethod
    def of(cls, values: Sequence[int | float]) -> Spread | None:
        """Measure values, None without one; what is too far apart, or too near, has no deviation.

        >>> Spread.of([1, 2, 3])
        Spread(count=3, mean=2.0, deviation=1.0)
        """
        if not values:
            return None
        try:
            floats = [float(value) for value in values]
            mean = math.fsum(value / len(floats) for value in floats)
            mean = min(max(mean, min(floats)), max(floats))  # equal values: no rounding error
        except (OverflowError, ValueError):  # an integer that no float holds; inf - inf
            return cls(len(values), math.nan, None)
        if len(floats) < 2 or not math.isfinite(mean):
            return cls(len(floats), mean, None)
        widest = max(abs(value - mean) for value in floats)
        if widest and not _SMALLEST < widest < _LARGEST:  # squares that no float holds
            return cls(len(floats), mean, None)
        squares = math.fsum((value - mean) ** 2 for value in floats)
        return cls(len(floats), mean, math.sqrt(squares / (len(floats) - 1)))


def order_of(values: Sequence[int | float], direction: Direction) -> tuple[bool, float | Fraction]:
    """Return what sorts repeats by their mean, the best first; what has no mean is last.

    Integers are compared as they are, however large.

    >>> order_of([2**53, 2**53 + 1], Direction.MIN) > order_of([2**53], Direction.MIN)
    True
    """
    mean: float | Fraction
    if values and all(isinstance(value, int) for value in values):
        mean = Fraction(sum(values)) / len(values)
    else:
        lie = Spread.of(values)
        mean = lie.mean if lie else math.nan
    if math.isnan(mean):
        return True, 0.0
    return False, -mean if direction is Direction.MAX else mean


def _text(value: Json) -> str:
    return as_json(value, sort_keys=True)


def _is_option(word: str) -> bool:
    return word.startswith("-") and not _VALUE.fullmatch(word)


def marked_command(run: RunRecord) -> tuple[str, ...]:
    """Return a run's command with a mark, that no word can have, where seeds were put into it."""
    if run.seeded is None:
        return run.command
    return filled_in_run(run.seeded, {key: f"\0{key}\0" for key in run.params if is_seed(key)})


def _parted(word: str) -> tuple[str, str, str]:
    """Part a word at its sign; one that says more than a value is no option.

    >>> _parted("--seed=1"), _parted("seed=1,lr=2"), _parted("SEED=1 python t.py")
    (('--seed', '=', '1'), ('seed=1,lr=2', '', ''), ('SEED=1 python t.py', '', ''))
    """
    return word.partition("=") if _OPTION.fullmatch(word) else (word, "", "")


def _split(command: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part a command from the values of its seeds: ``--seed 1``, ``--seed=1``, ``seed=1``."""
    kept, seeds, follows = list[str](), list[str](), False
    for word in command:
        option, equals, value = _parted(word)
        if follows and not _is_option(word):
            seeds.append(word)
            follows = False
            continue
        follows = is_seed(option) and not equals and word.startswith("-")
        if equals and is_seed(option):
            seeds.append(value)
        elif not follows:
            kept.append(word)
    return kept, seeds
