"""Repositories that are not what most are: other hashes, shallow and partial clones, odd places."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from surroundings import TRAIN, Calling, dvc, git
from xvc.dvc.repository import Dvc


def _repository(folder: Path, *flags: str) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "-q", *flags)
    (folder / "train.py").write_text(TRAIN)
    (folder / ".gitignore").write_text("metrics.json\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "code")
    return folder


def test_a_repository_of_sha256(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call_xvc: Calling
) -> None:
    """Longer names of objects change nothing: a first version, a work tree, a merge of it."""
    folder = _repository(tmp_path / "p", "--object-format=sha256")
    monkeypatch.chdir(folder)

    made = call_xvc("init")
    tagged = call_xvc("run", "--tag", "minor", "--", "python", "train.py")
    added = call_xvc("worktree", "add", "idea")
    tree = Path(git(folder, "worktree", "list").splitlines()[-1].split(" ")[0])
    there = call_xvc("run", "--tag", "minor", "--", "python", "train.py", cwd=tree)
    git(tree, "rm", "-q", ".gitignore")
    git(tree, "commit", "-qm", "less")
    merged = call_xvc("worktree", "merge", "idea")

    codes = [each.code for each in (made, tagged, added, there, merged)]
    assert codes == [0] * 5, added.err + merged.err
    assert not (folder / ".gitignore").exists()
    assert git(folder, "describe", "--tags") != ""


def test_a_first_version_before_any_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call_xvc: Calling
) -> None:
    """On an unborn branch, with either kind of names, the first version is the first commit."""
    for kind in ("sha1", "sha256"):
        folder = tmp_path / kind
        folder.mkdir()
        git(folder, "init", "-q", f"--object-format={kind}")
        (folder / "train.py").write_text(TRAIN)
        monkeypatch.chdir(folder)

        made = call_xvc("init", "--no-commit")
        tagged = call_xvc("run", "--tag", "minor", "--", "python", "train.py")

        assert (made.code, tagged.code) == (0, 0), made.err + tagged.err
        assert "e0.1.0" in git(folder, "tag").split()


def test_a_git_folder_apart_from_its_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call_xvc: Calling
) -> None:
    """Linked trees share the main tree's cache, and not that of whatever is around git's folder."""
    around = tmp_path / "around"
    around.mkdir()
    (around / ".dvc").mkdir()
    folder = _repository(tmp_path / "p", f"--separate-git-dir={around / 'my git'}")
    monkeypatch.chdir(folder)
    call_xvc("init")
    call_xvc("run", "--tag", "minor", "--out", "metrics.json", "--", "python", "train.py")

    added = call_xvc("worktree", "add", "idea")

    tree = Path(git(folder, "worktree", "list").splitlines()[-1].split(" ")[0])
    assert (added.code, added.err) == (0, "")
    assert (tree / "metrics.json").read_bytes() == (folder / "metrics.json").read_bytes()
    assert Dvc(tree, {}).cache == Dvc(folder, {}).cache == folder / ".dvc" / "cache"


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(["core.autocrlf=true", "core.safecrlf=true"], id="line ends"),
        pytest.param(["core.ignoreStat=true", "index.version=4"], id="unlooked at"),
        pytest.param(["core.splitIndex=true", "core.untrackedCache=true"], id="split"),
        pytest.param(
            [
                *("core.fsmonitor=true", "core.fileMode=false", "core.quotePath=true"),
                *("core.abbrev=4", "core.hooksPath=hooks", "core.logAllRefUpdates=false"),
                *("extensions.worktreeConfig=true", "color.ui=always", "column.ui=always"),
                *("status.short=true", "status.branch=true", "log.showSignature=true"),
                *("diff.noprefix=true", "diff.ignoreSubmodules=all", "tag.sort=-v:refname"),
                *("push.default=nothing", "pull.rebase=true", "fetch.pruneTags=true"),
            ],
            id="read otherwise",
        ),
    ],
)
def test_whatever_git_is_set_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call_xvc: Calling, settings: list[str]
) -> None:
    """Settings of git that change what it looks at or takes leave a clean tree on each branch."""
    folder = _repository(tmp_path / "p")
    for setting in settings:
        git(folder, "config", *setting.split("="))
    monkeypatch.chdir(folder)
    run = ("run", "--tag", "minor", "--", "python", "train.py")

    called = [call_xvc("init"), call_xvc(*run)]
    git(folder, "switch", "-qc", "side")
    called.append(call_xvc(*run, "--lr", "0.2"))
    git(folder, "switch", "-q", "main")
    called.append(call_xvc(*run, "--lr", "0.3"))
    git(folder, "merge", "-q", "--no-edit", "side")

    assert [each.code for each in called] == [0] * 4, called
    assert git(folder, "status", "--porcelain") == ""
    assert call_xvc("ls", "--json").data["total"] == 3


def test_a_partial_clone_that_cannot_fetch_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call_xvc: Calling
) -> None:
    """What git left out is not taken for what no commit has; the hint brings it."""
    folder = _repository(tmp_path / "p")
    git(folder, "config", "uploadpack.allowFilter", "true")
    monkeypatch.chdir(folder)
    call_xvc("init")
    call_xvc("run", "--tag", "minor", "--", "python", "train.py")
    (folder / "train.py").unlink()
    git(folder, "rm", "-qr", "results", "train.py")
    git(folder, "commit", "-qm", "nothing left")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{folder}", str(clone))
    away = folder.rename(tmp_path / "away")

    failed = [call_xvc(*words, cwd=clone) for words in (("show", "e0.1.0"), ("rerun", "e0.1.0"))]
    away.rename(folder)
    git(clone, "fetch", "-q", "--refetch", "--no-filter")
    folder.rename(away)
    there = call_xvc("get", "e0.1.0", "train.py", cwd=clone)

    assert all("`git fetch --refetch --no-filter`" in each.err for each in failed), failed
    assert (there.code, (clone / "train.py").read_text()) == (0, TRAIN)


def test_a_shallow_clone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call_xvc: Calling
) -> None:
    """It pushes to where it came from; a remote that lacks its history is told with what helps."""
    folder = _repository(tmp_path / "p")
    git(folder, "commit", "-qm", "more", "--allow-empty")
    hub, other, clone = (tmp_path / name for name in ("hub", "other", "clone"))
    git(tmp_path, "clone", "-q", "--bare", str(folder), str(hub))
    git(tmp_path, "init", "-q", "--bare", str(other))
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{hub}", str(clone))
    git(clone, "remote", "add", "other", str(other))
    monkeypatch.chdir(clone)
    call_xvc("init")
    dvc(clone, "remote", "add", "-d", "store", str(tmp_path / "store"))
    git(clone, "commit", "-qam", "remote")
    call_xvc("run", "--tag", "minor", "--", "python", "train.py")

    pushed = [call_xvc("push", name) for name in ("origin", "other")]
    git(clone, "fetch", "-q", "--unshallow", f"file://{hub}")
    again = call_xvc("push", "other")

    assert [each.code for each in (*pushed, again)] == [0, 4, 0], pushed
    assert "`git fetch --unshallow URL`" in pushed[1].err
    assert git(other, "tag") == git(hub, "tag") != ""


def test_a_clone_that_has_not_pulled_says_what_brings_its_runs(
    project: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """`@`, `best:` and a run's name are not unknown where the store has not come yet."""
    call_xvc("run", "--tag", "minor", "--", "python", "train.py", cwd=project)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(project), str(clone))

    said = [call_xvc("show", word, cwd=clone).err for word in ("@", "best:accuracy", "baseline")]

    assert all("error[no-object]" in each and "`xvc pull`" in each for each in said), said


def test_what_a_sparse_checkout_hides_is_added_to_and_not_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call_xvc: Calling
) -> None:
    """The user's lines in hidden ignore and attribute files stay, in the tree and in versions."""
    folder = _repository(tmp_path / "p")
    with (folder / ".gitignore").open("a") as file:
        file.write("/private\n")
    (folder / ".gitattributes").write_text("*.bin binary\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "own lines")
    monkeypatch.chdir(folder)
    call_xvc("init")
    git(folder, "sparse-checkout", "set", "--no-cone", "/train.py")

    health = call_xvc("doctor")
    words = ("--out", "model.txt", "--", "sh", "-c", "echo 1 > model.txt")
    ran = call_xvc("run", "--tag", "minor", *words)
    again = call_xvc("init")
    git(folder, "sparse-checkout", "disable")

    assert (health.code, ran.code, again.code) == (0, 0, 0), ran.err + health.out
    assert git(folder, "show", "e0.1.0:.gitignore").split() == [
        "metrics.json",
        "/private",
        "/model.txt",
    ]
    assert git(folder, "show", "e0.1.0:.gitattributes").startswith("*.bin binary\n")
    assert git(folder, "status", "--porcelain") == ""


@pytest.mark.parametrize("name", [".gitignore", ".git/info/exclude", "a/b/.gitattributes"])
def test_a_pipe_that_git_would_wait_for_is_named(
    project: Path, run_xvc: Calling, name: str
) -> None:
    """The command runs, the file is named with the way out, and nothing waits for ever."""
    (project / "a/b").mkdir(parents=True)
    (project / "a/b/code.py").write_text("1\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "more")
    (project / "a/b/code.py").write_text("2\n")
    (project / name).unlink(missing_ok=True)
    os.mkfifo(project / name)

    ran = run_xvc("run", "--", "sh", "-c", "exit 7", timeout=120)
    tagged = run_xvc("tag", "minor", timeout=120)
    (project / name).unlink()
    after = run_xvc("run", "--tag", "minor", "--", "true")

    assert (ran.code, tagged.code, after.code) == (7, 1, 0), ran.err + tagged.err + after.err
    assert f"{project / name}, which is a pipe. Put a file in its place" in ran.err


def _without_roots_rights() -> list[str]:
    """Words before a command by which file modes count for root, too."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root reads all files")
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", "--bounding-set", rights, "--inh-caps", rights]


@pytest.mark.parametrize(
    "kind",
    [
        *("cache", "no store"),
        *(pytest.param(each, marks=pytest.mark.sweep) for each in ("objects", "each object")),
        pytest.param("a link", marks=pytest.mark.sweep),
    ],
)
def test_a_cache_that_cannot_be_read_hides_nothing_of_the_tree(
    project: Path, call_xvc: Calling, kind: str
) -> None:
    """Every command that reads answers from the store that is here, and says what it lacks."""
    assert call_xvc("run", "--tag", "minor", "--", "python", "train.py").code == 0
    assert call_xvc("run", "--", "python", "train.py").code == 0
    assert call_xvc("ls").code == 0
    cache = project / ".dvc/cache"
    closed = [cache]
    match kind:
        case "objects":
            closed = [cache / "files/md5"]
        case "each object":
            closed = [path for path in cache.rglob("*") if path.is_file()]
        case "a link":
            cache.rename(project.parent / "cache")
            cache.symlink_to(project.parent / "gone")
            closed = []
        case "no store":
            (project / "results/experiments.duckdb").unlink()
    for path in closed:
        path.chmod(0)
    before = [*_without_roots_rights(), sys.executable, "-m", "xvc"]
    words = (["status"], ["ls"], ["show", "@"], ["brief"], ["log"], ["compare", "e0.1.0", "@"])

    try:
        done = [
            subprocess.run([*before, *each], cwd=project, capture_output=True, text=True)
            for each in words
        ]
    finally:
        for path in closed:
            path.chmod(0o755 if path.is_dir() else 0o444)

    if kind == "no store":
        said = [each.stderr for each in done[:2]]
        assert all("the DVC cache cannot be read" in each for each in said), done
        assert all("Permission denied" in each for each in said), done
    else:
        assert [each.returncode for each in done] == [0] * len(words), done
        assert "runs       2 " in done[0].stdout
        assert "e0.1.0" in done[1].stdout


@pytest.mark.parametrize("name", [".dvc", ".git/xvc", "results", "a.txt.dvc"])
def test_what_may_not_be_read_costs_no_run(project: Path, call_xvc: Calling, name: str) -> None:
    """The command runs, its code is ours, its run is on record later; the hint names the place."""
    for each in ("a.txt", "b.txt"):
        (project / each).write_text(each)
        dvc(project, "add", "-q", each)
    barred = project / name
    mode = barred.stat().st_mode
    xvc = [*_without_roots_rights(), sys.executable, "-m", "xvc"]
    run = [*xvc, "run", "--", "sh", "-c", "exit 3"]
    barred.chmod(0)

    try:
        ran = subprocess.run(run, cwd=project, capture_output=True, text=True)
        listed = subprocess.run([*xvc, "ls"], cwd=project, capture_output=True, text=True)
    finally:
        barred.chmod(mode)

    shown = call_xvc("show", "@", "--json").data
    assert (ran.returncode, "Traceback" in ran.stderr, "Errno" in ran.stderr) == (3, False, False)
    assert shown["exit_code"] == 3
    assert name != "a.txt.dvc" or [*shown["data"]] == ["b.txt"]
    assert listed.returncode == 0 or f"`ls -ld {barred}`" in listed.stderr


def test_a_journal_that_may_not_be_read_hides_no_other_run(
    project: Path, call_xvc: Calling
) -> None:
    """A colleague's umask: lists and versions go on without it, and say so until it can be read."""
    call_xvc("run", "--", "python", "train.py")
    folder = project / ".git" / "xvc" / "journals" / "main"
    (folder / "folded").rename(folder / "away")
    (project / "results" / "experiments.duckdb").unlink()
    call_xvc("run", "--", "python", "train.py", "--lr", "0.2")
    theirs = next((folder / "away").iterdir()).rename(folder / "theirs.jsonl")
    theirs.chmod(0)
    xvc = [*_without_roots_rights(), sys.executable, "-m", "xvc"]

    words = (["ls", "--json"], ["run", "--tag", "minor", "--", "true"], ["doctor"])
    done = [
        subprocess.run([*xvc, *each], cwd=project, capture_output=True, text=True) for each in words
    ]
    theirs.chmod(0o644)

    assert [each.returncode for each in done] == [0, 0, 3], done
    assert json.loads(done[0].stdout)["data"]["total"] == 1
    assert all(f"`ls -l {theirs}` shows who may" in each.stdout + each.stderr for each in done)
    assert "WRONG" in done[2].stdout
    assert call_xvc("ls", "--json").data["total"] == 3
