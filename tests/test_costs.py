"""How often a command starts git (4 ms) and opens DuckDB (15 ms), for every user at every call."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from surroundings import Calling
from xvc.store.idle_instance import close_idle

MOST = {
    "run python train.py": (7, 2),
    "run python train.py --lr 0.2": (7, 2),
    "ls": (2, 1),
    "status": (3, 1),
    "db head": (1, 1),
    "tag minor": (22, 1),
    "log": (1, 0),
    "show @": (2, 1),
    "compare @ @-1": (2, 1),
    "run --tag patch -- python train.py --lr 0.4": (29, 2),
    "worktree add idea": (12, 1),
    "sweep --param lr=1 -- python train.py --lr {lr}": (13, 3),
}
"""For each call, in this order: at most so many starts of git, so many openings of DuckDB."""


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what is started and opened from now on."""
    counts: Counter[str] = Counter()
    started, connect = subprocess.Popen.__init__, duckdb.connect

    def counted_start(process: Any, words: Any, *rest: Any, **named: Any) -> None:
        counts["git"] += words[0] == "git"
        started(process, words, *rest, **named)

    def counted_connect(*rest: Any, **named: Any) -> Any:
        counts["duckdb"] += 1
        return connect(*rest, **named)

    monkeypatch.setattr(subprocess.Popen, "__init__", counted_start)
    monkeypatch.setattr(duckdb, "connect", counted_connect)
    return counts


def test_commands_ask_git_and_duckdb_no_oftener(
    project: Path, call_xvc: Calling, counted: Counter[str]
) -> None:
    """What a command asks twice is a cost that grows unseen: raise a number only with a reason."""
    above = {}
    for words, (most_git, most_duckdb) in MOST.items():
        close_idle()  # each command has a process of its own
        counted.clear()
        code = call_xvc(*words.split(), cwd=project).code
        if code or counted["git"] > most_git or counted["duckdb"] > most_duckdb:
            above[words] = (code, counted["git"], counted["duckdb"])

    assert above == {}
