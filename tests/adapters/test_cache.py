"""The folder of cached results: private, durable, and never trusted further than its seals."""

from __future__ import annotations

import os
import pickle
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import diskcache
import pytest

from xvc.core.cache_entry import CachedCall, Called, CallPart
from xvc.system.result_cache import Cache, CacheFailed, EntryRotten, NoCache
from xvc.types import Nanoseconds

KEY = "ab" * 32


def entry(key: str = KEY, run: str = "r1") -> CachedCall:
    called = Called("train.fit", {"train.fit": "aa"}, {"lr": CallPart("11", "0.1")})
    return CachedCall(key, called, run, Nanoseconds(7), 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "cache"


@pytest.mark.parametrize("result", [None, {"a": [1, 2]}, "x" * 100_000, lambda: 3])
def test_a_result_comes_back(folder: Path, result: Any) -> None:
    """Small ones, ones that get a file of their own, and functions without a module."""
    cache = Cache(folder)
    cache.put(entry(), result)

    found = Cache(folder).get(KEY)

    assert found is not None
    assert found["cache"] == "r1"
    assert found["result"] == result or found["result"]() == result()  # type: ignore[operator]


def test_a_result_is_made_anew(folder: Path) -> None:
    """What is done to a result that was handed out does not reach the next one."""
    cache = Cache(folder)
    cache.put(entry(), [1])
    cache.get(KEY)["result"].append(2)  # type: ignore[index, attr-defined]

    assert cache.get(KEY)["result"] == [1]  # type: ignore[index]


def test_the_folder_is_private_durable_and_never_cleared(folder: Path) -> None:
    """Mode 700, ignored by git, every commit on the disk, no eviction."""
    Cache(folder).put(entry(), 1)

    settings = dict(sqlite3.connect(folder / "cache.db").execute("SELECT key, value FROM Settings"))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"
    assert settings["sqlite_synchronous"] == 2
    assert (settings["eviction_policy"], settings["cull_limit"]) == ("none", 0)


def test_facts_are_listed_without_the_results(folder: Path) -> None:
    """Entries come with everything but their values; a value that cannot be read is no matter."""
    cache = Cache(folder)
    cache.put(entry(), "x" * 100_000)
    for file in folder.rglob("*.val"):
        file.unlink()

    (found,) = cache.entries()

    assert found.called == entry().called
    assert (found.key, found.run, found.created) == (KEY, "r1", 7)
    assert found.size > 100_000


class Planted:
    """Unpickling it leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.trace),)


def _emptied(folder: Path, trace: Path) -> None:
    for file in folder.rglob("*.val"):
        file.write_bytes(b"")


def _flipped(folder: Path, trace: Path) -> None:
    (file,) = folder.rglob("*.val")
    content = bytearray(file.read_bytes())
    content[-9] ^= 1
    file.write_bytes(content)


def _planted(folder: Path, trace: Path) -> None:
    diskcache.Cache(str(folder)).set(KEY, Planted(trace), tag="{}")


def _planted_bytes(folder: Path, trace: Path) -> None:
    diskcache.Cache(str(folder)).set(KEY, bytes(32) + pickle.dumps(Planted(trace)), tag="{}")


def _moved(folder: Path, trace: Path) -> None:
    with sqlite3.connect(folder / "cache.db") as database:
        database.execute("UPDATE Cache SET key = ? WHERE key = ?", (KEY, "cd" * 32))


@pytest.mark.parametrize("spoil", [_emptied, _flipped, _planted, _planted_bytes, _moved])
def test_nothing_rotten_is_unpickled(folder: Path, tmp_path: Path, spoil: Any) -> None:
    """Bytes that are not those stored under this key are refused, and left as they are."""
    cache = Cache(folder)
    cache.put(entry("cd" * 32 if spoil is _moved else KEY), ["x" * 100_000])
    spoil(folder, tmp_path / "trace")

    with pytest.raises(EntryRotten):
        cache.get(KEY)
    assert not (tmp_path / "trace").exists()


def test_listing_unpickles_nothing(folder: Path, tmp_path: Path) -> None:
    """Keys and values of another program are passed over."""
    cache = Cache(folder)
    foreign = diskcache.Cache(str(folder))
    foreign[(1, Planted(tmp_path / "key"))] = 1
    foreign["mine"] = Planted(tmp_path / "value")

    assert list(cache.entries()) == []
    assert cache.counts() == {}
    assert os.listdir(tmp_path) == ["deep"]


def test_a_result_whose_class_is_gone_is_rotten(folder: Path) -> None:
    """What cannot be unpickled any more is told as such."""
    cache = Cache(folder)
    cache.put(entry(), Planted(Path("/dev/null")))  # a folder cannot be made there

    with pytest.raises(EntryRotten, match="FileExistsError"):
        cache.get(KEY)


def test_what_cannot_be_pickled_is_refused(folder: Path) -> None:
    """A generator is no result to keep."""
    with pytest.raises(TypeError):
        Cache(folder).put(entry(), (each for each in ()))


def test_entries_are_deleted(folder: Path) -> None:
    """Only what was there counts."""
    cache = Cache(folder)
    cache.put(entry(), 1)

    assert cache.delete([KEY, "nothing"]) == 1
    assert cache.get(KEY) is None


def test_hits_and_misses_add_up_over_processes(folder: Path) -> None:
    """Each process adds its own counts, a forked one none of its parent's."""
    cache = Cache(folder)
    cache.count("fit", hit=False)
    cache.count("fit", hit=True)
    child = os.fork()
    if child == 0:
        cache.count("fit", hit=True)
        cache.close()
        os._exit(0)
    os.waitpid(child, 0)
    load = "import sys; from xvc.system.result_cache import *"
    program = f"{load}; Cache(sys.argv[1]).count('a b', hit=True)"
    subprocess.run([sys.executable, "-c", program, str(folder)], check=True)

    assert cache.counts() == {"fit": (2, 1), "a b": (1, 0)}


def test_a_folder_that_others_can_write_is_refused(folder: Path) -> None:
    """A cache that came with a repository, or lies in the open, is not trusted."""
    Cache(folder).close()
    folder.chmod(0o755)

    with pytest.raises(CacheFailed, match="mode 755"):
        Cache(folder)


def test_a_folder_of_other_files_is_refused(tmp_path: Path) -> None:
    """A project's folder neither loses its mode nor gets a database."""
    (tmp_path / "train.py").touch()
    mode = tmp_path.stat().st_mode

    with pytest.raises(CacheFailed, match="other files"):
        Cache(tmp_path)
    assert tmp_path.stat().st_mode == mode


def test_an_empty_folder_becomes_one(tmp_path: Path) -> None:
    """A folder that was made before is taken, and made private."""
    Cache(tmp_path)

    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_no_database_is_told(folder: Path) -> None:
    """A file in the folder's place, a broken database, none at all: each one's own error."""
    with pytest.raises(NoCache):
        Cache.existing(folder)
    folder.parent.mkdir()
    folder.touch()
    with pytest.raises(CacheFailed):
        Cache(folder)
    folder.unlink()
    folder.mkdir(0o700)
    (folder / "cache.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(CacheFailed):
        Cache(folder)
