"""What runs the trials of a sweep, by name."""

from __future__ import annotations

from collections.abc import Mapping

from xvc.core.job import Executor
from xvc.executors.local import LocalExecutor

NAMES = ("local",)


def executor_named(name: str, places: int, environment: Mapping[str, str]) -> Executor:
    """Open an executor with so many places; *name* is one of `NAMES`."""
    match name:
        case _:
            return LocalExecutor(places, environment)
