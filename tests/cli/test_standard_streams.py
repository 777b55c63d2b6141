"""Standard input, output and error that are closed, full, gone, or open the wrong way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from surroundings import Calling, git

_COMMAND = "echo OUT-OF-IT; echo ERR-OF-IT >&2; exit 3"
_TRACKER = """
import os
from xvc import Tracker
tracker = Tracker(params={"lr": 1})
os.system("echo OUT-OF-IT; echo ERR-OF-IT >&2")
tracker.log({"loss": 0.5})
tracker.close()
"""
_STREAMS = ("<&-", ">&-", "2>&-", "<&- >&- 2>&-", "1</dev/null 2</dev/null")
_FULL = (">/dev/full 2>/dev/full",) if Path("/dev/full").exists() else ()
_PYTHON = f"'{sys.executable}'"
_XVC = f"{_PYTHON} -m xvc"


def _shell(project: Path, words: str, streams: str) -> int:
    """Call something with its standard streams arranged as a shell does."""
    call = ["/bin/sh", "-c", f"{words} {streams}"]
    done = subprocess.run(call, cwd=project, capture_output=True, check=False, timeout=120)
    return done.returncode


def test_odd_standard_streams_cost_the_output_and_nothing_else(
    project: Path, run_xvc: Calling
) -> None:
    """The command's own exit code; runs and rows recorded; no journal has its output."""
    (project / "track.py").write_text(_TRACKER)

    codes = [
        (
            _shell(project, f"{_XVC} run -- sh -c '{_COMMAND}'", streams),
            _shell(project, f"{_PYTHON} track.py", streams),
        )
        for streams in _STREAMS + _FULL
    ]
    listed = run_xvc("ls", "--json", cwd=project)

    assert codes == [(3, 0)] * len(codes)
    statuses = [run["status"] for run in listed.data["runs"]]
    assert sorted(statuses) == ["failed"] * len(codes) + ["finished"] * len(codes)
    assert listed.json["warnings"] == []
    room = project / ".git" / "xvc"
    journals = [path.read_bytes() for path in (room / "journals").rglob("*.jsonl")]
    assert not (room / "quarantine").exists()
    assert not any(b"\nOUT-OF-IT" in each or b"\nERR-OF-IT" in each for each in journals)


def test_a_command_that_nobody_can_hear_does_its_work(project: Path) -> None:
    """A closed standard output is no failure; a refusal that cannot be shown keeps its code."""
    codes = [
        _shell(project, f"{_XVC} run -- true", ">&- 2>&-"),
        _shell(project, f"{_XVC} tag minor", ">&-"),
        _shell(project, f"{_XVC} show e9.9.9", "2>&-"),
        _shell(project, f"{_XVC} show e9.9.9", "2</dev/null"),
    ]

    assert codes == [0, 0, 1, 1]
    assert git(project, "tag") == "e0.1.0"


@pytest.mark.skipif(not _FULL, reason="no /dev/full")
@pytest.mark.parametrize("words", [["ls"], ["ls", "--json"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_output_without_room_is_named_on_the_other(
    project: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], unbuffered: str
) -> None:
    """As text and as a document, in one sentence and no traceback, whatever Python buffers."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with Path("/dev/full").open("w") as full:
        call = [sys.executable, "-m", "xvc", *words]
        done = subprocess.run(call, cwd=project, stdout=full, stderr=subprocess.PIPE, text=True)

    assert done.returncode == 1
    assert done.stderr.startswith("error[system-refused]: standard output: No space left")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
