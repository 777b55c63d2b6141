"""A handler of a signal to stop counts where Python called it, and not where the script did."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from surroundings import Calling

_HANDLERS = {
    "function": "def stop(*_): sys.exit(0)\n",
    "named": "def stop(number, frame): sys.exit(0)\n",
    "defaults": "def stop(number=None, frame=None): sys.exit(0)\n",
    "method": "class Stop:\n    def now(self, *words): sys.exit(0)\nstop = Stop().now\n",
}


@pytest.mark.parametrize("kind", _HANDLERS)
@pytest.mark.parametrize("is_sent", [True, False])
def test_a_handler_counts_where_a_signal_came(
    project: Path, call_xvc: Calling, kind: str, *, is_sent: bool
) -> None:
    """The exit with code 0 is that of a script that was stopped, or of one that was done."""
    words = "" if kind != "named" else "0, None"
    end = "os.kill(os.getpid(), signal.SIGTERM)" if is_sent else f"stop({words})"
    (project / "stopped.py").write_text(
        "import os, signal, sys\nfrom xvc import Tracker\n"
        f"{_HANDLERS[kind]}signal.signal(signal.SIGTERM, stop)\n"
        f"tracker = Tracker()\ntracker.log({{'loss': 1}})\n{end}\n"
    )
    done = subprocess.run([sys.executable, "stopped.py"], cwd=project, check=False)

    assert done.returncode == 0
    assert call_xvc("show", "@", "--json").data["status"] == ("failed" if is_sent else "finished")
