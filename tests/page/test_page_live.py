"""What happens while the page is open: runs that go on, and what people say of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import demo_project
from served_page import Looked, Served, serving
from surroundings import private_environment

TRAIN = """\
import time
from pathlib import Path

from xvc import Tracker

with Tracker() as tracker:
    for step in range(10_000):
        tracker.log({"step": step, "loss": 1 / (1 + step)})
        print("step", step, flush=True)
        if Path("stop").exists():
            break
        time.sleep(0.05)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small project with twelve runs, in an environment of its own."""
    folder = tmp_path_factory.mktemp("live")
    environment = private_environment(folder / "home")
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        demo_project.rich(demo_project.repository(folder / "demo", environment))
        (folder / "demo" / "live.py").write_text(TRAIN)
        yield folder / "demo"
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="module")
def served(place: Path) -> Iterator[Served]:
    """Its page."""
    with serving(place) as found:
        yield found


def test_a_run_is_seen_while_it_goes_on(
    place: Path, served: Served, look: Callable[..., Looked]
) -> None:
    """It appears in the list; its curves, output and use of the machine grow, and its end shows.

    Nothing is reloaded.
    """
    looked = look()
    page = looked.open(served.address, until="#live.on")
    page.wait_for_selector("text=12 runs")
    words = [sys.executable, "-m", "xvc", "-q", "run", "--name", "going", "--"]
    often = {**os.environ, "XVC_SYSTEM_INTERVAL": "0.1"}
    going = subprocess.Popen([*words, sys.executable, "live.py"], cwd=place, env=often)
    try:
        page.click(".run-name:has-text('going')")
        page.wait_for_selector(".status.running")
        page.wait_for_selector(".chart canvas")
        first = page.inner_text(".facts td >> nth=0")
        page.wait_for_function(
            "was => document.querySelector('.facts td').innerText !== was", arg=first
        )
        page.wait_for_selector(".log:has-text('step 3')")
        page.wait_for_selector(".chart:has-text('memory') canvas")
    finally:
        (place / "stop").touch()
        going.wait(timeout=60)
    page.wait_for_selector("h1 .status.finished")

    assert looked.complaints == []
    assert sum("index.html" in url or url == served.place for url in looked.asked) == 1


def test_what_is_said_of_runs_can_be_taken_back(
    served: Served, look: Callable[..., Looked]
) -> None:
    """A note is written where it stands; discarded runs leave the list; Undo brings one back."""
    looked = look()
    page = looked.open(f"{served.address}#/run?id=d00000000000", until=".run-note button")
    page.click("text=Add a note")
    page.fill(".note-text", "<b>seen</b> twice")
    page.click("text=Save")
    page.wait_for_selector(".run-note:has-text('<b>seen</b> twice')")
    page.click(".brand")
    page.click(".ag-row[row-id='d00000000000'] input")
    page.click("text=Discard…")
    page.fill("dialog input", "it saw the test set")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=1 discarded")
    page.click(".note .undo")
    page.wait_for_selector("text=Took back")
    page.wait_for_selector("text=1 discarded", state="detached")

    assert looked.complaints == []


def test_undo_takes_back_what_it_stands_beside(served: Served, look: Callable[..., Looked]) -> None:
    """The button does not take back what another page has changed since."""
    pages = []
    for words in ("first", "second"):
        pages.append(
            look().open(f"{served.address}#/run?id=d00000000001", until=".run-note button")
        )
        pages[-1].click(".run-note button")
        pages[-1].fill(".note-text", words)
        pages[-1].click("text=Save")
        pages[-1].wait_for_selector(".note .undo")
    pages[0].click(".note .undo")
    pages[0].wait_for_selector(".note.bad:has-text('and not the change')")
    pages[1].click(".note .undo")
    pages[1].wait_for_selector(".run-note:has-text('first')")


def test_the_branch_is_the_one_that_is_checked_out(
    place: Path, served: Served, look: Callable[..., Looked]
) -> None:
    """A checkout while the page is open shows in its bar."""
    page = look().open(served.address, until="#live.on")
    subprocess.run(["git", "checkout", "-q", "-b", "other"], cwd=place, check=True)
    page.wait_for_selector(".branch:has-text('other')")
    page.wait_for_selector("#live.on")


def test_a_page_for_reading_offers_no_change(place: Path, look: Callable[..., Looked]) -> None:
    """With --read-only nothing to change with is shown, and a change that is sent is refused."""
    with serving(place, "--read-only") as found:
        page = look().open(f"{found.address}#/run?id=d00000000000", until=".card")
        answer = page.evaluate(
            "fetch('api/change/note', {method: 'POST', headers: {'X-Xvc': '1'},"
            ' body: \'{"runs": "@", "note": "x"}\'}).then(r => r.status)'
        )

        assert page.query_selector(".run-note button") is None
    assert answer == 403
