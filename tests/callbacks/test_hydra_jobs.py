"""Jobs that Hydra itself launches, single ones and those of a multirun, are runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from surroundings import Calling
from xvc import Reader

CONFIG = """
lr: 0.1
net: {width: "${lr}", sizes: [1, "${lr}"]}
needed: ???
nowhere: ${gone}
job: ${hydra:job.name}
hydra:
  callbacks: {xvc: {_target_: xvc.callbacks.HydraCallback}}
"""
SCRIPT = """
import sys

import hydra

@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(config):
    if config.lr == 3:
        sys.exit(3)
    return {"accuracy": 1 - config.lr}

main()
"""


@pytest.fixture
def job(project: Path) -> Path:
    """A project with a program of Hydra."""
    pytest.importorskip("hydra")
    (project / "conf").mkdir()
    (project / "conf/config.yaml").write_text(CONFIG)
    (project / "job.py").write_text(SCRIPT)
    return project


def runs() -> list[tuple[object, ...]]:
    """Name, status, parent and params of each run, oldest first."""
    asked = "SELECT name, status, parent, params->>'lr' FROM runs ORDER BY started"
    return Reader().conn.execute(asked).fetchall()


def test_a_job_that_works_elsewhere_is_a_run_of_its_project(job: Path, tmp_path: Path) -> None:
    """Its params are resolved, one that cannot be is as it was written; its exit code counts."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    words = ["hydra.job.chdir=true", f"hydra.run.dir={outside}"]
    for lr in ("0.25", "3"):
        subprocess.run([sys.executable, "job.py", f"lr={lr}", *words], check=False)
    asked = "SELECT params FROM runs ORDER BY started LIMIT 1"
    params = Reader().conn.execute(asked).fetchone()

    assert [run[:3] for run in runs()] == [("job", "finished", None), ("job", "failed", None)]
    assert params is not None
    assert json.loads(params[0]) == {
        "job": "job",
        "lr": 0.25,
        "net.width": 0.25,
        "net.sizes": [1, 0.25],
        "needed": "???",
        "nowhere": "${gone}",
    }
    assert not (outside / "results").exists()


def test_each_job_of_a_multirun_is_a_run(job: Path, run_xvc: Calling) -> None:
    """They are children of the run of `xvc run`, each with its own params and result."""
    run_xvc("run", "--", sys.executable, "job.py", "-m", "lr=0.1,0.2")
    (outer, first, second), frame = runs(), Reader().to_df()

    assert (first[2], second[2]) == (second[2], first[2])
    assert first[2] is not None
    assert outer[2:] == (None, None)
    assert [(run[1], run[3]) for run in (first, second)] == [
        ("finished", "0.1"),
        ("finished", "0.2"),
    ]
    assert frame["accuracy"].tolist() == [0.9, 0.8]
