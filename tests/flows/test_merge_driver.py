"""git's own merging of branches whose stores both grew: clones, a bare remote, a DVC remote."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from surroundings import forked, private_environment, settle_in

POINTER = "results/experiments.duckdb.dvc"
ASSETS = "results/assets.dvc"
STORE = "results/experiments.duckdb"


@dataclass(frozen=True)
class Clone:
    """One person's clone, and what she types in it."""

    folder: Path

    def called(self, *words: str, code: int | None = 0) -> str:
        """Call git, xvc or DVC; *code* is the exit code it must have, None for any but 0."""
        environment = {**os.environ, "GIT_EDITOR": "true"}
        if words[0] == "git":
            done = subprocess.run(
                words, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
            )
            ended, told = done.returncode, done.stdout + done.stderr
        else:
            called = forked(*words, cwd=self.folder, env=environment)
            ended, told = called.code, called.out + called.err
        assert (ended != 0) if code is None else (ended == code), told
        return told

    def git(self, *words: str, code: int | None = 0) -> str:
        return self.called("git", *words, code=code)

    def xvc(self, *words: str, code: int | None = 0) -> str:
        return self.called("xvc", *words, code=code)

    def dvc(self, *words: str) -> str:
        return self.called("dvc", *words)

    def run(self, lr: str, *, bump: str = "minor") -> None:
        """Make a version of one run."""
        self.xvc("run", "--tag", bump, "--", "python", "train.py", "--lr", lr)

    def annotate(self, note: str) -> None:
        """Change the note of the first run by hand, and keep that in a version."""
        self.xvc("ls")  # knows the store as its own, so that the edit is one
        first = "(SELECT min_by(id, started) FROM runs)"
        with duckdb.connect(str(self.folder / STORE)) as connection:
            connection.execute(f"UPDATE runs SET note = ? WHERE id = {first}", [note])
        self.xvc("tag", "patch")

    def rates(self) -> list[str]:
        """List the learning rates of the runs in the store, as xvc lays it."""
        self.xvc("ls")
        with duckdb.connect(str(self.folder / STORE), read_only=True) as connection:
            found = connection.execute("SELECT command FROM runs").fetchall()
        return sorted(str(command).split("--lr")[-1].strip(" ',\"[]") for (command,) in found)

    def notes(self) -> set[str | None]:
        self.xvc("ls")
        with duckdb.connect(str(self.folder / STORE), read_only=True) as connection:
            return {note for (note,) in connection.execute("SELECT note FROM runs").fetchall()}

    def assert_clean(self) -> None:
        """git and DVC both call the tree clean."""
        assert self.git("status", "--porcelain") == ""
        assert "up to date" in self.dvc("status")

    @property
    def unmerged(self) -> str:
        return self.git("ls-files", "-u")


@contextmanager
def _at_home(folder: Path) -> Iterator[None]:
    """Have a home of one's own, where no test has one yet."""
    before = dict(os.environ)
    os.environ.update(private_environment(folder / "home"))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="session")
def _world(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ada and Bob, one common run, everything pushed; each has one run of her own, not pushed."""
    world = tmp_path_factory.mktemp("world")
    with _at_home(world):
        shutil.copytree(_template, world / "ada", symlinks=True)
        ada, bob = Clone(world / "ada"), Clone(world / "bob")
        (ada.folder / ".dvc" / "config.local").unlink()
        ada.xvc("init")
        Clone(world).git("init", "-q", "--bare", "hub.git")
        ada.dvc("remote", "add", "-q", "-d", "--local", "store", str(world / "objects"))
        ada.run("0.1")
        ada.git("remote", "add", "origin", "../hub.git")
        ada.git("push", "-q", "-u", "origin", "main", "--tags")
        ada.dvc("push", "-q")
        Clone(world).git("clone", "-q", "hub.git", "bob")
        bob.dvc("remote", "add", "-q", "-d", "--local", "store", str(world / "objects"))
        bob.xvc("init")
        bob.dvc("pull", "-q")
        ada.run("0.2")
        bob.run("0.3", bump="major")
    return world


def _people(world: Path, place: Path) -> tuple[Clone, Clone]:
    """Copy a world; returns Ada and Bob."""
    shutil.copytree(world, place, symlinks=True)
    for name in ("ada", "bob"):
        settle_in(place / name, world / name)
        config = place / name / ".dvc/config.local"
        config.write_text(config.read_text().replace(str(world), str(place)))
        Clone(place / name).git("remote", "set-url", "origin", str(place / "hub.git"))
    return Clone(place / "ada"), Clone(place / "bob")


@pytest.fixture
def people(_world: Path, tmp_path: Path) -> tuple[Clone, Clone]:
    """Ada and Bob; both have a run that the other has not."""
    return _people(_world, tmp_path / "world")


@pytest.fixture(scope="session")
def _met(_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("met") / "world"
    with _at_home(place.parent):
        ada, bob = _people(_world, place)
        shared(ada)
        fetched(bob)
    return place


@pytest.fixture
def met(_met: Path, tmp_path: Path) -> tuple[Clone, Clone]:
    """Ada and Bob; both have a run that the other has not, and Bob has fetched hers."""
    return _people(_met, tmp_path / "world")


@pytest.fixture(scope="session")
def _disputed(_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("disputed") / "world"
    with _at_home(place.parent):
        ada, bob = _people(_world, place)
        ada.annotate("theirs")
        bob.annotate("ours")
        shared(ada)
        fetched(bob)
    return place


@pytest.fixture
def disputed(_disputed: Path, tmp_path: Path) -> Clone:
    """Bob, who says `ours` of the common run; he has fetched what Ada says: `theirs`."""
    return _people(_disputed, tmp_path / "world")[1]


def shared(one: Clone) -> None:
    one.git("push", "-q", "origin", "main")
    one.dvc("push", "-q")


def fetched(other: Clone) -> None:
    other.git("fetch", "-q")
    other.dvc("fetch", "-q", "--all-commits")


@pytest.mark.parametrize("way", [["--no-rebase", "--no-edit"], ["--rebase"]])
def test_a_pull_brings_both_sides(met: tuple[Clone, Clone], way: list[str]) -> None:
    """After `git pull` all three runs are in the store, and every version shows its own run."""
    _, bob = met
    bob.git("pull", "-q", *way)

    assert bob.rates() == ["0.1", "0.2", "0.3"]
    bob.assert_clean()
    assert "0.3" in bob.xvc("show", "e1.0.0")


def test_the_two_stay_together(met: tuple[Clone, Clone]) -> None:
    """What Bob merged comes back to Ada, who adds a run meanwhile; both end with all four."""
    ada, bob = met
    bob.git("pull", "-q", "--no-rebase", "--no-edit")
    shared(bob)
    ada.run("0.4")
    fetched(ada)
    ada.git("pull", "-q", "--no-rebase", "--no-edit")
    shared(ada)
    bob.git("pull", "-q")
    bob.dvc("pull", "-q")

    assert ada.rates() == bob.rates() == ["0.1", "0.2", "0.3", "0.4"]
    bob.assert_clean()


def test_a_store_that_was_not_fetched(people: tuple[Clone, Clone]) -> None:
    """git stops, says what to fetch, nothing is changed; fetched, the merge goes on."""
    ada, bob = people
    shared(ada)
    before = (bob.folder / POINTER).read_bytes()
    told = bob.git("pull", "-q", "--no-rebase", "--no-edit", code=None)
    stopped = bob.unmerged, (bob.folder / POINTER).read_bytes()
    early = bob.xvc("merge", "--continue", code=None)
    bob.dvc("fetch", "-q", "--all-commits", POINTER)
    bob.xvc("merge", "--continue")
    bob.git("commit", "-q", "--no-edit")

    assert f"dvc fetch --all-commits {POINTER}" in told
    assert (POINTER in stopped[0], stopped[1]) == (True, before)
    assert f"dvc fetch --all-commits {POINTER}" in early
    assert bob.rates() == ["0.1", "0.2", "0.3"]
    bob.assert_clean()


@pytest.mark.parametrize("side", [pytest.param("ours", marks=pytest.mark.sweep), "theirs"])
def test_a_conflict_is_gits_usual_stop(disputed: Clone, side: str) -> None:
    """git stops with the pointer unmerged; xvc lists, decides, hands back; git commits."""
    told = disputed.git("pull", "-q", "--no-rebase", "--no-edit", code=1)
    waiting = disputed.unmerged
    listing = disputed.xvc("merge", "--conflicts", "--csv")
    disputed.xvc("merge", f"--{side}")
    disputed.xvc("merge", "--continue")
    handed = disputed.unmerged
    disputed.git("commit", "-q", "--no-edit")

    assert "xvc merge --conflicts" in told
    assert (POINTER in waiting, handed) == (True, "")
    assert "note" in listing
    assert disputed.rates() == ["0.1", "0.2", "0.3"]
    assert disputed.notes() == {None, side}
    disputed.assert_clean()


def test_a_conflict_in_a_rebase(disputed: Clone) -> None:
    """`git rebase` stops at the commit in dispute and goes on to the end after the decision.

    git calls what is being rebased theirs.
    """
    disputed.git("pull", "-q", "--rebase", code=1)
    disputed.xvc("merge", "--theirs")
    disputed.xvc("merge", "--continue")
    disputed.git("rebase", "--continue")

    assert disputed.rates() == ["0.1", "0.2", "0.3"]
    assert "ours" in disputed.notes()
    disputed.assert_clean()


def test_a_merge_that_is_given_up(disputed: Clone) -> None:
    """`git merge --abort` and `xvc merge --abort` leave both as before; again, git asks again."""
    before = disputed.rates(), (disputed.folder / POINTER).read_bytes()
    disputed.git("merge", "-q", "origin/main", code=1)
    disputed.xvc("merge", "--abort")
    disputed.git("merge", "--abort")
    after = disputed.rates(), (disputed.folder / POINTER).read_bytes()
    disputed.git("merge", "-q", "origin/main", code=1)

    assert after == before
    assert "note" in disputed.xvc("merge", "--conflicts", "--csv")


def test_a_version_is_picked(met: tuple[Clone, Clone]) -> None:
    """`git cherry-pick` of a version brings its store's rows."""
    _, bob = met
    bob.git("cherry-pick", "origin/main")

    assert bob.rates() == ["0.1", "0.2", "0.3"]
    bob.assert_clean()


def test_runs_that_no_version_holds_stay(met: tuple[Clone, Clone]) -> None:
    """An unsaved run, and the store's file lost meanwhile, are no matter to the merge."""
    _, bob = met
    bob.xvc("run", "--", "python", "train.py", "--lr", "0.9")
    (bob.folder / STORE).unlink()
    bob.git("pull", "-q", "--no-rebase", "--no-edit")

    assert bob.rates() == ["0.1", "0.2", "0.3", "0.9"]


def test_branches_that_cross(met: tuple[Clone, Clone]) -> None:
    """Two merges of the same sides in both directions, then of each other: git merges ancestors."""
    _, bob = met
    bob.git("branch", "other", "origin/main")
    bob.git("merge", "-q", "--no-edit", "origin/main")
    bob.git("checkout", "-q", "other")
    bob.git("merge", "-q", "--no-edit", "main@{1}")
    bob.run("0.5")
    bob.git("checkout", "-q", "main")
    bob.run("0.6")
    bob.git("merge", "-q", "--no-edit", "other")

    assert bob.rates() == ["0.1", "0.2", "0.3", "0.5", "0.6"]
    bob.assert_clean()


def test_a_clone_without_the_driver(met: tuple[Clone, Clone]) -> None:
    """Where nobody called `xvc init`, the refusal names what makes it right, and that works."""
    _, bob = met
    bob.git("config", "--remove-section", "merge.xvc")
    bob.git("pull", "-q", "--no-rebase", "--no-edit", code=1)
    told = bob.xvc("ls", code=4)
    bob.xvc("doctor", code=None)
    bob.git("checkout", "-m", POINTER)
    bob.git("add", POINTER)
    bob.git("commit", "-q", "--no-edit")

    assert f"git checkout -m {POINTER}" in told
    assert bob.rates() == ["0.1", "0.2", "0.3"]


@pytest.mark.parametrize("way", ["one side", "squashed"])
def test_a_merge_that_took_one_side_is_noticed_and_mended(
    people: tuple[Clone, Clone], way: str
) -> None:
    """A version whose run the store lacks is named by whatever asks, and one command brings it."""
    ada, bob = people
    ada.git("push", "-q", "origin", "e0.2.0")
    if way == "one side":
        shared(ada)
    ada.dvc("push", "-q", "--all-tags")
    bob.git("fetch", "-q", "--tags")
    bob.dvc("fetch", "-q", "--all-tags")
    if way == "one side":
        bob.git("merge", "-q", "-s", "ours", "--no-edit", "origin/main")
    lacking = json.loads(bob.xvc("status", "--json"))["data"]["missing"]
    told = [bob.xvc(*words) for words in (["brief"], ["show", "best:accuracy"])]
    doctor = bob.xvc("doctor", code=None)
    bob.xvc("merge", "--missing")
    after = json.loads(bob.xvc("status", "--json"))["data"]["missing"]

    assert (lacking, after) == (["e0.2.0"], [])
    assert all("`xvc merge --missing` brings" in each for each in (*told, doctor))
    assert bob.rates() == ["0.1", "0.2", "0.3"]


@pytest.fixture(scope="session")
def parted(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project without the driver, whose main has a run (e0.4.0) and changed train.py at its top.

    Branch `side` changed its end in two steps and made e0.2.0; `bare` made e0.3.0 of the same code.
    """
    folder = tmp_path_factory.mktemp("parted") / "alone"
    with _at_home(folder.parent):
        shutil.copytree(_template, folder, symlinks=True)
        settle_in(folder, _template)
        alone, train = Clone(folder), folder / "train.py"
        alone.git("config", "--remove-section", "merge.xvc")
        alone.run("0.1")
        alone.git("switch", "-q", "-c", "side")
        for end in ("# near the end\n", "# at the end\n"):
            train.write_text(train.read_text() + end)
            alone.git("commit", "-q", "-a", "-m", "the end")
        alone.run("0.2")
        alone.git("switch", "-q", "-c", "bare", "main")
        alone.run("0.3")
        alone.git("switch", "-q", "main")
        train.write_text("# at the top\n" + train.read_text())
        alone.git("commit", "-q", "-a", "-m", "the top")
        alone.run("0.4")
    return folder


OURS = (f"checkout -q --ours {POINTER}", f"add {POINTER}")
SQUASHED = ("!merge -q --squash side", *OURS, "commit -q -m squashed")
REBASED = ("branch copy side", "!rebase -q main copy", "rebase --skip", "switch -q main")
FORMS = {
    "unmerged": ((), ""),
    "reached": (("merge -q -s ours -m one side",), "e0.2.0"),
    "half of it": (("cherry-pick side~2",), ""),
    "octopus": (("merge -q -s ours -m both side bare",), "e0.2.0 e0.3.0"),
    "squash": (SQUASHED, "e0.2.0"),
    "squash alone": ((*SQUASHED, "branch -q -D side"), "e0.2.0"),
    "rebase": ((*REBASED, "merge -q --ff-only copy", "branch -q -D copy"), "e0.2.0"),
    "pick": (("cherry-pick side~3..side~1",), "e0.2.0"),
    "its store": ((f"checkout -q bare {POINTER}", "commit -qm it", "revert --no-edit @"), "e0.3.0"),
    "by hand": ((*SQUASHED[:-1], "rm -q -f train.py", "commit -q --no-edit"), "e0.2.0"),
    "named alone": (("rm -q train.py", "commit -q -F .git/refs/heads/side"), ""),
    "named as picked": (("rm -q train.py", "commit -q -F .git/picked"), "e0.2.0"),
    "of another, squash": ((*SQUASHED, "branch -q -D side"), "e0.2.0"),
    "of another, not shared": (("checkout -qb early e0.1.0", "branch -q -D side main"), ""),
    "of another, same code": (("branch -q -D bare",), "e0.3.0"),
}
"""What is done with git on main, where `!` marks a stop, and whose runs its store then lacks."""


@pytest.mark.parametrize("form", FORMS)
def test_a_change_that_came_without_its_commits(parted: Path, tmp_path: Path, form: str) -> None:
    """A version counts as merged if its change was; its run is brought, and nothing is missing."""
    calls, lacking = FORMS[form]
    alone = Clone(tmp_path / "alone")
    shutil.copytree(parted, alone.folder, symlinks=True)
    settle_in(alone.folder, parted)
    if form.startswith("of another"):  # as cloned, where runs were made elsewhere
        shutil.rmtree(alone.folder / ".git" / "refs" / "xvc")
    side = alone.git("rev-parse", "side").strip()
    (alone.folder / ".git/picked").write_text(f"it\n\n(cherry picked from commit {side})\n")
    for call in calls:
        alone.git(*call.lstrip("!").split(), code=1 if call.startswith("!") else 0)
    before = json.loads(alone.xvc("status", "--json"))["data"]["missing"]
    told = alone.xvc("merge", "--missing") if lacking else ""
    after = json.loads(alone.xvc("status", "--json"))["data"]["missing"] if lacking else []

    assert (before, after) == (lacking.split(), [])
    assert all(name in told for name in lacking.split())


def test_a_version_of_another_branch_is_not_missing(people: tuple[Clone, Clone]) -> None:
    """The runs of a branch that is not merged yet come with it: nothing is said of them."""
    ada, bob = people
    shared(ada)
    ada.git("push", "-q", "origin", "e0.2.0")
    fetched(bob)

    assert json.loads(bob.xvc("status", "--json"))["data"]["missing"] == []


def test_assets_of_both_sides(people: tuple[Clone, Clone]) -> None:
    """Each side's run kept an object; after the merge the list has both, and DVC brings them."""
    ada, bob = people
    program = "from xvc import Tracker; Tracker().log({'thing': range(%d)})"
    for one, value in ((ada, 1), (bob, 2)):
        one.xvc("run", "--tag", "patch", "--", "python", "-c", program % value)
    shared(ada)
    told = bob.git("pull", "-q", "--no-rebase", "--no-edit", code=1)
    bob.dvc("fetch", "-q", "--all-commits")
    bob.git("checkout", "-m", ASSETS)
    bob.git("add", ASSETS)
    bob.xvc("merge", "--continue")
    bob.git("commit", "-q", "--no-edit")
    bob.dvc("checkout", "-q", ASSETS)

    assert f"dvc fetch --all-commits {ASSETS}" in told
    assert len(bob.rates()) == 5
    assert len(list((bob.folder / "results/assets").glob("??/*"))) == 2
    bob.assert_clean()


def test_a_merge_of_xvcs_own_stays(disputed: Clone) -> None:
    """While `xvc merge` waits for decisions, git's stop does not take the place of its note."""
    disputed.xvc("merge", "origin/main", code=4)
    before = disputed.xvc("merge", "--conflicts", "--json")
    told = disputed.git("merge", "-q", "origin/main", code=1)
    after = disputed.xvc("merge", "--conflicts", "--json")

    assert "merge-unfinished" in told
    assert after == before


def test_what_git_gave_up_is_in_nobodys_way(disputed: Clone) -> None:
    """After `git merge --abort`, `xvc merge` begins anew; before, it is refused."""
    disputed.git("merge", "-q", "origin/main", code=1)
    refused = disputed.xvc("merge", "origin/main", code=4)
    disputed.git("merge", "--abort")
    begun = disputed.xvc("merge", "origin/main", code=4)

    assert ("merge-unfinished" in refused, "merge-unfinished" in begun) == (True, False)


KILLED = """
import os, sys
step, done = int(sys.argv[1]), 0
def dying(call):
    def called(*given, **named):
        global done
        done += 1
        if done == step:
            os.kill(os.getpid(), 9)
        return call(*given, **named)
    return called
for name in ("replace", "unlink", "write", "ftruncate"):
    setattr(os, name, dying(getattr(os, name)))
from xvc.cli.app import call
sys.exit(call(["merge-driver", *sys.argv[2:]]))
"""


@pytest.mark.parametrize("apart", [2, pytest.param(1, marks=pytest.mark.sweep)])
def test_killed_anywhere_git_has_ours_or_the_merge(
    met: tuple[Clone, Clone], tmp_path: Path, apart: int
) -> None:
    """Whatever the moment, the pointer is ours or one whose store is whole; again, it is merged."""
    _, bob = met
    (tmp_path / "killed.py").write_text(KILLED)
    usual = bob.git("config", "merge.xvc.driver").strip()
    ours, found, kills = (bob.folder / POINTER).read_bytes(), set(), 0
    for step in range(1, 60, apart):
        program = f"{sys.executable} {tmp_path / 'killed.py'} {step} %O %A %B %P %L"
        bob.git("config", "merge.xvc.driver", program)
        done = subprocess.run(
            ["git", "merge", "-q", "--no-edit", "origin/main"], cwd=bob.folder, capture_output=True
        )
        if done.returncode == 0:
            break
        kills += 1
        pointer = (bob.folder / POINTER).read_bytes()
        found.add(pointer == ours or bob.xvc("ls").count("finished") == 3)
        bob.git("reset", "-q", "--hard")
    bob.git("config", "merge.xvc.driver", usual)

    assert (found, kills > 3) == ({True}, True)
    assert bob.rates() == ["0.1", "0.2", "0.3"]
    bob.assert_clean()


def test_an_environment_that_moved(people: tuple[Clone, Clone]) -> None:
    """`xvc init` writes the command anew, and only then says so."""
    _, bob = people
    bob.git("config", "merge.xvc.driver", "/gone/python -m xvc merge-driver %O %A %B %P")
    first, second = bob.xvc("init"), bob.xvc("init")

    assert ("merge driver" in first, "merge driver" in second) == (True, False)
    assert sys.executable in bob.git("config", "merge.xvc.driver")
    assert "merge.xvc" not in bob.git("config", "--global", "--list")


@pytest.mark.parametrize("is_git", [True, False], ids=["git", "xvc"])
def test_newest_is_the_later_store_whoever_merges(
    project: Path, monkeypatch: pytest.MonkeyPatch, *, is_git: bool
) -> None:
    """The later value is taken, and a later commit that has nothing to do with it is none."""
    alone = Clone(project)
    alone.run("0.1")
    alone.git("branch", "side")
    first, second = ("main", "side") if is_git else ("side", "main")
    for day, branch, note in ((1, first, "older"), (2, second, "newer")):
        alone.git("checkout", "-q", branch)
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"2030-01-0{day}T00:00:00Z")
        alone.annotate(note)
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2030-01-03T00:00:00Z")
    alone.git("checkout", "-q", first)
    alone.git("commit", "-q", "--allow-empty", "-m", "unrelated")
    alone.git("checkout", "-q", "main")
    if is_git:
        alone.git("merge", "--no-edit", "side", code=None)
    else:
        alone.xvc("merge", "side", code=4)
    alone.xvc("merge", "--newest")
    alone.xvc("merge", "--continue")

    assert alone.notes() == {"newer"}
