"""The DVC stage of the skill: tables put together by ``dvc repro``, in a fresh clone, too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from surroundings import git

TEMPLATES = Path(__file__).parents[2] / "skills" / "git-versioning" / "assets"
OUT = "data/combined.parquet"


def dvc(folder: Path, *words: str) -> str:
    """Call DVC, with the xvc of this interpreter on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_stage_runs_in_a_fresh_clone(project: Path, tmp_path: Path) -> None:
    """`dvc repro` makes the same table from what was pulled, and has nothing to do afterwards."""
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(TEMPLATES / f"combine-{name}", project / name)
    data = project / "data"
    data.mkdir()
    base = pa.table({"id": [1, 2], "split": ["a", "a"], "score": [0.1, 0.2]})
    pq.write_table(base, data / "base.parquet")
    pq.write_table(
        pa.table({"id": [2, 3], "split": ["a", "a"], "score": [0.9, 0.3]}), data / "new.parquet"
    )
    dvc(project, "add", "-q", "data/base.parquet", "data/new.parquet")
    dvc(project, "repro")
    made = (project / OUT).read_bytes()
    dvc(project, "remote", "add", "-d", "store", str(tmp_path / "remote"))
    git(project, "add", "-A")
    git(project, "commit", "-qm", "a table put together")
    dvc(project, "push", "-q", "data/base.parquet.dvc", "data/new.parquet.dvc")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(project), str(clone))

    dvc(clone, "pull", "-q", "data/base.parquet.dvc", "data/new.parquet.dvc")
    dvc(clone, "repro")

    assert (clone / OUT).read_bytes() == made
    scores = {row["id"]: row["score"] for row in pq.read_table(clone / OUT).to_pylist()}
    assert scores == {1: 0.1, 2: 0.9, 3: 0.3}
    assert "up to date" in dvc(clone, "repro")
