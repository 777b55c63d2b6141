"""What somebody sees who watches a sweep on a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from surroundings import Calling

SCRIPT = """\
import os, json
a = float(os.environ["XVC_PARAM_A"])
json.dump({"accuracy": 1 - (a - 3) ** 2 / 100}, open("metrics.json", "w"))
assert a != 1
"""


def seen(columns: int, *words: str) -> list[str]:
    """All lines that a call has written to a terminal so wide, also those rewritten since."""
    terminal, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 20, columns, 0, 0))
    call = [sys.executable, "-m", "xvc", *words]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns)}
    watched = subprocess.Popen(call, stdin=its, stdout=its, stderr=its, env=environment)
    os.close(its)
    told = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while part := os.read(terminal, 4096):
            told += part
    watched.wait()
    os.close(terminal)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", told.decode())
    return [line for line in re.split(r"[\r\n]+", plain) if line]


@pytest.mark.parametrize(
    ("columns", "last"),
    [
        (80, r"sweep \w+: 3/3, 1 failed; best accuracy 1 \(trial 2\)"),
        pytest.param(40, r"3/3, 1 failed; best 1", marks=pytest.mark.sweep),
        (20, r"3/3; best 1"),
    ],
)
def test_the_line_fits_the_terminal(project: Path, columns: int, last: str) -> None:
    """It says how far the sweep is and the best, in as many words as there is room for."""
    (project / "trial.py").write_text(SCRIPT)

    lines = seen(
        columns,
        *("sweep", "-P", "a=1..3", "--metric", "accuracy:max", "--", "python", "trial.py"),
    )

    told = [line for line in lines if re.search(r"^(sweep \w+: )?\d/3", line)]
    assert any(line.endswith("0/3, 1 running") for line in told)
    assert re.fullmatch(last, told[-1])
    assert all(len(line) <= columns for line in told)
    assert any(line.startswith("trial 0 a=1 failed"[:columns]) for line in lines)


def test_a_metric_that_nobody_records_is_noticed(project: Path, run_xvc: Calling) -> None:
    """Nothing could be ranked, and how it would be is said."""
    done = run_xvc("sweep", "-P", "a=1", "--metric", "acc:max", "--json", "--", "true", "{a}")

    assert done.code == 0
    assert "no trial has recorded 'acc'" in done.json["warnings"][0]
