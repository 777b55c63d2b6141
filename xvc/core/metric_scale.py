"""On which scale a score is written: 0.93 and 93 (percent) are one accuracy.

Pure. Refuses to convert: a value is what was logged, and 0.8 may be 0.8 percent.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from xvc.core.metric_names import head_word
from xvc.core.name_words import word_table

_SHARES = word_table(
    "accuracy accuracies acc accnorm f1 f1score fscore fbeta fmeasure auc aucroc rocauc auroc "
    "prauc aucpr auprc aupro averageprecision ap map precision precisions recall recalls "
    "sensitivity specificity tpr tnr truepositiverate truenegativerate iou miou jaccard dice "
    "dicecoef dicecoefficient ndcg mrr hitrate hitratio bleu rouge exactmatch successrate winrate "
    "passrate mota idf1 hota fpr fnr falsepositiverate falsenegativerate falsediscoveryrate "
    "falsealarmrate errorrate missrate failurerate wer cer eer ece correct"
)
_PERCENT = 1.5
"""A fraction is at most 1, and what is larger than this no fraction that was rounded."""
_TIMES = 20
"""Percentages are a hundred times the fractions, or some times less where the score is worse."""


def is_share(metric: str) -> bool:
    """Whether a metric is usually a fraction of one, or a percentage.

    >>> is_share("val/top1_acc"), is_share("loss"), is_share("error_rate"), is_share("acc_drop")
    (True, False, True, False)
    """
    head = head_word(metric)
    return head is not None and (head in _SHARES or head.rstrip("0123456789") in _SHARES)


def differ_in_scale(metric: str, *sides: Iterable[float]) -> bool:
    """Whether one side looks like fractions and another like percentages of the same.

    >>> differ_in_scale("accuracy", [93], [0.8, 0.81]), differ_in_scale("loss", [93], [0.8])
    (True, False)
    >>> differ_in_scale("accuracy", [93], [0.0]), differ_in_scale("accuracy", [93, 0.5], [0.8])
    (False, False)
    """
    if not is_share(metric):
        return False
    held = [[value for value in side if math.isfinite(value)] for side in sides]
    percents, fractions = (
        [side for side in held if are(side)] for are in (_are_percent, _are_fractions)
    )
    if not percents or not fractions:
        return False
    most = max(min(many) for many in percents)
    return most > _TIMES * min(min(max(few), sum(few) / len(few)) for few in fractions)


def _are_fractions(values: Collection[float]) -> bool:
    return any(values) and all(0 <= value <= 1 for value in values)


def _are_percent(values: Collection[float]) -> bool:
    return bool(values) and all(_PERCENT < value <= 100 for value in values)


def scales_in_words(metric: str, *values: float | None) -> str | None:
    """Say that numbers of a metric are on two scales; None where they are not.

    >>> scales_in_words("accuracy", 93.0, 0.8)
    'accuracy seems to be in percent in one and a fraction in the other (93, 0.8)'
    """
    known = [value for value in values if value is not None]
    if not differ_in_scale(metric, *([value] for value in known)):
        return None
    shown = ", ".join(f"{value:g}" for value in known)
    return f"{metric} seems to be in percent in one and a fraction in the other ({shown})"
