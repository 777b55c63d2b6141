"""The store follows the pointer that HEAD has, and loses nothing on the way."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from surroundings import Begun, Calling, dvc, git
from xvc.errors import StoreFailed
from xvc.store import db

STORE = "results/experiments.duckdb"


@pytest.fixture
def tagged(project: Path, call_xvc: Calling, begun: Begun) -> Path:
    """Two versions on main: e0.1.0 with one run, e0.2.0 with two."""

    def versions() -> None:
        for lr in ("0.1", "0.01"):
            words = ("run", "--tag", "minor", "--", "python", "train.py", "--lr", lr)
            assert call_xvc(*words).code == 0

    begun(project, versions)
    return project


def listed(call_xvc: Calling) -> list[str]:
    """The ids that ``xvc ls`` shows, newest first."""
    return [run["id"] for run in call_xvc("ls", "--json").data["runs"]]


def kept(project: Path) -> list[Path]:
    return sorted((project / "results").glob("experiments.duckdb.kept-*"))


def sql(store: Path, *statements: str) -> None:
    with duckdb.connect(str(store)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_another_commit_brings_its_store(tagged: Path, call_xvc: Calling) -> None:
    """After `git checkout e0.1.0` the next command shows that version's store, and back again."""
    both = listed(call_xvc)
    git(tagged, "checkout", "-q", "e0.1.0")
    before = listed(call_xvc)
    git(tagged, "checkout", "-q", "main")

    assert before == both[1:]
    assert listed(call_xvc) == both
    assert git(tagged, "status", "--porcelain") == ""
    assert kept(tagged) == []


def test_dvc_calls_a_switched_store_clean(tagged: Path, call_xvc: Calling) -> None:
    """A store that xvc put in place is the version's, byte for byte; looking changes nothing."""
    git(tagged, "checkout", "-q", "e0.1.0")
    call_xvc("ls")
    status = dvc(Path.cwd(), "status")

    assert "up to date" in status


def test_unsaved_runs_travel(tagged: Path, call_xvc: Calling) -> None:
    """Runs that no version holds stay in the list whatever commit is checked out."""
    call_xvc("run", "--", "true")
    newest = listed(call_xvc)[0]
    git(tagged, "checkout", "-q", "e0.1.0")
    elsewhere = listed(call_xvc)
    git(tagged, "checkout", "-q", "main")

    assert elsewhere[0] == newest
    assert len(elsewhere) == 2
    assert len(listed(call_xvc)) == 3


@pytest.mark.parametrize("move", ["checkout -q -b side HEAD~1", "reset -q --hard HEAD~1"])
def test_however_the_pointer_moved(tagged: Path, call_xvc: Calling, move: str) -> None:
    """A branch switch and a reset are followed alike."""
    git(tagged, *move.split())

    assert len(listed(call_xvc)) == 1


def test_a_merge_of_git_is_followed(tagged: Path, call_xvc: Calling) -> None:
    """After a fast-forward of another branch the store is the one that it brought."""
    git(tagged, "checkout", "-q", "-b", "side", "HEAD~1")
    assert len(listed(call_xvc)) == 1
    git(tagged, "merge", "-q", "main")

    assert len(listed(call_xvc)) == 2


def test_dvc_checkout_loses_nothing(tagged: Path, call_xvc: Calling) -> None:
    """Whoever runs `dvc checkout` themselves finds the same list, unsaved runs included."""
    call_xvc("run", "--", "true")
    before = listed(call_xvc)
    dvc(Path.cwd(), "checkout", "-q", "--force")

    assert listed(call_xvc) == before


def test_a_deleted_store_comes_back(tagged: Path, call_xvc: Calling) -> None:
    """The store is made again from the last version and the journals."""
    call_xvc("run", "--", "true")
    before = listed(call_xvc)
    (tagged / STORE).unlink()
    answer = call_xvc("ls", "--json")

    assert [run["id"] for run in answer.data["runs"]] == before
    assert (tagged / STORE).is_file()


def test_a_deleted_store_without_a_version_comes_back(project: Path, call_xvc: Calling) -> None:
    """Before the first version, the journals alone make the store again."""
    call_xvc("run", "--", "true")
    before = listed(call_xvc)
    (project / STORE).unlink()

    assert listed(call_xvc) == before


def test_edits_by_others_stay(tagged: Path, call_xvc: Calling) -> None:
    """Rows, columns and tables that another program put into the store survive the next runs."""
    call_xvc("run", "--", "true")
    sql(
        tagged / STORE,
        "CREATE TABLE mine (x INT)",
        "INSERT INTO mine VALUES (7)",
        "ALTER TABLE runs ADD COLUMN opinion VARCHAR DEFAULT 'good'",
    )
    call_xvc("run", "--", "true")

    assert len(listed(call_xvc)) == 4
    with duckdb.connect(str(tagged / STORE), read_only=True) as connection:
        assert connection.execute("SELECT x FROM mine").fetchall() == [(7,)]
        assert ("good",) in connection.execute("SELECT opinion FROM runs").fetchall()
    assert kept(tagged) == []


def test_edits_by_others_are_versioned(tagged: Path, call_xvc: Calling) -> None:
    """A table of the user's own is in the next version's store."""
    sql(tagged / STORE, "CREATE TABLE mine AS SELECT 7 AS x")
    call_xvc("run", "--tag", "minor", "--", "true")
    (tagged / STORE).unlink()
    dvc(Path.cwd(), "checkout", "-q")

    with duckdb.connect(str(tagged / STORE), read_only=True) as connection:
        assert connection.execute("SELECT x FROM mine").fetchall() == [(7,)]


def test_edits_by_others_are_set_aside_on_a_switch(tagged: Path, call_xvc: Calling) -> None:
    """An edited store makes way for another version's under a name of its own, and we say so."""
    sql(tagged / STORE, "CREATE TABLE mine AS SELECT 7 AS x")
    words = ["git", "checkout", "-q", "e0.1.0"]  # its hook says it, where git calls that hook
    done = subprocess.run(words, cwd=tagged, capture_output=True, text=True, check=True)
    answer = call_xvc("ls")
    (aside,) = kept(tagged)

    assert f"set aside as {aside.name}" in done.stderr + answer.err
    with duckdb.connect(str(aside), read_only=True) as connection:
        assert connection.execute("SELECT x FROM mine").fetchall() == [(7,)]
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (2,)
    assert git(tagged, "status", "--porcelain") == ""


def test_two_stores_set_aside_in_one_second(tagged: Path, call_xvc: Calling) -> None:
    """The second does not take the place of the first."""
    for commit, word in (("e0.1.0", "one"), ("e0.2.0", "two")):
        sql(tagged / STORE, f"CREATE TABLE {word} (x INT)")
        git(tagged, "checkout", "-q", commit)
        call_xvc("ls")

    assert len(kept(tagged)) == 2


@pytest.mark.parametrize(
    "change",
    [
        "CREATE INDEX mine ON events (loss)",
        "CREATE VIEW mine AS SELECT loss FROM events; DROP TABLE events",
        "ALTER TABLE events DROP COLUMN loss",
        "DROP TABLE folds",
        "DROP TABLE columns",
        "DROP TABLE runs",
    ],
)
def test_a_store_in_which_rows_do_not_fit(tmp_path: Path, change: str) -> None:
    """A store that another program changed too much is kept under another name, and made anew."""
    from xvc import Tracker

    store = tmp_path / "a.duckdb"
    with Tracker(store) as tracker:
        tracker.log({"loss": 1.5})
        assert len(tracker) == 1
    sql(store, change)
    with Tracker(store) as tracker:
        tracker.log({"loss": "n/a", "new": 1})
        found = tracker.to_df(all=True)["loss"].tolist()

    assert found == [1.5, "n/a"]
    assert len(list(tmp_path.glob("a.duckdb.kept-*"))) == 1


def test_a_table_of_the_users_own_with_that_name(tmp_path: Path) -> None:
    """Rows for a table that is somebody else's neither stop the store nor touch that table."""
    from xvc import Tracker

    store = tmp_path / "a.duckdb"
    with Tracker(store) as tracker:
        tracker.log({"loss": 1.5})
        assert len(tracker) == 1
    sql(store, "CREATE TABLE mine (x INT NOT NULL)", "INSERT INTO mine VALUES (7)")
    with Tracker(store, table="mine") as tracker:
        tracker.log({"y": 1})
        found = tracker.values("y")
    (aside,) = tmp_path.glob("a.duckdb.kept-*")

    assert found == [1]
    with duckdb.connect(str(aside), read_only=True) as connection:
        assert connection.execute("SELECT x FROM mine").fetchall() == [(7,)]


def test_a_column_of_the_users_own(tmp_path: Path) -> None:
    """A key whose column name another program has taken gets another column."""
    from xvc import Tracker

    store = tmp_path / "a.duckdb"
    with Tracker(store) as tracker:
        tracker.log({"loss": 1.5})
        assert len(tracker) == 1
    sql(store, "ALTER TABLE events ADD COLUMN verdict VARCHAR DEFAULT 'fine'")
    with Tracker(store) as tracker:
        tracker.log({"verdict": 3})

        assert tracker.values("verdict") == [3]
    with duckdb.connect(str(store), read_only=True) as connection:
        assert connection.execute("SELECT verdict FROM events").fetchall()[0] == ("fine",)


@pytest.fixture
def remote(project: Path, tmp_path: Path, call_xvc: Calling) -> Path:
    """Two versions pushed: git to a bare repository, DVC to a folder."""
    bare, store = tmp_path / "bare.git", tmp_path / "remote"
    subprocess.run(["git", "init", "-q", "--bare", bare], check=True)
    dvc(Path.cwd(), "remote", "add", "-q", "-d", "here", store)
    git(project, "commit", "-qam", "remote")
    git(project, "remote", "add", "origin", str(bare))
    for lr in ("0.1", "0.01"):
        call_xvc("run", "--tag", "minor", "--", "python", "train.py", "--lr", lr)
    dvc(Path.cwd(), "push", "-q", "--all-tags")
    git(project, "push", "-q", "origin", "main", "--tags")
    return bare


def clone(bare: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    subprocess.run(["git", "clone", "-q", bare, folder], check=True, capture_output=True)
    monkeypatch.chdir(folder)
    return folder


def test_a_fresh_clone_says_what_to_fetch(
    remote: Path, tmp_path: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its object a store is not shown as empty in silence; versions are listed."""
    clone(remote, tmp_path / "clone", monkeypatch)
    answer, versions = call_xvc("ls"), call_xvc("log")

    assert answer.code == 0
    assert f"dvc fetch {STORE}.dvc" in answer.err
    assert "e0.2.0" in versions.out
    assert "e0.1.0" in versions.out


def test_the_hint_of_a_fresh_clone_helps(
    remote: Path, tmp_path: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doing what the warning says brings the runs, and runs made before it are kept."""
    clone(remote, tmp_path / "clone", monkeypatch)
    ran = call_xvc("run", "--", "true")
    refused = call_xvc("tag", "minor")
    hint = f"dvc fetch {STORE}.dvc".split()
    subprocess.run(hint, check=True, capture_output=True)

    assert (ran.code, refused.code) == (0, 1)
    assert "dvc fetch" in refused.err
    assert len(listed(call_xvc)) == 3


def test_dvc_pull_brings_the_store_of_a_tag(
    remote: Path, tmp_path: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a second clone, plain git and DVC bring each version's store, and DVC calls it clean."""
    folder = clone(remote, tmp_path / "clone", monkeypatch)
    counts = []
    for version in ("e0.1.0", "e0.2.0"):
        git(folder, "checkout", "-q", version)
        dvc(Path.cwd(), "pull", "-q")
        with duckdb.connect(str(folder / STORE), read_only=True) as connection:
            counts.append(connection.execute("SELECT count(*) FROM runs").fetchone())
        status = dvc(Path.cwd(), "status")
        assert "up to date" in status
        assert len(listed(call_xvc)) == len(counts)
        status = dvc(Path.cwd(), "status")
        assert "up to date" in status

    assert counts == [(1,), (2,)]
    assert git(folder, "status", "--porcelain") == ""


def test_a_version_whose_store_is_elsewhere(tagged: Path, call_xvc: Calling) -> None:
    """Versions are compared whatever store the tree has: theirs is read from the cache."""
    git(tagged, "checkout", "-q", "e0.1.0~1")
    runs = listed(call_xvc)
    compared = call_xvc("compare", "e0.1.0", "e0.2.0", "--json")
    shown = call_xvc("show", "e0.2.0", "--json")

    assert runs == []
    assert compared.data["metrics"][0]["values"] == [0.95, 0.995]
    assert shown.data["metrics"] == {"accuracy": 0.995}


def test_a_version_that_is_nowhere(tagged: Path, call_xvc: Calling) -> None:
    """Without the object the answer names it and the fetch, and exits 1."""
    git(tagged, "checkout", "-q", "e0.1.0~1")
    for folder in (".dvc/cache", ".git/xvc/stores-kept"):
        shutil.rmtree(tagged / folder)
    answer = call_xvc("show", "e0.2.0", "--json")

    assert answer.code == 1
    assert answer.json["error"]["code"] == "no-object"
    assert "dvc fetch" in answer.json["error"]["hint"]


def test_git_clean_takes_no_run(tagged: Path, call_xvc: Calling) -> None:
    """Without any remote, `git clean -fdx` deletes store and cache; versions and runs stay."""
    call_xvc("run", "--", "true")
    before = listed(call_xvc)
    git(tagged, "clean", "-qfdx")
    after = listed(call_xvc)
    got = call_xvc("get", "e0.1.0", STORE, "-o", str(tagged.parent / "store"))
    next((tagged / ".dvc/cache/files/md5").glob("*/*")).unlink()
    mended = call_xvc("doctor")

    assert (len(after), got.code, mended.code) == (3, 0, 0)
    assert after == before
    assert "1 stores are in the cache again" in mended.out


def test_a_store_in_the_cache_is_never_written_through(tagged: Path, call_xvc: Calling) -> None:
    """A store that DVC linked into its cache is a file of its own before anything is folded."""
    store = tagged / STORE
    (object_,) = [
        path
        for path in (tagged / ".dvc/cache/files/md5").glob("*/*")
        if path.read_bytes() == store.read_bytes()
    ]
    before = object_.read_bytes()
    for link in (os.symlink, os.link):
        store.unlink()
        link(object_, store)
        call_xvc("run", "--", "true")
        assert store.stat().st_ino != object_.stat().st_ino
        assert not store.is_symlink()

    assert object_.read_bytes() == before
    assert len(listed(call_xvc)) == 4


def test_worktrees_have_their_own_stores(
    tagged: Path, tmp_path: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A linked worktree has its own commit's runs and its own unsaved ones, even if called main."""
    tree = tmp_path / "main"
    git(tagged, "worktree", "add", "-q", str(tree), "e0.1.0")
    call_xvc("run", "--", "true")
    here = listed(call_xvc)
    monkeypatch.chdir(tree)
    call_xvc("run", "--name", "there", "--", "true")
    there = listed(call_xvc)
    monkeypatch.chdir(tagged)

    assert len(here) == 3
    assert len(there) == 2
    assert set(here) & set(there) == {here[-1]}
    assert listed(call_xvc) == here


def test_two_projects_in_one_repository(
    project: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each xvc.yaml of a monorepo has a store and runs of its own."""
    for name in ("one", "two"):
        (project / name).mkdir()
        (project / name / "xvc.yaml").write_text(f"tag: {{prefix: {name}-}}\n")
    seen = {}
    for name in ("one", "two"):
        monkeypatch.chdir(project / name)
        call_xvc("run", "--name", name, "--", "true")
    for name in ("one", "two"):
        monkeypatch.chdir(project / name)
        seen[name] = [run["name"] for run in call_xvc("ls", "--json").data["runs"]]
    monkeypatch.chdir(project)

    assert seen == {"one": ["one"], "two": ["two"]}
    assert listed(call_xvc) == []
    assert (project / "one" / STORE).is_file()


def test_a_pointer_in_the_middle_of_a_merge(tagged: Path, call_xvc: Calling) -> None:
    """Marks of an unfinished merge are named, with the way out, and nothing is guessed."""
    pointer = tagged / f"{STORE}.dvc"
    text = pointer.read_text()
    pointer.write_text(f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> side\n")
    answer = call_xvc("ls", "--json")

    assert answer.code == 4
    assert answer.json["error"]["code"] == "unresolved"
    pointer.write_text(text)
    assert len(listed(call_xvc)) == 2


def test_a_store_with_a_log_beside_it_is_not_whole(tmp_path: Path) -> None:
    """What DuckDB could not write into the file when it closed it is never taken for all of it."""
    place = tmp_path / "store.duckdb"
    db.create(place)
    with db.writing(place) as connection:
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        connection.execute("INSERT INTO meta VALUES ('later', '1')")

    with pytest.raises(StoreFailed):
        db.refuse_log(place)


def test_what_a_killed_fold_has_left_goes(project: Path, call_xvc: Calling) -> None:
    """A half-made store of an hour ago is removed by the next fold; what may be written stays."""
    names = ("1.new", "1.new.wal", "2.new", "1.before")
    left = [project / "results" / f".experiments.duckdb.{name}" for name in names]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_text("half")
        os.utime(path, (0, 0) if ".1." in path.name else None)

    assert call_xvc("run", "--", "true").code == 0

    assert [path.exists() for path in left] == [False, False, True, True]


@pytest.mark.parametrize("name", ["cifar-corruptions", "checksum errors", "unexpected end"])
def test_the_name_of_a_folder_is_no_damage(tmp_path: Path, name: str) -> None:
    """A store that only cannot be opened is not taken for a rotten one, and set aside."""
    (tmp_path / name).mkdir()

    with pytest.raises(StoreFailed), db.reading(tmp_path / name / "s.duckdb"):
        pass
