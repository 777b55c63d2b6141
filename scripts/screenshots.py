"""Make docs/pictures: a small project is run, and its page is looked at with Chromium.

    scripts/environment && .venv/bin/python scripts/screenshots.py

Needs Chromium on the PATH; writes nothing else, and asks nobody but the page.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
_SIZE = {"width": 1280, "height": 800}
_TRAIN = '''\
"""Fit a line to noisy points by gradient descent."""

import argparse
import math
import pathlib
import random
import time

from xvc import Tracker

options = argparse.ArgumentParser()
options.add_argument("--lr", type=float, default=0.05)
options.add_argument("--depth", type=int, default=3)
options.add_argument("--seed", type=int, default=0)
tracker = Tracker(params=vars(options.parse_args()))
lr, depth, seed = (tracker.params[name] for name in ("lr", "depth", "seed"))
if depth > 8:
    raise MemoryError(f"a depth of {depth} does not fit")
chance = random.Random(10 * seed + depth)
floor = 0.04 + 0.02 * abs(depth - 5) + chance.gauss(0, 0.006)
for step in range(120):
    loss = floor + math.exp(-lr * step) + chance.gauss(0, 0.012)
    print(f"step {step} loss {loss:.4f}")
    time.sleep(0.01)  # as if there were much to compute
    tracker.log({"step": step, "loss": round(loss, 4), "accuracy": round(1 - loss / 2, 4)})
pathlib.Path("net.txt").write_text(f"{lr} {depth}")
'''


def main() -> None:
    """Make the project, serve it, take the pictures."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("screenshots: Chromium is not on the PATH")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "digits"
        _make(folder)
        server = subprocess.Popen(
            [sys.executable, "-m", "xvc", "ui", "--json"], cwd=folder, stdout=subprocess.PIPE
        )
        try:
            assert server.stdout is not None
            address = json.loads(server.stdout.readline())["data"]["address"]
            PICTURES.mkdir(parents=True, exist_ok=True)
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                page = browser.new_page(viewport=_SIZE)  # type: ignore[arg-type]
                _look(page, address)
                browser.close()
        finally:
            server.terminate()
            server.wait()


def _call(folder: Path, *words: str) -> None:
    command = [sys.executable, "-m", "xvc", "-q", *words] if words[0] != "git" else list(words)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "PATH": path}
    environment["XVC_SYSTEM_INTERVAL"] = "0.1"  # the runs are short, and have a look at each tenth
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(words)}: {done.stderr.decode()}")


def _make(folder: Path) -> None:
    """Run what the pictures show: repeats, another idea, a failure, a sweep, a model, a tree."""
    folder.mkdir()
    script = folder / "train.py"
    script.write_text(_TRAIN)
    train = ("--", "python", "train.py")
    for words in (
        ("git", "init", "-q", "-b", "main"),
        ("git", "config", "user.name", "Ada Lovelace"),
        ("git", "config", "user.email", "ada@example.org"),
        ("git", "add", "-A"),
        ("git", "commit", "-qm", "A training script"),
        ("init",),
        *(("run", "--model", "net.txt:net", *train, "--seed", str(seed)) for seed in range(3)),
        ("run", "--tag", "minor", "--model", "net.txt:net", *train, "--seed", "3"),
        ("model", "promote", "@"),
        ("run", *train, "--depth", "9"),
        *(("run", *train, "--depth", "5", "--seed", str(seed)) for seed in range(3)),
        ("run", "--tag", "minor", "--model", "net.txt:net", *train, "--depth", "5", "--seed", "3"),
        ("worktree", "add", "wider"),
        (
            *("sweep", "-P", "lr=0.01..0.3:log", "-P", "depth=2..8", "--sampler", "random"),
            *("--trials", "16", "--jobs", "2", "--metric", "accuracy:max", *train),
        ),
    ):
        _call(folder, *words)
    script.write_text(_TRAIN.replace("range(120)", "range(160)").replace("0.012", "0.009"))
    _call(folder, "git", "commit", "-qam", "Train longer")
    _call(folder, "run", "--tag", "minor", "-m", "longer", *train, "--depth", "5", "--lr", "0.1")


def _look(page: Page, address: str) -> None:
    """Take one picture after the other."""
    place = address.partition("?")[0]
    page.goto(address)
    page.wait_for_selector(".spark polyline")
    _take(page, "runs")
    page.goto(f"{place}#/run?id=e0.2.0")
    page.wait_for_selector(".chart canvas")
    page.set_viewport_size({**_SIZE, "height": 1240})  # type: ignore[typeddict-item]
    _take(page, "run")
    page.set_viewport_size(_SIZE)  # type: ignore[arg-type]
    page.goto(f"{place}#/compare?runs=e0.1.0,e0.2.0")
    page.wait_for_selector(".chart canvas")
    _take(page, "compare")
    page.goto(f"{place}#/sweeps")
    page.click("table.plain td a")
    page.wait_for_selector(".chart canvas")
    _take(page, "sweep")
    page.goto(f"{place}#/versions")
    page.wait_for_selector(".graph-row")
    _take(page, "versions")
    page.goto(f"{place}#/curves")
    page.wait_for_selector(".chart canvas")
    page.keyboard.press("t")
    _take(page, "curves")


def _take(page: Page, name: str) -> None:
    page.wait_for_timeout(1500)
    page.screenshot(path=str(PICTURES / f"{name}.png"))


if __name__ == "__main__":
    main()
