"""What a sweep is asked for, as words: checked, with every mistake named at once.

The command line and a YAML file say the same things by the same names. Pure.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar, cast

from xvc.core.command_places import placeholders
from xvc.core.direction import Direction, asked_direction, direction_of
from xvc.core.option import declared, kinds
from xvc.core.search_space import Choices, Dimension, choices, endless, grid_size, parse_dimension
from xvc.core.seed_names import is_seed
from xvc.core.sweep import LOCAL, REF, ParamStyle, Sampler, SweepRequest
from xvc.core.typed_value import TypedValue
from xvc.errors import BadValue, UsageError, error
from xvc.types import Json

Read = Callable[[str], TypedValue]
_MOST_WORD = 32 << 10  # characters; the kernel takes words of 128 KiB
_TOGETHER = ("metric", "repeat", "seed_param")
"""The options that are read with others."""
_OWN_WAYS = (LOCAL, "dask", "slurm")
"""The executors that are xvc's own; one of another package may take an address."""
Word = TypeVar("Word", bound=StrEnum)


@error("bad-sweep")
class BadSweep(UsageError):
    """A sweep cannot be begun as it was asked for; ``mistakes`` are all of them."""

    mistakes: tuple[str, ...]
    says = "{mistakes:; }"
    way = "One that works: `xvc sweep --param lr=0.1,0.01 --param depth=2..6 -- python train.py`."


def request_of(
    said: Mapping[str, Json], directions: Mapping[str, str], executors: tuple[str, ...], read: Read
) -> SweepRequest:
    """Check what was said and return it as values.

    Args:
        said: by name: ``params``, ``command``, ``sampler``, ``trials``, ``jobs``, ``metric`` …
        directions: which way metrics are better, from the settings.
        executors: the names of those that there are.
        read: makes a value of a word.

    Raises:
        BadSweep: anything is wrong.
    """
    checker = _Checker(said, read)
    space = checker.space()
    repeat, seed_param = checker.repeats(space)
    metric, direction = checker.metric(directions)
    request = SweepRequest(
        space=space,
        signs=checker.signs,
        command=checker.command(),
        metric=metric,
        direction=direction,
        repeat=repeat,
        seed_param=seed_param,
        **checker.options(),
    )
    if "jobs" not in said:
        request = replace(request, jobs=max(1, len(request.gpus)))
    checker.together(request, executors)
    checker.unknown()
    if checker.mistakes:
        raise BadSweep(tuple(checker.mistakes))
    return request


def total_of(request: SweepRequest) -> int:
    """Count the trials: all points where there is an end of them, unless fewer are wanted.

    With repeats, ``trials`` counts the points.
    """
    wanted = None if request.trials is None else request.trials * max(1, request.repeat)
    if endless(request.space):
        return wanted or 0
    points = grid_size(request.space)
    return points if wanted is None else min(points, wanted)


class _Checker:
    """Reads what was said, and collects what is wrong with it."""

    def __init__(self, said: Mapping[str, Json], read: Read) -> None:
        self.said, self._read = said, read
        self.mistakes: list[str] = []
        self.signs: dict[str, str] = {}
        self._known: set[str] = set()

    def _of(self, name: str) -> Json:
        self._known.add(name)
        return self.said.get(name)

    def space(self) -> dict[str, Dimension]:
        """Read the params, and the refs, which are one more."""
        found: dict[str, Dimension] = {}
        params = self._of("params")
        if not isinstance(params, dict):
            self.mistakes.append("params: name at least one, as lr=0.1,0.01")
            params = {}
        refs = self.words("refs")
        if refs:
            found[REF] = choices(REF, [TypedValue.of(ref) for ref in dict.fromkeys(refs)])
            if REF in params:
                self.mistakes.append("params: ref is the name of what --ref changes")
        for typed, value in params.items():
            key = self._without_sign(typed)
            if key in found:
                self.mistakes.append(f"params: {typed} names {key} a second time")
            try:
                found[key] = self._dimension(key, value)
            except BadValue as err:
                self.mistakes.append(str(err))
        if not params and isinstance(self.said.get("params"), dict) and not refs:
            self.mistakes.append("params: name at least one, as lr=0.1,0.01")
        return found

    def _without_sign(self, typed: str) -> str:
        """Take Hydra's sign off a name: it says what is done with a param, and is none of it."""
        key = typed.lstrip("+").removeprefix("~")
        if self.said.get("style") != ParamStyle.HYDRA or not key:
            return typed
        if key != typed:
            self.signs[key] = typed.removesuffix(key)
        return key

    def repeats(self, space: dict[str, Dimension]) -> tuple[int, str]:
        """Read how often each point is tried, and add the seed to the space, last."""
        count, param = self.whole("repeat", least=1) or 0, self.text("seed_param") or "seed"
        if "seed_param" in self.said and not count:
            self.mistakes.append("seed_param: goes with repeat")
        if not count:
            return 0, param
        if not is_seed(param):
            self.mistakes.append(
                f"seed_param: {param!r} is no name by which repeats are known, as seed, "
                f"random_state or fold; {param}_seed is one"
            )
        if param in space:
            self.mistakes.append(f"repeat: {param} is a param already; repeat gives it 0, 1, 2 …")
        space[param] = choices(param, [TypedValue.of(seed) for seed in range(count)])
        return count, param

    def _dimension(self, key: str, value: Json) -> Dimension:
        if isinstance(value, list):
            return choices(key, [TypedValue.of(each) for each in value])
        if isinstance(value, str):
            return parse_dimension(key, value, self._read)
        if isinstance(value, dict):
            raise BadValue(key, "a mapping is no value; write a list, 2..6 or 0.001..0.1:log")
        return choices(key, [TypedValue.of(value)])

    def command(self) -> tuple[str, ...]:
        """Read the command: words, or one line."""
        said = self._of("command")
        try:
            words = shlex.split(said) if isinstance(said, str) else said
        except ValueError as err:
            self.mistakes.append(f"command: {err}")
            return ()
        if not isinstance(words, list) or not words:
            self.mistakes.append("command: say what to run, behind `--`")
            return ()
        return tuple(map(str, words))

    def one_of(self, name: str, kind: type[Word]) -> Word | None:
        """Read a word of a few."""
        value = self._of(name)
        if value is None:
            return None
        names = [str(each) for each in kind]
        if value not in names:
            self.mistakes.append(f"{name}: {value!r} is none of {', '.join(names)}")
            return None
        return kind(str(value))

    def metric(self, directions: Mapping[str, str]) -> tuple[str | None, Direction | None]:
        """Read the metric and which way it is better; without one, the only one of the settings."""
        said = self._of("metric")
        if said is None:
            declared = list(directions)
            said = declared[0] if len(declared) == 1 else None
        if said is None:
            return None, None
        metric, asked = asked_direction(str(said))
        direction = asked or direction_of(metric, directions)
        if direction is None:
            self.mistakes.append(
                f"metric: which way is {metric} better? Say {metric}:max or {metric}:min"
            )
        return metric, direction

    def whole(self, name: str, *, least: int) -> int | None:
        """Read a whole number."""
        value = self._of(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.mistakes.append(f"{name}: {value!r} is no whole number from {least} on")
            return None
        return value

    def seconds(self, name: str) -> float | None:
        """Read a span of time."""
        value = self._of(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            self.mistakes.append(f"{name}: {value!r} is no number of seconds above 0")
            return None
        return float(value)

    def truth(self, name: str) -> bool:
        """Read a yes or no."""
        value = self._of(name)
        if value is not None and not isinstance(value, bool):
            self.mistakes.append(f"{name}: {value!r} is neither true nor false")
        return value is True

    def text(self, name: str) -> str | None:
        """Read a text."""
        value = self._of(name)
        if value is not None and not (isinstance(value, str) and value):
            self.mistakes.append(f"{name}: {value!r} is no text")
            return None
        return value

    def options(self) -> dict[str, Any]:
        """Read what needs no other option, each as its field of a `SweepRequest` declares it."""
        found: dict[str, Any] = {}
        shapes, said = kinds(SweepRequest), declared(SweepRequest)
        for name in (name for name in said if name not in _TOGETHER):
            value = self._read_as(shapes[name], name, least=said[name].least or 0)
            if value is not None:
                found[name] = value
        return found

    def _read_as(self, kind: type, name: str, *, least: int) -> object:
        if issubclass(kind, StrEnum):
            return self.one_of(name, kind)
        if kind is int:
            return self.whole(name, least=least)
        readers: dict[type, Callable[[str], object]] = {
            bool: self.truth,
            float: self.seconds,
            str: self.text,
            tuple: self.words,
            Mapping: self.pairs,
        }
        return readers[kind](name)

    def pairs(self, name: str) -> dict[str, Json]:
        """Read a mapping, or words of the shape KEY=VALUE."""
        value = self._of(name)
        if value is None or isinstance(value, dict):
            return dict(value or {})
        pairs = [str(word).partition("=") for word in value] if isinstance(value, list) else []
        if not pairs or not all(key and sign for key, sign, _ in pairs):
            self.mistakes.append(f"{name}: {value!r} is not KEY=VALUE")
        return {key: self._read(text).value for key, _, text in pairs}

    def words(self, name: str) -> tuple[str, ...]:
        """Read a list of words, or one text with commas."""
        value = self._of(name)
        listed: Json = [*value.split(",")] if isinstance(value, str) else value
        if listed is None:
            return ()
        if isinstance(listed, int) and not isinstance(listed, bool):
            listed = [listed]
        if not isinstance(listed, list) or not all(isinstance(x, str | int) for x in listed):
            wrong = f"{name}: {value!r} is no list of words"
            self.mistakes += [wrong] if wrong not in self.mistakes else []
            return ()
        return tuple(word for each in listed if (word := str(each).strip()))

    def together(self, request: SweepRequest, executors: tuple[str, ...]) -> None:
        """Look at what only together is wrong."""
        self._where(request, executors)
        self._braces(request)
        for key, dimension in request.space.items():
            words = dimension.words if isinstance(dimension, Choices) else ()
            if any(len(word) > _MOST_WORD for word in words):
                self.mistakes.append(
                    f"{key}: a value is too large for a command line; put each into a file and "
                    "try the names of the files"
                )
        if request.sampler is Sampler.GRID:
            for key in endless(request.space):
                self.mistakes.append(
                    f"{key}: a grid needs values or a step, as 0..1:0.25; "
                    "random and tpe take any range"
                )
        elif request.trials is None:
            self.mistakes.append(
                f"trials: say how many {request.sampler} shall try, as --trials 40"
            )
        if request.prune and request.sampler is Sampler.GRID:
            self.mistakes.append("prune: a grid tries every point to its end; take random or tpe")
        needs = (
            "prune" if request.prune else "sampler tpe" if request.sampler is Sampler.TPE else ""
        )
        if needs and request.metric is None:
            self.mistakes.append(f"metric: {needs} needs one, as --metric acc:max")

    def _braces(self, request: SweepRequest) -> None:
        """Name what stands in braces and is no param: it would reach the command as it is."""
        asked = self.said.get("params")
        known = [*dict.fromkeys((*request.space, *(asked if isinstance(asked, dict) else ())))]
        for name in dict.fromkeys(placeholders(request.command)):
            if name in known or (name == "params" and request.params_copy):
                continue
            near = difflib.get_close_matches(name, known, n=1)
            way = f"did you mean {{{near[0]}}}?" if near else f"params are {', '.join(known)}."
            if name == "params":
                way = "--params-copy makes the copy that it stands for"
            self.mistakes.append(
                f"command: {{{name}}} is no param; {way} Braces of the command's own are "
                f"written twice, {{{{{name}}}}}"
            )

    def _where(self, request: SweepRequest, executors: tuple[str, ...]) -> None:
        if request.executor not in executors:
            names = ", ".join(executors)
            self.mistakes.append(f"executor: {request.executor!r} is none of {names}")
            return
        for name, owner in (("address", "dask"), ("away", "dask"), ("slurm", "slurm")):
            is_free = name == "address" and request.executor not in _OWN_WAYS  # another package's
            if getattr(request, name) and request.executor != owner and not is_free:
                self.mistakes.append(f"{name}: goes with --executor {owner} alone")
        if request.scratch and not request.away:
            self.mistakes.append("scratch: is where trials run with --away")
        if request.gpus and request.executor != LOCAL:
            self.mistakes.append(
                "gpus: are shared out on this machine alone; elsewhere the cluster does it, "
                "as --slurm gpus_per_node=1"
            )
        if request.away and request.refs:
            self.mistakes.append("refs: --away sends the code as it is here, and no other")
        if request.away and request.prune:
            self.mistakes.append("prune: what trials report with --away is known at their end")

    def unknown(self) -> None:
        """Name what nobody asked for."""
        for name in self.said:
            if name not in self._known:
                near = difflib.get_close_matches(name, self._known, n=1)
                also = f"; did you mean {near[0]}?" if near else ""
                self.mistakes.append(f"{name}: there is no such key{also}")


def joined(file: Mapping[str, Json], line: Mapping[str, Json]) -> dict[str, Json]:
    """Put what the command line says over what a file says; params one by one.

    >>> joined({"jobs": 1, "params": {"a": 1}}, {"jobs": 2, "params": {"b": "1,2"}})
    {'jobs': 2, 'params': {'a': 1, 'b': '1,2'}}
    """
    params = cast("dict[str, Json]", line.get("params", {}))
    held = file.get("params", {})
    both: Json = {**held, **params} if isinstance(held, dict) else (params or held)
    return {**file, **line, "params": both}
