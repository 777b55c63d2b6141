"""What must not be recorded: found in files, masked in words, wherever it would stand."""

from __future__ import annotations

import os
import random
from pathlib import Path

import duckdb
import pytest

from surroundings import Calling, git
from xvc import Tracker
from xvc.core import secret_shapes
from xvc.git import clean_texts, secret_files

_BY = random.Random(5)
_SIGNS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def _drawn(count: int) -> str:
    return "".join(_BY.choices(_SIGNS, k=count))


TOKEN = "ghp_" + _drawn(36)
PASSWORD = _drawn(20)
KEY = "\n".join(["-----BEGIN PRIVATE KEY-----", *(_drawn(64) for _ in range(4)), ""])


def code_of(project: Path, run: str) -> str:
    return git(project, "log", "-p", "--format=%B", f"refs/xvc/runs/{run}")


def test_files_with_secrets_are_left_out_of_a_snapshot(project: Path, call_xvc: Calling) -> None:
    """By name and by content; said with the line; what settings allow and HEAD has is held."""
    (project / "old.py").write_text(f"token = '{TOKEN}'\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "an old mistake")
    (project / "old.py").write_text(f"token = '{TOKEN}'\nlr = 0.5  # new\n")
    train = project / "train.py"
    train.write_text(train.read_text() + f"# here\nAPI_KEY = '{PASSWORD}'\n")
    (project / "notes.txt").write_text(f"remember\n{KEY}")
    (project / "wide.txt").write_text(f"key: {TOKEN[:-1]}Q\n", encoding="utf-16")
    (project / "prod.env").write_text("A=1\n")
    git(project, "add", "-f", "prod.env")
    (project / "certs").mkdir()
    (project / "certs/test.pem").write_text(KEY.replace("PRIVATE", "EC PRIVATE"))
    (project / "plain.py").write_text("password = os.environ['PASSWORD']\n")
    (project / "xvc.yaml").write_text("snapshot: {allow: ['certs/*']}\n")

    done = call_xvc("run", "--json", "--", "python", "-c", "").json

    run, told = done["data"]["run"], " ".join(done["warnings"])
    kept = code_of(project, run)
    names = set(git(project, "ls-tree", "-r", "--name-only", f"refs/xvc/runs/{run}").split())
    assert not names & {"notes.txt", "wide.txt", "prod.env"}
    assert {"plain.py", "certs/test.pem", "old.py", "train.py"} <= names
    assert "lr = 0.5  # new" in kept
    assert PASSWORD not in kept
    assert "-----BEGIN PRIVATE" not in kept
    assert "train.py (line " in told
    assert "named-secret" in told
    assert "snapshot.allow" in told
    code = call_xvc("show", run, "--json").data["code"]
    assert {"notes.txt", "wide.txt", "prod.env", "train.py"} <= {*code["left_out"]}
    assert "train.py" in code["incomplete"]
    assert git(project, "diff", "--cached", "--name-only").split() == ["prod.env"]


def test_a_secret_is_found_wherever_in_a_long_file_it_stands(
    project: Path, call_xvc: Calling
) -> None:
    """Behind the first million signs, and where one piece that is read ends and the next begins."""
    line = "nothing to be seen here, as in most lines of most files\n"
    long = line * (2_500_000 // len(line))
    key = f"token = '{TOKEN}'\n{KEY}"
    (project / "0late.txt").write_text(f"{long}{key}")
    for place in range(989_000, 992_000, 400):
        (project / f"at{place}.txt").write_text(f"{'-' * (place - 1)}\n{KEY}{line * 200}")
    (project / "harmless.txt").write_text(long)

    done = call_xvc("run", "--json", "--", "python", "-c", "").json

    run = done["data"]["run"]
    names = set(git(project, "ls-tree", "-r", "--name-only", f"refs/xvc/runs/{run}").split())
    assert "harmless.txt" in names
    assert not {name for name in names if name.startswith(("0late", "at"))}
    where = next(each for each in done["warnings"] if "0late.txt" in each)
    assert f"0late.txt (line {long.count(chr(10)) + 1}: " in where


def test_a_text_that_had_no_secret_is_not_looked_through_again(
    project: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known by its content: nothing else of a file is trusted, and no damage makes a text clean."""
    looked: list[str] = []

    def look(text: str) -> list[secret_shapes.SecretMatch]:
        looked.append(text)
        return secret_shapes.secrets_in(text)

    def texts_of_a_run() -> list[str]:
        looked.clear()
        done = call_xvc("run", "--json", "--", "python", "-c", "").json
        names = git(project, "ls-tree", "--name-only", f"refs/xvc/runs/{done['data']['run']}")
        assert ("a.txt" in names.split()) == (TOKEN not in file.read_text())
        return [text for text in looked if "of the test" in text]

    monkeypatch.setattr(clean_texts, "secrets_in", look)
    file, memory = project / "a.txt", project / ".git/xvc/texts-without-secrets"
    plain = f"token = '{'-' * len(TOKEN)}' of the test\n"
    secret = plain.replace("-" * len(TOKEN), TOKEN)
    file.write_text(plain)
    then = file.stat()

    assert texts_of_a_run() == [plain]
    assert texts_of_a_run() == []

    file.write_text(secret)
    os.utime(file, ns=(then.st_atime_ns, then.st_mtime_ns))
    assert texts_of_a_run() == [secret]
    assert texts_of_a_run() == [secret]

    file.write_text(plain)
    assert texts_of_a_run() == []

    monkeypatch.setattr(clean_texts, "rules_digest", lambda: b"others")
    assert texts_of_a_run() == [plain]

    for damaged in (b"", b"x", memory.read_bytes()[1:], os.urandom(1 << 16)):
        memory.write_bytes(damaged)
        assert texts_of_a_run() == [plain]
    memory.unlink()
    memory.mkdir()
    assert texts_of_a_run() == texts_of_a_run() == [plain]


def test_only_so_many_texts_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last that were seen stay."""
    monkeypatch.setattr(clean_texts, "_MOST", 3)
    place = tmp_path / "private" / "memory"
    for text in ("one", "two", "one", "three", "four"):
        memory = clean_texts.CleanTexts(place)
        memory.secrets_in(text)
        memory.secrets_in("one")
        memory.save()

    assert place.stat().st_size == 3 * 16
    monkeypatch.setattr(clean_texts, "secrets_in", lambda _: [secret_shapes.SecretMatch(0, 1, "")])
    again = clean_texts.CleanTexts(place)
    assert [bool(again.secrets_in(text)) for text in ("one", "two", "three", "four")] == [
        False,
        True,
        False,
        False,
    ]


def test_a_text_that_is_too_large_to_be_looked_through_is_left_out_and_named(
    project: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tracked or not; what is no text is taken, and so is a text that the settings let in."""
    monkeypatch.setattr(secret_files, "_LARGE", 2_000)
    names = ["tracked.csv", "tracked.bin", "wide.txt"]
    for name in names:
        (project / name).write_text("1\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "data")
    (project / "tracked.csv").write_text("a,b\n" * 1_000)
    (project / "tracked.bin").write_bytes(b"\0\1" * 2_000)
    (project / "wide.txt").write_text("a,b\n" * 1_000, encoding="utf-16")
    (project / "xvc.yaml").write_text("snapshot: {limit: 100}\n")

    left = call_xvc("run", "--json", "--", "python", "-c", "").json
    (project / "xvc.yaml").write_text("snapshot: {limit: 10_000}\n")
    taken = call_xvc("run", "--json", "--", "python", "-c", "").json

    run, told = left["data"]["run"], " ".join(left["warnings"])
    changed = git(project, "diff", "--name-only", "HEAD", f"refs/xvc/runs/{run}").split()
    assert changed == ["tracked.bin", "xvc.yaml"]
    assert "or could: tracked.csv (too large to look for one), wide.txt (too large" in told
    assert {"tracked.csv", "wide.txt"} <= {
        *call_xvc("show", run, "--json").data["code"]["left_out"]
    }
    run = taken["data"]["run"]
    changed = git(project, "diff", "--name-only", "HEAD", f"refs/xvc/runs/{run}").split()
    assert changed == ["tracked.bin", "tracked.csv", "wide.txt", "xvc.yaml"]
    assert "too large" not in " ".join(taken["warnings"])


def test_no_secret_is_recorded_wherever_it_is_said(project: Path, call_xvc: Calling) -> None:
    """Params, notes, names, headers, URLs, output, versions: not in the store, a journal, a ref."""
    url = f"https://ada:{PASSWORD}@host.internal/x"
    (project / "params.yaml").write_text(f"db: {{password: {PASSWORD}}}\nurls: ['{url}']\n")
    script = f"print('token={TOKEN}'); import sys; print('{url}', file=sys.stderr); sys.exit(3)"
    words = ["--header", f"X-Api-Key: {PASSWORD}", "--token", TOKEN]
    said = ["--name", f"with {TOKEN}", "--note", f"password={PASSWORD}"]
    asked = ["-P", f'opts={{"auth": [{{"name": "API_KEY", "value": "{PASSWORD}"}}]}}']
    call_xvc("run", *said, *asked, "--", "python", "-c", script, *words)
    with Tracker(params={"a": {"secret": PASSWORD}, "b": [url]}, note=TOKEN) as tracker:
        row = tracker.log({"loss": 0.5})
    call_xvc("db", "set", "note", f"password={PASSWORD}", "--run", tracker.track_id)
    alters = f"UPDATE runs SET note = 'token={TOKEN}' WHERE false; UPDATE runs SET host = 'here'"
    assert call_xvc("db", "sql", "--write", "--yes", alters).code == 0

    call_xvc("tag", "minor", "-m", f"token {TOKEN} {url}")

    private = [path for path in (project / ".git/xvc").rglob("*") if path.is_file()]
    held = {str(path): path.read_bytes() for path in (*private, *project.glob("results/*"))}
    found = [path for path, text in held.items() if PASSWORD.encode() in text]
    found += [path for path, text in held.items() if TOKEN.encode() in text]
    assert found == []
    refs = git(project, "for-each-ref", "--format=%(contents)", "refs/tags")
    assert PASSWORD not in refs
    assert TOKEN not in refs
    assert row["a"] == {"secret": "***"}
    shown = [call_xvc(*each.split()).out for each in ("show @", "show @-1", "ls --json", "log")]
    assert not [text for text in shown if PASSWORD in text or TOKEN in text]
    with duckdb.connect(str(project / "results/experiments.duckdb"), read_only=True) as store:
        (count,) = store.execute("SELECT count(*) FROM runs WHERE params LIKE '%***%'").fetchone()
    assert count == 2


def test_a_secret_param_is_masked_wherever_else_it_stands(project: Path, call_xvc: Calling) -> None:
    """In the command where braces put it or a hand did, other params, a note, output."""
    (project / "t.py").write_text("import sys; print(sys.argv); sys.exit(sys.argv[1])\n")
    words = ("python", "t.py", "{password}", "--auth=me:{password}", f"x{PASSWORD}y")
    said = ("--note", f"with {PASSWORD}", "-P", f"password={PASSWORD}", "-P", "token=9")
    ran = call_xvc("run", *said, "--", *words, "--epochs", "9")

    private = [path for path in (project / ".git/xvc").rglob("*") if path.is_file()]
    held = [*private, *project.glob("results/*")]
    runs = call_xvc("ls", "--json").data["runs"]
    assert PASSWORD in ran.out
    assert runs[-1]["params"] == {"password": "***", "token": "***", "auth": "me:***", "epochs": 9}
    assert [str(path) for path in held if PASSWORD.encode() in path.read_bytes()] == []


def test_swept_secrets_are_not_shown(project: Path, call_xvc: Calling) -> None:
    """The child gets them; no answer has them, and only the user can read where they stand."""
    (project / "check.py").write_text("import sys; sys.exit(len(sys.argv[1]) < 9)\n")
    words = ("-P", f"api_key={PASSWORD},other2Xk9q", "--", "python", "check.py", "{api_key}")

    answers = [
        call_xvc("sweep", "--dry-run", *words),
        call_xvc("sweep", "--dry-run", "--json", *words),
        call_xvc("sweep", *words),
        call_xvc("sweep", "show"),
        call_xvc("sweep", "show", "--json"),
        call_xvc("sweep", "status", "--json"),
    ]
    (folder,) = (project / ".git/xvc/sweeps").iterdir()

    assert [each.code for each in answers] == [0] * len(answers)
    assert all(PASSWORD not in each.out + each.err for each in answers)
    assert "the values of api_key stand unmasked" in answers[2].err
    assert folder.stat().st_mode & 0o077 == 0
    assert not any(path.stat().st_mode & 0o111 for path in folder.rglob("*") if path.is_file())
    assert answers[4].data["counts"]["finished"] == 2
