"""The params that ``xvc run -P`` or a sweep asks for, as a Tracker gives them to the script.

Reading one says that the script uses it: only then is it what the run reports.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from contextlib import suppress
from pathlib import Path
from typing import cast

from xvc.core.json_values import from_plain
from xvc.core.run_context import RunContext, used_beside
from xvc.types import Json


def asked_params(context: RunContext | None) -> dict[str, object]:
    """Read what was asked for of a run; empty where nothing was."""
    if context is None or not context.asked:
        return {}
    try:
        facts = cast("dict[str, Json]", json.loads(Path(context.asked).read_bytes()))
    except (OSError, ValueError):  # the run has ended, and this process outlives it
        return {}
    return {key: from_plain(value) for key, value in facts.items()}


def with_asked(params: Mapping[str, Json], names: Mapping[str, str]) -> dict[str, Json]:
    """Add what was asked for by the names that `other_names` tells: the script's value is used."""
    return {**params, **{names[key]: value for key, value in params.items() if key in names}}


def other_names(asked: Mapping[str, object]) -> dict[str, str]:
    """Tell what a script calls the params that were asked for with dashes.

    >>> other_names({"max-steps": 1, "lr": 1})
    {'max_steps': 'max-steps'}
    """
    names = {key.replace("-", "_"): key for key in asked}
    return {name: key for name, key in names.items() if name not in asked}


def say_used(context: RunContext | None, params: Mapping[str, Json]) -> None:
    """Tell `xvc run` what this process uses of what was asked for."""
    if context is None or not context.asked or not params:
        return
    line = json.dumps(params).encode() + b"\n"
    with suppress(OSError):  # who waits for it is gone
        place = used_beside(Path(context.asked))
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)


class AskedParams(dict[str, object]):
    """Params of a run; reading one that was asked for is recorded as using it."""

    def __init__(
        self, values: Mapping[str, object], asked: Mapping[str, object], take: Callable[[str], None]
    ) -> None:
        super().__init__({**values, **asked})
        self._asked, self._take = set(asked), take

    def _used(self, key: object) -> None:
        if key in self._asked:
            self._asked.discard(key)
            self._take(key)

    def __getitem__(self, key: str) -> object:
        self._used(key)
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:
        return super().__iter__()  # its own, so that `dict(params)` and `**params` read by key

    def get(self, key: str, default: object = None) -> object:
        """Return one value."""
        self._used(key)
        return super().get(key, default)

    def pop(self, key: str, *default: object) -> object:
        """Take one value out of this copy."""
        self._used(key)
        return super().pop(key, *default)

    def items(self) -> ItemsView[str, object]:  # type: ignore[override]
        """Return all, which uses all."""
        self._use_all()
        return super().items()

    def values(self) -> ValuesView[object]:  # type: ignore[override]
        """Return all values, which uses all."""
        self._use_all()
        return super().values()

    def copy(self) -> dict[str, object]:
        """Return all as a plain dict, which uses all."""
        return dict(self.items())

    def __or__(self, other: Mapping[str, object]) -> dict[str, object]:  # type: ignore[override]
        return {**self.copy(), **other}

    def __ror__(self, other: Mapping[str, object]) -> dict[str, object]:  # type: ignore[override]
        return {**other, **self.copy()}

    def _use_all(self) -> None:
        for key in [*self._asked]:
            self._used(key)
