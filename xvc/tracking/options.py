"""How a Tracker was asked to behave, beside where it writes. Values only."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from xvc.core.run import Status
from xvc.errors import BadValue

StrPath = str | os.PathLike[str]
SKIP_INSERT = ":skip:"


def check_engine(engine: str, *, compress: bool = False) -> None:
    """Warn of an engine that xvc does not have, as programs written for other trackers name one."""
    asked = [f"engine={engine!r}"] if engine != "duckdb" else []
    asked += ["compress=True"] if compress else []
    for each in asked:
        said = f"the store is DuckDB, which compresses; {each} makes no difference"
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


class OptionAttributes:
    """What a tracker was given, by name; what concerns later calls can be set."""

    _options: Options

    @property
    def cache_path(self) -> StrPath | None:
        """The folder of the cache."""
        return self._options.cache

    @property
    def jsonl_path(self) -> StrPath | None:
        """The file that rows go to as JSON lines."""
        return self._options.jsonl

    @property
    def git_root(self) -> StrPath | None:
        """The folder whose commit the rows name."""
        return self._options.git_root

    @property
    def raise_on_error(self) -> bool:
        """Whether an exception of a tracked function goes on, once recorded."""
        return self._options.raise_on_error

    @raise_on_error.setter
    def raise_on_error(self, wanted: bool) -> None:
        self._options = replace(self._options, raise_on_error=wanted)

    @property
    def log_system_params(self) -> bool:
        """Whether tracked functions record processor, memory and disk."""
        return self._options.log_system_params

    @log_system_params.setter
    def log_system_params(self, wanted: bool) -> None:
        self._options = replace(self._options, log_system_params=wanted)

    @property
    def log_network_params(self) -> bool:
        """Whether tracked functions record bytes sent and received."""
        return self._options.log_network_params

    @log_network_params.setter
    def log_network_params(self, wanted: bool) -> None:
        self._options = replace(self._options, log_network_params=wanted)

    @property
    def measurement_interval(self) -> float:
        """Seconds between two looks at the machine; setting it to 0 or less is a BadValue."""
        return self._options.measurement_interval

    @measurement_interval.setter
    def measurement_interval(self, seconds: float) -> None:
        self._options = replace(self._options, measurement_interval=seconds)


def check_status(status: str) -> None:
    """Refuse a text that is no status of a run.

    Raises:
        BadValue: it is none.
    """
    if status not in set(Status):
        raise BadValue("status", f"{status!r} is none of {', '.join(sorted(set(Status)))}")
