"""``xvc rebase`` in real repositories: what comes in replaces by key, all else stays."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from surroundings import Begun, Called, Calling, git
from xvc import Tracker

STORE = "results/experiments.duckdb"
POINTER = STORE + ".dvc"
NAN = float("nan")


def ran(call_xvc: Calling, *words: str) -> Called:
    done = call_xvc(*words)
    assert done.code == 0, done.err + done.out
    return done


def logged(*rows: Mapping[str, object], table: str = "events") -> None:
    """Record a run of these rows."""
    with Tracker(table=table) as tracker:
        for row in rows:
            tracker.log(row)


def rows(question: str = "SELECT version, f1 FROM events ORDER BY ALL") -> list[Any]:
    with duckdb.connect(STORE, read_only=True) as connection:
        return connection.execute(question).fetchall()


def state(project: Path) -> tuple[str, bytes]:
    return hashlib.md5((project / STORE).read_bytes()).hexdigest(), (project / POINTER).read_bytes()


@pytest.fixture
def parted(project: Path, call_xvc: Calling, begun: Begun) -> Path:
    """Both sides have versions a and b; side has b and c anew, main has d, in no version."""

    def sides() -> None:
        logged({"version": "a", "f1": 0.1}, {"version": "b", "f1": 0.2})
        ran(call_xvc, "tag", "minor")
        git(project, "checkout", "-q", "-b", "side")
        logged({"version": "b", "f1": 0.8}, {"version": "c", "f1": 0.9})
        ran(call_xvc, "tag", "minor")
        git(project, "checkout", "-q", "main")
        logged({"version": "d", "f1": 0.4})
        ran(call_xvc, "ls")

    begun(project, sides)
    return project


def test_rows_with_the_key_are_replaced_and_the_rest_is_kept(
    parted: Path, call_xvc: Calling
) -> None:
    """Side's b takes the place of ours; a and d stay, c comes; the account adds up."""
    done = ran(call_xvc, "rebase", "side", "--on", "version", "--yes", "--json")
    account = next(each for each in done.data["tables"] if each["table"] == "events")

    assert rows() == [("a", 0.1), ("b", 0.8), ("c", 0.9), ("d", 0.4)]
    assert list(account.values()) == ["events", 3, 2, 0, 0, 1, 0, 4]
    assert len(ran(call_xvc, "ls", "--json").data["runs"]) == 3


def test_the_plan_tells_what_will_be_gone_and_changes_nothing(
    parted: Path, call_xvc: Calling
) -> None:
    """Without --yes: exit 4, the row with key and run; store, pointer and tags are as before."""
    before = (state(parted), git(parted, "tag"))
    plan = call_xvc("rebase", "side", "--on", "version", "--json")
    asked = ran(call_xvc, "rebase", "side", "--on", "version", "--dry-run")

    assert plan.code == 4
    assert [each["key"] for each in plan.data["gone"]] == [{"version": "b"}]
    assert (plan.data["total"], plan.data["runs_total"], plan.data["dry_run"]) == (1, 1, True)
    assert plan.data["runs"] == [{"run": plan.data["gone"][0]["run"], "rows": 1}]
    assert "version=b" in asked.out
    assert (state(parted), git(parted, "tag")) == before


def test_a_branch_called_data_is_rebased_by_its_full_name(parted: Path, call_xvc: Calling) -> None:
    """`data` alone means Parquet files, and says how the branch is named."""
    git(parted, "branch", "-m", "side", "data")
    refused = call_xvc("rebase", "data", "--on", "version", "--json")
    ran(call_xvc, "rebase", "refs/heads/data", "--on", "version", "--yes")

    assert "`xvc rebase refs/heads/data`" in refused.json["error"]["hint"]
    assert rows() == [("a", 0.1), ("b", 0.8), ("c", 0.9), ("d", 0.4)]


def test_a_rebase_twice_changes_nothing(parted: Path, call_xvc: Calling) -> None:
    """The second one leaves store, pointer, tags and log as they are, also with rows since."""
    ran(call_xvc, "rebase", "side", "--on", "version", "--yes")
    logged({"version": "b", "f1": 0.7})
    ran(call_xvc, "ls")
    before = (state(parted), git(parted, "tag"))
    again = ran(call_xvc, "rebase", "side", "--on", "version", "--yes", "--json")

    assert again.data["changed"] is False
    assert (state(parted), git(parted, "tag")) == before


@pytest.mark.parametrize("name", ["e0.1.0", "main"])
def test_where_this_store_comes_from_brings_nothing(
    parted: Path, call_xvc: Calling, name: str
) -> None:
    """An older version and the branch itself have nothing new: not a row goes, and it is said."""
    before = state(parted)

    done = ran(call_xvc, "rebase", name, "--on", "version", "--yes")

    assert f"{name} brings nothing new" in done.err
    assert state(parted) == before


def test_the_backup_has_every_row_of_before(parted: Path, call_xvc: Calling) -> None:
    """The tag's pointer names an object with d, which no version holds; DVC sees it in use."""
    done = ran(call_xvc, "rebase", "side", "--on", "version", "--yes", "--json")
    digest = git(parted, "show", f"{done.data['backup']}:{POINTER}").split("md5: ")[1][:32]
    place = parted / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    with duckdb.connect(str(place), read_only=True) as connection:
        found = connection.execute("SELECT version FROM events ORDER BY 1").fetchall()

    assert git(parted, "cat-file", "-t", done.data["backup"]) == "tag"
    assert found == [("a",), ("b",), ("d",)]
    assert git(parted, "status", "--porcelain") == f" M {POINTER}"


def test_undo_brings_the_store_of_before_back(parted: Path, call_xvc: Calling) -> None:
    """Rows that went are here again, rows that came are gone, what was logged since stays."""
    ran(call_xvc, "rebase", "side", "--on", "version", "--yes")
    logged({"version": "e", "f1": 0.5})
    ran(call_xvc, "ls")
    plan = ran(call_xvc, "undo", "--dry-run")
    ran(call_xvc, "undo", "--yes")

    assert "rebased side on version" in plan.out
    assert rows() == [("a", 0.1), ("b", 0.2), ("d", 0.4), ("e", 0.5)]
    assert call_xvc("undo", "--json").json["error"]["code"] == "nothing-to-undo"


def test_undo_refuses_when_another_store_came_since(parted: Path, call_xvc: Calling) -> None:
    """A version with rows of its own stands in between: nothing is taken back."""
    ran(call_xvc, "rebase", "side", "--on", "version", "--yes")
    logged({"version": "e", "f1": 0.5})
    ran(call_xvc, "tag", "minor")
    before = state(parted)
    refused = call_xvc("undo", "--yes", "--json")

    assert refused.json["error"]["code"] == "cannot-undo"
    assert state(parted) == before


def test_what_was_rebased_outlives_the_store(parted: Path, call_xvc: Calling) -> None:
    """With the file deleted, the next command has the rebased rows, and not the ones that went."""
    ran(call_xvc, "rebase", "side", "--on", "version", "--yes")
    (parted / STORE).unlink()
    ran(call_xvc, "ls")

    assert rows() == [("a", 0.1), ("b", 0.8), ("c", 0.9), ("d", 0.4)]


def _side_has(project: Path, call_xvc: Calling, *more: Mapping[str, object]) -> None:
    git(project, "checkout", "-q", "side")
    logged(*more)
    ran(call_xvc, "tag", "minor")
    git(project, "checkout", "-q", "main")
    ran(call_xvc, "ls")


@pytest.mark.parametrize(
    ("row", "code", "told"),
    [
        ({"f1": 0.5}, "keys-empty", "version=NULL in row"),
        ({"version": "c", "f1": 0.5}, "keys-doubled", "version=c in row"),
        ({"version": 1, "f1": 0.5}, "keys-differ", "VARCHAR in this store (a in row"),
    ],
)
def test_keys_that_tell_nothing_are_refused_with_the_rows(
    parted: Path, call_xvc: Calling, row: Mapping[str, object], code: str, told: str
) -> None:
    """Empty, doubled and differing keys are conflicts that show rows; nothing has changed."""
    _side_has(parted, call_xvc, row)
    before = (state(parted), git(parted, "tag"))
    refused = call_xvc("rebase", "side", "--on", "version", "--yes", "--json")

    assert (refused.code, refused.json["error"]["code"]) == (4, code)
    assert told in refused.json["error"]["message"]
    assert (state(parted), git(parted, "tag")) == before


def test_the_last_of_doubled_keys_is_taken_when_asked(parted: Path, call_xvc: Calling) -> None:
    """`--on-duplicate last`: of two incoming c the later, the other one counts as dropped."""
    _side_has(parted, call_xvc, {"version": "c", "f1": 0.95})
    words = ["rebase", "side", "--on", "version", "--on-duplicate", "last", "--yes", "--json"]
    done = ran(call_xvc, *words)
    again = ran(call_xvc, *words)
    account = next(each for each in done.data["tables"] if each["table"] == "events")

    assert rows() == [("a", 0.1), ("b", 0.8), ("c", 0.95), ("d", 0.4)]
    assert (account["taken"], account["dropped"]) == (3, 1)  # d never left main
    assert again.data["changed"] is False


def test_a_store_file_counts_with_all_its_rows(
    parted: Path, call_xvc: Calling, tmp_path: Path
) -> None:
    """A file has no ancestor here: each row of it comes in, and the file stays as it is."""
    file = tmp_path / "ada's.duckdb"
    shutil.copyfile(STORE, file)
    with duckdb.connect(str(file)) as connection:
        connection.execute("DELETE FROM events WHERE version <> 'b'")
        connection.execute("UPDATE events SET row_id = uuidv7(), f1 = 0.6")
    before = file.read_bytes()
    ran(call_xvc, "rebase", str(file), "--on", "version", "--yes")

    assert rows() == [("a", 0.1), ("b", 0.6), ("d", 0.4)]
    assert file.read_bytes() == before


def test_keys_of_two_sources_do_not_erase_each_other(parted: Path, call_xvc: Calling) -> None:
    """Two branches that both bring c are refused; with `last` the one named last has it."""
    git(parted, "checkout", "-q", "-b", "third", "main")
    logged({"version": "c", "f1": 0.3})
    ran(call_xvc, "tag", "minor")
    git(parted, "checkout", "-q", "main")
    words = ["rebase", "side", "third", "--on", "version", "--yes"]
    refused = call_xvc(*words, "--json")
    ran(call_xvc, *words, "--on-duplicate", "last")

    assert refused.json["error"]["code"] == "keys-doubled"
    assert ("c", 0.3) in rows()
    assert ("c", 0.9) not in rows()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--on", "nokey"), "no-column"),
        (("--on", "version,nokey"), "no-column"),
        (("--on", "version", "--table", "nothing"), "no-table"),
        (("--on", "  "), "bad-value"),
    ],
)
def test_a_bad_name_is_named(
    parted: Path, call_xvc: Calling, words: tuple[str, ...], code: str
) -> None:
    """A key or table that no source has is an error, and nothing has changed."""
    before = state(parted)
    refused = call_xvc("rebase", "side", *words, "--yes", "--json")

    assert refused.json["error"]["code"] == code
    assert state(parted) == before


def test_other_tables_are_merged(parted: Path, call_xvc: Calling) -> None:
    """A table without the key gets their rows and keeps ours."""
    logged({"step": 1}, table="steps")
    git(parted, "checkout", "-q", "side")
    logged({"step": 2}, table="steps")
    ran(call_xvc, "tag", "minor")
    git(parted, "checkout", "-q", "main")
    ran(call_xvc, "rebase", "side", "--on", "version", "--yes")

    assert rows("SELECT step FROM steps ORDER BY 1") == [(1,), (2,)]
