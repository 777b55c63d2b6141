"""Full disks and read-only trees: the command goes on, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from faulty import NOBODY, PYTHON, Repo, check_git, check_rows, check_versions, copy_repo
from forked import Fault, Outcome

_MEETS_LIMIT = """
import os, resource, sys
from pathlib import Path
from xvc import Tracker
from xvc.errors import JournalFailed

spare = int(sys.argv[1])
acks = os.open(os.environ["ACKS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
refused = []
tracker = Tracker()

def log(mark):
    for step in range(12):
        token = f"{mark}-{step}"
        try:
            tracker.log({"token": token, "step": step, "text": "x" * 100})
        except JournalFailed:
            refused.append(token)
        else:
            os.write(acks, f"{token}\\n".encode())

log("before")
(journal,) = Path(".git/xvc/journals/main").glob("*.jsonl")
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (journal.stat().st_size + spare, hard))
os.dup2(os.open(os.environ["ACKS"] + "2", os.O_WRONLY | os.O_CREAT | os.O_APPEND), acks)
log("during")
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
log("after")
tracker.close()
print(" ".join(refused))
"""


@pytest.mark.parametrize("spare", [0, 1, 150, 333, 700])
def test_a_row_that_meets_a_full_disk_is_refused_whole(repo: Repo, spare: int) -> None:
    """``log`` raises, half a row is never read, and rows go on when there is room again."""
    script = repo.write("fill.py", _MEETS_LIMIT)

    ended = repo.start(str(script), str(spare)).wait()

    assert ended.code == 0, ended.said
    refused = set(ended.out.split())
    assert refused
    found = repo.tokens()
    assert not refused & set(found)
    later = Path(str(repo.aside / "acks") + "2").read_text().split()
    check_rows(repo, found, also=later)
    assert sum(token.startswith("after") for token in found) == 12


@pytest.fixture
def small_disk(template: Repo, tmp_path: Path) -> Iterator[Repo]:
    """A repository on a file system of its own, which can be filled."""
    place = tmp_path / "disk"
    place.mkdir()
    called = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "xvc-small", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if called.returncode != 0:
        pytest.skip(f"cannot mount a small file system here: {called.stderr.strip()}")
    try:
        yield copy_repo(template, place)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _fill(repo: Repo) -> Path:
    filler = repo.root.parent / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return filler


@pytest.mark.parametrize("temporary_too", [False, True])
def test_a_full_disk_does_not_stop_the_command(
    small_disk: Repo, tmp_path: Path, temporary_too: bool
) -> None:
    """The command runs, its own code comes back, and a warning says what could not be kept."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    temporary = small_disk.aside / "tmp" if temporary_too else elsewhere
    acks = {"ACKS": str(elsewhere / "acks"), "TMPDIR": str(temporary)}
    assert small_disk.run_logging("before", more=acks).code == 0
    filler = _fill(small_disk)

    full = small_disk.xvc("run", "--", "sh", "-c", "echo out; exit 7", more=acks)

    assert full.code == 7, full.said
    assert full.out == "out\n"
    assert "warning" in full.err
    filler.unlink()
    assert small_disk.run_logging("after", more=acks).code == 0
    small_disk.ran("tag", more=acks)
    found = small_disk.tokens()
    check_rows(small_disk, found, also=(elsewhere / "acks").read_text().split())
    assert len(found) == 6
    check_git(small_disk)
    check_versions(small_disk)


def test_a_disk_that_fills_during_a_run_keeps_what_was_acknowledged(
    small_disk: Repo, tmp_path: Path
) -> None:
    """Rows logged before the disk was full are there when it has room again."""
    acks = {"ACKS": str(tmp_path / "acks")}
    filler = small_disk.root.parent / "filler"
    script = f"{PYTHON} log_rows.py kept 4; cat /dev/zero > {filler}; exit 3"

    full = small_disk.xvc("run", "--", "sh", "-c", script, more=acks)
    listed = small_disk.xvc("ls", more={**acks, "TMPDIR": str(tmp_path)})

    assert full.code == 3, full.said
    assert listed.code == 0, listed.said
    filler.unlink()
    found = small_disk.tokens()
    check_rows(small_disk, found, also=(tmp_path / "acks").read_text().split())
    assert len(found) == 4


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that every user can enter: pytest's own are for one only."""
    place = Path(tempfile.mkdtemp(prefix="xvc-faults-"))
    place.chmod(0o755)
    yield place
    subprocess.run(["chmod", "-R", "u+w", str(place)], check=False)
    shutil.rmtree(place)


class Sealed:
    """A project with a version, in a tree that can be made read-only: by a mount or by modes."""

    def __init__(self, repo: Repo, kind: str) -> None:
        self.repo, self._kind = repo, kind
        self.user = NOBODY if kind == "modes" and os.getuid() == 0 else None
        repo.extra["ACKS"] = str(repo.aside / "acks-sealed")
        if kind == "mount":
            self._mount("--bind", str(repo.root))
        elif self.user is not None:
            owner = f"{self.user}:{self.user}"
            subprocess.run(["chown", "-R", owner, str(repo.root.parent)], check=True)

    def _mount(self, *words: str) -> None:
        called = subprocess.run(
            ["mount", *words, str(self.repo.root)], capture_output=True, text=True, check=False
        )
        if called.returncode != 0:
            pytest.skip(f"cannot mount here: {called.stderr.strip()}")

    def seal(self, is_sealed: bool) -> None:
        if self._kind == "mount":
            self._mount("-o", f"remount,bind,{'ro' if is_sealed else 'rw'}")
        else:
            mode = "a-w" if is_sealed else "u+w"
            subprocess.run(["chmod", "-R", mode, str(self.repo.root)], check=True)

    def unmount(self) -> None:
        if self._kind == "mount":
            subprocess.run(["umount", "-l", str(self.repo.root)], check=False)

    def xvc(self, *words: str) -> Outcome:
        return self.repo.xvc(*words, user=self.user)


@pytest.fixture(params=["mount", "modes"])
def sealed(
    tagged_template: Repo, open_place: Path, request: pytest.FixtureRequest
) -> Iterator[Sealed]:
    """A sealed project; as root by a mount, else (and for root as another user) by modes."""
    sealed = Sealed(copy_repo(tagged_template, open_place), request.param)
    try:
        sealed.seal(True)
        yield sealed
    finally:
        sealed.unmount()


def test_a_run_in_a_read_only_tree_is_kept_elsewhere(sealed: Sealed) -> None:
    """The command runs, and the next one that can write brings the run into the store."""
    repo = sealed.repo
    words = repo.logging("elsewhere") if sealed.user is None else ["echo", "here"]

    ended = sealed.xvc("run", "--", *words)

    assert ended.code == 0, ended.said
    kept = list((repo.aside / "tmp").glob("xvc-*/*/*.jsonl"))
    assert len(kept) == (2 if words[0] == PYTHON else 1), ended.said  # the run's, its script's
    assert str(kept[0].parent) in ended.err
    sealed.seal(False)
    listed = sealed.xvc("ls", "--json")
    assert listed.data["total"] == 2, listed.said
    assert listed.data["runs"][0]["status"] == "finished"
    assert not list((repo.aside / "tmp").iterdir())
    check_rows(repo, repo.seen())


def test_a_fallback_folder_that_another_user_made_is_not_used(sealed: Sealed) -> None:
    """Nobody can slip runs in, or read them, by making the folder first: it is not recorded."""
    if os.getuid() != 0:
        pytest.skip("needs a folder of another user, so it needs root")
    user = os.getuid() if sealed.user is None else sealed.user
    planted = sealed.repo.aside / "tmp" / f"xvc-{user}"
    planted.mkdir()
    os.chown(planted, 12345, 12345)
    planted.chmod(0o777)

    ended = sealed.xvc("run", "--", "sh", "-c", "exit 3")

    assert ended.code == 3, ended.said
    assert "not recorded" in ended.err
    assert not list(planted.iterdir())


def test_a_command_runs_when_nothing_at_all_can_be_written(repo: Repo) -> None:
    """Neither the project nor the temporary folder takes a byte: the code still comes back."""
    words = [PYTHON, "-m", "xvc", "run", "--", "sh", "-c", "echo out; exit 9"]
    ended = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *words],
        cwd=repo.root,
        env=repo.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 9, ended.stderr
    assert ended.stdout == "out\n"
    assert "not recorded" in ended.stderr
    assert repo.run_logging("later").code == 0
    check_rows(repo, repo.tokens())


def test_a_read_only_tree_can_be_read(sealed: Sealed) -> None:
    """Looking needs no leave to write."""
    answers = [sealed.xvc(*words) for words in (["ls"], ["log"], ["show", "e0.1.0"], ["status"])]

    assert [answer.code for answer in answers] == [0, 0, 0, 0], [a.said for a in answers]


def test_waiting_journals_of_a_read_only_tree_are_seen(sealed: Sealed) -> None:
    """Rows that cannot be folded now are shown all the same, and folded later."""
    sealed.seal(False)
    script = str(sealed.repo.root / "log_rows.py")
    waiting = sealed.repo.start(script, "waiting", "3", user=sealed.user).wait()
    sealed.seal(True)

    listed = sealed.xvc("ls", "--json")

    assert waiting.code == 0, waiting.said
    assert listed.code == 0, listed.said
    assert listed.data["total"] == 2
    sealed.seal(False)
    assert sealed.xvc("ls").code == 0
    check_rows(sealed.repo, sealed.repo.seen())


def test_looking_at_a_read_only_tree_leaves_no_litter(sealed: Sealed) -> None:
    """A lost run in a tree that cannot be written does not fill the temporary folder."""
    sealed.seal(False)
    script = sealed.repo.aside / "lost.py"
    script.write_text("import os\nfrom xvc import Tracker\nTracker().log({'a': 1})\nos._exit(9)\n")
    sealed.repo.start(str(script), user=sealed.user).wait()
    sealed.seal(True)

    codes = [sealed.xvc("ls").code for _ in range(3)]

    assert codes == [0, 0, 0]
    assert list((sealed.repo.aside / "tmp").iterdir()) == []


def test_a_program_that_may_not_be_run_is_named(repo: Repo, open_place: Path) -> None:
    """A program in a folder that may not be entered is answered like a shell does: 126."""
    if os.getuid() != 0:
        pytest.skip("needs a folder of another user, so it needs root")
    repo = copy_repo(repo, open_place)
    subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(repo.root.parent)], check=True)
    closed = open_place / "closed"
    closed.mkdir(mode=0o700)
    (closed / "tool").write_text("#!/bin/sh\n")

    ended = repo.xvc("run", "--", str(closed / "tool"), user=NOBODY)

    assert ended.code == 126, ended.said
    assert "Permission denied" in ended.err


@pytest.mark.parametrize("at", [4, 9, 19, 29])
def test_code_that_could_not_be_kept_is_in_no_version(
    tagged: Repo, injector: Path, at: int
) -> None:
    """A changed tree whose snapshot failed: the run is kept, and no version names other code."""
    tagged.write("params.yaml", "lr: 0.2\nmodel: ridge\n")
    head = tagged.git("rev-parse", "HEAD")

    words = ("xvc", "run", "--tag", "patch", "--", *tagged.logging("swept"))
    ended = tagged.start(*words, fault=Fault(at, "28", group=False)).wait()

    assert ended.code == (4 if tagged.tags() == ["e0.1.0"] else 0), ended.said
    assert tagged.git("rev-parse", "HEAD") == head
    if tagged.tags() == ["e0.1.0"]:
        assert "no version was made" in ended.err, ended.said
    else:  # the call that failed was one that the snapshot can do without
        assert tagged.git("show", "e0.1.1:params.yaml") == "lr: 0.2\nmodel: ridge"
    check_rows(tagged, tagged.tokens())
