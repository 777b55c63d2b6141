"""Params and metrics in files: YAML, JSON or TOML, flattened to dotted keys.

YAML is read as DVC reads it, by its version 1.2: ``1e-3`` is a number, ``yes``, ``12:30``, ``007``
and ``2024-01-01`` are text.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast

import yaml

from xvc.core.limits import FILE
from xvc.core.plain import from_file
from xvc.errors import BadValue
from xvc.types import Json

_MOST_PARTS = 1_000_000
_NULLS = ("~", "null", "Null", "NULL")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """PyYAML's loader, with the plain words of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, object] = {}  # noqa: RUF012 - PyYAML reads it from the class


for _tag, _shape, _first in (
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", "true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", "[-+]?(?:0|[1-9][0-9_]*|0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+)", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    ("merge", "<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_shape})$"), _first)


def read_values(path: Path, keys: Sequence[str] = ()) -> dict[str, Json]:
    """Read a file of values; nested ones get dotted keys, lists stay whole.

    With *keys*, which may hold ``*``, only what they name and what is below counts.

    Raises:
        BadValue: it is not what its ending says, or no mapping.
    """
    found = dict(_flat(read_nested(path), ""))
    if not keys:
        return found
    return {
        name: value
        for name, value in found.items()
        if any(fnmatchcase(name, key) or fnmatchcase(name, f"{key}.*") for key in keys)
    }


def read_nested(path: Path) -> Mapping[str, Json]:
    """Read a file of values as it is nested.

    Raises:
        BadValue: it is not what its ending says, or no mapping; it is no file, or too large.
    """
    _refuse_unfit(path)
    read = _READERS.get(path.suffix, _from_yaml)
    try:
        found = read(path.read_text(encoding="utf-8"))
        if _is_endless(found):
            raise BadValue(path.name, f"its anchors make more than {_MOST_PARTS:,} values of it")
        if found is not None and not isinstance(found, Mapping):
            raise BadValue(path.name, "it holds no names with values")
        return cast("dict[str, Json]", from_file(found or {}))
    except RecursionError as err:
        raise BadValue(path.name, "it is nested too deeply") from err
    except (yaml.YAMLError, ValueError, TypeError) as err:
        raise BadValue(path.name, (str(err).splitlines() or ["it cannot be read"])[0]) from err


def _refuse_unfit(path: Path) -> None:
    if not path.exists():
        return  # reading it says so
    if not path.is_file():
        raise BadValue(path.name, "it is no file of values (a folder, a pipe or a device)")
    size = path.stat().st_size
    if size > FILE:
        raise BadValue(path.name, f"it has {size:,} bytes; files of up to {FILE:,} are read")


def _is_endless(found: object) -> bool:
    """Whether its parts, each counted as often as an anchor repeats it, are too many."""
    waiting, seen = [found], 0
    while waiting:
        seen += 1
        part = waiting.pop()
        if isinstance(part, Mapping | list):
            if seen + len(waiting) + len(part) > _MOST_PARTS:
                return True
            waiting += part.values() if isinstance(part, Mapping) else part
    return False


def _from_yaml(text: str) -> object:
    return yaml.load(text, _Loader)  # noqa: S506 - it is a safe loader


_READERS: dict[str, Callable[[str], object]] = {".toml": tomllib.loads, ".json": json.loads}


def parse_scalar(text: str) -> Json:
    """Read one value as YAML reads it; what it cannot read, and nothing at all, is text.

    >>> parse_scalar("1e-3"), parse_scalar("true"), parse_scalar("a b"), parse_scalar("")
    (0.001, True, 'a b', '')
    """
    try:
        found = _from_yaml(text)
        plain = text if _is_endless(found) else from_file(found)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):  # or bytes of a file name
        return text
    return text if found is None and text.strip() not in _NULLS else plain


def write_replaced(source: Path, target: Path, values: Mapping[str, Json]) -> None:
    """Write a copy of a params file in which dotted keys have other values.

    Raises:
        BadValue: *source* cannot be read, or it is TOML, which nothing here can write.
    """
    if source.suffix == ".toml":
        raise BadValue("--params-copy", f"{source.name} is TOML; only YAML and JSON can be copied")
    found = cast("dict[str, Json]", dict(read_nested(source)) if source.is_file() else {})
    for key, value in values.items():
        _set(found, key.split("."), value)
    target.parent.mkdir(parents=True, exist_ok=True)
    is_json = source.suffix == ".json"
    text = json.dumps(found, indent=2, ensure_ascii=False) if is_json else _to_yaml(found)
    target.write_text(text, encoding="utf-8")


def _to_yaml(found: Mapping[str, Json]) -> str:
    return yaml.safe_dump(found, sort_keys=False, allow_unicode=True)


def _set(found: dict[str, Json], parts: list[str], value: Json) -> None:
    *above, last = parts
    for part in above:
        inner = found.setdefault(part, {})
        if not isinstance(inner, dict):
            inner = found[part] = {}
        found = inner
    found[last] = value


def _flat(found: Mapping[str, Json], before: str) -> Iterator[tuple[str, Json]]:
    for key, value in found.items():
        name = f"{before}{key}"
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{name}.")
        else:
            yield name, value
