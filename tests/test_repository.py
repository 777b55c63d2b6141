"""What this repository holds is what belongs there."""

import subprocess
from pathlib import Path

import yaml

_ROOT = Path(__file__).parents[1]


def test_what_the_pipeline_of_the_benchmark_names_is_there() -> None:
    """`dvc repro` refuses a dependency that was moved."""
    stages = yaml.safe_load((_ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]

    named = [path for stage in stages.values() for path in stage["deps"]]

    assert named
    assert [path for path in named if not (_ROOT / path).exists()] == []


def test_no_store_is_committed() -> None:
    """A run that somebody tries here leaves one, and `git add -A` takes it."""
    listed = subprocess.run(["git", "ls-files"], cwd=_ROOT, capture_output=True, text=True)

    stores = [name for name in listed.stdout.splitlines() if name.endswith((".duckdb", ".db"))]

    assert stores == []
