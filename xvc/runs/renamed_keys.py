"""Which key took the place of another: judged by name, type, values and the time of the change.

Pure. Refuses to pair keys that were ever logged together, or whose values are of other types.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from xvc.core.metric_names import direction_said
from xvc.core.name_words import camel_words

LIKELY = 0.6
"""From this score on, a key is called the likely new name of another."""

_NAME, _VALUES, _TIME = 0.6, 0.25, 0.15
_UNKNOWN = 0.5
_PART, _SHORT, _SPELLED, _CONTRARY = 0.85, 0.8, 0.9, 0.2
_CONTRARIES = (
    {"train": 1, "training": 1, "val": 2, "valid": 2, "validation": 2, "dev": 2, "test": 3},
    {"min": 1, "max": 2, "mean": 3, "avg": 3, "std": 4, "median": 5},
    {"macro": 1, "micro": 2, "weighted": 3},
    {"first": 1, "last": 2, "best": 3},
    {"low": 1, "lower": 1, "high": 2, "upper": 2},
    {"left": 1, "right": 2},
    {"input": 1, "output": 2},
    {"encoder": 1, "decoder": 2},
    {"source": 1, "src": 1, "target": 2, "tgt": 2},
    {"start": 1, "end": 2},
    {"pos": 1, "positive": 1, "neg": 2, "negative": 2},
    {"ppv": 1, "npv": 2},
)
_ALIASES = (
    {"auc", "auroc", "rocauc", "aucroc"},
    {"ppl", "perplexity"},
    {"iou", "jaccard"},
    {"rec", "recall"},
)
_ACRONYM = 6  # letters; what begins with another acronym is another metric: map, mape
_SAME_THING = {"score", "value", "metric", "size", "rate", "factor", "coef", "pct", "percent"}
_SAME_WORD = 0.8  # how alike two spellings of one word are
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Values:
    """What the numbers of a key are like."""

    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Key:
    """One key: the kind of its values, and its first and last run, counted from 0 by time."""

    name: str
    kind: str
    first: int
    last: int
    values: Values | None = None


@dataclass(frozen=True, slots=True)
class Rename:
    """A key that ended, its likely new name, and how likely: 0 to 1."""

    old: Key
    new: Key
    score: float


def renames(keys: Sequence[Key]) -> list[Rename]:
    """Pair keys that ended with those that began after them; each key once, the likeliest first.

    >>> [pair] = renames([Key("acc", "number", 0, 1), Key("accuracy", "number", 2, 3)])
    >>> pair.old.name, pair.new.name
    ('acc', 'accuracy')
    """
    pairs = [
        Rename(old, new, score)
        for old in keys
        for new in keys
        if old.last < new.first and (score := likeness(old, new)) >= LIKELY
    ]
    pairs.sort(key=lambda pair: (-pair.score, pair.old.name, pair.new.name))
    chosen: list[Rename] = []
    ended, begun = set[str](), set[str]()
    for pair in pairs:
        if pair.old.name not in ended and pair.new.name not in begun:
            chosen.append(pair)
            ended.add(pair.old.name)
            begun.add(pair.new.name)
    return chosen


def likeness(old: Key, new: Key) -> float:
    """Score how likely *new* is *old* by another name: 0 (it cannot be) to 1."""
    if old.kind != new.kind or old.last >= new.first:
        return 0.0
    soon = 1 / (new.first - old.last)
    values = _likeness_of_values(old.values, new.values)
    return _NAME * likeness_of_names(old.name, new.name) + _VALUES * values + _TIME * soon


def likeness_of_names(one: str, other: str) -> float:
    """Score how alike two names are: 0 to 1, whichever comes first.

    >>> likeness_of_names("val/loss", "valLoss"), likeness_of_names("learning_rate", "lr")
    (1.0, 0.8)
    """
    left, right = camel_words(one), camel_words(other)
    if left == right or "".join(left) == "".join(right):
        return 1.0 if left or one == other else 0.0
    if _are_contrary(left, right):
        return _CONTRARY
    if not left or not right:
        return 0.0
    if _has_other_head(left, right) or _has_other_head(right, left) or _part_ways(left, right):
        return _CONTRARY
    if set(left) < set(right) or set(right) < set(left):
        return _PART
    if _is_short_for(left, right) or _is_short_for(right, left):
        return _SHORT
    return _SPELLED * _ratio("".join(left), "".join(right))


def _are_contrary(left: Sequence[str], right: Sequence[str]) -> bool:
    for meaning in _CONTRARIES:
        one = {meaning[word] for word in left if word in meaning}
        other = {meaning[word] for word in right if word in meaning}
        if one and other and one.isdisjoint(other):
            return True
    return _are_other_numbers(left, right) or _are_other_metrics(left, right)


def _are_other_numbers(left: Sequence[str], right: Sequence[str]) -> bool:
    """Whether two names count differently: p50 and p99, layer1 and layer2."""
    one, other = (_DIGITS.findall(" ".join(side)) for side in (left, right))
    return bool(one and other and one != other)


def _are_other_metrics(left: Sequence[str], right: Sequence[str]) -> bool:
    """Whether two names are of metrics that are known and not the same: mae and mape."""
    one, other = (
        {word for word in {*side, "".join(side)} if direction_said(word)} for side in (left, right)
    )
    return bool(one and other) and not any(_is_one_metric(a, b) for a in one for b in other)


def _is_one_metric(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if one == other or any({one, other} <= alias for alias in _ALIASES):
        return True
    return long.startswith(short) and len(long) > _ACRONYM


def _has_other_head(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether a name is another's with more words behind: ``lr_decay`` is a decay, and no lr."""
    more = long[len(short) :]
    return bool(more) and [*long[: len(short)]] == [*short] and not set(more) <= _SAME_THING


def _part_ways(left: Sequence[str], right: Sequence[str]) -> bool:
    """Whether two names of several words have one that is not the same word: loss_g, loss_d."""
    if len(left) != len(right) or len(left) < 2:
        return False
    others = [(one, other) for one, other in zip(left, right, strict=True) if one != other]
    return len(others) == 1 and not any(
        one.startswith(other) or other.startswith(one) or _ratio(one, other) >= _SAME_WORD
        for one, other in others
    )


def _is_short_for(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether a name is made of the beginnings of another's words, or of its initials."""
    if len(short) == len(long):
        return all(whole.startswith(part) for part, whole in zip(short, long, strict=True))
    initials = "".join(word[0] for word in long)
    return len(long) > 1 and "".join(short) == initials


def _ratio(one: str, other: str) -> float:
    """The share of letters in common; of its two directions the better one."""
    pairs = ((one, other), (other, one))
    return max(difflib.SequenceMatcher(None, a, b, autojunk=False).ratio() for a, b in pairs)


def _likeness_of_values(old: Values | None, new: Values | None) -> float:
    if old is None or new is None:
        return _UNKNOWN
    apart = abs(old.mean - new.mean)
    scale = max(old.deviation, new.deviation, abs(old.mean) / 2, abs(new.mean) / 2)
    return 1.0 if apart == 0 else scale / (scale + apart)
