"""Params files of any shape are read in bounded time, and changed only where it was asked for."""

from __future__ import annotations

import difflib
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.typed_value import TypedValue
from xvc.errors import BadValue
from xvc.system.value_edit import edited
from xvc.system.value_files import parse_typed, read_told, read_values, yaml_loader

HAND_WRITTEN = """\
# tuned by hand, do not touch
lr: 0.1
amp: no          # PyYAML: False
started: 2024-01-01
window: 12:30
zip: 0123
eps: 1e-8
seed: 0o17
weights: &w {w1: 1, w2: 2}
loss: {params: {weights: *w}}
layers:
  0: {units: 8}
  1: {units: 4}
rates:
- 0.10
-   0.20   # slow
empty:
text: |
  two
  lines
version: "3.9"
"a.b": 1
"""


def multiplied(how: str, times: int) -> str:
    lines = ["lr: 0.1", "a0: &a0 {x: 1, y: 2}"]
    for number in range(1, times):
        alias = f"*a{number - 1}"
        parts = {
            "list": f"[{', '.join([alias] * 9)}]",
            "merge": f"{{<<: [{', '.join([alias] * 9)}]}}",
        }
        parts["map"] = "{" + ", ".join(f"k{n}: {alias}" for n in range(9)) + "}"
        lines.append(f"a{number}: &a{number} {parts[how]}")
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        *(multiplied(how, 30) for how in ("list", "merge", "map")),
        "a: &a\n  b: *a\nlr: 0.1\n",
        "a: &a [1, *a]\nlr: 0.1\n",
        "a: &a [&b [*a, *b], *b]\nlr: 0.1\n",
        f"lr: 0.1\nn: {'9' * 9000}\n",
    ],
)
def test_what_has_no_end_is_left_out(tmp_path: Path, text: str) -> None:
    """Anchors that multiply or name themselves cost their own keys, in little time and space."""
    (tmp_path / "params.yaml").write_text(text)
    begun = time.process_time()

    found = read_told(tmp_path / "params.yaml")

    assert time.process_time() - begun < 10
    assert found.values["lr"] == 0.1
    assert len(repr(found.values)) < 10_000_000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: " + "[" * 100_000, "nesting"),
        ("a:\n\tlr: 1\n", "line 2"),
        ("a: &a {<<: *a, b: *a}\n- x\n", "line"),
        ("lr: 1\n---\nlr: 2\n", "another document"),
        ("- a\n", "no names"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, text: str, says: str) -> None:
    """A broken file is one error that says where."""
    (tmp_path / "params.yaml").write_text(text)

    with pytest.raises(BadValue, match=says):
        read_told(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("text", "values", "told"),
    [
        ("lr: 1\nlr: 2\n", {"lr": 2}, "lr stands twice"),
        ("a.b: 1\na:\n  b: 2\n", {"a.b": 2}, "a.b is the name of two"),
        ("1: a\ntrue: b\n? [x, y]\n: c\n", {"1": "b", "['x', 'y']": "c"}, "true stands twice"),
        ("\ufeffb: 007\nh: 0o14\nf: 1_000\n", {"b": 7, "h": 12, "f": 1000}, ""),
    ],
)
def test_clashing_keys_are_told(
    tmp_path: Path, text: str, values: dict[str, object], told: str
) -> None:
    """The last of two counts, as it does for who reads the file, and both are named."""
    (tmp_path / "params.yaml").write_text(text)

    found = read_told(tmp_path / "params.yaml")

    assert dict(found.values) == values
    assert told in " ".join(found.warnings)


def change(text: str, key: str, word: str, name: str = "params.yaml") -> list[str]:
    after = edited(name, text, {key: parse_typed(word)})
    lines = difflib.unified_diff(text.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


@pytest.mark.parametrize(
    ("key", "word", "line"),
    [
        ("lr", "0.20", "lr: 0.20"),
        ("lr", "1e-3", "lr: 0.001"),
        ("lr", "1e-05", "lr: 1.0e-05"),
        ("lr", "adam", "lr: adam"),
        ("amp", "yes", "amp: yes          # PyYAML: False"),
        ("window", "13:30", "window: 13:30"),
        ("zip", "00012", 'zip: "00012"'),
        ("layers.0.units", "99", "  0: {units: 99}"),
        ("rates.1", "0.30", "-   0.30   # slow"),
        ("loss.params.weights", "3", "loss: {params: {weights: 3}}"),
        ("loss.params.lr", "1", "loss: {params: {lr: 1, weights: *w}}"),
        ("empty", "5", "empty: 5"),
        ("empty.a.b", "5", "empty: {a: {b: 5}}"),
        ("version", "3.10", 'version: "3.10"'),
        ("a.b", "5", '"a.b": 5'),
        ("new.x", "yes", 'new: {x: "yes"}'),
    ],
)
def test_one_line_changes(key: str, word: str, line: str) -> None:
    """Comments, order, quotes and how other numbers are written stay as they were."""
    added = [each[1:] for each in change(HAND_WRITTEN, key, word) if each.startswith("+")]

    assert added == [line]


@pytest.mark.parametrize(
    "key", ["weights", "weights.w1", "loss.params.weights.w1", "rates.9", "lr.x"]
)
def test_an_edit_that_strays_is_refused(key: str) -> None:
    """What others share, or what is not there, is not changed."""
    with pytest.raises(BadValue):
        edited("params.yaml", HAND_WRITTEN, {key: TypedValue(5, "5")})


def test_json_and_toml_keep_their_shape() -> None:
    """A number keeps its text, tabs and comments stay, keys of both are added."""
    text = '{\n\t"lr": 0.10,\n "big": 12345678901234567890, "l": [1, {"x": 1e-8}]\n}\n'
    toml = '# c\nlr = 0.10 # keep\n[train]\nopt = "adam" # x\n[[s]]\na = 1_000\n'

    assert change(text, "lr", "0.20", "p.json") == ['-\t"lr": 0.10,', '+\t"lr": 0.20,']
    assert change(text, "l.1.x", "2", "p.json")[1].endswith('"l": [1, {"x": 2}]')
    assert change(toml, "lr", "0.20", "p.toml") == ["-lr = 0.10 # keep", "+lr = 0.20 # keep"]
    assert change(toml, "s.0.a", "5", "p.toml") == ["-a = 1_000", "+a = 5"]
    assert change(toml, "train.new", "true", "p.toml") == ["+new = true"]


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("p.toml", "x = 2024-01-02", "2024-02-03"),
        ("p.toml", "x = 07:32:00", "08:00:00"),
        ("p.toml", "x = 2024-01-02T07:32:00Z", "2024-02-03T08:00:00Z"),
        ("p.toml", "x = 2_000", "3_000"),
        ("p.toml", "x = 0x20", "0x40"),
        ("p.toml", "x = 1_000.5", "3.10"),
        ("p.toml", "x = 0.1", "1e-3"),
        ("p.yaml", "x: 0x20", "0x40"),
        ("p.yaml", "x: 0.1", "3.10"),
        ("p.yaml", "x: 2024-01-02", "2024-02-03"),
        ("p.py", "x = 0x20", "0x40"),
    ],
)
def test_a_value_of_the_same_kind_stays_as_typed(name: str, text: str, word: str) -> None:
    """A date stays a date, a number one, in whatever way the file's language writes them."""
    old = text[4 if "=" in text else 3 :]

    assert change(text, "x", word, name) == [f"-{text}", f"+{text.replace(old, word)}"]


def test_what_is_another_kind_is_text() -> None:
    """It cannot become more than one value of the file either."""
    assert change("x = 2_000", "x", "2024-01-02", "p.toml")[1] == '+x = "2024-01-02"'
    assert change("x = 2000", "x", "1\ny = 2", "p.toml")[1] == '+x = "1\\ny = 2"'


def test_an_empty_file_of_json_is_none_of_values() -> None:
    """It gets its first; one that is broken is told by its line, in our words."""
    assert edited("p.json", " \n", {"lr": parse_typed("1")}) == '{"lr": 1}\n'
    with pytest.raises(BadValue, match="line 2: it is no JSON: "):
        edited("p.json", '{"a":\n}', {"a": parse_typed("1")})


KEYS = st.sampled_from(["lr", "wd", "yes", "n", "1", "a-b", "no"])
LEAVES = (
    st.integers(-9, 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["adam", "no", "1e-3", "12:30", "0o7", "a b", "# x", "", "2024-01-01", "é"])
    | st.booleans()
    | st.none()
)
FILES = st.dictionaries(
    KEYS,
    st.recursive(
        LEAVES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=6,
    ),
    min_size=1,
    max_size=4,
)


@given(FILES, st.booleans(), LEAVES, st.data())
def test_an_edit_changes_one_value(
    held: dict[str, object], flow: bool, value: object, data: st.DataObject
) -> None:
    """Whatever a file holds: what is asked for is set, and both YAMLs read all else as before."""
    text = yaml.safe_dump(held, default_flow_style=flow, allow_unicode=True)
    key = data.draw(st.sampled_from(sorted(held)))
    for loader in (yaml_loader(), yaml.SafeLoader):
        assert len(yaml.load(text, loader)) == len(held)

    after = edited("params.yaml", text, {key: TypedValue.of(value)})  # type: ignore[arg-type]

    for loader in (yaml_loader(), yaml.SafeLoader):
        old, new = yaml.load(text, loader), yaml.load(after, loader)
        names = [name for name in new if str(name) != key]
        assert [repr(new[name]) for name in names] == [
            repr(old[name]) for name in old if str(name) != key
        ]
    assert repr(yaml.load(after, yaml_loader())[key if key != "1" else "1"]) == repr(value)


PYTHON = """\
# tuned by hand: ü
import os
LR = 0.1  # of the paper
SIZES = [8, {"last": 2}]
HOME = os.environ
A = B = 1

class Train:
    epochs: int = 3
    name = 'net'

    def __init__(self, other):
        self.decay = -1e-4
        self.other = other
"""


def test_a_python_file_is_read_as_dvc_reads_it(tmp_path: Path) -> None:
    """Names, classes and what `__init__` sets; what is computed is no value, and nothing runs."""
    file = tmp_path / "params.py"
    file.write_text(PYTHON)

    assert read_values(file) == {
        "LR": 0.1,
        "SIZES": [8, {"last": 2}],
        "Train.epochs": 3,
        "Train.name": "net",
        "Train.decay": -1e-4,
    }


def test_a_value_of_a_python_file_is_set_where_it_stands() -> None:
    """Only its characters change; what is computed, or not there, is refused."""
    wanted = {
        "LR": parse_typed("3e-2"),
        "SIZES.1.last": parse_typed("[1, 2]"),
        "Train.name": parse_typed("deep net"),
    }

    changed = edited("params.py", PYTHON, wanted)

    expected = PYTHON.replace("0.1", "3e-2").replace('"last": 2', '"last": [1, 2]')
    assert changed == expected.replace("'net'", "'deep net'")
    for key in ("HOME", "A", "Train.other", "nothing"):
        with pytest.raises(BadValue):
            edited("params.py", PYTHON, {key: parse_typed("2")})


def test_a_key_that_is_merged_in_is_set_beside(tmp_path: Path) -> None:
    """What `<<` brings from elsewhere is overruled in its place; the others that share it stay."""
    text = "base: &base {lr: 0.1, bs: 32}\ntrain:\n  <<: *base\n  epochs: 3\n"

    changed = edited("params.yaml", text, {"train.lr": parse_typed("0.2")})

    assert yaml.safe_load(changed) == {
        "base": {"lr": 0.1, "bs": 32},
        "train": {"lr": 0.2, "bs": 32, "epochs": 3},
    }
    assert changed.replace("lr: 0.2\n  ", "") == text
