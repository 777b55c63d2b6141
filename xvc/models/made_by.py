"""Whether a run made a file: its bytes are an output on record, or were written while it ran.

Reads only. Where another run made them, that run is named.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from xvc.core.run import RunRecord, Status
from xvc.dvc.repository import Dvc
from xvc.errors import ConflictError, CorruptError, NoObject, error
from xvc.system.files import md5_of
from xvc.system.written_files import times_of

_CLOCK = 20_000_000  # nanoseconds by which a file system's clock may lag
_FOLDER = ".dir"


@error("not-of-run")
class NotOfRun(ConflictError):
    """A file was not made by the run that it is to be a model of."""

    path: str
    run: str
    maker: str
    is_within: bool

    def __str__(self) -> str:
        if self.is_within:
            return (
                f"{self.path} holds what run {self.maker} made; its time lies within run "
                f"{self.run}, and nothing tells a touch from the same bytes written again"
            )
        who = f"; run {self.maker} made it" if self.maker else ""
        return f"{self.path} is neither an output of run {self.run} nor written while it ran{who}"

    @property
    def hint(self) -> str:
        """Names the run that made it, or the way to make it in one."""
        if self.maker:
            return (
                f"Add it with `--run {self.maker}`; `xvc get RUN PATH -o FILE` gives a run's own."
            )
        return "Make it in a run: `xvc run --model PATH -- COMMAND`."


@error("made-by-two")
class MadeByTwo(ConflictError):
    """A file was written while two runs went on in its tree, so its run is unknown."""

    path: str
    run: str
    other: str
    says = "{path} was written while run {run} and run {other} went on, so either may have made it"
    way = (
        "Name it when it is made: `xvc run --model PATH -- COMMAND`; `xvc worktree add` makes a "
        "tree for each of two runs at once."
    )


@dataclass(frozen=True, slots=True)
class _Bytes:
    """What is to be judged: the digests that it may have on record, and when it was written.

    ``times`` has for each of its files when its bytes, and its entry in the folder, changed last;
    ``touched`` those that a run has only touched.
    """

    digests: frozenset[str]
    times: Mapping[str, tuple[int, int]]
    touched: Mapping[str, Collection[str]]


def refuse_not_made(
    dvc: Dvc,
    path: Path,
    record: RunRecord,
    digest: str,
    others: Sequence[RunRecord],
    *,
    code: Collection[str] = (),
    touched: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> None:
    """Refuse what the run has not made.

    Args:
        dvc: where outputs are kept.
        path: the file or folder.
        record: the run.
        digest: of the folder that the model is kept as.
        others: the project's runs, newest first; those that `times_around` cannot mean may lack.
        code: files of a folder that nobody has to have made.
        touched: the files that runs, by their ids, have only touched; named as by `times_of`.

    Raises:
        NotOfRun: the run did not make it.
        MadeByTwo: another run, that went on in the same tree at the same time, may have made it.
    """
    times = {name: at for name, at in times_of(path).items() if name not in code}
    held = _Bytes(frozenset(_digests(path, digest)), times, touched)
    if _is_output(dvc, held, record):
        return
    apart = [run for run in others if run.id != record.id]
    maker = next((run for run in apart if _is_output(dvc, held, run)), None)
    outside = _outside(held, record)
    if maker is None and not outside:
        rival = next((r for r in apart if not _outside(held, r) and _may_rival(r, record)), None)
        if rival is not None:
            raise MadeByTwo(path.name, record.id, rival.id)
        return
    maker = maker or next((run for run in apart if not _outside(held, run)), None)
    is_part = 0 < len(outside) < len(times)
    name = f"{path.name}/{outside[0]}" if is_part else path.name
    raise NotOfRun(name, record.id, maker.id if maker else "", is_within=not outside)


def times_around(path: Path) -> tuple[int, int]:
    """Say between which times, in nanoseconds, a run has to have gone on to have written a file."""
    times = [time for each in times_of(path).values() for time in each]
    return (min(times) - _CLOCK, max(times) + _CLOCK) if times else (0, 0)


def _may_rival(one: RunRecord, other: RunRecord) -> bool:
    """Whether two runs wrote to the same tree and neither was begun by the other."""
    is_kin = one.parent == other.id or other.parent == one.id
    places = [(run.code.worktree, run.host) for run in (one, other)]
    return places[0] == places[1] and not is_kin


def _digests(path: Path, digest: str) -> Iterator[str]:
    yield digest
    if path.is_file():
        yield md5_of(path)


def _is_output(dvc: Dvc, held: _Bytes, run: RunRecord) -> bool:
    """Whether an output on record is these bytes, or a folder that has them as a file."""
    for out in run.outs.values():
        if out.digest in held.digests:
            return True
        if out.digest.endswith(_FOLDER) and dvc.holds(out.digest):
            try:
                inside = set(dvc.listing(out.digest, out.digest).values())
            except (NoObject, CorruptError):
                continue
            if inside & held.digests:
                return True
    return False


def _outside(held: _Bytes, run: RunRecord) -> list[str]:
    """Name the files that were not written while the run went on.

    In a folder, a file whose time was copied with it counts by when it came there.
    """
    if run.started is None:
        return [*held.times]
    end = run.finished or (time.time_ns() if run.status is Status.RUNNING else 0)
    first, last = run.started - _CLOCK, end + _CLOCK
    return [
        name
        for name, (written, placed) in held.times.items()
        if name in held.touched.get(run.id, ())
        or (
            not first <= written <= last
            and not (name and written < first and first <= placed <= last)
        )
    ]
