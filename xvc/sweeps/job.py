"""A trial as a job: the call of `xvc run` that it is, and the last word of its log.

How it ended is told by its run, wherever it ran; the log says why there is none.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

from xvc.core.command_places import (
    filled_in_run,
    filled_in_template,
    not_filled_in_run,
    with_seed_places,
)
from xvc.core.search_space import typed_point
from xvc.core.seed_names import is_seed
from xvc.core.sweep import Sweep, SweepRequest, Trial, command_of, settled_keys
from xvc.system.value_files import word_for

_TAIL = 1 << 20  # bytes of a log in which the last word is looked for


def call_of(sweep: Sweep, trial: Trial) -> tuple[str, ...]:
    """Write the call of `xvc run` that is the trial."""
    request = sweep.request
    words = [sys.executable, "-P", "-m", "xvc", "run", "--json", "--no-fold"]  # we fold for all
    words += [] if request.away else ["--record-in", sweep.root]  # a clone has a store of its own
    words += ["--name", sweep.run_name(trial.number)]
    for key, typed in typed_point(request.space, trial.params).items():
        words += ["-P", f"{key}={word_for(typed)}"]
    for key in sorted(trial.params.keys() - settled_keys(request)):
        words += ["--must-use", key]
    words += ["--params-copy" if request.params_copy else "--params-edit"]
    words += ["--timeout", str(request.timeout)] if request.timeout is not None else []
    words += ["--capture"] if request.capture else []
    for out in request.outs:
        words += ["--out", out]
    for model in request.models:
        words += ["--model", model]
    return (*words, "--", *_command(request, trial))


def _command(request: SweepRequest, trial: Trial) -> tuple[str, ...]:
    """Write the command, its seeds in braces: `xvc run` puts them in, and so knows their places."""
    typed = typed_point(request.space, trial.params)
    command = command_of(request, trial.params)
    shown = {key: each.text for key, each in typed.items()}
    seeded = with_seed_places(filled_in_template, request.command, shown)
    if seeded is not None:
        others = [key for key in typed if not is_seed(key)]
        style = not_filled_in_run(command[len(seeded) :], trial.params)
        found = (*not_filled_in_run(seeded, others), *style)
        if filled_in_run(found, {key: word_for(each) for key, each in typed.items()}) == command:
            return found
    return not_filled_in_run(command, trial.params)


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
