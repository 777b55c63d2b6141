"""How people name a run: ``e1.4.0``, ``@-2``, ``best:loss``, ``worktree:w1``, an id, a branch.

Pure values: says what was meant, never whether it exists. Refuses what could be taken for an
option and what no run, version, branch or worktree can be called.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from xvc.core.version import Version
from xvc.errors import BadReference, BadVersion

_BACK = re.compile(r"@(?:-([0-9]{1,9}))?")


@dataclass(frozen=True, slots=True)
class ByVersion:
    """A tagged run; ``name`` is the tag as it was typed."""

    version: Version
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Latest:
    """The run that started last, or ``back`` runs before it."""

    back: int = 0

    def __str__(self) -> str:
        return f"@-{self.back}" if self.back else "@"


@dataclass(frozen=True, slots=True)
class Extreme:
    """The run with the best (or the worst) last value of a metric."""

    metric: str
    best: bool = True

    def __str__(self) -> str:
        return f"{'best' if self.best else 'worst'}:{self.metric}"


@dataclass(frozen=True, slots=True)
class ByWorktree:
    """The last run in a worktree."""

    name: str

    def __str__(self) -> str:
        return f"worktree:{self.name}"


@dataclass(frozen=True, slots=True)
class ByName:
    """A run id, the beginning of one, or a branch: who knows the runs decides."""

    text: str

    def __str__(self) -> str:
        return self.text


Reference = ByVersion | Latest | Extreme | ByWorktree | ByName


def parse_reference(text: str, prefix: str = "e") -> Reference:
    """Read what the user typed to name a run; *prefix* is the one of the project's versions.

    >>> parse_reference("best:val/loss")
    Extreme(metric='val/loss', best=True)
    >>> parse_reference("@-2")
    Latest(back=2)

    Raises:
        BadReference: it is empty, half of a form (``best:``), an unknown form (``@+1``), begins
            with ``-`` or holds a control character.
    """
    _refuse_unsafe(text)
    if text.startswith("@") and not text[1:2].isalpha():
        return _latest(text)
    if ":" in text:
        return _of_kind(text)
    try:
        return ByVersion(Version.parse(text, prefix), text)
    except BadVersion:
        return ByName(text)


def _refuse_unsafe(text: str) -> None:
    if not text.strip():
        raise BadReference(text, "it is empty")
    if text.startswith("-"):
        raise BadReference(text, "it begins like an option")
    if any(unicodedata.category(char) == "Cc" for char in text):
        raise BadReference(text, "it holds a control character")


def _latest(text: str) -> Latest:
    found = _BACK.fullmatch(text)
    if found is None:
        raise BadReference(text, "behind @ goes nothing, or a minus and a number as in @-2")
    return Latest(int(found[1] or 0))


def _of_kind(text: str) -> Reference:
    kind, _, rest = text.partition(":")
    if kind not in ("best", "worst", "worktree"):
        raise BadReference(text, "before the colon goes best, worst or worktree")
    if not rest.strip():
        raise BadReference(text, f"{kind}: lacks its {'name' if kind == 'worktree' else 'metric'}")
    return ByWorktree(rest) if kind == "worktree" else Extreme(rest, best=kind == "best")
