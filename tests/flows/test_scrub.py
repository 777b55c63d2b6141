"""A secret that got in is taken out, everywhere it stands, as far as that is ours to change."""

from __future__ import annotations

import json
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surroundings import Calling, git
from xvc import Tracker
from xvc.core.redaction import SpelledSecret
from xvc.store import db

SECRET = "plain-looking-but-private-77"  # no rule knows it, so it is recorded


def bytes_of(project: Path) -> bytes:
    """Everything on the disk: files, git's objects unpacked, DuckDB's cells as text."""
    found = [path.read_bytes() for path in sorted(project.rglob("*")) if path.is_file()]
    listed = git(project, "cat-file", "--batch-all-objects", "--batch-check")
    names = "".join(f"{line.split()[0]}\n" for line in listed.splitlines() if line).encode()
    words = ["git", "cat-file", "--batch"]
    found.append(
        subprocess.run(words, cwd=project, input=names, capture_output=True, check=True).stdout
    )
    files = [path for path in sorted(project.rglob("*")) if path.is_file()]
    found += [cells_of(path) for path in files if path.read_bytes()[8:12] == b"DUCK"]
    return b"\0".join(found)


def cells_of(store: Path) -> bytes:
    with db.reading(store) as connection:
        tables = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'db'"
        ).fetchall()
        rows = [
            connection.execute(f'SELECT t::VARCHAR FROM "{schema}"."{name}" t').fetchall()
            for schema, name in tables
        ]
    return repr(rows).encode()


@pytest.fixture
def leaked(project: Path, call_xvc: Calling) -> str:
    """A run with the secret in params, rows, note, output, code and an asset; returns its id."""
    (project / "notes.py").write_text(f"where = '{SECRET}'\n")
    script = (
        "import xvc, sys; t = xvc.Tracker(); "
        f"t.log({{'said': '{SECRET}', 'raw': b'{SECRET}', 'deep': {{'a': ['{SECRET}']}}}}); "
        "t.log({'mixed': 1}); "
        f"a = type('A', (), {{}})(); a.x = '{SECRET}'; "
        f"t.log({{'mixed': '{SECRET}', 'thing': a}}); print('{SECRET}')"
    )
    done = call_xvc(
        *("run", "-P", f"where={SECRET}", "-m", f"as {SECRET}", "--json"),
        *("--", "python", "-c", script),
    )
    assert done.code == 0, done.err
    return str(done.data["run"])


def test_a_secret_is_taken_out_everywhere(
    project: Path, leaked: str, run_xvc: Calling, call_xvc: Calling
) -> None:
    """No byte of git, results or xvc's own files has it; the run and its other rows are there."""
    (project / "notes.py").unlink()
    assert SECRET.encode() in bytes_of(project)
    old = git(project, "rev-parse", f"refs/xvc/runs/{leaked}").strip()
    plan = run_xvc("scrub", "--json", stdin=f"{SECRET}\n")

    done = run_xvc("scrub", "--yes", "--json", stdin=f"{SECRET}\n")

    assert plan.code == 4
    assert done.code == 0, done.err
    told = {place["kind"] for place in done.data["places"]}
    assert {"journal", "store", "log", "snapshot", "asset"} <= told
    assert done.data["left"] == []
    assert SECRET not in plan.out + plan.err + done.out + done.err
    assert SECRET.encode() not in bytes_of(project)
    shown = call_xvc("show", leaked, "--json").data
    assert shown["code"]["snapshot"] != old
    assert "notes.py" in str(shown["code"])
    assert git(project, "cat-file", "-t", f"refs/xvc/runs/{leaked}").strip() == "commit"
    assert call_xvc("db", "sql", "SELECT count(*) FROM events", "--json").code == 0
    assert call_xvc("doctor", "--json").code == 0
    assert call_xvc("tag", "--incomplete", "--json").code == 0
    assert "fsck" not in git(project, "fsck", "--no-dangling")
    call_xvc("note", leaked, "clean now")
    call_xvc("db", "sql", "--write", "--yes", "UPDATE runs SET note = 'dirty' WHERE false")
    again = run_xvc("scrub", "--yes", "--json", stdin=SECRET)
    assert again.data["places_total"] == 0
    assert SECRET not in (project / ".git/xvc/operations.jsonl").read_text()
    assert call_xvc("undo", "--yes", "--json").data["command"] == "note"


def test_a_journal_that_is_being_written_goes_on(project: Path, run_xvc: Calling) -> None:
    """Its writer's next rows are read, and none before is damaged."""
    tracker = Tracker()
    tracker.log({"loss": 1.0, "said": SECRET})

    done = run_xvc("scrub", "--yes", "--json", stdin=SECRET)

    assert done.code == 0, done.err
    tracker.log({"loss": 2.0})
    tracker.close()
    told = run_xvc("db", "sql", "SELECT loss FROM events ORDER BY row_id", "--json")
    assert [row["loss"] for row in told.data["rows"]] == [1.0, 2.0], told.out
    assert "damaged" not in told.err
    assert not (project / ".git/xvc/quarantine").exists()


def test_what_versions_hold_is_said_and_left(
    project: Path, leaked: str, run_xvc: Calling, tmp_path: Path
) -> None:
    """Tags are not moved; the pointer names a new snapshot; what a remote has is named."""
    hub = tmp_path / "hub.git"
    git(project, "init", "-q", "--bare", str(hub))
    git(project, "remote", "add", "origin", str(hub))
    assert run_xvc("tag", "--incomplete", "--json").code == 0
    tag = git(project, "rev-parse", "refs/tags/e0.0.1").strip()
    git(project, "push", "-q", "origin", "refs/tags/e0.0.1", f"refs/xvc/runs/{leaked}")
    pointer = (project / "results/experiments.duckdb.dvc").read_text()

    done = run_xvc("scrub", "--run", leaked, "--param", "where", "--yes", "--json")

    assert done.code == 0, done.err
    assert git(project, "rev-parse", "refs/tags/e0.0.1").strip() == tag
    left = json.dumps(done.data["left"])
    assert "e0.0.1: its message" in left
    assert "e0.0.1: its store" in left
    assert f"origin refs/xvc/runs/{leaked}" in json.dumps(done.data["pushed"])
    assert "origin refs/tags/e0.0.1" in json.dumps(done.data["pushed"])
    assert (project / "results/experiments.duckdb.dvc").read_text() != pointer
    assert SECRET.encode() not in cells_of(project / "results/experiments.duckdb")
    assert run_xvc("ls", "--json").data["total"] == 1


def test_what_is_the_users_is_named_in_every_tree(
    project: Path, leaked: str, call_xvc: Calling, run_xvc: Calling
) -> None:
    """Files of another work tree and stores that were set aside are left, and named."""
    tree = Path(call_xvc("worktree", "add", "side", "--json").data["path"])
    (tree / "draft.txt").write_text(f"see {SECRET}\n")
    assert call_xvc("ls").code == 0
    store = project / "results/experiments.duckdb"
    kept = store.with_name(f"{store.name}.kept-20260101T000000")
    torn = store.with_name(f"{store.name}.corrupt-20260101T000000")
    shutil.copyfile(store, kept)
    torn.write_bytes(b"torn " + SECRET.encode())

    done = run_xvc("scrub", "--yes", "--json", stdin=SECRET)

    assert done.code == 0, done.err
    assert str(tree / "draft.txt") in done.data["own"]
    assert {str(kept), str(torn)} <= {each["where"] for each in done.data["left"]}
    assert SECRET in (tree / "draft.txt").read_text()
    assert torn.is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [((), "short"), ((), "1234567890123"), (("--run", "@"), ""), (("--from", "nowhere"), "")],
)
def test_what_cannot_be_taken_out_is_refused(
    project: Path, run_xvc: Calling, words: tuple[str, ...], said: str
) -> None:
    """A text that may stand anywhere by chance, half a question, a file that is not there."""
    done = run_xvc("scrub", *words, "--json", stdin=said)

    assert done.code == 2
    assert done.json["error"]["code"] == "secret-unfit"


@given(
    st.text(st.characters(min_codepoint=32, exclude_categories=("Cs",)), min_size=8, max_size=60),
    st.text(max_size=40),
)
def test_a_line_keeps_its_length_and_checksum(secret: str, around: str) -> None:
    """And is JSON as before, whatever the secret is made of."""
    if secret.isdecimal() or not secret.strip() or secret in '{"a": "", "b": ""}':
        return
    line = json.dumps({"a": f"{around}{secret}", "b": secret}).encode() + b"\n"

    masked = SpelledSecret.of(secret).masked_line(line)

    assert len(masked) == len(line)
    assert zlib.crc32(masked) == zlib.crc32(line)
    assert json.loads(masked)["b"] != secret
