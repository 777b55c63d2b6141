"""The rule of `xvc.runs.repeats` as SQL is told it, of more runs than are read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from xvc.core.json_values import as_json
from xvc.core.run import RunRecord
from xvc.core.run_inputs import given
from xvc.core.seed_names import is_seed
from xvc.runs.repeats import marked_command, own_params
from xvc.store.experiment_keys import Rule
from xvc.types import Json, RunId


def rule_of(code: Callable[[Sequence[RunRecord]], Mapping[RunId, str]]) -> Rule:
    """Say for SQL how `experiments` tells them apart; *code* maps runs to what tells their code."""
    return Rule(
        data=lambda run: as_json(given(run.data), sort_keys=True),
        words=marked_command,
        params=lambda run: {**own_params(run), **_seed_params(run)},
        code=code,
    )


def _seed_params(run: RunRecord) -> dict[str, Json]:
    return {key: value for key, value in run.params.items() if is_seed(key)}
