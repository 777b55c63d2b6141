"""Journals that were cut or rotted: the tail is passed over, rot is named, neighbours are kept."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from faulty import Repo, check_rows, set_aside

_KILLED = """
import os, signal, sys
from xvc import Tracker

acks = os.open(os.environ["ACKS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
tracker = Tracker()
for step in range(int(sys.argv[2])):
    tracker.log({"token": f"{sys.argv[1]}-{step}", "step": step, "loss": step / 7})
    os.write(acks, f"{sys.argv[1]}-{step}\\n".encode())
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def killed(repo: Repo) -> tuple[Repo, Path]:
    """A project whose script was killed after 40 rows, and the journal that it left."""
    script = repo.write("killed.py", _KILLED)
    assert repo.start(str(script), "row", "40").wait().code == -9
    (journal,) = (repo.room / "journals" / "main").glob("*.jsonl")
    return repo, journal


@pytest.mark.parametrize("keep", [1, 5, 60, -1])
def test_a_torn_tail_is_passed_over(killed: tuple[Repo, Path], keep: int) -> None:
    """A record that a crash cut off takes nothing with it, and never appears."""
    repo, journal = killed
    last = journal.read_bytes().splitlines(keepends=True)[-1]
    with journal.open("ab") as file:
        file.write(last.replace(b"row-39", b"row-40")[:keep])

    found = repo.tokens()

    check_rows(repo, found)
    assert len(found) == 40
    assert repo.run_logging("next").code == 0
    check_rows(repo, repo.tokens())


def test_zeros_behind_a_power_cut_are_passed_over(killed: tuple[Repo, Path]) -> None:
    """A file that grew without its bytes being written ends where the zeros begin."""
    repo, journal = killed
    with journal.open("ab") as file:
        file.write(bytes(4096))

    found = repo.tokens()

    check_rows(repo, found)
    assert len(found) == 40


@pytest.mark.parametrize("seed", range(8))
def test_rot_in_a_journal_is_named_and_its_neighbours_kept(
    killed: tuple[Repo, Path], seed: int
) -> None:
    """One flipped bit costs at most the row it hit, which is kept aside and told."""
    repo, journal = killed
    data = bytearray(journal.read_bytes())
    lines = bytes(data).splitlines(keepends=True)
    rows = [number for number, line in enumerate(lines) if b"row-" in line][:-1]
    dice = random.Random(seed)
    hit = dice.choice(rows)
    place = len(b"".join(lines[:hit])) + dice.randrange(len(lines[hit]))
    data[place] ^= 1 << dice.randrange(8)
    journal.write_bytes(data)

    listed = repo.xvc("ls")

    assert listed.code == 0, listed.said
    found = repo.tokens()
    missing = set(repo.acks()) - set(found)
    assert len(missing) <= 2  # two when the bit was the end of a line, which joins two
    assert all(count == 1 for count in found.values())
    quarantined = list((repo.room / "quarantine").glob("*.jsonl"))
    if missing:
        assert journal.name in listed.err
        kept = b"".join(path.read_bytes() for path in quarantined)
        assert kept
        assert kept in bytes(data)
    assert repo.run_logging("next").code == 0
    repo.ran("tag")
    assert not set_aside(repo)


def test_a_journal_of_garbage_stops_nobody(repo: Repo) -> None:
    """A file that is no journal is set apart, and the runs beside it are listed."""
    assert repo.run_logging("good").code == 0
    folder = repo.room / "journals" / "main"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "0123456789.jsonl").write_bytes(random.Random(0).randbytes(3000) + b"\n")
    (folder / "0123456780.jsonl").write_bytes(b"")

    listed = repo.xvc("ls")

    assert listed.code == 0, listed.said
    assert "0123456789" in listed.err
    check_rows(repo, repo.tokens())
    assert repo.run_logging("next").code == 0
    repo.ran("tag")


def test_a_lost_journal_folder_is_made_again_by_a_running_writer(repo: Repo) -> None:
    """Somebody empties the folder while a command runs: the run still ends well."""
    script = "rm -rf .git/xvc/journals; exit 4"

    ended = repo.xvc("run", "--", "sh", "-c", script)

    assert ended.code == 4, ended.said
    assert repo.run_logging("next").code == 0
    check_rows(repo, repo.tokens())
