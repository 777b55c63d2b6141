"""The page as somebody walks through it, in a real browser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import demo_project
from served_page import Looked, Served, serving
from surroundings import private_environment

ROW = ".ag-row .run-name"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A project of forty runs with curves, served."""
    folder = tmp_path_factory.mktemp("page")
    environment = private_environment(folder / "home")
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        project = demo_project.repository(folder / "demo", environment)
        demo_project.many_runs(project, 40, rows=20)
        with serving(folder / "demo") as found:
            yield found
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_runs_are_listed_narrowed_and_opened(served: Served, look: Callable[..., Looked]) -> None:
    """The list shows all runs, a filter some, a broken one its reason; a run opens with a curve."""
    looked = look()
    page = looked.open(served.address, until=ROW)
    page.wait_for_selector("text=40 runs")
    page.keyboard.press("/")
    page.keyboard.type("loss <")
    page.wait_for_selector(".told .bad")
    reason = page.inner_text(".told .bad")
    page.keyboard.type(" 0.5")
    page.wait_for_selector("text=of 40 runs")
    page.wait_for_selector(".spark polyline")
    page.click(ROW)
    page.wait_for_selector(".chart canvas")

    assert "a number, true, false" in reason
    assert "#/run?id=m" in page.url
    assert "token" not in page.url
    assert looked.complaints == []


def test_nothing_is_asked_for_elsewhere(served: Served, look: Callable[..., Looked]) -> None:
    """Every request goes to the server of the page."""
    looked = look()
    page = looked.open(served.address, until=ROW)
    page.goto(f"{served.place}#/run?id=m00000000003")
    page.wait_for_selector(".chart canvas")

    hosts = {urlsplit(url).netloc for url in looked.asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {f"127.0.0.1:{served.port}"}


def test_without_the_key_nothing_is_shown(served: Served, look: Callable[..., Looked]) -> None:
    """An address without the key says how to get one, and a wrong key is none."""
    page, told = look().page, []
    for address in (served.place, f"{served.place}?token=wrong"):
        answer = page.goto(address)
        assert answer is not None
        told.append((answer.status, "xvc ui" in answer.text()))

    assert told == [(403, True)] * 2


def test_an_exported_page_opens_without_a_server(
    tmp_path: Path, served: Served, look: Callable[..., Looked]
) -> None:
    """The copy shows the same runs from files, and asks nobody."""
    folder = Path(os.readlink(f"/proc/{served.pid}/cwd"))
    words = [sys.executable, "-m", "xvc", "ui", "--export", str(tmp_path / "copy"), "--json"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    looked = look()
    page = looked.open((tmp_path / "copy" / "index.html").as_uri(), until=ROW)
    page.wait_for_selector("text=40 runs")
    page.select_option("select[aria-label='Group by']", "params.optimizer")
    page.wait_for_selector("table.plain tbody tr:has-text('adam')")
    page.click("nav >> text=Curves")
    page.wait_for_selector(".curve-body[data-drawn]")
    page.click("text=Runs")
    page.click(ROW)
    page.wait_for_selector(".chart canvas")

    assert done.returncode == 0, done.stderr
    assert "Content-Security-Policy" in (tmp_path / "copy" / "index.html").read_text()
    assert looked.complaints == []
    assert {urlsplit(url).scheme for url in looked.asked} == {"file"}
