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


@pytest.fixture
def read_only(tagged_template: Repo, open_place: Path) -> Repo:
    """A project with a version whose files nobody may write, and a user who is not root."""
    repo = copy_repo(tagged_template, open_place)
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(open_place)], check=True)
    repo.extra["ACKS"] = str(repo.aside / "acks-read-only")
    _allow(repo, write=False)
    return repo


def _allow(repo: Repo, *, write: bool) -> None:
    subprocess.run(["chmod", "-R", "u+w" if write else "a-w", str(repo.root)], check=True)


def _user() -> int | None:
    return NOBODY if os.getuid() == 0 else None


def test_a_run_in_a_read_only_tree_is_kept_elsewhere(read_only: Repo) -> None:
    """The command runs, and the files that the warning names bring the run into the store."""
    script = read_only.aside / "log_rows.py"
    shutil.copy(read_only.root / "log_rows.py", script)

    words = ("run", "--", PYTHON, str(script), "elsewhere", "3")
    ended = read_only.xvc(*words, user=_user())

    assert ended.code == 0, ended.said
    assert "warning" in ended.err
    kept = list((read_only.aside / "tmp").glob("xvc-journal-*/*.jsonl"))
    assert len(kept) == 2  # the run's, and its script's
    folder = kept[0].parent
    assert str(folder) in ended.err
    _allow(read_only, write=True)
    for path in kept:
        path.rename(read_only.room / "journals" / "main" / path.name)
    assert read_only.xvc("ls", user=_user()).code == 0
    found = read_only.seen()
    assert {f"elsewhere-{step}" for step in range(3)} <= set(found)
    check_rows(read_only, found)


def test_a_read_only_tree_can_be_listed(read_only: Repo) -> None:
    """Looking needs no leave to write, whether journals wait or not."""
    answers = [
        read_only.xvc(*words, user=_user())
        for words in (["ls"], ["log"], ["show", "e0.1.0"], ["status"])
    ]

    assert [answer.code for answer in answers] == [0, 0, 0, 0], [a.said for a in answers]


def test_waiting_journals_of_a_read_only_tree_are_seen(read_only: Repo) -> None:
    """Rows that cannot be folded now are shown all the same, and folded later."""
    _allow(read_only, write=True)
    script = str(read_only.root / "log_rows.py")
    waiting = read_only.start(script, "waiting", "3", user=_user()).wait()
    _allow(read_only, write=False)

    listed = read_only.xvc("ls", user=_user())

    assert waiting.code == 0, waiting.said
    assert listed.code == 0, listed.said
    assert len(listed.out.splitlines()) == 3  # a heading and two runs
    _allow(read_only, write=True)
    assert read_only.xvc("ls", user=_user()).code == 0
    check_rows(read_only, read_only.seen())


def test_looking_at_a_read_only_tree_leaves_no_litter(read_only: Repo) -> None:
    """A lost run in a tree that cannot be written does not fill the temporary folder."""
    _allow(read_only, write=True)
    hold = "import os, time\nfrom xvc import Tracker\nTracker().log({'token': 'lost-0'})\nos._exit(9)\n"
    script = read_only.aside / "lost.py"
    script.write_text(hold)
    read_only.start(str(script), user=_user()).wait()
    _allow(read_only, write=False)

    for _ in range(3):
        assert read_only.xvc("ls", user=_user()).code == 0

    assert list((read_only.aside / "tmp").iterdir()) == []
