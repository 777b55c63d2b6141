"""Which printed names are results: what a program says of its work, not of itself.

Pure. ``val_loss`` is a result, ``port``, ``eta`` and ``loss_weight`` are none. A name that says
nothing is taken only beside a result, or with the number of an epoch or a step. Refuses to guess:
a number that may be a setting or a clock is no metric.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from xvc.core.metric_names import direction_said
from xvc.core.name_words import camel_words, word_table

Number = float | int
Printed = dict[str, Number]
"""What one line says: keys as they were printed, with their numbers."""

PROGRESS = {
    "epoch": "epoch",
    "ep": "epoch",
    "e": "epoch",
    "step": "step",
    "global_step": "step",
    "#": "step",
    "iter": "iteration",
    "it": "iteration",
    "iteration": "iteration",
    "round": "round",
    "batch": "batch",
    "episode": "episode",
    "fold": "fold",
    "generation": "generation",
    "trial": "trial",
}
"""How people write where a program has got to, and the key of it."""

_MEASURES = word_table(
    "loss losses acc accuracy auc auroc auprc f1 fscore rmse mse mae mape rmsle iou miou dice "
    "precision recall map perplexity ppl nll bleu rouge wer cer logloss reward rew score scores r2 "
    "ndcg mrr psnr ssim fid kl elbo entropy fitness objective regret brier mcc kappa sensitivity "
    "specificity error merror"
)
_SETTINGS = word_table(
    "weight weights threshold thresholds thresh scale target delta baseline patience fn function "
    "coef coeff coefficient lambda alpha beta gamma eps epsilon smoothing tolerance tol goal limit "
    "budget cap required allowed code type name id port window every interval freq frequency size "
    "version worker workers seed num count port pid dim layer layers level line lines chunk file "
    "files cutoff when if since because until while as than that this saved saving path "
    "expected requirement index idx margin depth"
)
_NO_RESULT = _SETTINGS | word_table(
    "eta elapsed remaining left v vnum rank gpu cpu device devices node host hostname thread "
    "threads process status year month day date hour hours timestamp ts progress percent done "
    "attempt attempts retry retries checkpoint checkpoints ckpt epochs steps iterations iters "
    "rounds batches instances images support samples examples n total params parameters shape "
    "downloaded uploaded loaded warning warnings pending queued workers free used cached hash "
    "commit ip address image img targets"
)
_BESIDE = word_table(
    "lr learningrate gradnorm weightnorm norm mfu kl entropy momentum dt tokpersec toksec"
)
_LEVELS = word_table(
    "error errors warning info debug critical failed failures failure timeouts map"
)
_TIMES = word_table("seconds milliseconds ms")
_BEST = word_table("best objective final function mean optimal minimum maximum")


class Said(NamedTuple):
    """One number with its name, as a line said it.

    ``is_sure`` where the place says that it is a metric (a table of metrics), ``is_said`` where
    a sign stands between the two, and not a blank alone.
    """

    name: str
    number: Number
    unit: str = ""
    is_said: bool = True
    is_sure: bool = False


@lru_cache(maxsize=4096)
def is_result(name: str) -> bool:
    """Say whether a name is one of a result by itself.

    >>> is_result("val/d_loss"), is_result("loss_weight"), is_result("port")
    (True, False, False)
    """
    words = camel_words(name.replace("'s ", " "))
    known = set(words)
    if known & _SETTINGS or _is_exception(name):
        return False  # a setting, or "ValueError: 3"
    if name.lower() in _TIMES or (words[-1:] == ["value"] and known & _BEST):
        return True
    return direction_said(name) is not None or bool(known & _MEASURES)


def _is_exception(name: str) -> bool:
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, BaseException)


@lru_cache(maxsize=4096)
def is_beside(name: str) -> bool:
    """Say whether a name is one that stands beside results in every log: a learning rate."""
    return "".join(camel_words(name)) in _BESIDE


@lru_cache(maxsize=4096)
def is_of_the_program(name: str) -> bool:
    """Say whether a name is a clock, a count of what went in, or something of the machine."""
    words = camel_words(name)
    return bool(_NO_RESULT & set(words)) or words[-1:] == [] or words[-1].endswith("ing")


def is_alone(said: Said) -> bool:
    """Say whether a number is a metric with nothing beside it."""
    if not is_result(said.name):
        return False
    if isinstance(said.number, float) or said.unit:
        return True
    low = said.name.lower()
    if low in _LEVELS or said.name.endswith("Error"):
        return False  # "ERROR: 404"
    return not (low.endswith("precision") and said.number > 1)  # "precision: 16"


def chosen(
    progress: Printed, values: Iterable[Said], *, is_framed: bool = False
) -> tuple[list[Said], list[str]]:
    """Choose what of a line is a metric; returns it, and names that nothing speaks for.

    Args:
        progress: the epoch or step that the line names.
        values: what it says.
        is_framed: the shape of the line is one that only metrics have.
    """
    known = [(said, said.is_sure or is_alone(said)) for said in values]
    if all(is_known for _, is_known in known):
        return [said for said, _ in known], []
    has_result = is_framed or any(is_known for _, is_known in known)
    taken, asked = list[Said](), list[str]()
    for said, is_known in known:
        if is_known:
            taken.append(said)
        elif is_of_the_program(said.name) or is_result(said.name):
            continue
        elif has_result or (progress and _is_of_progress(said)):
            taken.append(said)
        elif said.is_said:
            asked.append(said.name)
    return taken, asked


def _is_of_progress(said: Said) -> bool:
    return is_beside(said.name) or (
        said.is_said and not said.unit and isinstance(said.number, float)
    )
