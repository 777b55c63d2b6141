"""`xvc get`, `checkout`, `cleanup`: what a version or run had is had again, nothing is lost."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from surroundings import Calling, copied, dvc, git, private_environment
from test_tagging import everything
from xvc.system.staging import Staging

STORE = "results/experiments.duckdb"
COPY = "open('model.bin', 'w').write(open('data/raw/1.csv').read())"
COPYING = ("--out", "model.bin", "--", sys.executable, "-c", COPY)


def run(call_xvc: Calling, *options: str) -> str:
    """Run something that copies data into an output; returns the run's id."""
    assert call_xvc("run", *options, *COPYING).code == 0
    return str(call_xvc("ls", "--json").data["runs"][0]["id"])


@pytest.fixture(scope="module")
def template(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with e0.1.0, whose code, data and output have all changed since."""
    project = copied(_template, tmp_path_factory.mktemp("tagged") / "project")
    environment = private_environment(project.parent / "home")

    def ran(*words: str) -> None:
        subprocess.run(words, cwd=project, env=environment, capture_output=True, check=True)

    raw = project / "data" / "raw"
    (raw / "deep").mkdir(parents=True)
    (raw / "1.csv").write_text("first\n")
    (raw / "deep" / "2.csv").write_text("second\n")
    (project / "data" / "notes.md").write_text("raw is raw\n")
    (project / "tool.sh").write_text("#!/bin/sh\n")
    (project / "tool.sh").chmod(0o755)
    ran(sys.executable, "-m", "dvc", "add", "-q", "data/raw")
    ran("git", "add", "-A")
    ran("git", "commit", "-qm", "data")
    ran(sys.executable, "-m", "xvc", "run", "--tag", "minor", *COPYING)
    (raw / "1.csv").write_text("changed\n")
    ran(sys.executable, "-m", "dvc", "add", "-q", "data/raw")
    (project / "train.py").write_text("# rewritten\n")
    ran("git", "commit", "-qam", "other data and code")
    return project


@pytest.fixture
def tagged(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the template; we are in it."""
    folder = copied(template, tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder


def error(called: object) -> dict:
    return called.json["error"]  # type: ignore[attr-defined,no-any-return]


def object_of(project: Path, content: bytes) -> Path:
    digest = hashlib.md5(content).hexdigest()
    return project / ".dvc/cache/files/md5" / digest[:2] / digest[2:]


def names_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


# -- get ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("data/notes.md", b"raw is raw\n"),
        ("data/raw/1.csv", b"first\n"),
        ("data/raw/deep/2.csv", b"second\n"),
        ("model.bin", b"first\n"),
    ],
)
def test_a_file_is_had_as_the_version_had_it(
    tagged: Path, call_xvc: Calling, tmp_path: Path, path: str, content: bytes
) -> None:
    """git files, DVC files and files inside a DVC folder, and the tree stays as it is."""
    before, status = everything(tagged / ".dvc" / "cache"), git(tagged, "status", "--porcelain")

    got = call_xvc("get", "e0.1.0", path, "-o", str(tmp_path / "out" / "file"), "--json")

    assert got.code == 0, got.out
    assert (tmp_path / "out" / "file").read_bytes() == content
    assert (got.data["files"], got.data["size"]) == (1, len(content))
    assert os.listdir(tmp_path / "out") == ["file"]
    assert os.access(tmp_path / "out" / "file", os.W_OK)
    assert everything(tagged / ".dvc" / "cache") == before
    assert git(tagged, "status", "--porcelain") == status


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("data/raw", {"1.csv", "deep/2.csv"}),
        ("data/raw/deep", {"2.csv"}),
        ("data", {".gitignore", "notes.md", "raw.dvc", "raw/1.csv", "raw/deep/2.csv"}),
    ],
)
def test_a_folder_is_had_whole(tagged: Path, call_xvc: Calling, path: str, names: set[str]) -> None:
    """A DVC folder, a folder inside one, a folder of git with the data in it."""
    got = call_xvc("get", "e0.1.0", path, "-o", "old")

    assert got.code == 0, got.err
    assert names_in(tagged / "old") == names
    assert "first\n" not in (tagged / "data/raw/1.csv").read_text()


def test_the_whole_tree_and_modes(tagged: Path, call_xvc: Calling, tmp_path: Path) -> None:
    """The top is a folder like others, and what could be executed can be."""
    got = call_xvc("get", "e0.1.0", ".", "-o", str(tmp_path / "all"))

    assert got.code == 0, got.err
    assert os.access(tmp_path / "all/tool.sh", os.X_OK)
    assert {STORE, "model.bin", "train.py", "data/raw/1.csv"} <= names_in(tmp_path / "all")


def test_the_store_of_a_version(tagged: Path, call_xvc: Calling) -> None:
    """The store comes as the version has it, with its runs and no later ones."""
    run(call_xvc)

    assert call_xvc("get", "e0.1.0", STORE, "-o", "then.duckdb").code == 0

    rows = call_xvc("db", "sql", "SELECT count(*) AS n FROM runs", "--db", "then.duckdb", "--json")
    assert rows.data["rows"] in ([{"n": 1}], [[1]])


def test_a_run_that_is_no_version(tagged: Path, call_xvc: Calling) -> None:
    """Its uncommitted code, the data it read and the output it left are had by its id."""
    (tagged / "train.py").write_text("# never committed\n")
    name = run(call_xvc)
    (tagged / "train.py").write_text("# later\n")
    (tagged / "model.bin").write_text("later")

    codes = [
        call_xvc("get", name, path, "-o", f"old-{Path(path).name}").code
        for path in ("train.py", "model.bin", "data/raw")
    ]
    store = call_xvc("get", name, STORE, "-o", "no", "--json")

    assert codes == [0, 0, 0]
    assert (tagged / "old-train.py").read_text() == "# never committed\n"
    assert (tagged / "old-model.bin").read_text() == "changed\n"
    assert (tagged / "old-raw" / "1.csv").read_text() == "changed\n"
    assert error(store)["code"] == "no-file"


def test_what_is_there_is_replaced_only_when_asked(tagged: Path, call_xvc: Calling) -> None:
    """A file, a folder and a link: refused, then replaced; never written through."""
    (tagged / "file").write_text("mine")
    (tagged / "folder").mkdir()
    (tagged / "folder" / "mine").write_text("mine")
    cached = object_of(tagged, b"changed\n")
    (tagged / "link").symlink_to(cached)

    refused = [call_xvc("get", "e0.1.0", "train.py", "--json")]
    refused += [
        call_xvc("get", "e0.1.0", "data/raw", "-o", out, "--json")
        for out in ("file", "folder", "link")
    ]
    done = [call_xvc("get", "e0.1.0", "data/raw", "-o", out, "-y") for out in ("file", "folder")]
    done.append(call_xvc("get", "e0.1.0", "model.bin", "-o", "link", "-y"))

    assert {error(each)["code"] for each in refused} == {"target-exists"}
    assert [each.code for each in done] == [0, 0, 0]
    assert names_in(tagged / "folder") == names_in(tagged / "file") == {"1.csv", "deep/2.csv"}
    assert (tagged / "link").read_text() == "first\n"
    assert cached.read_text() == "changed\n"
    assert not [name for name in os.listdir(tagged) if "getting" in name]


@pytest.mark.parametrize("out", [".", "..", ".git", ".git/x", ".dvc/cache"])
def test_the_repository_is_never_replaced(tagged: Path, call_xvc: Calling, out: str) -> None:
    """Not even with --yes."""
    called = call_xvc("get", "e0.1.0", "train.py", "-o", out, "--yes", "--json")

    assert error(called)["code"] == "bad-value"
    assert (tagged / ".git" / "HEAD").exists()


@pytest.mark.parametrize("path", ["nowhere", "data/raw/nowhere", "train.py/x", "../x"])
def test_what_is_not_there(tagged: Path, call_xvc: Calling, path: str) -> None:
    """It is said, and nothing is left."""
    before = set(os.listdir(tagged))

    called = call_xvc("get", "e0.1.0", path, "-o", "new/out", "--json")

    assert called.code != 0
    assert error(called)["code"] in ("no-file", "bad-value")
    assert set(os.listdir(tagged)) == before


def test_a_corrupt_object_is_never_handed_out(tagged: Path, call_xvc: Calling) -> None:
    """The hash decides; a folder of which one file is wrong does not appear at all."""
    rotten = object_of(tagged, b"second\n")
    rotten.chmod(0o644)
    rotten.write_bytes(b"Second\n")

    called = [
        call_xvc("get", "e0.1.0", path, "-o", "new/out", "--json")
        for path in ("data/raw", "data/raw/deep/2.csv")
    ]

    assert [error(each)["code"] for each in called] == ["object-corrupt"] * 2
    assert not (tagged / "new").exists()


@pytest.mark.parametrize("member", ["../../escaped", "/tmp/escaped"])
def test_a_list_that_points_outside(
    tagged: Path, call_xvc: Calling, tmp_path: Path, member: str
) -> None:
    """A folder's list may name nothing but what is in the folder."""
    digest = hashlib.md5(b"changed\n").hexdigest()
    listing = json.dumps([{"md5": digest, "relpath": member}]).encode()
    place = object_of(tagged, listing)
    place.parent.mkdir(exist_ok=True)
    place.with_name(f"{place.name}.dir").write_bytes(listing)
    name = hashlib.md5(listing).hexdigest() + ".dir"
    (tagged / "evil.dvc").write_text(f"outs:\n- md5: {name}\n  hash: md5\n  path: evil\n")
    git(tagged, "add", "-A")
    git(tagged, "commit", "-qm", "evil")
    call_xvc("run", "--", "true")  # what the list names is absent: a version has to be told so
    assert call_xvc("tag", "minor", "--incomplete").code == 0

    called = call_xvc("get", "e0.2.0", "evil", "-o", str(tmp_path / "a" / "b"), "--json")

    assert error(called)["code"] == "bad-listing"
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "escaped").exists()


def test_what_the_cache_lacks(tagged: Path, call_xvc: Calling) -> None:
    """Without a remote no fetch is named, and nothing is written."""
    object_of(tagged, b"second\n").unlink()

    called = call_xvc("get", "e0.1.0", "data/raw", "-o", "new", "--json")
    other = call_xvc("get", "e0.1.0", "data/raw/1.csv", "-o", "one", "--json")

    assert error(called)["code"] == "no-object"
    assert "There is no DVC remote" in error(called)["hint"]
    assert not (tagged / "new").exists()
    assert other.code == 0


@pytest.mark.parametrize("path", ["data/raw", "data/raw/deep/2.csv", STORE])
def test_a_clone_gets_from_the_remote(
    tagged: Path, call_xvc: Calling, tmp_path: Path, path: str
) -> None:
    """An empty cache is filled with what is wanted, whatever the clone's tree is at."""
    dvc(tagged, "remote", "add", "-d", "store", str(tmp_path / "remote"))
    git(tagged, "commit", "-qam", "remote")
    shutil.copytree(tagged / ".dvc/cache/files", tmp_path / "remote/files")
    git(tmp_path, "clone", "-q", str(tagged), "clone")
    clone = tmp_path / "clone"

    got = call_xvc("get", "e0.1.0", path, "-o", "out", cwd=clone)

    assert got.code == 0, got.err
    here = call_xvc("get", "e0.1.0", path, "-o", "out")
    assert here.code == 0
    if (clone / "out").is_dir():
        assert everything(clone / "out").keys() == everything(tagged / "out").keys()
    else:
        assert (clone / "out").read_bytes() == (tagged / "out").read_bytes()
    assert git(clone, "status", "--porcelain") == "?? out" + "/" * (clone / "out").is_dir()
    assert not list((clone / ".git" / "xvc" / "tmp").glob("*"))


def test_a_remote_that_lacks_it(tagged: Path, call_xvc: Calling, tmp_path: Path) -> None:
    """DVC's refusal is told, and nothing is left."""
    dvc(tagged, "remote", "add", "-d", "store", str(tmp_path / "remote"))
    object_of(tagged, b"second\n").unlink()

    called = call_xvc("get", "e0.1.0", "data/raw", "-o", "new", "--json")

    assert error(called)["code"] in ("dvc-failed", "no-object")
    assert not (tagged / "new").exists()


@pytest.mark.parametrize("is_same", [True, False])
def test_eight_at_once(tagged: Path, tmp_path: Path, *, is_same: bool) -> None:
    """To places of their own all succeed; to one place exactly one does, and it is whole."""
    outs = [tmp_path / ("one" if is_same else str(number)) for number in range(8)]

    calls = [
        subprocess.Popen(
            [sys.executable, "-m", "xvc", "get", "e0.1.0", "data/raw", "-o", str(out)],
            cwd=tagged,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        for out in outs
    ]
    codes = sorted(each.wait() for each in calls)

    assert codes == ([0] + [4] * 7 if is_same else [0] * 8)
    assert all(names_in(out) == {"1.csv", "deep/2.csv"} for out in outs)
    assert not [name for name in os.listdir(tmp_path) if "getting" in name]


# -- checkout and cleanup -------------------------------------------------------------------------


def checkout(call_xvc: Calling, *words: str) -> Path:
    called = call_xvc("checkout", *words, "--json")
    assert called.code == 0, called.out + called.err
    return Path(called.data["path"])


def cleaned(call_xvc: Calling, *words: str) -> tuple[int, dict[str, dict]]:
    called = call_xvc("cleanup", *words, "--json")
    return called.code, {each["name"]: each for each in called.data["trees"]}


def test_a_checkout_stands_beside_the_project(tagged: Path, call_xvc: Calling) -> None:
    """It has code, data and store of the version; twice is harmless, and it goes wholly."""
    before = git(tagged, "status", "--porcelain", "--branch")

    tree = checkout(call_xvc, "e0.1.0")
    again = call_xvc("checkout", "e0.1.0", "--json").data

    assert tree == tagged.parent / "project-e0.1.0"
    assert again["changed"] is False
    assert (tree / "data/raw/1.csv").read_text() == "first\n"
    assert (tree / "model.bin").read_text() == "first\n"
    assert (tree / STORE).is_file()
    assert git(tree, "branch", "--show-current") == ""
    assert git(tree, "status", "--porcelain") == ""
    assert git(tagged, "status", "--porcelain", "--branch") == before
    assert cleaned(call_xvc)[0] == 4
    assert tree.is_dir()
    assert cleaned(call_xvc, "--yes") == (
        0,
        {tree.name: {"name": tree.name, "path": str(tree), "kept_by": [], "removed": True}},
    )
    assert not tree.exists()
    assert len(git(tagged, "worktree", "list").splitlines()) == 1
    assert cleaned(call_xvc, "--yes") == (0, {})


def test_a_run_is_checked_out_by_its_id(tagged: Path, call_xvc: Calling, tmp_path: Path) -> None:
    """``@`` is the run's snapshot, in the folder that was named."""
    (tagged / "train.py").write_text("# never committed\n")
    name = run(call_xvc)

    tree = checkout(call_xvc, "@", "--path", str(tmp_path / "look"))

    assert tree == tmp_path / "look"
    assert (tree / "train.py").read_text() == "# never committed\n"
    assert cleaned(call_xvc, name, "--yes")[0] == 0
    assert not tree.exists()


def _edit(tree: Path, call_xvc: Calling) -> None:
    (tree / "train.py").write_text("# mine\n")


def _add(tree: Path, call_xvc: Calling) -> None:
    (tree / "notes.txt").write_text("mine\n")


def _change_data(tree: Path, call_xvc: Calling) -> None:
    (tree / "data/raw/3.csv").write_text("mine\n")


def _commit(tree: Path, call_xvc: Calling) -> None:
    git(tree, "commit", "-q", "--allow-empty", "-m", "mine")


def _run(tree: Path, call_xvc: Calling) -> None:
    assert call_xvc("run", "--", "true", cwd=tree).code == 0


@pytest.mark.parametrize("work", [_edit, _add, _change_data, _commit, _run])
def test_a_tree_with_work_in_it_stays(tagged: Path, call_xvc: Calling, work: object) -> None:
    """It is named with the reason; an untouched one beside it goes."""
    tree = checkout(call_xvc, "e0.1.0")
    run(call_xvc, "--tag", "minor")
    other = checkout(call_xvc, "e0.2.0")
    work(tree, call_xvc)  # type: ignore[operator]

    code, found = cleaned(call_xvc, "--yes")

    assert code == 4
    assert found[tree.name]["kept_by"]
    assert tree.is_dir()
    assert found[other.name]["removed"]
    assert not other.exists()


@pytest.mark.parametrize("work", [None, _edit])
def test_a_checkout_of_yesterday_removes_itself(
    tagged: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch, work: object
) -> None:
    """The next checkout takes it away, unless it has something of its own or somebody is in it."""
    old, used = checkout(call_xvc, "e0.1.0"), checkout(call_xvc, run(call_xvc))
    if work is not None:
        work(old, call_xvc)  # type: ignore[operator]
    soon = call_xvc("checkout", run(call_xvc, "--tag", "minor"), "--json")
    two_days = time.time_ns() + 2 * 86_400 * 10**9
    monkeypatch.setattr("xvc.versions.cleanup.time.time_ns", lambda: two_days)

    with subprocess.Popen(["sleep", "60"], cwd=used) as visitor:
        later = call_xvc("checkout", "e0.2.0", "--json")
        visitor.kill()

    assert soon.json["warnings"] == []
    assert [str(old) in each for each in later.json["warnings"]] == ([] if work else [True])
    assert old.exists() is (work is not None)
    assert used.is_dir()


def test_only_trees_that_checkout_made_are_cleaned_up(tagged: Path, call_xvc: Calling) -> None:
    """Not an experiment's, not git's own, whatever they are called, and nobody's folder."""
    assert call_xvc("worktree", "add", "project-e0.1.0").code == 0
    git(tagged, "worktree", "add", "-q", "--detach", "../project-e0.9.0")
    tree = checkout(call_xvc, run(call_xvc))
    git(tagged, "worktree", "remove", "--force", str(tree))
    git(tagged, "worktree", "add", "-q", "--detach", str(tree))

    code, found = cleaned(call_xvc, "--yes")
    named = [
        call_xvc("cleanup", name, "--yes", "--json")
        for name in ("project-e0.1.0", "../project-e0.9.0", str(tagged), "nothing")
    ]

    assert code == 4
    assert list(found) == [tree.name]
    assert [error(each)["code"] for each in named] == [
        *("not-disposable", "not-disposable", "no-tree", "no-tree")
    ]
    assert tree.is_dir()
    assert len(git(tagged, "worktree", "list").splitlines()) == 4


def test_a_folder_that_took_the_place_of_a_tree_stays(tagged: Path, call_xvc: Calling) -> None:
    """A tree that git has forgotten is forgotten; a folder that is there now is not ours."""
    tree = checkout(call_xvc, "e0.1.0")
    git(tagged, "worktree", "remove", "--force", str(tree))
    tree.mkdir()
    (tree / "mine").write_text("mine")

    code, _ = cleaned(call_xvc, "--yes")

    assert code == 4
    assert (tree / "mine").read_text() == "mine"
    shutil.rmtree(tree)
    assert cleaned(call_xvc, "--yes")[0] == 0
    assert cleaned(call_xvc, "--yes") == (0, {})


def test_a_deleted_checkout_is_made_again(tagged: Path, call_xvc: Calling) -> None:
    """Who deletes the folder by hand gets it back by the same call."""
    tree = checkout(call_xvc, "e0.1.0")
    shutil.rmtree(tree)

    assert checkout(call_xvc, "e0.1.0") == tree
    assert (tree / "data/raw/1.csv").read_text() == "first\n"
    assert cleaned(call_xvc, "--yes")[0] == 0


def test_a_folder_in_the_way_is_not_touched(tagged: Path, call_xvc: Calling) -> None:
    """What stands where the tree would go stays, and it is said."""
    place = tagged.parent / "project-e0.1.0"
    place.mkdir()
    (place / "mine").write_text("mine")

    called = call_xvc("checkout", "e0.1.0", "--json")

    assert error(called)["code"] == "tree-taken"
    assert names_in(place) == {"mine"}
    assert cleaned(call_xvc, "--yes") == (0, {})


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def kill_at(monkeypatch: pytest.MonkeyPatch, call_xvc: Calling, place: str, *words: str) -> None:
    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(place, die)
        with pytest.raises(Killed):
            call_xvc(*words)


@pytest.mark.parametrize(
    "place",
    [
        "worktrees.add.make_tree",
        "worktrees.add.fill_tree",
        "versions.checkout._mark",
        "versions.checkout.set_up",
    ],
)
def test_a_killed_checkout_is_completed_by_the_same_call(
    tagged: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Whatever was there when it was killed, the next call ends with the whole tree."""
    kill_at(monkeypatch, call_xvc, f"xvc.{place}", "checkout", "e0.1.0")

    tree = checkout(call_xvc, "e0.1.0")

    assert (tree / "data/raw/1.csv").read_text() == "first\n"
    assert git(tree, "status", "--porcelain") == ""
    assert cleaned(call_xvc, "--yes")[0] == 0


@pytest.mark.parametrize("place", ["os.rename", "forget_tree", "set_aside", "forget"])
def test_a_killed_cleanup_is_completed_by_the_same_call(
    tagged: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Killed at any step, the next call leaves neither tree nor note."""
    tree = checkout(call_xvc, "e0.1.0")
    (tagged / ".git/xvc/journals" / f"worktree-{tree.name}").mkdir(parents=True, exist_ok=True)
    kill_at(monkeypatch, call_xvc, f"xvc.worktrees.remove.{place}", "cleanup", "--yes")

    code, _ = cleaned(call_xvc, "--yes")

    assert code == 0
    assert os.listdir(tagged.parent) == ["project"]
    assert len(git(tagged, "worktree", "list").splitlines()) == 1
    assert cleaned(call_xvc, "--yes") == (0, {})


KILLED = """\
import os
import signal
import sys

from xvc.system.staging import Staging
from xvc.cli.app import call

setattr(Staging, sys.argv[1], lambda *given, **more: os.kill(os.getpid(), signal.SIGKILL))
sys.exit(call(sys.argv[2:]))
"""


@pytest.mark.parametrize("step", ["publish", "_name", "__exit__"])
def test_what_a_killed_get_left_goes_with_the_next(
    tagged: Path, call_xvc: Calling, tmp_path: Path, step: str
) -> None:
    """Killed with what was there moved aside: the next that writes beside it puts that back."""
    (tmp_path / "killed.py").write_text(KILLED)
    (tagged / "out/there").mkdir(parents=True)
    (tagged / "out/there/mine").write_text("mine")
    words = [sys.executable, str(tmp_path / "killed.py"), step]
    get = ("get", "e0.1.0", "data/raw", "-o", "out/there", "--yes")
    killed = subprocess.run([*words, *get], cwd=tagged, check=False)
    left = set(os.listdir(tagged / "out"))
    with Staging(tagged / "out/other") as living:
        got = call_xvc("get", "e0.1.0", "train.py", "-o", "out/file")
        during = set(os.listdir(tagged / "out"))

    assert (killed.returncode, got.code) == (-9, 0), got.err
    assert len(left - {"there"}) == 1
    assert during == {"there", "file", living.folder.parent.name}
    assert set(os.listdir(tagged / "out")) == {"there", "file"}
    is_new = step == "__exit__"
    assert names_in(tagged / "out/there") == ({"1.csv", "deep/2.csv"} if is_new else {"mine"})


def test_a_path_is_found_as_it_is_shown(tagged: Path, call_xvc: Calling) -> None:
    """From a folder further down, too; a file that is there under that name comes first."""
    below = tagged / "below"
    below.mkdir()

    got = call_xvc("get", "e0.1.0", "data/raw", "-o", "copy", cwd=below)

    assert got.code == 0, got.err
    assert (below / "copy").is_dir()
    assert call_xvc("get", "e0.1.0", "raw", cwd=below).code == 1


def test_a_file_that_is_a_model_of_the_run_is_pointed_to(project: Path, call_xvc: Calling) -> None:
    """The path by which a run made its model is no output of it; the hint's own call brings it."""
    (project / ".gitignore").write_text("*.pt\n")
    make = "open('m.pt', 'w').write('w')"
    run = call_xvc("run", "--json", "--model", "m.pt:net", "--", "python", "-c", make).data["run"]
    lying = call_xvc("get", run, "m.pt", "--json").json["error"]
    (project / "m.pt").unlink()
    failed = call_xvc("get", run, "m.pt", "--json").json["error"]
    words = failed["hint"].split("`")[1].split()[1:]
    brought = call_xvc(*words, "-o", "there")

    assert failed["code"] == lying["code"] == "left-as-models"
    assert words == ["get", run, "model:net"]
    assert brought.code == 0, brought.err
    assert (project / "there/m.pt").read_text() == "w"


@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o600), (0o002, 0o664)])
def test_what_is_put_into_a_tree_has_the_mode_that_the_umask_gives(
    project: Path, tmp_path: Path, call_xvc: Calling, umask: int, mode: int
) -> None:
    """Outputs and stores, in a work tree and by get: private, or of the group, as files are."""
    code = (
        "from xvc import Tracker; Tracker().log_artifact(__file__); open('o.txt', 'w').write('1')"
    )
    (project / "train.py").write_text(code)
    git(project, "commit", "-qam", "code")
    before = os.umask(umask)
    try:
        ran = call_xvc("run", "--tag", "minor", "--out", "o.txt", "--", "python", "train.py")
        call_xvc("worktree", "add", "exp", "--path", str(tmp_path / "exp"))
        call_xvc("ls", cwd=tmp_path / "exp")
        call_xvc("get", "e0.1.0", "o.txt", "-o", str(tmp_path / "got"))
    finally:
        os.umask(before)

    assert ran.code == 0, ran.err
    made = [tmp_path / "got", tmp_path / "exp/o.txt", tmp_path / "exp/results/experiments.duckdb"]
    assert [oct(path.stat().st_mode & 0o777) for path in made] == [oct(mode)] * 3
