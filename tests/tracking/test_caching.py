"""The function cache: a hit is the same function on the same content, and nothing else is."""

from __future__ import annotations

import functools
import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from xvc import File, Tracker
from xvc.core.cache_entry import CachedCall, Called, explained
from xvc.system.result_cache import Cache, NoEntry
from xvc.tracking.caching import (
    Hit,
    Miss,
    cached_call,
    delete_cache_by_track_id,
    lookup,
    read_cache,
    scan_cache,
)
from xvc.tracking.canonical import Unkeyable
from xvc.types import Nanoseconds


@pytest.fixture
def tracker(tmp_path: Path) -> Iterator[Tracker]:
    """A tracker with a cache, its own folder, outside git."""
    with Tracker(tmp_path / "t.duckdb", cache=tmp_path / "cache", git_root=tmp_path) as made:
        yield made


def call(tracker: Tracker, function: Any, *args: Any, params: Any = None, **kwargs: Any) -> Any:
    """Call through the cache; returns the result and whether it was a hit."""
    result, run = cached_call(
        tracker, function, args, kwargs, params or {}, lambda: function(*args, **kwargs)
    )
    assert run in ("", tracker.track_id)
    return result, run != ""


def is_hit(tracker: Tracker, function: Any, *args: Any, **kwargs: Any) -> bool:
    return bool(call(tracker, function, *args, **kwargs)[1])


def power(x: int, y: int = 10) -> int:
    """The seed's expensive computation."""
    return x**y


class Config:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and self.value == other.value


class Scaler:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    def scale(self, x: int) -> int:
        return x * self.factor

    @staticmethod
    def plain(x: int) -> int:
        return x


@dataclass(frozen=True, slots=True)
class Training:
    learning_rate: float
    model_name: str
    optimizer: str = "adam"


def describe(config: Any) -> str:
    return f"{config.value}"


def total(values: list[int]) -> int:
    values.append(sum(values))
    return values[-1]


def test_the_second_call_takes_the_result_of_the_first(tracker: Tracker) -> None:
    """The run that computed it comes along; other arguments are computed."""
    first = cached_call(tracker, power, [2, 10], {}, {}, lambda: 1024)
    second = cached_call(tracker, power, [2, 10], {}, {}, lambda: 1 / 0)

    assert (first, second) == ((1024, ""), (1024, tracker.track_id))
    assert not is_hit(tracker, power, 3, 10)


def test_a_call_is_one_however_it_is_written(tracker: Tracker) -> None:
    """By place, by name, or by default."""
    call(tracker, power, 2, 10)

    assert is_hit(tracker, power, x=2, y=10)
    assert is_hit(tracker, power, 2)
    assert is_hit(tracker, power, y=10, x=2)


def test_types_of_arguments_count(tracker: Tracker) -> None:
    """One, one as a float and true are three calls."""
    assert [is_hit(tracker, power, x) for x in (1, 1.0, True, 1)] == [False, False, False, True]


def test_params_count(tracker: Tracker) -> None:
    """The call's own and those of the tracker, as one mapping."""
    call(tracker, power, 2)

    assert not is_hit(tracker, power, 2, params={"model": "v2"})
    assert is_hit(tracker, power, 2, params={"model": "v2"})
    tracker.set_param("model", "v2")
    assert is_hit(tracker, power, 2)


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        (describe, lambda: Config("production")),
        (describe, lambda: Config({"a": [1, {2}]})),
        (repr, lambda: Training(0.001, "bert")),
        (sorted, lambda: [3, 1]),
        (sorted, lambda: {"b": 1, "a": 2}),
        (Scaler(2).scale, lambda: 3),
        (Scaler.plain, lambda: 3),
        (functools.partial(power, y=3), lambda: 2),
        (lambda x: x, lambda: (1, (2,))),
    ],
)
def test_content_is_what_is_keyed(
    tracker: Tracker, function: Any, argument: Callable[[], Any]
) -> None:
    """Objects of equal content are one call, whatever their identity or hash."""
    first = call(tracker, function, argument())

    assert call(tracker, function, argument()) == (first[0], True)


def test_the_state_of_an_object_counts_for_its_methods(tracker: Tracker) -> None:
    """A method of an object with other content is another call."""
    scaler = Scaler(2)
    call(tracker, scaler.scale, 3)
    scaler.factor = 3

    assert call(tracker, scaler.scale, 3) == (9, False)


def test_an_argument_counts_as_it_was_before_the_call(tracker: Tracker) -> None:
    """A function that changes its argument hits for the old content, and only for that."""
    values = [1, 2]
    call(tracker, total, values)

    assert values == [1, 2, 3]
    assert is_hit(tracker, total, [1, 2])
    assert not is_hit(tracker, total, values)


def test_a_changed_object_is_computed_again(tracker: Tracker) -> None:
    """An object that was changed in place is another argument."""
    config = Config("production")
    call(tracker, describe, config)
    config.value = "test"

    assert call(tracker, describe, config) == ("test", False)


def test_a_result_is_the_callers_own(tracker: Tracker) -> None:
    """What a caller does to a result reaches neither the cache nor another caller."""

    def numbers() -> list[int]:
        return [1]

    for _ in range(3):
        found, _ = call(tracker, numbers)
        found.append(2)

        assert found == [1, 2]


def test_exceptions_are_not_kept(tracker: Tracker) -> None:
    """A call that failed is made again."""
    tries = []

    def flaky() -> int:
        tries.append(1)
        return 1 // (len(tries) - 1)

    with pytest.raises(ZeroDivisionError):
        cached_call(tracker, power, (2,), {}, {}, flaky)

    assert cached_call(tracker, power, (2,), {}, {}, flaky) == (1, "")
    assert cached_call(tracker, power, (2,), {}, {}, flaky) == (1, tracker.track_id)


def test_none_is_a_result(tracker: Tracker) -> None:
    """A function that returns nothing is not computed twice."""
    call(tracker, print)

    assert call(tracker, print) == (None, True)


def test_an_awaited_result_can_be_kept(tracker: Tracker) -> None:
    """Looking and storing can be apart: a coroutine is awaited in between."""
    found = lookup(tracker, power, (2,), {}, {})
    assert isinstance(found, Miss)
    found.store(1024)

    assert lookup(tracker, power, (2,), {}, {}) == Hit(1024, tracker.track_id)


def test_wrong_arguments_are_the_functions_own_matter(tracker: Tracker) -> None:
    """The call raises what it raises without a cache, and without a warning."""
    with pytest.raises(TypeError, match="positional"):
        call(tracker, power, 1, 2, 3)
    with pytest.raises(TypeError, match="unexpected"):
        call(tracker, power, 1, z=3)


def test_what_cannot_be_keyed_is_called_plainly(tracker: Tracker) -> None:
    """The warning names the part, and comes once."""
    config = Config({"client": threading.Lock()})

    with pytest.warns(UserWarning, match=r"config\.value\['client'\]: lock") as said:
        results = [call(tracker, describe, config)[1] for _ in range(3)]

    assert results == [False] * 3
    assert len(said) == 1
    assert tracker._generate_cache_key(describe, [config], {}, {}) is None


def test_what_cannot_be_stored_is_called_plainly(tracker: Tracker) -> None:
    """A generator comes back whole, with one warning."""
    with pytest.warns(UserWarning, match="result of .*power") as said:
        found = [
            list(cached_call(tracker, power, (2,), {}, {}, lambda: iter(c for c in "ab"))[0])  # type: ignore[call-overload]
            for _ in range(2)
        ]

    assert found == [["a", "b"]] * 2
    assert len(said) == 1


def test_a_cache_that_cannot_be_used_is_said_once(tmp_path: Path) -> None:
    """A file in the folder's place leaves plain calls."""
    (tmp_path / "cache").touch()
    with (
        Tracker(tmp_path / "t.duckdb", cache=tmp_path / "cache", git_root=tmp_path) as tracker,
        pytest.warns(UserWarning, match="cannot be used") as said,
    ):
        assert [call(tracker, power, 2) for _ in range(2)] == [(1024, False)] * 2

    assert len(said) == 1


def test_a_silent_tracker_says_nothing(tmp_path: Path) -> None:
    """``warnings=False`` holds for the cache, too."""
    (tmp_path / "cache").touch()
    with Tracker(
        tmp_path / "t.duckdb", cache=tmp_path / "cache", git_root=tmp_path, warnings=False
    ) as tracker:
        assert call(tracker, power, 2) == (1024, False)


def test_a_rotten_value_is_computed_again(tracker: Tracker, tmp_path: Path) -> None:
    """A result that lost its bytes is a miss with a warning, and is right afterwards."""
    call(tracker, str.upper, "x" * 100_000)
    for file in (tmp_path / "cache").rglob("*.val"):
        file.write_bytes(b"")

    with pytest.warns(UserWarning, match="cannot be trusted"):
        found = call(tracker, str.upper, "x" * 100_000)

    assert found == ("X" * 100_000, False)
    assert is_hit(tracker, str.upper, "x" * 100_000)


def test_without_a_folder_nothing_is_cached(tmp_path: Path) -> None:
    """A tracker without a cache makes every call, and keeps nothing."""
    with Tracker(tmp_path / "t.duckdb", git_root=tmp_path) as tracker:
        assert [is_hit(tracker, power, 2) for _ in range(2)] == [False, False]


SOURCE = '''
import math
from dataclasses import dataclass
import helpers

SCALE = 2
TABLE = {"a": 1}

@dataclass
class Config:
    lr: float = 0.1
    def doubled(self):
        return self.lr * 2

def inner(x):
    """A docstring."""
    return math.floor(x) + SCALE  # a comment

class Model:
    rate = 1
    def go(self, x):
        return inner(x) * self.rate

def fit(x, config=None):
    model = Model()
    return model.go(x) + helpers.shift(x) + TABLE["a"]

def late(x):
    from helpers import shift
    return shift(x)

def of_config(config):
    return config.doubled()

def closed(y):
    def add(x):
        return x + y
    return add

def recursive(n):
    return 1 if n < 1 else n * recursive(n - 1)
'''
HELPERS = "def shift(x):\n    return x + OFFSET\n\nOFFSET = 5\n\ndef unused(x):\n    return 1\n"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ModuleType]]:
    """Write the modules of a user, changed as asked, and import them as a new process would."""
    folder = tmp_path / "code"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # two versions within one second

    def make(old: str = "", new: str = "") -> ModuleType:
        for name, text in (("train", SOURCE), ("helpers", HELPERS)):
            (folder / f"{name}.py").write_text(text.replace(old, new) if old else text)
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return importlib.import_module("train")

    yield make
    for name in ("train", "helpers"):
        sys.modules.pop(name, None)


CHANGES = {
    "the function": ("fit", 'TABLE["a"]\n', 'TABLE["a"] + 1\n'),
    "a helper": ("fit", "+ SCALE", "- SCALE"),
    "a helper of another module": ("fit", "x + OFFSET", "x - OFFSET"),
    "a global of that module": ("fit", "OFFSET = 5", "OFFSET = 6"),
    "a global": ("fit", "SCALE = 2", "SCALE = 3"),
    "a global's content": ("fit", '{"a": 1}', '{"a": 2}'),
    "a method": ("fit", "* self.rate", "+ self.rate"),
    "a class's value": ("fit", "rate = 1", "rate = 2"),
    "what is imported inside": ("late", "x + OFFSET", "x - OFFSET"),
    "a recursive one": ("recursive", "n * rec", "n + rec"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_code_is_a_miss(
    tracker: Tracker, made: Callable[..., ModuleType], change: str
) -> None:
    """Wherever a function leads, within the user's own modules."""
    name, old, new = CHANGES[change]
    call(tracker, getattr(made(), name), 3)
    assert is_hit(tracker, getattr(made(), name), 3)

    assert not is_hit(tracker, getattr(made(old, new), name), 3)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # a comment", ""),
        ("A docstring.", "Another."),
        ('    """A docstring."""\n', ""),
        ("SCALE = 2", "\n\nSCALE   = 2"),
        ("    return 1\n", "    return 2\n"),
    ],
)
def test_words_about_code_are_no_code(
    tracker: Tracker, made: Callable[..., ModuleType], old: str, new: str
) -> None:
    """Comments, docstrings, blank lines and functions that are not called change nothing."""
    call(tracker, made().fit, 3)

    assert is_hit(tracker, made(old, new).fit, 3)


def test_the_methods_of_an_argument_are_code(
    tracker: Tracker, made: Callable[..., ModuleType]
) -> None:
    """A function may call them without naming their class."""
    module = made()
    call(tracker, module.of_config, module.Config())
    module = made("self.lr * 2", "self.lr * 3")

    assert not is_hit(tracker, module.of_config, module.Config())


def test_what_a_function_closes_over_is_code(
    tracker: Tracker, made: Callable[..., ModuleType]
) -> None:
    """Two closures of one function are two."""
    module = made()
    call(tracker, module.closed(1), 3)

    assert call(tracker, module.closed(2), 3) == (5, False)
    assert is_hit(tracker, module.closed(1), 3)


def test_what_is_only_counted_up_does_not_count(tracker: Tracker) -> None:
    """How often a function was called has no part in its result, unless it is read."""
    calls = seen = 0

    def doubled(x: int) -> int:
        nonlocal calls
        calls += 1
        return 2 * x

    def numbered(x: int) -> int:
        nonlocal seen
        seen += 1
        return x + seen

    def hidden(x: int) -> int:
        nonlocal seen
        seen += 1
        return x + sum(seen for _ in range(1))

    found = [call(tracker, doubled, 5), call(tracker, doubled, 5)]

    assert (found, calls) == ([(10, False), (10, True)], 1)
    assert [call(tracker, numbered, 5) for _ in range(2)] == [(6, False), (7, False)]
    assert [call(tracker, hidden, 5) for _ in range(2)] == [(8, False), (9, False)]


def test_globals_are_looked_at_again(tracker: Tracker, made: Callable[..., ModuleType]) -> None:
    """A helper that is replaced, and a value that is changed in place, count from then on."""
    module = made()
    call(tracker, module.fit, 3)
    module.TABLE["a"] = 7
    changed = call(tracker, module.fit, 3)
    module.TABLE["a"] = 1
    before = is_hit(tracker, module.fit, 3)
    vars(module)["inner"] = lambda x: 100
    replaced = call(tracker, module.fit, 3)

    assert (changed, before, replaced) == ((20, False), True, (109, False))


_SCRIPT = """
import sys
from xvc import Tracker
from xvc.tracking.caching import cached_call

SCALE = {scale}

class Config:
    def __init__(self, names):
        self.names = names
    def __hash__(self):
        return hash(self.names)

def fit(config, sizes):
    return [sorted(config.names), sizes, SCALE]

with Tracker(sys.argv[1], cache=sys.argv[2]) as tracker:
    args = Config({{"adam", "bert"}}), {{"a": [1, 2.5]}}
    result, run = cached_call(tracker, fit, args, {{}}, {{}}, lambda: fit(*args))
    print(result, run != "")
"""


def test_another_process_hits(tmp_path: Path) -> None:
    """With another hash seed, for a class of the script itself; after a change it misses."""

    def told(scale: int, seed: str) -> str:
        script = tmp_path / "script.py"
        script.write_text(_SCRIPT.format(scale=scale))
        done = subprocess.run(
            [sys.executable, script, tmp_path / "t.duckdb", tmp_path / "cache"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()[-1]

    first, second, changed = told(1, "1"), told(1, "2"), told(2, "3")

    shown = "[['adam', 'bert'], {'a': [1, 2.5]}, "
    assert (first, second, changed) == (f"{shown}1] False", f"{shown}1] True", f"{shown}2] False")


def test_threads_and_processes_at_once_are_all_right(tracker: Tracker, tmp_path: Path) -> None:
    """Whoever computes and whoever hits: every answer is the right one, one entry a call stays."""
    answers: list[int] = []

    def work() -> None:
        answers.extend(call(tracker, power, x)[0] for x in range(20))

    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            right = all(call(tracker, power, x)[0] == x**10 for x in range(20))
            os._exit(not right)
        children.append(child)
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert sorted(answers) == sorted(3 * [x**10 for x in range(20)])
    assert len(list(scan_cache(tmp_path / "cache"))) == 20


def test_the_seeds_way_of_reading(tracker: Tracker, tmp_path: Path) -> None:
    """A key leads to the result and its run; all can be gone through, and deleted by run."""
    call(tracker, power, 2, 10)
    key = tracker._generate_cache_key(power, [2, 10], {}, {})
    assert key is not None
    folder = tmp_path / "cache"

    entry = {"result": 1024, "cache": tracker.track_id}
    assert read_cache(folder, key) == entry
    assert list(scan_cache(folder)) == [(key, entry)]
    assert delete_cache_by_track_id(folder, "another") == 0
    assert delete_cache_by_track_id(folder, tracker.track_id) == 1
    with pytest.raises(NoEntry):
        read_cache(folder, key)


def test_a_miss_is_explained(tracker: Tracker, made: Callable[..., ModuleType]) -> None:
    """Each thing that differs is named, with both sides; nothing else is."""
    module = made()
    call(tracker, module.fit, 3, module.Config(0.1), params={"seed": 1})
    same = tracker.explain(module.fit, (3, module.Config(0.1)), {}, {"seed": 1})
    module = made("+ SCALE", "- SCALE")

    found = tracker.explain(module.fit, (4, module.Config(0.1)), {}, {"seed": 2})

    assert same.is_stored
    assert not found.is_stored
    assert str(found) == (
        f"train.fit differs from its nearest stored call, of run {tracker.track_id}:\n"
        "  code train.inner: changed\n  argument x: 3 → 4\n  param seed: 1 → 2"
    )


def test_what_cannot_be_keyed_is_explained(tracker: Tracker) -> None:
    """The refusal says which part."""
    with pytest.raises(Unkeyable, match="config"):
        tracker.explain(describe, [threading.Lock()])


def test_what_a_name_leads_to_is_explained(
    tracker: Tracker, made: Callable[..., ModuleType]
) -> None:
    """A global number with both values, a function of a package by both names."""
    call(tracker, made().fit, 3)
    number = tracker.explain(made("SCALE = 2", "SCALE = 3").fit, [3])
    module = made("\ndef fit(", "\nfrom math import ceil as inner\ndef fit(")
    function = tracker.explain(module.fit, [3])

    assert str(number).splitlines()[1:] == ["  code name train.SCALE: 2 → 3"]
    assert "  code name train.inner: train.inner → math.ceil" in str(function).splitlines()


def test_a_difference_that_is_not_known_is_not_made_up() -> None:
    """Two keys whose parts are the same: xvc says that it does not know."""
    called = Called("fit")
    stored = CachedCall("aa", called, "run-1", Nanoseconds(0), 0)

    assert "xvc does not know why" in str(explained("bb", called, [stored]))


def test_what_a_result_depends_on_is_part_of_the_key(
    tracker: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files by their bytes, and whatever a function returns when the call is made."""
    data = tmp_path / "data.csv"
    data.write_text("a")
    monkeypatch.setenv("UNIT", "m")
    read = tracker.wrap(depends=lambda: os.environ["UNIT"])(lambda file: Path(file).read_text())

    def hits(file: object) -> bool:
        read(file)
        return bool(tracker.latest["cache"])

    first = [hits(File(data)), hits(File(data))]
    data.write_text("b")
    edited = [hits(File(data)), hits(File(data))]
    monkeypatch.setenv("UNIT", "mm")
    by_variable = [hits(File(data)), hits(File(data))]
    tracker.track(power, [2], depends=[File(data)])
    tracker.track(power, [2], depends=[File(tmp_path / "nowhere")])

    assert first == edited == by_variable == [False, True]
    assert tracker.latest["cache"] == ""
    assert tracker.explain(power, [2], depends=[File(data)]).is_stored
    assert not tracker.explain(power, [2]).is_stored


def test_hits_and_misses_are_counted(tracker: Tracker, tmp_path: Path) -> None:
    """For each function, and written when the tracker is closed."""
    for x in (2, 2, 2, 3):
        call(tracker, power, x)
    tracker.close()

    ((name, counted),) = Cache(tmp_path / "cache").counts().items()
    assert (name.rpartition(".")[2], counted) == ("power", (2, 2))


def test_secrets_do_not_show(tracker: Tracker, tmp_path: Path) -> None:
    """What is noted of arguments for people has no keys in it."""

    def ask(api_key: str) -> int:
        return 1

    call(tracker, ask, "hunter2")

    (entry,) = Cache(tmp_path / "cache").entries()
    assert entry.called.arguments["api_key"].text == "***"
