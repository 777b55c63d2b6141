"""The content of a value as bytes: the same in every process, different for different content.

Each form begins with a tag for its type and ends by itself, so no two values share one: ``True``,
``1`` and ``1.0`` are three, ``0.0`` and ``-0.0`` two, NaN is one whatever its bits. Dicts have an
order, because whoever goes through one sees it; sets and attributes have none. What can change and
is met a second time is the first, and no other like it. An object is its class and the state that
it would pickle, never its ``hash``. Refuses what has no content of its own (locks, sockets,
iterators): `Unkeyable`.
"""

from __future__ import annotations

import copyreg
import struct
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cached_property, partial
from hashlib import sha256
from pickle import whichmodule  # type: ignore[attr-defined]
from types import (
    BuiltinFunctionType,
    FunctionType,
    MappingProxyType,
    MethodType,
    MethodWrapperType,
    ModuleType,
)
from typing import Any, cast
from uuid import UUID

from xvc.errors import UsageError, error
from xvc.tracking.arrays import FORMS

_DEEPEST = 100  # every level takes three frames of the thousand that Python has
_LONG = 256
_double = struct.Struct(">d").pack


@error("unkeyable")
class Unkeyable(UsageError):
    """A value has no content that could be compared."""

    path: str
    kind: str
    says = "{path:-the value}: {kind} cannot be told by its content"
    way = "Pass what identifies it instead, or give its class a __getstate__."

    def inside(self, before: str) -> Unkeyable:
        """The same refusal, seen from whatever holds the value."""
        return Unkeyable(f"{before}{self.path}", self.kind)


def name_of(value: object) -> str:
    """The full name of a class, function or module, as an import would have it.

    Of any other object it is that of its class; of a ``partial`` that of what it calls.
    """
    if isinstance(value, ModuleType):
        return value.__name__
    if isinstance(value, partial):
        return name_of(value.func)
    called = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if not isinstance(called, str):
        return name_of(type(value))
    return f"{getattr(value, '__module__', None) or 'builtins'}.{called}"


def named(code: object) -> bytes | None:
    """Encode a class or function by its name alone; None for a value that has content."""
    if isinstance(code, ModuleType):
        raise Unkeyable("", "module")
    return _text(name_of(code)) if isinstance(code, type | FunctionType) or is_free(code) else None


def is_free(code: object) -> bool:
    """Whether it is a function written in C that is bound to no object."""
    if not isinstance(code, BuiltinFunctionType):
        return False
    return code.__self__ is None or isinstance(code.__self__, ModuleType | type)


class Encoder:
    """Turns values into their canonical bytes; one for each thread.

    Args:
        of_code: what stands for a class, function, method or module; None when it is to be told
            by its parts. By default the name alone.
    """

    def __init__(self, of_code: Callable[[object], bytes | None] = named) -> None:
        self._of_code = of_code
        self._above: dict[int, int] = {}
        self._met: dict[int, tuple[int, object]] = {}  # kept, so that no other has their ids
        self._copies = 0

    def encode(self, value: object) -> bytes:
        """Return the canonical bytes of a value.

        Raises:
            Unkeyable: a part of it has no content.
        """
        atom = ATOMS.get(type(value))
        if atom is not None:
            return atom(value)
        above, here = self._above, id(value)
        depth = len(above)
        if here in above:
            return b"^%d;" % (depth - above[here])
        if depth >= _DEEPEST:
            raise Unkeyable("", f"what lies deeper than {_DEEPEST} levels")
        if _can_change(value) and not self._copies:
            met = self._met.get(here)
            if met is not None:
                return b"=%d;" % met[0]
            self._met[here] = (len(self._met), value)
        above[here] = depth
        try:
            return self._compound(value)
        finally:
            del above[here]

    def _compound(self, value: Any) -> bytes:
        kind = type(value)
        if kind is list:
            return b"[" + self._sequence(value) + b"]"
        if kind is tuple:
            return b"(" + self._sequence(value) + b")"
        if kind is dict:
            return b"{" + b"".join(self._pairs(value.items())) + b"}"
        if kind is set or kind is frozenset:
            tag = b"<" if kind is set else b"|"
            return tag + b"".join(sorted(map(self.encode, value))) + b">"
        form = FORMS.get((kind.__module__.partition(".")[0], kind.__qualname__))
        if form is not None:
            return b"A" + _text(kind.__qualname__) + self._copied(form(value)) + b";"
        return self._object(value)

    def _copied(self, parts: Iterable[object]) -> bytes:
        """Encode what was made from a value only to tell of it."""
        self._copies += 1
        try:
            return self._sequence(parts)
        finally:
            self._copies -= 1

    def _object(self, value: Any) -> bytes:
        kind = type(value)
        if isinstance(value, _CODE) or kind.__name__ in _CODE_NAMES:
            code = self._of_code(value)
            if code is not None:
                return b"f" + code
        if isinstance(value, MethodType):
            return b"m" + self.encode(value.__func__) + self.encode(value.__self__)
        if isinstance(value, BuiltinFunctionType | MethodWrapperType):
            return b"n" + _text(value.__name__) + self.encode(value.__self__)
        if kind is slice:
            return b":" + self._sequence((value.start, value.stop, value.step))
        if kind is MappingProxyType:
            return b"M" + self.encode(dict(value))
        if isinstance(value, Enum):
            return b"e" + self._kind(kind) + _text(value.name) + self.encode(value.value)
        if hasattr(kind, "__next__"):
            raise Unkeyable("", kind.__name__)
        if hasattr(kind, "__pydantic_core_schema__") and hasattr(kind, "model_fields"):
            return b"p" + self._kind(kind) + self._state(kind, _of_model(value))
        return b"o" + self._kind(kind) + self._reduced(value)

    def _kind(self, kind: type) -> bytes:
        return self._of_code(kind) or _text(name_of(kind))

    def _sequence(self, values: Iterable[object]) -> bytes:
        done: list[bytes] = []
        try:
            for value in values:
                atom = ATOMS.get(type(value))
                done.append(atom(value) if atom else self.encode(value))
        except Unkeyable as err:
            raise err.inside(f"[{len(done)}]") from None
        return b"".join(done)

    def _pairs(self, pairs: Iterable[tuple[object, object]]) -> Iterable[bytes]:
        for key, value in pairs:
            try:
                yield self.encode(key) + self.encode(value)
            except Unkeyable as err:
                raise err.inside(f"[{key!r:.40}]") from None

    def _state(self, kind: type, state: Mapping[str, object]) -> bytes:
        done = []
        for name, value in state.items():
            if _is_derived(kind, name):
                continue
            try:
                done.append(_text(name) + self.encode(value))
            except Unkeyable as err:
                raise err.inside(f".{name}") from None
        return b"{" + b"".join(sorted(done)) + b"}"

    def _reduced(self, value: Any) -> bytes:
        kind = type(value)
        reduce = copyreg.dispatch_table.get(kind)
        try:
            found = reduce(value) if reduce else value.__reduce_ex__(4)
        except (TypeError, AttributeError, ValueError, RuntimeError, NotImplementedError) as err:
            raise Unkeyable("", kind.__name__) from err
        if isinstance(found, str):  # one of a kind, known by its name
            return _text(f"{_module_with(value, found)}.{found}") + self._state(kind, _own(value))
        make, args, state, items, pairs = (*found, None, None, None)[:5]
        if isinstance(state, list) and is_dataclass(kind):  # one with slots: by the fields' names
            state = dict(zip((each.name for each in fields(kind)), state, strict=False))
        if args and args[0] is kind:
            args = args[1:]
        is_plain = getattr(make, "__module__", "") == "copyreg"
        parts = [_text(make.__name__) if is_plain else self.encode(make), self.encode(tuple(args))]
        named, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
        for each in (named, slots):
            if isinstance(each, dict) and all(isinstance(name, str) for name in each):
                parts.append(self._state(kind, each))
            else:
                parts.append(self.encode(each))
        if hasattr(kind, "__array_finalize__"):  # an array's own attributes are not pickled
            parts.append(self._state(kind, _own(value)))
        parts.append(b"[" + self._sequence(items or ()) + b"]")
        parts += self._pairs(pairs or ())
        return b"".join(parts) + b";"


def _can_change(value: object) -> bool:
    """Whether it matters which of two equal objects is meant: those that are alike have no hash."""
    if isinstance(value, _CODE):
        return False
    return type(value).__hash__ in (None, object.__hash__)


def _own(value: object) -> Mapping[str, object]:
    return getattr(value, "__dict__", {})


def _module_with(value: object, name: str) -> str:
    """Return the module where an object stands under the name that it pickles as."""
    module: str = whichmodule(value, name)
    found: object = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not value:
        raise Unkeyable("", type(value).__name__)
    return module


def _is_derived(kind: type, name: str) -> bool:
    """Whether an attribute only keeps what was computed from the others."""
    return any(isinstance(vars(base).get(name), cached_property) for base in kind.__mro__)


def _of_model(value: Any) -> dict[str, object]:
    """A pydantic model's fields; which of them were given and which left out is no content."""
    return {
        **value.__dict__,
        **(value.__pydantic_extra__ or {}),
        **(value.__pydantic_private__ or {}),
    }


def _text(value: str) -> bytes:
    encoded = value.encode("utf-8", "surrogatepass")
    if len(encoded) > _LONG:
        return b"S" + sha256(encoded).digest()
    return b"s%d:" % len(encoded) + encoded


def _bytes(value: bytes) -> bytes:
    if len(value) > _LONG:
        return b"B" + sha256(value).digest()
    return b"b%d:" % len(value) + value


def _float(value: float) -> bytes:
    return b"q" if value != value else b"d" + _double(value)  # noqa: PLR0124 - only NaN


def _written(tag: str, write: Callable[[Any], str] = str) -> Callable[[Any], bytes]:
    return lambda value: b"t" + _text(f"{tag} {write(value)}")


_CODE_NAMES = {"_lru_cache_wrapper", "cython_function_or_method"}
_CODE = (type, FunctionType, BuiltinFunctionType, MethodType, ModuleType)

ATOMS: dict[type, Callable[[Any], bytes]] = cast(
    "dict[type, Callable[[Any], bytes]]",
    {
        type(None): lambda _: b"N",
        type(...): lambda _: b".",
        type(NotImplemented): lambda _: b"_",
        bool: lambda value: b"T" if value else b"F",
        int: lambda value: b"i%x;" % value,
        float: _float,
        complex: lambda value: b"c" + _float(value.real) + _float(value.imag),
        str: _text,
        bytes: _bytes,
        bytearray: lambda value: b"y" + _bytes(bytes(value)),
        date: _written("date", date.isoformat),
        timedelta: _written("span", repr),
        Decimal: _written("decimal"),
        Fraction: _written("fraction"),
        UUID: _written("uuid"),
        range: _written("range", repr),
    },
)
"""Types without parts, and how each is written."""
