"""How a Tracker was asked to behave, beside where it writes. Values only."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xvc.core.run import Status
from xvc.errors import BadValue

StrPath = str | os.PathLike[str]
SKIP_INSERT = ":skip:"


def check_engine(engine: str) -> None:
    """Warn of an engine that xvc does not have, as programs written for other trackers name one."""
    if engine != "duckdb":
        said = f"the store is DuckDB; engine={engine!r} makes no difference"
        warnings.warn(said, UserWarning, stacklevel=3)


@dataclass(frozen=True, slots=True)
class Options:
    """What the constructor was given, by the same names; the interval in seconds."""

    cache: StrPath | None = None
    log_system_params: bool = False
    log_network_params: bool = False
    measurement_interval: float = 1.0
    git_root: StrPath | None = None
    logs_path: StrPath | None = None
    logs_stdout: bool = False
    logs_file_format: str | None = None
    jsonl: StrPath | None = None
    raise_on_error: bool = True
    reset: bool = False
    warnings: bool = True
    sinks: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.measurement_interval > 0:
            raise BadValue("measurement_interval", "seconds between two looks, more than 0")

    @property
    def folder(self) -> Path:
        """The folder whose repository a run belongs to."""
        return Path(self.git_root) if self.git_root is not None else Path.cwd()


def check_status(status: str) -> None:
    """Refuse a text that is no status of a run.

    Raises:
        BadValue: it is none.
    """
    if status not in set(Status):
        raise BadValue("status", f"{status!r} is none of {', '.join(sorted(set(Status)))}")
