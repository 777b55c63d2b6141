"""Looking into a folder of cached results, and deleting from it. Reads no result."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from xvc.core.cache_entry import CachedCall, CacheUsage, Explanation, explained
from xvc.errors import BadValue
from xvc.system.result_cache import Cache, NoEntry

_SHORTEST = 6


@dataclass(frozen=True, slots=True)
class CacheDeletion:
    """What to delete: keys or beginnings of keys, all of a run, all of a function."""

    keys: Sequence[str] = ()
    run: str | None = None
    function: str | None = None
    is_agreed: bool = False


def stored(folder: Path, function: str | None = None) -> list[CachedCall]:
    """Return what is stored, newest first; with *function*, of that one only.

    Raises:
        NoCache: there is none in *folder*.
        CacheFailed: it cannot be read.
    """
    with closing(Cache.existing(folder)) as cache:
        found = sorted(cache.entries(), key=lambda entry: (-entry.created, entry.key))
    return [entry for entry in found if function is None or _is_of(entry, function)]


def usage(folder: Path) -> list[CacheUsage]:
    """Return how each function uses the cache, by name; the largest first.

    Raises:
        NoCache: there is none in *folder*.
        CacheFailed: it cannot be read.
    """
    with closing(Cache.existing(folder)) as cache:
        entries, counts = list(cache.entries()), cache.counts()
    names = {entry.called.function for entry in entries} | counts.keys()
    found = []
    for name in names:
        sizes = [entry.size for entry in entries if entry.called.function == name]
        found.append(CacheUsage(name, len(sizes), sum(sizes), *counts.get(name, (0, 0))))
    return sorted(found, key=lambda each: (-each.size, each.function))


def explain(folder: Path, target: str) -> tuple[CachedCall, Explanation]:
    """Compare a stored call, or a function's newest, with the nearest other of the function.

    Raises:
        NoEntry: *target* is neither a key nor a function with entries.
        BadValue: several keys begin so.
        NoCache: there is none in *folder*.
        CacheFailed: it cannot be read.
    """
    entries = stored(folder)
    of_function = [entry for entry in entries if _is_of(entry, target)]
    wanted = of_function[0] if of_function else _by_key(entries, target)
    others = [entry for entry in entries if entry is not wanted]
    return wanted, explained(wanted.key, wanted.called, others)


def delete(folder: Path, wanted: CacheDeletion) -> list[CachedCall]:
    """Delete entries, when it is agreed; returns what goes, or would.

    Raises:
        BadValue: nothing was named, or several keys begin as a named one does.
        NoEntry: a key is not there.
        NoCache: there is none in *folder*.
        CacheFailed: it cannot be written.
    """
    if not (wanted.keys or wanted.run or wanted.function):
        raise BadValue("what to delete", "name keys, --run or --function")
    entries = stored(folder)
    named = {_by_key(entries, key).key for key in wanted.keys}
    going = [
        entry
        for entry in entries
        if entry.key in named
        or entry.run == wanted.run
        or (wanted.function is not None and _is_of(entry, wanted.function))
    ]
    if wanted.is_agreed and going:
        with closing(Cache.existing(folder)) as cache:
            cache.delete(entry.key for entry in going)
    return going


def _is_of(entry: CachedCall, function: str) -> bool:
    name = entry.called.function
    wanted = function.replace(":", ".")
    if wanted.endswith("…"):  # copied from a list that a narrow terminal has cut
        return name.startswith(wanted[:-1]) and wanted != "…"
    return name == wanted or name.endswith(f".{wanted}")


def _by_key(entries: Sequence[CachedCall], key: str) -> CachedCall:
    found = [entry for entry in entries if entry.key.startswith(key)]
    if not found or len(key) < _SHORTEST:
        raise NoEntry(key)
    if len(found) > 1:
        raise BadValue("key", f"{len(found)} keys begin with {key!r}")
    return found[0]
