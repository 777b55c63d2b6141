"""`xvc model …`: candidates, what is in production, the way back; read by GTO's and DVC's tools."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import xvc.models.publish_models as landing
from remotes import use_remote
from surroundings import Begun, Calling, as_if_written_by, git
from xvc.git import branch

TRAIN = """\
import json
import sys

lr = sys.argv[1]
open("model.bin", "w").write("weights for " + lr)
json.dump({"acc": 1 - float(lr)}, open("metrics.json", "w"))
"""
FOLDER = "models/candidates/digits"
PRODUCTION = "models/production/digits/model.bin"


def tool(*words: str) -> str:
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def trained(project: Path, call_xvc: Calling, begun: Begun) -> dict[str, str]:
    """Three candidates by learning rate; acc is 1 - lr."""

    def three() -> dict[str, str]:
        (project / "train.py").write_text(TRAIN)
        git(project, "commit", "-qam", "training")
        return {lr: train(call_xvc, lr) for lr in ("0.3", "0.1", "0.2")}

    return dict(begun(project, three))


def train(call_xvc: Calling, lr: str, *options: str) -> str:
    words = ("run", "--json", "--model", "model.bin:digits", *options, "--")
    ran = call_xvc(*words, "python", "train.py", lr)
    assert (ran.code, ran.json["warnings"]) == (0, []), ran.err
    return str(ran.data["run"])


def promote(call_xvc: Calling, *words: str) -> str:
    done = call_xvc("model", "promote", *words, "--json")
    assert done.code == 0, done.out
    return str(done.data["version"])


def held(project: Path) -> str:
    return (project / PRODUCTION).read_text()


def object_with(cache: Path, text: str) -> Path:
    """Find the object of a cache or folder remote that begins with these words."""
    found = (cache / "files/md5").glob("??/*")
    return next(place for place in found if place.read_bytes().startswith(text.encode()))


def name_of(place: Path) -> str:
    return place.parent.name + place.name


def test_the_tools_of_others_read_it(
    project: Path, trained: dict[str, str], call_xvc: Calling
) -> None:
    """`gto show` and `gto history` know versions and stage; `dvc artifacts get` gets the model."""
    promote(call_xvc, "best:acc", "-m", "the steady one")
    assert "the steady one" in git(project, "for-each-ref", "--format=%(contents)", "refs/tags")
    promote(call_xvc, trained["0.3"])
    call_xvc("model", "rollback")
    shown = tool("gto", "show")
    told = tool("gto", "history", "digits")
    tool("dvc", "artifacts", "get", str(project), "digits", "--stage", "production", "-o", "now")
    tool("dvc", "artifacts", "get", str(project), "digits", "--rev", "v0.0.2", "-o", "other")

    assert [word for word in shown.split() if word[:2] == "v0"] == ["v0.0.2", "v0.0.1"]
    assert told.count("assignment") == 3
    assert told.count("registration") == 2
    assert (project / "now/model.bin").read_text() == "weights for 0.1"
    assert (project / "other/model.bin").read_text() == "weights for 0.3"


def test_a_tag_of_another_tool_counts(
    project: Path, trained: dict[str, str], call_xvc: Calling
) -> None:
    """What `gto assign` puts into a stage is what xvc says is there."""
    promote(call_xvc, "best:acc")
    promote(call_xvc, trained["0.3"])
    tool("gto", "assign", "digits", "--version", "v0.0.1", "--stage", "production", "--force")
    got = call_xvc("model", "get", "digits", "-o", "served", "--json")

    assert got.data["at"] == "e0.0.1"
    assert (project / "served/model.bin").read_text() == "weights for 0.1"


def test_a_candidate(project: Path, trained: dict[str, str], call_xvc: Calling) -> None:
    """Each has a folder and a pointer of its own, committed; the tree stays clean."""
    for lr, run in trained.items():
        assert (project / FOLDER / run / "model.bin").read_text() == f"weights for {lr}"
        assert git(project, "show", f"HEAD:{FOLDER}/{run}.dvc")

    shown = call_xvc("show", trained["0.1"], "--json").data
    assert f"{FOLDER}/{trained['0.1']}" in str(shown)
    assert git(project, "status", "--porcelain") == ""
    assert tool("dvc", "status", FOLDER + f"/{trained['0.1']}.dvc").startswith("Data and pipe")
    runs = call_xvc("ls", "--json").data["runs"]
    assert not any(run.get("dirty") for run in runs)


def test_versions_of_other_runs_stay_on_the_branch(
    project: Path, trained: dict[str, str], call_xvc: Calling
) -> None:
    """Candidates and promotions are no code: they do not push a run's version off the branch."""
    promote(call_xvc, "best:acc")
    made = call_xvc("tag", "minor", "--run", trained["0.3"], "--json")

    assert made.data["branch"] == "main"


def test_models_are_no_data(project: Path, trained: dict[str, str], call_xvc: Calling) -> None:
    """A run's data does not change because other runs left models."""
    promote(call_xvc, "best:acc")
    run = train(call_xvc, "0.5")

    assert not call_xvc("show", run, "--json").data.get("data")


def test_no_bytes_twice(project: Path, trained: dict[str, str]) -> None:
    """A candidate shares its bytes with the cache and cannot be written through."""
    place = project / FOLDER / trained["0.1"] / "model.bin"

    assert place.stat().st_nlink == 2
    assert place.stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("kind", ["", "symlink", "hardlink", "copy"])
def test_production_never_leads_into_the_cache(
    project: Path, trained: dict[str, str], call_xvc: Calling, kind: str
) -> None:
    """A promotion replaces the file and writes through no link, whatever DVC is told (D8)."""
    if kind:
        with (project / ".dvc/config.local").open("a") as file:
            file.write(f"[cache]\n    type = {kind}\n")
    promote(call_xvc, trained["0.3"])
    promote(call_xvc, trained["0.1"])

    assert held(project) == "weights for 0.1"
    assert (project / FOLDER / trained["0.3"] / "model.bin").read_text() == "weights for 0.3"
    got = call_xvc("get", "e0.0.1", "model:digits/model.bin", "-o", "old")
    assert got.code == 0
    assert (project / "old").read_text() == "weights for 0.3"
    if not kind:
        (project / PRODUCTION).write_text("by hand")
        assert call_xvc("get", "e0.0.2", "model:digits", "-o", "again").code == 0


def test_any_file_and_folder(project: Path, call_xvc: Calling) -> None:
    """Names, file types and folders are free, and a run may leave several (D4, D9)."""
    (project / "train.py").write_text(
        "import os\nos.makedirs('net/parts')\n"
        "open('net/parts/a.onnx', 'w').write('a')\nopen('net/config.json', 'w').write('{}')\n"
        "open('cnn-pii.bin', 'w').write('pii')\n"
    )
    git(project, "commit", "-qam", "training")
    words = ("--model", "net:nlp", "--model", "cnn-pii.bin")
    ran = call_xvc("run", "--json", *words, "--tag", "minor", "--", "python", "train.py")
    got = call_xvc("get", "e0.1.0", "model:nlp", "-o", "out", "--json")

    assert ran.json["warnings"] == []
    assert [each["name"] for each in call_xvc("model", "list", "--json").data["models"]] == [
        "cnn-pii",
        "nlp",
    ]
    assert (project / "out/parts/a.onnx").read_text() == "a"
    assert got.data["files"] == 2
    promote(call_xvc, "e0.1.0", "--name", "nlp")
    promote(call_xvc, "e0.1.0", "--name", "cnn-pii")
    assert tool("gto", "show").count("v0.1.0") == 4


def test_what_a_run_did_not_write(
    project: Path, trained: dict[str, str], call_xvc: Calling
) -> None:
    """A model that lay there before is no model of this run (D7)."""
    ran = call_xvc("run", "--json", "--model", "model.bin:digits", "--", "true")

    assert "did not write model.bin" in ran.json["warnings"][0]
    assert len(call_xvc("model", "list", "--json").data["models"]) == 3


def test_added_later(project: Path, trained: dict[str, str], call_xvc: Calling) -> None:
    """A model is kept with its run later, once; another content under its name is refused."""
    (project / "late.txt").write_text("late")
    as_if_written_by(call_xvc, trained["0.1"], project / "late.txt")
    words = ("model", "add", "late.txt", "--run", trained["0.1"], "--name", "late", "--json")
    first, again = call_xvc(*words), call_xvc(*words)
    (project / "late.txt").write_text("other")
    as_if_written_by(call_xvc, trained["0.1"], project / "late.txt")
    other = call_xvc(*words)

    assert [first.data["changed"], again.data["changed"]] == [True, False]
    assert other.code == 4
    assert other.json["error"]["code"] == "model-taken"
    assert call_xvc("get", trained["0.1"], "model:late/late.txt", "-o", "got").code == 0
    assert call_xvc("get", trained["0.1"], "model:digits/model.bin", "-o", "first").code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("best:gain",), 2, "no-direction"),
        (("best:acc", "--require", "acc >= 0.95"), 3, "gates-not-met"),
        (("best:acc", "--require", "f1 > 0"), 3, "gates-not-met"),
        (("@", "--better-than", "best:acc"), 2, "bad-value"),
        (("@", "--better-than", "best:acc", "--by", "acc"), 3, "gates-not-met"),
        (("@", "--name", "other"), 1, "no-model"),
        (("@", "--stage", "candidates"), 2, "bad-value"),
        (("@", "--stage", "pro duction"), 2, "bad-value"),
        (("e9.9.9",), 1, "no-version"),
    ],
)
def test_refusals_change_nothing(
    project: Path,
    trained: dict[str, str],
    call_xvc: Calling,
    words: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    """Gates and directions are looked at before anything changes (D3)."""
    before = git(project, "for-each-ref")
    done = call_xvc("model", "promote", *words, "--json")

    assert (done.code, done.json["error"]["code"]) == (code, said)
    assert git(project, "for-each-ref") == before
    assert not (project / "models/production").exists()


def test_a_direction_that_is_said(
    project: Path, trained: dict[str, str], call_xvc: Calling
) -> None:
    """A metric whose name says nothing is asked for, and taken from settings or the call (D3)."""
    (project / "xvc.yaml").write_text(
        "metrics:\n  files: [metrics.json]\n  direction: {acc: min}\n"
    )
    git(project, "commit", "-qam", "settings")
    lowest = promote(call_xvc, "best:acc")
    highest = call_xvc("model", "promote", "best:acc", "--by", "acc:max", "--json").data

    assert held(project) == "weights for 0.1"
    assert highest["run"] == trained["0.1"]
    assert lowest == "e0.0.1"
    assert highest["previous"] == "e0.0.1"


def test_evidence(project: Path, trained: dict[str, str], call_xvc: Calling) -> None:
    """Who, why and what was before are in the tag and in the store; the metrics stay the run's."""
    promote(call_xvc, trained["0.3"])
    promote(call_xvc, "best:acc", "--better-than", "production", "--require", "acc > 0.5")
    last = call_xvc("model", "history", "digits", "--json").data["history"][0]
    rows = call_xvc("db", "sql", "SELECT tag, previous, gates FROM models", "--json").data["rows"]
    tag = git(project, "cat-file", "tag", "digits#production#2")

    assert last["by"] == "Ada Tester <ada@example.org>"
    assert [gate["met"] for gate in last["gates"]] == [True, True]
    assert 'Xvc-Previous: "e0.0.1"' in tag
    assert len(rows) == 2
    assert call_xvc("show", "e0.0.2", "--json").data["metrics"] == {"acc": 0.9}


def test_rollback_goes_back_step_by_step(
    project: Path, trained: dict[str, str], call_xvc: Calling
) -> None:
    """After a, b, c: back to b, then to a, then there is nothing; and to any that was there."""
    for lr in ("0.3", "0.2", "0.1"):
        promote(call_xvc, trained[lr])
    steps = [call_xvc("model", "rollback", "--json") for _ in range(3)]
    forth = call_xvc("model", "rollback", "--to", "e0.0.3", "--json")

    assert [step.code for step in steps] == [0, 0, 1]
    assert [step.data["version"] for step in steps[:2]] == ["e0.0.2", "e0.0.1"]
    assert steps[2].json["error"]["code"] == "nothing-before"
    assert forth.data["version"] == "e0.0.3"
    assert held(project) == "weights for 0.1"
    assert git(project, "status", "--porcelain") == ""


def test_what_was_changed_by_hand_is_kept(
    project: Path, trained: dict[str, str], call_xvc: Calling
) -> None:
    """A production folder that somebody wrote into is not replaced; the error has both ways on."""
    promote(call_xvc, trained["0.3"])
    (project / PRODUCTION).write_text("mine")
    done = call_xvc("model", "promote", trained["0.1"], "--json")

    assert done.code == 4
    assert done.json["error"]["code"] == "model-changed"
    assert held(project) == "mine"


def test_users_dvc_yaml_stays(project: Path, trained: dict[str, str], call_xvc: Calling) -> None:
    """Comments and stages of dvc.yaml stay; uncommitted changes of it are refused, not taken."""
    mine = "# my pipeline\nstages:\n  a: {cmd: echo}  # quick\n"
    (project / "dvc.yaml").write_text(mine)
    refused = call_xvc("model", "promote", trained["0.3"], "--json")
    git(project, "add", "dvc.yaml")
    git(project, "commit", "-qm", "pipeline")
    promote(call_xvc, trained["0.3"])

    assert refused.json["error"]["code"] == "paths-changed"
    assert (project / "dvc.yaml").read_text().startswith(mine)


def test_staging(project: Path, trained: dict[str, str], call_xvc: Calling) -> None:
    """Stages are apart, and GTO sees both."""
    promote(call_xvc, trained["0.3"], "--stage", "staging")
    promote(call_xvc, trained["0.1"])
    promote(call_xvc, trained["0.3"])
    tool("dvc", "artifacts", "get", str(project), "digits", "--stage", "staging", "-o", "now")

    assert (project / "models/staging/digits/model.bin").read_text() == "weights for 0.3"
    assert (project / "now/model.bin").read_text() == "weights for 0.3"
    assert tool("gto", "show").split().count("v0.0.1") == 2


def test_prune_shows_its_plan(project: Path, trained: dict[str, str], call_xvc: Calling) -> None:
    """Without --yes nothing goes; with it the best stay, and what is in a stage (D1)."""
    promote(call_xvc, trained["0.3"])
    before = git(project, "rev-parse", "HEAD")
    plan = call_xvc("model", "prune", "--keep", "1", "--by", "acc:max", "--json")
    assert git(project, "rev-parse", "HEAD") == before
    done = call_xvc("model", "prune", "--keep", "1", "--by", "acc:max", "--yes", "--json")

    assert plan.code == 4
    kept = {each["run"]: each["kept_by"] for each in plan.data["models"]}
    assert kept == {
        trained["0.1"]: "among the best 1",
        trained["0.2"]: None,
        trained["0.3"]: "in production",
    }
    assert done.data["pruned"] == 1
    assert not (project / FOLDER / trained["0.2"]).exists()
    assert git(project, "status", "--porcelain") == ""
    assert call_xvc("get", trained["0.2"], "model:digits/model.bin", "-o", "back").code == 0
    assert (project / "back").read_text() == "weights for 0.2"


def test_prune_and_what_has_no_metric(
    project: Path, trained: dict[str, str], call_xvc: Calling
) -> None:
    """NULL and NaN never crash and never go, unless their run is named (D2)."""
    (project / "train.py").write_text(
        "import json, sys\nopen('model.bin', 'w').write(sys.argv[1])\n"
        "json.dump({'acc': float(sys.argv[1])} if sys.argv[1] != 'none' else {}, "
        "open('metrics.json', 'w'))\n"
    )
    git(project, "commit", "-qam", "training")
    nan, none = train(call_xvc, "nan"), train(call_xvc, "none")
    words = ("model", "prune", "--keep", "2", "--by", "acc", "--yes", "--json")
    first = call_xvc(*words)
    named = call_xvc(*words, none)

    kept = {each["run"]: each["kept_by"] for each in first.data["models"]}
    assert (kept[nan], kept[none]) == ("no acc recorded",) * 2
    assert first.data["pruned"] == 1
    assert [each["run"] for each in named.data["models"] if not each["kept_by"]] == [none]


def test_prune_takes_no_fraction_for_a_bad_percentage(
    trained: dict[str, str], call_xvc: Calling
) -> None:
    """Candidates on the other scale than the newest stay, and why is said."""
    newest = train(call_xvc, "-92")

    plan = call_xvc("model", "prune", "--keep", "1", "--by", "acc", "--json")
    promoted = call_xvc("model", "promote", "worst:acc", "--dry-run", "--json")

    kept = {each["run"]: each["kept_by"] for each in plan.data["models"]}
    other = "acc on another scale than the newest"
    assert kept == {newest: "among the best 1", **dict.fromkeys(trained.values(), other)}
    assert promoted.data["run"] == newest
    for each in (plan, promoted):
        assert "acc seems to be in percent in some runs" in each.json["warnings"][0]


def test_many_rows_are_one_run(project: Path, call_xvc: Calling) -> None:
    """A run with a good and a bad row counts once, by its last value (D1, D10)."""
    (project / "train.py").write_text(
        "import sys\nfrom xvc import Tracker\ntracker = Tracker()\n"
        "for acc in map(float, sys.argv[1].split(',')):\n    tracker.log({'acc': acc})\n"
        "open('model.bin', 'w').write(sys.argv[1])\n"
    )
    git(project, "commit", "-qam", "training")
    best = train(call_xvc, "0.1,0.2,0.9")
    other = train(call_xvc, "0.95,0.5")
    call_xvc("model", "prune", "--keep", "1", "--by", "acc:max", "--yes")
    listed = call_xvc("model", "list", "--json").data

    assert [each["run"] for each in listed["models"]] == [best]
    assert listed["total"] == 1
    assert call_xvc("get", other, "model:digits", "-o", "other").code == 0


def test_prune_refuses_what_cannot_be_had_again(
    project: Path, trained: dict[str, str], call_xvc: Calling
) -> None:
    """An object that is gone or rotten is found before anything goes (D5)."""
    rotten = object_with(project / ".dvc/cache", "weights for 0.3")
    rotten.unlink()
    words = ("model", "prune", "--keep", "1", "--by", "acc", "--yes", "--json")
    gone = call_xvc(*words)
    rotten.write_text("weights for 9.9")
    bad = call_xvc(*words)

    assert (gone.code, gone.json["error"]["code"]) == (1, "unrecoverable")
    assert "git rm" in gone.json["error"]["hint"]
    assert (bad.code, bad.json["error"]["code"]) == (6, "object-corrupt")
    assert len(list((project / FOLDER).glob("*.dvc"))) == 3


def test_the_plan_of_prune_is_refused_as_the_deed_is(
    project: Path, trained: dict[str, str], call_xvc: Calling, tmp_path: Path
) -> None:
    """What the remote lacks, or a remote that does not answer: the plan says what --yes says."""
    object_with(project / ".dvc/cache", "weights for 0.3").unlink()
    words = ("model", "prune", "--keep", "1", "--by", "acc", "--json")
    use_remote(project, {"url": str(tmp_path / "far")})
    lacking = [call_xvc(*words, *more) for more in ((), ("--dry-run",), ("--yes",))]
    local = project / ".dvc/config.local"
    local.write_text(
        local.read_text().replace(
            str(tmp_path / "far"), "s3://none/x\n    endpointurl = http://127.0.0.1:9"
        )
    )
    silent = [call_xvc(*words, *more) for more in ((), ("--dry-run",), ("--yes",))]

    assert [said.json["error"]["code"] for said in lacking] == ["unrecoverable"] * 3
    assert [said.json["error"]["code"] for said in silent] == ["dvc-failed"] * 3
    assert "look into remote storage" in silent[0].json["error"]["message"]


@pytest.mark.parametrize("lost", ["file", "file and list", "both places", "half of it"])
def test_prune_only_asks_the_remote(
    project: Path, trained: dict[str, str], call_xvc: Calling, tmp_path: Path, lost: str
) -> None:
    """What the cache lacks may go when the remote has it, and is not fetched for that (D5)."""
    use_remote(project, {"url": str(tmp_path / "far")})
    tool("dvc", "push", "-q")
    file = object_with(project / ".dvc/cache", "weights for 0.3")
    listing = object_with(project / ".dvc/cache", f'[{{"md5": "{name_of(file)}"')
    file.unlink()
    if lost == "file and list":
        listing.unlink()
    if lost == "both places":
        object_with(tmp_path / "far", "weights for 0.3").unlink()
    if lost == "half of it":
        half = object_with(tmp_path / "far", "weights for 0.3")
        half.chmod(0o644)
        half.write_text("weights")
    done = call_xvc("model", "prune", "--keep", "1", "--by", "acc", "--yes", "--json")

    if lost in ("both places", "half of it"):
        assert (done.code, done.json["error"]["code"]) == (1, "unrecoverable")
        assert len(list((project / FOLDER).glob("*.dvc"))) == 3
        return
    assert done.data["pruned"] == 2
    assert not file.exists()
    got = call_xvc("get", trained["0.3"], "model:digits/model.bin", "-o", "back")
    assert got.code == 0, got.err
    assert (project / "back").read_text() == "weights for 0.3"


@pytest.mark.parametrize(
    "words",
    [
        ("model", "promote", "e0.0.1"),
        ("model", "rollback"),
        ("model", "get", "digits", "-o", "out"),
        ("get", "e0.0.1", "model:digits", "-o", "out"),
        ("push",),
    ],
    ids=" ".join,
)
def test_what_has_rotted_is_not_used(
    project: Path,
    trained: dict[str, str],
    call_xvc: Calling,
    tmp_path: Path,
    words: tuple[str, ...],
) -> None:
    """Other bytes under an object's name: it is named, and nothing is changed, written or sent."""
    promote(call_xvc, trained["0.3"])
    promote(call_xvc, trained["0.1"])
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(project, "remote", "add", "origin", str(tmp_path / "origin.git"))
    use_remote(project, {"url": str(tmp_path / "far")})
    names = []
    for lr in ("0.3", "0.1"):
        place = object_with(project / ".dvc/cache", f"weights for {lr}")
        place.chmod(0o644)
        place.write_text("weights for 9.9")
        names.append(name_of(place)[:10])
    before = git(project, "for-each-ref")
    done = call_xvc(*words, "--json")

    assert (done.code, done.json["error"]["code"]) == (6, "object-corrupt")
    assert any(name in done.json["error"]["message"] for name in names)
    assert git(project, "for-each-ref") == before
    assert not (project / "out").exists()
    assert git(tmp_path / "origin.git", "for-each-ref") == ""
    assert not list((tmp_path / "far").rglob("*/md5/??/*"))


def test_a_corrupt_model_is_not_promoted(
    project: Path, trained: dict[str, str], call_xvc: Calling
) -> None:
    """The object is checked by its hash before pointer, commit or tag."""
    place = project / FOLDER / trained["0.1"] / "model.bin"
    place.chmod(0o644)
    place.write_text("through the hardlink")
    before = git(project, "for-each-ref")
    done = call_xvc("model", "promote", trained["0.1"], "--json")

    assert (done.code, done.json["error"]["code"]) == (6, "object-corrupt")
    assert git(project, "for-each-ref") == before


DYING = """\
import os
import sys

import xvc.git.branch as branch
from xvc.system.staging import Staging
from xvc.cli.app import call

place, name = {
    "the branch moves": (branch, "_move"),
    "the folder is there": (Staging, "publish"),
    "its scratch has gone": (Staging, "__exit__"),
}[sys.argv[1]]
setattr(place, name, lambda *given, **more: os._exit(9))
sys.exit(call(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("before", "serves"),
    [("the branch moves", "0.3"), ("the folder is there", "0.1"), ("its scratch has gone", "0.1")],
)
def test_what_a_kill_left_goes_with_the_next_command(
    project: Path,
    trained: dict[str, str],
    call_xvc: Calling,
    tmp_path: Path,
    before: str,
    serves: str,
) -> None:
    """Killed before the branch has it, nothing has happened, to the index either; after, all."""
    promote(call_xvc, trained["0.3"])
    call_xvc("tag", "patch", "--run", trained["0.1"])
    (tmp_path / "dying.py").write_text(DYING)
    words = [sys.executable, str(tmp_path / "dying.py"), before, "model", "promote"]
    killed = subprocess.run([*words, trained["0.1"]], check=False)
    assert killed.returncode == 9
    call_xvc("ls")

    assert git(project, "status", "--porcelain") == ""
    assert held(project) == f"weights for {serves}"
    assert [path.name for path in (project / PRODUCTION).parent.parent.glob(".*")] == [".gitignore"]
    call_xvc("model", "promote", trained["0.1"])
    assert held(project) == "weights for 0.1"


RACER = """\
import sys
import time
from pathlib import Path

import xvc.models.promote as promoting
from xvc.cli.app import call

assign, mine = promoting.assign, Path(sys.argv[1])


def late(*given):
    mine.touch()
    while not mine.with_name("go").exists():
        time.sleep(0.002)
    return assign(*given)


promoting.assign = late
sys.exit(call(sys.argv[2:]))
"""


def test_two_promotions_that_saw_the_same(
    project: Path, trained: dict[str, str], call_xvc: Calling, tmp_path: Path
) -> None:
    """Both have decided before either lands: one wins, the other is told, and decides again."""
    for lr in ("0.1", "0.3"):
        call_xvc("tag", "patch", "--run", trained[lr])
    (tmp_path / "racer.py").write_text(RACER)
    words = ["model", "promote", "--json"]
    racing = {
        lr: subprocess.Popen(
            [sys.executable, str(tmp_path / "racer.py"), str(tmp_path / lr), *words, trained[lr]],
            stdout=subprocess.PIPE,
            text=True,
        )
        for lr in ("0.1", "0.3")
    }
    while not all((tmp_path / lr).exists() for lr in racing):
        assert all(each.poll() is None for each in racing.values())
        time.sleep(0.01)
    (tmp_path / "go").touch()
    outs = {lr: each.communicate(timeout=120)[0] for lr, each in racing.items()}

    won = next(lr for lr, each in racing.items() if each.returncode == 0)
    lost = next(lr for lr, each in racing.items() if each.returncode != 0)
    error = json.loads(outs[lost])["error"]
    assert (racing[lost].returncode, error["code"]) == (4, "stage-moved")
    assert json.loads(outs[won])["data"]["version"] in error["message"]
    assert git(project, "tag", "-l", "digits#production#*").split() == ["digits#production#1"]
    assert held(project) == f"weights for {won}"
    assert git(project, "status", "--porcelain") == ""
    promote(call_xvc, trained[lost])
    assert held(project) == f"weights for {lost}"


def test_a_commit_while_a_promotion_lands(
    project: Path, trained: dict[str, str], call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever commits between plan and landing keeps the branch; the promotion changed nothing."""

    def advance(*given: Any, **places: Any) -> None:
        git(project, "commit", "-q", "--allow-empty", "-m", "quick")
        branch.advance(*given, **places)

    call_xvc("tag", "patch", "--run", trained["0.1"])
    with monkeypatch.context() as patched:
        patched.setattr(landing, "advance", advance)
        done = call_xvc("model", "promote", trained["0.1"], "--json")

    assert (done.code, done.json["error"]["code"]) == (4, "committed-meanwhile")
    assert git(project, "log", "-1", "--format=%s") == "quick"
    assert git(project, "tag", "-l", "digits*") == ""
    assert git(project, "status", "--porcelain") == ""
    assert not (project / "models/production").exists()
    promote(call_xvc, trained["0.1"])
    assert held(project) == "weights for 0.1"


def test_two_promotions_at_once(project: Path, trained: dict[str, str], call_xvc: Calling) -> None:
    """Started together, both may succeed one after the other; never does one undo the other."""
    for lr in ("0.1", "0.3"):
        call_xvc("tag", "patch", "--run", trained[lr])
    words = [sys.executable, "-m", "xvc", "model", "promote", "--json"]
    started = [
        subprocess.Popen([*words, trained[lr]], stdout=subprocess.PIPE, text=True)
        for lr in ("0.1", "0.3")
    ]
    outs = [each.communicate(timeout=120)[0] for each in started]
    codes = [each.returncode for each in started]
    tags = git(project, "tag", "-l", "digits#production#*").split()

    assert sorted(codes) in ([0, 0], [0, 4])
    assert len(tags) == codes.count(0)
    assert [code == 4 for code in codes] == ["stage-moved" in out for out in outs]
    last = call_xvc("model", "history", "digits", "--json").data["history"][0]
    assert held(project) == f"weights for {'0.1' if last['run'] == trained['0.1'] else '0.3'}"
    assert git(project, "status", "--porcelain") == ""


def test_undo_names_the_way(project: Path, trained: dict[str, str], call_xvc: Calling) -> None:
    """A promotion is in the operation log; `xvc undo` says what takes it back."""
    promote(call_xvc, trained["0.3"])
    promote(call_xvc, trained["0.1"])
    done = call_xvc("undo", "--json")

    assert done.json["error"]["code"] == "cannot-undo"
    assert "xvc model rollback" in done.json["error"]["message"]


def test_before_there_is_any(project: Path, call_xvc: Calling) -> None:
    """Without models every command answers, and says how to have one."""
    assert call_xvc("model", "list", "--json").data == {
        "models": [],
        "total": 0,
        "elsewhere": {},
    }
    for words in (("get", "x"), ("history", "x"), ("info", "x"), ("rollback",)):
        done = call_xvc("model", *words, "--json")
        assert (done.code, done.json["error"]["code"]) == (1, "no-model")
        assert "xvc run --model" in done.json["error"]["hint"]


def test_a_clone_has_it(
    project: Path, trained: dict[str, str], call_xvc: Calling, tmp_path: Path
) -> None:
    """A clone with the same remote promotes and gets what it never had: fetched, and checked."""
    tool("dvc", "remote", "add", "-d", "far", str(tmp_path / "far"))
    git(project, "commit", "-qam", "remote")
    promote(call_xvc, "best:acc")
    tool("dvc", "push", "-q")
    git(project, "clone", "-q", str(project), str(tmp_path / "clone"))
    got = call_xvc("get", "e0.0.1", "model:digits/model.bin", "-o", "got", cwd=tmp_path / "clone")

    assert got.code == 0, got.err
    assert (tmp_path / "clone/got").read_text() == "weights for 0.1"


def test_candidates_of_other_branches_are_told(project: Path, call_xvc: Calling) -> None:
    """How many, of which name, on which branch; a merge as it says brings them."""
    (project / "train.py").write_text(TRAIN)
    git(project, "commit", "-qam", "training")
    git(project, "checkout", "-q", "-b", "deep")
    train(call_xvc, "0.3")
    git(project, "branch", "deeper")
    git(project, "checkout", "-q", "main")

    there = call_xvc("model", "list", "--json").data
    said = call_xvc("model", "list", "digits").out
    unknown = call_xvc("model", "list", "letters")
    git(project, "merge", "-q", "--no-edit", "deep")
    here = call_xvc("model", "list", "--json").data

    assert (there["total"], there["elsewhere"]) == (0, {"deep": 1})
    assert "branch deep has 1 more (digits); `git merge deep` brings them" in said
    assert unknown.code == 1
    assert (here["total"], here["elsewhere"]) == (1, {})
