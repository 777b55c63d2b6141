"""Describing a call: the name of the function, its arguments as text and columns, its failure.

Pure: reads signatures and values, calls nothing. Refuses to keep an argument whose name is a
secret's.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import FrameType

from xvc.core.secrets import mask_text, mask_values
from xvc.tracking.excerpt import shortened, spelled
from xvc.tracking.unpack import unpacked

_LONGEST_TRACEBACK = 20_000
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a function calls its arguments; ``rest`` names those that it takes in any number."""

    positional: tuple[str, ...]
    rest: str
    defaults: Mapping[str, object]

    @classmethod
    def of(cls, function: Callable[..., object]) -> Parameters:
        """Read a signature; what has none, as some functions written in C, names nothing."""
        try:
            found = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            return cls((), "args", {})
        rest = [one.name for one in found if one.kind is inspect.Parameter.VAR_POSITIONAL]
        return cls(
            positional=tuple(one.name for one in found if one.kind in _POSITIONAL),
            rest=rest[0] if rest else "args",
            defaults={one.name: one.default for one in found if one.default is not one.empty},
        )

    def named(self, args: Sequence[object]) -> dict[str, object]:
        """Return positional arguments by name: ``rest_0``, ``rest_1`` … beyond the named ones.

        >>> Parameters(("a",), "more", {}).named([1, 2, 3])
        {'a': 1, 'more_0': 2, 'more_1': 3}
        """
        beyond = range(len(args) - len(self.positional))
        names = [*self.positional[: len(args)], *(f"{self.rest}_{index}" for index in beyond)]
        return dict(zip(names, args, strict=True))


def name_of(function: Callable[..., object]) -> str:
    """Return what a function is called; a ``partial`` as what it calls, an object as its class.

    >>> name_of(partial(len, "abc"))
    'len'
    """
    inner = function.func if isinstance(function, partial) else function
    return str(getattr(inner, "__name__", type(inner).__name__))


def argument_texts(named: Mapping[str, object], kwargs: Mapping[str, object]) -> dict[str, object]:
    """Return the arguments as they would be written, in the columns ``args`` and ``kwargs``.

    Each is cut at 1,000 characters; secrets are masked by name and by shape.

    >>> argument_texts({"a": 1, "token": "abc"}, {"lr": 0.1})
    {'args': '[1, ***]', 'kwargs': "{'lr': 0.1}"}
    """
    placed, keyed = _texts(named), _texts(kwargs)
    pairs = (f"{key!r}: {text}" for key, text in keyed.items())
    return {
        "args": shortened(f"[{', '.join(placed.values())}]"),
        "kwargs": shortened(f"{{{', '.join(pairs)}}}"),
    }


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    masked = mask_values({key: spelled(value) for key, value in values.items()})
    return {key: shortened(text) for key, text in masked.items()}


def argument_columns(arguments: Mapping[str, object]) -> dict[str, object]:
    """Return the columns of those arguments that are dataclasses or models, secrets masked.

    Raises:
        BadValue: two fields of one argument come to the same column.
    """
    columns: dict[str, object] = {}
    for name, value in arguments.items():
        columns |= unpacked(name, value) or {}
    return mask_values(columns)


def error_text(error: BaseException) -> str:
    """Return an exception as ``Type: text``, at most 1,000 characters, secrets masked.

    >>> error_text(ValueError("token=abc")), error_text(KeyError())
    ('ValueError: token=***', 'KeyError')
    """
    said = "".join(traceback.format_exception_only(error)).strip()  # a failing `str` is no failure
    _, colon, text = said[:_LONGEST_TRACEBACK].partition(": ")
    return shortened(mask_text(f"{type(error).__name__}{colon}{text}"))


def traceback_text(error: BaseException) -> str:
    """Return what Python would print, from the user's own code on, secrets masked.

    Of more than 20,000 characters it is the end.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None and _is_ours(trace.tb_frame):
        trace = trace.tb_next
    lines = traceback.format_exception(type(error), error, trace)
    return mask_text("".join(lines))[-_LONGEST_TRACEBACK:]


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith("xvc.tracking.")
