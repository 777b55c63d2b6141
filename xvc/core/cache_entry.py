"""What is known of a cached call beside its result, and how two calls differ. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from xvc.types import Nanoseconds


@dataclass(frozen=True, slots=True)
class CallPart:
    """One argument or param: a digest of its content, and the beginning of how it looks."""

    digest: str
    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """All that the key of a call is made of, each thing by its name.

    Attributes:
        code: a digest of each thing that the function reaches; behind ``=`` how it looks.
    """

    function: str
    code: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, CallPart] = field(default_factory=dict)
    params: Mapping[str, CallPart] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CachedCall:
    """A cached call: its key, the run that computed it, and the bytes its result takes."""

    key: str
    called: Called
    run: str
    created: Nanoseconds
    size: int

    def write(self) -> str:
        """Return it as JSON, without the key."""
        facts = {"created": self.created, "run": self.run, "size": self.size}
        return json.dumps({**facts, **asdict(self.called)}, ensure_ascii=False)

    @classmethod
    def read(cls, key: str, text: str) -> CachedCall:
        """Undo `write`.

        Raises:
            ValueError: *text* was not written so.
        """
        try:
            found = json.loads(text)
            called = Called(
                str(found["function"]),
                dict(found["code"]),
                _parts(found["arguments"]),
                _parts(found["params"]),
            )
            return cls(key, called, str(found["run"]), found["created"], int(found["size"]))
        except (TypeError, KeyError, AttributeError) as err:
            raise ValueError(text) from err


def _parts(found: Mapping[str, Any]) -> dict[str, CallPart]:
    return {name: CallPart(part["digest"], part["text"]) for name, part in found.items()}


@dataclass(frozen=True, slots=True)
class CacheUsage:
    """One function and its calls; ``size`` in bytes."""

    function: str
    entries: int
    size: int
    hits: int
    misses: int


@dataclass(frozen=True, slots=True)
class CallDifference:
    """One thing that differs; empty: it is not there on that side."""

    what: str
    name: str
    before: str
    after: str

    def __str__(self) -> str:
        if self.before == self.after:
            return f"{self.what} {self.name}: changed"
        return f"{self.what} {self.name}: {self.before or '-'} → {self.after or '-'}"


def differences(before: Called, after: Called) -> list[CallDifference]:
    """Name everything in which *after* differs, code first.

    >>> one = Called("fit", {"fit": "aa"}, {"lr": CallPart("11", "0.1")})
    >>> print(*differences(one, Called("fit", {"fit": "aa"}, {"lr": CallPart("22", "0.2")})))
    argument lr: 0.1 → 0.2
    """
    found = [
        CallDifference("code", name, _look(old), _look(new))
        for name, old, new in _unequal(before.code, after.code)
    ]
    for what, olds, news in (
        ("argument", before.arguments, after.arguments),
        ("param", before.params, after.params),
    ):
        found += [
            CallDifference(what, name, old.text if old else "", new.text if new else "")
            for name, old, new in _unequal(olds, news)
        ]
    return found


def _look(part: str | None) -> str:
    """How a part of the code looks, or only that it is there."""
    return (part.partition("=")[2] or "some") if part else ""


def _unequal(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Iterable[tuple[str, Any, Any]]:
    for name in {**olds, **news}:
        old, new = olds.get(name), news.get(name)
        if _digest(old) != _digest(new):
            yield name, old, new


def _digest(part: CallPart | str | None) -> str | None:
    return part.digest if isinstance(part, CallPart) else part


def nearest(called: Called, entries: Iterable[CachedCall]) -> CachedCall | None:
    """The entry of the same function that differs in least; of several the newest."""
    same = [entry for entry in entries if entry.called.function == called.function]
    return min(
        same,
        key=lambda entry: (len(differences(entry.called, called)), -entry.created),
        default=None,
    )


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a call is stored, and how it differs from the nearest stored call."""

    key: str
    called: Called
    is_stored: bool
    nearest: CachedCall | None
    differences: tuple[CallDifference, ...]

    def __str__(self) -> str:
        name = self.called.function
        if self.is_stored:
            return f"{name}: this call is stored"
        if self.nearest is None:
            return f"{name}: no call of it is stored"
        if not self.differences:
            return (
                f"{name}: its nearest stored call, of run {self.nearest.run}, has another key, and "
                "xvc does not know why: all that it has noted of both is the same"
            )
        listed = "".join(f"\n  {each}" for each in self.differences)
        return f"{name} differs from its nearest stored call, of run {self.nearest.run}:{listed}"


def explained(key: str, called: Called, entries: Iterable[CachedCall]) -> Explanation:
    """Compare a call with everything that is stored."""
    stored = list(entries)
    same = next((entry for entry in stored if entry.key == key), None)
    near = same or nearest(called, stored)
    found = tuple(differences(near.called, called)) if near and not same else ()
    return Explanation(
        key=key, called=called, is_stored=same is not None, nearest=near, differences=found
    )
