"""When runs were going on in a work tree, so that what they wrote is not taken for code.

A file that no run wrote has changed outside of all of them. A run that was killed ends with its
journal. Reads times only, never a file.
"""

from __future__ import annotations

import glob
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from xvc.journal.layout import Room
from xvc.journal.reader import is_written
from xvc.system.files import write_durably

_CLOCK = 20_000_000  # nanoseconds by which a file system's clock may lag
_LONG = 400  # lines after which those are dropped that say nothing of any file


@dataclass(frozen=True, slots=True)
class RunSpan:
    """A run in this tree: when it began and ended, in nanoseconds; None while it goes on.

    ``leaves`` are the outputs and models that it declared, ``touched`` the files whose time it
    set and to which it wrote nothing; by their paths from the top.
    """

    run: str
    began: int
    ended: int | None
    journal: str = ""
    leaves: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()

    def holds(self, at: int) -> bool:
        """Whether a file that changed then changed during the run."""
        return self.began - _CLOCK <= at and (self.ended is None or at <= self.ended)


def note_begin(room: Room, run: str, began: int, journal: Path, leaves: Iterable[str] = ()) -> None:
    """Note that a run begins, and what it is to leave, by paths from the top."""
    declared = {"leaves": names} if (names := [*leaves]) else {}
    _append(room, {"run": run, "from": began, "journal": str(journal), **declared})


def note_end(room: Room, run: str, touched: Iterable[str] = ()) -> None:
    """Note that it has ended, and which files it has only touched, by paths from the top."""
    only = {"touched": names} if (names := [*touched]) else {}
    _append(room, {"run": run, "to": time.time_ns(), **only})


def _append(room: Room, facts: Mapping[str, object]) -> None:
    try:
        room.run_times.parent.mkdir(parents=True, exist_ok=True)
        with room.run_times.open("ab") as file:
            file.write(json.dumps(facts).encode() + b"\n")
    except OSError:
        return  # a place that cannot be written: the run itself is recorded elsewhere


def spans(room: Room) -> list[RunSpan]:
    """Read the runs of a work tree, all projects in it, in the order in which they began."""
    tree = room.tree.partition("+")[0]
    folder = room.run_times.parent
    files = [folder / f"{tree}.jsonl", *sorted(folder.glob(f"{glob.escape(tree)}+*.jsonl"))]
    lines = [line for file in files for line in _lines(file)]
    found: dict[str, RunSpan] = {}
    for line in lines:
        facts = _read(line)
        name = str(facts.get("run"))
        if "from" in facts:
            began, journal = int(str(facts["from"])), str(facts.get("journal"))
            leaves = _names(facts.get("leaves"))
            found[name] = RunSpan(run=name, began=began, ended=None, journal=journal, leaves=leaves)
        elif name in found and "to" in facts:
            ended, touched = int(str(facts["to"])), _names(facts.get("touched"))
            found[name] = replace(found[name], ended=ended, touched=touched)
    return [each if each.ended is not None else _looked_after(each) for each in found.values()]


def _names(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _lines(file: Path) -> list[bytes]:
    try:
        return file.read_bytes().splitlines()
    except OSError:
        return []


def _read(line: bytes) -> dict[str, object]:
    try:
        facts = json.loads(line)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _looked_after(span: RunSpan) -> RunSpan:
    """End a run whose process is gone with the last that it wrote."""
    journal = Path(span.journal)
    for place in (journal, journal.parent / "folded" / journal.name):
        try:
            if is_written(place):
                return span
            return replace(span, ended=place.stat().st_mtime_ns)
        except OSError:
            continue
    return replace(span, ended=span.began)


def touched_by_runs(room: Room) -> dict[str, tuple[str, ...]]:
    """Map runs to the files, by paths from the top, that they touched and did not write."""
    return {span.run: span.touched for span in spans(room) if span.touched}


def also_left_by(room: Room, run: str, path: str) -> str | None:
    """Name another run that was to leave the same path, from the top, while this one went on."""
    known = {span.run: span for span in spans(room)}
    own = known.get(run)
    for other in known.values() if own is not None else ():
        is_beside = own is not None and (other.ended is None or other.ended >= own.began)
        if other.run != run and is_beside and any(_overlap(path, each) for each in other.leaves):
            return other.run
    return None


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def written_by_runs(room: Room, top: Path, paths: Iterable[str]) -> set[str]:
    """Tell which files have changed last while a run was going on in this tree."""
    known = spans(room)
    if not known:
        return set()
    times = {path: at for path in paths if (at := changed_at(os.path.join(top, path))) is not None}
    useful = [span for span in known if any(span.holds(at) for at in times.values())]
    _shorten(room, useful, [span for span in known if span.ended is None])
    return {path for path, at in times.items() if any(span.holds(at) for span in useful)}


def changed_at(file: str | Path) -> int | None:
    """When a file changed last, in nanoseconds: its bytes, its name or its rights."""
    try:
        return os.lstat(file).st_ctime_ns
    except OSError:
        return None


def _shorten(room: Room, useful: Iterable[RunSpan], open_ones: Iterable[RunSpan]) -> None:
    """Forget the runs that no file tells of, once there are many."""
    try:
        if room.run_times.read_bytes().count(b"\n") <= _LONG:
            return
        kept = {span.run: span for span in (*useful, *open_ones)}
        lines: list[dict[str, object]] = []
        for span in kept.values():
            line = {"run": span.run, "from": span.began, "journal": span.journal}
            lines.append(line | ({"leaves": [*span.leaves]} if span.leaves else {}))
            if span.ended is not None:
                only = {"touched": [*span.touched]} if span.touched else {}
                lines.append({"run": span.run, "to": span.ended, **only})
        text = "".join(json.dumps(line) + "\n" for line in lines)
        write_durably(room.run_times, text.encode())
    except OSError:
        return


def not_named_yet(room: Room, names: Iterable[str]) -> list[str]:
    """Return those names that were never told of, in order, and note them as told."""
    place = room.run_times.with_suffix(".told")
    try:
        named = set(place.read_text(encoding="utf-8", errors="surrogateescape").splitlines())
        fresh = [name for name in dict.fromkeys(names) if name not in named]
    except OSError:
        fresh = list(dict.fromkeys(names))
    if fresh:
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("ab") as file:
                file.write(b"".join(os.fsencode(name) + b"\n" for name in fresh))
        except OSError:
            return fresh
    return fresh
