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
from xvc.core.objective import in_order
from xvc.page.browser_values import wired
from xvc.project import Project
from xvc.runs.list import ListRequest, runs

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


VALUES = (
    *(3, 1.5, -2, 2**70, -(10**400), float("inf"), float("-inf"), float("nan"), None, 3.0, 0, 1e-9),
    *(
        True,
        False,
        "a10",
        "a2",
        "A",
        "é",
        "\U0001f600",
        "\uffee",
        "",
        [1, "a", None],
        {"a": 2},
        "a2",
    ),
    *(float("nan"), None, 2**53 + 1, 2**53),
)


def test_values_are_sorted_as_by_the_command_line(
    served: Served, look: Callable[..., Looked]
) -> None:
    """Both ways: numbers of any size, then texts, then NaN and nothing; of equals the older."""
    page = look().open(served.address, until=ROW)
    sort = """([given, isDown]) => {
        const values = given.map(xvc.value), sign = isDown ? -1 : 1;
        const order = (a, b) => sign * xvc.order(values[a], values[b], isDown, a - b);
        return values.map((_, place) => place).sort(order);
    }"""
    for is_down in (False, True):
        asked = [wired(list(VALUES)), is_down]

        assert page.evaluate(sort, asked) == in_order(dict(enumerate(VALUES)), descending=is_down)


@pytest.mark.parametrize("asked", ["params.seed~desc", "params.model~asc", "status~asc"])
def test_the_list_has_the_order_of_the_command_line(
    served: Served, look: Callable[..., Looked], asked: str
) -> None:
    """Runs that are equal stand in the same order as in `xvc ls --sort`."""
    page = look().open(f"{served.address}#/runs?sort={asked}", until=ROW)
    page.wait_for_selector("text=40 runs")
    page.wait_for_selector(".ag-row[row-id]")
    shown = "rows => rows.map(({attributes: of}) => [+of['row-index'].value, of['row-id'].value])"
    found = page.eval_on_selector_all(".ag-row[row-id]", shown)
    rows = sorted({(place, run) for place, run in found})
    project = Project.find(Path(os.readlink(f"/proc/{served.pid}/cwd")), dict(os.environ))
    sort = asked.replace("~", ":").removeprefix("params.")
    listed = runs(project, ListRequest(sort=sort, limit=None))

    assert len(rows) > 10
    assert [run for _, run in rows] == [run.id for run in listed.runs][: len(rows)]


def test_a_page_that_is_chosen_at_once_is_shown(
    served: Served, look: Callable[..., Looked]
) -> None:
    """Whoever goes on before the project is known gets there, and nothing fails on the way."""
    looked = look()
    page = looked.open(served.address, until=ROW)
    page.add_init_script(
        """const soon = fetch; const late = new Promise((done) => setTimeout(done, 500));
        globalThis.fetch = (asked, ...how) => asked.startsWith('api/about')
            ? late.then(() => soon(asked, ...how)) : soon(asked, ...how);"""
    )
    page.goto("about:blank")
    page.goto(f"{served.place}#/runs")
    page.evaluate("location.hash = '#/versions'")
    page.wait_for_selector(".graph-row")

    assert looked.complaints == []


def test_a_group_leads_to_its_runs(served: Served, look: Callable[..., Looked]) -> None:
    """The filter behind a group has its number whole, however short it is shown."""
    page = look().open(f"{served.address}#/runs?by=params.lr", until="table.plain td a")
    page.click("table.plain td a >> nth=3")
    page.wait_for_selector(".told:has-text('1 of 40 runs')")


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
