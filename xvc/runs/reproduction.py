"""Whether a run that was done again gave what it gave before, and what may have changed it.

Pure. Refuses to judge times: no machine takes the same time twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from xvc.core.direction import is_progress
from xvc.core.equality import is_same
from xvc.core.model import candidate_of
from xvc.core.name_words import pieces, word_table
from xvc.core.objective import exact_number, written_distance
from xvc.core.run import RunRecord
from xvc.core.seed_names import is_seed
from xvc.errors import BadValue
from xvc.runs.comparison import Difference
from xvc.types import Json

_TIMES = word_table("time seconds second secs sec s ms duration elapsed runtime walltime latency")
_RATES = word_table("throughput fps persecond persec")


class ReproductionOutcome(StrEnum):
    """What became of a value, or of a whole run, when it was done again."""

    IDENTICAL = "identical"
    WITHIN = "within tolerance"
    DRIFTED = "drifted"


_ORDER = list(ReproductionOutcome)


class Cause(StrEnum):
    """What may have changed a result."""

    CODE = "code"
    DATA = "data"
    PARAMS = "params"
    SEED = "seed"
    PACKAGES = "packages"
    HARDWARE = "hardware"
    NOISE = "noise"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a metric may be from what it was, absolutely: by its name, and of all others."""

    others: float = 0.0
    named: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Tolerance:
        """Read ``acc=0.01,1e-6``.

        >>> Tolerance.parse(["acc=0.01,1e-6"]).of("acc"), Tolerance.parse(["acc=0.01"]).of("loss")
        (0.01, 0.0)

        Raises:
            BadValue: a part is no number from 0 on.
        """
        others, named = 0.0, dict[str, float]()
        for part in (each.strip() for text in texts for each in text.split(",")):
            key, sign, said = part.rpartition("=")
            try:
                value = float(said)
            except ValueError:
                value = math.nan
            if not (value >= 0 and math.isfinite(value)) or (sign and not key):
                says = f"{part!r} is neither a number from 0 on nor METRIC=NUMBER"
                raise BadValue("--tolerance", says)
            if key:
                named[key] = value
            else:
                others = value
        return cls(others, named)

    def of(self, metric: str) -> float:
        """Return what holds for a metric."""
        return self.named.get(metric, self.others)


@dataclass(frozen=True, slots=True)
class ReproducedValue:
    """One value as it was and as it is now; ``kind`` is status, metric, output or model."""

    kind: str
    key: str
    was: object  # of an output or a model the digest; None where this run has no such value
    now: object
    outcome: ReproductionOutcome


@dataclass(frozen=True, slots=True)
class ChangedInput:
    """One thing that is not as it was."""

    cause: Cause
    what: str


def compare_values(was: RunRecord, now: RunRecord, tolerance: Tolerance) -> list[ReproducedValue]:
    """Hold status, metrics and declared outputs of a run against those of the run done again."""
    rows = [_same("status", "", was.status.value, now.status.value)]
    for key in sorted({*was.metrics, *now.metrics}):
        if is_progress(key) or (is_time(key) and key not in tolerance.named):
            continue
        rows.append(_metric(key, was.metrics, now.metrics, tolerance.of(key)))
    for path in sorted(each for each in {*was.outs, *now.outs} if candidate_of(each) is None):
        digests = [out.digest if (out := run.outs.get(path)) else None for run in (was, now)]
        rows.append(_same("output", path, *digests))
    return rows


def compare_models(was: Mapping[str, str], now: Mapping[str, str | None]) -> list[ReproducedValue]:
    """Hold the digests of models, by where they were left, against those of the run done again."""
    return [_same("model", path, was[path], now.get(path)) for path in sorted(was)]


def models_in(was: RunRecord) -> dict[str, str]:
    """Map the places at which a run left its models to their digests, where they are known."""
    return {
        out.left_at: out.digest
        for path, out in was.outs.items()
        if out.left_at is not None and candidate_of(path) is not None
    }


def times_in(was: RunRecord, tolerance: Tolerance) -> list[str]:
    """Name the metrics that are not judged because they are times."""
    return [key for key in sorted(was.metrics) if is_time(key) and key not in tolerance.named]


def is_time(key: str) -> bool:
    """Whether a metric is how long something took, or how much was done in a time.

    >>> is_time("train/epoch_seconds"), is_time("samples_per_second"), is_time("time_error")
    (True, True, False)
    """
    said = pieces(key)
    last = said[-1] if said else ""
    return last in _TIMES or last in _RATES or "".join(said[-2:]) in _RATES


def _same(kind: str, key: str, was: Json, now: Json) -> ReproducedValue:
    is_identical = is_same(was, now)
    return ReproducedValue(
        kind=kind,
        key=key,
        was=was,
        now=now,
        outcome=ReproductionOutcome.IDENTICAL if is_identical else ReproductionOutcome.DRIFTED,
    )


def _metric(
    key: str, was: Mapping[str, Json], now: Mapping[str, Json], tolerance: float
) -> ReproducedValue:
    if key not in was or key not in now:
        return ReproducedValue(
            kind="metric",
            key=key,
            was=was.get(key),
            now=now.get(key),
            outcome=ReproductionOutcome.DRIFTED,
        )
    row = _same("metric", key, was[key], now[key])
    old, new = exact_number(was[key]), exact_number(now[key])
    if row.outcome is ReproductionOutcome.IDENTICAL or old is None or new is None:
        return row
    apart = written_distance(old, new)  # not their difference: 0.8 - 0.7 is more than 0.1
    is_within = apart is not None and apart <= Fraction(repr(tolerance))
    return ReproducedValue(
        kind="metric",
        key=key,
        was=old,
        now=new,
        outcome=ReproductionOutcome.WITHIN if is_within else ReproductionOutcome.DRIFTED,
    )


def worst_outcome(rows: Iterable[ReproducedValue]) -> ReproductionOutcome:
    """Return the worst of several outcomes."""
    return max(
        (row.outcome for row in rows), key=_ORDER.index, default=ReproductionOutcome.IDENTICAL
    )


def changed_inputs(
    was: RunRecord, now: RunRecord, packages: Sequence[Difference], *, has_same_code: bool | None
) -> list[ChangedInput]:
    """List what was not as it had been, what decides a result first.

    Args:
        was: the run.
        now: the run done again.
        packages: how the environments differ, by `compare_packages`.
        has_same_code: None where that is not known.
    """
    found = [] if has_same_code is not False else [ChangedInput(Cause.CODE, "the code")]
    found += [
        ChangedInput(Cause.DATA, path)
        for path in sorted({*was.data, *now.data})
        if _identity(was, path) != _identity(now, path)
    ]
    for key in sorted({*was.params, *now.params}):
        if not is_same(was.params.get(key), now.params.get(key)):
            found.append(ChangedInput(Cause.SEED if is_seed(key) else Cause.PARAMS, key))
    found += [ChangedInput(_kind_of(row), _in_words(row)) for row in packages if not row.is_same]
    if was.host != now.host:
        found.append(ChangedInput(Cause.HARDWARE, f"host {was.host} → {now.host}"))
    return found


def _identity(run: RunRecord, path: str) -> str | None:
    return run.data[path].identity if path in run.data else None


def _kind_of(row: Difference) -> Cause:
    return Cause.HARDWARE if row.key in ("platform", "tool cuda", "tool gpu") else Cause.PACKAGES


def _in_words(row: Difference) -> str:
    was, now = (value if isinstance(value, str) else "(none)" for value in row.values)
    return f"{row.key} {was} → {now}"
