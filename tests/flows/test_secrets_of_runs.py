"""What must not be recorded: found in files, masked in words, wherever it would stand."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb

from surroundings import Calling, git
from xvc import Tracker

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
    call_xvc("db", "sql", "--write", "--yes", f"UPDATE runs SET note = 'token={TOKEN}' WHERE false")

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
