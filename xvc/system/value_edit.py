"""Params set in a file: only the characters of the values that were asked for change.

Comments, order, quotes, anchors and how every other number is written stay, because nothing is
written anew. What was changed is read back, as YAML 1.1 and 1.2 read it, before it is returned: an
edit that would change any other value is refused. TOML goes through tomlkit, which keeps the rest.
"""

from __future__ import annotations

import ast
import json
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import cast

import yaml

from xvc.core.typed_value import TypedValue, is_equal
from xvc.errors import BadValue
from xvc.system.files import write_durably
from xvc.system.python_values import places_of, python_values
from xvc.system.value_files import place_in, reason_of_bad_file, yaml_loader
from xvc.types import Json

_PLAIN = re.compile(r"[A-Za-z_][\w./+-]*")
_WORD = re.compile(r"(?:[^\s,\[\]{}#&*!|>'\"%@`:?]|:(?=[^\s,\]}]))+")
_PROPERTIES = re.compile(r"(?:[&!]\S*[ \t\r\n]+)*")
_SPACE = re.compile(r"[ \t\r\n]*")
_EXPONENT = re.compile(r"(-?[0-9]+)(\.[0-9]+)?e([+-])([0-9]+)")


def edit_file(source: Path, target: Path, wanted: Mapping[str, TypedValue]) -> None:
    """Write *source* with other values into *target*, which may be the same file.

    A missing source is an empty one.

    Raises:
        BadValue: a key cannot be set without changing another, or the file cannot be read.
    """
    raw = source.read_bytes() if source.is_file() else b""
    try:
        text = raw.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as err:
        raise BadValue(source.name, str(err)) from err
    changed = edited(source.name, text, wanted)
    mark = b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b""
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = source.stat().st_mode & 0o777 if source.is_file() else 0o644
    write_durably(target, mark + changed.encode(), mode=mode)


def edited(name: str, text: str, wanted: Mapping[str, TypedValue]) -> str:
    r"""Return the text of a file in which dotted keys have other values.

    A key that is not there is added. Elements of lists are named by their number.

    Raises:
        BadValue: a key cannot be set without changing another, or *text* cannot be read.

    >>> edited("params.yaml", "lr: 0.1  # by hand\namp: no\n", {"lr": TypedValue(0.2, "0.2")})
    'lr: 0.2  # by hand\namp: no\n'
    """
    suffix = Path(name).suffix
    editor = _EDITORS.get(suffix, _edit_yaml)
    text = text if suffix != ".json" or text.strip() else "{}\n"
    changed = text
    for key, typed in wanted.items():
        try:
            changed = editor(changed, key, typed)
        except (yaml.YAMLError, ValueError, RecursionError) as err:
            raise BadValue(name, reason_of_bad_file(err)) from err
    _check(name, suffix, text, changed, wanted)
    return changed


@dataclass(slots=True)
class _Node:
    """A value in a text: where it stands, and what is in it."""

    kind: str
    start: int
    end: int
    text: str = ""
    is_plain: bool = False
    is_flow: bool = True
    parts: list[tuple[str, _Node]] = field(default_factory=list)
    first: int = 0
    """Where the first key of a mapping stands."""


def _found(node: _Node, key: str) -> list[_Node]:
    """Find the values that a dotted key names; keys may have dots in them."""
    found = []
    for name, part in node.parts:
        if name == key:
            found.append(part)
        elif key.startswith(f"{name}."):
            found += _found(part, key[len(name) + 1 :])
    return found


def _only(node: _Node, key: str) -> _Node | None:
    found = _found(node, key)
    if len(found) > 1:
        raise BadValue(key, "the file has two values of this name; give one of them another")
    return found[0] if found else None


def _nearest(node: _Node, key: str) -> tuple[_Node, str]:
    """Find the deepest mapping on the way to a missing key, and the rest of the key."""
    for name, part in node.parts:
        if key.startswith(f"{name}."):
            return _nearest(part, key[len(name) + 1 :])
    return node, key


def _nested(rest: str, typed: TypedValue) -> Json:
    """Put a value under the last of several keys."""
    value: Json = typed.value
    for name in reversed(rest.split(".")[1:]):
        value = {name: value}
    return value


def _edit_yaml(text: str, key: str, typed: TypedValue) -> str:
    root = _yaml_tree(text)
    if root is None:
        line = f"{_key(key)}: {_flow(_nested(key, typed))}{_line_end(text)}"
        return text + ("" if not text or text.endswith("\n") else _line_end(text)) + line
    node = _only(root, key)
    if node is not None:
        return text[: node.start] + _put(text, node, _written(node, typed)) + text[node.end :]
    place, rest = _nearest(root, key)
    new = f"{_key(rest)}: {_flow(_nested(rest, typed))}"
    if place.kind == "alias":
        raise BadValue(key, _shared(text[place.start : place.end]))
    if place.kind == "scalar" and place.is_plain and place.text in ("", "~", "null"):
        return text[: place.start] + _put(text, place, f"{{{new}}}") + text[place.end :]
    if place.kind != "map":
        raise BadValue(key, f"{key.removesuffix(rest).rstrip('.') or 'the file'} has no such part")
    if place.is_flow:
        rest_of = ", " if place.parts else ""
        return f"{text[: place.first]}{new}{rest_of}{text[place.first :]}"
    column = place.first - (text.rfind("\n", 0, place.first) + 1)
    return f"{text[: place.first]}{new}{_line_end(text)}{' ' * column}{text[place.first :]}"


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _shared(alias: str) -> str:
    return f"the file says it by {alias}, which others use; write the value out there first"


def _put(text: str, node: _Node, new: str) -> str:
    """Part a value from the colon before it, where an empty one or a block stood."""
    is_close = node.start > 0 and text[node.start - 1] in ":-?"
    return f" {new}" if is_close else new


def _key(rest: str) -> str:
    return _key_of(rest.partition(".")[0])


def _written(node: _Node, typed: TypedValue) -> str:
    """Write a value: as it was typed where it is then what the old one was, to both YAMLs."""
    if node.kind == "scalar" and node.is_plain and _WORD.fullmatch(typed.text):
        old, new = _kinds(node.text), _kinds(typed.text)
        if old == new and (new != ("text", "text") or _PLAIN.fullmatch(typed.text)):
            return typed.text
    return _flow(typed.value)


def _kinds(word: str) -> tuple[str, str]:
    """Say what a plain word is to YAML 1.2 and to YAML 1.1; a number is the same one to both."""
    values = [_plain_value(word, loader) for loader in (yaml_loader(), yaml.SafeLoader)]
    one, other = (_kind(value, word) for value in values)
    is_unclear = one == other == "number" and values[0] != values[1]
    return ("unclear", word) if is_unclear else (one, other)


def _plain_value(word: str, loader: type) -> object:
    try:
        return yaml.load(word, loader)  # noqa: S506 - both are safe loaders
    except (yaml.YAMLError, ValueError):
        return _MISSING


def _kind(value: object, word: str) -> str:
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, int | float) else "text" if value == word else "other"


def _reads(word: str) -> bool:
    """Whether both YAMLs read a plain word as text."""
    return _kinds(word) == ("text", "text")


def _flow(value: Json) -> str:
    """Write a value in a line, so that YAML 1.1 and 1.2 read the same."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key_of(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, float):
        return _float(repr(value))
    return _key_of(value) if isinstance(value, str) else json.dumps(value)


def _key_of(name: str) -> str:
    is_plain = _PLAIN.fullmatch(name) is not None and _reads(name)
    return name if is_plain else json.dumps(name, ensure_ascii=not name.isprintable())


def _float(text: str) -> str:
    """YAML 1.1 wants a point before the exponent."""
    found = _EXPONENT.fullmatch(text)
    if found is None:
        return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(text, text)
    return f"{found[1]}{found[2] or '.0'}e{found[3]}{found[4]}"


def _yaml_tree(text: str) -> _Node | None:
    events = iter(yaml.parse(text, yaml_loader()))
    for event in events:
        if isinstance(event, yaml.MappingStartEvent):
            return _read_node(text, event, events)
        if isinstance(event, yaml.ScalarEvent) and event.value == "":
            return None
        if isinstance(event, yaml.SequenceStartEvent | yaml.ScalarEvent):
            raise ValueError("it holds no names with values")
    return None


def _read_node(text: str, event: yaml.Event, events: Iterator[yaml.Event]) -> _Node:
    start, end = _index(event.start_mark), _index(event.end_mark)
    if isinstance(event, yaml.AliasEvent):
        return _Node("alias", start, end)
    found = _PROPERTIES.match(text, start, end)
    start = found.end() if found else start  # an anchor before a value stays: others may name it
    if isinstance(event, yaml.ScalarEvent):
        end = start + len(text[start:end].rstrip())
        return _Node(
            kind="scalar",
            start=start,
            end=end,
            text=event.value,
            is_plain=event.style in (None, ""),
        )
    kind = "map" if isinstance(event, yaml.MappingStartEvent) else "seq"
    node = _Node(kind, start, end, is_flow=bool(getattr(event, "flow_style", True)), first=end)
    for inner in events:
        if isinstance(inner, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            last = max([node.start, *(part.end for _, part in node.parts)])
            node.end = _index(inner.end_mark) if node.is_flow else last
            return node
        if kind == "seq":
            node.parts.append((str(len(node.parts)), _read_node(text, inner, events)))
            continue
        if not node.parts and not node.is_flow:
            node.first = node.start = _index(inner.start_mark)
        name = _read_node(text, inner, events)
        value = _read_node(text, next(events), events)
        node.parts.append((_name(name), _from_its_key(text, name, value)))
    raise ValueError("it ends too early")


def _index(mark: object) -> int:
    return int(getattr(mark, "index"))  # noqa: B009 - the stubs say that there may be no mark


def _from_its_key(text: str, key: _Node, value: _Node) -> _Node:
    """Let a block begin behind the colon: what replaces it stands in the line of its key."""
    between = text[key.end : value.start]
    if value.is_flow or value.kind not in ("map", "seq") or between.strip() != ":":
        return value
    return replace(value, start=key.end + between.index(":") + 1)


def _name(key: _Node) -> str:
    if key.kind != "scalar":
        return "\0"  # nobody can name it
    if key.is_plain and key.text == "<<":  # what it merges in, the mapping's own keys overrule
        return key.text
    if not key.is_plain:
        return key.text
    return str(yaml.load(key.text, yaml_loader()))  # noqa: S506 - it is a safe loader


def _edit_json(text: str, key: str, typed: TypedValue) -> str:
    root = _json_node(text, _space(text, 0))
    node = _only(root, key)
    if node is not None:
        new = _json_text(text[node.start : node.end], typed)
        return text[: node.start] + new + text[node.end :]
    place, rest = _nearest(root, key)
    if place.kind != "map":
        raise BadValue(key, "the file has no such part")
    name = json.dumps(rest.partition(".")[0], ensure_ascii=False)
    after = ", " if place.parts else ""
    new = f"{name}: {json.dumps(_nested(rest, typed), ensure_ascii=False)}{after}"
    return f"{text[: place.first]}{new}{text[place.first :]}"


def _json_text(old: str, typed: TypedValue) -> str:
    kinds = [_json_kind(word) for word in (old, typed.text)]
    if kinds == ["number", "number"]:
        return typed.text
    return json.dumps(typed.value, ensure_ascii=False)


def _json_kind(word: str) -> str:
    try:
        value = json.loads(word)
    except ValueError:
        return "none"
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else "other"


def _space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _json_node(text: str, at: int) -> _Node:
    _, end = json.JSONDecoder().raw_decode(text, at)
    kind = {"{": "map", "[": "seq"}.get(text[at], "scalar")
    node = _Node(kind, at, end, first=at + 1)
    if kind == "scalar":
        return node
    at = _space(text, at + 1)
    while text[at] not in "]}":
        name = str(len(node.parts))
        if kind == "map":
            name, at = json.JSONDecoder().raw_decode(text, at)
            at = _space(text, text.index(":", at) + 1)
        part = _json_node(text, at)
        node.parts.append((name, part))
        at = _space(text, part.end)
        at = _space(text, at + 1) if text[at] == "," else at
    return node


def _edit_toml(text: str, key: str, typed: TypedValue) -> str:
    import tomlkit  # late: 30 ms, for TOML alone
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        held = _toml_holders(document, key)
        if len(held) > 1:
            raise BadValue(key, "the file has two values of this name; give one of them another")
        if typed.value is None:
            raise BadValue(key, "TOML has no null")
        place, name = held[0] if held else _toml_place(document, key)
        old = place[name] if held else None  # type: ignore[index]
        new = _toml_word(typed.text)
        is_same_kind = _toml_kind(old) is not None and _toml_kind(old) is _toml_kind(new)
        place[name] = tomlkit.value(typed.text) if is_same_kind else typed.value  # type: ignore[index]
        return tomlkit.dumps(document)
    except TOMLKitError as err:
        raise ValueError(str(err)) from err


def _toml_word(text: str) -> object:
    """Read a word as TOML does; None where it is none, or would be more than one value."""
    import tomllib  # late: as above

    try:
        read = tomllib.loads(f"x = {text}")
    except (ValueError, RecursionError):
        return None
    return read["x"] if len(read) == 1 else None


def _toml_kind(value: object) -> type | None:
    """Which kind of value is written as it was typed: a number, a date, or a time."""
    kinds = (datetime, date, time, bool)
    found = next((kind for kind in kinds if isinstance(value, kind)), None)
    return found or (float if isinstance(value, int | float) else None)


def _toml_holders(held: object, key: str) -> list[tuple[object, str | int]]:
    if isinstance(held, list):
        head, _, rest = key.partition(".")
        if (place := place_in(held, head)) is None:
            return []
        return _toml_holders(held[place], rest) if rest else [(held, place)]
    found: list[tuple[object, str | int]] = []
    for name in held if isinstance(held, Mapping) else ():
        if name == key:
            found.append((held, str(name)))
        elif key.startswith(f"{name}."):
            found += _toml_holders(held[name], key[len(name) + 1 :])  # type: ignore[index]
    return found


def _toml_place(held: object, key: str) -> tuple[object, str]:
    import tomlkit  # late: as above

    if not isinstance(held, Mapping):
        raise BadValue(key, "the file has no such part")
    for name in held:
        if key.startswith(f"{name}."):
            return _toml_place(held[name], key[len(name) + 1 :])
    *above, last = key.split(".")
    place: object = held
    for name in above:
        place[name] = tomlkit.table()  # type: ignore[index]
        place = place[name]  # type: ignore[index]
    return place, last


def _edit_python(text: str, key: str, typed: TypedValue) -> str:
    found = places_of(text, key)
    if len(found) > 1:
        raise BadValue(key, "the file has two values of this name; give one of them another")
    if not found:
        raise BadValue(key, "the file assigns no value to this name")
    ((start, end),) = found
    return text[:start] + _python_text(typed) + text[end:]


def _python_text(typed: TypedValue) -> str:
    """Write a number as it was typed where Python reads it as the same one."""
    with suppress(ValueError, SyntaxError):
        if is_equal(cast("Json", ast.literal_eval(typed.text)), typed.value):
            return typed.text
    return repr(typed.value)


_EDITORS = {".json": _edit_json, ".toml": _edit_toml, ".py": _edit_python}


def _check(
    name: str, suffix: str, before: str, after: str, wanted: Mapping[str, TypedValue]
) -> None:
    """Refuse an edit that has changed more than it should, or not what it should."""
    for number, read in enumerate(_readers(suffix)):
        try:
            old = read(before)
        except (yaml.YAMLError, ValueError, RecursionError) as err:
            if number:  # YAML 1.1 cannot read it, as a date that there is not
                continue
            raise BadValue(name, reason_of_bad_file(err)) from err
        try:
            new = read(after)
        except (yaml.YAMLError, ValueError, RecursionError) as err:
            raise BadValue(name, f"{', '.join(wanted)} cannot be set; edit the file") from err
        strayed = _Comparison(tuple(wanted)).first(old or {}, new or {}, "")
        if strayed is not None:
            raise BadValue(
                name,
                f"to set {', '.join(wanted)} would change {strayed} as well; "
                "write out what they share there first",
            )
    new = _readers(suffix)[0](after)
    for key, typed in wanted.items():
        said = [*_values(new, key)]
        is_set = any(is_equal(cast("Json", value), typed.value) for value in said)
        if not is_set and not _is_as_typed(suffix, said, typed):
            raise BadValue(key, f"it cannot be set in {name}; edit the file")


def _is_as_typed(suffix: str, said: Sequence[object], typed: TypedValue) -> bool:
    """Whether a file says what the typed text is to it, as a date or ``0x20``."""
    word = _toml_word(typed.text) if suffix == ".toml" else _plain_value(typed.text, yaml_loader())
    return any(type(value) is type(word) and value == word for value in said)


def _values(held: object, key: str) -> Iterator[object]:
    pairs: Iterable[tuple[object, object]] = held.items() if isinstance(held, Mapping) else ()
    for name, value in enumerate(held) if isinstance(held, list) else pairs:
        if str(name) == key:
            yield value
        elif key.startswith(f"{name}."):
            yield from _values(value, key[len(str(name)) + 1 :])


def _readers(suffix: str) -> list[Callable[[str], object]]:
    import tomllib  # late: for TOML alone

    if suffix == ".json":
        return [json.loads]
    if suffix == ".toml":
        return [tomllib.loads]
    if suffix == ".py":
        return [python_values]
    return [partial(yaml.load, Loader=each) for each in (yaml_loader(), yaml.SafeLoader)]


class _Comparison:
    """Two readings of a file, which may differ at some keys alone."""

    def __init__(self, wanted: tuple[str, ...]) -> None:
        self._wanted = wanted
        self._same: set[tuple[int, int]] = set()

    def first(self, one: object, other: object, key: str) -> str | None:
        """Return the first key whose value differs, beside those that were wanted."""
        if key and key in self._wanted:
            return None
        is_above = not key or any(each.startswith(f"{key}.") for each in self._wanted)
        if not is_above and (id(one), id(other)) in self._same:
            return None
        if isinstance(one, dict) and isinstance(other, dict):
            names = [*one, *(name for name in other if name not in one)]
            pairs = [(name, one.get(name, _MISSING), other.get(name, _MISSING)) for name in names]
        elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
            pairs = [(n, *both) for n, both in enumerate(zip(one, other, strict=True))]
        elif is_above and one in (_MISSING, None):
            return None  # what leads to a new key
        else:
            is_same = type(one) is type(other) and (one == other or repr(one) == repr(other))  # NaN
            return None if is_same else key
        if not is_above:
            self._same.add((id(one), id(other)))
        below = (self.first(a, b, f"{key}.{name}" if key else str(name)) for name, a, b in pairs)
        return next((found for found in below if found is not None), None)


_MISSING = object()
