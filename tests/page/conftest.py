"""A browser for a module, a page that is served, and what must never be seen in it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium of the system, one for a module."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def look(browser: Browser) -> Iterator[Callable[..., Looked]]:
    """Make a page in a context of its own; its complaints are those of its policy and scripts."""
    contexts: list[Any] = []

    def made(**how: Any) -> Looked:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, **how)
        contexts.append(context)
        looked = Looked(context.new_page())
        looked.page.on("request", lambda asked: looked.asked.append(asked.url))
        looked.page.on("pageerror", lambda err: looked.complaints.append(str(err)))
        looked.page.on(
            "console",
            lambda said: (
                looked.complaints.append(said.text)
                if said.type == "error" and "status of 4" not in said.text
                else None
            ),
        )
        return looked

    yield made
    for context in contexts:
        context.close()
