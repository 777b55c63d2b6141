"""Two people promote a model at the same time: the hints of xvc, followed to their end."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from remotes import use_remote
from surroundings import Calling, git

TRAIN = """\
import json, os, sys
os.makedirs("models", exist_ok=True)
open("models/net.bin", "w").write(sys.argv[1])
json.dump({"accuracy": float(sys.argv[1])}, open("metrics.json", "w"))
"""


@pytest.fixture
def theirs(project: Path, tmp_path: Path, call_xvc: Calling) -> Path:
    """A clone of the project, whose pushes and pulls go by two folders."""
    (project / "train.py").write_text(TRAIN)
    git(project, "commit", "-qam", "a script that leaves a model")
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(project, "remote", "add", "origin", str(tmp_path / "origin.git"))
    use_remote(project, {"url": str(tmp_path / "storage")})
    assert call_xvc("push").code == 0
    git(tmp_path, "clone", "-q", "origin.git", "theirs")
    clone = tmp_path / "theirs"
    use_remote(clone, {"url": str(tmp_path / "storage")})
    assert call_xvc("pull", cwd=clone).code == 0
    return clone


def _promoted(call_xvc: Calling, tree: Path, bump: str, accuracy: str) -> str:
    """Make a version with a model in a tree and put the model into production."""
    words = ("--tag", bump, "--model", "models/net.bin", "--", "python", "train.py", accuracy)
    ran = call_xvc("run", *words, cwd=tree)
    name = git(tree, "tag", "--points-at", "HEAD", "e*")
    promoted = call_xvc("model", "promote", name, cwd=tree)
    assert (ran.code, promoted.code) == (0, 0), ran.err + promoted.err
    return name


def test_both_promotions_stay_when_the_hints_are_followed(
    project: Path, theirs: Path, call_xvc: Calling
) -> None:
    """Refused push, tags given up, pull, merge, promoted again: nothing lost, all in step."""
    first = _promoted(call_xvc, theirs, "minor", "0.2")
    assert call_xvc("push", cwd=theirs).code == 0
    ours = _promoted(call_xvc, project, "major", "0.3")

    refused = call_xvc("push", "--json").json["error"]
    given_up = next(each for each in re.findall("`([^`]+)`", refused["hint"]) if "tag -d" in each)
    git(project, *shlex.split(given_up)[1:])
    apart = call_xvc("pull", "--json").json["error"]
    merge = next(each for each in re.findall("`([^`]+)`", apart["hint"]) if "git merge" in each)
    subprocess.run(["git", *shlex.split(merge)[1:], "--no-edit"], cwd=project, check=False)
    git(project, "checkout", "-q", "--theirs", "models/production/net.dvc")
    git(project, "add", "models/production/net.dvc")
    git(project, "commit", "-q", "--no-edit")
    between = call_xvc("model", "list", "--json").data["models"]
    again = call_xvc("model", "promote", ours)
    pushed = call_xvc("push")

    assert (refused["code"], apart["code"]) == ("tags-differ", "diverged")
    assert [each["version"] for each in between if "production" in each["stages"]] == [first]
    assert (again.code, pushed.code) == (0, 0), again.err + pushed.err
    assert {"net#production#1", "net#production#2"} <= set(git(project, "tag").split())
    assert (project / "models" / "production" / "net" / "net.bin").read_text() == "0.3"
    assert git(project, "status", "--porcelain") == ""
    pointers = (project / "models").rglob("*.dvc")
    assert [str(each) for each in pointers if not each.with_suffix("").exists()] == []


def test_a_promotion_in_a_work_tree_comes_over(project: Path, call_xvc: Calling) -> None:
    """Its row is younger than the version; the tree is merged all the same, and the row brought."""
    (project / "train.py").write_text(TRAIN)
    git(project, "commit", "-qam", "a script that leaves a model")
    assert call_xvc("worktree", "add", "side").code == 0
    place = git(project, "worktree", "list", "--porcelain").split("worktree ")[-1].splitlines()[0]
    version = _promoted(call_xvc, Path(place), "minor", "0.9")

    merged = call_xvc("worktree", "merge", "side", "--json")
    step = merged.json["next"][0]
    brought = call_xvc(*shlex.split(step)[1:])

    assert (merged.code, brought.code) == (0, 0), merged.err + brought.err
    (model,) = call_xvc("model", "list", "--json").data["models"]
    assert (model["version"], model["stages"]) == (version, ["production"])


def test_after_a_switch_what_differs_is_said_and_its_hint_mends_it(
    project: Path, call_xvc: Calling
) -> None:
    """Tag, pointer and disk each name a model: of three, two differ on a branch without it."""
    (project / "train.py").write_text(TRAIN)
    git(project, "commit", "-qam", "a script that leaves a model")
    _promoted(call_xvc, project, "minor", "0.5")
    agreed = call_xvc("model", "list", "--json").json["warnings"]
    home = git(project, "branch", "--show-current")
    git(project, "checkout", "-q", "-b", "side")
    ours = _promoted(call_xvc, project, "minor", "0.7")
    git(project, "checkout", "-q", home)
    switched = call_xvc("model", "list", "--json").json["warnings"]
    hint = re.findall("`([^`]+)`", switched[1])[0]
    subprocess.run(shlex.split(hint), cwd=project, check=True, capture_output=True)
    mended = call_xvc("model", "list", "--json").json["warnings"]

    assert agreed == []
    assert f"names another model than {ours}" in switched[0]
    assert "holds other bytes than its pointer names" in switched[1]
    assert mended == switched[:1]
    assert (project / "models" / "production" / "net" / "net.bin").read_text() == "0.5"
