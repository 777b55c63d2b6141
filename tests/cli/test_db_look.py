"""``xvc db`` at the command line: rows, figures, SQL and pictures, in every form."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from pathlib import Path

import duckdb
import pytest

from surroundings import Calling, git
from xvc import Tracker

STORE = "results/experiments.duckdb"
POINTER = "results/experiments.duckdb.dvc"


@pytest.fixture
def logged(project: Path) -> Path:
    """A project with two runs: three rows with lr 0.1, two with lr 0.3; no store yet."""
    for lr, losses in ((0.1, [0.9, 0.5, float("nan")]), (0.3, [0.8, 0.2])):
        with Tracker(params={"lr": lr}, name=f"lr {lr}") as tracker:
            for step, loss in enumerate(losses, 1):
                tracker.log({"step": step, "loss": loss, "Loss": "x|y", "nested": {"a": [step]}})
    return project


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store outside git with one row; returns its path."""
    monkeypatch.chdir(tmp_path)
    with Tracker("a.duckdb") as tracker:
        tracker.log({"loss": 0.5})
    return tmp_path / "a.duckdb"


def values(call_xvc: Calling, *words: str) -> list[dict[str, object]]:
    answer = call_xvc("db", *words, "--json")
    assert answer.code == 0, answer.out
    rows: list[dict[str, object]] = answer.data["rows"]
    return rows


def refusal(call_xvc: Calling, *words: str) -> tuple[int, str, str, str]:
    """The exit code, and the error's code, message and hint."""
    answer = call_xvc("db", *words, "--json")
    error = answer.json["error"]
    return answer.code, error["code"], error["message"], error["hint"]


def test_rows_still_in_journals_are_shown(project: Path, call_xvc: Calling) -> None:
    """What a running script has logged is there for whoever looks meanwhile."""
    with Tracker() as tracker:
        tracker.log({"loss": 0.5})
        rows = values(call_xvc, "tail", "--columns", "loss")

    assert rows == [{"loss": 0.5}]


def test_tables_are_listed(logged: Path, call_xvc: Calling) -> None:
    """Each table has its rows, its columns, and the span of its times with their zone."""
    rows = {row["table"]: row for row in values(call_xvc, "ls")}

    assert rows["events"]["rows"] == 5
    assert str(rows["events"]["first"]).endswith("+00:00")
    assert rows["runs"]["rows"] == 2


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["head", "-n", "2"], [(0.1, 1), (0.1, 2)]),
        (["tail", "-n", "2"], [(0.3, 1), (0.3, 2)]),
        (["head", "-n", "0"], [(0.1, 1), (0.1, 2), (0.1, 3), (0.3, 1), (0.3, 2)]),
        (["head", "--run", "@"], [(0.3, 1), (0.3, 2)]),
        (["head", "--run", "lr 0.1", "--where", "step > 1"], [(0.1, 2), (0.1, 3)]),
        (["tail", "--where", "loss < 0.6 and not lr == 0.1"], [(0.3, 2)]),
        (["top", "loss"], [(0.1, 1)]),
        (["bottom", "loss", "-n", "2"], [(0.3, 2), (0.1, 2)]),
    ],
    ids=str,
)
def test_rows_are_chosen(
    logged: Path, call_xvc: Calling, words: list[str], found: list[tuple[float, int]]
) -> None:
    """Ends, runs, filters and extremes choose the rows that they say; NaN is no extreme."""
    rows = values(call_xvc, *words, "--columns", "lr,step")

    assert [(row["lr"], row["step"]) for row in rows] == found


def test_keys_that_differ_by_case_stay_apart(logged: Path, call_xvc: Calling) -> None:
    """`loss` and `Loss` are two columns under their own names."""
    (row,) = values(call_xvc, "head", "-n", "1", "--columns", "Loss,loss,nested")

    assert row == {"Loss": "x|y", "loss": 0.9, "nested": {"a": [1]}}


def test_csv_has_everything(logged: Path, call_xvc: Calling) -> None:
    """CSV on stdout has every value in full and nothing else; what is cut is said beside it."""
    answer = call_xvc("db", "head", "-n", "1", "--csv")
    (row,) = csv.DictReader(io.StringIO(answer.out))

    assert (row["loss"], row["Loss"], row["nested"]) == ("0.9", "x|y", '{"a": [1]}')
    assert row["timestamp"].endswith("+00:00")
    assert "4 more" in answer.err


def test_markdown_is_a_table(logged: Path, call_xvc: Calling) -> None:
    """A bar within a value does not end its cell; numbers stand right."""
    answer = call_xvc("db", "head", "-n", "1", "--markdown", "--columns", "loss,Loss")

    assert answer.out.splitlines() == ["| loss | Loss |", "| ---: | --- |", "| 0.9 | x\\|y |"]


def test_a_terminal_obeys_nothing_that_was_logged(alone: Path, call_xvc: Calling) -> None:
    """Escape sequences in a text are shown, not sent."""
    with Tracker("a.duckdb") as tracker:
        tracker.log({"text": "\x1b[2Jgone\nnext"})
    answer = call_xvc("db", "tail", "--db", str(alone), "--columns", "text")

    assert "\\x1b[2Jgone next" in answer.out
    assert "\x1b" not in answer.out


def test_figures_describe_the_numbers(logged: Path, call_xvc: Calling) -> None:
    """NaN is counted and left out of the mean."""
    (row,) = values(call_xvc, "describe", "--columns", "loss")

    assert row["mean"] == pytest.approx(0.6)
    assert (row["values"], row["nan"], row["min"], row["max"]) == (5, 1, 0.2, 0.9)


def test_columns_are_listed(logged: Path, call_xvc: Calling) -> None:
    """Each key has its column and type; a column of other keys' case has another name."""
    rows = {row["key"]: row for row in values(call_xvc, "columns")}

    assert (rows["loss"]["column"], rows["loss"]["type"]) == ("loss", "DOUBLE")
    assert rows["Loss"]["column"] == "Loss_2"
    assert rows["nested"]["type"] == "JSON"


def test_sql_knows_both_spellings(logged: Path, call_xvc: Calling) -> None:
    """A table answers to `events` and to `db.events`."""
    plain = values(call_xvc, "sql", "SELECT lr, count(*) AS n FROM events GROUP BY lr ORDER BY lr")
    named = values(
        call_xvc, "sql", "SELECT lr, count(*) AS n FROM db.events GROUP BY lr ORDER BY lr"
    )

    assert plain == named == [{"lr": 0.1, "n": 3}, {"lr": 0.3, "n": 2}]


def test_sql_is_bounded(logged: Path, call_xvc: Calling) -> None:
    """A long answer is cut, and tells how long it is."""
    answer = call_xvc("db", "sql", "FROM events ORDER BY step -- all", "--limit", "2", "--json")

    assert len(answer.data["rows"]) == 2
    assert answer.data["total"] == 5


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT lss FROM events", "bad-query"),
        ("SELEC", "bad-query"),
        ("SELECT * FROM read_text('xvc.yaml')", "bad-query"),
        ("FROM 'train.py'", "bad-query"),
        ("DELETE FROM events", "only-reads"),
        ("SELECT 1; SELECT 2", "only-reads"),
        ("SET enable_external_access=true", "only-reads"),
        ("COPY events TO 'x.csv'", "only-reads"),
        ("EXPLAIN ANALYZE DELETE FROM events", "bad-query"),
        ("", "only-reads"),
    ],
)
def test_sql_only_reads(logged: Path, call_xvc: Calling, statement: str, code: str) -> None:
    """What is wrong, what changes and what reaches for files is refused as a wrong call."""
    found = refusal(call_xvc, "sql", statement)

    assert found[:2] == (2, code)
    assert len(values(call_xvc, "head")) == 5
    assert not (logged / "x.csv").exists()


def test_a_change_shows_its_plan(logged: Path, call_xvc: Calling) -> None:
    """Without --yes nothing changes, and exit code 4 asks for the decision; --dry-run asks none."""
    before = call_xvc("db", "ls", "--json") and (logged / STORE).read_bytes()
    planned = call_xvc("db", "sql", "DELETE FROM events WHERE lr = 0.1", "--write", "--json")
    dry = call_xvc("db", "sql", "DELETE FROM events", "--write", "--dry-run")

    assert planned.code == 4
    assert planned.data["tables"] == [{"table": "events", "before": 5, "after": 2}]
    assert planned.data["statements"][0]["rows"] == 3
    assert dry.code == 0
    assert (logged / STORE).read_bytes() == before
    assert not (logged / ".git" / "xvc" / "operations.jsonl").exists()


def change(call_xvc: Calling, statement: str) -> None:
    answer = call_xvc("db", "sql", statement, "--write", "--yes")
    assert answer.code == 0, answer.err


def losses(call_xvc: Calling) -> list[object]:
    return [row["loss"] for row in values(call_xvc, "sql", "SELECT loss FROM events ORDER BY loss")]


def test_a_change_is_noted(logged: Path, call_xvc: Calling) -> None:
    """The operation log has the statements, and says why they cannot be undone."""
    change(call_xvc, "UPDATE events SET loss = 7; CREATE TABLE mine AS SELECT 1 AS x")
    (line,) = (logged / ".git" / "xvc" / "operations.jsonl").read_text().splitlines()
    entry = json.loads(line)

    assert entry["command"] == "db sql"
    assert entry["what"].startswith("changed events, mine by SQL: UPDATE events SET loss = 7")
    refused = call_xvc("undo", "--yes")
    assert (refused.code, "git checkout" in refused.err) == (4, True)
    assert values(call_xvc, "sql", "FROM mine") == [{"x": 1}]


def test_a_change_beside_a_key_called_t_is_one(alone: Path, call_xvc: Calling) -> None:
    """A key may have any name: what SQL changes in other columns is seen, and kept."""
    with Tracker(alone) as tracker:
        tracker.log({"loss": 0.5, "t": 1})
    words = ("--write", "--yes", "--db", str(alone), "--json")
    changed = call_xvc("db", "sql", "UPDATE events SET loss = 7", *words).data

    assert changed["tables"] == [{"table": "events", "before": 2, "after": 2}]
    assert values(call_xvc, "head", "--columns", "loss", "--db", str(alone)) == [{"loss": 7}] * 2


def test_a_change_outlives_the_file(logged: Path, call_xvc: Calling) -> None:
    """The store is made anew with what SQL changed and with what was logged afterwards."""
    change(call_xvc, "DELETE FROM events WHERE lr = 0.1; UPDATE events SET loss = 7")
    with Tracker() as tracker:
        tracker.log({"loss": 9.0})
    call_xvc("ls")
    (logged / STORE).unlink()

    assert losses(call_xvc) == [7, 7, 9]


def test_a_change_travels_into_the_version(logged: Path, call_xvc: Calling) -> None:
    """A version tagged afterwards has it, and another checkout brings the state before."""
    call_xvc("tag", "minor")
    change(call_xvc, "DELETE FROM events WHERE lr = 0.1")
    call_xvc("tag", "minor")
    after = losses(call_xvc)
    git(logged, "checkout", "-q", "e0.1.0")

    assert after == [0.2, 0.8]
    assert len(losses(call_xvc)) == 5
    assert list((logged / "results").glob("*.kept-*")) == []


def test_git_takes_a_change_back(logged: Path, call_xvc: Calling) -> None:
    """The old pointer brings the old rows, and keeps what was logged since."""
    call_xvc("tag", "minor")
    change(call_xvc, "DELETE FROM events")
    with Tracker() as tracker:
        tracker.log({"loss": 9.0})
    assert losses(call_xvc) == [9]
    git(logged, "checkout", "-q", "--", POINTER)

    assert len(losses(call_xvc)) == 6


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE folds",
        "DELETE FROM folds",
        "UPDATE meta SET value = '9' WHERE key = 'schema'",
        "ALTER TABLE events DROP COLUMN loss",
        "CREATE INDEX i ON events (step)",
        "DROP TABLE events",
        "BEGIN",
        "COPY events TO 'x.csv'",
        "ATTACH 'x.duckdb' AS x",
        "SET threads = 1",
    ],
)
def test_sql_keeps_off_what_xvc_needs(logged: Path, call_xvc: Calling, statement: str) -> None:
    """Bookkeeping, shapes, files and settings are refused, and nothing of the call is kept."""
    text = f"UPDATE events SET loss = 7; {statement}"
    code, name, _, _ = refusal(call_xvc, "sql", text, "--write", "--yes")

    assert (code, name) == (2, "not-for-sql")
    assert 7 not in losses(call_xvc)
    assert sorted(path.name for path in (logged / "results").iterdir() if path.is_dir()) == []


def test_a_store_outside_git_is_changed(alone: Path, call_xvc: Calling) -> None:
    """There a change is kept in the file, and survives what is logged next."""
    words = ["--db", str(alone), "--write", "--yes"]
    answer = call_xvc("db", "sql", "UPDATE events SET loss = 7", *words)
    with Tracker("a.duckdb") as tracker:
        tracker.log({"loss": 1.0})

    assert answer.code == 0
    assert [row["loss"] for row in values(call_xvc, "head", "--db", str(alone))] == [7, 1]


def test_a_read_only_store_is_not_changed(alone: Path, call_xvc: Calling) -> None:
    """A file that may not be written is refused, and can be read."""
    call_xvc("db", "ls", "--db", str(alone))
    alone.chmod(0o444)
    words = ["sql", "DELETE FROM events", "--write", "--yes", "--db", str(alone)]

    assert refusal(call_xvc, *words)[:2] == (1, "store-read-only")
    assert len(values(call_xvc, "head", "--db", str(alone))) == 1


@pytest.mark.parametrize(
    ("words", "code", "near"),
    [
        (["head", "--table", "event"], "no-table", "'events'"),
        (["head", "--columns", "lss"], "no-column", "'loss'"),
        (["head", "--where", "stp > 1"], "no-column", "'step'"),
        (["top", "lr2"], "no-column", "'lr'"),
        (["plot", "hist", "lss"], "no-column", "'loss'"),
        (["sql", "SELECT lss FROM events"], "bad-query", "loss"),
        (["sql", "FROM event"], "bad-query", "events"),
    ],
    ids=str,
)
def test_a_wrong_name_gets_the_right_one(
    logged: Path, call_xvc: Calling, words: list[str], code: str, near: str
) -> None:
    """An unknown table or column is an error that offers the nearest."""
    _, name, _, hint = refusal(call_xvc, *words)

    assert name == code
    assert near in hint


@pytest.mark.parametrize("name", ["statement", "query"])
def test_duckdbs_own_tables_are_not_offered(logged: Path, call_xvc: Calling, name: str) -> None:
    """A name near ``sqlite_master`` or ``duckdb_types`` is near nothing of ours."""
    hint = refusal(call_xvc, "sql", f"FROM {name}")[3]

    assert "sqlite_" not in hint
    assert "duckdb_" not in hint


def test_files_that_are_no_stores(tmp_path: Path, call_xvc: Calling) -> None:
    """Each kind of wrong file has its own error, and is left as it was, with nothing beside it."""
    (tmp_path / "text.duckdb").write_text("not a database, but long enough to be looked at" * 99)
    with sqlite3.connect(tmp_path / "lite.db") as lite:
        lite.execute("CREATE TABLE t (x)")
    for name, statement in (
        ("other.duckdb", "CREATE TABLE t (x INT)"),
        ("newer.duckdb", "CREATE TABLE meta AS SELECT 'schema' AS key, '99' AS value"),
    ):
        with duckdb.connect(str(tmp_path / name)) as connection:
            connection.execute(statement)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    found = {
        name: refusal(call_xvc, "head", "--db", str(tmp_path / name))[1]
        for name in (*before, "missing.duckdb", "")
    }

    assert found == {
        **dict.fromkeys(("text.duckdb", "lite.db", "other.duckdb"), "foreign-store"),
        "newer.duckdb": "too-new",
        "missing.duckdb": "no-store",
        "": "not-a-store",
    }
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_copy_is_read_as_it_is(alone: Path, call_xvc: Calling) -> None:
    """A store without journals, as a colleague sends it, is read and left without traces."""
    call_xvc("db", "ls", "--db", str(alone))
    folder = alone.parent / "elsewhere"
    folder.mkdir()
    (folder / "b.duckdb").write_bytes(alone.read_bytes())
    rows = values(call_xvc, "head", "--db", str(folder / "b.duckdb"))

    assert [row["loss"] for row in rows] == [0.5]
    assert [path.name for path in folder.iterdir()] == ["b.duckdb"]


def test_a_store_of_another_project_has_its_journals(
    logged: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """`--db` finds the journals of the project that the store belongs to."""
    call_xvc("db", "ls")
    with Tracker() as tracker:
        tracker.log({"loss": 0.1})
        answer = call_xvc(
            "db", "tail", "-n", "1", "--json", "--db", str(logged / STORE), cwd=tmp_path
        )

    assert answer.data["rows"][0]["loss"] == 0.1
    assert answer.data["total"] == 6


def test_a_picture_in_the_terminal(logged: Path, call_xvc: Calling) -> None:
    """A piped picture is plain text with its axes named, and a summary below that counts NaN."""
    answer = call_xvc("db", "plot", "scatter", "step", "loss", "--by", "run")
    lines = answer.out.splitlines()

    assert "loss by step" in lines[0]
    assert "\x1b" not in answer.out
    assert max(map(len, lines)) <= 80
    assert lines[-1].split() == ["loss", "4", "0.2", "0.6", "0.9", "1"]


def test_a_picture_in_a_file(logged: Path, call_xvc: Calling) -> None:
    """`--out` writes once; an existing file is replaced with --yes alone."""
    words = ["plot", "hist", "loss", "--bins", "3", "--out", "loss.svg"]
    first = call_xvc("db", *words)
    second = refusal(call_xvc, *words)

    assert (first.code, second[:2]) == (0, (4, "picture-taken"))
    assert (logged / "loss.svg").read_text().startswith("<?xml")
    assert call_xvc("db", *words, "--yes").code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["hist", "Loss"], "bad-value"),
        (["hist", "loss", "step"], "bad-value"),
        (["scatter", "loss"], "bad-value"),
        (["hist", "loss", "--bins", "0"], "bad-value"),
        (["hist", "loss", "--x", "step"], "bad-value"),
        (["hist", "loss", "--where", "step > 99"], "nothing-to-draw"),
        (["line", "loss", "--out", "loss.gif"], "bad-picture"),
        (["pie", "loss"], "bad-call"),
    ],
    ids=str,
)
def test_pictures_that_cannot_be(
    logged: Path, call_xvc: Calling, words: list[str], code: str
) -> None:
    """Text, missing keys, no rows and unknown kinds are told apart."""
    assert refusal(call_xvc, "plot", *words)[1] == code


def test_two_runs_make_two_series(logged: Path, call_xvc: Calling) -> None:
    """Naming runs draws each of them; a line without --x counts its own rows."""
    answer = call_xvc("db", "plot", "line", "step", "--run", "@", "--run", "lr 0.1", "--json")

    assert [each["points"] for each in answer.data["series"]] == [2, 3]
    assert answer.data["x"] == "row"
