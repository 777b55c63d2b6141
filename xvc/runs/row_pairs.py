"""Runs compared by the rows of a table: what each input gained counts, not how inputs differ.

Judges what the inputs say of these runs. Of other seeds it says as much as there are repeats: the
rows of one run each speak for that run alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from xvc.core.direction import Direction, asked_direction, direction_of
from xvc.core.human_units import counted
from xvc.database.queries import looking
from xvc.errors import BadValue
from xvc.project import Project
from xvc.runs.repeats import RepeatedExperiment
from xvc.runs.verdicts import Judgement, all_held, judge_values
from xvc.store.paired_rows import Pairs, paired_rows, scores_in
from xvc.types import RunId


@dataclass(frozen=True, slots=True)
class RowRequest:
    """Which rows: of a table, by the key of an input, and what is their score.

    A score is a logged key or an expression of SQL, ``:max`` or ``:min`` behind it says which way
    is better. Without one all numbers are looked at.
    """

    table: str
    key: str
    scores: tuple[str, ...] = ()


def judge_rows(
    project: Project, wanted: RowRequest, groups: Sequence[RepeatedExperiment], warnings: list[str]
) -> list[tuple[Judgement, ...]]:
    """Hold the rows of each experiment behind the first against those of the first.

    Raises:
        NoTable, NoColumn: there is no such table, or no such key in it.
        BadQuery: a score cannot be computed.
        BadValue: the table has nothing that could be a score, or no input is on both sides.
    """
    declared = project.settings.metrics_direction
    baseline, others = groups[0], groups[1:]
    judgements: list[list[Judgement | None]] = []
    with looking(project) as connection:
        scores = wanted.scores or tuple(scores_in(connection, wanted.table, wanted.key))
        if not scores:
            raise BadValue("--score", f"{wanted.table} has no numbers; say what a row's score is")
        for text in scores:
            score, direction = _parsed(text, declared)
            found = [
                paired_rows(
                    connection,
                    table=wanted.table,
                    key=wanted.key,
                    score=score,
                    sides=_sides(baseline, each),
                )
                for each in others
            ]
            judgements.append(
                all_held([_judged(score, pairs, direction) for pairs in found], direction)
            )
            _say_alone(found, wanted.key, warnings)
    if not any(each is not None for row in judgements for each in row):
        raise BadValue("--key", f"no {wanted.key} is in rows of both sides with a score")
    if any(len(each.repeats) < 2 for each in groups):
        warnings.append(
            f"the rows of {wanted.table} say what these inputs make of these runs; of other seeds "
            "one run says nothing"
        )
    return [
        tuple(each for row in judgements if (each := row[place]) is not None)
        for place in range(len(others))
    ]


def _parsed(text: str, declared: Mapping[str, str]) -> tuple[str, Direction | None]:
    score, asked = asked_direction(text)
    return score, asked or direction_of(score, declared)


def _sides(old: RepeatedExperiment, new: RepeatedExperiment) -> tuple[list[RunId], list[RunId]]:
    return [run.id for run in old.repeats], [run.id for run in new.repeats]


def _judged(score: str, pairs: Pairs, direction: Direction | None) -> Judgement | None:
    judgement = judge_values(score, pairs.old, pairs.new, direction)
    return (
        None if judgement is None else replace(judgement, more=None)
    )  # more inputs, not more runs


def _say_alone(found: Sequence[Pairs], key: str, warnings: list[str]) -> None:
    for pairs in found:
        if pairs.alone:
            says = (
                f"{counted(pairs.alone, 'value')} of {key} in rows of one side alone, not compared"
            )
            warnings += [says] if says not in warnings else []
