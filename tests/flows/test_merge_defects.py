"""Fifteen ways in which scripts for merging experiments lose rows, each as what happens here.

B1 to B18 are the numbers that these defects had where they were found. B9, B10 and B18 are about
data files rather than stores, and are not here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import UUID

import duckdb
import pytest

from stores import filled, insert, merge, rebase, values_in
from surroundings import Calling, git
from test_rebase import STORE, logged, parted, ran, rows, state
from xvc.core.rebase import ReplaceRequest
from xvc.store import db
from xvc.store.keys import KeysDoubled, KeysEmpty

__all__ = ["parted"]  # a fixture

XF1 = {"version": "VARCHAR", "f1": "DOUBLE"}


def row(number: int, **values: str) -> str:
    parts = ", ".join(f'{value} AS "{name}"' for name, value in values.items())
    return f"INSERT INTO events BY NAME SELECT '{UUID(int=number)}'::UUID AS row_id, {parts}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_b01_columns_that_one_side_lacks_are_kept(folder: Path) -> None:
    """A metric and a parameter that only the source has come in; ours are NULL there."""
    ours = filled(folder / "o.duckdb", insert(1, "loss", "0.1"), logged={"loss": "DOUBLE"})
    more = {"loss": "DOUBLE", "new_metric": "DOUBLE", "params_dropout": "DOUBLE"}
    theirs = filled(
        folder / "t.duckdb", row(2, loss="0.2", new_metric="0.5", params_dropout="0.3"), logged=more
    )
    copy, _ = merge(folder, ours, theirs)

    assert values_in(copy, "SELECT loss, new_metric, params_dropout FROM events ORDER BY 1") == [
        (0.1, None, None),
        (0.2, 0.5, 0.3),
    ]


def test_b02_a_run_of_which_we_have_one_row_is_completed(folder: Path) -> None:
    """Rows are told apart by their own ids, not by their run: the other 99 of 100 come in."""
    every = [row(number, track_id="'run-1'") for number in range(100)]
    ours = filled(folder / "o.duckdb", every[0])
    theirs = filled(folder / "t.duckdb", *every)
    copy, found = merge(folder, ours, theirs)

    assert values_in(copy, "SELECT count(*) FROM events") == [(100,)]
    assert [(each.equal, each.taken) for each in found.accounts if each.theirs] == [(1, 99)]


def test_b03_an_empty_id_in_ours_stops_no_other_row(folder: Path) -> None:
    """A row without an id is kept, and all of theirs come in."""
    ours = filled(folder / "o.duckdb", "INSERT INTO events (x) VALUES (7)", logged={"x": "BIGINT"})
    theirs = filled(
        folder / "t.duckdb", insert(1, "x", "1"), insert(2, "x", "2"), logged={"x": "BIGINT"}
    )
    copy, _ = merge(folder, ours, theirs)

    assert values_in(copy, "SELECT x FROM events ORDER BY x") == [(1,), (2,), (7,)]


def test_b04_every_table_is_merged(folder: Path) -> None:
    """Not one table only: events, tables of other names, the list of assets."""
    made = (
        "CREATE TABLE metrics (row_id UUID, track_id VARCHAR, timestamp TIMESTAMPTZ)",
        "INSERT INTO meta VALUES ('table', 'metrics')",
        f"INSERT INTO metrics (row_id) VALUES ('{UUID(int=1)}')",
        "INSERT INTO assets (digest, kind, name, type, size, kept) "
        f"VALUES ('{'a' * 64}', 'object', 'set', 'set', 1, now())",
    )
    ours = filled(folder / "o.duckdb")
    theirs = filled(folder / "t.duckdb", insert(1, "track_id", "'a'"), *made)
    copy, _ = merge(folder, ours, theirs)

    for table in ("events", "metrics", "assets"):
        assert values_in(copy, f"SELECT count(*) FROM {table}") == [(1,)]


def test_b05_columns_in_another_order_are_not_swapped(folder: Path) -> None:
    """A rebase goes by name: f1 stays f1 where the source has loss before it."""
    ours = filled(
        folder / "o.duckdb",
        row(1, version="'e1'", f1="0.5", loss="0.5"),
        logged={**XF1, "loss": "DOUBLE"},
    )
    theirs = filled(
        folder / "t.duckdb",
        row(2, version="'e1'", f1="0.99", loss="0.2"),
        logged={"loss": "DOUBLE", "f1": "DOUBLE", "version": "VARCHAR"},
    )
    copy, _ = rebase(folder, ours, theirs, ReplaceRequest(("version",)))

    assert values_in(copy, "SELECT version, f1, loss FROM events") == [("e1", 0.99, 0.2)]


def test_b06_a_rebase_with_a_new_column_loses_no_row(folder: Path) -> None:
    """The column comes in, the two rows with other keys stay, and one is replaced."""
    ours = filled(folder / "o.duckdb", *(row(n, version=f"'e{n}'") for n in range(3)), logged=XF1)
    theirs = filled(
        folder / "t.duckdb",
        row(9, version="'e1'", extra="1"),
        logged={"version": "VARCHAR", "extra": "BIGINT"},
    )
    copy, _ = rebase(folder, ours, theirs, ReplaceRequest(("version",)))

    assert values_in(copy, "SELECT version, extra FROM events ORDER BY 1") == [
        ("e0", None),
        ("e1", 1),
        ("e2", None),
    ]


def test_b07_empty_keys_do_not_pile_up(folder: Path) -> None:
    """A rebase whose incoming rows have no key is refused, with the row."""
    ours = filled(folder / "o.duckdb", row(1, f1="0.5"), logged=XF1)
    theirs = filled(folder / "t.duckdb", row(2, f1="0.6"), logged=XF1)

    with pytest.raises(KeysEmpty, match=f"version=NULL in row {UUID(int=2)} of them"):
        rebase(folder, ours, theirs, ReplaceRequest(("version",)))


def test_b08_two_experiments_with_one_version_are_refused(folder: Path) -> None:
    """The second does not erase the first in silence: both rows are named."""
    ours = filled(folder / "o.duckdb", logged=XF1)
    theirs = filled(
        folder / "t.duckdb",
        *(row(n, version="'e1'", track_id=f"'run-{n}'") for n in (1, 2)),
        logged=XF1,
    )

    with pytest.raises(KeysDoubled, match=f"{UUID(int=1)}.* and .*{UUID(int=2)}"):
        rebase(folder, ours, theirs, ReplaceRequest(("version",)))


def test_b11_an_apostrophe_in_a_path_is_a_letter(folder: Path) -> None:
    """Folder and file may be called as people call them."""
    place = folder / "ada's work"
    place.mkdir()
    ours = filled(place / "o's.duckdb", row(1, version="'e1'"), logged=XF1)
    theirs = filled(place / "t's.duckdb", row(2, version="'e1'"), logged=XF1)
    merged, _ = merge(place, ours, theirs)
    rebased, _ = rebase(place, ours, theirs, ReplaceRequest(("version",)))

    assert len(values_in(merged, "FROM events")) == 2
    assert len(values_in(rebased, "FROM events")) == 1


def test_b12_reserved_words_and_signs_are_columns(folder: Path) -> None:
    """``group`` and ``f1-score`` are merged, and are keys."""
    odd = {"group": "VARCHAR", "f1-score": "DOUBLE", "it's": "BIGINT"}
    values = {"group": "'a'", "f1-score": "0.5", "it's": "1"}
    ours = filled(folder / "o.duckdb", row(1, **values), logged=odd)
    theirs = filled(folder / "t.duckdb", row(2, **values), logged=odd)
    copy, done = rebase(folder, ours, theirs, ReplaceRequest(("group", "f1-score", "it's")))

    assert done.count == 1
    assert values_in(copy, 'SELECT "group", "f1-score" FROM events') == [("a", 0.5)]


def test_b13_an_integer_column_takes_floats(folder: Path) -> None:
    """1 on one side and 0.5 on the other: both are read back as they were."""
    ours = filled(folder / "o.duckdb", insert(1, "x", "1"), logged={"x": "BIGINT"})
    theirs = filled(folder / "t.duckdb", insert(2, "x", "0.5::DOUBLE"), logged={"x": "DOUBLE"})
    copy, _ = merge(folder, ours, theirs)

    assert values_in(copy, "SELECT x FROM events ORDER BY x") == [(0.5,), (1.0,)]


def test_b14_rows_in_the_log_beside_a_store_count(
    parted: Path, call_xvc: Calling, tmp_path: Path
) -> None:
    """A source with fifty rows that DuckDB has only in its log brings all fifty."""
    file, live = tmp_path / "theirs.duckdb", tmp_path / "live.duckdb"
    db.create(live)
    filled(tmp_path / "made.duckdb").replace(live)
    writing = duckdb.connect(str(live))
    for number in range(50):
        writing.execute(row(number, track_id="'a'"))
    file.write_bytes(live.read_bytes())
    db.wal_of(file).write_bytes(db.wal_of(live).read_bytes())
    writing.close()
    ran(call_xvc, "merge", str(file))

    assert rows("SELECT count(*) FROM events WHERE track_id = 'a'") == [(50,)]


def test_b15_a_missing_source_leaves_nothing_behind(parted: Path, call_xvc: Calling) -> None:
    """Of a good and a missing source neither is merged, and no empty file appears."""
    before = state(parted)
    for words in (("merge",), ("rebase", "--on", "version", "--yes")):
        done = call_xvc(*words, "side", "missing.duckdb", "--json")

        assert done.json["error"]["code"] == "no-source"
        assert state(parted) == before
        assert not (parted / "missing.duckdb").exists()


@pytest.mark.parametrize(
    "words", [("merge",), ("rebase",), ("rebase", "side"), ("rebase", "--on", "version")]
)
def test_b16_half_a_command_is_an_error(
    parted: Path, call_xvc: Calling, words: tuple[str, ...]
) -> None:
    """Nothing named, nothing done, and exit 2 says so."""
    before = state(parted)
    done = call_xvc(*words)

    assert done.code == 2
    assert state(parted) == before


def test_b17_merges_at_once_lose_nothing(parted: Path, call_xvc: Calling) -> None:
    """Four processes merge four branches into one tree: each says done, and every row is there."""
    for name in "wxyz":
        git(parted, "checkout", "-q", "-b", name, "main")
        logged({"version": name, "f1": 0.5})
        ran(call_xvc, "tag", "minor")
    git(parted, "checkout", "-q", "main")
    ran(call_xvc, "ls")
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "xvc", "merge", name],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for name in "wxyz"
    ]
    ended = [(process.communicate()[1], process.returncode) for process in started]

    assert [code for _, code in ended] == [0] * 4, ended
    assert {version for (version,) in rows("SELECT version FROM events")} >= set("abwxyz")
    assert (parted / STORE).exists()
