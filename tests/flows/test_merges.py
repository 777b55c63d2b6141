"""``xvc merge`` in real repositories: branches, clones, worktrees, files; nothing is lost."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import duckdb
import pytest

from surroundings import Called, Calling, copied, dvc, forked, git, private_environment

STORE = "results/experiments.duckdb"
POINTER = STORE + ".dvc"


def ran(call_xvc: Calling, *words: str, **more: object) -> Called:
    done = call_xvc(*words, **more)
    assert done.code == 0, done.err + done.out
    return done


def run_at(call_xvc: Calling, lr: str, **more: object) -> None:
    """Make a version of one run."""
    ran(call_xvc, "run", "--tag", "minor", "--", "python", "train.py", "--lr", lr, **more)


def listed(call_xvc: Calling, **more: object) -> set[str]:
    return {run["id"] for run in ran(call_xvc, "ls", "--json", "--limit", "0", **more).data["runs"]}


def notes(call_xvc: Calling) -> set[str | None]:
    return {run["note"] for run in ran(call_xvc, "ls", "--json").data["runs"]}


def state(project: Path) -> tuple[str, bytes]:
    return hashlib.md5((project / STORE).read_bytes()).hexdigest(), (project / POINTER).read_bytes()


def _ran(folder: Path, *words: str) -> None:
    environment = private_environment(folder.parent / "home")
    if words[0] == "xvc":
        done = forked(*words, cwd=folder, env=environment)
        assert done.code == 0, done.err
    else:
        subprocess.run(words, cwd=folder, env=environment, capture_output=True, check=True)


def _version(folder: Path, lr: str) -> None:
    words = ["run", "--tag", "minor", "--", "python", "train.py", "--lr", lr]
    _ran(folder, "xvc", *words)


@pytest.fixture(scope="session")
def _parted(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied(_template, tmp_path_factory.mktemp("parted") / "project")
    _version(folder, "0.1")
    _ran(folder, "git", "checkout", "-q", "-b", "side")
    _version(folder, "0.2")
    _ran(folder, "git", "checkout", "-q", "main")
    _version(folder, "0.3")
    return folder


@pytest.fixture(scope="session")
def _quarrel(_parted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied(_parted, tmp_path_factory.mktemp("quarrel") / "project")
    for branch, note in (("main", "ours"), ("side", "theirs"), ("main", None)):
        _ran(folder, "git", "checkout", "-q", branch)
        _ran(folder, "xvc", "ls")
        if note is not None:
            _annotate(folder, note)
            _ran(folder, "xvc", "tag", "patch")
    return folder


def _annotate(folder: Path, note: str) -> None:
    """Change the note of the first run by hand."""
    first = "(SELECT min_by(id, started) FROM runs)"
    with duckdb.connect(str(folder / STORE)) as connection:
        connection.execute(f"UPDATE runs SET note = ? WHERE id = {first}", [note])


@pytest.fixture
def branches(_parted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``main`` and ``side`` parted after one run; each has another. We are on main."""
    folder = copied(_parted, tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def disputed(_quarrel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As ``branches``, and the first run's note was changed on both."""
    folder = copied(_quarrel, tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder


def test_a_branch_is_merged(branches: Path, call_xvc: Calling) -> None:
    """All three runs are here afterwards, and the account says where they came from."""
    done = ran(call_xvc, "merge", "side", "--json")
    account = next(each for each in done.data["tables"] if each["table"] == "runs")

    assert len(listed(call_xvc)) == 3
    assert (account["ours"], account["theirs"], account["after"]) == (2, 2, 3)
    assert (account["equal"], account["kept"], account["taken"]) == (1, 1, 1)


def test_a_branch_called_data_is_merged_by_its_full_name(branches: Path, call_xvc: Calling) -> None:
    """`data` alone means Parquet files, and says how the branch is named; then it is merged."""
    git(branches, "branch", "-m", "side", "data")
    refused = call_xvc("merge", "data", "--json")
    ran(call_xvc, "merge", "refs/heads/data")

    assert "`xvc merge refs/heads/data`" in refused.json["error"]["hint"]
    assert len(listed(call_xvc)) == 3


def test_merging_twice_changes_nothing(branches: Path, call_xvc: Calling) -> None:
    """The second merge leaves store and pointer as they are, byte for byte."""
    ran(call_xvc, "merge", "side")
    before = state(branches)
    again = ran(call_xvc, "merge", "side", "--json")

    assert again.data["changed"] is False
    assert state(branches) == before


def test_what_was_merged_outlives_the_store(branches: Path, call_xvc: Calling) -> None:
    """With the store deleted and an unsaved run beside, the next command has every run again."""
    ran(call_xvc, "run", "--", "true")
    ran(call_xvc, "merge", "side")
    ran(call_xvc, "run", "--", "true")
    before = listed(call_xvc)
    (branches / STORE).unlink()

    assert listed(call_xvc) == before
    assert len(before) == 5


def test_a_merge_is_undone_by_git(branches: Path, call_xvc: Calling) -> None:
    """Whoever takes the pointer back has the runs of before, the unsaved one too."""
    ran(call_xvc, "run", "--", "true")
    before = listed(call_xvc)
    ran(call_xvc, "merge", "side")
    git(branches, "checkout", "--", POINTER)

    assert listed(call_xvc) == before


def test_the_next_version_keeps_the_merge(branches: Path, call_xvc: Calling) -> None:
    """`xvc tag` commits the merged store; DVC and git call the tree clean."""
    ran(call_xvc, "merge", "side")
    ran(call_xvc, "tag", "minor")
    status = dvc(Path.cwd(), "status")

    assert "up to date" in status
    assert git(branches, "status", "--porcelain") == ""
    assert len(listed(call_xvc)) == 3


def test_a_dry_run_changes_nothing(disputed: Path, call_xvc: Calling) -> None:
    """The plan is told, conflicts included; store, pointer and private room stay."""
    before = state(disputed)
    done = call_xvc("merge", "side", "--dry-run", "--json")

    assert (done.code, done.data["undecided"], done.data["dry_run"]) == (4, 1, True)
    assert state(disputed) == before
    assert ran(call_xvc, "status", "--json").data["undecided"] is None


def test_a_conflict_waits(disputed: Path, call_xvc: Calling) -> None:
    """Exit 4; the store is as it was; the list names table, key, column and three values."""
    before = state(disputed)
    done = call_xvc("merge", "side", "--json")
    listing = ran(call_xvc, "merge", "--conflicts", "--json").data["conflicts"]

    assert done.code == 4
    assert state(disputed) == before
    assert [(c["table"], c["column"], c["base"], c["ours"], c["theirs"]) for c in listing] == [
        ("runs", "note", None, "ours", "theirs")
    ]
    assert ran(call_xvc, "status", "--json").data["undecided"] == 1


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_conflict_is_decided(disputed: Path, call_xvc: Calling, side: str) -> None:
    """The side that was named wins, everything else is merged, and merging again is no conflict."""
    assert call_xvc("merge", "side").code == 4
    ran(call_xvc, "merge", f"--{side}", "--only", "table == 'runs' and column == 'note'")
    ran(call_xvc, "merge", "--continue")

    assert side in notes(call_xvc)
    assert len(listed(call_xvc)) == 3
    assert ran(call_xvc, "merge", "side", "--json").data["changed"] is False


def test_going_on_too_early_waits_again(disputed: Path, call_xvc: Calling) -> None:
    """`--continue` with something undecided is exit 4, and nothing has changed."""
    call_xvc("merge", "side")
    before = state(disputed)
    done = call_xvc("merge", "--continue")

    assert done.code == 4
    assert state(disputed) == before


@pytest.mark.parametrize("ending", [".json", ".csv"])
def test_an_edited_list_decides(
    disputed: Path, call_xvc: Calling, tmp_path: Path, ending: str
) -> None:
    """The list, edited and read back, brings in a value that neither side had."""
    call_xvc("merge", "side")
    file = tmp_path / f"list{ending}"
    if ending == ".json":
        listing = ran(call_xvc, "merge", "--conflicts", "--json").json
        listing["data"]["conflicts"][0] |= {"choice": "value", "value": "both"}
        file.write_text(json.dumps(listing))
    else:
        text = ran(call_xvc, "merge", "--conflicts", "--csv").out
        head, line = text.splitlines()
        file.write_text(f"{head}\n{line.removesuffix(',,')},value,both\n")
    ran(call_xvc, "merge", "--from", str(file), "--continue")

    assert "both" in notes(call_xvc)


def test_giving_up_is_forgetting(disputed: Path, call_xvc: Calling) -> None:
    """After `--abort` store and pointer are those of before, byte for byte, and nothing waits."""
    before = state(disputed)
    call_xvc("merge", "side")
    ran(call_xvc, "merge", "--theirs")
    ran(call_xvc, "merge", "--abort")

    assert state(disputed) == before
    assert call_xvc("merge", "--continue", "--json").json["error"]["code"] == "no-merge"
    assert not (disputed / ".git/xvc/merges/main").exists()


def test_other_commands_go_on(disputed: Path, call_xvc: Calling) -> None:
    """While a merge waits, runs are recorded; they are in the store that comes of it."""
    call_xvc("merge", "side")
    ran(call_xvc, "run", "--", "true")
    refused = call_xvc("merge", "side", "--json")
    ran(call_xvc, "merge", "--theirs", "--continue")

    assert refused.json["error"]["code"] == "merge-unfinished"
    assert len(listed(call_xvc)) == 4
    assert "theirs" in notes(call_xvc)


def test_deciding_at_once(disputed: Path, call_xvc: Calling) -> None:
    """`xvc merge side --theirs` needs no second step."""
    ran(call_xvc, "merge", "side", "--theirs")

    assert "theirs" in notes(call_xvc)


def test_what_they_did_after_a_merge_is_seen_from_there(disputed: Path, call_xvc: Calling) -> None:
    """A later merge starts from the earlier one: what was decided is not asked again."""
    ran(call_xvc, "merge", "side", "--ours")
    ran(call_xvc, "tag", "patch")
    git(disputed, "checkout", "-q", "side")
    run_at(call_xvc, "0.4")
    git(disputed, "checkout", "-q", "main")
    ran(call_xvc, "merge", "side")

    assert len(listed(call_xvc)) == 4
    assert "ours" in notes(call_xvc)


def test_a_pointer_taken_by_hand_loses_no_row(branches: Path, call_xvc: Calling) -> None:
    """After `git merge` with our pointer kept, their runs are still brought in."""
    theirs = listed(call_xvc)
    git(branches, "merge", "-q", "-s", "ours", "side")
    done = ran(call_xvc, "merge", "side")

    assert len(listed(call_xvc) - theirs) == 1
    assert "no ancestor" in done.err


def test_a_worktree_is_merged_with_what_it_has_not_saved(branches: Path, call_xvc: Calling) -> None:
    """``worktree:NAME`` means the store of that tree as it is now."""
    tree = branches.parent / "w1"
    git(branches, "worktree", "add", "-q", str(tree), "-b", "w1")
    ran(call_xvc, "run", "--", "true", cwd=tree)
    ran(call_xvc, "merge", "worktree:w1")

    assert len(listed(call_xvc)) == 3


def test_two_clones_come_together(branches: Path, call_xvc: Calling, tmp_path: Path) -> None:
    """Another person's runs, pushed to a bare remote and a DVC remote, are merged here."""
    bare, remote, clone = (tmp_path / name for name in ("bare.git", "remote", "clone"))
    git(branches, "init", "-q", "--bare", str(bare))
    git(branches, "remote", "add", "origin", str(bare))
    dvc(Path.cwd(), "remote", "add", "-q", "-d", "store", str(remote))
    git(branches, "commit", "-qam", "a remote")
    git(branches, "push", "-q", "--tags", "origin", "main")
    dvc(Path.cwd(), "push", "-q")
    git(tmp_path, "clone", "-q", str(bare), str(clone))
    git(clone, "checkout", "-q", "main")
    dvc(clone, "pull", "-q")
    run_at(call_xvc, "0.5", cwd=clone)
    git(clone, "push", "-q", "--tags", "origin", "main")
    dvc(clone, "push", "-q")
    run_at(call_xvc, "0.7")
    git(branches, "fetch", "-q", "--no-tags", "origin")
    lacking = call_xvc("merge", "origin/main", "--json")
    dvc(Path.cwd(), "fetch", "-q", "--all-commits")
    ran(call_xvc, "merge", "origin/main")

    assert lacking.json["error"]["code"] == "not-fetched"
    assert "dvc fetch" in lacking.json["error"]["hint"]
    assert len(listed(call_xvc)) == 4


def test_a_file_is_merged_and_only_read(branches: Path, call_xvc: Calling, tmp_path: Path) -> None:
    """A store sent by mail, with an apostrophe in its name: all rows come, the file stays."""
    file = tmp_path / "ada's store.duckdb"
    git(branches, "checkout", "-q", "side")
    ran(call_xvc, "ls")
    file.write_bytes((branches / STORE).read_bytes())
    git(branches, "checkout", "-q", "main")
    before = file.read_bytes()
    ran(call_xvc, "merge", str(file))

    assert len(listed(call_xvc)) == 3
    assert file.read_bytes() == before
    assert ran(call_xvc, "merge", str(file), "--json").data["changed"] is False


@pytest.mark.parametrize(
    ("source", "code"),
    [("nothing", "no-source"), (STORE, "no-source"), ("train.py", "store-corrupt")],
)
def test_a_bad_source_is_named(branches: Path, call_xvc: Calling, source: str, code: str) -> None:
    """What is no store, or nothing, is refused; no file appears and nothing changes."""
    before = state(branches)
    done = call_xvc("merge", source, "--json")

    assert done.json["error"]["code"] == code
    assert state(branches) == before
    assert not (branches / "nothing").exists()


def test_several_sources(branches: Path, call_xvc: Calling) -> None:
    """Two sources in one call; one that is missing stops all of it."""
    git(branches, "checkout", "-q", "-b", "third", "HEAD~1")
    run_at(call_xvc, "0.6")
    git(branches, "checkout", "-q", "main")
    before = listed(call_xvc)
    refused = call_xvc("merge", "side", "nothing")
    still = listed(call_xvc)
    ran(call_xvc, "merge", "side", "third")

    assert refused.code == 1
    assert still == before
    assert len(listed(call_xvc)) == 4


def test_undo_takes_a_merge_back(branches: Path, call_xvc: Calling) -> None:
    """Theirs are gone, ours and the run made since are here; merged again, theirs come again."""
    ours = listed(call_xvc)
    ran(call_xvc, "merge", "side")
    both = listed(call_xvc)
    ran(call_xvc, "run", "--", "python", "train.py", "--lr", "0.4")
    since = listed(call_xvc) - both
    plan = ran(call_xvc, "undo", "--dry-run")
    ran(call_xvc, "undo", "--yes")

    assert "merged side" in plan.out
    assert (len(since), listed(call_xvc)) == (1, ours | since)
    assert call_xvc("undo", "--json").json["error"]["code"] == "nothing-to-undo"
    ran(call_xvc, "merge", "side")
    assert listed(call_xvc) == both | since


def test_undo_of_a_merge_keeps_rows_whose_journals_a_version_let_go(
    branches: Path, call_xvc: Calling
) -> None:
    """A run in no version, a merge, a version of both, then undo: the run is still here."""
    ran(call_xvc, "run", "--", "python", "train.py", "--lr", "0.4")
    ours = listed(call_xvc)
    ran(call_xvc, "merge", "side")
    ran(call_xvc, "tag", "minor")
    ran(call_xvc, "undo", "--yes")

    assert listed(call_xvc) == ours


def test_undo_takes_back_a_merge_that_was_decided(disputed: Path, call_xvc: Calling) -> None:
    """After conflicts and --continue: our note is back, and nothing is unfinished."""
    call_xvc("merge", "side")
    ran(call_xvc, "merge", "--theirs", "--continue")
    merged = notes(call_xvc)
    ran(call_xvc, "undo", "--yes")

    assert "theirs" in merged
    assert "theirs" not in notes(call_xvc)
    assert call_xvc("merge", "--conflicts", "--json").json["error"]["code"] == "no-merge"
