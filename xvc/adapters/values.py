"""Params and metrics in files: YAML, JSON or TOML, flattened to dotted keys."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import yaml

from xvc.errors import BadValue
from xvc.types import Json

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_values(path: Path) -> dict[str, Json]:
    """Read a file of values; nested ones get dotted keys, lists stay whole.

    Raises:
        BadValue: it is not what its ending says, or no mapping.
    """
    found = read_nested(path)
    return dict(_flat(found, ""))


def read_nested(path: Path) -> Mapping[str, Json]:
    """Read a file of values as it is nested.

    Raises:
        BadValue: it is not what its ending says, or no mapping.
    """
    try:
        if path.suffix == ".toml":
            found: object = tomllib.loads(path.read_text(encoding="utf-8"))
        else:  # JSON is YAML
            found = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - safe loader
    except (yaml.YAMLError, tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise BadValue(path.name, str(err).splitlines()[0]) from err
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise BadValue(path.name, "it holds no names with values")
    return cast("Mapping[str, Json]", found)


def parse_scalar(text: str) -> Json:
    """Read one value as YAML reads it; what it cannot read is text.

    >>> parse_scalar("1e-3"), parse_scalar("true"), parse_scalar("a b")
    (0.001, True, 'a b')
    """
    try:
        return float(text) if _is_float(text) else cast("Json", yaml.safe_load(text))
    except yaml.YAMLError:
        return text


def _is_float(text: str) -> bool:
    """YAML 1.1 takes ``1e-3`` for text; nobody who types it does."""
    try:
        float(text)
    except ValueError:
        return False
    return not text.strip().lstrip("+-").isdigit() and "_" not in text


def write_replaced(source: Path, target: Path, values: Mapping[str, Json]) -> None:
    """Write a copy of a params file in which dotted keys have other values.

    Raises:
        BadValue: *source* cannot be read.
    """
    found = cast("dict[str, Json]", dict(read_nested(source)) if source.is_file() else {})
    for key, value in values.items():
        _set(found, key.split("."), value)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(yaml.safe_dump(found, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _set(found: dict[str, Json], parts: list[str], value: Json) -> None:
    *above, last = parts
    for part in above:
        inner = found.setdefault(part, {})
        if not isinstance(inner, dict):
            inner = found[part] = {}
        found = inner
    found[last] = value


def _flat(found: Mapping[str, Json], before: str) -> Iterator[tuple[str, Json]]:
    for key, value in found.items():
        name = f"{before}{key}"
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{name}.")
        else:
            yield name, value


def metric_files_of(pipeline: Path) -> list[str]:
    """List the metric files that a dvc.yaml names, stages' and its own."""
    return _named(pipeline, "metrics")


def params_files_of(pipeline: Path) -> list[str]:
    """List the params files that a dvc.yaml names at its top."""
    return _named(pipeline, "params")


def _named(pipeline: Path, word: str) -> list[str]:
    if not pipeline.is_file():
        return []
    found = read_nested(pipeline)
    stages = found.get("stages")
    parts = [found, *(stages.values() if isinstance(stages, dict) else [])]
    names: dict[str, None] = {}
    for place, part in enumerate(parts):
        listed = part.get(word) if isinstance(part, Mapping) else None
        if word == "params" and place:
            continue  # a stage lists keys here, not files
        for entry in listed if isinstance(listed, list) else []:
            name = next(iter(entry)) if isinstance(entry, dict) and entry else entry
            if isinstance(name, str):
                names[name] = None
    return list(names)
