"""What SLURM's queue says of our jobs, by `squeue`.

Every cluster answers it; `sacct`, which submitit asks, wants an accounting database. A job leaves
the queue some minutes after its end, so one that is not in it is over.
"""

from __future__ import annotations

import subprocess
import time
from math import inf

UNDER_WAY = frozenset(
    {
        "UNKNOWN",
        "PENDING",
        "CONFIGURING",
        "RUNNING",
        "SUSPENDED",
        "STOPPED",
        "SIGNALING",
        "STAGE_OUT",
        "COMPLETING",
        "RESIZING",
        "REQUEUED",
        "REQUEUE_FED",
        "REQUEUE_HOLD",
        "SPECIAL_EXIT",
        "RESV_DEL_HOLD",
        "PREEMPTED",
    }
)
"""The states of a job that is not over, and of one of which nothing is known."""

_ASK = ("squeue", "--me", "--states=all", "--noheader", "--format=%i %T")
_EVERY = 5.0  # seconds between two questions: one controller answers for everybody
_PATIENCE = 30.0


class Queue:
    """The states of this user's jobs, asked for every few seconds at most."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}
        self._asked = -inf
        self._has_answered = False

    def state(self, job: str) -> str:
        """Return the state of a job that was submitted: ``GONE`` when the queue has it no more.

        ``UNKNOWN`` as long as the controller does not answer.
        """
        if time.monotonic() - self._asked > _EVERY:
            self._ask()
        return self._states.get(job, "GONE") if self._has_answered else "UNKNOWN"

    def _ask(self) -> None:
        self._asked = time.monotonic()
        try:
            answer = subprocess.run(
                _ASK, capture_output=True, text=True, timeout=_PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            self._has_answered = False
            return
        self._has_answered = answer.returncode == 0
        pairs = (line.split() for line in answer.stdout.splitlines())
        self._states = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
