"""Names of the runs that are trials: the sweep, a slash, the trial's number."""

from __future__ import annotations

_MOST_DIGITS = 9  # a name with more is no trial's; Python makes no number of 5,000


def trial_of(name: str | None) -> tuple[str, int] | None:
    """Take the name of a run apart into its sweep and its trial; None for a run that is none.

    Args:
        name: perhaps of a store from elsewhere: anything.

    >>> trial_of("abc123/7"), trial_of("abc123"), trial_of("/7"), trial_of("a/" + "9" * 5000)
    (('abc123', 7), None, None, None)
    """
    sweep, _, number = (name or "").rpartition("/")
    is_trial = sweep and number.isdecimal() and len(number) <= _MOST_DIGITS
    return (sweep, int(number)) if is_trial else None
