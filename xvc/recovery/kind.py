"""A kind of change as the recovery log knows it: how it stands, and how it ends after a kill.

A kind is registered in `recover.OWN`. It is asked by another process than the one that began the
change, so it may rely on the note and on what the project shows, and on nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from xvc.project import Project
from xvc.system.pending import PendingChange


class ChangeState(Enum):
    """How a change stands that was broken off."""

    HAPPENED = "its decisive step is done, so the steps after it are completed"
    NEVER = "its decisive step was not done, so what was done before it is taken back"
    WAITS = "nobody can tell or do it now: the note stays"
    FOREIGN = "its facts are of another xvc: the note goes"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeKind:
    """A kind of change.

    Each function gets the note; KeyError, TypeError and ValueError tell that its facts are of
    another xvc. A note with a ``version`` above this one stays for the xvc that wrote it.
    """

    state_of: Callable[[Project, PendingChange], ChangeState]
    complete: Callable[[Project, PendingChange], None]
    abandon: Callable[[Project, PendingChange], None]
    version: int = 1


def nothing(project: Project, change: PendingChange) -> None:
    """Neither complete nor abandon anything: the note is all there was."""
