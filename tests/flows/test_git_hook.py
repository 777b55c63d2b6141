"""The hook by which a store follows its pointer, whatever git does to the tree; putting and taking.

Nothing of xvc is called between what git does and the look at the store.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from surroundings import Calling, copied, dvc, forked, git, private_environment

STORE = "results/experiments.duckdb"
HOOK = "post-index-change"
FORMER = f"{HOOK}.before-xvc"
Step = tuple[str, ...]


@pytest.fixture(scope="session")
def _two_versions(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied(_template, tmp_path_factory.mktemp("branches") / "project")
    environment = private_environment(folder.parent / "home")
    run = ("xvc", "run", "--tag", "minor", "--", "python", "train.py", "--lr")
    assert forked(*run, "0.1", cwd=folder, env=environment).code == 0
    git(folder, "switch", "-qc", "side")
    assert forked(*run, "0.2", cwd=folder, env=environment).code == 0
    git(folder, "switch", "-q", "main")
    return folder


@pytest.fixture
def branches(
    _two_versions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call_xvc: Calling
) -> Path:
    """A project with a version on ``main`` and one more on ``side``; we are on ``main``."""
    folder = copied(_two_versions, tmp_path / "project")
    monkeypatch.chdir(folder)
    call_xvc("ls")  # it is at home in its new place
    return folder


def _held(tree: Path) -> str:
    return hashlib.md5((tree / STORE).read_bytes()).hexdigest()


def _named(tree: Path) -> str:
    text = (tree / f"{STORE}.dvc").read_text()
    return text.partition("md5: ")[2].partition("\n")[0]


def _is_clean(tree: Path) -> bool:
    return forked("dvc", "status", "-q", cwd=tree).code == 0


def _hook(tree: Path) -> Path:
    return tree / ".git" / "hooks" / HOOK


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([("checkout", "-q", "side")], id="checkout"),
        pytest.param([("checkout", "-q", "--detach", "side")], id="detached"),
        pytest.param([("merge", "-q", "--ff-only", "side")], id="merge"),
        pytest.param([("merge", "-q", "--no-ff", "-m", "both", "side")], id="merge-commit"),
        pytest.param([("rebase", "-q", "side")], id="rebase"),
        pytest.param([("pull", "-q", ".", "side")], id="pull"),
        pytest.param([("pull", "-q", "--rebase", ".", "side")], id="pull-rebase"),
        pytest.param([("reset", "-q", "--hard", "side")], id="reset"),
        pytest.param([("reset", "-q", "--keep", "side")], id="reset-keep"),
        pytest.param([("cherry-pick", "side")], id="cherry-pick"),
        pytest.param([("checkout", "side", "--", f"{STORE}.dvc")], id="one-path"),
        pytest.param(
            [("checkout", "side", "--", f"{STORE}.dvc"), ("stash", "-q"), ("stash", "pop", "-q")],
            id="stash",
        ),
    ],
)
def test_a_store_is_what_its_pointer_names_once_git_is_done(
    branches: Path, steps: list[Step]
) -> None:
    """Every way by which git brings another pointer brings its store, and back again."""
    before = _held(branches)

    for step in steps:
        git(branches, *step)

    there = _held(branches)
    assert there == _named(branches) != before
    git(branches, "reset", "-q", "--hard", "ORIG_HEAD" if _has_moved(branches) else "HEAD")
    git(branches, "switch", "-q", "-C", "main", "side~1")
    assert _held(branches) == _named(branches) == before


def _has_moved(tree: Path) -> bool:
    return (tree / ".git" / "ORIG_HEAD").exists()


def test_rows_of_no_version_stay_when_the_store_follows(branches: Path, call_xvc: Calling) -> None:
    """A run that nobody has tagged is in the store of either branch."""
    call_xvc("run", "--", "python", "train.py", "--lr", "0.7")

    git(branches, "switch", "-q", "side")

    found = call_xvc("ls", "--json").data["runs"]
    assert sorted(run["params"]["lr"] for run in found) == [0.1, 0.2, 0.7]


@pytest.mark.parametrize("way", ["as git writes it", "relative", "no last newline"])
def test_a_linked_tree_has_its_own_store_followed(
    branches: Path, call_xvc: Calling, way: str
) -> None:
    """In a linked work tree the hook keeps that tree's store, and leaves the main one alone."""
    call_xvc("worktree", "add", "idea")
    tree = next(p for p in branches.parent.iterdir() if p.is_dir() and p.name.endswith("idea"))
    mark = tree / ".git"
    if way == "relative":
        folder = os.path.relpath(git(tree, "rev-parse", "--absolute-git-dir"), tree)
        mark.write_text(f"gitdir: {folder}\n")
    elif way == "no last newline":
        mark.write_text(mark.read_text().rstrip("\n"))
    call_xvc("ls", cwd=tree)
    main = _held(branches)

    git(tree, "reset", "-q", "--hard", "side")

    assert _held(tree) == _named(tree) != main
    assert _held(branches) == main == _named(branches)


def test_a_project_in_a_folder_is_followed(
    branches: Path, tmp_path: Path, run_xvc: Calling
) -> None:
    """Of two projects in a repository each store follows its own pointer."""
    below = branches / "sub dir"
    below.mkdir()
    (below / "xvc.yaml").write_text("metrics: {files: [metrics.json]}\n")
    dvc(below, "init", "-q", "--subdir")
    run_xvc("init", cwd=below)
    git(branches, "add", "-A")
    git(branches, "commit", "-qm", "two projects")
    first = run_xvc("run", "--tag", "minor", "--", "true", cwd=below)
    before = _held(below)
    git(branches, "switch", "-qc", "more")
    second = run_xvc("run", "--tag", "minor", "--", "true", cwd=below)

    git(branches, "switch", "-q", "main")

    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert _held(below) == _named(below) == before


def test_a_hook_that_was_there_is_called_first_and_comes_back(
    branches: Path, call_xvc: Calling
) -> None:
    """The user's own hook works as before, with its arguments, and is left as it was."""
    hook = _hook(branches)
    hook.unlink()
    own = "#!/bin/sh\necho own $1 >> called\n"
    hook.write_text(own)
    hook.chmod(0o755)

    mended = call_xvc("doctor")
    git(branches, "switch", "-q", "side")
    called = (branches / "called").read_text()
    followed = _held(branches) == _named(branches)
    (branches / "called").unlink()
    with (branches / "xvc.yaml").open("a") as settings:
        settings.write("git:\n  hook: false\n")
    off = call_xvc("doctor")

    assert "git calls xvc now" in mended.out
    assert (called, followed) == ("own 1\n", True)
    assert "git no longer calls xvc" in off.out
    assert hook.read_text() == own
    assert not hook.with_name(FORMER).exists()


def test_a_hook_that_git_did_not_call_is_not_called_by_ours(
    branches: Path, call_xvc: Calling
) -> None:
    """A hook without the executable bit stays asleep."""
    hook = _hook(branches)
    hook.write_text("#!/bin/sh\ntouch called\n")
    hook.chmod(0o644)

    call_xvc("doctor")
    git(branches, "switch", "-q", "side")

    assert not (branches / "called").exists()
    assert _held(branches) == _named(branches)


def test_the_setting_keeps_the_hook_out(project: Path, call_xvc: Calling) -> None:
    """With ``git.hook: false`` init takes the hook away, and doctor says what that means."""
    with (project / "xvc.yaml").open("a") as settings:
        settings.write("git:\n  hook: false\n")

    call_xvc("init")
    told = call_xvc("doctor")

    assert not _hook(project).exists()
    assert "turned off by git.hook" in told.out


def test_a_folder_of_hooks_in_the_tree_gets_it_and_stays_clean(
    branches: Path, call_xvc: Calling
) -> None:
    """With ``core.hooksPath`` in the tree the hook is there, and git does not see it."""
    (branches / ".husky").mkdir()
    (branches / ".husky" / "pre-commit").write_text("#!/bin/sh\n")
    git(branches, "add", "-A")
    git(branches, "commit", "-qm", "hooks")
    git(branches, "config", "core.hooksPath", ".husky")

    call_xvc("doctor")
    git(branches, "reset", "-q", "--hard", "side")

    assert (branches / ".husky" / HOOK).is_file()
    assert git(branches, "status", "--porcelain") == ""
    assert _held(branches) == _named(branches)


@pytest.mark.parametrize("place", ["outside", "link"])
def test_a_folder_of_hooks_that_others_share_is_left_alone(
    branches: Path, tmp_path: Path, call_xvc: Calling, place: str
) -> None:
    """Hooks of all the user's repositories are not ours to write; doctor says what that costs."""
    shared = tmp_path / "hooks"
    shared.mkdir()
    (branches / "link").symlink_to(shared)
    git(branches, "config", "core.hooksPath", str(shared) if place == "outside" else "link")

    told = call_xvc("doctor")

    assert list(shared.iterdir()) == []
    assert "not this repository's alone" in told.out
    assert "at the next command of xvc" in told.out


def test_a_hook_that_git_tracks_is_left_alone(branches: Path, call_xvc: Calling) -> None:
    """A hook in the tree, under version control, is the user's text."""
    (branches / "hooks").mkdir()
    own = branches / "hooks" / HOOK
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    git(branches, "add", "-A")
    git(branches, "commit", "-qm", "hooks")
    git(branches, "config", "core.hooksPath", "hooks")

    told = call_xvc("doctor")

    assert "git tracks a hook" in told.out
    assert git(branches, "status", "--porcelain") == ""


def test_what_the_hook_cannot_do_costs_nothing_the_second_time(
    branches: Path, tmp_path: Path
) -> None:
    """A store that is in no cache is looked for once, in silence; git goes on as ever."""
    git(branches, "switch", "-q", "side")
    wanted = _named(branches)
    git(branches, "switch", "-q", "main")
    here = _held(branches)
    for place in [*branches.rglob(wanted[2:]), *branches.rglob(wanted)]:
        place.unlink()

    done = subprocess.run(
        ["git", "switch", "side"], cwd=branches, capture_output=True, text=True, check=False
    )
    count = _starts_of_python(branches, tmp_path, lambda: git(branches, "add", "-A"))

    assert (done.returncode, done.stderr) == (0, "Switched to branch 'side'\n")
    assert _held(branches) == here
    assert count == 0


def test_git_that_changes_no_pointer_starts_no_python(branches: Path, tmp_path: Path) -> None:
    """The guard is the shell's: adding, committing, switching within a store's time are cheap."""

    def work() -> None:
        (branches / "new.txt").write_text("new\n")
        git(branches, "add", "-A")
        git(branches, "commit", "-qm", "new")
        git(branches, "reset", "-q", "--hard", "HEAD~1")

    count = _starts_of_python(branches, tmp_path, work)

    assert count == 0


def test_the_guard_does_start_python_for_another_pointer(branches: Path, tmp_path: Path) -> None:
    """What counts the starts in these tests does count."""
    count = _starts_of_python(branches, tmp_path, lambda: git(branches, "switch", "-q", "side"))

    assert count == 1


def _starts_of_python(tree: Path, tmp_path: Path, work: Callable[[], object]) -> int:
    """Count how often the hook starts Python during *work*: another program stands in for it."""
    said, stand_in = tmp_path / "starts", tmp_path / "stand-in"
    stand_in.write_text(f"#!/bin/sh\necho 1 >> {said}\n")
    stand_in.chmod(0o755)
    hook = _hook(tree)
    lines = hook.read_text().splitlines(keepends=True)
    call = next(line for line in lines if "follow-pointer" in line)
    program = call.split("[ ! -x ")[1].split(" ]")[0]
    hook.write_text("".join(lines).replace(program, str(stand_in)))
    work()
    return len(said.read_text().splitlines()) if said.exists() else 0


def test_a_clone_has_no_hook_until_it_pulls(
    branches: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """Nothing in a repository installs it; who calls xvc in the clone does."""
    dvc(Path.cwd(), "remote", "add", "-d", "s", str(tmp_path / "s"))
    git(branches, "commit", "-qam", "remote")
    git(tmp_path, "clone", "-q", "--bare", str(branches), "hub.git")
    git(branches, "remote", "add", "origin", str(tmp_path / "hub.git"))
    pushed = call_xvc("push")
    git(tmp_path, "clone", "-q", str(tmp_path / "hub.git"), "clone")
    clone = tmp_path / "clone"
    before = _hook(clone).exists()

    pulled = call_xvc("pull", cwd=clone)
    git(clone, "switch", "-q", "side")

    assert (pushed.code, before, pulled.code) == (0, False, 0), pushed.err + pulled.err
    assert _hook(clone).exists()
    assert _held(clone) == _named(clone)
    assert _is_clean(clone)


def test_a_store_that_was_edited_is_set_aside_and_that_is_said(branches: Path) -> None:
    """An edit by hand is no reason to lose it, nor to be silent."""
    import duckdb

    with duckdb.connect(str(branches / STORE)) as connection:
        connection.execute("CREATE TABLE mine (a INTEGER)")

    done = subprocess.run(
        ["git", "switch", "side"], cwd=branches, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0
    assert "was set aside as" in done.stderr
    assert _held(branches) == _named(branches)


def test_without_xvc_the_hook_is_silent(branches: Path) -> None:
    """An environment that was removed leaves a hook that does nothing."""
    hook = _hook(branches)
    gone = hook.read_text().replace(" ] || ", "-gone ] || ")
    call = next(line for line in gone.splitlines() if "follow-pointer" in line)
    program = call.split("[ ! -x ")[1].split(" ]")[0]
    hook.write_text(gone.replace(f"|| {program.removesuffix('-gone')} -P", f"|| {program} -P"))

    done = subprocess.run(
        ["git", "switch", "side"], cwd=branches, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "Switched to branch 'side'\n")
