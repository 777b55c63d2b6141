"""Pushing and pulling between clones, by way of a folder, S3 and SSH."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from remotes import bucket, http_answering, http_folder, ssh_folder, use_remote
from surroundings import Calling, copied, dvc, forked, git, private_environment
from xvc.dvc.repository import Dvc, pointer_of

MODEL = """\
from pathlib import Path
import sys
from xvc import Tracker

lr = sys.argv[1]
Path("models").mkdir(exist_ok=True)
Path("models/net.bin").write_text("weights " + lr)
Tracker().log({"loss": float(lr), "seen": {1, 2}})
"""


def track(folder: Path, name: str) -> None:
    """Have DVC track a file or folder, as `dvc add` would."""
    dvc, path = Dvc(folder, {}), folder / name
    pointer_of(path).write_bytes(dvc.pointer_text(path, dvc.keep(path)))
    with (path.parent / ".gitignore").open("a") as ignored:
        ignored.write(f"/{path.name}\n")


def held(folder: Path) -> set[str]:
    """Name the objects below a cache or a folder remote."""
    home = folder / "files" / "md5"
    return {path.parent.name + path.name for path in home.glob("??/*")}


@pytest.fixture(scope="module")
def template(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with data, two versions that left a model each, and a run without a version."""
    folder = copied(_template, tmp_path_factory.mktemp("published") / "project")
    environment = private_environment(folder.parent / "home")
    (folder / "model.py").write_text(MODEL)
    for number in range(3):
        (folder / "data" / f"{number}.csv").parent.mkdir(exist_ok=True)
        (folder / "data" / f"{number}.csv").write_text(f"row {number}\n")
    track(folder, "data")
    git(folder, "add", "-A")
    subprocess.run(["git", "commit", "-qm", "data"], cwd=folder, env=environment, check=True)
    for lr, tag in (("0.1", True), ("0.2", True), ("0.3", False)):
        options = ("--out", "models/net.bin", *(("--tag", "minor") if tag else ()))
        words = ("xvc", "run", *options, "--", sys.executable, "model.py", lr)
        done = forked(*words, cwd=folder, env=environment)
        assert done.code == 0, done.err
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the template with an empty git remote, `origin`."""
    folder = copied(template, tmp_path / "project")
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(folder, "remote", "add", "origin", str(tmp_path / "origin.git"))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(params=["folder", "s3", "ssh", "http"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Each kind of DVC remote."""
    if request.param == "folder":
        yield {"url": str(tmp_path / "storage")}
    elif request.param == "s3":
        with bucket() as options:
            yield options
    elif request.param == "http":
        (tmp_path / "web").mkdir()
        with http_folder(tmp_path / "web") as options:
            yield options
    else:
        (tmp_path / "served").mkdir()
        with ssh_folder(tmp_path / "served") as options:
            yield options


def clone(folder: Path, options: dict[str, str]) -> Path:
    """Clone `origin` as a colleague would, without any object."""
    git(folder, "clone", "-q", "origin.git", "clone")
    git(folder / "clone", "fetch", "-q", "--tags")
    use_remote(folder / "clone", options)
    return folder / "clone"


@pytest.fixture
def shared(project: Path, tmp_path: Path) -> dict[str, str]:
    """The options of a folder remote that the project uses."""
    options = {"url": str(tmp_path / "storage")}
    use_remote(project, options)
    return options


@pytest.fixture
def there(project: Path, shared: dict[str, str], tmp_path: Path, call_xvc: Calling) -> Path:
    """A clone of what the project has pushed."""
    call_xvc("push")
    return clone(tmp_path, shared)


def test_a_clone_has_everything_by_any_remote(
    project: Path, storage: dict[str, str], tmp_path: Path, run_xvc: Calling
) -> None:
    """Pushed here, pulled there: versions compare, an older model comes back, data lies there."""
    use_remote(project, storage)

    pushed = run_xvc("push", "--json")
    again = run_xvc("push", "--json")
    there = clone(tmp_path, storage)
    pulled = run_xvc("pull", "--json", cwd=there)
    compared = run_xvc("compare", "e0.1.0", "e0.2.0", "--json", cwd=there)
    got = run_xvc("get", "e0.1.0", "models/net.bin", "-o", "old.bin", cwd=there)

    assert pushed.code == 0, pushed.err
    assert pushed.data["refs"] == ["refs/heads/main", "refs/tags/e0.1.0", "refs/tags/e0.2.0"]
    assert (again.data["objects_sent"], again.data["refs_total"]) == (0, 0)
    assert pulled.code == 0, pulled.err
    assert pulled.data["objects_brought"] == pushed.data["objects_sent"]
    assert compared.code == 0, compared.err
    assert got.code == 0, got.err
    assert (there / "old.bin").read_text() == "weights 0.1"
    assert (there / "models/net.bin").read_text() == "weights 0.2"
    assert (there / "data/2.csv").read_text() == "row 2\n"
    assert git(there, "status", "--porcelain") == "?? old.bin"


@pytest.mark.parametrize("setting", ["remote.pushDefault", "branch.main.pushRemote"])
def test_it_pushes_where_git_is_told_to_push(
    project: Path, shared: dict[str, str], tmp_path: Path, call_xvc: Calling, setting: str
) -> None:
    """Who fetches from one remote and pushes to a fork has versions pushed to the fork."""
    git(tmp_path, "init", "-q", "--bare", "fork.git")
    git(project, "remote", "add", "fork", str(tmp_path / "fork.git"))
    git(project, "config", setting, "fork")
    before = git(tmp_path / "origin.git", "for-each-ref")

    said = call_xvc("push")

    assert said.code == 0, said.err
    assert "refs/heads/main" in git(tmp_path / "fork.git", "for-each-ref")
    assert git(tmp_path / "origin.git", "for-each-ref") == before


def test_without_a_git_remote_it_says_how_to_add_one(
    project: Path, shared: dict[str, str], call_xvc: Calling
) -> None:
    """No git remote: nothing is sent, and the error names the command."""
    git(project, "remote", "remove", "origin")

    said = call_xvc("push", "--json")

    assert said.json["error"]["code"] == "no-git-remote"
    assert "git remote add origin URL" in said.json["error"]["hint"]


def test_without_a_dvc_remote_it_says_how_to_add_one(
    project: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """No DVC remote: no ref is pushed, and the error names the command."""
    said = call_xvc("push", "--json")

    assert said.json["error"]["code"] == "no-dvc-remote"
    assert "dvc remote add -d" in said.json["error"]["hint"]
    assert git(tmp_path / "origin.git", "for-each-ref") == ""


def test_a_plan_sends_nothing(project: Path, shared: dict[str, str], call_xvc: Calling) -> None:
    """`--dry-run` counts what would be sent."""
    planned = call_xvc("push", "--dry-run", "--json")

    assert planned.data["objects_sent"] == len(held(project / ".dvc/cache")) - 1  # the third model
    assert planned.data["refs_total"] == 3
    assert not Path(shared["url"]).exists()
    assert git(project, "ls-remote", "origin") == ""


def test_what_a_list_on_the_remote_promises_is_looked_for(
    project: Path, shared: dict[str, str], call_xvc: Calling
) -> None:
    """A folder's list is there, a file of it is not, another is cut short: both are sent."""
    call_xvc("push")
    before = held(Path(shared["url"]))
    listing = next(name for name in before if name.endswith(".dir"))
    names = sorted(Dvc(project, {}).listing(listing, "data").values())
    for name in before:
        if name == names[0]:
            (Path(shared["url"]) / "files/md5" / name[:2] / name[2:]).unlink()
    torn = Path(shared["url"]) / "files/md5" / names[-1][:2] / names[-1][2:]
    torn.chmod(0o644)
    torn.write_bytes(b"")

    pushed = call_xvc("push", "--json")

    assert pushed.data["objects_sent"] == 2
    assert held(Path(shared["url"])) == before
    assert torn.read_bytes() == Dvc(project, {}).place(names[-1]).read_bytes()


def test_what_is_torn_there_and_not_here_is_nowhere(
    project: Path, shared: dict[str, str], call_xvc: Calling
) -> None:
    """A file of a folder without a copy here, of another size there than the pointer leaves it."""
    call_xvc("push")
    digest = Dvc(project, {}).keep_file(project / "data/1.csv")[0]
    Dvc(project, {}).place(digest).unlink()
    torn = Path(shared["url"]) / "files/md5" / digest[:2] / digest[2:]
    git(project, "tag", "-am", "whole", "e0.9.0")
    whole = call_xvc("push", "--json")
    torn.chmod(0o644)
    torn.write_bytes(b"row")
    git(project, "tag", "-am", "torn", "e0.9.1")

    said = call_xvc("push", "--json")

    assert whole.code == 0, whole.err
    assert said.json["error"]["code"] == "objects-nowhere"
    assert "data/1.csv" in said.json["error"]["message"]


def test_what_a_push_leaves_here_is_said(
    project: Path, shared: dict[str, str], call_xvc: Calling
) -> None:
    """A run in no version stays here, and the way is named; once it has one, nothing is."""
    first = call_xvc("push", "--json")
    call_xvc("tag", "minor")

    again = call_xvc("push", "--json")

    assert "1 run in no version yet; `xvc tag minor`" in first.json["warnings"][-1]
    assert again.json["warnings"] == []


def test_a_rotten_object_is_not_sent(
    project: Path, shared: dict[str, str], tmp_path: Path, call_xvc: Calling
) -> None:
    """Other bytes under a right name: found before anything is sent, no ref is pushed."""
    digest = Dvc(project, {}).keep_file(project / "data/1.csv")[0]
    place = Dvc(project, {}).place(digest)
    place.chmod(0o644)
    place.write_bytes(b"row 9\n")

    said = call_xvc("push", "--json")

    assert (said.code, said.json["error"]["code"]) == (6, "object-corrupt")
    assert not Path(shared["url"]).exists()
    assert git(tmp_path / "origin.git", "for-each-ref") == ""


def test_a_version_whose_object_is_nowhere_is_not_pushed(
    project: Path, shared: dict[str, str], tmp_path: Path, call_xvc: Calling
) -> None:
    """An object neither here nor there: the version and the path are named, no ref is pushed."""
    Dvc(project, {}).place(Dvc(project, {}).keep_file(project / "data/1.csv")[0]).unlink()

    said = call_xvc("push", "--json")

    assert said.json["error"]["code"] == "objects-nowhere"
    assert "data/1.csv" in said.json["error"]["message"]
    assert git(tmp_path / "origin.git", "for-each-ref") == ""


def test_tags_of_another_tools_models_stop_no_push(
    project: Path, shared: dict[str, str], tmp_path: Path, call_xvc: Calling
) -> None:
    """What GTO registered before xvc came may be on a remote that nobody has any more."""
    gone = f"outs:\n- md5: {'a' * 32}\n  size: 1\n  hash: md5\n  path: old.bin\n"
    (project / "old.bin.dvc").write_text(gone)
    git(project, "add", "old.bin.dvc")
    git(project, "commit", "-qm", "a model of long ago")
    for name in ("old@v1.0.0", "old#prod#1"):
        git(project, "tag", "-a", "-m", "Registering artifact old", name)
    git(project, "rm", "-qf", "old.bin.dvc")
    git(project, "commit", "-qm", "no more")

    pushed = call_xvc("push", "--json")

    assert pushed.code == 0, pushed.err
    assert "2 tags of models that another tool wrote" in pushed.json["warnings"][0]
    there = git(tmp_path / "origin.git", "tag", "--list").split()
    assert there == ["e0.1.0", "e0.2.0"]


def test_runs_travel_when_asked(
    project: Path, shared: dict[str, str], tmp_path: Path, call_xvc: Calling
) -> None:
    """`--runs` on both sides: the code and log of a run without version, and the model it left."""
    call_xvc("push")
    model = Dvc(project, {}).keep_file(project / "models/net.bin")[0]
    without = model in held(Path(shared["url"]))

    pushed = call_xvc("push", "--runs", "--json")
    there = clone(tmp_path, shared)
    pulled = call_xvc("pull", "--runs", "--json", cwd=there)

    assert not without
    assert model in held(Path(shared["url"]))
    assert pulled.data["runs_brought"] == 3
    assert pushed.data["refs_total"] == 6  # of each run its code and its log


def test_two_pushes_at_once_both_succeed(
    project: Path, shared: dict[str, str], tmp_path: Path
) -> None:
    """The same push twice at the same time: everything is there, nobody fails."""
    words = [sys.executable, "-m", "xvc", "push"]
    started = [subprocess.Popen(words, cwd=project, stderr=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate()[1].decode() for process in started]

    assert [process.returncode for process in started] == [0, 0], said
    assert "refs/tags/e0.2.0" in git(tmp_path / "origin.git", "for-each-ref")
    assert len(held(Path(shared["url"]))) == len(held(project / ".dvc/cache")) - 1


def test_a_branch_that_went_on_there_is_not_pushed_over(
    there: Path, project: Path, call_xvc: Calling
) -> None:
    """Commits on the remote that are not here: refused, and told to pull."""
    git(there, "commit", "-q", "--allow-empty", "-m", "theirs")
    git(there, "push", "-q", "origin", "main")
    git(project, "commit", "-q", "--allow-empty", "-m", "ours")

    pushed, pulled = call_xvc("push", "--json"), call_xvc("pull", "--json")

    assert (pushed.code, pushed.json["error"]["code"]) == (4, "behind")
    assert (pulled.code, pulled.json["error"]["code"]) == (4, "diverged")
    assert git(project, "log", "-1", "--format=%s") == "ours"


def test_a_version_number_given_twice_is_told(
    there: Path, project: Path, call_xvc: Calling
) -> None:
    """Two clones made the same version: no tag is moved, on either side, by either command."""
    git(there, "tag", "-a", "-m", "theirs", "e0.3.0")
    git(there, "push", "-q", "origin", "e0.3.0")
    git(project, "tag", "-a", "-m", "ours", "e0.3.0")

    said = [call_xvc(word, "--json").json["error"] for word in ("push", "pull")]

    assert [each["code"] for each in said] == ["tags-differ", "tags-differ"]
    assert "e0.3.0" in said[0]["message"]


def test_pull_has_git_merge_stores_in_a_fresh_clone(there: Path, call_xvc: Calling) -> None:
    """The driver is in no clone: the first pull sets it up and says so, once."""
    first = call_xvc("pull", cwd=there)
    again = call_xvc("pull", cwd=there)
    brought, needed = (int(word) for word in re.findall(r"[0-9]+", first.out)[:2])

    assert (first.code, again.code) == (0, 0)
    assert 0 < brought <= needed
    assert "git merges the stores of branches in this clone from now on" in first.out
    assert "merge-driver" in git(there, "config", "merge.xvc.driver")
    assert "from now on" not in again.out


def test_pulling_keeps_rows_that_no_version_holds(there: Path, run_xvc: Calling) -> None:
    """A run recorded in the clone before the pull is there after it, beside what was pulled."""
    run_xvc("pull", cwd=there)
    run_xvc("run", "--name", "mine", "--", sys.executable, "train.py", cwd=there)
    trained = ("--out", "models/net.bin", "--", sys.executable, "model.py", "0.4")
    run_xvc("run", "--tag", "minor", *trained)
    run_xvc("push")

    pulled = run_xvc("pull", "--json", cwd=there)
    listed = run_xvc("ls", "--json", cwd=there)

    assert pulled.code == 0, pulled.err
    assert pulled.data["tags"] == ["e0.3.0"]
    names = [run["name"] for run in listed.data["runs"]]
    assert len(names) == 5
    assert "mine" in names


def test_all_being_here_no_remote_is_asked(
    project: Path, shared: dict[str, str], call_xvc: Calling
) -> None:
    """With every object in the cache a pull needs no DVC remote."""
    call_xvc("push")
    Path(shared["url"]).rename(Path(shared["url"]).with_name("away"))

    pulled = call_xvc("pull", "--json")

    assert pulled.code == 0, pulled.err
    assert (pulled.data["dvc_remote"], pulled.data["objects_brought"]) == (None, 0)


def test_a_changed_file_stays_and_an_unchanged_one_goes_forward(
    project: Path, shared: dict[str, str], tmp_path: Path, run_xvc: Calling
) -> None:
    """Of two data files that the pull brings anew, the one that was edited is left alone."""
    for name in ("plain.csv", "edited.csv"):
        (project / name).write_text("old\n")
        track(project, name)
    git(project, "add", "-A")
    git(project, "commit", "-qm", "two files")
    run_xvc("push")
    there = clone(tmp_path, shared)
    run_xvc("pull", cwd=there)
    for name in ("plain.csv", "edited.csv"):
        (project / name).write_text("new\n")
        track(project, name)
    git(project, "commit", "-qam", "both are new")
    run_xvc("push")
    (there / "edited.csv").unlink()
    (there / "edited.csv").write_text("mine\n")

    pulled = run_xvc("pull", "--json", cwd=there)

    assert pulled.code == 0, pulled.err
    assert (there / "plain.csv").read_text() == "new\n"
    assert (there / "edited.csv").read_text() == "mine\n"
    assert any("edited.csv" in warning for warning in pulled.json["warnings"])


def test_what_rotted_on_the_remote_is_not_kept(
    project: Path, shared: dict[str, str], tmp_path: Path, call_xvc: Calling
) -> None:
    """Other bytes under a right name on the remote: named, and nothing of that name is here."""
    call_xvc("push")
    digest = Dvc(project, {}).keep_file(project / "data/1.csv")[0]
    place = Path(shared["url"]) / "files/md5" / digest[:2] / digest[2:]
    place.chmod(0o644)
    place.write_bytes(b"row 9\n")
    there = clone(tmp_path, shared)

    said = call_xvc("pull", "--json", cwd=there)

    assert (said.code, said.json["error"]["code"]) == (6, "remote-corrupt")
    assert digest not in held(there / ".dvc/cache")
    assert not [path for path in (there / ".dvc/cache/files/md5").iterdir() if path.is_file()]


@pytest.mark.parametrize("name", ["../../outside", "/outside", ".GIT/config", "a\0outside"])
def test_a_list_that_leads_out_of_its_folder_is_refused(
    name: str, project: Path, shared: dict[str, str], tmp_path: Path, call_xvc: Calling
) -> None:
    """A folder's list with such a path: get and push stop; pull names it, and brings the rest."""
    call_xvc("push")
    there = clone(tmp_path, shared)
    dvc = Dvc(project, {})
    digest = dvc.keep_file(project / "data/1.csv")[0]
    listing = dvc.keep_listing({name: digest})
    pointer = f"outs:\n- md5: {listing}\n  size: 6\n  hash: md5\n  path: data\n"
    (project / "data.dvc").write_text(pointer)
    (project / "more.csv").write_text("more\n")
    track(project, "more.csv")
    git(project, "add", ".")
    git(project, "commit", "-qam", "evil")
    git(project, "tag", "-am", "evil", "e0.9.0")
    git(project, "push", "-q", "origin", "main", "e0.9.0")
    shutil.copytree(dvc.cache / "files", Path(shared["url"]) / "files", dirs_exist_ok=True)

    pulled = call_xvc("pull", "--json", cwd=there)
    said = [
        call_xvc("get", "e0.9.0", "data", "-o", "out", "--json"),
        call_xvc("push", "--json"),
    ]

    named = [each for each in pulled.json["warnings"] if "list of data" in each]
    assert (pulled.code, len(named)) == (0, 1)
    assert (there / "more.csv").read_text() == "more\n"
    assert [each.json["error"]["code"] for each in said] == ["bad-listing"] * 2
    assert not [*tmp_path.rglob("outside"), *tmp_path.rglob(".GIT")]
    assert not (project / "out").exists()


def test_what_was_pruned_before_the_first_push_travels(
    project: Path, shared: dict[str, str], tmp_path: Path, call_xvc: Calling
) -> None:
    """A candidate of a run without version, pruned and then pushed: a clone has it by its id."""
    train = ("--model", "models/net.bin:net", "--", sys.executable, "model.py")
    first = call_xvc("run", "--json", *train, "0.4").data["run"]
    call_xvc("run", *train, "0.5")
    pruned = call_xvc("model", "prune", "--keep", "1", "--by", "loss:max", "--yes", "--json")
    call_xvc("push")
    there = clone(tmp_path, shared)

    got = call_xvc(*pruned.json["next"][0].split()[1:], "-o", "back", cwd=there)

    assert pruned.json["next"] == [f"xvc get {first} model:net"], pruned.err
    assert got.code == 0, got.err
    assert (there / "back/net.bin").read_text() == "weights 0.4"
    assert git(there, "status", "--porcelain") == "?? back/"


def test_a_pruned_candidate_that_is_given_up_stops_no_push(
    project: Path, shared: dict[str, str], call_xvc: Calling
) -> None:
    """The objects of a pruned candidate are nowhere: the rest is pushed."""
    train = ("--model", "models/net.bin:net", "--", sys.executable, "model.py")
    call_xvc("run", *train, "0.4")
    call_xvc("run", *train, "0.5")
    call_xvc("model", "prune", "--keep", "1", "--by", "loss:max", "--yes")
    (project / "models/net.bin").write_text("weights 0.4")
    Dvc(project, {}).place(Dvc(project, {}).keep_file(project / "models/net.bin")[0]).unlink()

    pushed = call_xvc("push", "--json")

    assert pushed.code == 0, pushed.err
    assert "refs/heads/main" in pushed.data["refs"]


def test_a_remote_that_no_commit_names_is_told(project: Path, call_xvc: Calling) -> None:
    """A clone knows only what is committed: push says which commit is missing, and no more then."""
    folder = project.parent / "shelf"
    dvc(Path.cwd(), "remote", "add", "-q", "-d", "shelf", str(folder))
    first = call_xvc("push")
    git(project, "commit", "-qm", "remote", "--", ".dvc/config")

    again = call_xvc("push")

    assert ".dvc/config is not committed as it is" in first.err
    assert (again.code, "not committed" in again.err) == (0, False)


def test_the_remotes_own_reason_is_told(
    project: Path, shared: dict[str, str], tmp_path: Path, call_xvc: Calling
) -> None:
    """The words of a hook, a hidden ref: what was said there, and a way on that fits."""
    hub = tmp_path / "origin.git"
    hook = hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'policy: no pushes on Sunday' >&2\nexit 1\n")
    hook.chmod(0o755)
    said = [call_xvc(*words, "push", "--json").json["error"] for words in ([], ["-q"])]
    hook.unlink()
    git(hub, "config", "transfer.hideRefs", "refs/xvc")
    hidden = call_xvc("push", "--runs", "--json").json["error"]

    for each in said:
        assert each["code"] == "push-refused"
        assert each["message"].endswith("policy: no pushes on Sunday (pre-receive hook declined)")
        assert "xvc pull" not in each["hint"]
    assert hidden["message"].endswith("(deny updating a hidden ref)")
    assert "without `--runs`" in hidden["hint"]


def test_data_goes_where_its_pointer_says_and_comes_from_there(
    project: Path, shared: dict[str, str], tmp_path: Path, call_xvc: Calling
) -> None:
    """`remote:` and `push: false` count as they do to DVC: its own pull finds all that was sent."""
    with (project / ".dvc" / "config").open("a") as config:
        config.write(f"['remote \"other\"']\n    url = {tmp_path / 'other'}\n")
    for name, line in (("mine", "  remote: other\n"), ("kept", "  push: false\n")):
        (project / name).write_text(name)
        track(project, name)
        with (project / f"{name}.dvc").open("a") as pointer:
            pointer.write(line)
    git(project, "add", "-A")
    git(project, "commit", "-qm", "pointers")
    mine, kept = (
        f"files/md5/{digest[:2]}/{digest[2:]}"
        for digest in (hashlib.md5(name.encode()).hexdigest() for name in ("mine", "kept"))
    )

    pushed = call_xvc("push", "--json")
    again = call_xvc("push", "--json")
    there = clone(tmp_path, shared)
    pulled = call_xvc("pull", "--json", cwd=there)

    assert (pushed.code, again.data["objects_sent"]) == (0, 0), pushed.err
    assert [(tmp_path / "other" / mine).is_file(), (tmp_path / "storage" / mine).is_file()] == [
        True,
        False,
    ]
    assert not any((tmp_path / where / kept).exists() for where in ("other", "storage"))
    assert any("kept" in said and "push: false" in said for said in pushed.json["warnings"])
    assert pulled.code == 0, pulled.err
    assert (there / "mine").read_text() == "mine"
    assert not (there / "kept").exists()
    assert any("kept" in said for said in pulled.json["warnings"])
    (project / "twin").write_text("mine")  # the same bytes, for the usual remote
    track(project, "twin")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "twin")
    twice = call_xvc("push", "--json").data
    assert (tmp_path / "storage" / mine).is_file()
    assert twice["objects_sent"] <= twice["objects_needed"]
    pointer = project / "twin.dvc"
    pointer.write_text(pointer.read_text() + "  remote: nowhere\n")
    git(project, "commit", "-qam", "nowhere")
    assert call_xvc("push", "--json").json["error"]["code"] == "pointer-remote"


@pytest.mark.parametrize("kind", ["gs", "webdavs"])
def test_a_remote_whose_package_is_not_here_names_one_that_exists(
    project: Path, call_xvc: Calling, kind: str
) -> None:
    """xvc has extras for S3 and SSH alone; the others come with DVC's own packages."""
    use_remote(project, {"url": f"{kind}://there/objects"})

    error = call_xvc("push", "--json").json["error"]

    assert error["code"] == "no-package"
    assert (
        error["hint"] == f"Install `dvc-{kind.removesuffix('s') if kind == 'webdavs' else kind}`."
    )


@pytest.mark.parametrize("option", ["version_aware", "worktree"])
def test_a_remote_that_keeps_no_objects_is_refused(
    project: Path, shared: dict[str, str], tmp_path: Path, call_xvc: Calling, option: str
) -> None:
    """Before anything is sent, of git or of DVC; and another remote of DVC is the way out."""
    with (project / ".dvc" / "config.local").open("a") as config:
        config.write(f"    {option} = true\n['remote \"objects\"']\n    url = {tmp_path / 'o'}\n")

    refused = call_xvc("push", "--json")
    there = git(project, "ls-remote", "origin")
    pushed = call_xvc("push", "--dvc-remote", "objects")

    assert refused.json["error"]["code"] == "versioned-remote"
    assert "--dvc-remote objects" in refused.json["error"]["hint"]
    assert (there, (tmp_path / "storage").exists()) == ("", False)
    assert pushed.code == 0, pushed.err


def test_a_pull_asks_the_remote_of_what_it_pulls(
    project: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """A colleague has moved the objects: the commit that says where to comes with its objects."""
    config = project / ".dvc" / "config"
    for place, lr in (("old", "0.4"), ("new", "0.5")):
        config.write_text(f"[core]\n    remote = s\n['remote \"s\"']\n    url = ../../{place}\n")
        git(project, "commit", "-qam", place)
        call_xvc(
            "run", "--tag", "minor", "--out", "models/net.bin", "--", sys.executable, "model.py", lr
        )
        assert call_xvc("push").code == 0
        if place == "old":
            git(tmp_path, "clone", "-q", "origin.git", "clone")
            assert call_xvc("pull", cwd=tmp_path / "clone").code == 0

    pulled = call_xvc("pull", cwd=tmp_path / "clone")

    assert pulled.code == 0, pulled.err
    assert "url = ../../new" in (tmp_path / "clone" / ".dvc" / "config").read_text()
    assert "e0.4.0" in call_xvc("log", "--json", cwd=tmp_path / "clone").out


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, ""),
        (403, "403"),
        (None, "Cannot connect"),
        pytest.param(500, "500", marks=pytest.mark.sweep),
    ],
)
def test_a_web_server_that_tells_nothing_is_not_one_without_the_object(
    there: Path, shared: dict[str, str], call_xvc: Calling, status: int | None, said: str
) -> None:
    """Only "not found" is an answer; no connection, no rights and a failure are named."""
    local = there / ".dvc" / "config.local"
    with http_answering(status) as url:
        local.write_text(local.read_text().replace(shared["url"], url))
        error = call_xvc("pull", "--json", cwd=there).json["error"]

    assert error["code"] == ("dvc-failed" if said else "no-object"), error["message"]
    assert said in error["message"]


def test_two_pulls_at_once_both_succeed(there: Path, call_xvc: Calling) -> None:
    """One waits for the other; the tree is what it would be after one."""
    words = [sys.executable, "-m", "xvc", "pull"]
    pulls = [
        subprocess.Popen(words, cwd=there, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [pull.communicate()[1] for pull in pulls]

    assert [pull.returncode for pull in pulls] == [0, 0], said
    assert git(there, "status", "--porcelain") == ""
    assert forked("dvc", "status", "-q", cwd=there).code == 0
    assert not list((there / ".dvc" / "cache" / "files" / "md5").glob(".*"))


_KILLED = """\
import os, sys
from pathlib import Path
from dvc_objects.fs import generic

def copy(source, places, system, targets):
    Path(targets[0]).write_bytes(b"half")
    os.kill(os.getpid(), 9)

generic.copy = copy
from xvc.cli.app import call
call(["pull"])
"""


def test_what_a_killed_pull_left_goes_with_the_next(there: Path, call_xvc: Calling) -> None:
    """Half an object lies in the cache: the next pull takes it away and brings it whole."""
    killed = subprocess.run([sys.executable, "-c", _KILLED], cwd=there, check=False).returncode
    home = there / ".dvc" / "cache" / "files" / "md5"
    left = [path for path in home.rglob("*") if path.is_file() and path.read_bytes() == b"half"]

    pulled = call_xvc("pull", cwd=there)

    assert (killed, len(left)) == (-9, 1)
    assert pulled.code == 0, pulled.err
    assert list(home.glob(".*")) == []


def test_a_clone_without_a_branch_names_one(
    project: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """The remote's HEAD names a branch that it has not: the project is on another one."""
    git(tmp_path, "init", "-q", "--bare", "-b", "trunk", "away.git")
    git(project, "push", "-q", str(tmp_path / "away.git"), "HEAD:main", "HEAD:attic")
    git(tmp_path, "clone", "-q", "away.git", "there")
    there = tmp_path / "there"

    refused = call_xvc("pull", cwd=there)
    sought = [
        call_xvc(*words, cwd=there) for words in (["show", "@"], ["logs", "@"], ["rerun", "@"])
    ]
    listed = call_xvc("ls", "--json", cwd=there)
    asked = call_xvc("doctor", cwd=there)
    git(there, "switch", "-q", "main")
    done = call_xvc("doctor", cwd=there)

    assert refused.code != 0
    assert all("its remote has main, attic" in each.err for each in (refused, *sought))
    assert listed.json["next"] == ["git switch main"]
    assert "`git switch main`" in refused.err
    assert "`git switch main`" in asked.out
    assert "xvc init" not in asked.out
    assert "nothing-checked-out" not in done.err
