"""Settings: defaults < user < project < environment < command line, each value checked once.

``xvc.yaml`` at the root, or ``[tool.xvc]`` in pyproject.toml. Every mistake is reported together.
Reads the files it is given; the environment comes as a mapping.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Literal, cast

import yaml

from xvc.errors import BadSetting
from xvc.types import Json

FILE = "xvc.yaml"


def _setting(default: object, doc: str) -> object:
    if isinstance(default, dict | list):
        return field(default_factory=lambda: type(default)(default), metadata={"doc": doc})
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a user may choose. The metadata of each field is its documentation."""

    database: str = _setting(  # type: ignore[assignment]
        "results/experiments.duckdb", "the store, below the project's root"
    )
    tag_prefix: str = _setting("e", "what version tags begin with")  # type: ignore[assignment]
    tag_keys: tuple[str, ...] = _setting(  # type: ignore[assignment]
        (), "params and metrics in a version's message; empty: what differs between runs"
    )
    params_files: tuple[str, ...] = _setting(  # type: ignore[assignment]
        (), "YAML, JSON or TOML files whose values are a run's params"
    )
    params_options: bool = _setting(  # type: ignore[assignment]
        True, "whether the command's own options, like --lr 0.1, are params too"
    )
    metrics_files: tuple[str, ...] = _setting(  # type: ignore[assignment]
        (), "YAML, JSON or TOML files that a run writes its metrics into"
    )
    metrics_direction: Mapping[str, str] = _setting(  # type: ignore[assignment]
        {}, "which way each metric is better: max or min"
    )
    snapshot_limit: int = _setting(  # type: ignore[assignment]
        10_000_000, "bytes; larger untracked files are left out of a run's snapshot"
    )
    output_limit: int = _setting(  # type: ignore[assignment]
        16_000_000, "bytes kept of a run's output: its beginning and its end"
    )
    environment_variables: tuple[str, ...] = _setting(  # type: ignore[assignment]
        (), "names of environment variables that are recorded; no other is"
    )
    system_interval: float = _setting(  # type: ignore[assignment]
        1.0, "seconds between two looks at CPU, memory and GPU"
    )
    interrupt_seconds: float = _setting(  # type: ignore[assignment]
        10.0, "how long an interrupted command may take before it gets TERM"
    )
    terminate_seconds: float = _setting(  # type: ignore[assignment]
        5.0, "how long it may then take before it gets KILL"
    )
    journal_sync: float | None = _setting(  # type: ignore[assignment]
        None, "seconds until a logged row is on the disk; empty: at flush and at the end"
    )
    cache_folder: str = _setting(  # type: ignore[assignment]
        ".cache/xvc", "where `xvc cache` looks: the folder that Trackers were given as cache"
    )

    def __post_init__(self) -> None:
        wrong = [
            f"metrics.direction.{k} is {v!r}, not max or min"
            for k, v in self.metrics_direction.items()
            if v not in ("max", "min")
        ]
        if wrong:
            raise BadSetting(tuple(wrong))


KEYS: dict[str, Field[object]] = {
    part.name.replace("_", ".", 1) if part.name != "database" else part.name: part
    for part in cast("tuple[Field[object], ...]", fields(Settings))
}
"""Each setting by the dotted name it has in files: ``tag.prefix``."""

Origin = Literal["default", "user", "project", "environment", "command line"]


def load(
    root: Path,
    *,
    user_file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Json] | None = None,
) -> Settings:
    """Read the settings of a project.

    Raises:
        BadSetting: any of them cannot be used; all mistakes are in it.
    """
    layers = [
        _from_file(user_file) if user_file else {},
        project_settings(root),
        _from_environment(environment or {}),
        dict(overrides or {}),
    ]
    mistakes: list[str] = []
    values: dict[str, object] = {}
    for layer in layers:
        for key, value in layer.items():
            part = KEYS.get(key)
            if part is None:
                mistakes.append(_unknown(key))
                continue
            try:
                values[part.name] = _checked(key, part, value)
            except ValueError as err:
                mistakes.append(str(err))
    if mistakes:
        raise BadSetting(tuple(mistakes))
    return replace(Settings(), **values)  # type: ignore[arg-type]


def has_settings(root: Path) -> bool:
    """Whether a folder has settings of a project, be they readable or not."""
    if (root / FILE).is_file():
        return True
    try:
        text = (root / "pyproject.toml").read_bytes()
        if b"xvc" not in text:
            return False
        tool = tomllib.loads(text.decode()).get("tool")
    except ValueError:
        return b"[tool.xvc" in text  # the mistake in it is said when the settings are read
    except OSError:
        return False
    return isinstance(tool, dict) and "xvc" in tool


def project_settings(root: Path) -> dict[str, Json]:
    """Read a project's own layer, flattened to dotted names."""
    if (root / FILE).is_file():
        return _from_file(root / FILE)
    pyproject = root / "pyproject.toml"
    if pyproject.is_file() and b"[tool.xvc" in pyproject.read_bytes():
        tool = tomllib.loads(pyproject.read_text(encoding="utf-8")).get("tool", {})
        return _flat(cast("Mapping[str, Json]", tool.get("xvc", {})))
    return {}


def _from_file(path: Path) -> dict[str, Json]:
    if not path.is_file():
        return {}
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as err:
        raise BadSetting((f"{path.name}: {str(err).splitlines()[0]}",)) from err
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadSetting((f"{path.name} is no list of settings",))
    return _flat(found)


def _flat(found: Mapping[str, Json], before: str = "") -> dict[str, Json]:
    flat: dict[str, Json] = {}
    for key, value in found.items():
        name = f"{before}{key}"
        if isinstance(value, dict) and name not in KEYS:
            flat |= _flat(value, f"{name}.")
        else:
            flat[name] = value
    return flat


def _from_environment(environment: Mapping[str, str]) -> dict[str, Json]:
    """``XVC_TAG__PREFIX=v`` is ``tag.prefix: v``; the value is read as YAML."""
    found: dict[str, Json] = {}
    for name, text in environment.items():
        key = name.removeprefix("XVC_").lower().replace("__", ".")
        if name.startswith("XVC_") and key in KEYS:
            found[key] = cast("Json", yaml.safe_load(text))
    return found


def _unknown(key: str) -> str:
    near = difflib.get_close_matches(key, KEYS, n=1)
    return f"there is no setting {key!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _checked(key: str, part: Field[object], value: Json) -> object:
    kind = str(part.type)
    if "None" in kind and value is None:
        return None
    read = next((read for word, read in _READERS.items() if kind.startswith(word)), _number)
    found = read(value)
    if found is None:
        raise ValueError(f"{key} is {value!r}, not {_in_words(kind)}")
    return int(cast("float", found)) if kind == "int" else found


def _names(value: Json) -> object:
    listed = [value] if isinstance(value, str) else value or []
    is_good = isinstance(listed, list) and all(isinstance(item, str) for item in listed)
    return tuple(cast("list[str]", listed)) if is_good else None


def _mapping(value: Json) -> object:
    if not isinstance(value, dict):
        return None
    return {str(name): str(item) for name, item in value.items()}


def _text(value: Json) -> object:
    return value if isinstance(value, str) and value else None


def _truth(value: Json) -> object:
    return value if isinstance(value, bool) else None


def _number(value: Json) -> object:
    is_good = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return float(cast("float", value)) if is_good else None


_READERS: dict[str, Callable[[Json], object]] = {
    "tuple": _names,
    "Mapping": _mapping,
    "str": _text,
    "bool": _truth,
}


def _in_words(kind: str) -> str:
    if kind.startswith("tuple"):
        return "a list of names"
    if kind.startswith("Mapping"):
        return "a mapping of metric to max or min"
    words = {"str": "a text", "bool": "true or false", "int": "a whole number"}
    return words.get(kind, "a number of seconds")
