"""The pages of comparisons, sweeps, versions, models and work trees, in a real browser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from served_page import Looked, Served, serving
from surroundings import forked, git, private_environment
from xvc.git.history import Commit
from xvc.page.versions import lanes_of

_TRAIN = """\
import argparse, pathlib
from xvc import Tracker

options = argparse.ArgumentParser()
options.add_argument("--lr", type=float, default=0.1)
tracker = Tracker(params=vars(options.parse_args()))
lr = tracker.params["lr"]
if lr > 5:
    raise ValueError("<img src=x onerror='window.taken=1'> is too much")
for step in range(5):
    tracker.log({"step": step, "loss": 1 / (1 + lr * step)})
pathlib.Path("net.txt").write_text(str(lr))
"""


@dataclass(frozen=True)
class Place:
    """A project, and its page."""

    folder: Path
    served: Served

    def page(self, name: str) -> str:
        """The address of a page."""
        return f"{self.served.place}#/{name}"


def _call(folder: Path, *words: str) -> None:
    if words[0] == "git":
        git(folder, *words[1:])
        return
    done = forked("xvc", "-q", *words, cwd=folder)
    assert done.code in (0, 1, 4), done.err  # 1: a trial failed, 4: conflicts


def _made(folder: Path) -> None:
    """A project with versions, a sweep of which one trial failed, a model, a tree and a merge."""
    folder.mkdir()
    (folder / "train.py").write_text(_TRAIN)
    for words in (
        ("git", "init", "-q", "-b", "main"),
        ("git", "config", "user.name", "<b>Ada</b>"),
        ("git", "config", "user.email", "ada@example.org"),
        ("git", "add", "-A"),
        ("git", "commit", "-qm", "a <script>window.taken=1</script> line"),
        ("init",),
        ("run", "--tag", "minor", "--model", "net.txt:net", "--", "python", "train.py"),
    ):
        _call(folder, *words)
    (folder / "train.py").write_text(_TRAIN.replace("range(5)", "range(9)"))
    train = ("python", "train.py", "--lr", "0.4")
    _call(folder, "run", "--tag", "minor", "--model", "net.txt:net", "--", *train)
    _call(folder, "model", "promote", "e0.1.0")
    sweep = ("--param", "lr=0.2,0.3,9", "--metric", "loss:min", "--", "python", "train.py")
    _call(folder, "sweep", *sweep)
    _call(folder, "worktree", "add", "side")
    for tree, value in ((folder, "0.5"), (folder.parent / "exp-side", "0.6")):
        _call(tree, "db", "set", "loss", value, "--run", "e0.1.0", "--yes")
        _call(tree, "tag", "patch", "-m", f"set to {value}", "--run", "e0.1.0")
    _call(folder, "merge", "worktree:side")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Such a project, served."""
    outer = tmp_path_factory.mktemp("subjects")
    before = dict(os.environ)
    os.environ.update(private_environment(outer / "home"))
    try:
        _made(outer / "project")
        with serving(outer / "project") as found:
            yield Place(outer / "project", found)
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def looked(place: Place, look: Callable[..., Looked]) -> Looked:
    """A browser that has the key; nothing that a store says may be taken for markup."""
    found = look()
    found.open(place.served.address, until=".ag-row")
    return found


def _is_taken(looked: Looked) -> bool:
    return bool(looked.page.evaluate("'taken' in window")) or looked.complaints != []


def test_a_comparison_has_numbers_and_code_side_by_side(place: Place, looked: Looked) -> None:
    """The params that differ stand beside each other, and the changed line of code is marked."""
    page = looked.open(place.page("compare?runs=e0.1.0,e0.2.0"), until="table.compare")
    page.click("details.code-file:has-text('train.py') summary")
    page.wait_for_selector(".sides mark")

    assert page.inner_text("tr:has(th:text-is('lr'))").split() == ["lr", "0.1", "0.4"]
    assert page.inner_text(".sides .plus mark") == "9"
    assert not _is_taken(looked)


def test_a_sweep_shows_its_best_and_why_a_trial_failed(place: Place, looked: Looked) -> None:
    """The list leads to the sweep; the reason of a failed trial is text, whatever it holds."""
    page = looked.open(place.page("sweeps"), until="table.plain td a")
    page.click("table.plain td a")
    page.wait_for_selector(".chart canvas")

    assert "too much" in page.inner_text("section:has-text('1 failed')")
    assert page.inner_text(".progress").startswith("3/3")
    assert not _is_taken(looked)


def test_the_graph_has_each_version_at_its_commit(place: Place, looked: Looked) -> None:
    """Versions, branches and work trees stand at their commits, subjects as text."""
    page = looked.open(place.page("versions"), until=".graph-row")
    words = page.inner_text(".graph")

    assert all(name in words for name in ("e0.1.0", "e0.2.0", "main", "exp/side"))
    assert "<script>" in words
    assert not _is_taken(looked)


def test_a_model_is_promoted_with_the_plan_first(place: Place, looked: Looked) -> None:
    """What would be done is shown; only then is it done."""
    page = looked.open(place.page("models"), until="section.model")
    before = page.inner_text(".stage .big")
    page.click("tr:has-text('e0.2.0') button:text-is('Promote…')")
    page.click("dialog button:text-is('Show the plan')")
    page.wait_for_selector("dialog:has-text('in the place of')")
    page.click("dialog button:text-is('Promote')")
    page.wait_for_selector(".stage .big:has-text('e0.2.0')")

    assert before.startswith("e0.1")
    assert not _is_taken(looked)


def test_conflicts_are_decided_by_clicks(place: Place, looked: Looked) -> None:
    """A click takes a side, a button the rest, and the merge goes on."""
    page = looked.open(place.page("trees"), until="section:has-text('A merge waits')")
    page.click("td button[title^='take theirs'] >> nth=0")
    page.wait_for_selector("td.chosen")
    page.click("button:text-is('All ours')")
    page.wait_for_selector("text=all is decided")
    page.click("button:text-is('Merge')")
    page.wait_for_selector("section:has-text('A merge waits')", state="detached")
    done = subprocess.run(
        [sys.executable, "-m", "xvc", "merge", "--conflicts"],
        cwd=place.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "no merge is unfinished" in done.stderr
    assert not _is_taken(looked)


def test_a_view_is_saved_in_the_settings(place: Place, looked: Looked) -> None:
    """What is filtered is there again under its name; xvc.yaml keeps its other lines."""
    settings = place.folder / "xvc.yaml"
    before = settings.read_text()
    page = looked.open(place.page("runs"), until=".ag-row")
    page.keyboard.press("/")
    page.keyboard.type("lr > 0.35")
    page.wait_for_selector(".told:has-text(' of ')")
    page.click("button:text-is('Save view…')")
    page.fill("dialog input", "large steps")
    page.click("dialog button:text-is('Save')")
    page.wait_for_selector("option:text-is('large steps')", state="attached")
    shown = looked.open(place.served.address, until=".ag-row")
    shown.select_option("select[aria-label='Saved views']", label="large steps")
    shown.wait_for_selector(".told:has-text(' of ')")

    assert set(before.splitlines()) <= set(settings.read_text().splitlines())
    assert "large steps" in settings.read_text()
    assert not _is_taken(looked)


def test_a_copy_has_these_pages_too(
    tmp_path: Path, place: Place, look: Callable[..., Looked]
) -> None:
    """The exported page shows sweeps, the graph and what a version changed, from files alone."""
    _call(place.folder, "ui", "--export", str(tmp_path / "copy"))
    found = look()
    index = (tmp_path / "copy" / "index.html").as_uri()
    page = found.open(f"{index}#/sweeps", until="table.plain td a")
    page.click("table.plain td a")
    page.wait_for_selector("section:has-text('1 failed')")
    found.open(f"{index}#/versions", until=".graph-row")
    page.click("button:text-is('Only versions')")
    page.click("a:text-is('what changed since e0.1.0')")
    page.wait_for_selector("table.compare")

    assert found.complaints == []


def test_lanes_are_free_again_where_a_branch_ends() -> None:
    """Two branches beside each other take two lanes, two after each other the same."""
    history = {"d": ("c", "x"), "x": ("c",), "c": ("a", "b"), "b": ("a",), "a": ()}
    rows = lanes_of([Commit(name, of, 0, "", "") for name, of in history.items()])

    assert [row.lane for row in rows] == [0, 1, 0, 1, 0]
