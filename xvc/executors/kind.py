"""A kind of executor, as the registry knows it: how to open one, check it before, and end its jobs.

A package of others names a `ExecutorKind` under the entry point ``xvc.executors``; those of xvc are
registered the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from xvc.core.job import Executor
from xvc.core.sweep import SweepRequest
from xvc.executors.shipping import Away


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What an executor is opened with.

    ``request`` is what the sweep asks for, so many places as it has jobs; ``folder`` is for what an
    executor keeps on the disk; trials on this machine get ``environment``; ``away`` is what
    machines get that do not share our disk, None when they do.
    """

    request: SweepRequest
    folder: Path
    environment: Mapping[str, str]
    away: Away | None = None


def _nothing(asked: object) -> None:
    """Neither check nor end anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorKind:
    """A kind of executor.

    ``check`` raises what `open` would, and leaves nothing behind; ``end`` has what was submitted
    from a folder end, when whoever submitted it is gone.
    """

    open: Callable[[Opening], Executor]
    check: Callable[[SweepRequest], object] = _nothing
    end: Callable[[Path], object] = _nothing
