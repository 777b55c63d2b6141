"""`xvc worktree`: a tree with its own branch, store and runs; nothing lost, nothing held twice."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from surroundings import Begun, Calling, dvc, git
from test_tagging import everything

STORE = "results/experiments.duckdb"


def keep(folder: Path, *paths: str) -> None:
    """Track paths with the real DVC and commit the pointers."""
    dvc(folder, "add", "-q", *paths)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", f"track {' '.join(paths)}")


@pytest.fixture
def tracked(project: Path, begun: Begun) -> Path:
    """The project with a tracked folder of three files and a tracked file."""

    def data() -> None:
        (project / "data").mkdir()
        for number in range(3):
            (project / "data" / f"{number}.csv").write_text(f"row {number}\n")
        (project / "single.txt").write_text("one\n")
        keep(project, "data", "single.txt")

    begun(project, data)
    return project


def train(call_xvc: Calling, tree: Path, *options: str, lr: str = "0.1") -> str:
    """Run the training script in a tree; returns the run's id."""
    words = ("run", *options, "--", "python", "train.py", "--lr", lr)
    assert call_xvc(*words, cwd=tree).code == 0
    return str(call_xvc("ls", "--json", cwd=tree).data["runs"][0]["id"])


def add(call_xvc: Calling, name: str, *options: str, cwd: Path | None = None) -> Path:
    called = call_xvc("worktree", "add", name, *options, "--json", cwd=cwd)
    assert called.code == 0, called.out + called.err
    return Path(called.data["path"])


def listed(call_xvc: Calling, cwd: Path | None = None) -> dict[str, dict]:
    found = call_xvc("worktree", "list", "--json", cwd=cwd).data["worktrees"]
    return {each["name"]: each for each in found}


def error(called: object) -> dict:
    return called.json["error"]  # type: ignore[attr-defined,no-any-return]


# -- add ------------------------------------------------------------------------------------------


def test_a_tree_has_its_data_from_the_shared_cache(tracked: Path, call_xvc: Calling) -> None:
    """Data is readable and held once, the store is a file of its own, and DVC agrees."""
    train(call_xvc, tracked, "--tag", "minor")
    config = (tracked / ".dvc" / "config").read_bytes()

    tree = add(call_xvc, "deeper")

    assert tree == tracked.parent / "exp-deeper"
    assert git(tree, "branch", "--show-current") == "exp/deeper"
    assert (tree / "data" / "2.csv").read_text() == "row 2\n"
    objects = [path for path in (tracked / ".dvc/cache/files/md5").rglob("*") if path.is_file()]
    kept = {(path.stat().st_dev, path.stat().st_ino) for path in objects}
    data = [*(tree / "data").iterdir(), tree / "single.txt"]
    assert all((path.stat().st_dev, path.stat().st_ino) in kept for path in data)
    assert (tree / STORE).stat().st_nlink == 1
    assert os.access(tree / STORE, os.W_OK)
    assert (tree / ".dvc" / "config").read_bytes() == config
    assert [git(each, "status", "--porcelain") for each in (tracked, tree)] == ["", ""]
    assert "up to date" in dvc(tree, "status")


def test_a_run_in_a_tree_changes_no_cache_object(tracked: Path, call_xvc: Calling) -> None:
    """A version's store and the outputs of runs are written in the tree, never through a link."""
    script = "open('model.bin', 'a').write('x')"
    words = ("run", "--tag", "minor", "--out", "model.bin", "--", sys.executable, "-c", script)
    assert call_xvc(*words).code == 0
    tree = add(call_xvc, "deeper")
    before = everything(tracked / ".dvc" / "cache")

    assert call_xvc(*words, cwd=tree).code == 0
    train(call_xvc, tree)

    after = everything(tracked / ".dvc" / "cache")
    assert {name: after[name] for name in before} == before
    assert (tree / "model.bin").read_text() == "xx"
    assert call_xvc("ls", "--json").data["total"] == 1
    assert call_xvc("ls", "--json", cwd=tree).data["total"] == 3


@pytest.mark.parametrize(
    ("words", "outside"),
    [
        (("cache", "dir", "--local", "{outside}"), "{outside}"),
        (("cache", "dir", "../elsewhere"), "{parent}/elsewhere"),
    ],
)
def test_a_cache_that_is_elsewhere(
    project: Path, call_xvc: Calling, tmp_path: Path, words: tuple[str, ...], outside: str
) -> None:
    """A private or a relative cache folder is found from the tree as from the main one."""
    places = {"outside": str(tmp_path / "big"), "parent": str(tmp_path)}
    dvc(project, *(word.format(**places) for word in words))
    git(project, "add", "-A")
    (project / "single.txt").write_text("one\n")
    keep(project, "single.txt")

    tree = add(call_xvc, "deeper", "--path", "../deep/down/here")

    assert dvc(tree, "cache", "dir").strip() == outside.format(**places)
    assert (tree / "single.txt").read_text() == "one\n"
    assert not (tree / ".dvc" / "cache").exists()
    assert git(tree, "status", "--porcelain") == ""


def test_private_settings_come_along(tracked: Path, call_xvc: Calling, tmp_path: Path) -> None:
    """Remotes and credentials of the main tree are in the tree's private settings, paths whole."""
    dvc(tracked, "remote", "add", "-d", "shared", "../remote")
    git(tracked, "commit", "-qam", "a remote")
    dvc(tracked, "remote", "modify", "--local", "shared", "jobs", "2")
    dvc(tracked, "remote", "add", "--local", "mine", "s3://bucket/place")
    dvc(tracked, "remote", "modify", "--local", "mine", "credentialpath", "../secret")
    local = tracked / ".dvc" / "config.local"
    local.chmod(0o600)

    tree = add(call_xvc, "deeper", "--path", "../far/away")

    made = tree / ".dvc" / "config.local"
    shown = dvc(tree, "config", "--list")
    assert f"remote.shared.url={tmp_path / 'remote'}" in shown
    assert "remote.shared.jobs=2" in shown
    assert f"remote.mine.credentialpath={tmp_path / 'secret'}" in shown
    assert made.stat().st_mode & 0o777 == 0o600
    dvc(tree, "push", "-r", "shared")
    assert (tmp_path / "remote").is_dir()
    assert git(tree, "status", "--porcelain") == ""


def test_what_the_cache_lacks_is_named(tracked: Path, call_xvc: Calling) -> None:
    """A missing object is no failure: the tree is made, and the way to the data is said."""
    shutil.rmtree(tracked / ".dvc" / "cache")
    dvc(tracked, "remote", "add", "-q", "-d", "storage", "storage")

    made = call_xvc("worktree", "add", "deeper", "--json")

    assert made.code == 0
    assert made.data["missing"] == ["data.dvc", "single.txt.dvc"]
    assert "dvc fetch data.dvc single.txt.dvc" in made.json["warnings"][0]


def test_a_tree_that_begins_before_the_set_up(project: Path, call_xvc: Calling) -> None:
    """It says what is not committed, and the steps that it names make it a tree like others."""
    git(project, "mv", "xvc.yaml", "aside.yaml")
    git(project, "commit", "-qm", "no settings")
    (project / "aside.yaml").rename(project / "xvc.yaml")
    git(project, "rm", "-q", "--cached", ".dvc/config", "aside.yaml")
    git(project, "commit", "-qm", "no DVC")
    tree = project.parent / "exp-deeper"

    made = call_xvc("worktree", "add", "deeper", "--json")
    git(project, "add", ".")
    git(project, "commit", "-qm", "all of it")
    later = call_xvc("worktree", "adopt", str(tree), "--json")
    said = [each for each in made.json["warnings"] if "begins at a commit" in each]
    git(tree, *said[0].split("`")[1].split()[1:])
    adopted = call_xvc("worktree", "adopt", str(tree), "--json")
    run = call_xvc("run", "--tag", "minor", "--", "python", "train.py", cwd=tree)

    assert "without .dvc/config and xvc.yaml: its runs get no version" in said[0]
    assert f"commit them in {project}" in said[0]
    assert "commit them" not in " ".join(later.json["warnings"])
    assert "git merge main" in " ".join(later.json["warnings"])
    assert (adopted.json["warnings"], run.code) == ([], 0)


def test_a_pipeline_and_its_own_folders(project: Path, call_xvc: Calling) -> None:
    """Outputs of stages are there as files of their own, where dvc.yaml says."""
    (project / "sub").mkdir()
    (project / "dvc.yaml").write_text(
        "stages:\n  make:\n    wdir: sub\n    cmd: echo made > made.txt; echo 1 > count.json\n"
        "    outs: [made.txt]\n    metrics: [{count.json: {cache: false}}]\n"
    )
    dvc(project, "repro", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "a pipeline")

    tree = add(call_xvc, "deeper")

    made = tree / "sub" / "made.txt"
    assert (made.read_text(), made.stat().st_nlink) == ("made\n", 1)
    assert os.access(made, os.W_OK)
    assert "up to date" in dvc(tree, "status")


def test_a_listing_that_leads_out_writes_nothing(tracked: Path, call_xvc: Calling) -> None:
    """A tracked folder whose list names a file outside it is refused as a whole."""
    entries = [{"md5": "0" * 32, "relpath": "../../../escaped"}]
    listing = json.dumps(entries).encode()
    name = hashlib.md5(listing, usedforsecurity=False).hexdigest()
    place = tracked / ".dvc/cache/files/md5" / name[:2] / f"{name[2:]}.dir"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(listing)
    (tracked / "data.dvc").write_text(f"outs:\n- md5: {name}.dir\n  hash: md5\n  path: data\n")
    git(tracked, "commit", "-qam", "a trap")

    made = call_xvc("worktree", "add", "deeper", "--json")

    assert made.code == 0
    assert "no file in it" in made.json["warnings"][0]
    assert not list(tracked.parent.rglob("escaped"))


def test_files_that_are_asked_for_are_copied(tracked: Path, call_xvc: Calling) -> None:
    """.worktreeinclude names what git does not have; tracked and present files stay as they are."""
    (tracked / ".gitignore").write_text("metrics.json\n.env*\nconf/\n")
    (tracked / ".worktreeinclude").write_text(".env*\n!.env.no\nconf/*.toml\ntrain.py\nresults/\n")
    git(tracked, "add", "-A")
    git(tracked, "commit", "-qm", "wishes")
    (tracked / "conf").mkdir()
    for name in (".env", ".env.no", "conf/a.toml", "conf/b.txt"):
        (tracked / name).write_text(name)
    (tracked / ".env").chmod(0o600)

    made = call_xvc("worktree", "add", "deeper", "--json").data

    tree = Path(made["path"])
    assert made["copied"] == [".env", "conf/a.toml"]
    assert (tree / ".env").stat().st_mode & 0o777 == 0o600
    assert not (tree / ".env.no").exists()
    assert git(tree, "status", "--porcelain") == ""


def test_without_dvc(tmp_path: Path, call_xvc: Calling) -> None:
    """A repository in which nothing of ours was set up gets a tree; twice is harmless."""
    repo = tmp_path / "plain"
    repo.mkdir()
    git(repo, "init", "-q")
    (repo / "a.txt").write_text("a\n")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "begin")

    tree = add(call_xvc, "first", cwd=repo)
    again = call_xvc("worktree", "add", "first", "--json", cwd=repo)

    assert (tree / "a.txt").read_text() == "a\n"
    assert (again.code, again.data["changed"]) == (0, False)
    assert [git(each, "status", "--porcelain") for each in (repo, tree)] == ["", ""]


def test_from_inside_a_tree(tracked: Path, call_xvc: Calling) -> None:
    """A tree that is asked for in another one lies beside the main one and begins at its commit."""
    first = add(call_xvc, "first")
    (first / "train.py").write_text("print('other')\n")
    git(first, "commit", "-qam", "other")

    second = add(call_xvc, "second", cwd=first)

    assert second == tracked.parent / "exp-second"
    assert git(second, "rev-parse", "HEAD") == git(tracked, "rev-parse", "HEAD")
    assert (second / "data" / "0.csv").stat().st_nlink == 3


def test_a_tree_inside_the_main_one_is_ignored(tracked: Path, call_xvc: Calling) -> None:
    """`git add -A` in the main tree does not take a tree below it in."""
    add(call_xvc, "inner", "--path", "trees/inner")

    assert git(tracked, "status", "--porcelain") == ""


def test_a_version_to_begin_at(project: Path, call_xvc: Calling) -> None:
    """--from takes a version; the tree's store is that version's."""
    train(call_xvc, project, "--tag", "minor")
    train(call_xvc, project, "--tag", "minor", lr="0.2")

    tree = add(call_xvc, "older", "--from", "e0.1.0")

    assert call_xvc("ls", "--json", cwd=tree).data["total"] == 1
    assert git(tree, "rev-parse", "HEAD") == git(project, "rev-parse", "e0.1.0^{commit}")


def _branch(project: Path) -> None:
    git(project, "branch", "exp/taken")


def _family(project: Path) -> None:
    git(project, "branch", "exp")


def _folder(project: Path) -> None:
    (project.parent / "exp-taken").mkdir()
    (project.parent / "exp-taken" / "file").write_text("mine")


def _tree(project: Path) -> None:
    git(project, "worktree", "add", "-q", "-b", "other", "../exp-taken")


def _nothing(project: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("prepare", "words", "code"),
    [
        (_branch, ("taken",), "tree-taken"),
        (_family, ("taken",), "tree-taken"),
        (_folder, ("taken",), "tree-taken"),
        (_tree, ("taken",), "tree-taken"),
        (_nothing, ("../taken",), "bad-value"),
        (_nothing, ("taken", "--from", "nowhere"), "no-base"),
        (_nothing, ("taken", "--from", "--force"), "no-base"),
    ],
)
def test_what_is_taken_is_refused(
    project: Path, call_xvc: Calling, prepare: object, words: tuple[str, ...], code: str
) -> None:
    """Each refusal has a name and a way out, and nothing is made."""
    prepare(project)  # type: ignore[operator]
    before = (git(project, "branch"), git(project, "worktree", "list"), os.listdir(project.parent))

    refused = call_xvc("worktree", "add", *words, "--json")

    after = (git(project, "branch"), git(project, "worktree", "list"), os.listdir(project.parent))
    assert error(refused)["code"] == code
    assert error(refused)["hint"] or code == "bad-value"
    assert after == before


# -- adopt ----------------------------------------------------------------------------------------


def test_a_tree_of_another_tool_is_adopted(tracked: Path, call_xvc: Calling) -> None:
    """A tree that git has made gets data and store; edits in it stay; twice is harmless."""
    train(call_xvc, tracked, "--tag", "minor")
    tree = tracked / ".claude" / "worktrees" / "idea"
    git(tracked, "worktree", "add", "-q", "-b", "idea", str(tree))
    (tree / "train.py").write_text("print('edited')\n")

    adopted = call_xvc("worktree", "adopt", ".", cwd=tree)
    again = call_xvc("worktree", "adopt", str(tree))

    assert (adopted.code, again.code) == (0, 0)
    assert (tree / "data" / "1.csv").read_text() == "row 1\n"
    assert (tree / "train.py").read_text() == "print('edited')\n"
    assert git(tree, "status", "--porcelain").split() == ["M", "train.py"]
    assert git(tracked, "status", "--porcelain") == ""
    assert listed(call_xvc)["idea"]["state"] == "ready"
    assert error(call_xvc("worktree", "adopt", str(tracked), "--json"))["code"] == "no-tree"


# -- list, ls --all -------------------------------------------------------------------------------


def test_the_list_tells_what_each_tree_has(tracked: Path, call_xvc: Calling) -> None:
    """Runs since the base, unsaved rows, changes and trees whose folder has gone are shown."""
    first, second = add(call_xvc, "first"), add(call_xvc, "second")
    train(call_xvc, first, "--tag", "minor")
    run = train(call_xvc, first)
    (first / "train.py").write_text("print('edited')\n")
    shutil.rmtree(second)

    found = listed(call_xvc, cwd=first)

    assert found["main"]["runs"] == 0
    facts = found["first"]
    assert (facts["branch"], facts["runs"], facts["unsaved_runs"]) == ("exp/first", 2, [run])
    assert (facts["unsaved_rows"], facts["changed_files"], facts["here"]) == (1, ["train.py"], True)
    assert facts["last_activity"] > 0
    assert found["second"]["state"] == "missing"
    looks = call_xvc("doctor", "--json").data["findings"]
    assert any("second is not at " in look["detail"] for look in looks)


def test_all_runs_of_all_trees(project: Path, call_xvc: Calling) -> None:
    """``ls --all`` shows each run once, with its tree; sorted and filtered as one list."""
    first, second = add(call_xvc, "first"), add(call_xvc, "second")
    train(call_xvc, project, "--tag", "minor", lr="0.3")
    train(call_xvc, first, lr="0.1")
    train(call_xvc, second, lr="0.2")

    for folder in (project, first):
        shown = call_xvc("ls", "--all", "--sort", "accuracy", "--json", cwd=folder).data
        trees = [run["worktree"] for run in shown["runs"]]
        assert trees == ["exp-first", "exp-second", "main"]

    words = ("ls", "--all", "--where", "worktree == 'exp-second'", "--json")
    assert call_xvc(*words).data["total"] == 1


def test_three_trees_with_different_code_end_as_three_versions(
    project: Path, call_xvc: Calling
) -> None:
    """Three at once, each with its own code: three versions, compared in any tree."""
    trees = [add(call_xvc, f"t{number}") for number in range(3)]
    for number, tree in enumerate(trees):
        script = (tree / "train.py").read_text().replace("lr / 2", f"lr / {number + 2}")
        (tree / "train.py").write_text(script)
        git(tree, "commit", "-qam", f"code {number}") if number else None
    words = ["run", "--tag", "minor", "--", "python", "train.py"]
    started = [
        subprocess.Popen([sys.executable, "-m", "xvc", "-C", str(tree), *words]) for tree in trees
    ]

    ended = [each.wait(60) for each in started]

    assert ended == [0, 0, 0]
    compared = call_xvc("compare", "e0.1.0", "e0.2.0", "e0.3.0", "--json")
    assert compared.code == 0, compared.out
    assert git(project, "tag").split() == ["e0.1.0", "e0.2.0", "e0.3.0"]


# -- remove ---------------------------------------------------------------------------------------


def _unsaved(tree: Path, call_xvc: Calling) -> str:
    return f"run {train(call_xvc, tree)} (1 row)"


def _edited(tree: Path, call_xvc: Calling) -> str:
    (tree / "train.py").write_text("print('edited')\n")
    return "uncommitted files: train.py"


def _untracked(tree: Path, call_xvc: Calling) -> str:
    (tree / "notes.txt").write_text("an idea\n")
    return "uncommitted files: notes.txt"


def _output(tree: Path, call_xvc: Calling) -> str:
    (tree / "data" / "new.csv").write_text("unknown to DVC\n")
    return "changed outputs that DVC does not hold: data"


def _detached(tree: Path, call_xvc: Calling) -> str:
    git(tree, "checkout", "-q", "--detach")
    git(tree, "commit", "-q", "--allow-empty", "-m", "on no branch")
    return "commits on no branch"


def _store(tree: Path, call_xvc: Calling) -> str:
    train(call_xvc, tree, "--tag", "minor")
    with duckdb.connect(str(tree / STORE)) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS one")
    return "stores that xvc did not leave so"


@pytest.mark.parametrize("cause", [_unsaved, _edited, _untracked, _output, _detached, _store])
def test_what_is_in_a_tree_alone_keeps_it(tracked: Path, call_xvc: Calling, cause: object) -> None:
    """Removing names what would be lost and removes nothing; a dry run says the same."""
    tree = add(call_xvc, "mine")
    reason = cause(tree, call_xvc)  # type: ignore[operator]
    before = everything(tree)

    refused = call_xvc("worktree", "remove", "mine", "--json")
    plan = call_xvc("worktree", "remove", "mine", "--dry-run", "--json")

    assert (refused.code, error(refused)["code"]) == (4, "would-lose")
    assert reason in error(refused)["message"]
    assert any(reason in sentence for sentence in plan.data["lost"])
    assert everything(tree) == before


def test_what_a_tag_holds_keeps_no_tree(project: Path, call_xvc: Calling) -> None:
    """A tree whose runs all have versions goes, by `worktree remove` and by `cleanup`."""
    tree = add(call_xvc, "mine")
    train(call_xvc, tree, "--tag", "minor")
    removed = call_xvc("worktree", "remove", "mine", "--json")
    shown = call_xvc("checkout", "e0.1.0", "--json")
    train(call_xvc, Path(shown.data["path"]), "--tag", "minor")
    cleaned = call_xvc("cleanup", "--yes", "--json")

    assert removed.code == 0, removed.out
    assert [each["removed"] for each in cleaned.data["trees"]] == [True], cleaned.out


def test_a_merge_names_runs_that_stay_behind(project: Path, call_xvc: Calling) -> None:
    """No commit to merge is not nothing to do: the runs that no version holds are named."""
    tree = add(call_xvc, "mine")
    run = train(call_xvc, tree)
    done = call_xvc("worktree", "merge", "mine", "--json")

    assert run in " ".join(done.json["warnings"])
    assert done.json["next"] == ["xvc merge worktree:mine"]


def test_a_tree_that_was_moved_by_hand_loses_nothing(
    project: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """Remove and merge refuse and say where it lies; git's remedy, as they write it, helps."""
    tree, moved = add(call_xvc, "idea"), tmp_path / "it's" / "elsewhere"
    run = train(call_xvc, tree, "--tag", "minor")
    moved.parent.mkdir()
    tree.rename(moved)
    (moved / "draft.py").write_text("x = 1\n")

    calls = [("remove", "idea"), ("remove", "idea", "--yes"), ("merge", "idea"), ("adopt", "{}")]
    refused = [
        error(call_xvc("worktree", *(word.format(moved) for word in words), "--json", cwd=cwd))
        for words in calls
        for cwd in (project, moved)
    ]
    inside = call_xvc("ls", cwd=moved)
    found = {each["name"]: each for each in listed(call_xvc, cwd=moved).values()}
    advice = call_xvc("doctor", "--json").data["findings"]
    subprocess.run(refused[0]["hint"].split("`")[1], shell=True, cwd=project, check=True)
    kept = error(call_xvc("worktree", "remove", "idea", "--json"))
    merged = call_xvc("worktree", "merge", "idea")

    assert {each["code"] for each in refused} == {"tree-moved"}
    assert all(str(moved) in each["message"] for each in refused)
    assert "git worktree repair" in inside.err
    assert (found["idea"]["state"], found["idea"]["here"]) == ("missing", True)
    assert any(str(moved) in each["detail"] for each in advice)
    assert "draft.py" in kept["message"]
    assert (moved / "draft.py").is_file()
    assert merged.code == 0, merged.err
    assert run in call_xvc("ls", cwd=moved).out


def test_a_tree_whose_folder_is_not_seen_goes_only_when_asked(
    project: Path, call_xvc: Calling
) -> None:
    """Nobody can look whether it was moved far away; commits that only it has are named."""
    tree = add(call_xvc, "far")
    git(tree, "checkout", "-q", "--detach")
    git(tree, "commit", "-q", "--allow-empty", "-m", "alone")
    shutil.rmtree(tree)

    refused = error(call_xvc("worktree", "remove", "far", "--json"))
    merging = error(call_xvc("worktree", "merge", "far", "--json"))
    removed = call_xvc("worktree", "remove", "far", "--yes", "--json")

    assert (refused["code"], merging["code"]) == ("tree-moved", "tree-moved")
    assert "git worktree repair" in refused["hint"]
    assert removed.code == 0
    assert "commits on no branch" in removed.data["lost"][0]
    assert [*listed(call_xvc)] == ["main"]


@pytest.mark.parametrize("is_forgotten", [False, True])
@pytest.mark.parametrize("kind", ["folder", "repository", "file", "link"])
def test_what_lies_in_the_place_of_a_tree_is_left_alone(
    kind: str, is_forgotten: bool, project: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """Something else is where the tree was: it is not removed for the tree, whatever is said."""
    tree = add(call_xvc, "side")
    tree.rename(tmp_path / "moved")
    if is_forgotten:
        git(project, "worktree", "prune")
    match kind:
        case "folder":
            tree.mkdir()
        case "repository":
            git(tmp_path, "clone", "-q", str(project), str(tree))
        case "link":
            tree.symlink_to(tmp_path / "moved")
        case "file":
            tree.write_text("mine")
    if tree.is_dir():
        (tree / "mine.txt").write_text("mine")

    refused = [
        error(call_xvc("worktree", "remove", "side", *yes, "--json")) for yes in ((), ("--yes",))
    ]

    assert {each["code"] for each in refused} <= {"tree-replaced", "tree-moved"}
    assert tree.is_file() or (tree / "mine.txt").read_text() == "mine"
    assert tree.is_symlink() is (kind == "link")


def test_a_live_run_keeps_a_tree(project: Path, call_xvc: Calling) -> None:
    """A tree in which something runs stays, whatever is said; so does the one we stand in."""
    tree = add(call_xvc, "busy")
    script = "import sys; sys.stdout.write('up\\n'); sys.stdout.flush(); sys.stdin.read()"
    words = [sys.executable, "-m", "xvc", "run", "--", sys.executable, "-c", script]
    with subprocess.Popen(
        words, cwd=tree, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"up\n"
        live = listed(call_xvc)["busy"]["live"]
        refused = call_xvc("worktree", "remove", "busy", "--yes", "--json")
        running.communicate(b"")
    inside = call_xvc("worktree", "remove", "busy", "--yes", "--json", cwd=tree)

    assert len(live) == 1
    assert live[0] in error(refused)["message"]
    assert (error(refused)["code"], error(inside)["code"]) == ("tree-in-use", "tree-in-use")
    assert tree.is_dir()


def test_a_tree_without_anything_of_its_own_goes(tracked: Path, call_xvc: Calling) -> None:
    """Nothing to lose: the tree and its branch go at once, and the cache is as before."""
    tree = add(call_xvc, "idle")
    cache = everything(tracked / ".dvc" / "cache")

    removed = call_xvc("worktree", "remove", "idle", "--json")

    assert (removed.code, removed.data["branch_removed"]) == (0, True)
    assert os.listdir(tracked.parent) == ["project"]
    assert git(tracked, "branch", "--list", "exp/*") == ""
    assert not tree.exists()
    assert everything(tracked / ".dvc" / "cache") == cache


def test_journals_and_code_outlive_a_tree(project: Path, call_xvc: Calling) -> None:
    """With --yes the tree goes; rows, run code and branch stay, and no new tree swallows them."""
    tree = add(call_xvc, "gone")
    (tree / "train.py").write_text((tree / "train.py").read_text() + "# edited\n")
    git(tree, "commit", "-qam", "edited")
    commit = git(tree, "rev-parse", "HEAD")
    run = train(call_xvc, tree)

    removed = call_xvc("worktree", "remove", str(tree), "--yes", "--json")
    git(project, "branch", "-D", "exp/gone")
    anew = add(call_xvc, "gone")

    assert removed.data["branch_removed"] is False
    assert git(project, "rev-parse", f"refs/xvc/runs/{run}") == commit
    assert call_xvc("ls", "--json", cwd=anew).data["total"] == 0
    shown = call_xvc("ls", "--all", "--json").data["runs"]
    assert [(each["id"], each["metrics"]["accuracy"]) for each in shown] == [(run, 0.95)]
    left = listed(call_xvc)["exp-gone-1"]
    assert (left["state"], left["unsaved_rows"]) == ("removed", 1)


def test_journals_of_a_tree_that_git_removed_are_set_apart(
    project: Path, call_xvc: Calling
) -> None:
    """`git worktree remove` asks nobody; what it left behind is no run of the next tree."""
    tree = project.parent / "idea"
    git(project, "worktree", "add", "-q", "-b", "idea", str(tree))
    run = train(call_xvc, tree)
    git(project, "worktree", "remove", "--force", str(tree))
    git(project, "worktree", "add", "-q", str(tree), "idea")

    call_xvc("worktree", "adopt", str(tree))

    assert call_xvc("ls", "--json", cwd=tree).data["total"] == 0
    assert [each["id"] for each in call_xvc("ls", "--all", "--json").data["runs"]] == [run]


def test_only_trees_that_are_known_are_removed(project: Path, call_xvc: Calling) -> None:
    """Neither the main tree, nor a folder, nor a locked tree is ever removed."""
    plain = project.parent / "exp-plain"
    plain.mkdir()
    locked = add(call_xvc, "locked")
    git(project, "worktree", "lock", str(locked))

    answers = []
    for name in (str(locked), str(project), "main", str(plain), "plain"):
        refused = call_xvc("worktree", "remove", name, "--yes", "--json", cwd=project)
        answers.append(error(refused)["code"])

    assert answers == ["tree-in-use", "no-tree", "no-tree", "no-tree", "no-tree"]
    assert plain.is_dir()


# -- merge ----------------------------------------------------------------------------------------


def test_a_tree_that_has_moved_alone_is_followed(tracked: Path, call_xvc: Calling) -> None:
    """Code, version and rows come to the branch; the tree is clean, and the store has the runs."""
    tree = add(call_xvc, "better")
    (tree / "train.py").write_text((tree / "train.py").read_text() + "# better\n")
    (tree / "new").mkdir()
    (tree / "new" / "run.sh").write_text("echo\n")
    (tree / "new" / "run.sh").chmod(0o755)
    git(tree, "rm", "-q", "single.txt.dvc")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "better")
    run = train(call_xvc, tree, "--tag", "minor")
    (tracked / "note.txt").write_text("untracked, in nobody's way\n")

    merged = call_xvc("worktree", "merge", "better", "--json")

    assert merged.data["versions"] == ["e0.1.0"]
    assert git(tracked, "rev-parse", "HEAD") == git(tree, "rev-parse", "HEAD")
    assert git(tracked, "branch", "--show-current") == "main"
    assert git(tracked, "status", "--porcelain") == "?? note.txt"
    assert os.access(tracked / "new" / "run.sh", os.X_OK)
    assert [each["id"] for each in call_xvc("ls", "--json").data["runs"]] == [run]
    again = call_xvc("worktree", "merge", "better", "--json")
    assert (again.code, again.data["changed"]) == (0, False)
    assert call_xvc("worktree", "remove", "better").code == 0


@pytest.mark.parametrize("below", ["", "data"])
def test_what_puts_merged_data_in_place_works_beside_rows_of_no_version(
    tracked: Path, call_xvc: Calling, below: str
) -> None:
    """`dvc checkout` of everything refuses while the store has more rows than its version."""
    tree = add(call_xvc, "better")
    (tree / "single.txt").unlink()
    (tree / "single.txt").write_text("two\n")
    keep(tree, "single.txt")
    (tracked / ".git/info/exclude").write_text("/metrics.json\n")
    train(call_xvc, tree, "--tag", "minor")
    train(call_xvc, tracked)
    assert call_xvc("ls").code == 0

    merged = call_xvc("worktree", "merge", "better", "--json", cwd=tracked / below)
    call_xvc("ls")
    (step,) = merged.json["next"]
    done = subprocess.run(step, shell=True, cwd=tracked / below, capture_output=True, text=True)

    assert merged.code == 0, merged.err
    assert done.returncode == 0, done.stderr
    assert (tracked / "single.txt").read_text() == "two\n"
    assert call_xvc("ls", "--json").data["total"] == 2


def test_a_tree_that_has_moved_like_ours_is_joined(project: Path, call_xvc: Calling) -> None:
    """Where both made versions, one commit has the code and the runs of both sides."""
    tree = add(call_xvc, "better")
    (tree / "new.txt").write_text("theirs\n")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "new")
    theirs = train(call_xvc, tree, "--tag", "minor")
    ours = train(call_xvc, project, "--tag", "major")
    unsaved = train(call_xvc, project)

    merged = call_xvc("worktree", "merge", "better", "--json")

    assert (merged.code, merged.data["versions"]) == (0, ["e0.1.0"])
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "rev-list", "--parents", "-1", "HEAD").count(" ") == 2
    assert (project / "new.txt").read_text() == "theirs\n"
    shown = {each["id"] for each in call_xvc("ls", "--json").data["runs"]}
    assert shown == {theirs, ours, unsaved}
    again = call_xvc("worktree", "merge", "better", "--json")
    assert (again.code, again.data["changed"]) == (0, False)
    assert call_xvc("worktree", "remove", "better").code == 0


def test_rows_of_ours_in_no_version_travel_on(project: Path, call_xvc: Calling) -> None:
    """A branch that follows keeps the rows that only its journals have."""
    tree = add(call_xvc, "better")
    theirs = train(call_xvc, tree, "--tag", "minor")
    ours = train(call_xvc, project)

    merged = call_xvc("worktree", "merge", "better")

    assert merged.code == 0, merged.err
    assert git(project, "rev-parse", "HEAD") == git(tree, "rev-parse", "HEAD")
    assert {each["id"] for each in call_xvc("ls", "--json").data["runs"]} == {theirs, ours}


def _conflict(project: Path, tree: Path, call_xvc: Calling) -> str:
    (project / "new.txt").write_text("ours\n")
    git(project, "add", "new.txt")
    git(project, "commit", "-qm", "ours")
    return "both sides changed new.txt"


def _there(project: Path, tree: Path, call_xvc: Calling) -> str:
    train(call_xvc, tree)
    return "are in no version"


def _in_the_way(project: Path, tree: Path, call_xvc: Calling) -> str:
    (project / "new.txt").write_text("mine\n")
    return "files here have changed (new.txt)"


def _dirty(project: Path, tree: Path, call_xvc: Calling) -> str:
    (project / "train.py").write_text("mine\n")
    return "files here have changed (train.py)"


@pytest.mark.parametrize("cause", [_conflict, _there, _in_the_way, _dirty])
def test_what_would_be_lost_is_not_merged(project: Path, call_xvc: Calling, cause: object) -> None:
    """Refused with the reason, and nothing half done."""
    tree = add(call_xvc, "better")
    (tree / "new.txt").write_text("theirs\n")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "new")
    train(call_xvc, tree, "--tag", "minor")
    reason = cause(project, tree, call_xvc)  # type: ignore[operator]
    call_xvc("ls")
    state = (git(project, "rev-parse", "HEAD"), git(project, "status", "--porcelain"))

    refused = call_xvc("worktree", "merge", "better", "--json")

    assert (refused.code, error(refused)["code"]) == (4, "cannot-merge")
    assert reason in error(refused)["message"]
    assert (git(project, "rev-parse", "HEAD"), git(project, "status", "--porcelain")) == state


def test_the_pointer_of_a_version_beside_the_branch_has_a_way_out(
    project: Path, call_xvc: Calling
) -> None:
    """Nobody has touched it, and "put it back" would take its runs out of the store."""
    tree = add(call_xvc, "better")
    (tree / "new.txt").write_text("theirs\n")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "new")
    train(call_xvc, tree, "--tag", "minor")
    (project / "notes.py").write_text("x = 1\n")
    call_xvc("run", "--tag", "minor", "--", "python", "notes.py")
    (project / "notes.py").unlink()
    refused = error(call_xvc("worktree", "merge", "better", "--json"))
    way = refused["hint"].split("`")[1]

    subprocess.run(way, shell=True, cwd=project, check=True)
    merged = call_xvc("worktree", "merge", "better", "--json")

    assert way.endswith("git commit -m Runs -- :/results/experiments.duckdb.dvc")
    assert merged.code == 0, merged.err
    assert len(call_xvc("ls", "--json").data["runs"]) == 2


def test_a_tree_that_git_made_shows_the_runs_at_once(project: Path, call_xvc: Calling) -> None:
    """The first command in a tree of plain `git worktree add` finds the shared cache."""
    call_xvc("run", "--tag", "minor", "--", "python", "train.py")
    git(project, "worktree", "add", "-q", "../beside")

    listed = call_xvc("ls", "--json", cwd=project.parent / "beside")

    assert [run["version"] for run in listed.data["runs"]] == ["e0.1.0"]


def test_a_tree_keeps_its_name_where_git_has_moved_it(
    project: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """List, doctor, merge and remove know a tree by its name after `git worktree move`."""
    tree, moved = add(call_xvc, "idea"), tmp_path / "moved tree"
    run = train(call_xvc, tree, "--tag", "minor", lr="0.4")

    git(project, "worktree", "move", str(tree), str(moved))
    (found,) = [each for each in listed(call_xvc).values() if each["name"] != "main"]
    health = call_xvc("doctor", "--json").data["findings"]
    merged = call_xvc("worktree", "merge", "idea")
    removed = call_xvc("worktree", "remove", "idea")

    assert (found["name"], found["path"], found["state"]) == ("idea", str(moved), "ready")
    assert not [each for each in health if each["health"] == "wrong"]
    assert (merged.code, removed.code) == (0, 0), merged.err + removed.err
    assert run in call_xvc("ls").out
    assert not moved.exists()


def test_doctor_notices_that_the_repository_was_moved(
    project: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A linked tree that still names the old place is told with git's own remedy, which helps."""
    call_xvc("worktree", "add", "side")
    tree, moved = project.parent / "exp-side", project.parent / "it's moved"
    project.rename(moved)
    monkeypatch.chdir(moved)

    listed = call_xvc("worktree", "list").out.splitlines()[2].split()
    ill = call_xvc("doctor", "--json")
    findings = [each for each in ill.data["findings"] if each["what"] == "work trees"]
    git(moved, "worktree", "repair", str(tree))
    sound = call_xvc("doctor", "--json")

    assert listed[:6] == ["side", "exp/side", "?", "?", "?", "?"]
    assert "unreadable" in listed
    assert ill.code == 3
    assert [str(tree) in each["detail"] for each in findings] == [True]
    assert f"git worktree repair {tree}" in findings[0]["hint"]
    assert sound.data["healthy"]
    assert not project.exists()


@pytest.mark.parametrize("name", ["two\nlines", " a, 'b' \"c\" #%;$ ", "größe-😀"])
def test_a_tree_lies_beside_a_project_in_a_folder_of_any_name(
    name: str, project: Path, call_xvc: Calling
) -> None:
    """Trees are listed and made by their whole paths, whatever characters are in them."""
    root = project.rename(project.parent / name)
    added = call_xvc("worktree", "add", "side", "--json", cwd=root).data
    listed = call_xvc("worktree", "list", "--json", cwd=root).data["worktrees"]
    ran = call_xvc("run", "--tag", "minor", "--", "python", "train.py", cwd=Path(added["path"]))

    assert Path(added["path"]).parent == root.parent
    assert [Path(each["path"]) for each in listed] == [root, Path(added["path"])]
    assert ran.code == 0, ran.err


def test_a_tree_whose_repository_was_moved(
    project: Path, tmp_path: Path, call_xvc: Calling, run_xvc: Calling
) -> None:
    """Nothing is written to where it was; what ran meanwhile is there once git has mended it."""
    tree = tmp_path / "exp"
    call_xvc("worktree", "add", "exp", "--path", str(tree))
    moved = project.rename(tmp_path / "moved")

    ran = run_xvc("run", "--", "python", "train.py", "--lr", "0.7", cwd=tree)
    tagged = run_xvc("tag", "minor", cwd=tree)
    listed = run_xvc("ls", cwd=tree)
    was = project.exists()
    git(moved, "worktree", "repair", str(tree))
    again = run_xvc("run", "--tag", "minor", "--", "python", "train.py", cwd=tree)
    found = run_xvc("ls", cwd=tree)

    assert (ran.code, tagged.code, was, again.code) == (0, 1, False, 0), again.err
    for said in (ran, tagged, listed):
        assert "there is no repository" in said.err
        assert f"git worktree repair {tree}" in said.err
    assert "0.7" in found.out
    assert git(tree, "status", "--porcelain") == ""


def test_a_copy_of_a_tree_is_told_from_the_tree(
    project: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """git takes both for one, so whoever works in the copy is told; the tree itself is silent."""
    tree, copy = tmp_path / "exp", tmp_path / "copy"
    call_xvc("worktree", "add", "exp", "--path", str(tree))
    shutil.copytree(tree, copy, symlinks=True)

    first, second = (
        call_xvc("run", "--", "python", "train.py", cwd=folder) for folder in (tree, copy)
    )
    found = call_xvc("doctor", "--json", cwd=copy).data["findings"]

    assert "is a copy of" not in first.err
    assert f"{copy} is a copy of the work tree {tree}" in second.err
    assert sum("is a copy of" in each["detail"] for each in found) == 1


def test_a_submodule_that_was_copied_out_of_its_clone(tmp_path: Path, run_xvc: Calling) -> None:
    """Its file leads to a folder beside the copy: that one is not made."""
    copy = tmp_path / "copies/lib"
    copy.mkdir(parents=True)
    (copy / ".git").write_text("gitdir: ../.git/modules/lib\n")

    ran = run_xvc("run", "--", "sh", "-c", "exit 7", cwd=copy)

    assert ran.code == 7
    assert not (tmp_path / "copies/.git").exists()
    assert "git submodule update --init" in ran.err
