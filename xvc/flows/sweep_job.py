"""A trial as a job: the call of `xvc run` that it is, and what the log of it says.

Whoever runs the job, the log comes to be here; nothing else has to come back.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

from xvc.core.run import RunRecord, Status
from xvc.core.sweep import Sweep, Trial, command_of
from xvc.types import RunId

_TAIL = 1 << 20  # bytes of a log in which the answer of `xvc run` is looked for


def call_of(sweep: Sweep, trial: Trial) -> tuple[str, ...]:
    """Write the call of `xvc run` that is the trial."""
    wish = sweep.wish
    words = [sys.executable, "-P", "-m", "xvc", "run", "--json"]
    words += [] if wish.away else ["--record-in", sweep.root]  # a clone has a store of its own
    words += ["--name", sweep.run_name(trial.number)]
    for key, value in trial.params.items():
        words += ["-P", f"{key}={json.dumps(value, ensure_ascii=False)}"]
    words += ["--timeout", str(wish.timeout)] if wish.timeout is not None else []
    words += ["--capture"] if wish.capture else []
    for out in wish.outs:
        words += ["--out", out]
    return (*words, "--", *command_of(wish, trial.params))


def answer_in(log: Path) -> tuple[RunRecord, float | None] | None:
    """Read what `xvc run --json` said, the last line of a log; None when it said nothing."""
    for line in reversed(_end_of(log).splitlines()):
        if line.startswith(b'{"schema"'):
            with suppress(ValueError, KeyError, TypeError):
                said = json.loads(line)["data"]
                run = RunRecord(
                    RunId(said["run"]),
                    status=Status(said["status"]),
                    metrics=said["metrics"],
                    exit_code=said["exit_code"],
                )
                return run, said["seconds"]
    return None


def last_line_of(log: Path) -> str:
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
