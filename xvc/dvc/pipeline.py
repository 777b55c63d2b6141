"""Pipelines of DVC: the stages of a ``dvc.yaml``, as DVC itself resolves them.

Stages made by ``foreach`` and ``matrix`` and templates like ``${item}`` are resolved by DVC's own
code, imported late and only where one of the parts that matter holds a template.
"""

from __future__ import annotations

import io
import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any, cast

from xvc.errors import PipelineCorrupt, Unresolved, XvcError
from xvc.system.yaml_text import BadYaml, has_merge_marks, parse_yaml
from xvc.types import Json

FILE = "dvc.yaml"
_PARAMS = "params.yaml"
_OUT_KINDS = ("outs", "metrics", "plots")
_READ = ("wdir", "vars", "params", *_OUT_KINDS)
_TEMPLATE = "${"

Read = Callable[[str], bytes | None]
"""Gives what a file holds, by its path from the top of the tree; None where there is none."""


@dataclass(frozen=True, slots=True)
class StageOut:
    """An output as a stage declares it; ``path`` is as written, seen from the stage's folder."""

    path: str
    is_cached: bool = True
    is_pushed: bool = True
    remote: str | None = None


@dataclass(frozen=True, slots=True)
class PipelineStage:
    """One stage: its folder from the top, outputs, metric files, and params files with keys.

    ``metrics`` and ``params`` are paths from the top; no keys mean the whole file. ``is_group``
    stands for all stages of a ``foreach`` or ``matrix`` that differ in nothing read here. One that
    ``is_frozen`` is never reproduced.
    """

    folder: str
    outs: tuple[StageOut, ...] = ()
    metrics: tuple[str, ...] = ()
    params: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_group: bool = False
    is_frozen: bool = False


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What a ``dvc.yaml`` says; ``problems`` are stages that DVC itself could not resolve.

    ``used_vars`` are files of ``vars``, from the top, with those keys that templates use.
    """

    stages: Mapping[str, PipelineStage] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    problems: tuple[XvcError, ...] = ()
    used_vars: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def stage(self, name: str) -> PipelineStage | None:
        """Find a stage by the name that ``dvc.lock`` gives it."""
        found = self.stages.get(name)
        group = self.stages.get(name.rpartition("@")[0])
        return found or (group if group is not None and group.is_group else None)

    def metric_files(self, stages: Collection[str] | None = None) -> list[str]:
        """List the metric files, from the top, each once; with *stages* only those of these."""
        if stages is not None:
            held = [each for each in map(self.stage, sorted(stages)) if each is not None]
            return list(dict.fromkeys(path for stage in held for path in stage.metrics))
        each = (path for stage in self.stages.values() for path in stage.metrics)
        return list(dict.fromkeys([*each, *self.metrics]))

    def params_files(self) -> dict[str, tuple[str, ...]]:
        """Map each params file, from the top, to the keys that count; none: all of them."""
        found: dict[str, tuple[str, ...]] = {}
        for said in (*(stage.params for stage in self.stages.values()), self.used_vars):
            for path, keys in said.items():
                whole = path in found and not found[path]
                joined = tuple(dict.fromkeys([*found.get(path, ()), *keys]))
                found[path] = () if whole or not keys else joined
        return found | dict.fromkeys(self.params, ())


def read_pipeline(read: Read, file: str) -> Pipeline:
    """Read a ``dvc.yaml``; where there is none, nothing is declared.

    Raises:
        PipelineCorrupt: it is not YAML, or of another shape.
        Unresolved: it holds merge marks.
    """
    content = read(file)
    held = None if content is None else load(content, file)
    if held is None:
        return Pipeline()
    if not isinstance(held, dict):
        raise PipelineCorrupt(file, "it holds no stages")
    folder = posixpath.dirname(file)
    written = held.get("stages")
    stages: dict[str, PipelineStage] = {}
    templated: dict[str, Json] = {}
    bodies: dict[str, Json] = {}
    for name, body in (written or {}).items() if isinstance(written, dict) else ():
        bodies |= {str(name): body} if isinstance(body, dict) else {}
        if isinstance(body, dict) and _TEMPLATE in repr(_relevant(body)):
            templated[str(name)] = body
        elif isinstance(body, dict):
            inner = body.get("do") if isinstance(body.get("do"), dict) else body
            is_group = "foreach" in body or "matrix" in body
            stages[str(name)] = _stage(cast("dict[str, Json]", inner), folder, is_group=is_group)
    top: dict[str, Json] = {k: held[k] for k in ("metrics", "params") if k in held}
    problems: list[XvcError] = []
    if templated or _TEMPLATE in repr(top):
        resolver = _Resolver(read, file, {**top, "vars": held.get("vars"), "stages": templated})
        stages |= {n: _stage(body, folder) for n, body in resolver.stages(problems)}
        top = resolver.top(problems)
    used: dict[str, tuple[str, ...]] = {}
    if _TEMPLATE in repr(bodies) and _reads_vars(read, folder, held.get("vars"), bodies):
        used = _Resolver(read, file, {"vars": held.get("vars"), "stages": bodies}).used_vars()
    return Pipeline(
        stages,
        tuple(_named(top.get("metrics"), folder)),
        tuple(_named(top.get("params"), folder)),
        tuple(problems),
        used,
    )


def bodies_of(read: Read, file: str) -> dict[str, Mapping[str, Json]]:
    """Map the stages of a ``dvc.yaml``, named as its lock does, to what DVC would run now.

    A stage that cannot be resolved is left out: DVC cannot run it.

    Raises:
        PipelineCorrupt: it is not YAML.
        Unresolved: it holds merge marks.
    """
    held = load(read(file) or b"", file)
    written = held.get("stages") if isinstance(held, dict) else None
    found: dict[str, Mapping[str, Json]] = {}
    for name, body in (written if isinstance(written, dict) else {}).items():
        if not isinstance(body, dict):
            continue
        if _TEMPLATE in repr(body) or not body.keys().isdisjoint(("foreach", "matrix")):
            said = {"vars": held.get("vars") if isinstance(held, dict) else None}
            resolver = _Resolver(read, file, {**said, "stages": {str(name): body}})
            with suppress(Exception):  # DVC's parser fails in many ways
                found |= resolver.whole(str(name))
        else:
            found[str(name)] = body
    return found


def paths_in(body: Mapping[str, Json]) -> dict[str, set[str]]:
    """Name the ``deps`` and ``outs`` that a stage declares, seen from its folder."""
    kinds = {"deps": ("deps",), "outs": _OUT_KINDS}
    return {
        part: {posixpath.normpath(out.path) for each in names for out in _outs(body.get(each))}
        for part, names in kinds.items()
    }


def _reads_vars(read: Read, folder: str, named: Json, bodies: Mapping[str, Json]) -> bool:
    """Whether templates may take a value from a file that is not read as a whole anyway."""
    each = [body for body in bodies.values() if isinstance(body, dict)]
    each += [inner for body in each if isinstance(inner := body.get("do"), dict)]
    own = [body.get("vars") for body in each]
    listed = [entries for entries in (named, *own) if isinstance(entries, list)]
    if any(isinstance(entry, str) for entries in listed for entry in entries):
        return True
    return bool(folder) and read(joined(folder, _PARAMS)) is not None


def stage_outs(pipelines: Mapping[str, Pipeline]) -> dict[str, str]:
    """Map what stages declare, by path from the top, to the full names of the stages."""
    return {
        joined(stage.folder, out.path): f"{file}:{name}"
        for file, pipeline in pipelines.items()
        for name, stage in pipeline.stages.items()
        for out in stage.outs
    }


def frozen_outs(pipelines: Mapping[str, Pipeline]) -> frozenset[str]:
    """Return what frozen stages declare, by path from the top: DVC takes it as it is."""
    return frozenset(
        joined(stage.folder, out.path)
        for pipeline in pipelines.values()
        for stage in pipeline.stages.values()
        if stage.is_frozen
        for out in stage.outs
    )


def load(content: str | bytes, file: str) -> Json:
    """Read the YAML of a pipeline's file.

    Raises:
        PipelineCorrupt: it is none; the line is said.
        Unresolved: it holds merge marks.
    """
    if has_merge_marks(content):
        raise Unresolved(file)
    try:
        return parse_yaml(content)
    except BadYaml as err:
        raise PipelineCorrupt(file, str(err)) from err


def joined(folder: str, path: str) -> str:
    """Name a path from the top without dots; one that leads out of the tree begins with them.

    >>> joined("a/b", "../c.csv")
    'a/c.csv'
    """
    return posixpath.normpath(posixpath.join(folder, path))


def _relevant(body: Mapping[str, Json]) -> dict[str, Json]:
    inner = body.get("do")
    parts = inner if isinstance(inner, dict) else body
    return {key: parts[key] for key in _READ if key in parts and key != "vars"}


def _stage(body: Mapping[str, Json], folder: str, *, is_group: bool = False) -> PipelineStage:
    wdir = body.get("wdir")
    own = joined(folder, str(wdir)) if wdir else folder
    outs = [out for kind in _OUT_KINDS for out in _outs(body.get(kind))]
    metrics = [joined(own, out.path) for out in _outs(body.get("metrics"))]
    params = {joined(own, path): keys for path, keys in _params(body.get("params"))}
    return PipelineStage(
        folder=own,
        outs=tuple(outs),
        metrics=tuple(metrics),
        params=params,
        is_group=is_group,
        is_frozen=body.get("frozen") is True,
    )


def _outs(listed: Json) -> Iterator[StageOut]:
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict):
            for path, options in entry.items():
                said = options if isinstance(options, dict) else {}
                remote = said.get("remote")
                yield StageOut(
                    str(path),
                    is_cached=said.get("cache") is not False,
                    is_pushed=said.get("push") is not False,
                    remote=str(remote) if remote else None,
                )
        elif entry is not None:
            yield StageOut(str(entry))


def _params(listed: Json) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Read a stage's params: keys of params.yaml, or a file with keys, or a whole file."""
    keys: dict[str, list[str] | None] = {}
    for entry in listed if isinstance(listed, list) else ():
        named = entry if isinstance(entry, dict) else {_PARAMS: [str(entry)]}
        for path, each in named.items():
            before = keys.get(str(path), [])
            own = [str(key) for key in each] if isinstance(each, list) else []
            keys[str(path)] = [*before, *own] if own and before is not None else None
    return ((path, tuple(each or ())) for path, each in keys.items())


def _named(listed: Json, folder: str) -> Iterator[str]:
    for entry in listed if isinstance(listed, list) else ():
        name = next(iter(entry), None) if isinstance(entry, dict) else entry
        if isinstance(name, str):
            yield joined(folder, name)


class _Resolver:
    """DVC's own resolver of templates, over files that *read* gives."""

    def __init__(self, read: Read, file: str, held: Mapping[str, Json]) -> None:
        self._read, self._file = read, file
        self._held = {key: value for key, value in held.items() if value is not None}
        self._made: Any = None

    def stages(self, problems: list[XvcError]) -> Iterator[tuple[str, Mapping[str, Json]]]:
        """Resolve each stage by itself: one that cannot be resolved costs no other."""
        bodies = cast("dict[str, dict[str, Json]]", self._held["stages"])
        for name in bodies:
            try:
                yield from self._resolved(name)
            except Exception as err:  # noqa: BLE001 - DVC's parser fails in many ways
                problems.append(self._problem(f"stage {name!r}", err))

    def whole(self, name: str) -> dict[str, Mapping[str, Json]]:
        """Resolve a stage with its command."""
        resolver = self._resolver(name, is_whole=True)
        found = (resolver.resolve_one(key) for key in resolver.get_keys())
        return {stage: body for each in found for stage, body in each.items()}

    def _resolved(self, name: str) -> Iterable[tuple[str, Mapping[str, Json]]]:
        resolver = self._resolver(name)
        return [pair for key in resolver.get_keys() for pair in resolver.resolve_one(key).items()]

    def top(self, problems: list[XvcError]) -> dict[str, Json]:
        """Resolve what is declared for the whole file."""
        try:
            resolver = self._resolver(None)
            return {"metrics": resolver.resolve_metrics(), "params": resolver.resolve_params()}
        except Exception as err:  # noqa: BLE001 - as above
            problems.append(self._problem("metrics and params", err))
            return {}

    def used_vars(self) -> dict[str, tuple[str, ...]]:
        """Name the keys of files that stages use anywhere, commands included, as DVC notes them.

        A stage that cannot be resolved uses none: DVC cannot run it.
        """
        found: dict[str, dict[str, None]] = {}
        for name, body in cast("dict[str, Json]", self._held["stages"]).items():
            if _TEMPLATE not in repr(body):
                continue
            with suppress(Exception):  # as above
                resolver = self._resolver(name, is_whole=True)
                for key in resolver.get_keys():
                    resolver.resolve_one(key)
                for used in resolver.tracked_vars.values():
                    for file, values in used.items():
                        found.setdefault(posixpath.normpath(file), {}).update(dict.fromkeys(values))
        return {file: tuple(keys) for file, keys in found.items() if file != self._file}

    def _resolver(self, name: str | None, *, is_whole: bool = False) -> Any:
        from dvc.parsing import DataResolver  # late: 100 ms, for templates alone

        bodies = cast("dict[str, dict[str, Json]]", self._held["stages"])
        wanted = {} if name is None else {name: bodies[name]}
        wanted = wanted if is_whole else {name: _stripped(each) for name, each in wanted.items()}
        repo = SimpleNamespace(fs=_Files(self._read), config={})
        return DataResolver(repo, posixpath.dirname(self._file), {**self._held, "stages": wanted})

    def _problem(self, what: str, err: Exception) -> XvcError:
        words = " ".join(str(err).split()) or type(err).__name__
        return PipelineCorrupt(self._file, f"{what}: {words}")


def _stripped(body: dict[str, Json]) -> dict[str, Json]:
    """Leave out what is not read here: a template in a command has no say in outputs."""
    inner = body.get("do")
    if isinstance(inner, dict):
        return {"foreach": body.get("foreach"), "do": _stripped(inner)}
    kept = (*_READ, "matrix", "foreach", "frozen")
    return {key: value for key, value in body.items() if key in kept}


class _Files:
    """As much of a DVC file system as its resolver asks for."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def exists(self, path: str) -> bool:
        return self._read(path) is not None

    def isdir(self, path: str) -> bool:
        return False

    def open(self, path: str, mode: str = "r", encoding: str = "utf-8", **_: object) -> io.StringIO:
        content = self._read(path)
        if content is None:
            raise FileNotFoundError(path)
        return io.StringIO(content.decode(encoding))

    join = staticmethod(posixpath.join)
    normpath = staticmethod(posixpath.normpath)
    relpath = staticmethod(posixpath.relpath)

    @staticmethod
    def suffix(path: str) -> str:
        return PurePosixPath(path).suffix
