"""The function cache of a tracker: equal calls take the result of the run that computed it.

A call is its function with all code that it reaches, its arguments by content and parameter name,
and the params. It is keyed before it runs, so a function may change its arguments. What cannot be
keyed or stored is said once, and the call is a plain one. Exceptions are never kept.
"""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from operator import is_not
from reprlib import Repr
from time import time_ns
from types import FunctionType, MethodType
from typing import Protocol

from xvc.core.cache_entry import CachedCall, Called, CallPart, Explanation, explained
from xvc.core.secrets import mask_values
from xvc.system.result_cache import Cache, CacheFailed, EntryRotten, NoEntry
from xvc.tracking.arrays import FORMS
from xvc.tracking.canonical import ATOMS, Encoder, Unkeyable, name_of
from xvc.tracking.code import CodeKeys
from xvc.tracking.handle import RunHandle
from xvc.types import Nanoseconds

_FORMAT = b"xvc 2 "
_NOT_PLAIN = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
_SHOWN = 60
_MANY = 1000
_Arguments = dict[str, object]


@dataclass(frozen=True, slots=True)
class Hit:
    """A result that was computed before, made anew from its bytes, and the run it is of."""

    result: object
    run: str


@dataclass(frozen=True, slots=True)
class Miss:
    """A call that has to be computed; without an entry there is nothing to store."""

    caching: Caching
    entry: CachedCall | None = None

    def store(self, result: object) -> None:
        """Keep the result for equal calls; where that fails, it is said once."""
        if self.entry is not None:
            self.caching.store(self.entry, result)


@dataclass(slots=True)  # not frozen: that would be a tenth of the time of a hit
class Keyed:
    """A call and its key, and the canonical bytes that went into it, in the order of the names."""

    key: str
    name: str
    function: object
    arguments: _Arguments
    params: Mapping[str, object]
    forms: list[bytes]


def cached_call(
    tracker: CachedRun,
    function: Callable[..., object],
    args: Sequence[object],
    kwargs: Mapping[str, object],
    params: Mapping[str, object],
    compute: Callable[[], object],
) -> tuple[object, str]:
    """Return the result of a call, and the run that computed it before or an empty string.

    *params* are added to those of the tracker. What *compute* raises goes on and is not kept.
    """
    found = lookup(tracker, function, args, kwargs, params)
    if isinstance(found, Hit):
        return found.result, found.run
    result = compute()
    found.store(result)
    return result, ""


def lookup(
    tracker: CachedRun,
    function: Callable[..., object],
    args: Sequence[object],
    kwargs: Mapping[str, object],
    params: Mapping[str, object],
    *,
    computes: bool = False,
) -> Hit | Miss:
    """Look for the result of a call that is about to be made, unless it *computes* anyway."""
    merged = {**tracker._params, **params}
    run = tracker.track_id
    return tracker._caching.lookup(function, args, kwargs, merged, run, computes=computes)


class CachedRun(RunHandle, Protocol):
    """The run of a tracker whose calls may be cached."""

    @property
    def _caching(self) -> Caching:
        """Its way to the cache."""


class Caching:
    """The cache of one tracker: opened at the first call; without one every call is computed.

    Args:
        folder: where results are; None is no cache.
        speaks: whether what could not be done is said through Python's warnings.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, *, speaks: bool = True) -> None:
        self._folder, self._speaks = folder, speaks
        self._cache: Cache | None = None
        self._keys = Keys()
        self._said: set[str] = set()

    def lookup(
        self,
        function: Callable[..., object],
        args: Sequence[object],
        kwargs: Mapping[str, object],
        params: Mapping[str, object],
        run: str,
        *,
        computes: bool = False,
    ) -> Hit | Miss:
        """Look for the result of a call; *run* is the one that would compute it.

        One that *computes* in any case is a miss, and its result replaces the stored one.
        """
        cache = self._cache or self._opened()
        if cache is None:
            return Miss(self)
        try:
            keyed = self._keys.of(function, args, kwargs, params)
        except Unkeyable as err:
            name = name_of(function)
            self._say(f"{name} is not cached: {err}", f"{name} {err.kind}")
            return Miss(self)
        if keyed is None:
            return Miss(self)
        try:
            found = None if computes else cache.get(keyed.key)
        except (EntryRotten, CacheFailed) as err:
            self._say(str(err))
            found = None
        cache.count(keyed.name, hit=found is not None)
        if found is not None:
            return Hit(found["result"], str(found["cache"]))
        called = self._keys.describe(keyed)
        return Miss(
            self,
            CachedCall(
                key=keyed.key, called=called, run=run, created=Nanoseconds(time_ns()), size=0
            ),
        )

    def store(self, entry: CachedCall, result: object) -> None:
        """Store a result; where that fails, say so once."""
        cache = self._cache or self._opened()
        try:
            if cache is not None:
                cache.put(entry, result)
        except TypeError as err:
            self._say(f"the result of {entry.called.function} is not cached: {err}")
        except CacheFailed as err:
            self._say(str(err))

    def key(
        self,
        function: Callable[..., object],
        args: Sequence[object],
        kwargs: Mapping[str, object],
        params: Mapping[str, object],
    ) -> str | None:
        """Return the key of a call; None when it has none."""
        try:
            keyed = self._keys.of(function, args, kwargs, params)
        except Unkeyable:
            return None
        return None if keyed is None else keyed.key

    def explain(
        self,
        function: Callable[..., object],
        args: Sequence[object],
        kwargs: Mapping[str, object],
        params: Mapping[str, object],
    ) -> Explanation:
        """Say how a call differs from the nearest one that is stored.

        Raises:
            Unkeyable: it cannot be keyed at all.
            TypeError: the arguments are none of the function's.
        """
        keyed = self._keys.of(function, args, kwargs, params)
        if keyed is None:
            raise TypeError(f"{name_of(function)} does not take these arguments")
        cache = self._cache or self._opened()
        stored = list(cache.entries()) if cache is not None else []
        return explained(keyed.key, self._keys.describe(keyed), stored)

    def close(self) -> None:
        """Let go of the files; the next call opens them again."""
        if self._cache is not None:
            self._cache.close()
            self._cache = None

    def _opened(self) -> Cache | None:
        if self._folder is None:
            return None
        try:
            cache = self._cache = Cache(self._folder)  # two threads may make two: the last is kept
        except CacheFailed as err:
            self._folder = None  # one warning, then plain calls
            self._say(str(err))
            return None
        return cache

    def _say(self, words: str, once_for: str | None = None) -> None:
        if self._speaks and (once_for or words) not in self._said:
            self._said.add(once_for or words)
            warnings.warn(words, stacklevel=5)


class Keys:
    """Keys of calls, and what they are made of."""

    def __init__(self) -> None:
        self._codes = CodeKeys()
        self._signatures: dict[object, tuple[inspect.Signature, tuple[object, ...]]] = {}

    def of(
        self,
        function: Callable[..., object],
        args: Sequence[object],
        kwargs: Mapping[str, object],
        params: Mapping[str, object],
    ) -> Keyed | None:
        """Key a call; None when its arguments do not fit: the call itself will say so.

        Raises:
            Unkeyable: a part of it has no content; ``path`` begins with the argument's name.
        """
        body: object = function
        if isinstance(function, MethodType):
            body, args = function.__func__, (function.__self__, *args)
        arguments = self._bound(body, args, kwargs)
        if arguments is None:
            return None
        values = [*arguments.items(), *sorted(params.items())] if params else arguments.items()
        forms, encoder = [], None
        for name, value in values:
            atom = ATOMS.get(type(value))  # most are: a call less for each
            if atom is None:  # one for all: an object may be given twice
                encoder = encoder or self._codes.encoder()
            forms.append(atom(value) if atom else _form(encoder, name, value))
        # The code tells the names of the arguments and how many there are; params are free.
        names = repr(sorted(params)).encode() if params else b""
        whole = b"".join((_FORMAT, self._codes.digest(body), *forms, names))
        return Keyed(
            key=sha256(whole).hexdigest(),
            name=name_of(body),
            function=body,
            arguments=arguments,
            params=params,
            forms=forms,
        )

    def describe(self, keyed: Keyed) -> Called:
        """Tell what a key was made of, before the call may change it."""
        values = [*keyed.arguments.items(), *sorted(keyed.params.items())]
        parts = [
            (name, CallPart(_short(form), _shown(name, value)))
            for (name, value), form in zip(values, keyed.forms, strict=True)
        ]
        count = len(keyed.arguments)
        code = self._codes.parts(keyed.function)
        return Called(keyed.name, code, dict(parts[:count]), dict(parts[count:]))

    def _bound(
        self, function: object, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> _Arguments | None:
        """Give each argument its parameter's name, defaults included, in the order of those."""
        if isinstance(function, FunctionType):
            code = function.__code__
            if not (
                code.co_flags & _NOT_PLAIN or code.co_kwonlyargcount or code.co_posonlyargcount
            ):
                return _bound_plainly(function, args, kwargs)  # ten times as fast as `bind`
        try:
            bound = self._signature(function).bind(*args, **kwargs)
        except ValueError:  # no signature is known, as for some builtins
            return {"args": tuple(args), "kwargs": dict(kwargs)}
        except TypeError:
            return None
        bound.apply_defaults()
        return dict(bound.arguments)

    def _signature(self, function: object) -> inspect.Signature:
        if not isinstance(function, FunctionType):
            return inspect.signature(function)  # type: ignore[arg-type]
        facts = (function.__code__, function.__defaults__, function.__kwdefaults__)
        known = self._signatures.get(function)
        if known is None or any(map(is_not, known[1], facts)):
            if len(self._signatures) >= _MANY:  # of functions made in a loop
                self._signatures.clear()
            known = self._signatures[function] = (inspect.signature(function), facts)
        return known[0]


def _form(encoder: Encoder | None, name: str, value: object) -> bytes:
    try:
        return encoder.encode(value) if encoder is not None else b""
    except Unkeyable as err:
        raise err.inside(name) from None


def _bound_plainly(
    function: FunctionType, args: Sequence[object], kwargs: Mapping[str, object]
) -> _Arguments | None:
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    bound = dict(zip(names, args, strict=False))
    if len(args) != len(names) or kwargs:
        if len(args) > len(names) or not bound.keys().isdisjoint(kwargs):
            return None
        defaults = function.__defaults__ or ()
        given = {**dict(zip(names[::-1], defaults[::-1], strict=False)), **bound, **kwargs}
        if given.keys() != set(names):
            return None
        return {name: given[name] for name in names}
    return bound


def _short(form: bytes) -> str:
    return sha256(form).hexdigest()[:12]


def _shown(name: str, value: object) -> str:
    """How a value looks, cut short; large things by their kind, secrets masked."""
    kind = type(value)
    if (kind.__module__.partition(".")[0], kind.__qualname__) in FORMS:
        return f"{kind.__qualname__} {getattr(value, 'shape', '')}".strip()
    brief = Repr()
    brief.maxstring = brief.maxother = brief.maxlong = _SHOWN
    text = " ".join(brief.repr(value).split())[:_SHOWN]
    return str(mask_values({name: text})[name])


def read_cache(folder: str | os.PathLike[str], key: str) -> dict[str, object]:
    """Return a stored result as ``{"result": …, "cache": run that computed it}``.

    Raises:
        NoCache: there is none in *folder*.
        NoEntry: nothing is stored under *key*.
        EntryRotten: it is not what was stored; nothing was unpickled.
        CacheFailed: the folder cannot be read.
    """
    cache = Cache.existing(folder)
    found = cache.get(key)
    cache.close()
    if found is None:
        raise NoEntry(key)
    return found


def scan_cache(folder: str | os.PathLike[str]) -> Iterator[tuple[str, dict[str, object]]]:
    """Go through everything stored; what cannot be trusted is said and left out.

    Raises:
        NoCache: there is none in *folder*.
        CacheFailed: the folder cannot be read.
    """
    cache = Cache.existing(folder)
    for entry in list(cache.entries()):
        try:
            found = cache.get(entry.key)
        except EntryRotten as err:
            warnings.warn(str(err), stacklevel=2)
            continue
        if found is not None:
            yield entry.key, found
    cache.close()


def delete_cache_by_track_id(folder: str | os.PathLike[str], track_id: str) -> int:
    """Delete every result that a run computed; returns how many there were.

    Raises:
        NoCache: there is none in *folder*.
        CacheFailed: the folder cannot be written.
    """
    cache = Cache.existing(folder)
    keys = [entry.key for entry in cache.entries() if entry.run == track_id]
    deleted = cache.delete(keys)
    cache.close()
    return deleted
