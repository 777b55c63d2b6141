"""The data on record is the data that was read: stale, edited, absent, and brought back by pull."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from surroundings import Calling, dvc, git
from xvc.dvc import data_check


@pytest.fixture
def shared(project: Path, tmp_path: Path) -> Path:
    """A project with a folder and a file of data, pushed to a git and a DVC remote."""
    git(tmp_path, "init", "-q", "--bare", "hub.git")
    git(project, "remote", "add", "origin", str(tmp_path / "hub.git"))
    (project / "data").mkdir()
    for number in range(3):
        (project / f"data/{number}.txt").write_text(f"{number}\n")
    (project / "one.csv").write_text("a\n")
    dvc(project, "add", "-q", "data", "one.csv")
    dvc(project, "remote", "add", "-q", "-d", "shelf", str(tmp_path / "shelf"))
    git(project, "add", ".")
    git(project, "commit", "-qm", "data")
    git(project, "push", "-qu", "origin", "main")
    dvc(project, "push", "-q")
    return project


def ran(call_xvc: Calling, folder: Path, *words: str) -> tuple[dict[str, Any], str]:
    """Run a command; returns the data on its record and what was warned."""
    done = call_xvc("run", "--json", *words, "--", "true", cwd=folder)
    shown = call_xvc("show", done.data["run"], "--json", cwd=folder)
    return shown.data.get("data", {}), " ".join(done.json["warnings"])


def test_untouched_data_is_not_read(
    shared: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DVC's own notes are believed at the first look, xvc's at the next; neither reads a byte."""
    read: list[Path] = []
    monkeypatch.setattr(data_check, "md5_of", lambda path: read.append(path) or "0" * 32)
    first, second = (ran(call_xvc, shared)[0] for _ in range(2))

    assert read == []
    assert first == second
    assert not any("state" in file for file in first.values())


def test_what_differs_is_recorded_as_it_is(shared: Path, call_xvc: Calling) -> None:
    """Edited, replaced, deleted: the record has the bytes that were there, or says so."""
    clean, _ = ran(call_xvc, shared)
    for name in ("data/1.txt", "one.csv"):
        (shared / name).unlink()
        (shared / name).write_text("9\n")  # the same size
    edited, said = ran(call_xvc, shared, "--tag", "minor")
    kept, _ = ran(call_xvc, shared, "--keep-data")
    (shared / "one.csv").write_text("a\n")
    shutil.rmtree(shared / "data")
    absent, also = ran(call_xvc, shared, "--tag", "minor")

    assert {path: file["state"] for path, file in edited.items()} == dict.fromkeys(
        ("data", "one.csv"), "modified"
    )
    assert edited["data"]["digest"] != clean["data"]["digest"] == edited["data"]["tracked"]
    assert "data modified: data, one.csv" in said
    assert "`dvc add data`" in said
    assert kept == edited
    assert absent["data"]["state"] == "absent"
    assert absent["one.csv"] == clean["one.csv"]
    assert "data absent: data; `xvc pull` brings it" in also
    assert git(shared, "tag") == ""
    refused = call_xvc("tag", "--json", cwd=shared)
    assert refused.json["error"]["code"] == "data-differs"
    assert "`dvc add data`" in refused.json["error"]["hint"]
    failed = call_xvc("run", "--tag", "minor", "--json", "--", "false", cwd=shared)
    (step,) = failed.json["next"]
    assert step == f"xvc tag minor --incomplete --run {failed.data['run']}"
    assert call_xvc("tag", "--incomplete", cwd=shared).code == 0


def test_pull_puts_changed_data_in_place(shared: Path, tmp_path: Path, call_xvc: Calling) -> None:
    """A clone whose branch moved before its data: `dvc status` is clean after; edits are left."""
    bob = tmp_path / "bob"
    git(tmp_path, "clone", "-q", str(tmp_path / "hub.git"), "bob")
    _, cloned = ran(call_xvc, bob)
    assert call_xvc("pull", cwd=bob).code == 0
    assert (bob / "data/1.txt").read_text() == "1\n"
    for name in ("data/1.txt", "one.csv"):
        (shared / name).unlink()
        (shared / name).write_text("new\n")
    dvc(shared, "add", "-q", "data", "one.csv")
    git(shared, "commit", "-qam", "more")
    dvc(shared, "push", "-q")
    git(shared, "push", "-q")
    git(bob, "pull", "-q")
    stale, said = ran(call_xvc, bob)
    (bob / "one.csv").unlink()
    (bob / "one.csv").write_text("mine\n")
    pulled = call_xvc("pull", "--json", cwd=bob)

    assert "data absent: data, one.csv" in cloned
    assert stale["data"]["state"] == "modified"
    assert "another version than its pointer names; `xvc pull` puts that in place" in said
    assert (bob / "data/1.txt").read_text() == "new\n"
    assert (bob / "one.csv").read_text() == "mine\n"
    assert "one.csv has bytes" in " ".join(pulled.json["warnings"])
    assert "data.dvc" not in dvc(bob, "status")


def test_a_model_that_a_run_leaves_is_none_of_its_data(project: Path, call_xvc: Calling) -> None:
    """Another run's bytes at the place of the model are written over, not read: no data differs."""
    write = "import sys; open('net.bin', 'w').write(sys.argv[1])"
    call_xvc("run", "--out", "net.bin", "--tag", "minor", "--", "python", "-c", write, "one")
    call_xvc("run", "--model", "net.bin:net", "--", "python", "-c", write, "two")

    third = call_xvc("run", "--model", "net.bin:net", "--", "python", "-c", write, "three")

    assert "data modified" not in third.err
    assert call_xvc("tag", "minor").code == 0


def test_an_edit_that_sets_the_time_back_is_seen(shared: Path, call_xvc: Calling) -> None:
    """Bytes, size and time alike do not deceive the next look, in a file and in a folder."""
    clean, _ = ran(call_xvc, shared)
    for name in ("data/1.txt", "one.csv"):
        facts = (shared / name).stat()
        (shared / name).chmod(0o644)
        (shared / name).write_text("9\n")
        os.utime(shared / name, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    edited, said = ran(call_xvc, shared)
    again, _ = ran(call_xvc, shared, "--keep-data")

    assert not any("state" in file for file in clean.values())
    assert {path: file["state"] for path, file in edited.items()} == {
        "data": "modified",
        "one.csv": "modified",
    }
    assert again == edited
    assert "data modified" in said


def test_other_rights_alone_are_no_change_of_data(shared: Path, call_xvc: Calling) -> None:
    """What the change of a file's rights leaves open is read once, and is as it was."""
    clean, _ = ran(call_xvc, shared)
    for name in ("data/1.txt", "one.csv"):
        (shared / name).chmod(0o600)
    later = [ran(call_xvc, shared) for _ in range(2)]

    assert later == [(clean, later[0][1])] * 2
    assert "data modified" not in later[0][1]
