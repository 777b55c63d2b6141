"""Errors: one tree, each with a code, one sentence, and facts that travel between processes."""

from __future__ import annotations

import copy
import inspect
import pickle
import pkgutil
import typing
from collections.abc import Iterator
from importlib import import_module

import pytest

import xvc
from xvc.errors import NoObject, XvcError, error

SAMPLES: dict[object, object] = {
    str: "some words",
    bool: True,
    int: 7,
    tuple[str, ...]: ("one thing", "another thing"),
}
BRANCHES = {"usage", "not-found", "conflict", "busy", "corrupt", "external"}


def _below(kind: type[XvcError]) -> Iterator[type[XvcError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def every_error() -> list[type[XvcError]]:
    """Every error class of every module."""
    for module in pkgutil.walk_packages(xvc.__path__, "xvc."):
        if module.name != "xvc.__main__":
            import_module(module.name)
    ours = {kind for kind in _below(XvcError) if kind.__module__.startswith("xvc.")}
    return sorted(ours, key=lambda kind: kind.__name__)


ERRORS = every_error()
BY_ERROR = pytest.mark.parametrize("kind", ERRORS, ids=[kind.__name__ for kind in ERRORS])


def sample(kind: type[XvcError]) -> XvcError:
    """An instance, its arguments made up by their types."""
    if kind.__init__ is Exception.__init__:
        return kind()
    hints = typing.get_type_hints(kind.__init__)
    names = list(inspect.signature(kind).parameters)
    return kind(*(SAMPLES[hints[name]] for name in names))


@BY_ERROR
def test_every_error_explains_itself(kind: type[XvcError]) -> None:
    """The docstring says in one sentence what happened."""
    meaning = (kind.__doc__ or "").strip().splitlines()

    assert meaning
    assert meaning[0].endswith(".")


def test_codes_are_unique() -> None:
    """A code names one error, so that a program can tell them apart.

    A class without a code of its own is a case of its parent, told apart inside xvc only.
    """
    codes = [kind.code for kind in ERRORS if "code" in vars(kind)]

    assert sorted(set(codes)) == sorted(codes)
    assert set(codes) > BRANCHES


@BY_ERROR
def test_every_error_stands_on_a_branch(kind: type[XvcError]) -> None:
    """Who can act is known of every error, and its exit code follows."""
    branches = [base for base in kind.__mro__ if vars(base).get("code") in BRANCHES]

    assert len(branches) == 1
    assert kind.exit_code in {1, 2, 3, 4, 5, 6, 126, 127}
    assert kind.retryable is (kind.exit_code == 5)


@BY_ERROR
@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_every_error_travels(kind: type[XvcError], again: typing.Any) -> None:
    """Pickled or copied, an error keeps its facts, its text and its hint."""
    before = sample(kind)

    after = again(before)

    assert type(after) is kind
    assert vars(after) == vars(before)
    assert (str(after), after.hint, after.args) == (str(before), before.hint, before.args)


@BY_ERROR
def test_every_error_keeps_its_facts(kind: type[XvcError]) -> None:
    """Each argument is a field of the same name."""
    error = sample(kind)

    if kind.__init__ is not Exception.__init__:
        names = list(inspect.signature(kind).parameters)
        assert [getattr(error, name) for name in names] == list(error.args)


@BY_ERROR
def test_every_error_is_one_sentence(kind: type[XvcError]) -> None:
    """The text fits in a line; the hint, if there is one, is a sentence with an end."""
    error = sample(kind)
    has_words = kind.__init__ is not Exception.__init__ or "__str__" in vars(kind)

    assert "\n" not in str(error)
    assert bool(str(error)) is has_words
    assert not str(error).endswith(".")
    assert "\n" not in error.hint
    assert error.hint == "" or error.hint.endswith(".")


def test_words_of_others_do_not_break_the_sentence() -> None:
    """A tool's message of many lines is told in one."""
    from xvc.errors import DvcFailed, GitFailed, StoreFailed

    words = "fatal: first\nsecond\n"

    assert "\n" not in str(GitFailed(("commit",), 128, words))
    assert "\n" not in str(DvcFailed("add a file", words))
    assert "\n" not in str(StoreFailed("results/experiments.duckdb", words))


def test_templates_say_lists_counts_and_what_is_missing() -> None:
    """What every second error would have to write by hand, a template can say."""

    @error("made-up")
    class MadeUp(XvcError):
        """It is made up."""

        paths: tuple[str, ...]
        holder: str = ""
        words: str = "first line.\nsecond"
        says = "{paths!n}: {paths:2} | {paths:; } | {holder:-nobody} | {words!l}"

    assert str(MadeUp(("a", "b", "c"))) == "3: a, b … | a; b; c | nobody | first line"
    assert str(MadeUp((), "me", "")) == "0:  |  | me | no message"
    assert MadeUp(()).args == ((), "", "first line.\nsecond")


def test_a_command_in_a_hint_is_quoted_for_a_shell() -> None:
    """Between backticks a name with a blank is one word; outside it is as it is."""
    hint = NoObject("abc", "my data/a b.csv").hint

    assert "`dvc fetch 'my data/a b.csv'`" in hint
    assert str(NoObject("abc", "my data/a b.csv")).startswith("my data/a b.csv (")
