"""What counts as the code of a run: all that ran, hidden from git or not, and no results."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from surroundings import Calling, dvc, git
from xvc import Tracker

WRITE = "import os; os.makedirs('out', exist_ok=True); open('out/w.bin', 'wb').write(os.urandom(9))"


def code_of(project: Path, run: str) -> set[str]:
    return set(git(project, "ls-tree", "-r", "--name-only", f"refs/xvc/runs/{run}").splitlines())


def ran(call_xvc: Calling, *words: str) -> tuple[str, str]:
    """Run a command; returns the run's id and its warnings."""
    done = call_xvc("run", "--json", *words)
    return done.data["run"], " ".join(done.json["warnings"])


def test_what_runs_write_is_no_code_of_later_runs(project: Path, call_xvc: Calling) -> None:
    """Said once with the ways out; scripts and what was written outside of runs stay code."""
    _, first = ran(call_xvc, "--", "python", "-c", WRITE)
    with Tracker() as tracker:
        (project / "by_tracker.bin").write_bytes(b"1")
    time.sleep(0.05)  # the clock of a file system may lag so far
    (project / "new.py").write_text("print()\n")
    (project / "mine.txt").write_text("mine\n")
    run, second = ran(call_xvc, "--", "python", "-c", WRITE)
    (project / "out/w.bin").write_bytes(b"mine now")
    later, third = ran(call_xvc, "--", "python", "-c", "")

    assert all(way in first for way in ("out/w.bin", "--out", "--model", ".gitignore"))
    assert "out/w.bin" not in second + third
    assert "by_tracker.bin" in second
    assert code_of(project, run) - code_of(project, tracker.track_id) == {"new.py", "mine.txt"}
    assert "out/w.bin" in code_of(project, later)
    assert "by_tracker.bin" in call_xvc("show", later, "--json").data["code"]["left_out"]


def test_a_run_that_goes_on_has_results_already(project: Path, call_xvc: Calling) -> None:
    """What a living run has written is not the code of another that begins meanwhile."""
    tracker = Tracker()
    (project / "half.ckpt").write_bytes(b"1")
    run, _ = ran(call_xvc, "--", "python", "-c", "")
    tracker.close()

    assert "half.ckpt" not in code_of(project, run)


def test_the_total_is_limited_by_whole_folders(project: Path, call_xvc: Calling) -> None:
    """A folder of data nobody ignored is left out and named once; the code beside it is held."""
    (project / "data/img").mkdir(parents=True)
    for number in range(30):
        (project / f"data/img/{number}.jpg").write_bytes(b"1")
    (project / "lib").mkdir()
    (project / "lib/net.py").write_text("")
    (project / "env").mkdir()
    for name in ("pyvenv.cfg", "x.py"):
        (project / "env" / name).write_text("")
    (project / "xvc.yaml").write_text("snapshot:\n  files: 20\n")
    run, first = ran(call_xvc, "--", "true")
    _, second = ran(call_xvc, "--", "true")

    assert "data/img/ (30 files)" in first
    assert "data/img" not in second
    assert {path for path in code_of(project, run) if path.startswith(("lib", "data", "env"))} == {
        "lib/net.py"
    }


def test_a_snapshot_is_what_ran(project: Path, call_xvc: Calling) -> None:
    """Files that git was told not to look at are looked at; the user's index keeps its marks."""
    for name in ("skipped.yaml", "assumed.yaml", "absent.yaml"):
        (project / name).write_text("lr: 1\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "configs")
    git(project, "update-index", "--skip-worktree", "skipped.yaml", "absent.yaml")
    git(project, "update-index", "--assume-unchanged", "assumed.yaml")
    (project / "absent.yaml").unlink()
    marks = git(project, "ls-files", "-v")
    clean, _ = ran(call_xvc, "--", "true")
    for name in ("skipped.yaml", "assumed.yaml"):
        (project / name).write_text("lr: 2\n")
    tagged = call_xvc("run", "--json", "--tag", "minor", "--", "true").data["version"]

    assert not call_xvc("show", clean, "--json").data["code"]["is_dirty"]
    assert git(project, "show", f"{tagged}:skipped.yaml") == "lr: 2"
    assert git(project, "show", f"{tagged}:assumed.yaml") == "lr: 2"
    assert git(project, "show", f"{tagged}:absent.yaml") == "lr: 1"
    assert git(project, "ls-files", "-v") == marks


def test_a_change_in_the_second_of_the_index_is_seen(project: Path, call_xvc: Calling) -> None:
    """By the snapshot, and by git after a version has moved the index; sizes are the same."""
    git(project, "config", "core.trustctime", "false")  # the time of a change cannot be set
    for name in ("plain.yaml", "skipped.yaml", "untouched.yaml"):
        (project / name).write_text("lr: 1\n")
        os.utime(project / name, (1.7e9, 1.7e9))
    git(project, "add", ".")
    git(project, "commit", "-qm", "configs")
    git(project, "update-index", "--skip-worktree", "skipped.yaml")
    for name in ("plain.yaml", "skipped.yaml"):
        (project / name).write_text("lr: 2\n")
        os.utime(project / name, (1.7e9, 1.7e9))
    os.utime(project / ".git/index", (1.7e9, 1.7e9))
    run, _ = ran(call_xvc, "--", "true")
    (project / "plain.yaml").write_text("lr: 1\n")
    call_xvc("run", "--tag", "minor", "--", "true")
    git(project, "update-index", "--no-skip-worktree", "skipped.yaml")

    assert git(project, "show", f"refs/xvc/runs/{run}:plain.yaml") == "lr: 2"
    assert git(project, "show", f"refs/xvc/runs/{run}:skipped.yaml") == "lr: 2"
    assert "skipped.yaml" in git(project, "status", "--porcelain")


def test_a_version_leaves_no_change_unseen(project: Path, call_xvc: Calling) -> None:
    """What changed in the second of the index is a change for git, too, once the index moved."""
    git(project, "config", "core.trustctime", "false")
    (project / "edited.py").write_text("lr = 1\n")
    os.utime(project / "edited.py", (1.7e9, 1.7e9))
    git(project, "add", ".")
    git(project, "commit", "-qm", "code")
    run, _ = ran(call_xvc, "--", "true")
    (project / "edited.py").write_text("lr = 2\n")
    os.utime(project / "edited.py", (1.7e9, 1.7e9))
    os.utime(project / ".git/index", (1.7e9, 1.7e9))
    call_xvc("tag", "minor", "--run", run)

    assert "edited.py" in git(project, "status", "--porcelain")


def test_code_that_cannot_be_held_is_said(project: Path, call_xvc: Calling) -> None:
    """A changed secret and a dirty submodule: named, shown, and no version unless it is told."""
    (project / "secrets.yaml").write_text("password: 1\n")
    git(project, "init", "-q", "sub")
    git(project / "sub", "commit", "-q", "--allow-empty", "-m", "one")
    git(project, "-c", "protocol.file.allow=always", "submodule", "add", "-q", "./sub", "sub")
    git(project, "add", "-f", ".")
    git(project, "commit", "-qm", "more")
    (project / "secrets.yaml").write_text("password: 2\n")
    (project / "sub/lib.py").write_text("")
    run, said = ran(call_xvc, "--tag", "minor", "--", "true")
    shown = call_xvc("show", run, "--json").data
    refused = call_xvc("tag", "--run", run, "--json")

    assert "code incomplete: secrets.yaml, sub" in said
    assert shown["code"]["incomplete"] == ["secrets.yaml", "sub"]
    assert refused.json["error"]["code"] == "code-incomplete"
    assert call_xvc("tag", "--incomplete", "--run", run).code == 0


def test_code_that_no_snapshot_holds_is_named(project: Path, call_xvc: Calling) -> None:
    """A script or an imported module that is ignored, outside or another repository's."""
    files = {
        "scratch/job.py": "import net.layers, json; from sub import inside\n",
        "net/layers.py": "from . import local\nfrom datasets import load_dataset\n",
        "net/local.py": "",
        "net/_version.py": "",
        "datasets/load.py": "",
        "sub/inside.py": "import linked",
        "unused.py": "",
        "../elsewhere.py": "",
        "held.py": "from net import layers, _version\n",
    }
    for name, text in files.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    (project / "linked.py").symlink_to("../elsewhere.py")
    (project / ".gitignore").write_text(
        "/scratch\n/net/local.py\n/net/_version.py\n/datasets\n/unused.py\n__pycache__\n"
    )
    git(project / "sub", "init", "-q")
    git(project, "add", ".gitignore", "net", "linked.py", "held.py")
    found = []
    for script in ("scratch/job.py", "held.py", "../elsewhere.py"):
        run, said = ran(call_xvc, "--", "sh", "-c", ":", script)
        found.append(call_xvc("show", run, "--json").data["code"]["incomplete"])
        assert "code incomplete" in said
    refused = call_xvc("tag", "--json")
    run, said = ran(call_xvc, "--", "sh", "-c", ":", "train.py")

    own = ["net/local.py", "scratch/job.py"]
    assert sorted(found[0]) == ["linked.py", *own, "sub/inside.py"]
    assert found[1:] == [own[:1], [str(project.parent / "elsewhere.py")]]
    assert refused.json["error"]["code"] == "code-incomplete"
    assert "code incomplete" not in said


FAR = "../far"
SCRIPTS = {
    "import_module('plug.a')": "plug/a.py",
    "__import__('plug.a')": "plug/a.py",
    "import runpy; runpy.run_path('plug/a.py')": "plug/a.py",
    "exec(open('plug/a.py').read())": "plug/a.py",
    "import sys; sys.path.insert(0, 'plug'); import a": "plug/a.py",
    "import sys; sys.path.insert(0, '../far'); import b": f"{FAR}/b.py",
    "import os, sys\nat = os.path.dirname(os.path.abspath(__file__))\n"
    "sys.path.append(os.path.join(at, '..', 'far'))\nimport b": f"{FAR}/b.py",
    "import sys\nfrom pathlib import Path\nTOP = Path(__file__).resolve().parents[1]\n"
    "sys.path.insert(0, str(TOP / 'far'))\nimport b": f"{FAR}/b.py",
    "import a": "plug/a.py",
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_code_that_is_asked_for_by_its_name_is_code(
    project: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """A literal name of a module or file, and what lies along PYTHONPATH in the tree."""
    _put_apart(project)
    monkeypatch.setenv("PYTHONPATH", str(project / "plug"))
    (project / "job.py").write_text(f"from importlib import import_module\n{script}\n")
    run, said = ran(call_xvc, "--", "python", "job.py")

    name = SCRIPTS[script]
    wanted = os.path.normpath(project / name) if name.startswith(FAR) else name
    assert call_xvc("show", run, "--json").data["code"]["incomplete"] == [wanted]
    assert "code incomplete" in said


@pytest.mark.parametrize("text", ["import b", "import b, xvc; xvc.Tracker().log({'acc': 1})"])
def test_what_pythonpath_adds_from_outside_is_environment(
    project: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Whoever sets the machine up gives modules so, as by installing: they hinder no version."""
    _put_apart(project)
    monkeypatch.setenv("PYTHONPATH", str(project / FAR))
    (project / "job.py").write_text(text)
    run, said = ran(call_xvc, "--tag", "minor", "--", "python", "job.py")

    assert "incomplete" not in said
    assert call_xvc("show", run, "--json").data["version"] == "e0.1.0"


@pytest.mark.parametrize("is_alone", [True, False])
def test_a_tracker_says_what_its_process_loaded(
    project: Path, call_xvc: Calling, is_alone: bool
) -> None:
    """Names that are put together while the script runs are known at its end."""
    _put_apart(project)
    (project / "job.py").write_text(
        "import importlib, sys, xvc\n"
        "tracker = xvc.Tracker()\n"
        f"sys.path.append({str(project / FAR)!r}[:-1] + 'r')\n"
        "[importlib.import_module(name) for name in ('plu' + 'g.a', 'held', chr(98))]\n"
        "tracker.log({'acc': 1})\n"
    )
    words = ["python", "job.py"]
    if is_alone:
        subprocess.run([sys.executable, "job.py"], cwd=project, check=True)
    else:
        call_xvc("run", "--", *words)
    found = call_xvc("show", "@", "--json").data["code"]["incomplete"]
    refused = call_xvc("tag", "--json")

    assert sorted(found) == [str(project.parent / "far" / "b.py"), "plug/a.py"]
    assert refused.json["error"]["code"] == "code-incomplete"


BY_NAME = {
    "import importlib; importlib.import_module('.'.join(['plug', 'a']))": ["plug/a.py"],
    "import subprocess, sys; subprocess.run([sys.executable, 'plug' + '/a.py'])": ["plug/a.py"],
    "import runpy; runpy.run_path('plug/' + 'a.py')": ["plug/a.py"],
    "__import__('plu' + 'g2.b')": ["plug2/b.py"],
    "open('seen/c' + '.py')": [],
    "__import__('he' + 'ld')": [],
    "__import__('own.lib.p' + 'ip')": [],
}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what was opened")
@pytest.mark.parametrize("script", BY_NAME)
def test_code_that_a_command_opens_is_code(project: Path, call_xvc: Calling, script: str) -> None:
    """Whatever put the name together, also when Python has compiled it before; data is none."""
    _put_apart(project)
    for name in ("plug2/b.py", "seen/c.py", "own/pyvenv.cfg", "own/lib/pip.py"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()
    (project / ".gitignore").write_text("/plug\n/seen\n/own\n__pycache__\n")
    git(project / "plug2", "init", "-q")
    git(project, "add", ".gitignore")
    dvc(project, "add", "-q", "seen")
    (project / "job.py").write_text(script)
    found = [ran(call_xvc, "--", "python", "job.py") for _ in range(2)]

    wanted = BY_NAME[script]
    for run, said in found:
        assert call_xvc("show", run, "--json").data["code"]["incomplete"] == wanted
        assert ("was opened while the run went on" in said) == bool(wanted)


def _put_apart(project: Path) -> None:
    """Have a module that git ignores, one outside of the tree, and one that is held."""
    for folder in (project / "plug", project / FAR):
        folder.mkdir()
    (project / "plug" / "a.py").touch()
    (project / FAR / "b.py").touch()
    (project / "held.py").touch()
    (project / ".gitignore").write_text("/plug\n__pycache__\n")


@pytest.mark.parametrize("sign", ["pyvenv.cfg", "conda-meta/history"])
def test_an_environment_in_the_tree_is_no_code_of_it(
    project: Path, call_xvc: Calling, sign: str
) -> None:
    """A program of an ignored environment is a package's: the version is made."""
    for name in (sign, "bin/launch.py"):
        (project / "own" / name).parent.mkdir(parents=True, exist_ok=True)
        (project / "own" / name).write_text("")
    (project / ".gitignore").write_text("/own\n")
    git(project, "add", ".gitignore")
    git(project, "commit", "-qm", "an environment")
    run, said = ran(call_xvc, "--tag", "minor", "--", "sh", "-c", ":", "own/bin/launch.py")

    assert "incomplete" not in said
    assert call_xvc("show", run, "--json").data["version"] == "e0.1.0"


def test_gc_gives_the_code_of_deleted_runs_back(project: Path, call_xvc: Calling) -> None:
    """Only of runs that somebody deleted, that are in no store, and only when it was said."""
    (project / "new.py").write_text(os.urandom(9).hex())
    kept, gone = (ran(call_xvc, "--", "true")[0] for _ in range(2))
    call_xvc("db", "delete", gone, "--yes")
    planned = call_xvc("gc", "--dry-run", "--grace", "0d", "--json").data["snapshots"]
    early = call_xvc("gc", "--yes", "--json").data["snapshots"]
    before = git(project, "for-each-ref", "refs/xvc/runs")
    done = call_xvc("gc", "--yes", "--grace", "0d", "--json").data["snapshots"]

    assert (planned, early, done) == (1, 0, 1)
    assert gone in before
    assert kept in git(project, "for-each-ref", "refs/xvc/runs")
    assert gone not in git(project, "for-each-ref", "refs/xvc/runs")


def test_runs_with_other_code_that_no_snapshot_holds_are_no_repeats(
    project: Path, call_xvc: Calling
) -> None:
    """An ignored module was another: no repeats, nor the same; with the same one they are."""
    (project / ".gitignore").write_text("helper.py\nmetrics.json\n")
    (project / "t.py").write_text(
        "import helper, json\njson.dump({'accuracy': helper.X}, open('metrics.json', 'w'))\n"
    )
    git(project, "add", "t.py", ".gitignore")
    git(project, "commit", "-qm", "t")
    said = []
    for x in (1, 2, 2):
        (project / "helper.py").write_text(f"X = {x}\n")
        done = call_xvc("run", "--", "python", "t.py", "--seed", str(len(said)))
        said.append("ran before" in done.err)
    again = call_xvc("run", "--", "python", "t.py", "--seed", "2")

    compared = call_xvc("compare", "@-3", "@-2", "--json").json["warnings"]
    alike = call_xvc("compare", "@-2", "@-1", "--json").json["warnings"]
    tried = call_xvc("tried", "--json", "--", "python", "t.py", "--seed", "2").data

    assert said == [False] * 3
    assert "ran before" in again.err
    assert any("helper.py: code that no snapshot holds" in each for each in compared)
    assert not any("repeat" in each for each in compared)
    assert any("is a repeat of" in each for each in alike)
    assert len(tried["same"]) == 2
    assert tried["repeats_total"] == 1
