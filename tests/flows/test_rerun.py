"""`xvc rerun`: an old run done again, held against what it gave, and why it differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from remotes import use_remote
from surroundings import Calling, dvc, git

_TRAIN = """\
import json, os, random, sys
rows = [float(line) for line in open("data.txt")]
lr = float(os.environ.get("XVC_PARAM_LR", "0.1"))
luck = random.random() / 100 if len(sys.argv) > 1 else 0
json.dump({"accuracy": sum(rows) / len(rows) * lr + luck}, open("metrics.json", "w"))
open("model.bin", "w").write(f"weights {sum(rows)}")
"""


@pytest.fixture
def kept(project: Path, call_xvc: Calling) -> Path:
    """A project with data of DVC's, a remote for it, and a version e0.1.0."""
    (project / "train.py").write_text(_TRAIN)
    (project / "data.txt").write_text("1\n2\n3\n")
    use_remote(project, {"url": str(project.parent / "shelf")})
    dvc(project, "add", "-q", "data.txt")
    git(project, "add", ".")
    git(project, "commit", "-qm", "train")
    done = call_xvc(
        *("run", "--tag", "minor", "--out", "model.bin", "-P", "lr=0.5"),
        *("--", "python", "train.py"),
    )
    assert done.code == 0, done.err
    return project


def is_object(path: Path) -> bool:
    """Whether a file of the cache holds the data."""
    return path.is_file() and path.read_bytes() == b"1\n2\n3\n"


def outcomes(data: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {row["key"] or row["kind"]: row["outcome"] for row in data["values"]}


def test_an_old_version_is_done_again_in_a_clone(
    kept: Path, call_xvc: Calling, run_xvc: Calling, tmp_path: Path
) -> None:
    """Its code, params and data are what they were, though all have changed: identical."""
    git(kept.parent, "init", "-q", "--bare", "hub.git")
    git(kept, "remote", "add", "origin", str(kept.parent / "hub.git"))
    assert call_xvc("push").code == 0
    git(kept, "push", "-q", "origin", "HEAD", "--tags")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(kept.parent / "hub.git"), str(clone))
    use_remote(clone, {"url": str(kept.parent / "shelf")})
    assert run_xvc("-C", str(clone), "pull").code == 0
    (clone / "train.py").write_text("raise SystemExit(1)\n")

    same = run_xvc("-C", str(clone), "rerun", "e0.1.0", "--verify", "--json")
    (clone / "data.txt").unlink()
    (clone / "data.txt").write_text("1\n2\n4\n")
    other = run_xvc("-C", str(clone), "rerun", "e0.1.0", "--verify", "--data-here", "--json")

    (cached,) = (path for path in (clone / ".dvc" / "cache").rglob("*") if is_object(path))
    cached.chmod(0o644)
    cached.write_text("1\n2\n5\n")
    edited = run_xvc("-C", str(clone), "rerun", "e0.1.0", "--verify", "--json")

    assert (edited.code, edited.data["outcome"]) == (3, "drifted")
    assert "data" in edited.data["causes"]
    assert same.code == 0, same.err + same.out
    assert same.data["outcome"] == "identical"
    assert outcomes(same.data) == dict.fromkeys(("status", "accuracy", "model.bin"), "identical")
    shown = run_xvc("-C", str(clone), "show", same.data["run"], "--json").data
    assert shown["parent"] == same.data["of"]
    assert git(clone, "worktree", "list").count("\n") == 0
    assert (other.code, other.data["causes"]) == (3, ["data"])
    assert outcomes(other.data)["accuracy"] == "drifted"


def test_noise_is_told_by_a_second_time(kept: Path, call_xvc: Calling) -> None:
    """What is another number each time drifts by noise; a tolerance may take it in."""
    call_xvc("run", "--", "python", "train.py", "luck")

    drifted = call_xvc("rerun", "@", "--verify", "--json")
    within = call_xvc("rerun", drifted.data["of"], "--tolerance", "accuracy=0.1", "--json")
    said = call_xvc("rerun", drifted.data["of"])

    assert (drifted.code, drifted.data["causes"]) == (3, ["noise"])
    assert drifted.data["second"] is not None
    assert (within.code, within.data["outcome"]) == (0, "within tolerance")
    assert said.code == 3
    assert "the environment is as it was" in said.err
    assert "--verify" in said.out


def test_what_cannot_be_done_again_is_refused(kept: Path, call_xvc: Calling) -> None:
    """A run without a command, and a tolerance that is no number."""
    from xvc import Tracker

    with Tracker() as tracker:
        tracker.log({"accuracy": 1})
    alone = call_xvc("rerun", "@", "--json")
    wrong = call_xvc("rerun", "e0.1.0", "--tolerance", "acc=x", "--json")

    assert (alone.code, alone.json["error"]["code"]) == (4, "not-repeatable")
    assert (wrong.code, wrong.json["error"]["code"]) == (2, "bad-value")


def test_metrics_read_from_the_output_are_read_again(project: Path, call_xvc: Calling) -> None:
    """With --capture the output tells the metrics, so it does in the run that is done again."""
    call_xvc("run", "--capture", "--", "python", "-c", "print('accuracy: 0.5')")

    done = call_xvc("rerun", "@", "--json")

    assert done.code == 0, done.out
    assert outcomes(done.data)["accuracy"] == "identical"


_LEAVES = """\
import json, pathlib, random, sys
seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.random()
pathlib.Path("out/net").mkdir(parents=True, exist_ok=True)
pathlib.Path("out/net/w.bin").write_text(f"weights {seed}")
pathlib.Path("out/net/b.bin").write_text("bias")
pathlib.Path("m.pkl").write_text("fixed")
json.dump({"accuracy": 1}, open("metrics.json", "w"))
"""


@pytest.mark.parametrize(
    ("seed", "is_added"), [("7", False), ("", True)], ids=["--model", "model add, by luck"]
)
def test_models_are_compared_and_not_kept(
    project: Path, call_xvc: Calling, seed: str, *, is_added: bool
) -> None:
    """A folder and a file, from wherever in the project the run was called."""
    (project / "sub").mkdir()
    (project / "sub" / "train.py").write_text(_LEAVES)
    (project / ".gitignore").write_text("out/\nm.pkl\n")
    git(project, "add", "sub", ".gitignore")
    git(project, "commit", "-qm", "train")
    command = ("--", "python", "train.py", *seed.split())
    models = () if is_added else ("--model", "out/net:net", "--model", "m.pkl")
    done = call_xvc("-C", "sub", "run", *models, *command)
    assert done.code == 0, done.err
    for path, name in (("sub/out/net", "net"), ("sub/m.pkl", "m")) if is_added else ():
        done = call_xvc("model", "add", path, "--run", "@", "--name", name)
        assert done.code == 0, done.err
    before = call_xvc("model", "list", "--json").data

    again = call_xvc("rerun", "@", "--verify", "--json")

    found = {row["key"]: row["outcome"] for row in again.data["values"] if row["kind"] == "model"}
    luck = "identical" if seed else "drifted"
    assert found == {"sub/out/net": luck, "sub/m.pkl": "identical"}
    assert again.code == (0 if seed else 3)
    assert again.data["causes"] == ([] if seed else ["noise"])
    assert not any("compared" in each for each in again.json["warnings"])
    assert call_xvc("model", "list", "--json").data == before


def test_models_whose_place_is_not_known_are_named(project: Path, call_xvc: Calling) -> None:
    """A model outside the project is one; those of an older xvc are, too."""
    outside = project.parent / "m.pkl"
    code = f"open({str(outside)!r}, 'w').write('w')"
    call_xvc("run", "--model", str(outside), "--", "python", "-c", code)

    again = call_xvc("rerun", "@", "--json")

    assert [each for each in again.json["warnings"] if "compared" in each] == [
        "models that are not compared: m; an older xvc recorded them without where the command "
        "left them, or they lay outside the project"
    ]
