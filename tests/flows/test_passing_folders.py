"""Runs in folders that are about to go: kept in the project they are for, or said before."""

from __future__ import annotations

import shutil
from pathlib import Path

from surroundings import Calling, git


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


def test_a_scratch_clone_says_that_its_runs_go(
    project: Path, tmp_path: Path, run_xvc: Calling
) -> None:
    """Before the command starts, with the way to keep the run."""
    git(tmp_path, "clone", "-q", str(project), "scratch")
    there = run_xvc("run", "--", "echo", "begun", cwd=tmp_path / "scratch")
    here = run_xvc("run", "--", "true", cwd=project)

    assert "this run goes with it; `xvc push --runs` keeps it" in there.err
    assert "goes with it" not in here.err
