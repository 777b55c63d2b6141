"""A store that came from elsewhere is data; what stands in it is shown, never obeyed."""

from __future__ import annotations

import os
import shutil
import stat
import struct
from pathlib import Path

import duckdb
import pytest

from surroundings import Begun, Calling
from xvc import Reader, Tracker
from xvc.core.foreign_text import for_spreadsheet, visible
from xvc.core.record import Control
from xvc.store import db, edits, fold
from xvc.store.schema import EDITS
from xvc.store.system_table_checks import BooksCorrupt

STORE = "results/experiments.duckdb"
ODD = "a\x1b[31mred\x1b]0;t\x07\x9b2J\u202eevil\u2066\x7f\r\x08"
RAW = [*map(chr, [*range(9), *range(11, 32), *range(127, 160)]), "\u202e", "\u2066", "\u200f"]


@pytest.fixture
def foreign(project: Path, tmp_path: Path, call_xvc: Calling, begun: Begun) -> Path:
    """A copy of a store with one run, outside every repository."""

    def ran() -> None:
        assert call_xvc("run", "--", "python", "train.py", "--lr", "0.5").code == 0
        assert call_xvc("ls").code == 0

    begun(project, ran)
    place = tmp_path / "elsewhere" / "foreign.duckdb"
    place.parent.mkdir()
    shutil.copyfile(project / STORE, place)
    return place


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("CREATE VIEW mine AS FROM read_text('SECRET')", "the view mine"),
        ("CREATE MACRO count(x) AS 7", "the macro count"),
        ("CREATE MACRO leak() AS TABLE FROM read_text('SECRET')", "the macro leak"),
        ("CREATE MACRO current_database() AS 'x'", "the macro current_database"),
        ("CREATE MACRO regexp_full_match(a, b) AS true", "the macro regexp_full_match"),
        ("CREATE MACRO list_contains(a, b) AS false", "the macro list_contains"),
        ("CREATE MACRO duckdb_views() AS TABLE SELECT 1 AS a", "the macro duckdb_views"),
        ("CREATE TEMP MACRO hash(a) AS 0; CREATE VIEW v AS SELECT 1", "the view v"),
        ("CREATE TYPE mood AS ENUM ('a')", "the type mood"),
        ("CREATE SEQUENCE numbers", "the sequence numbers"),
        ("CREATE TABLE t (a INT, b INT AS (a + 1))", "t.b"),
        ("CREATE TABLE t (a INT DEFAULT (random()))", "t.a"),
        ("CREATE TABLE t (a INT CHECK (a > 1))", "the condition on t"),
    ],
)
def test_what_computes_is_refused_by_name(
    foreign: Path, project: Path, call_xvc: Calling, change: str, named: str
) -> None:
    """`--db`, `copy`, and a store put in place of ours: one error names what is in the way."""
    secret = foreign.with_name("secret.txt")
    secret.write_text("swordfish")
    with duckdb.connect(str(foreign)) as connection:
        connection.execute(change.replace("SECRET", str(secret)))
    before = foreign.read_bytes()

    answers = [
        call_xvc("db", "head", "--table", "runs", "--db", str(foreign), "--json"),
        call_xvc("db", "ls", "--db", str(foreign), "--json"),
        call_xvc("db", "copy", str(foreign), "--json"),
        call_xvc("db", "sql", "--write", "--yes", change.replace("SECRET", str(secret)), "--json"),
    ]
    os.replace(shutil.copyfile(foreign, project / "new"), project / STORE)
    answers.append(call_xvc("ls", "--json"))

    codes = [each.json["error"]["code"] for each in answers]
    assert codes.pop(3) == ("bad-query" if "read_text" in change else "store-computes")
    assert codes == ["store-computes"] * 4
    assert all(named in each.json["error"]["message"] for each in (*answers[:3], answers[4]))
    assert foreign.read_bytes() == before


def test_a_view_in_place_of_a_table_is_not_read(
    foreign: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """Not even the table that tells what the file is."""
    (tmp_path / "secret.txt").write_text("swordfish")
    with duckdb.connect(str(foreign)) as connection:
        connection.execute(
            "ALTER TABLE meta RENAME TO held; CREATE VIEW meta AS SELECT 'schema' AS key, content "
            f"AS value FROM read_text('{tmp_path}/secret.txt')"
        )

    answer = call_xvc("db", "ls", "--db", str(foreign), "--json")

    assert answer.json["error"]["code"] == "foreign-store"
    assert "swordfish" not in answer.out


@pytest.mark.parametrize("folders", [False, True])
def test_sql_reaches_no_file_but_the_store(foreign: Path, tmp_path: Path, folders: bool) -> None:
    """Whoever opens a store for reading or writing reads and writes nothing beside it."""
    secret, open_folder = tmp_path / "secret.txt", tmp_path / "open"
    secret.write_text("swordfish")
    open_folder.mkdir()
    (open_folder / "rows.json").write_text('{"a": 1}')
    ways = [db.writing(foreign, *([open_folder] if folders else []))]
    ways.append(db.reading(foreign, into=open_folder if folders else None))
    outside = (
        f"FROM read_text('{secret}')",
        f"FROM read_text('{open_folder}/../secret.txt')",
        f"ATTACH '{tmp_path}/new.duckdb'",
        f"COPY meta TO '{tmp_path}/new.csv'",
        f"FROM glob('{tmp_path}/*')",
        "INSTALL httpfs",
        "SET enable_external_access = true",
    )

    for way in ways:
        with way as connection:
            for sql in outside:
                with pytest.raises(duckdb.Error):
                    connection.cursor().execute(sql)
            if folders:
                assert connection.execute(f"FROM read_json('{open_folder}/rows.json')").fetchall()

    assert {path.name for path in tmp_path.iterdir()} >= {"secret.txt", "open"}
    assert not (tmp_path / "new.duckdb").exists()
    assert not (tmp_path / "new.csv").exists()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE runs SET params = '[1]', metrics = '7'",
        "UPDATE runs SET status = 'sleeping'",
        "UPDATE runs SET id = NULL",
        "UPDATE runs SET data = '{\"a\": 7}'",
        "UPDATE runs SET left_out = '[{}]'",
        "UPDATE meta SET value = 'x' WHERE key = 'schema'",
        "ALTER TABLE runs DROP COLUMN params",
        "ALTER TABLE runs ALTER COLUMN exit_code TYPE VARCHAR; UPDATE runs SET exit_code = 'x'",
    ],
)
def test_contents_that_are_not_xvcs_are_one_error(
    foreign: Path, project: Path, call_xvc: Calling, change: str
) -> None:
    """The error names the store, and is never a mistake of xvc's."""
    with duckdb.connect(str(foreign)) as connection:
        connection.execute(change)
    os.replace(foreign, project / STORE)

    answers = [call_xvc(*words, "--json") for words in (["ls"], ["show", "@"], ["brief"])]

    for each in answers:
        assert '"internal"' not in each.out, each.out
        assert each.code == 0 or "duckdb" in each.out


BOOKKEEPING = (
    "UPDATE environments SET facts = '[1, {\"a\": 2}]'",
    "DELETE FROM environments",
    "DROP TABLE environments",
    "UPDATE columns SET column_name = 'gone'",
    "UPDATE columns SET type = 'SLEEPING'",
    "UPDATE columns SET key = NULL, table_name = NULL",
    "DELETE FROM columns",
    "DROP TABLE columns",
    "UPDATE folds SET sequence = NULL, names = '7'",
    "DROP TABLE folds",
    "INSERT INTO meta VALUES ('table', NULL), ('table', 'no such'), ('base', ''), (NULL, NULL)",
    "INSERT INTO edits (edit_id, kind, value) VALUES (uuid(), 'sleep', '{}')",
    "INSERT INTO edits (edit_id, kind, key, value) VALUES (uuid(), 'value', 'a', '7')",
    "DROP TABLE edits",
    "DROP SCHEMA set_aside CASCADE",
    "INSERT INTO assets VALUES ('../../x', 'file', '../../../up', 'x', -1, NULL, NULL)",
    "INSERT INTO assets VALUES (NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    "DROP TABLE assets",
    "UPDATE events SET row_id = NULL, track_id = NULL, timestamp = NULL",
    "ALTER TABLE events DROP COLUMN timestamp",
    "ALTER TABLE events ALTER COLUMN track_id TYPE INTEGER USING 7",
    "DROP TABLE events",
    'UPDATE runs SET data = \'{"../../x": {"digest": "../../../etc", "size": -1}}\'',
    'UPDATE runs SET outs = \'{"/etc/passwd": {"digest": "zz"}}\', log = \'/etc/passwd\'',
    "UPDATE runs SET usage = '{\"peak\": [1]}', touched = '{\"a\": 7}', command = '[1, null, {}]'",
    "UPDATE runs SET started = 'infinity', finished = '-infinity'",
    "UPDATE runs SET name = repeat('x', 9000000), folder = '../../..', worktree = '../up'",
    "UPDATE runs SET snapshot = '--upload-pack=x', \"commit\" = 'a; b', branch = '--all'",
    "UPDATE runs SET params = '{\"a\": ' || repeat('[', 5000) || repeat(']', 5000) || '}'",
    'UPDATE runs SET metrics = \'{"a": 1e400, "b": "x"}\', metric_times = \'{"a": "x"}\'',
    "INSERT INTO runs SELECT * FROM runs",
    'CREATE TABLE "a.b""c" (row_id UUID, "x y" INT[]); '
    "INSERT INTO meta VALUES ('table', 'a.b\"c')",
)
"""What another program may have done to the tables that xvc keeps its books in."""


@pytest.mark.parametrize(
    "changes",
    [
        (BOOKKEEPING[0], BOOKKEEPING[16], BOOKKEEPING[24]),
        pytest.param(BOOKKEEPING, marks=[pytest.mark.sweep, pytest.mark.timeout(900)]),
    ],
)
def test_books_that_are_not_xvcs_are_an_answer_or_one_error(
    foreign: Path, project: Path, tmp_path: Path, call_xvc: Calling, changes: tuple[str, ...]
) -> None:
    """Every command answers, or says what is wrong with the store: never a mistake of xvc's."""
    calls = (
        *("ls", "show @", "brief", "compare @ @", "db columns", "db head", "assets ls"),
        *("validate", "doctor", "report", "get @ train.py", "status", "log"),
    )
    wrong = []
    before = {path for path in tmp_path.rglob("*") if ".git" not in path.parts}
    for change in changes:
        shutil.copyfile(foreign, project / "new")
        with duckdb.connect(str(project / "new")) as connection:
            connection.execute(change)
        elsewhere = foreign.with_name("changed.duckdb")
        shutil.copyfile(project / "new", elsewhere)
        os.replace(project / "new", project / STORE)
        answers = {call: call_xvc(*call.split(), "--json") for call in calls}
        other = ("db", "head", "--table", "runs", "--db", str(elsewhere), "--json")
        answers["merge"] = call_xvc("merge", str(elsewhere), "--json")
        answers["db"] = call_xvc(*other)
        wrong += [(change, c, a.out) for c, a in answers.items() if '"internal"' in a.out]
    assert not wrong, "\n".join(" | ".join(each) for each in wrong)
    after = {path for path in tmp_path.rglob("*") if ".git" not in path.parts}
    assert {path for path in after - before if not path.is_relative_to(project)} <= {elsewhere}


@pytest.mark.parametrize("held", [f"{'[' * 5000}{']' * 5000}", "1e400", '{"a": -1e400}'])
def test_json_that_xvc_does_not_read_is_shown_as_it_stands(
    foreign: Path, project: Path, call_xvc: Calling, held: str
) -> None:
    """What shows cells shows the text; what needs runs names the store; none is xvc's mistake."""
    with duckdb.connect(str(foreign)) as connection:
        connection.execute("UPDATE runs SET params = ?, metrics = ?", [f'{{"a": {held}}}'] * 2)
        connection.execute("UPDATE environments SET facts = ?", [f'{{"a": {held}}}'])
    shutil.copyfile(foreign, project / "new")
    os.replace(project / "new", project / STORE)
    cells = (
        ("db", "head", "--table", "runs", "--db", str(foreign)),
        ("db", "sql", "SELECT params FROM runs", "--db", str(foreign)),
        ("db", "head", "--table", "environments", "--db", str(foreign)),
    )
    runs = (("ls", "--where", "params.a > 1"), ("ls", "--sort", "a"), ("compare", "@", "@"))

    shown = [call_xvc(*words, "--json") for words in cells]
    told = [call_xvc(*words, "--json") for words in (*runs, ("show", "@"), ("doctor",))]

    assert [(each.code, held in each.out.replace("\\", "")) for each in shown] == [(0, True)] * 3
    assert not [each for each in told if '"internal"' in each.out]
    assert all(each.code == 0 or "duckdb" in each.out for each in told)


def test_text_of_others_never_reaches_a_terminal_raw(
    project: Path, call_xvc: Calling, run_xvc: Calling
) -> None:
    """Keys, values, notes, names and errors, in text and in JSON, are shown and not obeyed."""
    (project / "params.yaml").write_text(f'"{visible(ODD)}": "{visible(ODD)}"\n')
    assert call_xvc("run", "--name", ODD, "--note", ODD, "--", "true").code == 0
    assert call_xvc("tag", "minor", "-m", ODD).code == 0
    calls = [
        *(["ls"], ["log"], ["show", "@"], ["status"], ["brief"], ["compare", "@", "@-2"]),
        *(["db", "head", "--table", "runs"], ["db", "head", "--table", "runs", "--csv"]),
        *(["db", "columns"], ["report"], ["show", ODD], [ODD], ["get", ODD, ODD]),
        *(["db", "sql", f"SELECT '{ODD}' AS \"{ODD}\""], ["ls", "--where", ODD]),
    ]

    for words in calls:
        for form in ([], ["--json"]) if len(words[0]) < 9 else ([],):
            if form and "--csv" in words:
                continue
            said = call_xvc(*words, *form)
            found = [sign for sign in RAW if sign in said.out + said.err]
            assert found == [], (words, form, said)


def test_exports_hold_no_formula_and_no_html(project: Path, call_xvc: Calling) -> None:
    """CSV and markdown are safe to open; `--raw` gives what is stored."""
    question = "SELECT '=HYPERLINK(1)' AS f, '<img src=x>' AS h, -1.5 AS n, '-0.5' AS t"

    assert call_xvc("db", "sql", question, "--csv").out == (
        "f,h,n,t\n'=HYPERLINK(1),<img src=x>,-1.5,-0.5\n"
    )
    assert "&lt;img src=x&gt;" in call_xvc("db", "sql", question, "--markdown").out
    assert "\n=HYPERLINK(1),<img" in call_xvc("db", "sql", question, "--csv", "--raw").out
    assert "<img src=x>" in call_xvc("db", "sql", question, "--markdown", "--raw").out
    assert [for_spreadsheet(cell) for cell in ("+1+cmd|x", "@a", "\tx", "+1", "")] == (
        ["'+1+cmd|x", "'@a", "'\tx", "+1", ""]
    )


_DEEP = "('[\"j\", ' || repeat('[', 9000) || repeat(']', 9000) || ']')::JSON"


@pytest.mark.parametrize(
    "value",
    [_DEEP, "'[\"f\", 1e400]'", "'[7, {}]'", "'[\"nothing\", 1]'", '\'{"a": 1, "b": 2}\''],
)
@pytest.mark.parametrize("column", ["value", "where_value"])
def test_an_edit_that_is_none_of_ours_is_one_error(tmp_path: Path, column: str, value: str) -> None:
    """Deep, beyond any float, or of another shape: the table is named, whoever reads it."""
    store = tmp_path / "a.duckdb"
    db.create(store)
    with duckdb.connect(str(store)) as connection:
        connection.execute(EDITS)
        connection.execute(
            "INSERT INTO edits BY NAME SELECT uuidv7() AS edit_id, now() AS timestamp, "
            "'value' AS kind, 'events' AS table_name, 'a' AS key, '[\"i\", 1]'::JSON AS value, "
            "'b' AS where_key, '[\"i\", 1]'::JSON AS where_value"
        )
        connection.execute(f"UPDATE edits SET {column} = {value}")

    with db.reading(store, is_known=True) as connection, pytest.raises(BooksCorrupt) as told:
        edits.load(connection)

    assert told.value.table == "edits"


@pytest.mark.parametrize("names", [_DEEP, "'[1]'", "'{\"events\": 7}'", '\'{"events": [["a"]]}\''])
def test_names_of_a_writer_that_are_none_of_ours_are_one_error(tmp_path: Path, names: str) -> None:
    """The keys that a journal has brought, as a stranger's store says them."""
    store = tmp_path / "a.duckdb"
    db.create(store)
    with duckdb.connect(str(store)) as connection:
        connection.execute(f"INSERT INTO folds SELECT 'w', 1, 1, {names}")

    with db.reading(store, is_known=True) as connection, pytest.raises(BooksCorrupt) as told:
        fold.marks(connection, ["w"])

    assert told.value.table == "folds"


def test_undos_that_undo_each_other_end(tmp_path: Path) -> None:
    """An undo of an undo of itself, as no xvc writes it, takes nothing back."""
    store, own = tmp_path / "a.duckdb", "01999999-0000-7000-8000-000000000001"
    db.create(store)
    undo = Control(
        "undo", None, {"id": "01999999-0000-7000-8000-000000000002", "undone": own}, 1.0, "ff", 1
    )
    with duckdb.connect(str(store)) as connection:
        connection.execute("SET TimeZone='UTC'")
        connection.execute(EDITS)
        connection.execute(
            f"INSERT INTO edits BY NAME SELECT '{own}'::UUID AS edit_id, now() AS timestamp, "
            f"'undo' AS kind, '{own}'::UUID AS undone"
        )

        arrived = edits.arrive(connection, [undo])

    assert arrived.late == ()


def test_a_merge_with_runs_nested_deep_is_one_error(
    foreign: Path, project: Path, call_xvc: Calling
) -> None:
    """Where both sides say another thing of a run, what they say is read, and bounded."""
    with duckdb.connect(str(foreign)) as connection:
        deep = "('{\"a\": ' || repeat('[', 9000) || repeat(']', 9000) || '}')::JSON"
        connection.execute(f"SET TimeZone='UTC'; UPDATE runs SET params = {deep}, note = 'x'")

    for words in (("merge", str(foreign)), ("rebase", str(foreign), "--on", "accuracy")):
        answer = call_xvc(*words, "--dry-run", "--json")

        assert answer.json["error"]["code"] == "contents-corrupt", answer


def test_times_that_no_calendar_of_ours_has_are_told(
    foreign: Path, project: Path, call_xvc: Calling
) -> None:
    """The nearest one stands for them, in reports and in tags."""
    with duckdb.connect(str(foreign)) as connection:
        connection.execute(
            "SET TimeZone='UTC'; UPDATE runs SET started = TIMESTAMPTZ '294246-01-01', "
            "finished = TIMESTAMPTZ '294246-01-02'"
        )
    os.replace(shutil.copyfile(foreign, project / "new"), project / STORE)

    answers = [call_xvc(*words, "--json") for words in (("report",), ("tag", "minor"), ("ls",))]

    assert [each.code for each in answers] == [0, 0, 0], answers


def test_a_device_in_the_place_of_a_store_is_not_read(project: Path, run_xvc: Calling) -> None:
    """Reading one may never end: a run is kept in its journal, every other command refuses it."""
    store = project / STORE
    store.parent.mkdir(exist_ok=True)
    store.unlink(missing_ok=True)
    try:
        os.mknod(store, 0o600 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        pytest.skip("only root makes devices")

    ran = run_xvc("run", "--", "python", "train.py")
    listed = run_xvc("ls")
    store.unlink()

    assert (ran.code, listed.code) == (0, 2), listed.err
    assert "is no store" in ran.err
    assert "is no store" in listed.err
    assert "0.95" in run_xvc("ls").out


def test_a_question_mark_in_a_path_is_named(
    project: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """DuckDB cannot write there; the run is kept, and it is said what to rename."""
    odd = project.rename(tmp_path / "wh?t")

    ran = call_xvc("run", "--tag", "minor", "--", "python", "train.py", cwd=odd)
    tagged = call_xvc("tag", "minor", "--json", cwd=odd)
    odd.rename(project)
    after = call_xvc("tag", "minor", "--json")

    assert ran.code == 4
    assert tagged.json["error"]["code"] == "store-misnamed"
    assert "Rename that folder" in tagged.json["error"]["hint"]
    assert after.code == 0, after.err


def test_a_tracker_says_of_a_question_mark_what_to_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside of projects, too: no silence, no half of a store, and its rows are there later."""
    monkeypatch.chdir(tmp_path)

    with pytest.warns(RuntimeWarning, match="under a name with a question mark"):
        tracker = Tracker("a?.duckdb")
    tracker.log({"loss": 1.0})
    tracker.close()
    left = [path.name for path in tmp_path.iterdir()]
    (tmp_path / "a?.duckdb.xvc-journals").rename(tmp_path / "a.duckdb.xvc-journals")
    with Tracker("a.duckdb") as tracker:
        tracker.log({"loss": 2.0})

    assert left == ["a?.duckdb.xvc-journals"]
    assert Reader("a.duckdb").count_all() == 2


_WORD = 0xBF58476D1CE4E5B9


def _checksum(data: bytes) -> int:
    """Add up a block's bytes as DuckDB does."""
    found = 5381
    for (word,) in struct.iter_unpack("<Q", data):
        found ^= (word * _WORD) & (2**64 - 1)
    return found


def _with_storage_version(path: Path, version: int) -> None:
    """Make a file one that another DuckDB wrote: its two headers say in which version."""
    held = bytearray(path.read_bytes())
    for at in (4096, 8192):
        held[at + 56 : at + 64] = struct.pack("<Q", version)
        held[at : at + 8] = struct.pack("<Q", _checksum(bytes(held[at + 8 : at + 4096])))
    path.write_bytes(held)


def test_a_store_of_a_newer_duckdb_is_no_damaged_one(
    project: Path, foreign: Path, call_xvc: Calling
) -> None:
    """It is left where it is, a run is recorded, and each command says what reads it."""
    _with_storage_version(foreign, 99)
    os.replace(shutil.copyfile(foreign, project / "new"), project / STORE)
    held = (project / STORE).read_bytes()

    ran = call_xvc("run", "--", "python", "train.py")
    words = (("ls",), ("status",), ("tag",), ("merge", str(foreign)), ("ls", "--db", str(foreign)))
    refused = [call_xvc(*each, "--json") for each in words]

    assert ran.code == 0
    assert {(each.code, each.json["error"]["code"]) for each in refused} == {(6, "other-duckdb")}
    assert "a newer DuckDB" in refused[0].json["error"]["message"]
    assert "pip install --upgrade duckdb" in refused[0].json["error"]["hint"]
    assert (project / STORE).read_bytes() == held
    assert not [*(project / STORE).parent.glob("*.corrupt-*")]
