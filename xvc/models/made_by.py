"""Whether a run made a file: its bytes are an output on record, or were written while it ran.

Reads only. Where another run made them, that run is named.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xvc.core.run import RunRecord, Status
from xvc.dvc.repository import Dvc
from xvc.errors import ConflictError, CorruptError, NoObject, error
from xvc.system.files import md5_of

_CLOCK = 20_000_000  # nanoseconds by which a file system's clock may lag
_FOLDER = ".dir"


@error("not-of-run")
class NotOfRun(ConflictError):
    """A file was not made by the run that it is to be a model of."""

    path: str
    run: str
    maker: str

    def __str__(self) -> str:
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


@dataclass(frozen=True, slots=True)
class _Bytes:
    """What is to be judged: the digests that it may have on record, and when it was written."""

    digests: frozenset[str]
    first: int
    last: int


def refuse_not_made(
    dvc: Dvc, path: Path, record: RunRecord, digest: str, others: Sequence[RunRecord]
) -> None:
    """Refuse what the run has not made.

    Args:
        dvc: where outputs are kept.
        path: the file or folder.
        record: the run.
        digest: of the folder that the model is kept as.
        others: the project's runs, newest first.

    Raises:
        NotOfRun: the run did not make it.
    """
    held = _Bytes(frozenset(_digests(dvc, path, digest)), *_written(path))
    if _is_output(dvc, held, record):
        return
    apart = [run for run in others if run.id != record.id]
    maker = next((run for run in apart if _is_output(dvc, held, run)), None)
    if maker is None and _is_within(held, record):
        return
    maker = maker or next((run for run in apart if _is_within(held, run)), None)
    raise NotOfRun(path.name, record.id, maker.id if maker else "")


def _digests(dvc: Dvc, path: Path, digest: str) -> Iterator[str]:
    yield digest
    if path.is_file():
        yield md5_of(path)
    elif path.is_dir():
        yield from (d for d in (digest,) if d.endswith(_FOLDER))


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


def _written(path: Path) -> tuple[int, int]:
    """When the first and the last of its files were written, in nanoseconds."""
    times = [os.stat(file).st_mtime_ns for file in _files(path)]
    return min(times, default=0), max(times, default=0)


def _files(path: Path) -> Iterator[str]:
    if not path.is_dir():
        yield str(path)
    for folder, _, names in os.walk(path):
        yield from (os.path.join(folder, name) for name in names)


def _is_within(held: _Bytes, run: RunRecord) -> bool:
    """Whether the newest of the files was written while the run went on."""
    if run.started is None:
        return False
    end = run.finished or (time.time_ns() if run.status is Status.RUNNING else 0)
    return run.started - _CLOCK <= held.last <= end + _CLOCK
