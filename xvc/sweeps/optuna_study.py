"""Optuna: it chooses points, judges when to give one up, and says which params mattered.

The only door to it. Its storage is a journal file beside the sweep: no server, and a sweep that
was killed goes on with what was told before.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

from xvc.core.direction import Direction
from xvc.core.objective import number_of
from xvc.core.search_space import Choices, Dimension, Space, random_points
from xvc.core.sweep import Sampler, TrialStatus
from xvc.errors import ExternalError, error
from xvc.types import Json

if TYPE_CHECKING:
    from types import ModuleType

    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.importance import BaseImportanceEvaluator
    from optuna.trial import FrozenTrial

_NAME = "sweep"
_AGAIN = "xvc-again"  # on a trial that was added: the number of the one that had failed


_TRIES = 20  # a sampler may choose a point again; then another one is chosen at random


def _is_new(point: Mapping[str, Json], known: Sequence[str]) -> bool:
    return json.dumps(point) not in known


@error("no-sampler")
class NoSampler(ExternalError):
    """Optuna, which chooses the points, is not installed."""

    wanted: str
    says = "{wanted} needs Optuna, which is not installed"
    way = "Install `xvc-experiments[sweeps]`; grid and random need none."


class OptunaPoints:
    """The points of one sweep as Optuna chooses them, numbered from 0.

    Args:
        path: its journal.
        space: what may be chosen.
        sampler: random or TPE.
        direction: which way the metric is better; maximal when None, for random points.
        seed: the same one chooses the same points, as long as one trial runs at a time.
        at_once: how many trials run at once.
    """

    def __init__(
        self,
        path: Path,
        space: Space,
        sampler: Sampler,
        direction: Direction | None,
        *,
        seed: int,
        at_once: int,
    ) -> None:
        optuna = _optuna(f"--sampler {sampler}")
        self._is_random, self._seed = sampler is Sampler.RANDOM, seed
        self._failed = optuna.trial.TrialState.FAIL
        self._waiting = optuna.trial.TrialState.WAITING
        self._distributions = {key: _distribution(optuna, each) for key, each in space.items()}
        self._space = space
        with _quiet():
            from optuna.storages import JournalStorage  # late: as Optuna itself
            from optuna.storages.journal import JournalFileBackend

            self._study: Study = optuna.create_study(
                study_name=_NAME,
                storage=JournalStorage(JournalFileBackend(str(path))),
                direction=_way(direction),
                load_if_exists=True,
            )
            # A generator that began anew with the same seed would choose its first points again.
            seed += len(self._study.get_trials(deepcopy=False))
            self._study.pruner = optuna.pruners.MedianPruner()
            self._study.sampler = (
                optuna.samplers.TPESampler(seed=seed, constant_liar=at_once > 1)
                if sampler is Sampler.TPE
                else optuna.samplers.RandomSampler(seed=seed)
            )

    def known(self) -> dict[int, dict[str, Json]]:
        """Every point that was chosen, by its number."""
        return {n: _plain(self._space, trial.params) for n, trial in enumerate(self._asked())}

    def ask(self) -> tuple[int, dict[str, Json]]:
        """Choose the next point, another than all before as long as there is one."""
        known = [json.dumps(point) for point in self.known().values()]
        if self._is_random:
            point = next(p for p in random_points(self._space, self._seed) if _is_new(p, known))
            return len(known), self._ask_for(point)
        for _ in range(_TRIES):
            with _quiet():
                trial = self._study.ask(self._distributions)
            point = _plain(self._space, trial.params)
            if json.dumps(point) not in known:
                return len(known), point
            with _quiet():
                trial.set_user_attr(_AGAIN, -1)
                self._study.tell(trial, state=self._failed)
        others = random_points(self._space, self._seed)
        return len(known), self._ask_for(next((p for p in others if _is_new(p, known)), point))

    def _ask_for(self, point: Mapping[str, Json]) -> dict[str, Json]:
        with _quiet():
            coded = {key: _coded(self._space[key], value) for key, value in point.items()}
            self._study.enqueue_trial(coded)
            return _plain(self._space, self._study.ask(self._distributions).params)

    def report(self, number: int, step: int, value: float) -> bool:
        """Take a value that a running trial has logged; whether the trial is to be given up.

        It is when its best so far is worse than the median of the earlier trials at that step.
        """
        from optuna.trial import Trial  # late: as Optuna itself

        known = self._asked()
        if number >= len(known) or known[number].state.is_finished():
            return False
        with _quiet():
            trial = Trial(self._study, known[number]._trial_id)  # there is no public way
            trial.report(value, step)
            return trial.should_prune()

    def tell(self, number: int, state: TrialStatus, value: float | None) -> None:
        """Say how a trial ended; one without a value has failed.

        To tell the same again changes nothing. A trial that had failed may be told again with a
        value: Optuna's trials end once, so the same point is added with that value.
        """
        from optuna.trial import TrialState  # late: as Optuna itself

        value = number_of(value)  # Optuna has floats only
        trial, has_value = (
            self._asked()[number],
            state is TrialStatus.FINISHED and value is not None,
        )
        with _quiet():
            if trial.state is TrialState.FAIL and has_value:
                self._tell_again(number, trial, value)
            elif trial.state.is_finished():
                return
            elif has_value:
                self._study.tell(trial.number, value)
            else:
                way = TrialState.PRUNED if state is TrialStatus.PRUNED else TrialState.FAIL
                self._study.tell(trial.number, state=way)

    def _tell_again(self, number: int, failed: FrozenTrial, value: float | None) -> None:
        from optuna.trial import create_trial  # late: as Optuna itself

        known = self._study.get_trials(deepcopy=False)
        if any(trial.user_attrs.get(_AGAIN) == number for trial in known):
            return
        again = create_trial(
            params=failed.params,
            distributions=failed.distributions,
            value=value,
            user_attrs={_AGAIN: number},
        )
        self._study.add_trial(again)

    def _asked(self) -> list[FrozenTrial]:
        """List what was asked for, by our number; what was told again is not."""
        known = self._study.get_trials(deepcopy=False)
        waiting = self._waiting  # chosen, and not asked for before a kill
        return [t for t in known if _AGAIN not in t.user_attrs and t.state != waiting]


def check_sampler(sampler: Sampler, *, prune: bool) -> None:
    """Check that there is what a sampler needs.

    Raises:
        NoSampler: it needs Optuna, which is missing.
    """
    if find_spec("optuna") is not None:
        return
    if sampler is Sampler.TPE or prune:
        raise NoSampler("--prune" if prune else f"--sampler {sampler}")


def importances(
    space: Space, points: Sequence[tuple[Mapping[str, Json], float]], direction: Direction
) -> dict[str, float]:
    """Say which params mattered, most first; the parts add up to 1.

    Empty for fewer than four points, and where all of them have one value. NaN and the infinities
    do not count.

    Raises:
        NoSampler: Optuna is missing.
    """
    points = [(params, value) for params, value in points if math.isfinite(value)]
    differing = [k for k in space if len({repr(params.get(k)) for params, _ in points}) > 1]
    if len({value for _, value in points}) < 2 or len(points) < 4 or not differing:
        return {}
    if len(differing) == 1:
        return {differing[0]: 1.0}  # without Optuna's evaluator, which takes 2 s to load
    optuna = _optuna("what mattered")
    from optuna.importance import get_param_importances  # late: it loads scikit-learn

    distributions = {key: _distribution(optuna, space[key]) for key in differing}
    with _quiet():
        study = optuna.create_study(direction=_way(direction))
        for params, value in points:
            chosen = {key: _coded(space[key], params.get(key)) for key in differing}
            study.add_trial(
                optuna.trial.create_trial(params=chosen, distributions=distributions, value=value)
            )
        found = get_param_importances(study, evaluator=_evaluator(optuna))
    return {key: float(part) for key, part in found.items()}


def _optuna(wanted: str) -> ModuleType:
    try:
        import optuna  # late: 0.5 s, and a grid needs none of it
        import optuna.pruners
        import optuna.samplers
        import optuna.trial
    except ImportError as err:
        raise NoSampler(wanted) from err
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _evaluator(optuna: ModuleType) -> BaseImportanceEvaluator:
    """Take fANOVA where scikit-learn is there; the other one looks at the best trials alone."""
    kinds = optuna.importance
    try:
        return cast("BaseImportanceEvaluator", kinds.FanovaImportanceEvaluator(seed=0))
    except ImportError:
        return cast("BaseImportanceEvaluator", kinds.PedAnovaImportanceEvaluator())


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to ourselves that parts of Optuna may still change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _way(direction: Direction | None) -> str:
    return "minimize" if direction is Direction.MIN else "maximize"


def _distribution(optuna: ModuleType, dimension: Dimension) -> BaseDistribution:
    kinds = optuna.distributions
    if isinstance(dimension, Choices):
        coded = [_coded(dimension, value) for value in dimension.values]
        return cast("BaseDistribution", kinds.CategoricalDistribution(coded))
    low, high, step, is_log = dimension.low, dimension.high, dimension.step, dimension.is_log
    if dimension.is_whole:
        made = kinds.IntDistribution(low, high, step=step or 1, log=is_log)
    else:
        made = kinds.FloatDistribution(low, high, step=step, log=is_log)
    return cast("BaseDistribution", made)


def _coded(dimension: Dimension, value: Json) -> Json:
    """Write a list as text: Optuna chooses among single values only."""
    if isinstance(dimension, Choices) and isinstance(value, list | dict):
        return json.dumps(value)
    return value


def _plain(space: Space, params: Mapping[str, Json]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key in space:
        dimension, value = space[key], params.get(key)
        if isinstance(dimension, Choices):
            own = (v for v in dimension.values if type(_coded(dimension, v)) is type(value))
            value = next((v for v in own if _coded(dimension, v) == value), value)
        found[key] = value
    return found
