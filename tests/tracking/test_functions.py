"""Tracked functions: one row a call, and the function's own result or exception comes back."""

from __future__ import annotations

import asyncio
import gc
import inspect
import traceback
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

from xvc import Tracker
from xvc.errors import BadValue


@pytest.fixture
def tracker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracker]:
    """A tracker in a folder without git."""
    monkeypatch.chdir(tmp_path)
    with Tracker("a.duckdb") as opened:
        yield opened


@pytest.fixture
def calm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracker]:
    """One that keeps exceptions to itself, once recorded."""
    monkeypatch.chdir(tmp_path)
    with Tracker("a.duckdb", raise_on_error=False) as opened:
        yield opened


@dataclass(frozen=True)
class Optimizer:
    name: str = "adam"
    lr: float = 0.1


@dataclass
class Config:
    epochs: int
    optimizer: Optimizer = Optimizer()
    api_key: str = "hunter2"


class Model(BaseModel):
    layers: int = 2


def train(config: Config, model: Model | None = None) -> dict[str, float]:
    return {"accuracy": 0.95, "loss": 0.05}


def fails(password: str) -> None:
    raise LookupError(f"no user with password={password}")


def test_a_call_is_a_row(tracker: Tracker) -> None:
    """The decorated function of the tour: every column, and the call's params."""

    @tracker.wrap(params={"name": "foofoo"})
    def foo(a: int, b: str) -> int:
        """Add."""
        return a + len(b)

    result = foo(1, "hello")

    row = tracker.latest
    assert result == 6
    assert 0 < row.pop("function_time") < 1  # type: ignore[operator]
    assert list(row)[:6] == ["name", "function_name", "args", "kwargs", "error", "function_result"]
    assert row["args"] == "[1, 'hello']"
    assert (row["kwargs"], row["error"], row["function_result"]) == ("{}", "", 6)
    assert (row["function_name"], row["name"]) == ("foo", "foofoo")
    assert (foo.__name__, foo.__doc__) == ("foo", "Add.")
    assert tracker.values("function_result") == [6]


def test_track_and_params(tracker: Tracker) -> None:
    """`track` passes both kinds of arguments; its params count over the tracker's, once."""
    tracker.set_params({"lr": 1, "seed": 7})
    result = tracker.track(int, ["ff"], {"base": 16}, params={"lr": 2})
    tracker.track(int, ["1"])

    assert result == 255
    assert tracker.values("kwargs") == ["{'base': 16}", "{}"]
    assert tracker.values("lr") == [2, 1]
    assert tracker.values("seed") == [7, 7]


@pytest.mark.parametrize("how", ["track", "wrap"])
def test_configurations_are_unpacked(tracker: Tracker, how: str) -> None:
    """Dataclasses and models are columns by the name of their parameter; a dict result, too."""
    config = Config(epochs=3)
    if how == "track":
        tracker.track(train, [config], {"model": Model()})
    else:
        tracker.wrap()(train)(config, model=Model())

    row = tracker.latest
    assert row["config_epochs"] == 3
    assert (row["config_optimizer_name"], row["config_optimizer_lr"]) == ("adam", 0.1)
    assert row["model_layers"] == 2
    assert (row["accuracy"], row["loss"]) == (0.95, 0.05)
    assert "function_result" not in row


def test_log_unpacks_too(tracker: Tracker) -> None:
    """What `track` unpacks `log` unpacks, and `track` in its params."""
    tracker.log({"cfg": Config(2), "loss": 0.5, "where": Path("a/b")})
    row = tracker.latest
    tracker.track(len, ["ab"], params={"cfg": Optimizer(lr=0.3)})

    assert (row["cfg_epochs"], row["cfg_optimizer_lr"], row["where"]) == (2, 0.1, "a/b")
    assert "cfg" not in row
    assert tracker.values("cfg_lr") == [None, 0.3]


def test_log_refuses_two_values_of_one_name(tracker: Tracker) -> None:
    """A field that meets another value of the row is an error; the row has the other value."""
    with pytest.raises(BadValue, match="cfg_lr"):
        tracker.log({"cfg": Optimizer(lr=0.3), "cfg_lr": 0.1})

    assert tracker.values("cfg_lr") == [0.1]


def test_defaults_are_unpacked(tracker: Tracker) -> None:
    """A configuration that the function has by default is what it ran with."""

    @tracker.wrap()
    def step(optimizer: Optimizer = Optimizer(lr=0.7)) -> None: ...

    step()

    assert tracker.latest["optimizer_lr"] == 0.7
    assert tracker.latest["args"] == "[]"


@pytest.mark.parametrize("result", [None, 3, 2.5, True, "x", [1, "a"], b"x", {1: 2}])
def test_results_keep_their_type(tracker: Tracker, result: Any) -> None:
    """Primitives, lists and dicts without names are one column; there, keys are text."""
    returned = tracker.track(lambda: result)

    assert returned is result
    assert tracker.values("function_result") == [{"1": 2} if result == {1: 2} else result]


def test_a_result_is_unpacked(tracker: Tracker) -> None:
    """A dataclass that comes back is columns, and comes back as itself."""
    result = tracker.track(Optimizer, kwargs={"lr": 0.5})

    assert result == Optimizer(lr=0.5)
    assert tracker.latest["function_result_lr"] == 0.5


def test_an_exception_goes_on(tracker: Tracker) -> None:
    """It is recorded with its traceback, secrets masked, and is the very same one."""
    with pytest.raises(LookupError) as caught:
        tracker.track(fails, ["hunter2"])

    row = tracker.latest
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert frames[-1] == "fails"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert row["error"] == "LookupError: no user with password=***"
    assert row["args"] == "[***]"
    lines = str(row["traceback"]).splitlines()
    assert lines[0].startswith("Traceback")
    assert lines[1].endswith("in fails")
    assert lines[-1] == row["error"]
    assert "hunter2" not in str(row)
    assert "function_result" not in row


def test_an_exception_that_does_not_go_on(calm: Tracker) -> None:
    """With `raise_on_error=False` the answer is None, and the row is the same."""
    result = calm.wrap()(fails)("x")  # type: ignore[func-returns-value]

    assert result is None
    assert calm.values("error") == ["LookupError: no user with password=***"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_stop_always_goes_on(calm: Tracker, stop: type[BaseException]) -> None:
    """Whoever stops the program is recorded and obeyed."""

    def stopped() -> None:
        raise stop

    with pytest.raises(stop):
        calm.track(stopped)

    assert calm.values("error") == [stop.__name__]


def test_wrong_arguments(tracker: Tracker) -> None:
    """A call that cannot be is recorded as the TypeError that it is."""
    with pytest.raises(TypeError, match="missing 1 required"):
        tracker.track(fails)

    assert str(tracker.latest["error"]).startswith("TypeError")


class Rude:
    """An object that fails whoever looks at it."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __reduce__(self) -> str:
        raise RuntimeError("no")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_rude_arguments(tracker: Tracker) -> None:
    """An argument that cannot be shown does not stop the call, nor the row."""
    result = tracker.track(lambda one: 7, [Rude()])

    assert result == 7
    assert str(tracker.values("args")[0]).startswith("[<Rude instance at")


def test_results_that_cannot_be_kept(tracker: Tracker) -> None:
    """The function's result comes back; the row has a text of it; it is said once."""
    lone = "\ud800"
    with pytest.warns(RuntimeWarning, match="not all of the call is recorded") as said:
        result = tracker.track(lambda: lone)

    assert result is lone
    assert len(said) == 1
    assert tracker.values("function_result") == [r"'\ud800'"]


def test_a_rude_result(tracker: Tracker) -> None:
    """A result that breaks whoever keeps it still comes back."""
    rude = Rude()
    with pytest.warns(RuntimeWarning, match="not all of the call is recorded"):
        result = tracker.track(lambda: rude)

    assert result is rude


def test_a_tracker_that_cannot_write(tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that refuses costs the row, with a warning, and not the result."""
    tracker.close()
    monkeypatch.setattr(tracker._journal, "_folder", Path("/dev/null/x"))
    with pytest.warns(RuntimeWarning, match="JournalFailed"):
        result = tracker.track(len, ["abc"])

    assert result == 3


def test_large_arguments_are_cut(tracker: Tracker) -> None:
    """Text of arguments has at most 1,000 characters; arrays are told by their shape."""
    tracker.track(lambda *all: None, ["x" * 10**6, [0] * 10**6, b"x" * 10**6, np.zeros((50, 3))])
    tracker.track(lambda one: None, [np.zeros((50, 3))])

    first, second = tracker.values("args")
    assert len(str(first)) == 1_000
    assert second == "[<ndarray 50 × 3>]"


def test_arguments_are_those_at_the_start(tracker: Tracker) -> None:
    """A function that changes what it is given is recorded with what it was given."""
    tracker.track(list.append, [[1], 2])

    assert tracker.values("args") == ["[[1], 2]"]


def test_secrets_by_name(tracker: Tracker) -> None:
    """Arguments and fields that are called as secrets are do not reach the row."""
    tracker.track(train, [Config(1)])
    tracker.track(lambda token, **more: None, ["abc"], {"db_password": "abc"})

    assert "hunter2" not in str(tracker.to_df().to_dict())
    assert tracker.values("config_api_key") == ["***", None]
    assert tracker.values("args")[1] == "[***]"
    assert tracker.values("kwargs")[1] == "{'db_password': ***}"


def test_kinds_of_callables(tracker: Tracker) -> None:
    """Methods, classes, partials and callable objects are called what they are called."""

    class Scorer:
        @tracker.wrap()
        def score(self, x: int) -> int:
            return x

        @classmethod
        @tracker.wrap()
        def made(cls) -> int:
            return 1

        def __call__(self) -> int:
            return 2

    scorer = Scorer()
    results = [scorer.score(5), Scorer.made(), tracker.track(scorer), tracker.track(int, ["4"])]
    results.append(tracker.track(partial(int, base=2), ["11"]))

    assert results == [5, 1, 2, 4, 3]
    assert tracker.values("function_name") == ["score", "made", "Scorer", "int", "int"]


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda tracker: tracker.track(len, "abc"), "args: a list or tuple"),
        (lambda tracker: tracker.track(len, ["abc"], params={1: 2}), "a key is a text"),
        (lambda tracker: tracker.wrap(len)(len), "with parentheses"),
        (lambda tracker: tracker.wrap()(classmethod(len)), "cannot wrap a classmethod"),
        (lambda tracker: tracker.wrap()(staticmethod(len)), "cannot wrap a staticmethod"),
    ],
)
def test_wrong_use(tracker: Tracker, call: Any, reason: str) -> None:
    """What cannot be meant is refused before anything is called."""
    with pytest.raises(BadValue, match=reason):
        call(tracker)

    assert len(tracker) == 0


def test_coroutines(tracker: Tracker) -> None:
    """They stay coroutines, run side by side, and are recorded when they end."""

    @tracker.wrap()
    async def wait(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    async def both() -> list[float]:
        return await asyncio.gather(wait(0.05), wait(0.01), tracker.track(wait, [0.03]))

    results = asyncio.run(both())

    assert inspect.iscoroutinefunction(wait)
    assert results == [0.05, 0.01, 0.03]
    assert tracker.values("function_result") == [0.01, 0.03, 0.03, 0.05]
    assert all(time >= 0.009 for time in tracker.values("function_time"))  # type: ignore[operator]


def test_a_cancelled_coroutine(calm: Tracker) -> None:
    """Being cancelled is recorded and goes on."""

    @calm.wrap()
    async def wait() -> None:
        await asyncio.sleep(10)

    async def cancelled() -> None:
        await asyncio.wait_for(wait(), 0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(cancelled())

    assert calm.values("error") == ["CancelledError"]


def echo(count: int) -> Iterator[Any]:
    """Count, and give back what is sent and what is thrown."""
    for number in range(count):
        try:
            got = yield number
            if got is not None:
                yield got
        except LookupError as err:
            yield str(err)
    return "end"


def test_generators(tracker: Tracker) -> None:
    """They are recorded when they are exhausted, with the number of items and what they return."""
    wrapped = tracker.wrap()(echo)
    items = wrapped(3)
    before = len(tracker)
    everything = list(items)

    assert inspect.isgeneratorfunction(wrapped)
    assert (before, everything) == (0, [0, 1, 2])
    assert (tracker.values("function_items"), tracker.values("function_result")) == ([3], ["end"])


def test_a_generator_is_talked_to(tracker: Tracker) -> None:
    """What is sent and thrown arrives; one that is closed early is no error."""
    items: Any = tracker.track(echo, [9])
    said = [next(items), items.send("hi"), next(items), items.throw(LookupError("lost"))]
    items.close()

    assert said == [0, "hi", 1, "lost"]
    assert (tracker.values("function_items"), tracker.values("error")) == ([4], [""])


def test_a_dropped_generator(tracker: Tracker) -> None:
    """One that is forgotten is recorded; one that never began did nothing to record."""
    items = tracker.track(echo, [9])
    next(items)
    del items
    tracker.track(echo, [9])
    gc.collect()

    assert tracker.values("function_items") == [1]


def test_a_generator_that_fails(tracker: Tracker) -> None:
    """Its exception goes on, and the row knows how far it came."""

    @tracker.wrap()
    def broken() -> Iterator[int]:
        yield 1
        raise LookupError("far")

    with pytest.raises(LookupError, match="far"):
        list(broken())

    assert (tracker.values("function_items"), tracker.values("error")) == (
        [1],
        ["LookupError: far"],
    )


def test_time_in_a_generator_is_its_own(tracker: Tracker) -> None:
    """What is done with the items is not counted."""
    items = tracker.track(echo, [2])
    asyncio.run(asyncio.sleep(0.05))
    for _ in items:
        asyncio.run(asyncio.sleep(0.05))

    assert tracker.latest["function_time"] < 0.04  # type: ignore[operator]


async def aecho(count: int) -> AsyncIterator[Any]:
    for number in range(count):
        try:
            got = yield number
            if got is not None:
                yield got
        except LookupError as err:
            yield str(err)


def test_asynchronous_generators(tracker: Tracker) -> None:
    """They are counted, talked to and closed as others."""
    wrapped: Any = tracker.wrap()(aecho)

    async def use() -> list[Any]:
        said = [item async for item in wrapped(3)]
        items = wrapped(9)
        said += [await anext(items), await items.asend("hi"), await anext(items)]
        said.append(await items.athrow(LookupError("lost")))
        await items.aclose()
        return said

    said = asyncio.run(use())

    assert inspect.isasyncgenfunction(wrapped)
    assert said == [0, 1, 2, 0, "hi", 1, "lost"]
    assert (tracker.values("function_items"), tracker.values("error")) == ([3, 4], ["", ""])


def test_an_asynchronous_generator_that_fails(tracker: Tracker) -> None:
    """What is thrown into it and not caught goes on, and is recorded."""

    async def use() -> None:
        items: Any = tracker.track(aecho, [3])
        await anext(items)
        await items.athrow(RuntimeError("thrown"))

    with pytest.raises(RuntimeError, match="thrown"):
        asyncio.run(use())

    assert tracker.values("error") == ["RuntimeError: thrown"]


def test_figures_with_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """System and network figures stand in the row of the call when they are asked for."""
    monkeypatch.chdir(tmp_path)
    with Tracker("a.duckdb", log_system_params=True, log_network_params=True) as tracker:
        tracker.track(len, ["abc"])

        assert tracker.latest.keys() >= {"cpu_percent_mean", "process_memory_peak", "bytes_sent"}
        assert tracker.latest.keys() >= {"memory_percent_mean", "disk_percent_mean", "bytes_recv"}


def test_equal_calls_come_from_the_cache(tmp_path: Path) -> None:
    """Plain and asynchronous ones: computed once, and each row names the run that computed it."""
    count = tmp_path / "count"

    def square(number: int) -> int:
        with count.open("a") as file:
            file.write("s")
        return number * number

    async def later(number: int) -> int:
        with count.open("a") as file:
            file.write("l")
        return number + 1

    with Tracker(tmp_path / "t.duckdb", cache=tmp_path / "cache") as tracker:
        plain, waiting = tracker.wrap()(square), tracker.wrap()(later)
        results = [plain(3), plain(3), asyncio.run(waiting(4)), asyncio.run(waiting(4))]
        told = tracker.values("cache")

    assert results == [9, 9, 5, 5]
    assert count.read_text() == "sl"
    assert told == ["", tracker.track_id, "", tracker.track_id]
