"""The recipes for continuous integration, run as the scripts that they are, in a clone."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from remotes import use_remote
from surroundings import Calling, git

RECIPES = Path(__file__).parents[1] / "examples" / "ci"


def script_of(name: str) -> str:
    """The commands of a recipe, in order, as one script that stops where one fails."""
    read: Any = yaml.safe_load((RECIPES / name).read_text())
    if name.startswith("gitlab"):
        lines = read["gate"]["script"]
    else:
        lines = [step["run"] for step in read["jobs"]["gate"]["steps"] if "run" in step]
    return "\n".join(["set -e", *lines])


@pytest.fixture
def clone(project: Path, call_xvc: Calling, tmp_path: Path) -> Path:
    """What a runner has: a fresh clone with its tags, and a DVC remote that can be reached."""
    use_remote(project, {"url": str(project.parent / "shelf")})
    git(project.parent, "init", "-q", "--bare", "hub.git")
    git(project, "remote", "add", "origin", str(project.parent / "hub.git"))
    train = "import json; json.dump({'accuracy': 0.85}, open('metrics.json', 'w'))"
    assert call_xvc("run", "--tag", "minor", "--", "python", "-c", train).code == 0
    assert call_xvc("push").code == 0
    git(project, "push", "-q", "origin", "HEAD", "--tags")
    there = tmp_path / "runner"
    git(tmp_path, "clone", "-q", str(project.parent / "hub.git"), str(there))
    use_remote(there, {"url": str(project.parent / "shelf")})
    return there


@pytest.mark.parametrize("name", ["github-gate.yml", "gitlab-gate.yml"])
def test_a_recipe_holds_a_branch_to_its_results(clone: Path, tmp_path: Path, name: str) -> None:
    """The job fails with 3 below the bound, and passes above it; the table is there each time."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "pip").write_text("#!/bin/sh\n")
    (tools / "pip").chmod(0o755)
    summary = tmp_path / "summary.md"
    around = {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    script = script_of(name)

    unmet = subprocess.run(["bash", "-c", script], cwd=clone, env=around, check=False)
    told = (clone / "gate.md").read_text()
    easier = script.replace("--min 0.9", "--min 0.8")
    met = subprocess.run(["bash", "-c", easier], cwd=clone, env=around, check=False)

    assert (unmet.returncode, met.returncode) == (3, 0)
    assert "does not meet 1 of 2 conditions" in told
    assert "meets all 2 conditions" in (clone / "gate.md").read_text()
    if name.startswith("github"):
        assert "| condition" in summary.read_text()
    assert json.dumps(script).count("xvc-experiments") == 1
