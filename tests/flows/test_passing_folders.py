"""Runs in folders that are about to go: kept in the project they are for, or said before."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from surroundings import Calling, git
from xvc import Tracker


def test_a_run_of_dvc_exp_is_kept_in_its_project(
    project: Path, call_xvc: Calling, run_xvc: Calling
) -> None:
    """As `dvc exp run --temp` and the queue do it: a repository below .dvc/tmp, then removed."""
    place = project / ".dvc/tmp/exps/standalone/tmp1"
    place.parent.mkdir(parents=True)
    git(project, "clone", "-q", str(project), str(place))
    (place / "train.py").write_text("open('new.txt', 'w').write('1')\n")
    done = run_xvc("run", "--json", "--", "python", "train.py", cwd=place)
    shutil.rmtree(place)
    (run,) = call_xvc("ls", "--json").data["runs"]

    assert done.data["run"] == run["id"]
    assert git(project, "show", f"refs/xvc/runs/{run['id']}:train.py").startswith("open(")
    assert call_xvc("get", run["id"], "train.py", "-o", "got.py").code == 0


def test_a_tracker_of_dvc_exp_is_kept_in_its_project(project: Path, call_xvc: Calling) -> None:
    """A script that nobody began with `xvc run` is a run of the project, too."""
    place = project / ".dvc/tmp/exps/standalone/tmp2"
    place.parent.mkdir(parents=True)
    git(project, "clone", "-q", str(project), str(place))
    script = "from xvc import Tracker\nwith Tracker() as t: t.log({'acc': 0.5})\n"
    (place / "fit.py").write_text(script)
    subprocess.run([sys.executable, "fit.py"], cwd=place, check=True)
    shutil.rmtree(place)
    (run,) = call_xvc("ls", "--json").data["runs"]

    assert (run["metrics"], run["status"]) == ({"acc": 0.5}, "finished")
    assert git(project, "show", f"refs/xvc/runs/{run['id']}:fit.py") == script.strip()


def test_a_tracker_in_a_scratch_clone_says_that_its_run_goes(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `xvc run` does."""
    git(tmp_path, "clone", "-q", str(project), "scratch")
    monkeypatch.chdir(tmp_path / "scratch")
    with Tracker() as tracker:
        pass

    assert any("this run goes with it" in said for said in tracker.warnings)


def test_a_scratch_clone_says_that_its_runs_go(
    project: Path, tmp_path: Path, run_xvc: Calling
) -> None:
    """Before the command starts, with the way to keep the run."""
    git(tmp_path, "clone", "-q", str(project), "scratch")
    there = run_xvc("run", "--", "echo", "begun", cwd=tmp_path / "scratch")
    here = run_xvc("run", "--", "true", cwd=project)

    assert "this run goes with it; `xvc push --runs` keeps it" in there.err
    assert "goes with it" not in here.err
