"""Which params tell repeats of one experiment apart: seeds and folds, by their names. Pure."""

from __future__ import annotations

from functools import lru_cache

from xvc.core.name_words import pieces, word_table

_SEEDS = word_table(
    "seed seeds randomseed randomstate rng rngseed seedeverything repeat replicate repetition fold"
)

_COUNTS = word_table("repeat replicate repetition")


@lru_cache(4096)
def is_seed(key: str) -> bool:
    """Whether a key tells repeats of one experiment apart.

    >>> is_seed("train/random_state"), is_seed("fold"), is_seed("lr")
    (True, True, False)
    """
    said = pieces(key)
    return "".join(said) in _SEEDS or "".join(said[-2:]) in _SEEDS or said[-1:] == ["seed"]


def is_count(key: str) -> bool:
    """Whether a key only numbers repeats, as of a measured time: nothing has to take it up.

    >>> is_count("repeat"), is_count("seed")
    (True, False)
    """
    return "".join(pieces(key)[-1:]) in _COUNTS
