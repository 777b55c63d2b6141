"""A page that is served to a test, and what a browser asked for and complained of."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page


@dataclass
class Looked:
    """A page in the browser, with everything that it asked for and complained of."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, address: str, *, until: str) -> Page:
        """Go there, and wait for what the selector *until* finds."""
        self.page.goto(address)
        self.page.wait_for_selector(until, timeout=30_000)
        return self.page


@dataclass(frozen=True)
class Served:
    """A page that a process of its own serves."""

    address: str
    port: int
    pid: int

    @property
    def place(self) -> str:
        """The address without its key."""
        return self.address.partition("?")[0]


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[Served]:
    """Call `xvc ui` there, as a user does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "xvc", "ui", "--json", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())["data"]
        yield Served(told["address"], told["port"], process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 0
