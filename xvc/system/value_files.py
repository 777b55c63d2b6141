"""Params and metrics in files: YAML, JSON or TOML, flattened to dotted keys.

YAML is read as DVC reads it, by its version 1.2: ``1e-3`` and ``007`` are numbers, ``yes`` and
``12:30`` are text; dates are text here, too. What a file says is read in bounded time: what would
grow without end, by anchors that multiply or name themselves, is left out and named.
"""

from __future__ import annotations

import json
import re
import tomllib
from codecs import BOM_UTF8
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import inf
from pathlib import Path, PurePath
from typing import cast

import yaml

from xvc.core.human_units import few_of
from xvc.core.json_values import from_file
from xvc.core.limits import FILE
from xvc.core.typed_value import TypedValue, number_typed, scalar_typed
from xvc.errors import BadValue
from xvc.system.python_values import python_values
from xvc.system.yaml_text import PlainWords, has_merge_marks
from xvc.types import Json

_NULLS = ("~", "null", "Null", "NULL")
_MOST_VALUES = 200_000
_MOST_DIGITS = 4000  # Python itself reads 4,300
_TOO_DEEP = "it is nested without end, or too deep"


class _Loader(PlainWords):
    """Reads merged keys and keys that stand twice; ``twice`` names those."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.twice: list[str] = []

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Take merged mappings in, each key once: merges of merges would multiply them."""
        own = {key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
        if len(own) < len(node.value):
            self.twice += _twice(node)
        super().flatten_mapping(node)
        kept: dict[object, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            kept[(key.tag, key.value) if isinstance(key, yaml.ScalarNode) else id(key)] = key, value
        node.value = list(kept.values())

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        """Make a dict; a list or a mapping as a key is the text of it."""
        self.flatten_mapping(node)
        found: dict[object, object] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            key = key if isinstance(key, Hashable) else str(key)
            if key in found:  # 1 and true are one key of a dict
                self.twice.append(str(key_node.value))
            found[key] = self.construct_object(value_node, deep=deep)
        return found

    def integer(self, node: yaml.ScalarNode) -> Json:
        """Read an integer; what is longer than Python reads, or has no digits, is text."""
        try:
            return super().integer(node) if len(node.value) <= _MOST_DIGITS else str(node.value)
        except ValueError:
            return str(node.value)


def _twice(node: yaml.MappingNode) -> list[str]:
    names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    return sorted({name for name in names if names.count(name) > 1 and name != "<<"})


_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile("<<$"), ["<"])
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.integer)


def yaml_loader() -> type[yaml.SafeLoader]:
    """Return the loader that reads YAML as DVC does."""
    return cast("type[yaml.SafeLoader]", _Loader)


@dataclass(frozen=True, slots=True)
class FileValues:
    """What a file says by dotted keys, and what about it has to be told, a sentence each.

    ``is_whole`` is false where a value of it was left out.
    """

    values: Mapping[str, Json]
    warnings: tuple[str, ...] = ()
    is_whole: bool = True


def read_values(path: Path, keys: Sequence[str] = ()) -> dict[str, Json]:
    """Read a file of values; nested ones get dotted keys, lists stay whole.

    With *keys*, which may hold ``*``, only what they name and what is below counts.

    Raises:
        BadValue: it is not what its ending says, or no mapping.
    """
    return dict(read_told(path, keys).values)


def read_told(path: Path, keys: Sequence[str] = ()) -> FileValues:
    """Read a file of values as `read_values` does, and say what was left out or is said twice.

    Raises:
        BadValue: it is not what its ending says, or no mapping.
    """
    _refuse_unfit(path)
    return told_in(path, path.read_bytes, keys)


def told_in(path: PurePath, read: Callable[[], bytes], keys: Sequence[str] = ()) -> FileValues:
    """Read values as `read_told` does out of what *read* returns; the name says what it is.

    Raises:
        BadValue: it is not what its ending says, or no mapping.
    """
    twice: list[str] = []
    found = _parsed(path, read, twice)
    flat = _Flat()
    try:
        flat.walk(found, "", ())
    except RecursionError as err:
        raise BadValue(path.name, _TOO_DEEP) from err
    said = [f"{path.name}: {key} stands twice; the last counts" for key in dict.fromkeys(twice)]
    said += [
        f"{path.name}: {key} is the name of two values; the last counts" for key in flat.clashes
    ]
    if flat.endless:
        said.append(
            f"{path.name}: {few_of(flat.endless)} left out, larger than {_MOST_VALUES:,} values; "
            "anchors that name others multiply them"
        )
    values = {
        name: from_file(value)
        for name, value in flat.values.items()
        if not keys or any(fnmatchcase(name, key) or fnmatchcase(name, f"{key}.*") for key in keys)
    }
    values |= {key: from_file(part) for key in keys for part in _in_list(flat.values, key)}
    return FileValues(values, tuple(said), is_whole=not flat.endless)


def _in_list(values: Mapping[str, Json], key: str) -> list[Json]:
    """Find what a key like ``layers.0.units`` names in a list: one value, or none."""
    names = key.split(".")
    for count in range(len(names) - 1, 0, -1):
        found = values.get(".".join(names[:count]))
        if isinstance(found, list):
            return _below(found, names[count:])
    return []


def place_in(held: Sequence[object], name: str) -> int | None:
    """Read a part of a key as a place in a list; None where the list has no such place.

    >>> place_in(["a", "b"], "1"), place_in(["a", "b"], "9" * 5000)
    (1, None)
    """
    is_place = name.isdecimal() and len(name) <= len(str(len(held)))
    return int(name) if is_place and int(name) < len(held) else None


def _below(value: Json, names: Sequence[str]) -> list[Json]:
    for name in names:
        if isinstance(value, list) and (at := place_in(value, name)) is not None:
            value = value[at]
        elif isinstance(value, dict) and name in value:
            value = value[name]
        else:
            return []
    return [value]


def read_typed(path: Path) -> Mapping[str, Json]:
    """Read a YAML file as it is nested, numbers only where they read back to the same text.

    Raises:
        BadValue: it is not what its ending says, or no mapping.
    """
    return _nested(path, [], _TypedLoader if path.suffix not in _READERS else _Loader)


def values_named(path: Path, key: str) -> list[Json]:
    """Return the values that a dotted key names in a file; parts of lists are numbers.

    Raises:
        BadValue: it is not what its ending says, or no mapping.
    """
    return list(_named_in(read_nested(path), key))


def _named_in(held: object, key: str) -> Iterator[Json]:
    pairs: Iterable[tuple[object, object]] = held.items() if isinstance(held, Mapping) else ()
    for name, value in enumerate(held) if isinstance(held, list) else pairs:
        if str(name) == key:
            yield cast("Json", value)
        elif key.startswith(f"{name}."):
            yield from _named_in(value, key[len(str(name)) + 1 :])


def read_nested(path: Path) -> Mapping[str, Json]:
    """Read a file of values as it is nested.

    Raises:
        BadValue: it is not what its ending says, or no mapping; it is no file, or too large.
    """
    found = _nested(path, [])
    if _is_endless(found):
        raise BadValue(path.name, f"its anchors make more than {_MOST_VALUES:,} values of it")
    return cast("Mapping[str, Json]", from_file(dict(found)))


def _nested(path: Path, twice: list[str], loader: type[_Loader] = _Loader) -> Mapping[str, Json]:
    _refuse_unfit(path)
    return _parsed(path, path.read_bytes, twice, loader)


def _parsed(
    path: PurePath,
    content: Callable[[], bytes],
    twice: list[str],
    loader: type[_Loader] = _Loader,
) -> Mapping[str, Json]:
    read = _READERS.get(path.suffix)
    try:
        text = content().removeprefix(BOM_UTF8).decode()
        found = _from_yaml(text, twice, loader) if read is None else read(text)
    except RecursionError as err:
        raise BadValue(path.name, _TOO_DEEP) from err
    except (yaml.YAMLError, ValueError, TypeError) as err:
        raise BadValue(path.name, _merge_in(content()) or reason_of_bad_file(err)) from err
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise BadValue(path.name, "it holds no names with values")
    return cast("Mapping[str, Json]", found)


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
            if seen + len(waiting) + len(part) > _MOST_VALUES:
                return True
            waiting += part.values() if isinstance(part, Mapping) else part
    return False


def _merge_in(content: bytes) -> str | None:
    mark = next((n for n, line in enumerate(content.splitlines(), 1) if has_merge_marks(line)), 0)
    remedy = "choose a side with `git checkout --ours` or `--theirs`, then `git add` it"
    return f"line {mark}: it holds an unfinished merge; {remedy}" if mark else None


def reason_of_bad_file(err: Exception) -> str:
    """Say why a file of values cannot be read, and in which line.

    >>> reason_of_bad_file(json.JSONDecodeError("Expecting value", "{1", 1))
    'line 1: it is no JSON: Expecting value'
    """
    if isinstance(err, json.JSONDecodeError):
        return f"line {err.lineno}: it is no JSON: {err.msg}"
    if isinstance(err, UnicodeDecodeError):
        line = err.object[: err.start].count(b"\n") + 1
        return f"line {line}: the byte 0x{err.object[err.start]:02x} is not UTF-8; save it as UTF-8"
    mark = getattr(err, "problem_mark", None)
    problem = getattr(err, "problem", None) or str(err).splitlines()[0]
    return f"line {mark.line + 1}: {problem}" if mark is not None else str(problem)


def _from_yaml(text: str, twice: list[str] | None = None, kind: type[_Loader] = _Loader) -> object:
    loader = kind(text)
    try:
        found = loader.get_single_data()
    finally:
        loader.dispose()
    if twice is not None:
        twice += loader.twice
    return found


_READERS: dict[str, Callable[[str], object]] = {
    ".toml": tomllib.loads,
    ".json": json.loads,
    ".py": python_values,
}


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


class _TypedLoader(_Loader):
    """Reads numbers only where they read back to the same text."""

    def number(self, node: yaml.ScalarNode) -> Json:
        """Read a number, or leave it as it was typed."""
        found = number_typed(node.value)
        return str(node.value) if found is None else found


for _tag in ("int", "float"):
    _TypedLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", _TypedLoader.number)


def parse_typed(text: str) -> TypedValue:
    """Read a param as it was typed; lists, mappings and quoted text as YAML writes them in a line.

    >>> parse_typed("3.10").value, parse_typed("1e-3"), parse_typed("'7'")
    ('3.10', TypedValue(value=0.001, text='1e-3'), TypedValue(value='7', text='7'))
    >>> parse_typed("[1, 2.50]").value, parse_typed("a: b # c").value
    ([1, '2.50'], 'a: b # c')
    """
    if text[:1] not in ("[", "{", "'", '"'):
        value = scalar_typed(text)
        return TypedValue(value, value if isinstance(value, str) else text)
    try:
        found = _line_typed(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return TypedValue(text, text)
    if isinstance(found, str) or (isinstance(found, dict) and ":" not in text):
        return TypedValue(found, found) if isinstance(found, str) else TypedValue(text, text)
    return TypedValue(found, text)


def _line_typed(text: str) -> Json:
    try:  # first JSON, whose text may have any character
        read = scalar_typed
        found = json.loads(text, parse_int=read, parse_float=read, parse_constant=str)
        return cast("Json", found)
    except ValueError:
        return cast("Json", _from_yaml(text, None, _TypedLoader))


def word_for(typed: TypedValue) -> str:
    """Write a value as a word that `parse_typed` reads as the same."""
    if parse_typed(typed.text).value == typed.value:
        return typed.text
    return json.dumps(typed.value, ensure_ascii=False)


class _Flat:
    """Nested values by dotted keys, as far as they have an end that is near."""

    def __init__(self) -> None:
        self.values: dict[str, Json] = {}
        self.clashes: list[str] = []
        self.endless: list[str] = []
        self._sizes: dict[int, float] = {}
        self._left = float(_MOST_VALUES)

    def walk(self, found: Mapping[str, Json], before: str, above: tuple[int, ...]) -> None:
        """Take in a mapping; *above* are the mappings that it is in."""
        for key, value in found.items():
            name = f"{before}{key}"
            if id(value) in above:
                self.endless.append(name)
            elif isinstance(value, dict) and value and self._size(value) <= self._left:
                self.walk(value, f"{name}.", (*above, id(value)))
            else:
                self._take(name, value)

    def _take(self, name: str, value: Json) -> None:
        size = self._size(value)
        if size > self._left:
            self.endless.append(name)
            return
        self._left -= size
        if name in self.values:
            self.clashes.append(name)
        self.values[name] = value

    def _size(self, value: Json) -> float:
        """Count the values in a value as if it were written out; each part is counted once."""
        if not isinstance(value, dict | list):
            return 1.0
        known = self._sizes.get(id(value))
        if known is None:
            self._sizes[id(value)] = inf  # whoever meets it below itself never ends
            parts = value.values() if isinstance(value, dict) else value
            known = self._sizes[id(value)] = 1.0 + sum(self._size(part) for part in parts)
        return known
