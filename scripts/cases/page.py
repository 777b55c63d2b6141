"""The local page in the system's Chromium, beside a bare page of the same grid, and its reaches."""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from cases.measuring import Figure, ratios
from cases.processes import XVC
from xvc import Tracker
from xvc.page.files import STATIC

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "tests"))
demo_project = import_module("demo_project")  # the projects that the tests look at, too
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_GRID = "static/vendor/ag-grid"
_BARE = f"""<!doctype html><meta charset="utf-8">
<link rel="stylesheet" href="{_GRID}/ag-grid-no-native-widgets.min.css">
<link rel="stylesheet" href="{_GRID}/ag-theme-quartz-no-font.min.css">
<div id="grid" class="ag-theme-quartz" style="height: 800px"></div>
<script defer src="{_GRID}/ag-grid-community.min.noStyle.js"></script>
<script defer src="bare.js"></script>
"""
_DRAWN = """fetch("rows.json").then((answer) => answer.json()).then((rows) => {
  agGrid.ModuleRegistry.registerModules([agGrid.AllCommunityModule]);
  const columnDefs = Object.keys(rows[0]).map((field) => ({ field }));
  const options = { theme: "legacy", columnDefs, rowData: rows };
  agGrid.createGrid(document.getElementById("grid"), options);
});
"""
_SEEN = """new MutationObserver((_, watch) => {
  if (!document.querySelector(SELECTOR)) return;
  watch.disconnect();
  requestAnimationFrame(() => setTimeout(() => {
    document.documentElement.dataset.seen = performance.now();
  }));
}).observe(document, { childList: true, subtree: true });
"""
_WATCH = """([place, words]) => {
  window.shownAt = new Promise((done) => {
    const look = () => {
      const all = [...document.querySelectorAll(place)];
      const isThere = all.some((each) => each.innerText.includes(words));
      const tell = () => done(Date.now() / 1000);
      if (isThere) requestAnimationFrame(() => setTimeout(tell));
      else setTimeout(look, 5);
    };
    look();
  });
}"""
_SORT = """() => new Promise((done) => {
  const start = performance.now();
  const head = document.querySelector(".ag-header-cell[col-id='metrics.accuracy']");
  head.querySelector(".ag-header-cell-label").click();
  requestAnimationFrame(() => setTimeout(() => done((performance.now() - start) / 1000)));
})"""
_FRAMES = """() => new Promise((done) => {
  const canvas = document.querySelector(".chart-canvas");
  const { left, top, width } = canvas.getBoundingClientRect();
  const start = performance.now();
  let frames = 0;
  const turn = () => {
    const at = { clientX: left + width / 2, clientY: top + 50, bubbles: true, cancelable: true };
    const deltaY = frames % 20 < 10 ? -40 : 40;
    canvas.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY, ctrlKey: true }));
    frames += 1;
    if (performance.now() - start < 1500) requestAnimationFrame(turn);
    else done(frames / ((performance.now() - start) / 1000));
  };
  turn();
})"""


def page(folder: Path, rounds: int, runs: int, points: int) -> list[Figure]:
    """Everything that the page promises; nothing where there is no browser to see it with."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return []
    if _CHROMIUM is None:
        return []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        figures = [
            *_lists(browser, folder / "page-runs", rounds, runs),
            *_curves(browser, folder / "page-curves", rounds, points),
        ]
        browser.close()
    return figures


def _lists(browser: Browser, folder: Path, rounds: int, runs: int) -> list[Figure]:
    project = demo_project.repository(folder, os.environ)
    demo_project.many_runs(project, runs)
    subprocess.run([XVC, "-q", "ls"], cwd=folder, check=True, capture_output=True)
    with _served(folder) as (address, server), _bare(folder.parent / "bare", runs) as bare:
        figures = []
        for name, selector in (("first_row", ".run-name"), ("grid", ".ag-row .run-name")):
            ours = _first(browser, address, selector)
            ratio, spent, base = ratios(ours, _first(browser, bare, ".ag-row .ag-cell"), rounds)
            what = f"{'first row' if name == 'first_row' else 'list'} of {runs:,} runs"
            note = f"{spent:.2f} s against {base:.2f} s"
            floor = "AG Grid alone, the rows in a file"
            figures.append(Figure(f"page_{name}", what, floor, ratio, 1.5, note))
        view = _opened(browser, address, ".grid[data-drawn]")
        view.wait_for_selector(".told:has-text(' run')")
        view.wait_for_timeout(1500)
        figures.append(_reach("page_sort", f"a sort of {runs:,} runs", view.evaluate(_SORT), 0.3))
        view.evaluate(_WATCH, [".told", " of "])
        start = time.time()
        view.fill(".filter", "accuracy > 0.5")
        spent = view.evaluate("window.shownAt") - start
        figures.append(_reach("page_filter", f"a filter of {runs:,} runs, typed", spent, 0.3))
        figures.append(_logged(view, folder))
        memory = server.memory_info().rss / 1e6
        what, note = f"memory of the server, {runs:,} runs", f"{memory:.0f} MB"
        figures.append(Figure("page_memory", what, "300 MB", memory / 300, 1.0, note))
        view.context.close()
    return figures


def _logged(view: Page, folder: Path) -> Figure:
    """From the return of `log` until the page of the run shows the value."""
    with Tracker(folder / "results/experiments.duckdb") as tracker:
        tracker.log({"seen": 1, "step": 0})
        view.goto(f"{view.url.partition('#')[0]}#/run?id={tracker.track_id}")
        view.wait_for_selector("td:has-text('1')")
        view.evaluate(_WATCH, ["td", "4321"])
        tracker.log({"seen": 4321, "step": 1})
        start = time.time()
        spent = view.evaluate("window.shownAt") - start
    return _reach("page_live", "a logged row on the page of its run", spent, 1.0)


def _curves(browser: Browser, folder: Path, rounds: int, points: int) -> list[Figure]:
    project = demo_project.repository(folder, os.environ)
    demo_project.many_runs(project, 100, rows=points)
    subprocess.run([XVC, "-q", "ls"], cwd=folder, check=True, capture_output=True)
    with _served(folder) as (address, _):
        view = _opened(browser, address, ".ag-row")
        spent = []
        for _round in range(max(2, rounds // 2)):
            view.goto(f"{view.url.partition('#')[0]}#/runs")
            view.wait_for_selector(".ag-row")
            view.evaluate(_WATCH, [".curve-body[data-drawn]", ""])
            start = time.time()
            view.goto(f"{view.url.partition('#')[0]}#/curves?limit=100&keys=loss")
            spent.append(view.evaluate("window.shownAt") - start)
        what = f"100 curves × {points:,} points"
        frames = view.evaluate(_FRAMES)
        view.context.close()
    note = f"{frames:.0f} frames a second"
    return [
        _reach("page_curves", what, min(spent), 1.0),
        Figure("page_zoom", f"zoom of {what}", "30 frames a second", 30 / frames, 1.0, note),
    ]


def _reach(name: str, what: str, spent: float, reach: float) -> Figure:
    return Figure(name, what, f"{reach:g} s", spent / reach, 1.0, f"{spent:.2f} s")


def _first(browser: Browser, address: str, selector: str) -> Callable[[], float]:
    """Return what measures a visit: from its beginning until the first row has been painted."""

    def timed() -> float:
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        view = context.new_page()
        view.add_init_script(_SEEN.replace("SELECTOR", json.dumps(selector)))
        view.goto(address, wait_until="commit")
        view.wait_for_selector("html[data-seen]")
        spent = float(view.get_attribute("html", "data-seen") or "nan") / 1000
        context.close()
        return spent

    return timed


def _opened(browser: Browser, address: str, selector: str) -> Page:
    view = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    view.goto(address)
    view.wait_for_selector(selector)
    return view


@contextmanager
def _served(folder: Path) -> Iterator[tuple[str, Any]]:
    process = subprocess.Popen([XVC, "ui", "--json"], cwd=folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        time.sleep(3)  # it reads the runs before anybody asks
        yield told["data"]["address"], psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)


@contextmanager
def _bare(folder: Path, runs: int) -> Iterator[str]:
    """The same grid alone, with as many rows of 18 columns, from a plain server of files."""
    shutil.copytree(STATIC, folder / "static")
    row = {f"column {n}": n / 7 if n < 10 else f"text {n}" for n in range(18)}
    (folder / "rows.json").write_text(json.dumps([row] * runs))
    (folder / "index.html").write_text(_BARE)
    (folder / "bare.js").write_text(_DRAWN)
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        """Say nothing."""
