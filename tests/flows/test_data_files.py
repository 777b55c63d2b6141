"""What differs between the data of two runs, file by file, with sizes and rows."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import duckdb
import pytest

from surroundings import Calling, dvc
from xvc.history.find import find
from xvc.project import Project
from xvc.runs.data_files import DataFiles, DataPart, data_files
from xvc.store.row_counts import row_counts


def _write(folder: Path, rows: int) -> None:
    folder.mkdir(exist_ok=True)
    numbers = range(rows)
    (folder / "train.csv").write_text("x,y\n" + "".join(f'{n},"a\n{n}"\n' for n in numbers))
    (folder / "test.jsonl").write_text("".join(f'{{"x": {n}}}\n' for n in numbers))
    (folder / "torn.csv").write_bytes(b'a,b\n1,"2\n' + b"\xff\x00" * rows)
    (folder / "note.txt").write_text("x" * rows)
    (folder / "same.csv").write_text("a\n1\n")
    duckdb.sql(f"FROM range({rows})").write_parquet(str(folder / "big.parquet"))


@pytest.fixture
def difference(project: Path, call_xvc: Calling) -> DataFiles:
    """What differs between two runs on a folder of data that grew from 2 to 5 rows."""
    for rows in (2, 5):
        _write(project / "data", rows)
        dvc(project, "add", "-q", "data")
        call_xvc("run", "--", "true")
    found = Project.find(project, dict(os.environ))
    return data_files(found, [each.record for each in find(found, ["@-1", "@"])])


def test_files_that_differ_have_sizes_and_rows(difference: DataFiles) -> None:
    """Tables have their rows as DuckDB reads them, all else its size, what is the same nothing."""
    rows = {
        each.path: [part.rows if part else None for part in each.parts] for each in difference.files
    }
    sizes = {each.path: [part and part.size for part in each.parts] for each in difference.files}

    assert rows.pop("data/torn.csv") is not None
    assert rows == {
        "data/big.parquet": [2, 5],
        "data/note.txt": [None, None],
        "data/test.jsonl": [2, 5],
        "data/train.csv": [2, 5],
    }
    assert sizes["data/note.txt"] == [2, 5]
    assert (difference.total, difference.unseen) == (5, ())


def test_data_that_is_not_here_is_said_to_be_so(project: Path, difference: DataFiles) -> None:
    """Without its object a path has the digest on record, and is named."""
    shutil.rmtree(project / ".dvc" / "cache")
    found = Project.find(project, dict(os.environ))
    told = data_files(found, [each.record for each in find(found, ["@-1", "@"])])

    assert told.unseen == ("data",)
    assert [each.path for each in told.files] == ["data"]
    assert all(isinstance(part, DataPart) and part.rows is None for part in told.files[0].parts)


def test_counting_rows_ends_in_time(tmp_path: Path) -> None:
    """A table that takes long has no count, and those behind it have none."""
    big, small = tmp_path / "big.csv", tmp_path / "small.csv"
    big.write_text('1,"2"\n' * 5_000_000)
    small.write_text("a\n1\n")
    began = time.monotonic()
    found = row_counts({"big.csv": big, "small.csv": small}, tmp_path, 0.05)

    assert found == {}
    assert time.monotonic() - began < 5
