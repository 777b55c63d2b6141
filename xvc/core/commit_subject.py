"""The one line that stands for a run in ``git log``: ``model=logreg | lr=0.1 | acc=0.9722``.

Pure: what is chosen and how it is shortened; the full record is kept elsewhere. Refuses line
breaks and control characters, whoever wrote them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence

from xvc.core.direction import is_progress
from xvc.core.equality import is_same
from xvc.core.json_values import readable
from xvc.core.name_words import pieces, word_table, words
from xvc.core.run import RunRecord
from xvc.types import Json

_LONGEST_NAME, _LONGEST_VALUE, _LONGEST_TEXT = 32, 24, 72
_NOTHING = "run"
_CONTROL = frozenset({"Cc", "Cs"})
_TELLING_PARAMS = word_table(
    "model modelname modeltype estimator classifier regressor algorithm arch architecture "
    "backbone kernel optimizer optim lr learningrate eta batchsize epochs nepochs maxepochs "
    "maxiter nestimators maxdepth depth layers numlayers hidden hiddensize dropout weightdecay "
    "alpha c gamma loss seed"
)
_TELLING_METRICS = tuple(
    word_table(group)
    for group in (
        "accuracy acc",
        "f1",
        "auc auroc rocauc",
        "r2",
        "map",
        "iou miou",
        "dice",
        "ndcg",
        "bleu",
        "loss logloss",
        "rmse",
        "mae",
        "mse",
        "perplexity ppl",
        "wer",
        "precision",
        "recall",
        "reward",
        "score",
        "error err",
    )
)
_PLAIN_SPLIT = 2
_SPLITS = {"test": 0, "val": 1, "valid": 1, "validation": 1, "dev": 1, "eval": 1, "train": 3}


def one_line(text: str) -> str:
    r"""Return *text* with every run of white space and control characters as one space.

    >>> one_line(" two\nlines ")
    'two lines'
    """
    kept = (" " if unicodedata.category(char) in _CONTROL else char for char in text)
    return " ".join("".join(kept).split())


def cut(text: str, longest: int = 72) -> str:
    """Shorten a text to one line.

    >>> cut("a long story", 7)
    'a long…'
    """
    line = one_line(text)
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def headline(text: str) -> str:
    """Return *text* as the first line of a message: one line, never empty."""
    return one_line(text) or _NOTHING


def subject(
    params: Mapping[str, Json],
    metrics: Mapping[str, Json],
    data_hash: str | None,
    text: str | None,
    keys: Sequence[str],
) -> str:
    """Return the line, its parts in the order of *keys*, then the data, then the user's *text*.

    A key that names both a parameter and a metric shows both; one that names neither, nothing.

    >>> subject({"lr": 0.1}, {"acc": 0.97222}, "3a2f1b", "baseline", ["lr", "acc"])
    'lr=0.1 | acc=0.9722 | data=3a2f1b | baseline'
    """
    parts = [
        f"{_harmless(key, _LONGEST_NAME)}={_harmless(shown(side[key]), _LONGEST_VALUE)}"
        for key in dict.fromkeys(keys)
        for side in (params, metrics)
        if key in side
    ]
    if data_hash:
        parts.append(f"data={_harmless(data_hash, _LONGEST_VALUE)}")
    if text and (said := _harmless(text, _LONGEST_TEXT)):
        parts.append(said)
    return " | ".join(parts) or _NOTHING


def with_doubts(run: RunRecord) -> dict[str, Json]:
    """Return the params of a run for its line; those that may be overruled are marked."""
    return {
        key: f"{shown(value)}{run.doubt(key)}" if run.doubt(key) else value
        for key, value in run.params.items()
    }


def shown(value: Json) -> str:
    """Return a value for people: floats to four digits, text as it is, nested ones as JSON.

    >>> shown(0.97222), shown(1.0), shown(12), shown(1e-5), shown(None)
    ('0.9722', '1.0', '12', '1e-05', 'null')
    """
    return _shown_float(value) if isinstance(value, float) else readable(value)


def _shown_float(value: float) -> str:
    text = f"{value:.4f}".rstrip("0") if 1 <= abs(value) < 1e9 else f"{value:.4g}"
    text = text + "0" if text.endswith(".") else text
    return text + ".0" if text.lstrip("-").isdigit() else text


def _harmless(text: str, longest: int) -> str:
    line = one_line(text).replace("|", "/")
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def chosen_keys(
    runs_params: Sequence[Mapping[str, Json]],
    current: Mapping[str, Json],
    limit: int = 4,
    *,
    varying: Collection[str] | None = None,
) -> tuple[str, ...]:
    """Return the parameters of *current* that tell it from the other runs, then telling names.

    Both in the order of *current*; lists and mappings are too long for one line. *varying* are
    those that tell the runs apart, where *current* is one of them and that is known.

    >>> chosen_keys([{"model": "svm", "C": 1, "n": 5}], {"model": "svm", "C": 2, "n": 5})
    ('C', 'model')
    """
    short = [key for key, value in current.items() if not isinstance(value, list | dict)]
    if varying is None:
        differing = [key for key in short if _differs(key, current[key], runs_params)]
    else:
        differing = [key for key in short if key in varying]
    telling = [key for key in short if _is_telling(key)]
    return tuple(dict.fromkeys(differing + telling))[:limit]


def varying_keys(runs_params: Sequence[Mapping[str, Json]]) -> set[str]:
    """List the parameters that not all of these runs have, or not with the same value.

    >>> sorted(varying_keys([{"lr": 1, "n": 5, "q": 0}, {"lr": 2, "n": 5}]))
    ['lr', 'q']
    """
    if not runs_params:
        return set()
    first, *others = runs_params
    keys = {key for params in runs_params for key in params}
    return {key for key in keys if key not in first or _differs(key, first[key], others)}


def _differs(key: str, value: Json, runs_params: Iterable[Mapping[str, Json]]) -> bool:
    return any(key not in params or not is_same(params[key], value) for params in runs_params)


def _is_telling(key: str) -> bool:
    *_, before, last = ["", *re.split(r"[/.]", key)]
    names = {"".join(pieces(name)) for name in (last, before + last)}
    return not names.isdisjoint(_TELLING_PARAMS)


def chosen_metrics(
    metrics: Mapping[str, Json], declared: Sequence[str], limit: int = 2
) -> tuple[str, ...]:
    """Return the metrics to show: those *declared*, else well-known ones, else the first by name.

    Counters of progress are never shown; of one metric, the test split comes first; what a model
    reaches on the data that it learnt from comes after all that judges it.

    >>> chosen_metrics({"step": 9, "train/acc": 0.9, "val/loss": 0.3, "val/acc": 0.8}, [])
    ('val/acc', 'val/loss')
    """
    named = [key for key in dict.fromkeys(declared) if key in metrics and not is_progress(key)]
    numbers = sorted(key for key, value in metrics.items() if _is_measure(key, value))
    ranked = sorted(numbers, key=lambda key: ("train" in words(key), *_rank(key)))
    telling = [key for key in ranked if _rank(key)[0] < len(_TELLING_METRICS)]
    return tuple(named or telling or numbers)[:limit]


def _is_measure(key: str, value: Json) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and not is_progress(key)


def _rank(key: str) -> tuple[int, int]:
    said = words(key)
    places = (place for place, group in enumerate(_TELLING_METRICS) if said & group)
    split = min((_SPLITS[word] for word in said if word in _SPLITS), default=_PLAIN_SPLIT)
    return next(places, len(_TELLING_METRICS)), split
