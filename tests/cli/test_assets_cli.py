"""`xvc assets`: look, copy out without running anything, delete with a plan."""

from __future__ import annotations

import hashlib
import shlex
import subprocess
from pathlib import Path

import pytest

from surroundings import Begun, Calling, git
from xvc import Tracker

KEEP = """
from pathlib import Path
from xvc import Tracker
tracker = Tracker()
digest = tracker.log({"m": range(3), "other": 2})["m"]
tracker.log({"copy": digest, "m": digest})
Path("kept").mkdir()
Path("kept/a").write_text("shared")
Path("kept/b").write_text("only here")
tracker.log_artifact("kept/a")
tracker.log_artifact("kept")
"""


@pytest.fixture
def kept(project: Path, call_xvc: Calling, begun: Begun) -> dict[str, str]:
    """An object, a file, and a folder that holds the file: their digests by name."""

    def digests() -> dict[str, str]:
        (project / ".gitignore").write_text("metrics.json\nkept/\n")
        git(project, "commit", "-qam", "ignore")
        assert call_xvc("run", "--tag", "minor", "--", "python", "-c", KEEP).code == 0
        found = call_xvc("assets", "ls", "--json").data["assets"]
        return {each["name"]: each["digest"] for each in found}

    return dict(begun(project, digests))


def test_the_list(project: Path, call_xvc: Calling, kept: dict[str, str]) -> None:
    """Newest first, with kind, size, run and how many cells refer; the text says the same."""
    (project / "results" / "assets" / kept["a"][:2] / kept["a"]).unlink()
    found = call_xvc("assets", "ls", "--json").data
    text = call_xvc("assets", "ls", "--limit", "1").out

    rows = [(e["name"], e["kind"], e["references"], e["here"]) for e in found["assets"]]
    assert rows == [("kept", "folder", 0, True), ("a", "file", 0, False), ("m", "object", 3, True)]
    assert found["total"] == 3
    assert [each["size"] for each in found["assets"][:2]] == [15, 6]
    assert {each["run"] for each in found["assets"]} == {call_xvc("show", "--json").data["id"]}
    assert kept["kept"][:10] in text
    assert "2 more" in text


def test_an_empty_list(project: Path, call_xvc: Calling) -> None:
    """Without assets the list is empty, and makes no folder."""
    assert call_xvc("assets", "ls", "--json").data == {"assets": [], "total": 0}
    assert not (project / "results" / "assets").exists()


def test_export(project: Path, call_xvc: Calling, kept: dict[str, str]) -> None:
    """The bytes come out as they are; what is there is replaced only when told to."""
    (project / "there").write_text("mine")
    refused = call_xvc("assets", "export", kept["m"][:8], "there", "--json")
    assert (project / "there").read_text() == "mine"
    told = call_xvc("assets", "export", kept["m"][:8], "there", "--yes")
    folder = call_xvc("assets", "export", kept["kept"], "out")

    assert (refused.code, refused.json["error"]["code"]) == (4, "target-exists")
    assert (told.code, folder.code) == (0, 0)
    assert hashlib.sha256((project / "there").read_bytes()).hexdigest() == kept["m"]
    assert {path.name for path in (project / "out").iterdir()} == {"a", "b"}


def test_a_deletion_shows_its_plan_first(
    project: Path, call_xvc: Calling, kept: dict[str, str]
) -> None:
    """Without --yes nothing goes and the exit code asks for a decision; --dry-run is content."""
    asked = call_xvc("assets", "delete", kept["m"][:8])
    dry = call_xvc("assets", "delete", kept["m"][:8], "--dry-run", "--yes", "--json")

    assert (asked.code, dry.code) == (4, 0)
    assert "would delete object m" in asked.out
    assert "e0.1.0 still holds it" in asked.out
    assert (dry.data["dry_run"], dry.data["references"]) == (True, 3)
    assert call_xvc("assets", "ls", "--json").data["total"] == 3
    assert git(project, "status", "--porcelain") == ""


def test_deleted_and_brought_back(project: Path, call_xvc: Calling, kept: dict[str, str]) -> None:
    """A deleted asset is in no later version; out of the one that has it, it comes back."""
    place = project / "results" / "assets" / kept["m"][:2] / kept["m"]
    done = call_xvc("assets", "delete", kept["m"], "--yes", "--json")
    assert not place.exists()
    assert call_xvc("tag", "minor").code == 0
    names = [each["name"] for each in call_xvc("assets", "ls", "--json").data["assets"]]
    assert names == ["kept", "a"]
    assert done.data["version"] == "e0.1.0"
    subprocess.run(shlex.split(done.data["way_back"]), check=True, capture_output=True)

    assert hashlib.sha256(place.read_bytes()).hexdigest() == kept["m"]
    assert call_xvc("assets", "delete", kept["m"]).code == 1  # the store no longer knows of it
    assert git(project, "status", "--porcelain") == ""


def test_deleted_where_it_is_not(project: Path, call_xvc: Calling, kept: dict[str, str]) -> None:
    """What was not pulled can be deleted as well: it is taken off the list."""
    pointer = project / "results" / "assets.dvc"
    size = int(pointer.read_text().partition("size: ")[2].split()[0])
    (project / "results" / "assets" / kept["a"][:2] / kept["a"]).unlink()
    done = call_xvc("assets", "delete", kept["a"], "--yes")

    assert done.code == 0
    assert f"size: {size - 6}\n  nfiles: 3\n" in pointer.read_text()


def test_a_folder_takes_only_its_own_files(
    project: Path, call_xvc: Calling, kept: dict[str, str]
) -> None:
    """Deleting a folder keeps the files that something else holds."""
    done = call_xvc("assets", "delete", kept["kept"], "--yes", "--json")
    here = {path.name for path in (project / "results" / "assets").rglob("*") if path.is_file()}

    assert done.data["files"] == 2  # its list and the file that was only in it
    assert here == {kept["m"], kept["a"]}


def test_kept_again_after_a_deletion(
    project: Path, call_xvc: Calling, kept: dict[str, str]
) -> None:
    """The same object logged later is an asset again, of the later run."""
    call_xvc("assets", "delete", kept["m"], "--yes")
    call_xvc("run", "--", "python", "-c", "from xvc import Tracker; Tracker().log({'m': range(3)})")
    (found, *_) = call_xvc("assets", "ls", "--json").data["assets"]

    assert (found["digest"], found["name"], found["here"]) == (kept["m"], "m", True)
    assert found["run"] == call_xvc("show", "--json").data["id"]


def test_what_is_not_known(project: Path, call_xvc: Calling, kept: dict[str, str]) -> None:
    """A digest that nothing has, or too few letters of one, is refused with a way on."""
    for words in (["export", "0" * 64, "out"], ["delete", "0" * 64], ["delete", kept["m"][:7]]):
        refused = call_xvc("assets", *words, "--json")

        assert refused.code == 1
        assert refused.json["error"]["code"] == "no-asset"
        assert "xvc assets ls" in refused.json["error"]["hint"]


def test_references_go_with_the_asset(project: Path, call_xvc: Calling) -> None:
    """`--clear-references` empties the cells that held the digest, and no others."""
    with Tracker() as tracker:
        gone = tracker.log({"model": range(3), "note": "a"})["model"]
        kept = tracker.log({"model": range(4), "note": "b"})["model"]
    done = call_xvc("assets", "delete", str(gone), "--clear-references", "--yes")

    assert done.code == 0, done.err
    assert tracker.values("model") == [None, kept]
    assert tracker.values("note") == ["a", "b"]
