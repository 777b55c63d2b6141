"""A trial as a job: the call of `xvc run` that it is, and the last word of its log.

How it ended is told by its run, wherever it ran; the log says why there is none.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

from xvc.core.sweep import Sweep, Trial, command_of

_TAIL = 1 << 20  # bytes of a log in which the last word is looked for


def call_of(sweep: Sweep, trial: Trial) -> tuple[str, ...]:
    """Write the call of `xvc run` that is the trial."""
    wish = sweep.wish
    words = [sys.executable, "-P", "-m", "xvc", "run", "--json", "--no-fold"]  # we fold for all
    words += [] if wish.away else ["--record-in", sweep.root]  # a clone has a store of its own
    words += ["--name", sweep.run_name(trial.number)]
    for key, value in trial.params.items():
        words += ["-P", f"{key}={json.dumps(value, ensure_ascii=False)}"]
    words += ["--timeout", str(wish.timeout)] if wish.timeout is not None else []
    words += ["--capture"] if wish.capture else []
    for out in wish.outs:
        words += ["--out", out]
    return (*words, "--", *command_of(wish, trial.params))


def last_line_of(log: Path) -> str:
    """Return the message of the error that a log ends with, else its last line."""
    lines = _end_of(log).decode(errors="replace").splitlines()
    for line in reversed(lines):
        with suppress(ValueError, KeyError, TypeError):
            return str(json.loads(line)["error"]["message"])
    return lines[-1].strip() if lines else ""


def _end_of(log: Path) -> bytes:
    try:
        with log.open("rb") as opened:
            opened.seek(max(0, opened.seek(0, 2) - _TAIL))
            return opened.read()
    except FileNotFoundError:
        return b""
