"""A rebase of a table that is killed leaves the old rows or the new ones, and its source alone."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import yaml

from faulty import PYTHON, Repo, copy_repo
from forked import Fault

WORDS = ("rebase", "data", "data/base.parquet", "data/new.parquet", "--on", "id", "--yes")
OLD = [(1, "a"), (2, "b"), (3, "c")]
NEW = [(1, "a"), (2, "B"), (3, "c"), (4, "D")]


def written(path: Path, rows: list[tuple[int, str]]) -> None:
    values = ", ".join(str(row) for row in rows)
    query = f"SELECT * FROM (VALUES {values}) t(id, name)"
    duckdb.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")


def rows(path: Path) -> list[tuple[object, ...]]:
    return duckdb.execute(f"FROM read_parquet('{path}') ORDER BY id").fetchall()


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def tables(template: Repo, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A table that DVC tracks, and one with a row changed and a row new."""
    repo = copy_repo(template, tmp_path_factory.mktemp("tables"))
    (repo.root / "data").mkdir()
    written(repo.root / "data" / "base.parquet", OLD)
    written(repo.root / "data" / "new.parquet", [(2, "B"), (4, "D")])
    words = [PYTHON, "-m", "dvc", "add", "-q", "data/base.parquet"]
    subprocess.run(words, cwd=repo.root, env=repo.environment, check=True)
    return repo


def test_a_rebase_of_data_that_is_killed_is_all_or_nothing(
    tables: Repo, tmp_path: Path, injector: Path, tally: Callable[[str], None]
) -> None:
    """Killed at any storage call: old rows or new ones, a pointer with its object, no leftovers."""
    counted = copy_repo(tables, tmp_path / "counted")
    assert counted.xvc(*WORDS, fault=Fault()).code == 0
    calls = counted.server.calls()
    points = range(calls, 0, -max(1, calls // 6))
    outcomes = set()
    for at in points:
        repo = copy_repo(tables, tmp_path / f"at-{at}")
        base, source = (repo.root / "data" / f"{name}.parquet" for name in ("base", "new"))
        before = md5(source)
        ended = repo.xvc(*WORDS, fault=Fault(at, "kill"))
        outcomes.add(found := tuple(rows(base)))
        assert found in (tuple(OLD), tuple(NEW)), ended.said
        _check_pointer(repo)
        repo.ran(*WORDS)
        assert rows(base) == NEW
        assert md5(source) == before
        assert _check_pointer(repo) == md5(base)
        assert not [path for path in base.parent.iterdir() if path.name.startswith(".base")]
        shutil.rmtree(tmp_path / f"at-{at}")
    tally(f"rebase data: killed at {len(points)} of {calls} storage calls")

    assert len(outcomes) == 2


def _check_pointer(repo: Repo) -> str:
    """The pointer is whole, and what it names is in the cache; returns its digest."""
    digest = yaml.safe_load((repo.root / "data" / "base.parquet.dvc").read_text())["outs"][0]["md5"]
    held = repo.root / ".dvc" / "cache" / "files" / "md5" / digest[:2] / digest[2:]
    assert md5(held) == digest
    return str(digest)
