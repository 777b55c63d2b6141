"""Options of a command that the fields of a request declare: see `xvc.core.option`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from inspect import Parameter
from typing import Any, TypeVar, get_type_hints

import typer

from xvc.core.option import declared, kinds

Command = TypeVar("Command", bound=Callable[..., None])


def with_options(request: type, *, before: str) -> Callable[[Command], Command]:
    """Give a command the options of a request, which it gets as ``**said``.

    What the command line does not say is None, or a flag's default.

    Args:
        request: a dataclass whose fields are options.
        before: the parameter of the command before which they stand in its help.
    """

    def decorated(command: Command) -> Command:
        hints = get_type_hints(command, include_extras=True)
        own = [
            each.replace(annotation=hints[each.name])
            for each in inspect.signature(command).parameters.values()
            if each.kind is not Parameter.VAR_KEYWORD
        ]
        place = [each.name for each in own].index(before)
        parts = [*own[:place], *_options(request), *own[place:]]
        command.__signature__ = inspect.Signature(parts)  # type: ignore[attr-defined]
        command.__annotations__ = {each.name: each.annotation for each in parts}
        return command

    return decorated


def asked(said: Mapping[str, object]) -> dict[str, Any]:
    """Take what the command line says for the fields of a request: lists are tuples there."""
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in said.items()
        if value is not None
    }


def _options(request: type) -> list[Parameter]:
    found = []
    shapes = kinds(request)
    defaults = {each.name: each.default for each in fields(request)}
    for name, said in declared(request).items():
        default = defaults[name] if shapes[name] is bool else None
        shown = typer.Option(default, *said.flags, help=said.doc, metavar=said.metavar)
        typed = _typed(shapes[name], said.has_commas)
        kind = Parameter.POSITIONAL_OR_KEYWORD
        found.append(Parameter(name, kind, default=shown, annotation=typed))
    return found


def _typed(kind: type, has_commas: bool) -> Any:
    if kind is bool:
        return bool
    if kind in (int, float):
        return kind | None
    if issubclass(kind, tuple | Mapping) and not has_commas:
        return list[str] | None
    return str | None
