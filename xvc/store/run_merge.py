"""What two sides know of one run, put together: the one that knows more is right.

Pure. A run ends once: what the run itself said of its end beats a guess, and a guess beats nothing.
Leaves to a person what neither side knows better.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from xvc.core.merge import Choice, Side
from xvc.core.run import Status
from xvc.types import Json

Facts = Mapping[str, Json]

_ENDING = ("status", "finished", "exit_code", "signal", "reason", "usage", "log", "outs", "touched")
_OBJECTS = ("params", "data", "outs", "touched", "usage")
_METRICS = ("metrics", "metric_times")
_MISSING = object()


def settle_run(
    base: Facts | None, ours: Facts, theirs: Facts, disputed: Collection[str]
) -> dict[str, Choice]:
    """Choose for the columns of one run that both sides changed, where the rules can.

    >>> settle_run(None, {"status": "running"}, {"status": "failed"}, ["status"])["status"].side
    <Side.THEIRS: 'theirs'>
    """
    chosen: dict[str, Choice] = {}
    if any(column in _ENDING for column in disputed):
        chosen |= _ending(ours, theirs)
    for column in disputed:
        if column in chosen:
            continue
        if column == "labels":
            chosen[column] = Choice(value=_text(_labels(base, ours, theirs)))
        elif column in _OBJECTS:
            merged = _merged(_object(base, column), _object(ours, column), _object(theirs, column))
            if merged is not None:
                chosen[column] = Choice(value=_text(merged))
        elif base is None and None in (ours.get(column), theirs.get(column)):
            chosen[column] = Choice(Side.OURS if theirs.get(column) is None else Side.THEIRS)
    if any(column in _METRICS for column in disputed):
        chosen |= _metrics(ours, theirs)
    return chosen


def _ending(ours: Facts, theirs: Facts) -> dict[str, Choice]:
    ranks = [_knowledge(side.get("status")) for side in (ours, theirs)]
    if ranks[0] == ranks[1]:
        return {}
    return dict.fromkeys(_ENDING, Choice(Side.OURS if ranks[0] > ranks[1] else Side.THEIRS))


def _knowledge(status: Json) -> int:
    if status not in set(Status):
        return -1
    return 2 if Status(str(status)).is_final else int(status == Status.LOST)


def _object(facts: Facts | None, column: str) -> dict[str, Json]:
    found = facts.get(column) if facts is not None else None
    return found if isinstance(found, dict) else {}


def _merged(base: Facts, ours: Facts, theirs: Facts) -> dict[str, Json] | None:
    """Merge two objects key by key; None when both changed one key, each in its way."""
    merged: dict[str, Json] = {}
    for key in sorted({*ours, *theirs}):
        told = [_text(side[key]) if key in side else _MISSING for side in (base, ours, theirs)]
        if told[1] in (told[2], told[0]):
            keeper = theirs
        elif told[2] == told[0]:
            keeper = ours
        else:
            return None
        if key in keeper:
            merged[key] = keeper[key]
    return merged


def _labels(base: Facts | None, ours: Facts, theirs: Facts) -> list[Json]:
    """Take the labels of both sides, without those that one of them took off."""
    held, mine, other = (_list(side, "labels") for side in (base, ours, theirs))
    gone = [each for each in held if each not in mine or each not in other]
    return [each for each in dict.fromkeys(map(str, [*mine, *other])) if each not in gone]


def _list(facts: Facts | None, column: str) -> list[Json]:
    found = facts.get(column) if facts is not None else None
    return found if isinstance(found, list) else []


def _metrics(ours: Facts, theirs: Facts) -> dict[str, Choice]:
    """Take the later value of each metric, as every fold does."""
    values = [_object(side, "metrics") for side in (ours, theirs)]
    times = [_object(side, "metric_times") for side in (ours, theirs)]
    merged: dict[str, Json] = {}
    when: dict[str, Json] = {}
    for key in sorted({*values[0], *values[1]}):
        held = [(_number(times[n].get(key)), n) for n in (0, 1) if key in values[n]]
        latest = max(held)[0]
        last = [n for at, n in held if at == latest]
        if len({_text(values[n][key]) for n in last}) > 1:
            return {}
        merged[key] = values[last[0]][key]
        if key in times[last[0]]:
            when[key] = times[last[0]][key]
    return {"metrics": Choice(value=_text(merged)), "metric_times": Choice(value=_text(when))}


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else -1.0


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
