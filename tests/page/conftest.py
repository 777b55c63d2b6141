"""A browser for a module, and pages in contexts of their own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from served_page import Looked

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


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
