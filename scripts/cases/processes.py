"""Whole processes: how long one takes, and the project in which it runs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

XVC = str(Path(sys.executable).with_name("xvc"))
DVC = str(Path(sys.executable).with_name("dvc"))
IMPORT = [sys.executable, "-c", "import duckdb"]
IMPORTING = '`python -c "import duckdb"`'


def process(words: list[str], folder: Path) -> Callable[[], float]:
    """Return what measures a process from its start to its end; one that fails ends it all."""

    def timed() -> float:
        start = time.perf_counter()
        called = subprocess.run(words, cwd=folder, capture_output=True, check=False)
        spent = time.perf_counter() - start
        if called.returncode not in (0, 3):  # 3: a negative answer
            raise SystemExit(f"{' '.join(words)} failed: {called.stderr.decode()}")
        return spent

    return timed


def calls(folder: Path, *lines: list[str]) -> None:
    """Run what is not measured."""
    for words in lines:
        subprocess.run(words, cwd=folder, check=True, capture_output=True)


def a_project(folder: Path) -> Path:
    """Make a repository of one script that xvc is set up in."""
    folder.mkdir()
    (folder / "train.py").write_text("print('trained')\n")
    calls(
        folder,
        ["git", "init", "-q"],
        ["git", "config", "user.name", "b"],
        ["git", "config", "user.email", "b@b"],
        ["git", "add", "-A"],
        ["git", "commit", "-qm", "train"],
        [XVC, "-q", "init"],
    )
    return folder
