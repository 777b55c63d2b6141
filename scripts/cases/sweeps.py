"""What a trial that does nothing costs: beside a run that does nothing, and beside DVC's queue."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from cases.measuring import Figure, ratios
from cases.processes import DVC, XVC, a_project, calls, process

_QUEUED = 10
"""Trials that DVC runs; what it takes for more is scaled, to spare the wait."""


def sweep(folder: Path, rounds: int, trials: int, compared: int) -> list[Figure]:
    """One trial more beside a run, and a sweep of *compared* trials beside DVC's of as many."""
    here = a_project(folder / "sweep")
    once = process([XVC, "-q", "run", "--", "true"], here)

    def each() -> float:
        return (_sweep(here, trials + 1, 1)() - _sweep(here, 1, 1)()) / trials

    ratio, spent, base = ratios(each, once, max(2, rounds // 3))
    note = f"{spent:.3f} s against {base:.3f} s; the difference of {trials + 1} trials and of 1"
    what = "a trial of `xvc sweep -j 1 -- true` more"
    figure = Figure("sweep_trial", what, "`xvc run -- true`", ratio, 2.0, note)
    return [figure, _beside_dvc(here, compared)]


def _sweep(here: Path, count: int, jobs: int) -> Callable[[], float]:
    words = ["sweep", "-P", f"a={_values(count)}", "-j", str(jobs), "--", "true", "{a}"]
    return process([XVC, "-q", *words], here)


def _values(count: int) -> str:
    return ",".join(map(str, range(1, count + 1)))


def _beside_dvc(here: Path, trials: int) -> Figure:
    """All trials of ours are run; of DVC's only ten, and their time is scaled to as many."""
    (here / "params.yaml").write_text("a: 0\n")
    (here / "dvc.yaml").write_text("stages:\n  t:\n    cmd: 'true'\n    params: [a]\n")
    calls(here, ["git", "add", "-A"], ["git", "commit", "-qm", "a stage"])
    queue = process([DVC, "exp", "run", "-q", "--queue", "-S", f"a={_values(_QUEUED)}"], here)
    ours, ten = _sweep(here, trials, 2)(), queue() + _run_all(here, _QUEUED)
    times = trials / _QUEUED
    note = f"{ours:.1f} s, measured, against {ten * times:.0f} s"
    if times == 1:
        note += ", measured too"
    else:
        note += f", scaled: {times:g} × the {ten:.1f} s of {_QUEUED} trials and a start"
    what = f"{trials} trials of `true` on 2 jobs, `xvc sweep -j 2`"
    floor = "`dvc exp run --queue`, `--run-all -j 2` of the same"
    return Figure("sweep_dvc", what, floor, ours / (ten * times), 0.2, note)


def _run_all(here: Path, count: int) -> float:
    """Until so many experiments are there; for workers that could not start DVC waits for ever."""
    path = os.pathsep.join([str(Path(DVC).parent), os.environ["PATH"]])  # it calls `dvc` by name
    listed = ["git", "for-each-ref", "--format=%(refname)", "refs/exps/??/*/*"]
    start = time.perf_counter()
    words = [DVC, "exp", "run", "-q", "--run-all", "-j", "2"]
    running = subprocess.Popen(words, cwd=here, env={**os.environ, "PATH": path})
    try:
        while len(subprocess.check_output(listed, cwd=here).splitlines()) < count:
            if time.perf_counter() - start > 600:
                raise SystemExit("dvc exp run --run-all did not end")
            time.sleep(0.1)
        return time.perf_counter() - start
    finally:
        running.terminate()
        running.wait()
