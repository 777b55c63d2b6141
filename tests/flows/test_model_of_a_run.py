"""A model, and an output, is what its run made: never what another run left in the tree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from surroundings import Calling

WRITE = "import sys; open('model.txt', 'w').write(sys.argv[1])"


@pytest.fixture
def runs(project: Path, call_xvc: Calling) -> list[str]:
    """Two runs that declared what they wrote to one place, and one that declared nothing."""
    with (project / ".gitignore").open("a") as ignored:
        ignored.write("*.txt\n")
    found = []
    for words in (("--out", "model.txt"), ("--out", "model.txt"), ()):
        number = str(len(found))
        done = call_xvc("run", "--json", *words, "--", "python", "-c", WRITE, number)
        found.append(str(done.data["run"]))
    return found


def add(call_xvc: Calling, run: str, path: str = "model.txt") -> str:
    name = run + Path(path).stem
    done = call_xvc("model", "add", path, "--run", run, "--name", name, "--json")
    error = done.json.get("error", {})
    return str(error.get("code", "kept")) + " " + str(error.get("message", ""))


def test_only_what_a_run_made_is_its_model(
    runs: list[str], project: Path, call_xvc: Calling
) -> None:
    """What another wrote is refused and its maker named; an output on record comes back."""
    first, second, third = runs
    of_third = [add(call_xvc, run) for run in runs]
    call_xvc("get", first, "model.txt", "-o", "old.txt")
    of_first = [add(call_xvc, run, "old.txt") for run in runs]
    (project / "by_hand.txt").write_text("by hand")

    assert all(said.startswith("not-of-run") for said in of_third[:2])
    assert all(f"; run {third} made it" in said for said in of_third[:2])
    assert of_third[2] == "kept "
    assert of_first[0] == "kept "
    assert all(f"; run {first} made it" in said for said in of_first[1:])
    assert add(call_xvc, second, "by_hand.txt").startswith("not-of-run")


def test_an_output_that_a_run_did_not_write_is_none_of_it(
    runs: list[str], call_xvc: Calling
) -> None:
    """It lies there from an older run."""
    done = call_xvc("run", "--json", "--out", "model.txt", "--", "true")

    assert "did not write model.txt" in " ".join(done.json["warnings"])
    assert "outs" not in call_xvc("show", done.data["run"], "--json").data


def test_a_folder_is_a_model_by_what_its_run_wrote(project: Path, call_xvc: Calling) -> None:
    """What lay there before is left out and named; added by hand, such a folder is refused."""
    (project / ".gitignore").write_text("/net/\n")
    (project / "net").mkdir()
    (project / "net" / "old").write_text("of another run")
    write = "open('net/new', 'w').write('n')"
    rights = f"{write}; import os; os.chmod('net/old', 0o600)"
    words = ("--out", "net", "--model", "net", "--", "python", "-c", rights)
    done = call_xvc("run", "--json", *words)
    bare = call_xvc("run", "--json", "--", "python", "-c", write)
    added = call_xvc("model", "add", "net", "--run", bare.data["run"], "--name", "m", "--json")

    said = " ".join(done.json["warnings"])
    assert "not in the model: net/old" in said
    assert "net/old: in net and not written by this run" in said
    kept = project / "models" / "candidates" / "net" / done.data["run"]
    assert [path.name for path in kept.iterdir()] == ["new"]
    assert added.json["error"]["code"] == "not-of-run"
    assert added.json["error"]["message"].startswith("net/old is neither")


def test_what_two_runs_were_to_leave_at_once_is_a_model_of_none(
    project: Path, call_xvc: Calling
) -> None:
    """Neither run knows whose bytes are there."""
    (project / ".gitignore").write_text("*.txt\n")
    inner = "['xvc', 'run', '-q', '--model', 'a.txt', '--', 'sh', '-c', 'echo b > a.txt']"
    code = f"import os, subprocess; os.environ.pop('XVC_CONTEXT'); subprocess.run({inner})"
    words = ("--out", "a.txt", "--model", "a.txt:net", "--", "python", "-c", code)
    outer = call_xvc("run", "--json", *words)

    said = [text for text in outer.json["warnings"] if "whose bytes" in text]
    assert [text.startswith("not kept as a model") for text in said] == [True, False]
    assert call_xvc("model", "list", "--json").data["models"] == []


def test_what_was_written_while_two_runs_went_on_is_added_to_none(
    project: Path, call_xvc: Calling
) -> None:
    """Either may have made it, unless one was begun by the other."""
    (project / ".gitignore").write_text("*.txt\n")
    inner = "['xvc', 'run', '-q', '--', 'sh', '-c', 'echo b > a.txt']"
    found = []
    for apart in ("import os; os.environ.pop('XVC_CONTEXT')", "pass"):
        code = f"import subprocess; {apart}; subprocess.run({inner})"
        call_xvc("run", "--json", "--", "python", "-c", code)
        added = call_xvc("model", "add", "a.txt", "--run", "@", "--name", "n", "--json")
        found.append(added.json.get("error", {}).get("code"))

    assert found == ["made-by-two", None]


TOUCH = "touch model.txt net/a metrics.json"
AGAIN = "echo old > model.txt; echo a > net/a; echo '{\"acc\": 0.5}' > metrics.json"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who wrote")
@pytest.mark.parametrize(("words", "is_written"), [(TOUCH, False), (AGAIN, True)])
def test_a_touch_writes_nothing_and_the_same_bytes_again_do(
    project: Path, call_xvc: Calling, words: str, is_written: bool
) -> None:
    """No output, no model and no metric comes of a file that only got another time."""
    (project / ".gitignore").write_text("*.txt\n/net/\n")
    (project / "xvc.yaml").write_text("metrics: {files: [metrics.json]}\n")
    (project / "net").mkdir()
    subprocess.run(["sh", "-c", AGAIN], cwd=project, check=True)
    named = ("--out", "model.txt", "--model", "model.txt", "--out", "net")
    done = call_xvc("run", "--json", *named, "--", "sh", "-c", words)

    told = call_xvc("show", done.data["run"], "--json").data
    assert {"model.txt", "net"} <= told.get("outs", {}).keys() or not is_written
    assert ("outs" in told) is is_written
    assert (told.get("metrics", {}).get("acc") == 0.5) is is_written
    assert ("did not write model.txt" in " ".join(done.json["warnings"])) is not is_written


WRITINGS = {
    "touch": "pass",
    "chmod": "import os; os.chmod('net/a.txt', 0o600)",
    "append": "open('net/a.txt', 'a').write('!')",
    "again": "t = open('net/a.txt').read(); open('net/a.txt', 'w').write(t)",
    "map": "import mmap; f = open('net/a.txt', 'r+b'); m = mmap.mmap(f.fileno(), 0)\n"
    "m[:1] = b'X'; m.flush(); m.close(); f.close()",
    "replace": "import shutil, os; shutil.copy('net/a.txt', 'b'); os.replace('b', 'net/a.txt')",
}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who wrote")
@pytest.mark.parametrize("way", WRITINGS)
def test_a_file_that_nobody_declared_is_a_model_of_the_run_that_wrote_it(
    project: Path, call_xvc: Calling, way: str
) -> None:
    """Another time makes no maker; a file and its folder are judged alike."""
    (project / ".gitignore").write_text("/net/\n")
    make = "import os; os.makedirs('net'); open('net/a.txt', 'w').write('a')"
    call_xvc("run", "--", "python", "-c", make)
    script = WRITINGS[way] + ("\nimport os; os.utime('net/a.txt')" if way != "map" else "")
    run = call_xvc("run", "--json", "--", "python", "-c", script).data["run"]
    said = [add(call_xvc, run, path) for path in ("net/a.txt", "net")]

    wanted = "not-of-run" if way in ("touch", "chmod") else "kept"
    assert [each.partition(" ")[0] for each in said] == [wanted, wanted]


def test_bytes_that_another_run_has_on_record_are_not_added_by_their_time(
    runs: list[str], call_xvc: Calling
) -> None:
    """They may have been touched, or written again: the run that surely made them is named."""
    call_xvc("run", "--", "python", "-c", WRITE, "1")
    added = call_xvc("model", "add", "model.txt", "--run", "@", "--name", "m", "--json")

    assert added.json["error"]["code"] == "not-of-run"
    assert f"holds what run {runs[1]} made" in added.json["error"]["message"]
    assert f"--run {runs[1]}" in added.json["error"]["hint"]
