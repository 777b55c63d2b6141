"""An option, declared once: the field of a request that it fills, what it may be, what it is for.

Settings, and what a run and a sweep are asked for, declare their fields with `option`. Files of
settings and of sweeps, the command line, its help and the references are read from there.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What is said of an option.

    ``doc`` tells what it is for; ``flags`` are its names on the command line, where it is written
    once with commas between if ``has_commas``, and its value is called ``metavar``; ``least`` is
    the smallest number.
    """

    doc: str
    flags: tuple[str, ...] = ()
    metavar: str | None = None
    least: int | None = None
    has_commas: bool = False


def option(
    default: Value,
    doc: str,
    *flags: str,
    metavar: str | None = None,
    least: int | None = None,
    has_commas: bool = False,
) -> Value:
    """Declare a field of a dataclass as an option; its default, and what `Option` says.

    >>> @dataclass
    ... class Asked:
    ...     jobs: int = option(1, "How many at once.", "--jobs", "-j", least=1)
    >>> Asked().jobs, declared(Asked)["jobs"].flags
    (1, ('--jobs', '-j'))
    """
    said = Option(doc=doc, flags=flags, metavar=metavar, least=least, has_commas=has_commas)
    known: dict[str, Any] = {"metadata": {"option": said}}
    if isinstance(default, dict):
        return cast("Value", field(default_factory=default.copy, **known))
    return field(default=default, **known)


def option_of(part: Field[Any]) -> Option | None:
    """Read what a field declares; None where it is no option."""
    return part.metadata.get("option")


def declared(kind: type) -> dict[str, Option]:
    """Map the fields of a dataclass that are options to what they declare."""
    found = {part.name: option_of(part) for part in fields(kind)}
    return {name: said for name, said in found.items() if said is not None}


def kinds(kind: type) -> dict[str, type]:
    """Map the fields that are options to their types, without None and what is inside them.

    >>> @dataclass
    ... class Asked:
    ...     names: tuple[str, ...] | None = option(None, "Which.")
    >>> kinds(Asked)
    {'names': <class 'tuple'>}
    """
    hints = get_type_hints(kind)
    return {name: _plain(hints[name]) for name in declared(kind)}


def _plain(hint: Any) -> type:
    some = [each for each in get_args(hint) if each is not NoneType]
    outer = get_origin(hint)
    if outer is UnionType:
        return _plain(some[0])
    return cast("type", outer or hint)
