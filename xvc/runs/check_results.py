"""What a validation says: checks, each with its findings or the reason why it does not apply.

Pure values. Refuses to say "ok" of what was not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from xvc.core.commit_subject import one_line

_LONGEST = 120


class Level(StrEnum):
    """What a finding means for the results: wrong until explained, or worth knowing."""

    PROBLEM = "problem"
    NOTE = "note"


class CheckOutcome(StrEnum):
    """How a check ended."""

    OK = "ok"
    FOUND = "found"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    ``says`` is a sentence, ``count`` how many rows, runs or keys it is about, ``examples`` the
    first few of them, ``next`` a command that shows more.
    """

    level: Level
    says: str
    count: int
    examples: tuple[str, ...] = ()
    next: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One question that was asked, of a table or (``table`` None) of the runs."""

    name: str
    table: str | None
    findings: tuple[Finding, ...] = ()
    why_not: str = ""
    looked_at: str = ""

    @property
    def outcome(self) -> CheckOutcome:
        """How it ended.

        >>> Check("leaks", "events", why_not="no column is called split").outcome.value
        'not applicable'
        """
        if self.findings:
            return CheckOutcome.FOUND
        return CheckOutcome.NOT_APPLICABLE if self.why_not else CheckOutcome.OK


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """All checks, in the order in which they were made."""

    checks: tuple[Check, ...]

    def count(self, level: Level) -> int:
        """Count the findings of a level."""
        return sum(each.level is level for check in self.checks for each in check.findings)

    def is_wrong(self, *, strict: bool) -> bool:
        """Whether anything is wrong; *strict* counts notes, too."""
        return bool(self.count(Level.PROBLEM) or (strict and self.count(Level.NOTE)))


def first(texts: Sequence[str], most: int) -> tuple[str, ...]:
    """Return the first few texts, each on one line and cut, with how many more there are.

    >>> first(["a", "b", "c"], 2)
    ('a', 'b', '… 1 more')
    """
    shown = tuple(_cut(text) for text in texts[:most])
    return (*shown, f"… {len(texts) - most} more") if len(texts) > most else shown


def _cut(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
