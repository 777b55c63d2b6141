"""What the tests of executors share: a job of a few lines, and patience."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil

from xvc.core.job import Executor, Job, JobEnd

LONG = 60.0
STUBBORN = """import os, pathlib, time
try:
    pathlib.Path("pid").write_text(str(os.getpid()))
    time.sleep(60)
except KeyboardInterrupt:
    raise SystemExit(7)
"""
"""Lives long, and answers an interrupt with a code of its own."""


def job(folder: Path, program: str, key: str = "one", **environment: str) -> Job:
    words = (sys.executable, "-c", program)
    return Job(key, words, str(folder), str(folder / "logs" / f"{key}.log"), environment)


def ended(executor: Executor, count: int) -> dict[str, JobEnd]:
    found: dict[str, JobEnd] = {}
    deadline = time.monotonic() + LONG
    while len(found) < count and time.monotonic() < deadline:
        found |= {each.key: each for each in executor.wait(1.0)}
    return found


def appeared(file: Path) -> str:
    deadline = time.monotonic() + LONG
    while not (file.exists() and file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return file.read_text()


def is_gone(pid: int) -> bool:
    deadline = time.monotonic() + LONG
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
