"""A store that rotted, was cut, replaced or linked: set aside, rebuilt, and nothing lost."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from faulty import (
    Repo,
    check_git,
    check_rows,
    check_versions,
    digest,
    object_of,
    set_aside,
    tokens_in,
)


def _symlink(path: Path, place: Path) -> None:
    path.symlink_to(place)


def _hardlink(path: Path, place: Path) -> None:
    path.hardlink_to(place)


@pytest.mark.parametrize("link", [_symlink, _hardlink])
def test_a_store_that_links_into_the_cache_is_copied_before_it_is_written(
    tagged: Repo, link: Callable[[Path, Path], None]
) -> None:
    """The cache object keeps its bytes, and the link becomes a file of the tree's own."""
    place = object_of(tagged, "refs/tags/e0.1.0")
    before = place.read_bytes()
    tagged.store.unlink()
    link(tagged.store, place)

    ended = tagged.run_logging("second")

    assert ended.code == 0, ended.said
    assert place.read_bytes() == before
    assert not tagged.store.is_symlink()
    assert tagged.store.stat().st_nlink == 1
    assert os.access(tagged.store, os.W_OK)
    check_rows(tagged, tagged.tokens())


def _flip(count: int) -> Callable[[Path, random.Random], None]:
    def damage(path: Path, dice: random.Random) -> None:
        data = bytearray(path.read_bytes())
        for _ in range(count):
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        path.write_bytes(data)

    return damage


def _flip_header(path: Path, dice: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[dice.randrange(4096 * 3)] ^= 1 << dice.randrange(8)
    path.write_bytes(data)


def _truncate(path: Path, dice: random.Random) -> None:
    os.truncate(path, dice.randrange(1, path.stat().st_size))


def _zero(path: Path, dice: random.Random) -> None:
    data = bytearray(path.read_bytes())
    start = dice.randrange(0, len(data), 4096)
    data[start : start + 16384] = bytes(len(data[start : start + 16384]))
    path.write_bytes(data)


def _garbage(path: Path, dice: random.Random) -> None:
    path.write_bytes(dice.randbytes(50_000))


def _empty(path: Path, dice: random.Random) -> None:
    path.write_bytes(b"")


def _text(path: Path, dice: random.Random) -> None:
    path.write_text("<<<<<<< a merge that went wrong\n" * 100)


def _foreign(path: Path, dice: random.Random) -> None:
    path.unlink()
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 42 AS answer")


_SWEEP = pytest.mark.sweep
_SURE = {"truncated": _truncate, "garbage": _garbage, "empty": _empty, "text": _text}
_SURE |= {"foreign": _foreign}
_PERHAPS = {"flips": _flip(40), "header": _flip_header, "zeroed": _zero, "flip": _flip(1)}
_CASES = [(name, 0) for name in (*_SURE, *_PERHAPS)]
_MORE = [(name, seed) for name in ("truncated", *_PERHAPS) for seed in range(1, 12)]


@pytest.mark.parametrize(
    ("name", "seed", "has_version"),
    [
        *((*case, True) for case in _CASES),
        *((*case, False) for case in _CASES[::5]),  # no version to begin from: journals alone
        *(pytest.param(*case, False, marks=_SWEEP) for case in _CASES if case not in _CASES[::5]),
        *(pytest.param(*case, has, marks=_SWEEP) for case in _MORE for has in (True, False)),
    ],
)
def test_a_damaged_store_is_rebuilt(
    tagged: Repo, repo: Repo, name: str, seed: int, has_version: bool
) -> None:
    """The next command answers with every row; the bad file is kept under a name that says so."""
    here = tagged if has_version else repo
    assert here.run_logging("second").code == 0
    assert here.tokens()
    {**_SURE, **_PERHAPS}[name](here.store, random.Random(f"{name}{seed}"))
    damaged = here.store.read_bytes()

    listed = here.xvc("ls")

    assert listed.code == 0, listed.said
    check_rows(here, tokens_in(here.store))
    aside = set_aside(here)
    assert [path.read_bytes() for path in aside] in ([damaged], [])
    if name in _SURE:
        assert len(aside) == 1
        assert aside[0].name in listed.err
    assert here.run_logging("third", 3, "--tag", "patch").code == 0
    check_rows(here, here.tokens())
    check_versions(here)
    check_git(here)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.sweep) for n in range(1, 20))]
)
def test_rot_that_no_date_betrays_is_mended_by_the_command_that_meets_it(
    tagged: Repo, seed: int
) -> None:
    """A disk that rots changes no time stamp: whoever reads the bad block has it rebuilt."""
    assert tagged.run_logging("second").code == 0
    tagged.tokens()
    facts = tagged.store.stat()
    _flip(60)(tagged.store, random.Random(seed))
    os.utime(tagged.store, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    tagged.xvc("ls")

    assert tagged.ran("ls")
    check_rows(tagged, tagged.tokens())
    assert tagged.run_logging("third").code == 0
    tagged.ran("tag")
    check_rows(tagged, tagged.tokens())
    check_versions(tagged)


@pytest.mark.parametrize("size", [1, 4096, 60_000])
def test_a_foreign_log_beside_the_store_loses_no_row(tagged: Repo, size: int) -> None:
    """Garbage where DuckDB keeps its write-ahead log is set aside with the store it spoiled."""
    assert tagged.run_logging("second").code == 0
    tagged.tokens()
    wal = tagged.store.with_name(tagged.store.name + ".wal")
    wal.write_bytes(random.Random(size).randbytes(size))

    ended = tagged.run_logging("third")

    assert ended.code == 0, ended.said
    check_rows(tagged, tagged.tokens())
    assert not wal.exists()


def test_a_store_that_was_deleted_is_rebuilt(tagged: Repo) -> None:
    """The last version and the journals hold everything, folded or not."""
    assert tagged.run_logging("second").code == 0
    tagged.tokens()
    tagged.store.unlink()

    found = tagged.tokens()

    check_rows(tagged, found)
    assert len(found) == 6


def test_a_lost_private_folder_costs_nothing_that_is_in_the_store(tagged: Repo) -> None:
    """The store alone is enough to go on, should somebody empty xvc's own folder."""
    assert tagged.run_logging("second").code == 0
    tagged.tokens()
    shutil.rmtree(tagged.room)

    ended = tagged.run_logging("third")

    assert ended.code == 0, ended.said
    check_rows(tagged, tagged.tokens())
    tagged.ran("tag")
    check_rows(tagged, tokens_in(object_of(tagged, "refs/tags/e0.1.1")))


def test_a_rotten_cache_object_is_not_trusted(tagged: Repo) -> None:
    """A rebuild never takes bytes that are not what their name says; nothing is overwritten."""
    place = object_of(tagged, "refs/tags/e0.1.0")
    place.chmod(0o644)
    data = bytearray(place.read_bytes())
    data[len(data) // 2] ^= 4
    place.write_bytes(data)
    assert tagged.run_logging("second").code == 0
    tagged.store.write_bytes(b"rotten")

    listed = tagged.xvc("ls")

    assert listed.code == 0, listed.said
    assert "holds other bytes" in listed.err
    found = tagged.seen()
    assert {f"second-{step}" for step in range(3)} <= set(found)
    assert len(set_aside(tagged)) == 1
    assert digest(place) != place.parent.name + place.name  # evidence: it was not touched
