"""What the name of a metric says about which way it gets better: its head word and its unit.

Pure. ``val/top5_accuracy`` is an accuracy and ``seconds_per_step`` a time, but ``accuracy_drop`` is
a drop, ``loss_std`` a spread and ``iou_threshold`` a setting: the word that the others describe
decides, and only if it is known. Refuses to guess: weak evidence is no evidence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from xvc.core.late_pattern import late
from xvc.core.name_words import camel_words, word_table

HIGHER, LOWER = "max", "min"

_HIGHER = word_table(
    "accuracy accuracies acc accnorm f1 f1score fscore fbeta fmeasure auc aucroc rocauc auroc "
    "prauc aucpr auprc aupro averageprecision ap map precision precisions recall recalls "
    "sensitivity specificity tpr tnr truepositiverate truenegativerate r2 rsquared d2 "
    "explainedvariance iou miou giou diou ciou jaccard dice dicecoef dicecoefficient ndcg dcg mrr "
    "reciprocalrank hitrate hitratio bleu sacrebleu googlebleu rouge meteor chrf bertscore cider "
    "exactmatch kappa mcc matthewscorrcoef matthewscorrelation spearmanr pearsonr spearman "
    "pearson concordanceindex cindex psnr ssim msssim snr sisnr sisdr sdr pesq stoi vmaf "
    "inceptionscore clipscore silhouette silhouettecoefficient calinskiharabasz ari nmi ami "
    "adjustedrand adjustedrandindex randindex rand mutualinfoscore normalizedmutualinfo "
    "normalizedmutualinfoscore adjustedmutualinfo adjustedmutualinfoscore homogeneityscore "
    "completenessscore vmeasure fowlkesmallows reward rewards rew return successrate winrate "
    "passrate loglikelihood throughput fps qps tps speedup elbo mota idf1 hota correct avgprec "
    "avgprecision jaccardindex peaksignalnoiseratio structuralsimilarityindexmeasure "
    "multiscalestructuralsimilarityindexmeasure signalnoiseratio scaleinvariantsignalnoiseratio "
    "scaleinvariantsignaldistortionratio signaldistortionratio pearsoncorrcoef spearmancorrcoef "
    "kendallrankcorrcoef goodput gauc pck pckh qwk"
)
_LOWER = word_table(
    "loss losses error errors err rmse mse mae mape smape wmape medae rmsle msle mase rmsse wape "
    "nrmse perplexity ppl nll negativeloglikelihood logloss crossentropy logcosh bce mlogloss "
    "binarylogloss multilogloss merror multierror binaryerror hinge brier brierscore pinball "
    "huber wer cer ter eer editdistance levenshteindistance hausdorffdistance hd95 fid kid lpips "
    "niqe brisque fad fpr fnr falsepositiverate falsenegativerate falsediscoveryrate "
    "falsealarmrate errorrate missrate failurerate crashrate timeoutrate ece mce regret crps bpc "
    "bpb bitsperbyte bitsperchar bitspercharacter bitsperdim daviesbouldin daviesbouldinscore aic "
    "bic poissondeviance gammadeviance tweediedeviance latency ttft tpot timetofirsttoken "
    "timeperoutputtoken cost costs failed failures timeouts peakmemory peakrss peakvram overhead "
    "translationeditrate frechetinceptiondistance kernelinceptiondistance mphe mpjpe pampjpe "
    "minade minfde absrel sqrel learnedperceptualimagepatchsimilarity walltime pagefaults"
)
_SCORERS = word_table(
    "negmeanabsoluteerror negmeansquarederror negrootmeansquarederror negmeansquaredlogerror "
    "negrootmeansquaredlogerror negmedianabsoluteerror neglogloss negbrierscore negmaxerror "
    "negmeanpoissondeviance negmeangammadeviance negmeanabsolutepercentageerror"
)
"""scikit-learn's scorers: a loss with its sign turned, so that more is better."""

_OPPOSED = {
    HIGHER: word_table("loss losses error errors err regret cost"),
    LOWER: word_table(
        "accuracy acc auc auroc recall precision reward return f1 r2 ndcg bleu throughput correct"
    ),
}
"""Words that say the other direction wherever they stand: a name with both says none."""

_ONE_MINUS = word_table("f1")
"""A loss of these is what is left to one, and trained on: ``f1_loss``."""

_SPLITS = word_table(
    "train training valid val validation dev test testing eval evaluation holdout oof cv fold folds"
)
_QUALIFIERS = _SPLITS | word_table(
    "mean avg average median macro micro weighted unweighted samples binary overall total sum "
    "final best last latest epoch step batch k top ema swa smoothed raw percent pct percentage "
    "score none strict flexible match extract class classes all ovr ovo p50 p90 p95 p99 min max "
    "ms us ns s sec secs seconds mb gb kb m l lsum b"
)
_CUTS = word_table("at on in for with without under after before by over using when from if during")
_DOUBTFUL = word_table(
    "neg negative negated non no not un inverse inv minus delta diff difference change vs versus "
    "baseline target goal desired required limit budget cap allowed permitted acceptable "
    "tolerated tolerance threshold human oracle chance majority dummy random opponent enemy "
    "adversary attacker attack backdoor poison forget unlearn unlearned membership mia domain "
    "discriminator disc generator gen critic actor policy value entropy surrogate intrinsic bonus "
    "shaping self rejected toxic toxicity bias harmful unsafe hallucination fixed corrected "
    "detected caught resolved avoided prevented handled recovered saved reduced removed found "
    "injected simulated expected predicted estimated standard std margin stop packet weight path "
    "hair hearing d g td commitment codebook vq fake real adv adversarial shadow of to gan pg vf "
    "actual initial prev previous old seasonal nms anchor"
)
_DERIVED = word_table(
    "drop gap std stderr sem var variance threshold weight scale reduction saved limit budget "
    "ratio delta diff difference change improvement gain count coef coefficient id rank target "
    "tolerance bound ci low high upper lower spread range"
)
"""What is made of a metric is not the metric."""

_TIME = word_table(
    "s sec secs second seconds ms us ns min mins minute minutes hour hours time latency"
)
_CLOCK = word_table("s sec secs second seconds min minute minutes hour hours h ms")
_ITEMS = word_table(
    "sample samples example examples item items image images img imgs frame frames token tokens "
    "word words char chars character characters sentence sentences sequence sequences step steps "
    "iteration iterations iter iters it batch batches epoch epochs request requests query queries "
    "record records row rows document documents doc docs pixel pixels episode episodes prediction "
    "predictions inference inferences op ops game games"
)
_WORK = word_table(
    "fit train training inference infer predict prediction eval evaluation score step epoch "
    "iteration iter batch response cpu gpu compute load loading data compile forward backward "
    "query search build test val validation update sample request decode prefill generation"
)
_CLOCKED = word_table("time runtime seconds secs duration")
_NUMBER = late(r"[0-9.]+")
_PER_TIME = late(r"/(?=(?:s|sec|second|min|hour|h)$)")
_TIME_PER = late(r"(?:(?<=^)|(?<=[/_. ]))(s|ms|sec|seconds)/(?=(?:it|iter|step|batch|token)$)")
_ONE_LESS = late(r"\b1\s*-\s*(?=[^\W\d])")
_DIGITS = "0123456789"
_LONGEST = 5  # words of a known name


_WHAT_OF = late(r"\s+(?:of|on|for|over|after)\s+", re.IGNORECASE)
"""What parts a score from what it is of, in people's words: ``RMSE of prediction``."""


def direction_said(name: str) -> str | None:
    """Return ``max`` or ``min`` where the name of a metric says which is better, else None.

    >>> direction_said("val/top1_acc"), direction_said("accuracy_drop"), direction_said("ms/step")
    ('max', None, 'min')
    >>> direction_said("RMSE of prediction"), direction_said("drop of accuracy")
    ('min', None)
    """
    said = _words_in_order(name)
    if "".join(word for word in said if word not in _SPLITS) in _SCORERS:
        return HIGHER
    if _is_derived(said):
        return None
    way = _rate(said) if "per" in said else _head(said)
    head = _WHAT_OF.split(name.strip(), maxsplit=1)[0]
    return direction_said(head) if way is None and head != name.strip() else way


def _is_derived(said: Sequence[str]) -> bool:
    """Whether a name ends in what is made of something: ``recall@5_drop``, ``fps_std``."""
    kept = list(said)
    while kept and (_NUMBER.fullmatch(kept[-1]) or kept[-1] in _QUALIFIERS):
        kept.pop()
    is_known = any(_way("".join(kept[-count:])) for count in range(2, _LONGEST))
    return bool(kept) and kept[-1] in _DERIVED and not is_known


def _words_in_order(name: str) -> list[str]:
    """Return the words of a name; a slash beside a unit of time is a "per", an @ an "at"."""
    spelled = _PER_TIME.sub(" per ", _TIME_PER.sub(r"\1 per ", name.strip()))
    spelled = (
        _ONE_LESS.sub(" minus ", spelled).replace("'s ", " ").replace("@", " at ").replace("^", "")
    )
    return camel_words(spelled)


def _rate(said: Sequence[str]) -> str | None:
    """Read "X per Y": things per time are a speed, time per thing is a cost."""
    place = said.index("per")
    what, unit = said[:place], said[place + 1 : place + 2]
    if (known := _whole(said)) is not None or not what or not unit:
        return known
    if _DOUBTFUL & set(what):
        return None
    if what[-1] in _ITEMS and unit[0] in _CLOCK:
        return HIGHER
    if what[-1] in _TIME and unit[0] in _ITEMS:
        return LOWER
    return _head(what) if unit[0] in _ITEMS else None


def _whole(said: Sequence[str]) -> str | None:
    """Read a rate that has a name of its own: ``bits_per_byte``, ``time_per_output_token``."""
    kept = _without_qualifiers(said)
    ways = (_way("".join(kept[-count:])) for count in (3, 4))
    return next((way for way in ways if way is not None), None)


def head_word(name: str) -> str | None:
    """Return the known word that a metric is named for, in one piece; None without one.

    >>> head_word("val/top5_accuracy"), head_word("error rate"), head_word("accuracy_drop")
    ('accuracy', 'errorrate', None)
    """
    said = _words_in_order(name)
    if _is_derived(said) or "per" in said:
        return None
    known = _known_head(_without_qualifiers(said))
    return None if known is None else known[0]


def _known_head(kept: Sequence[str]) -> tuple[str, str, Sequence[str]] | None:
    """Find the last word that is known, alone or with those before it; its way and the others."""
    for count in range(min(_LONGEST, len(kept)), 0, -1):
        joined = "".join(kept[-count:])
        way = _way(joined)
        if way is not None:
            return joined, way, kept[:-count]
    return None


def _head(said: Sequence[str]) -> str | None:
    """Judge by the last word that is no mere qualifier, alone or with those before it."""
    kept = _without_qualifiers(said)
    if (known := _known_head(kept)) is not None:
        joined, way, before = known
        return None if _is_doubtful(joined, before, way) else way
    if _is_time_of_work(kept):
        return LOWER
    is_counted = any(_NUMBER.fullmatch(word) or word == "k" for word in said[len(kept) :])
    return HIGHER if kept[-1:] in (["hit"], ["hits"], ["pass"]) and is_counted else None


def _without_qualifiers(said: Sequence[str]) -> list[str]:
    cut = next((place for place, word in enumerate(said) if place and word in _CUTS), len(said))
    kept = list(said[:cut])
    while kept and (kept[-1] in _QUALIFIERS or _NUMBER.fullmatch(kept[-1])):
        if any(_way("".join(kept[-count:])) for count in range(2, _LONGEST)):
            break  # the qualifier is a part of the name: "exact match", "Brier score"
        kept.pop()
    return kept


def _way(word: str) -> str | None:
    for spelled in (word, word.rstrip(_DIGITS)):
        if spelled in _HIGHER:
            return HIGHER
        if spelled in _LOWER:
            return LOWER
    return None


def _is_doubtful(head: str, before: Sequence[str], way: str) -> bool:
    """Whether the words before a known one turn it round, or make another thing of it."""
    named = {*before, *(word.rstrip(_DIGITS) for word in before)}
    opposed = named & _OPPOSED[way]
    if head in ("loss", "losses"):
        opposed -= _ONE_MINUS
    return bool(opposed or named & _DOUBTFUL)


def _is_time_of_work(kept: Sequence[str]) -> bool:
    """Whether a name is a time that work took: ``fit_time``, ``train.runtime``."""
    if not kept or kept[-1] not in _CLOCKED:
        return False
    before = set(kept[:-1])
    return bool(before & _WORK) and before <= _WORK | _QUALIFIERS | _CLOCKED
