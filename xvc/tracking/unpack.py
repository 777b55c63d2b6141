"""Dataclasses and pydantic models as columns: a field ``lr`` of ``cfg`` is the column ``cfg_lr``.

Namespaces are the dicts that they hold, configurations of OmegaConf what they resolve to. Pure;
pydantic and OmegaConf are known by their shape and never imported. Refuses to guess: an object of
any other class stays what it is, for others to keep.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from types import SimpleNamespace
from typing import Any

from xvc.core.equality import is_same
from xvc.core.json_values import simpler
from xvc.core.secrets import MASK
from xvc.errors import BadValue
from xvc.types import Primitive

CYCLE = "..."
"""Stands where a value leads back to one that holds it, as in Python's own ``repr``."""

_DEEPEST = 32
_ABSENT = object()
_Above = tuple[object, ...]


def unpacked(key: str, value: object) -> dict[str, object] | None:
    """Return a dataclass instance or a pydantic model as columns; None for any other value.

    Nested ones are named by their path, ``cfg_model_layers``; those in lists and dicts become
    dicts, up to 32 levels down. An instance without fields is the name of its class. Objects
    that a row cannot hold stay as they are.

    Raises:
        BadValue: two fields come to the same column, with different values.

    >>> from dataclasses import make_dataclass
    >>> from pathlib import PurePath
    >>> unpacked("cfg", make_dataclass("Config", ["lr", "path"])(0.1, PurePath("a/b")))
    {'cfg_lr': 0.1, 'cfg_path': 'a/b'}
    """
    if parts_of(value) is None:
        return None
    columns: dict[str, object] = {}
    _collect(columns, key, value, ())
    return columns


def plainer(value: object) -> object:
    """Return *value* nearer to what a row can hold; *value* itself, when there is nothing to do.

    What `simpler` makes of a value stands for it (paths are text), and so for the parts of
    lists, tuples, sets and dicts; dataclasses and models in them, and namespaces, become dicts.

    >>> from pathlib import PurePath
    >>> plainer([PurePath("a/b"), 1])
    ['a/b', 1]
    """
    return _plainer(value, ())


def resolved(value: object) -> object:
    """Return a configuration of OmegaConf as plain dicts and lists; any other value itself.

    Interpolations are resolved; one that cannot be, and a value that is missing, stay the text
    that the configuration has.
    """
    kind = type(value)
    if not kind.__module__.startswith("omegaconf.") or not hasattr(kind, "_get_node"):
        return value
    config: Any = value
    raw: Any = sys.modules["omegaconf"].OmegaConf.to_container(config, resolve=False)
    if isinstance(raw, dict):
        return {key: _of_config(config, key, raw[key]) for key in raw}
    if isinstance(raw, list):
        return [_of_config(config, place, each) for place, each in enumerate(raw)]
    return raw  # the whole of it is missing, or nothing


def _of_config(config: Any, key: Any, raw: object) -> object:
    try:
        return resolved(config[key])
    except Exception:  # noqa: BLE001 - whatever a resolver raises, the rest can be kept
        return raw


def put(row: dict[str, object], name: str, value: object, origin: str) -> None:
    """Set a column of *row* that comes out of *origin*, a key of the row.

    Raises:
        BadValue: the row has another value by that name.
    """
    if name in row and not _is_equal(row[name], value):
        raise BadValue(origin, f"is unpacked into {name!r}, which has another value already")
    row[name] = value


def _collect(columns: dict[str, object], key: str, value: object, above: _Above) -> None:
    parts = parts_of(value)
    if parts is None or _is_within(value, above) or len(above) >= _DEEPEST:
        put(columns, key, _plainer(value, above), key)
        return
    if not parts:
        put(columns, key, type(value).__name__, key)
    for name, part in parts.items():
        _collect(columns, f"{key}_{name}", part, (*above, value))


def _plainer(value: object, above: _Above) -> object:
    simple = simpler(resolved(value))
    if simple is not value:
        return _plainer(simple, above)
    if hasattr(type(value), "get_secret_value"):  # what pydantic keeps out of its own `repr`
        return MASK
    if _is_within(value, above):
        return CYCLE
    return _walked(value, (*above, value)) if len(above) < _DEEPEST else value


def _walked(value: object, inside: _Above) -> object:
    parts = parts_of(value)
    if parts is not None:
        return {name: _plainer(part, inside) for name, part in parts.items()}
    if isinstance(value, Namespace | SimpleNamespace):
        return {name: _plainer(part, inside) for name, part in vars(value).items()}
    if isinstance(value, Mapping):
        plain = {name: _plainer(part, inside) for name, part in value.items()}
        return value if _are_same(plain.values(), value.values()) else plain
    if isinstance(value, list | tuple | set | frozenset):
        listed = [_plainer(part, inside) for part in value]
        return value if _are_same(listed, value) else listed
    return value


def parts_of(value: object) -> dict[str, object] | None:
    """Return the fields of a dataclass instance or a model; None for any other value."""
    kind = type(value)
    if is_dataclass(kind):
        names = [field.name for field in fields(kind)]
    elif hasattr(kind, "model_dump") and hasattr(kind, "model_fields"):
        names = [name for name, field in kind.model_fields.items() if not field.exclude]
        names += getattr(value, "model_extra", None) or ()
    elif hasattr(kind, "__fields__") and hasattr(kind, "construct"):
        names = list(kind.__fields__)
    else:
        return None
    return {name: part for name in names if (part := getattr(value, name, _ABSENT)) is not _ABSENT}


def _is_within(value: object, above: _Above) -> bool:
    return any(value is one for one in above)


def _are_same(parts: Iterable[object], others: Iterable[object]) -> bool:
    return all(part is other for part, other in zip(parts, others, strict=True))


def _is_equal(one: object, other: object) -> bool:
    if isinstance(one, Primitive) and isinstance(other, Primitive):
        return is_same(one, other)
    return one is other
