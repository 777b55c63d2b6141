"""``xvc db set``, ``delete``, ``copy`` and ``undo``: planned, done with --yes, taken back."""

from __future__ import annotations

import os
import subprocess
import sys
from ast import literal_eval
from pathlib import Path
from typing import Any

import pytest

from surroundings import Called, Calling, git
from xvc import Reader, Tracker
from xvc.project import Project
from xvc.store.columns import known
from xvc.store.query import as_logged as logged

ROWS = [{"step": n, "loss": 1 / n, "name": "x" if n % 2 else "y"} for n in range(1, 5)]


@pytest.fixture
def runs(project: Path) -> list[str]:
    """Two runs of the project with four rows each, ended."""
    made = []
    for name in ("one", "two"):
        with Tracker(name=name) as tracker:
            tracker.log_batch(ROWS)
        made.append(str(tracker.track_id))
    return made


def values(key: str, store: str | None = None, table: str = "events") -> list[Any]:
    """A key's values in all rows, oldest first, read without beginning a run."""
    project = Project.find(Path(), os.environ, {"database": store} if store else {})
    with project.keeper.view() as connection:
        column = known(connection, table).get(key)
        if column is None:
            return []
        asked = f'SELECT "{column.name}" FROM "{table}" ORDER BY row_id'
        return [logged(value, column.type) for (value,) in connection.execute(asked).fetchall()]


def rows_of(called: Called) -> int:
    return int(called.data["rows"])


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ([], 8),
        (["--run", "one"], 4),
        (["--run", "one", "--run", "@"], 8),
        (["--where", "step=2"], 2),
        (["--where", "step=2.0", "--run", "one"], 1),
        (["--where", "step='2'"], 0),
        (["--where", "name=x"], 4),
        (["--where", "nobody=1"], 0),
    ],
)
def test_the_plan_is_what_is_done(
    runs: list[str], call_xvc: Calling, words: list[str], count: int
) -> None:
    """The plan counts the rows, changes nothing and exits 4; --yes sets exactly those.

    Where no row fits, the answer is 3.
    """
    wanted = ["db", "set", "mark", "0.5", *words, "--json"]
    plan = call_xvc(*wanted)
    dry = call_xvc(*wanted, "--dry-run")
    before = values("mark")
    done = call_xvc(*wanted, "--yes")

    assert (plan.code, dry.code, done.code) == ((4, 0, 0) if count else (3, 3, 3))
    assert [rows_of(each) for each in (plan, dry, done)] == [count] * 3
    assert before == []
    assert values("mark").count(0.5) == count


def test_values_are_typed_as_yaml(runs: list[str], call_xvc: Calling) -> None:
    """A value on the command line is a number, a truth, nothing or a text."""
    for text in ("1e-3", "true", "007"):
        call_xvc("db", "set", f"k{text}", text, "--yes")

    assert values("k1e-3") == [0.001] * 8
    assert values("ktrue") == [True] * 8
    assert values("k007") == ["007"] * 8


def test_a_set_metric_sorts_runs(runs: list[str], call_xvc: Calling) -> None:
    """A number set for a whole run is its metric, in lists and references."""
    call_xvc("db", "set", "accuracy", "0.9", "--run", "one", "--yes")
    call_xvc("db", "set", "accuracy", "0.8", "--run", "two", "--yes")

    assert call_xvc("show", "best:accuracy", "--json").data["id"] == runs[0]


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["set", "k", "1", "--table", "nope"], 1, "no-table"),
        (["set", "k", "1", "--table", "edits"], 2, "bad-value"),
        (["set", "k", "1", "--run", "nobody"], 1, "no-run"),
        (["set", "k", "1", "--where", "step"], 2, "bad-value"),
        (["set", "k", "1", "--where", "step=[1]"], 2, "bad-value"),
        (["delete", "nobody"], 1, "no-run"),
        (["copy", "nowhere.duckdb"], 1, "no-store"),
        (["copy", "results/experiments.duckdb"], 2, "bad-value"),
        (["copy", "other.db"], 6, "store-corrupt"),
        (["copy", "."], 1, "no-store"),
    ],
)
def test_what_cannot_be_is_refused(
    runs: list[str], call_xvc: Calling, words: list[str], code: int, error: str
) -> None:
    """A mistake is named, and nothing changes."""
    Path("other.db").write_text("no database")
    values("loss")
    called = call_xvc("db", *words, "--yes", "--json")

    assert (called.code, called.json["error"]["code"]) == (code, error)
    assert not Path(".git/xvc/operations.jsonl").exists()


def test_a_file_that_is_no_store_costs_nothing(runs: list[str], call_xvc: Calling) -> None:
    """A copy from a file that is damaged leaves the project's own store where it is."""
    Path("other.db").write_text("no database")
    values("loss")
    called = call_xvc("db", "copy", "other.db", "--yes", "--json")

    assert called.code == 6
    assert "doctor" not in called.json["error"]["hint"]
    assert [path.name for path in Path("results").glob("*.duckdb*")] == ["experiments.duckdb"]


def test_deleting_and_undoing(runs: list[str], call_xvc: Calling) -> None:
    """A deleted run is nowhere; undoing brings back its rows, its record and its snapshot."""
    refs = git(Path(), "for-each-ref", "refs/xvc")
    before = call_xvc("show", "one", "--json").data
    deleted = call_xvc("db", "delete", "one", "--yes", "--json")
    listed = call_xvc("ls", "--json").out
    left = values("step")
    call_xvc("undo", "--yes")

    assert (rows_of(deleted), len(left)) == (4, 4)
    assert runs[0] not in listed
    assert call_xvc("show", "one", "--json").data == before
    assert len(values("step")) == 8
    assert set(refs.splitlines()) <= set(git(Path(), "for-each-ref", "refs/xvc").splitlines())


def test_undo_goes_back_step_by_step(runs: list[str], call_xvc: Calling) -> None:
    """Each undo takes back one more, values come back with their types, then there is nothing."""
    call_xvc("db", "set", "step", "text", "--where", "step=1", "--yes")
    call_xvc("db", "set", "step", "7.5", "--run", "one", "--yes")
    plan = call_xvc("undo")
    seen = [values("step")]
    codes = []
    for _ in range(3):
        codes.append(call_xvc("undo", "--yes").code)
        seen.append(values("step"))

    assert plan.code == 4
    assert "set step in 4 rows" in plan.out
    assert codes == [0, 0, 1]
    assert seen[0] == [7.5] * 4 + ["text", 2, 3, 4]
    assert seen[1] == ["text", 2, 3, 4] * 2
    assert seen[2] == seen[3] == [1, 2, 3, 4] * 2


def test_undo_after_a_version(runs: list[str], call_xvc: Calling, run_xvc: Calling) -> None:
    """What was set before a version can be taken back after it; the version keeps it."""
    call_xvc("db", "set", "loss", "0", "--yes")
    tagged = run_xvc("tag", "minor", "--run", "one")
    call_xvc("undo", "--yes")
    back = values("loss")
    subprocess.run(["git", "stash", "-q"], check=False)

    assert tagged.code == 0, tagged.err
    assert back == [row["loss"] for row in ROWS] * 2


@pytest.fixture
def other(tmp_path: Path) -> str:
    """Another store: one run, rows of many types in two tables."""
    store = tmp_path / "elsewhere" / "other.duckdb"
    store.parent.mkdir()
    with Tracker(store, params={"lr": 0.1}) as tracker:
        tracker.log({"loss": 0.5, "big": 1 << 70, "list": [1, {"a": None}], "raw": b"\0"})
        tracker.log({"loss": float("nan"), "big": "text", "none": None})
    with Tracker(store, table="tests") as tracker:
        tracker.log({"ok": True})
    values("loss", str(store))
    return str(store)


def test_a_copy_is_a_union(runs: list[str], other: str, call_xvc: Calling) -> None:
    """Runs and rows come once, values and ids and params as they were; the source is untouched."""
    bytes_before = Path(other).read_bytes()
    plan = call_xvc("db", "copy", other, "--json")
    first = call_xvc("db", "copy", other, "--yes", "--json")
    second = call_xvc("db", "copy", other, "--yes", "--json")
    asked = "SELECT row_id, track_id, timestamp, loss, big, raw FROM events ORDER BY row_id"

    assert (plan.code, first.code, second.code) == (4, 0, 0)
    assert plan.data["rows"] == first.data["rows"] == {"events": 2, "tests": 1}
    assert (second.data["rows"], second.data["runs"], second.data["present"]) == ({}, [], 3)
    assert Path(other).read_bytes() == bytes_before
    mine = {row[0]: str(row) for row in _query("results/experiments.duckdb", asked)}
    assert all(mine[row[0]] == str(row) for row in _query(other, asked))
    run = call_xvc("show", first.data["runs"][0], "--json").data
    assert run["status"] == "finished"


def _query(store: str, asked: str) -> list[Any]:
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True)\n"
    program += "print(repr([tuple(map(str, r)) for r in c.sql(sys.argv[2]).fetchall()]))"
    done = subprocess.run(
        [sys.executable, "-c", program, store, asked], capture_output=True, text=True, check=True
    )
    return list(literal_eval(done.stdout))


def test_a_copy_has_what_was_logged_and_is_not_in_the_file(
    project: Path, call_xvc: Calling, tmp_path: Path
) -> None:
    """The process that logged it was killed; the other store and its journals stay as they are."""
    store = tmp_path / "killed.duckdb"
    code = f"from xvc import Tracker; import os; t = Tracker({str(store)!r}); t.log({{'a': 1}}); "
    subprocess.run([sys.executable, "-c", f"{code}os._exit(0)"], check=True)
    lay = sorted(tmp_path.rglob("killed*/**/*.jsonl"))
    copied = call_xvc("db", "copy", str(store), "--yes", "--json")

    assert copied.data["rows"] == {"events": 1}
    assert sorted(tmp_path.rglob("killed*/**/*.jsonl")) == lay != []
    assert not store.exists()


def test_a_copy_of_a_run_that_went_on_is_brought_up_to_date(
    project: Path, call_xvc: Calling, tmp_path: Path
) -> None:
    """Copied while it went on, and taken for lost here: its end comes with the next copy."""
    words = ("db", "copy", str(tmp_path / "other.duckdb"), "--yes", "--json")
    with Tracker(tmp_path / "other.duckdb", name="first") as tracker:
        tracker.log({"a": 1})
        begun = call_xvc(*words).data["rows"]
        again = call_xvc(*words)
        tracker.log({"a": 2})
    ended = call_xvc(*words).data["rows"]
    (run,) = call_xvc("ls", "--json").data["runs"]

    assert (begun, again.code, ended) == ({"events": 1}, 0, {"events": 1})
    assert (run["status"], run["metrics"]["a"]) == ("finished", 2)


def test_a_copy_of_one_table(runs: list[str], other: str, call_xvc: Calling) -> None:
    """--table brings its rows and their runs only."""
    copied = call_xvc("db", "copy", other, "--table", "tests", "--yes", "--json").data

    assert (copied["rows"], len(copied["runs"])) == ({"tests": 1}, 1)


def test_a_copy_that_differs_is_refused(runs: list[str], other: str, call_xvc: Calling) -> None:
    """Where a row is here with another value, nothing is copied and the row is named."""
    call_xvc("db", "copy", other, "--table", "tests", "--yes")
    call_xvc("db", "set", "ok", "false", "--table", "tests", "--yes")
    called = call_xvc("db", "copy", other, "--yes", "--json")

    assert (called.code, called.json["error"]["code"]) == (4, "stores-differ")
    assert "of tests" in called.json["error"]["message"]
    assert len(values("loss")) == 8


def test_a_copy_can_be_taken_back(runs: list[str], other: str, call_xvc: Calling) -> None:
    """Undoing a copy deletes the runs that it brought; copying again leaves them deleted."""
    brought = call_xvc("db", "copy", other, "--yes", "--json").data["runs"]
    call_xvc("undo", "--yes")
    again = call_xvc("db", "copy", other, "--yes", "--json").data

    assert len(values("loss")) == 8
    assert set(again["deleted"]) == set(brought)
    assert again["rows"] == {}


def test_rows_into_a_known_run_stay(project: Path, other: str, call_xvc: Calling) -> None:
    """A copy that added rows to a run that was here cannot be undone, and says so."""
    call_xvc("db", "copy", other, "--yes")
    with Tracker(other, table="late") as tracker:
        run = call_xvc("ls", "--json").data["runs"][0]["id"]
        tracker._journal.row(run, "late", {"x": "a word"})  # a number would be a metric
    values("x", other, "late")
    copied = call_xvc("db", "copy", other, "--table", "late", "--yes", "--json")
    called = call_xvc("undo", "--yes", "--json")

    assert copied.data["rows"] == {"late": 1}
    assert (called.code, called.json["error"]["code"]) == (4, "cannot-undo")


def test_any_store_can_be_changed(project: Path, call_xvc: Calling, tmp_path: Path) -> None:
    """With `--db` another store is set, emptied and mended, and the project's own is left alone."""
    other = str(tmp_path / "other.duckdb")
    for db in (None, other):
        with Tracker(db) as tracker:
            tracker.log({"loss": 1.0})
    changed = call_xvc("db", "set", "loss", "2.0", "--db", other, "--yes")
    values = [Reader(db).values("loss") for db in (None, other)]
    undone = call_xvc("undo", "--db", other, "--yes")

    assert (changed.code, undone.code) == (0, 0)
    assert values == [[1.0], [2.0]]
    assert Reader(other).values("loss") == [1.0]
