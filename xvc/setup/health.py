"""How a part of a project is, and what mends it. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """The outcome of one check."""

    GOOD = "good"
    MENDED = "mended"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was checked; ``health`` is good, mended or wrong."""

    what: str
    health: Health
    detail: str
    hint: str = ""
