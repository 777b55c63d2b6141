"""A version holds the assets: new ones are put into the DVC cache, listed ones stay listed."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from surroundings import Calling, dvc, git
from xvc.dvc.repository import Dvc

LOG = """
import sys
from xvc import Tracker
tracker = Tracker()
for value in sys.argv[1:]:
    print(tracker.log({"m": range(int(value))})["m"])
"""


def log(call_xvc: Calling, *values: str, tag: bool = True) -> list[str]:
    options = ["--tag", "minor"] if tag else []
    done = call_xvc("-q", "run", *options, "--", "python", "-c", LOG, *values)
    assert done.code == 0, done.err
    return re.findall(r"\b[0-9a-f]{64}\b", done.out)


def listed(folder: Path, revision: str) -> set[str]:
    """The digests that a version's pointer lists."""
    pointer = git(folder, "show", f"{revision}:results/assets.dvc")
    found = re.search(r"md5: (\w\w)(\w+\.dir)", pointer)
    assert found is not None
    listing = folder / ".dvc" / "cache" / "files" / "md5" / found[1] / found[2]
    return {Path(entry["relpath"]).name for entry in json.loads(listing.read_text())}


def test_a_version_holds_its_assets(project: Path, call_xvc: Calling) -> None:
    """The pointer is in the version's commit, git ignores the folder, and DVC has no complaint."""
    first = log(call_xvc, "1", "2")
    second = log(call_xvc, "2", "3")

    assert listed(project, "e0.1.0") == set(first)
    assert listed(project, "e0.2.0") == {*first, *second}
    assert len({*first, *second}) == 3
    assert git(project, "status", "--porcelain") == ""
    assert "up to date" in dvc(project, "status")


def test_the_pointer_is_what_dvc_writes(project: Path, call_xvc: Calling) -> None:
    """``dvc add`` of the same folder leaves the pointer as it is."""
    log(call_xvc, "1", "2", "3")
    dvc(project, "add", "-q", "results/assets")

    assert git(project, "status", "--porcelain") == ""


def test_without_assets_there_is_no_pointer(project: Path, call_xvc: Calling) -> None:
    """Who keeps no assets sees nothing of them."""
    assert call_xvc("run", "--tag", "minor", "--", "python", "train.py").code == 0

    assert [path.name for path in (project / "results").glob("assets*")] == []


def test_only_new_assets_are_hashed(
    project: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what the last version has, nothing is read again."""
    log(call_xvc, "1", "2", "3")
    (new,) = log(call_xvc, "4", tag=False)
    read = []
    keep_file = Dvc.keep_file
    monkeypatch.setattr(Dvc, "keep_file", lambda *given: read.append(given[1]) or keep_file(*given))
    assert call_xvc("tag", "minor").code == 0

    assert [path.name for path in read] == ["experiments.duckdb", new]


def test_another_clone_gets_them(project: Path, call_xvc: Calling, tmp_path: Path) -> None:
    """Pushed and pulled, an asset can be got elsewhere; what is not pulled stays in the list."""
    dvc(project, "remote", "add", "-d", "there", str(tmp_path / "remote"))
    git(project, "commit", "-qam", "remote")
    digests = log(call_xvc, "1", "2")
    dvc(project, "push", "-q")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(project), str(clone))
    dvc(clone, "fetch", "-q")
    missing = call_xvc("assets", "export", digests[0], "out", cwd=clone)
    made = call_xvc(*["run", "--tag", "minor", "--", "python", "-c"], LOG, "3", cwd=clone)
    dvc(clone, "checkout", "-q")
    script = "import sys; from xvc import Tracker; print(Tracker().get(sys.argv[1]))"
    got = subprocess.run(
        [sys.executable, "-c", script, digests[0][:8]],
        cwd=clone,
        check=True,
        capture_output=True,
        text=True,
    )

    assert missing.code == 1
    assert "dvc checkout" in missing.err
    assert made.code == 0, made.err
    assert listed(clone, "e0.2.0") > set(digests)
    assert got.stdout == "range(0, 1)\n"
    assert git(clone, "status", "--porcelain") == ""


def test_assets_are_no_input_of_a_run(project: Path, call_xvc: Calling) -> None:
    """The pointer of the assets does not count as data of the next run."""
    log(call_xvc, "1")
    log(call_xvc, "2", tag=False)

    assert call_xvc("show", "--json").data.get("data", {}) == {}


def test_a_rotten_asset_gets_into_no_version(project: Path, call_xvc: Calling) -> None:
    """A new asset whose bytes are not its name's is refused; logged again, the version is made."""
    (digest,) = log(call_xvc, "1", tag=False)
    file = project / "results" / "assets" / digest[:2] / digest
    file.chmod(0o644)
    file.write_bytes(b"rot")
    refused = call_xvc("tag", "minor", "--json")
    log(call_xvc, "1", tag=False)
    made = call_xvc("tag", "minor")

    assert refused.code == 6
    assert refused.json["error"]["code"] == "asset-corrupt"
    assert made.code == 0
    assert listed(project, "e0.1.0") == {digest}
    assert git(project, "tag") == "e0.1.0"


def test_an_older_version_checked_out(project: Path, call_xvc: Calling) -> None:
    """After a checkout of an older version, the next one lists that version's and what is new."""
    first = log(call_xvc, "1")
    log(call_xvc, "2")
    git(project, "checkout", "-q", "e0.1.0")
    third = log(call_xvc, "3")

    assert listed(project, "e0.3.0") == {*first, *third}
    assert git(project, "status", "--porcelain") == ""


def _here(folder: Path) -> set[str]:
    return {path.name for path in (folder / "results" / "assets").rglob("*") if path.is_file()}


def test_assets_follow_the_pointer(project: Path, call_xvc: Calling) -> None:
    """After git has changed the branch, its assets are here and no other's: DVC says clean."""
    first = log(call_xvc, "1")
    git(project, "switch", "-qc", "side")
    second = log(call_xvc, "2")

    git(project, "switch", "-q", "main")
    on_main, said = _here(project), dvc(project, "status")
    git(project, "switch", "-q", "side")

    assert (on_main, _here(project)) == (set(first), {*first, *second})
    assert "up to date" in said
    assert "up to date" in dvc(project, "status")


def test_assets_of_a_run_without_version_stay(project: Path, call_xvc: Calling) -> None:
    """Where a run waits for its version, git's change of the branch takes no asset away."""
    first = log(call_xvc, "1")
    git(project, "switch", "-qc", "side")
    second = log(call_xvc, "2")
    waiting = log(call_xvc, "2", "3", tag=False)

    git(project, "switch", "-q", "main")

    assert _here(project) == {*first, *second, *waiting}


def test_an_asset_whose_object_has_rotted_stays(project: Path, call_xvc: Calling) -> None:
    """The only good copy is never taken away."""
    log(call_xvc, "1")
    git(project, "switch", "-qc", "side")
    (second,) = log(call_xvc, "2")
    digest = hashlib.md5((project / "results" / "assets" / second[:2] / second).read_bytes())
    place = Dvc(project, {}).place(digest.hexdigest())
    place.chmod(0o644)
    place.write_bytes(b"rotten")

    git(project, "switch", "-q", "main")

    assert second in _here(project)


def test_a_merge_brings_the_assets_of_the_other_tree(
    project: Path, call_xvc: Calling, tmp_path: Path
) -> None:
    """What a linked tree kept is in this tree after git has merged its branch."""
    first = log(call_xvc, "1")
    tree = tmp_path / "tree"
    call_xvc("worktree", "add", "idea", "--path", str(tree))
    words = ("run", "--tag", "minor", "--", "python", "-c", LOG, "2")
    there = call_xvc("-q", *words, cwd=tree)
    (second,) = re.findall(r"\b[0-9a-f]{64}\b", there.out)

    git(project, "merge", "-q", "--no-edit", "exp/idea")

    assert _here(tree) == _here(project) == {*first, second}


KILLED = """
import os, sys
from pathlib import Path
from xvc.dvc import repository as dvc
from xvc.system import files
from xvc.database import keep_assets
step, place = int(sys.argv[1]), {}
def dying(call, name):
    def called(*given, **named):
        place[0] = place.get(0, 0) + 1
        if place[0] == step:
            os.kill(os.getpid(), 9)
        return call(*given, **named)
    return called
keep_assets._AT_ONCE = 1
dvc.Dvc.keep_file = dying(dvc.Dvc.keep_file, "keep")
dvc.Dvc.keep_listing = dying(dvc.Dvc.keep_listing, "list")
keep_assets.write_durably = dying(files.write_durably, "pointer")
keep_assets.add_line = dying(files.add_line, "ignore")
from xvc.cli.app import call
sys.exit(call(["tag", "minor"]))
"""


def test_killed_anywhere_the_same_call_completes(project: Path, call_xvc: Calling) -> None:
    """A version killed before each step on assets is made by the next call, whole."""
    digests = log(call_xvc, "1", "2", tag=False)
    kills = 0
    for step in range(1, 20):
        done = subprocess.run([sys.executable, "-c", KILLED, str(step)], capture_output=True)
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        kills += 1
        assert git(project, "tag") == ""

    assert kills == 6  # the store, two assets, their list, the pointer, the ignored line
    assert listed(project, "e0.1.0") == set(digests)
    assert "up to date" in dvc(project, "status")
    assert git(project, "status", "--porcelain") == ""
