"""YAML as DVC reads and writes it: what ruamel says is what we say."""

from __future__ import annotations

import itertools
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML, YAMLError

from xvc.core.json_values import from_file
from xvc.system.value_files import read_nested
from xvc.system.yaml_text import BadYaml, edit_yaml, has_merge_marks, parse_yaml

_WORDS = st.sampled_from(
    [
        *("yes", "on", "12:30", "y", "no", "007", "1_000", "1e3", "0o7", "0x1f", ".5", "~", "null"),
        *("true", "=", "<<", "a: b", "a #b", "- x", "? x", "* x", "&x", "!x", "%x", "@x", "`x"),
        *("2024-01-01", "1.", "+1", "_1", "0b1", ".inf", ".nan", "1e", "a\tb", "a\u2028b", " a "),
        *("", "a, b", "[x]", "{x}", "'", '"', "\\", "über", "数据", "😀", "a\nb", "\ufeffa"),
        "x" * 100 + " y",
    ]
)
_NAMES = _WORDS | st.text(max_size=20)
_SCALARS = _NAMES | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none()
_DOCUMENTS = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


def _written(value: Any, *, is_flow: bool) -> str:
    stream = StringIO()
    writer = YAML()
    writer.default_flow_style = is_flow
    writer.dump({"root": value}, stream)
    return stream.getvalue()


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        keys = (str(k) if isinstance(k, date | tuple) else k for k in value)
        return dict(zip(keys, map(_as_json, value.values()), strict=True))
    if isinstance(value, list | set | tuple):
        return [_as_json(part) for part in value]
    return str(value) if isinstance(value, date | datetime) else value


@given(_DOCUMENTS, st.booleans())
def test_whatever_ruamel_writes_is_read_as_ruamel_reads_it(value: Any, is_flow: bool) -> None:
    """DVC writes with ruamel.yaml, so its files hold for us what they hold for DVC."""
    try:
        text = _written(value, is_flow=is_flow)
        expected = _as_json(YAML(typ="safe").load(text))
    except YAMLError:
        return  # ruamel cannot read what it wrote (lone surrogates)
    except UnicodeError:
        return

    assert repr(parse_yaml(text)) == repr(expected)


@given(_DOCUMENTS, st.booleans())
@example(".5e3", False)
@example("+_1", False)
@example("_1", False)
@example("0b", False)
@example("<<", True)
def test_a_file_of_values_is_read_as_ruamel_reads_it(value: Any, is_flow: bool) -> None:
    """Params and metrics are to a run what they are to a stage of DVC."""
    try:
        text = _written(value, is_flow=is_flow)
        expected = from_file(_as_json(YAML(typ="safe").load(text)))
    except (YAMLError, UnicodeError):
        return
    with TemporaryDirectory() as folder:
        place = Path(folder) / "params.yaml"
        place.write_bytes(text.encode())

        assert repr(dict(read_nested(place))) == repr(expected)


_PLAIN_WORDS = st.text("+-._0123456789eExobB~nulTtrFfasiINFA:=<", max_size=9)


@given(_PLAIN_WORDS)
@example(".5e3")
@example("1_0.5")
@example("-0o17")
@example("+_1")
@example("0b_1")
@example("1e")
def test_a_plain_word_is_to_every_reader_what_it_is_to_ruamel(word: str) -> None:
    """Whether a word is a number, a truth, nothing or text is one rule."""
    try:
        expected = from_file(_as_json(YAML(typ="safe").load(f"a: {word}")))
    except (YAMLError, ValueError, AttributeError, IndexError):
        return
    text = f"a: {word}"
    with TemporaryDirectory() as folder:
        place = Path(folder) / "params.yaml"
        place.write_text(text)

        assert repr(dict(read_nested(place))) == repr(expected)
    assert repr(parse_yaml(text)) == repr(_as_json(YAML(typ="safe").load(text)))


_LINES = st.lists(
    st.tuples(
        st.sampled_from(["", "  ", "    ", "- ", "  - "]),
        _WORDS | st.text("ab:-#'\"[]{},&*!|>% \t?=.0123456789xeo_", max_size=12),
        st.sampled_from(["", ":", ": ", ": x", ": |", ": >-", ":\n"]),
    ).map("".join),
    max_size=6,
).map("\n".join)


@given(_LINES)
@example("a: 1\na: 2")
@example("a: &x [1]\nb: *x")
@example("<<: {a: 1}\nb: 2")
@example("%YAML 1.1\n---\na: yes")
@example("? a\n: b")
@example("a: 2024-01-01")
@example("{a: 1, a: 2}")
def test_what_a_hand_wrote_is_read_as_ruamel_reads_it_or_refused_with_it(text: str) -> None:
    """A text that DVC refuses is refused, and one that it reads means the same."""
    try:
        expected = _as_json(YAML(typ="safe").load(text))
    except (
        YAMLError,
        AssertionError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RuntimeError,
    ):
        return  # refused by DVC; the reader may be kinder to a comment or a space
    try:
        found = parse_yaml(text)
    except BadYaml:
        pytest.fail(f"{text!r} is {expected!r} to DVC")

    assert repr(found) == repr(expected)


def test_a_mistake_names_its_line() -> None:
    """Whoever mends the file has to find the place."""
    for text, line in (
        ("a: 1\na: 2\n", 2),
        ("stages:\n\ttrain:\n", 2),
        (b"a: 1\n# caf\xe9\n", 2),
        ("a: 1\nb: [1}\n", 2),
    ):
        with pytest.raises(BadYaml) as caught:
            parse_yaml(text)
        assert caught.value.line == line, text

    assert has_merge_marks(b"a: 1\n<<<<<<< HEAD\nb: 1\n")


def test_an_edit_leaves_everything_else_as_it_was() -> None:
    """Comments, order, quotes and indents are the user's."""
    text = (
        "# top\nstages:\n    train:\n        cmd: 'python train.py'  # why\n"
        '        deps:\n            - a.csv\n            - "b.csv"\n        outs: [m.pkl, x]\n'
    )

    def change(held: Any) -> None:
        held["artifacts"] = {"digits": {"path": "yes"}}

    edited = edit_yaml(text, change)

    assert edited == text + "artifacts:\n    digits:\n        path: yes\n".replace("yes", "yes")
    assert parse_yaml(edited)["artifacts"] == {"digits": {"path": "yes"}}  # type: ignore[index,call-overload]
    assert edit_yaml("# only this", change).startswith("# only this\nartifacts:\n")


@pytest.mark.parametrize("link", ["[{}]", "{{<<: [{}]}}"])
def test_aliases_that_multiply_are_refused(link: str) -> None:
    """Ten lines that stand for ten billion values, as lists or as merged mappings."""
    names = "abcdefghijk"
    lines = ["a: &a {x: 1}"]
    for before, name in itertools.pairwise(names):
        lines.append(f"{name}: &{name} " + link.format(", ".join([f"*{before}"] * 10)))

    with pytest.raises(BadYaml, match="anchors make more than"):
        parse_yaml("\n".join(lines))
