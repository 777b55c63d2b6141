"""YAML 1.2 as DVC reads and writes it: ``yes``, ``on`` and ``12:30`` are text.

DVC uses ruamel.yaml. Its parser is written in Python and slow, so PyYAML's C parser reads all
that both read alike, with ruamel's rules for plain words; ruamel reads the rest.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Callable, MutableMapping
from typing import Any, cast

import yaml

from xvc.core.late_pattern import late
from xvc.core.yaml_aliases import is_multiplied
from xvc.types import Json

_MARKS = late(r"^(?:<<<<<<<|>>>>>>>) ", re.MULTILINE)
# Directives, tags, anchors, aliases, complex keys, tabs and unusual line ends: for ruamel.
_UNCOMMON = late(
    r"^%|^\s*\?|(?:^|[-:,?\[{]\s|[\[{,])\s*[&*!?]|<<|[\t\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff]"
    r"|[\x00-\x09\x0b-\x1f]|[:-]\s+=\s*$",
    re.MULTILINE,
)


class BadYaml(ValueError):
    """A text is not YAML; ``line`` counts from 1, 0 where nobody knows."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.reason, self.line = reason, line


class PlainWords(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """PyYAML's loader, with ruamel's rules for what a plain word is: those of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, object] = {}  # noqa: RUF012 - PyYAML reads it from the class

    def integer(self, node: yaml.ScalarNode) -> Json:
        """Read an integer by YAML 1.2: ``010`` is ten, ``0o10`` is eight.

        Raises:
            ValueError: it has no digits.
        """
        text = str(self.construct_scalar(node)).replace("_", "")
        sign, digits = (-1 if text.startswith("-") else 1), text.lstrip("+-")
        base = {"0b": 2, "0o": 8, "0x": 16}.get(digits[:2], 10)
        return sign * int(digits if base == 10 else digits[2:], base)


class _Loader(PlainWords):
    """Refuses double keys as ruamel does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        found = super().construct_mapping(node, deep=deep)
        if len(found) != len(node.value):
            seen = set[object]()
            for key_node, _ in node.value:
                key = self.construct_object(key_node, deep=True)
                if key in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key!r} stands there twice", key_node.start_mark
                    )
                seen.add(key)
        return cast("dict[Any, Any]", found)


for _tag, _shape, _first in (
    ("bool", "true|True|TRUE|false|False|FALSE", list("tTfF")),
    (
        "float",
        r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
        r"|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+0123456789."),
    ),
    (
        "int",
        "[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+",
        list("-+0123456789"),
    ),
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    PlainWords.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_shape})$"), _first
    )
PlainWords.add_constructor("tag:yaml.org,2002:int", PlainWords.integer)


def parse_yaml(text: str | bytes) -> Json:
    """Read YAML as DVC does; dates stay text, because JSON has none.

    >>> parse_yaml("yes: 12:30"), parse_yaml(b"- 0o10")
    ({'yes': '12:30'}, [8])

    Raises:
        BadYaml: it is not UTF-8 or not YAML, or a key stands there twice.
    """
    words = _decoded(text)
    if not _UNCOMMON.search(words):
        with contextlib.suppress(yaml.YAMLError, ValueError, RecursionError):
            return cast("Json", yaml.load(words, _Loader))  # noqa: S506 - it is a safe loader
    return _parse_slowly(words)  # which says what is wrong, too


def has_merge_marks(text: str | bytes) -> bool:
    """Whether a text holds the marks of an unfinished merge at the start of a line."""
    words = text if isinstance(text, str) else text.decode("utf-8", "replace")
    return _MARKS.search(words) is not None


def edit_yaml(text: str, change: Callable[[MutableMapping[str, Any]], None]) -> str:
    """Change a YAML mapping in place, as DVC does: comments, order and quotes stay.

    Raises:
        BadYaml: *text* is not YAML, or no mapping.
    """
    from ruamel.yaml import YAML  # late: 40 ms, for what edits files alone
    from ruamel.yaml.compat import StringIO
    from ruamel.yaml.error import YAMLError

    editor = YAML()
    editor.default_flow_style = False
    editor.preserve_quotes = True
    editor.width = 4096
    mapping, offset = _indents(text)
    editor.indent(mapping=mapping, sequence=offset + 2, offset=offset)
    try:
        held = editor.load(text) if text.strip() else None
    except YAMLError as err:
        raise _problem(err) from err
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as err:
        raise BadYaml(str(err) or type(err).__name__, 0) from err  # as below
    if held is None:
        held = editor.map()
        text = text if not text or text.endswith("\n") else f"{text}\n"
    else:
        text = ""
    if not isinstance(held, MutableMapping):
        raise BadYaml("it holds no names with values", 1)
    change(held)
    stream = StringIO()
    editor.dump(held, stream)
    return text + stream.getvalue()


def _indents(text: str) -> tuple[int, int]:
    """Find how deep a file indents what is in a mapping, and a list in it."""
    found = re.search(
        r"^[^\s#-][^\n]*:[ ]*(?:#[^\n]*)?\n(?:[ ]*(?:#[^\n]*)?\n)*([ ]+)[^\s#-]", text, re.M
    )
    mapping = len(found[1]) if found else 2
    listed = re.search(r"^([ ]*)[^\s#-][^\n]*:[ ]*(?:#[^\n]*)?\n([ ]*)- ", text, re.M)
    offset = max(0, len(listed[2]) - len(listed[1])) if listed else 0
    return mapping, offset


def _decoded(text: str | bytes) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as err:
        raise BadYaml("it is not UTF-8", text[: err.start].count(b"\n") + 1) from err


MOST_VALUES = 200_000
"""What a file of settings, a pointer or a pipeline may hold, when every alias is written out."""


def _parse_slowly(text: str) -> Json:
    from ruamel.yaml import YAML  # late: as above
    from ruamel.yaml.error import YAMLError

    try:
        with warnings.catch_warnings(action="ignore"):  # an anchor that is used twice
            if "*" in text and is_multiplied(YAML(typ="safe").compose(text), MOST_VALUES):
                raise BadYaml(f"its anchors make more than {MOST_VALUES:,} values of it", 0)
            return _without_dates(YAML(typ="safe").load(text), set())
    except YAMLError as err:
        raise _problem(err) from err
    except RecursionError as err:
        raise BadYaml("it is nested too deeply", 0) from err
    except BadYaml:
        raise
    except (ValueError, TypeError, AttributeError, LookupError, AssertionError) as err:
        raise BadYaml(str(err) or type(err).__name__, 0) from err  # odd tags and numbers


def _without_dates(value: Any, above: set[int]) -> Json:
    if isinstance(value, dict | list | set | tuple):
        if id(value) in above:
            raise BadYaml("a value contains itself", 0)
        inside = above | {id(value)}
        if isinstance(value, dict):
            pairs = ((_key(key), _without_dates(part, inside)) for key, part in value.items())
            return dict(pairs)
        return [_without_dates(part, inside) for part in value]
    return cast("Json", value) if value is None or isinstance(value, _PLAIN) else str(value)


def _key(key: Any) -> Any:
    return key if key is None or isinstance(key, _PLAIN) else str(key)


_PLAIN = (bool, int, float, str)


def _problem(err: Exception) -> BadYaml:
    mark = getattr(err, "problem_mark", None) or getattr(err, "context_mark", None)
    words = getattr(err, "problem", None) or str(err)
    return BadYaml(str(words).splitlines()[0], mark.line + 1 if mark is not None else 0)


def dumped(value: object) -> str:
    """Write a value as YAML that 1.1 and 1.2 read alike: keys sorted, text that looks else quoted.

    >>> print(dumped({"lr": 1e-5, "at": "12:30", "on": "yes"}), end="")
    at: '12:30'
    lr: 1.0e-05
    'on': 'yes'
    """
    return str(yaml.safe_dump(value, allow_unicode=True, default_flow_style=False, width=10_000))
