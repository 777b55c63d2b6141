"""JSON Schemas read from type hints, so that what is declared once is checked twice.

Pure. Knows what answers are made of: typed dicts, dataclasses, lists, mappings, plain values,
enums, unions; refuses anything else. ``object`` is a value of the user's, of any
shape. A typed dict is closed, and so is a dataclass, whose fields are all there.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum

from xvc.types import Json

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER = "number"
DEFINITIONS: Mapping[str, Json] = {
    _NUMBER: {
        "description": "A number; what JSON cannot write is an object.",
        "anyOf": [
            {"type": "number"},
            {
                "type": "object",
                "required": ["$float"],
                "additionalProperties": {"enum": ["nan", "inf", "-inf"]},
                "maxProperties": 1,
            },
        ],
    }
}
"""What a schema of `schema_of` may refer to, to be its document's ``$defs``."""

_PLAIN: Mapping[object, Mapping[str, Json]] = {
    object: {},
    type(None): {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"$ref": f"#/$defs/{_NUMBER}"},
    str: {"type": "string"},
}


def schema_of(kind: object) -> dict[str, Json]:
    """Return the schema of a type; a text in ``Annotated`` is the description of its part.

    >>> schema_of(list[str | None])
    {'type': 'array', 'items': {'type': ['string', 'null']}}

    Raises:
        TypeError: an answer cannot be made of this type.
    """
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    if typing.is_typeddict(kind) or is_dataclass(kind):
        return _closed(typing.cast("type", kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [each.value for each in kind]}
    if isinstance(kind, typing.NewType):
        return schema_of(kind.__supertype__)
    read = _READERS.get(typing.get_origin(kind))
    if read is None:
        raise TypeError(str(kind))
    return read(typing.get_args(kind))


def _closed(kind: type) -> dict[str, Json]:
    """Describe what has these keys and no others.

    Postponed hints hide from Python which keys of a typed dict may be missing.
    """
    hints = typing.get_type_hints(kind, include_extras=True)
    if is_dataclass(kind):
        hints = {each.name: hints[each.name] for each in fields(kind)}
    optional = {name for name, hint in hints.items() if _may_miss(hint)}
    described: dict[str, Json] = {"type": "object"}
    if words := vars(kind).get("__doc__"):
        described["description"] = " ".join(inspect.cleandoc(words).split())
    return described | {
        "properties": {name: schema_of(hint) for name, hint in hints.items()},
        "required": [name for name in hints if name not in optional],
        "additionalProperties": False,
    }


def _may_miss(hint: object) -> bool:
    return typing.get_origin(hint) is typing.NotRequired


def _inner(args: tuple[object, ...]) -> dict[str, Json]:
    return schema_of(args[0])


def _annotated(args: tuple[object, ...]) -> dict[str, Json]:
    words = [each for each in args[1:] if isinstance(each, str)]
    return schema_of(args[0]) | ({"description": words[0]} if words else {})


def _literal(args: tuple[object, ...]) -> dict[str, Json]:
    return {"enum": [typing.cast("Json", each) for each in args]}


def _array(args: tuple[object, ...]) -> dict[str, Json]:
    return {"type": "array", "items": schema_of(args[0])}


def _mapping(args: tuple[object, ...]) -> dict[str, Json]:
    return {"type": "object", "additionalProperties": schema_of(args[1])}


def _union(args: tuple[object, ...]) -> dict[str, Json]:
    parts = [schema_of(each) for each in args]
    if all(set(part) == {"type"} for part in parts):
        return {"type": [part["type"] for part in parts]}
    return {"anyOf": [*parts]}


_READERS: Mapping[object, Callable[[tuple[object, ...]], dict[str, Json]]] = {
    typing.Annotated: _annotated,
    typing.NotRequired: _inner,
    typing.Literal: _literal,
    typing.Union: _union,
    types.UnionType: _union,
    list: _array,
    tuple: _array,
    Sequence: _array,
    dict: _mapping,
    Mapping: _mapping,
}
