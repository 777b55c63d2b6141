"""Settings: defaults < user < project < environment < command line, each value checked once.

``xvc.yaml`` at the root, or ``[tool.xvc]`` in pyproject.toml. Every mistake is reported together.
Reads the files it is given; the environment comes as a mapping.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, fields, replace
from pathlib import Path
from reprlib import repr as repr_short
from typing import cast

import yaml

from xvc.core.late_pattern import late
from xvc.core.option import option, option_of
from xvc.core.yaml_aliases import is_multiplied
from xvc.errors import BadSetting, OutsideProject
from xvc.types import Json

FILE = "xvc.yaml"
_LARGEST = 10**15  # of what is a number: infinity and what no clock takes are refused
_MOST_VALUES = 10_000  # every alias written out
_MOST_LEVELS = 100  # what PyYAML takes for a file grows with the square of its levels
_DEEPEST = 3  # dots in a key; no setting has as many
_MERGE = "tag:yaml.org,2002:merge"
_NO_TAG = late(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|^[-./]|\.lock(?:/|$)|\.$")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a user may choose. Each field says what it is for."""

    database: str = option("results/experiments.duckdb", "the store, below the project's root")
    tag_prefix: str = option("e", "what version tags begin with")
    tag_keys: tuple[str, ...] = option(
        (), "params and metrics in a version's message; empty: what differs between runs"
    )
    capture_patterns: tuple[str, ...] = option(
        (),
        "regular expressions that --capture reads metrics by: a group for each, or name and value",
    )
    tag_ignore: tuple[str, ...] = option(
        (
            *("*.md", "*.markdown", "*.rst", "*.adoc", "*.tex", "*.bib", "*.pdf", "*.docx"),
            *("*.odt", "report*.html", "reports/*"),
        ),
        "documents, by name or path: they are no code, so a change of one blocks no version",
    )
    params_files: tuple[str, ...] = option(
        (), "YAML, JSON or TOML files whose values are a run's params"
    )
    params_options: bool = option(
        True, "whether the command's own options, like --lr 0.1, are params too"
    )
    metrics_files: tuple[str, ...] = option(
        (), "YAML, JSON or TOML files that a run writes its metrics into"
    )
    metrics_direction: Mapping[str, str] = option({}, "which way each metric is better: max or min")
    metrics_summary: Mapping[str, str] = option(
        {},
        "which value of a metric is the run's: last, best, min or max; for later runs",
    )
    judge_files: tuple[str, ...] = option(
        (), "files, folders and patterns that judge runs: where they differ, results do not compare"
    )
    judge_data: tuple[str, ...] = option(
        (), "data that runs are judged by, as data/test.parquet; git or DVC tracks it"
    )
    judge_metrics: Mapping[str, str] = option(
        {}, "how each metric is defined, in words: another definition is another judge"
    )
    snapshot_limit: int = option(
        10_000_000, "bytes; larger untracked files are left out of a run's snapshot"
    )
    snapshot_total: int = option(
        50_000_000,
        "bytes of untracked files in a run's snapshot; the heaviest folders are left out",
    )
    snapshot_files: int = option(
        1_000, "untracked files in a run's snapshot; the fullest folders are left out"
    )
    snapshot_allow: tuple[str, ...] = option(
        (), "files, by name or path, that look like secrets and are none: snapshots hold them"
    )
    output_limit: int = option(
        16_000_000, "bytes kept of a run's output: its beginning and its end"
    )
    environment_variables: tuple[str, ...] = option(
        (), "names of environment variables that are recorded; no other is"
    )
    system_interval: float = option(1.0, "seconds between two looks at CPU, memory and GPU")
    interrupt_seconds: float = option(
        10.0, "how long an interrupted command may take before it gets TERM"
    )
    terminate_seconds: float = option(5.0, "how long it may then take before it gets KILL")
    journal_sync: float | None = option(
        None, "seconds until a logged row is on the disk; empty: at flush and at the end"
    )
    git_hook: bool = option(
        True, "whether the store follows its pointer as soon as git changes it: a hook of git"
    )
    page_views: Mapping[str, str] = option(
        {}, "views of `xvc ui` by name, each the end of an address, as runs?where=loss+%3C+0.5"
    )
    cache_folder: str = option(
        ".cache/xvc", "where `xvc cache` looks: the folder that Trackers were given as cache"
    )

    said_twice: tuple[str, ...] = ()
    """Keys that a file has twice, a sentence each; no setting itself."""

    @property
    def has_judge(self) -> bool:
        """Whether they name what must be the same for results to compare."""
        return bool(self.judge_files or self.judge_data or self.judge_metrics)

    def __post_init__(self) -> None:
        try:
            _refuse_other_ways(self.metrics_direction)
            _refuse_other_summaries(self.metrics_summary)
        except ValueError as err:
            raise BadSetting((str(err),)) from err


_SUMMARIES = ("last", "best", "min", "max")

KEYS: dict[str, Field[object]] = {
    part.name.replace("_", ".", 1) if part.name != "database" else part.name: part
    for part in cast("tuple[Field[object], ...]", fields(Settings))
    if option_of(part) is not None
}
"""Each setting by the dotted name it has in files: ``tag.prefix``."""

PATHS = ("database", "params.files", "metrics.files", "cache.folder")
"""The settings that name files and folders: a project's own must lie in it."""

Inside = Callable[[str, str], bool]
"""Tells whether a path, which this setting of a project names, may be used."""


@dataclass(frozen=True, slots=True)
class _Said:
    """One setting as a layer says it, and where: a file with its line, or a variable."""

    key: str
    value: Json
    where: str


def load(
    root: Path,
    *,
    user_file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Json] | None = None,
    is_inside: Inside = lambda key, path: True,
) -> Settings:
    """Read the settings of a project.

    Args:
        root: the project.
        user_file: the user's own settings.
        environment: variables that begin with ``XVC_`` are settings.
        overrides: what the command line says.
        is_inside: judges the paths that the project's own file names; the other layers are the
            user's, who may name any.

    Raises:
        BadSetting: any of them cannot be used; all mistakes are in it.
        OutsideProject: the project's file names a path outside the project.
    """
    settings, mistakes = read(
        root,
        user_file=user_file,
        environment=environment,
        overrides=overrides,
        is_inside=is_inside,
    )
    if mistakes:
        raise BadSetting(mistakes)
    return settings


def read(
    root: Path,
    *,
    user_file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Json] | None = None,
    is_inside: Inside = lambda key, path: True,
) -> tuple[Settings, tuple[str, ...]]:
    """Read what can be used of a project's settings, and name every mistake.

    A setting that cannot be used has the value of the layer below it.

    Raises:
        OutsideProject: the project's file names a path outside the project.
    """
    overrides = dict(overrides or {})
    mistakes: list[str] = []
    twice: list[str] = []
    users = _from_file(user_file, str(user_file), mistakes, twice) if user_file else []
    projects = _from_project(root, mistakes, twice)
    _refuse_outside(root, projects, overrides, is_inside)
    said = [
        *users,
        *projects,
        *_from_environment(environment or {}, mistakes),
        *(_Said(key, value, "the command line") for key, value in overrides.items()),
    ]
    values: dict[str, object] = {}
    for each in said:
        part = KEYS.get(each.key)
        if part is None:
            mistakes.append(f"{each.where}: {_unknown(each.key)}")
            continue
        try:
            values[part.name] = _checked(each.key, part, each.value)
        except ValueError as err:
            mistakes.append(f"{each.where}: {err}")
    settings = replace(Settings(), **values)  # type: ignore[arg-type]
    return replace(settings, said_twice=tuple(twice)), tuple(mistakes)


def has_settings(root: Path) -> bool:
    """Whether a project has settings of its own, in whichever file.

    Raises:
        BadSetting: a file that may hold them cannot be read.
    """
    if not any((root / name).is_file() for name in (FILE, "pyproject.toml")):
        return False
    mistakes: list[str] = []
    found = _from_project(root, mistakes, [])
    if mistakes:
        raise BadSetting(tuple(mistakes))
    return bool(found)


def is_marked(root: Path) -> bool:
    """Whether settings make a folder a project, be they readable or not."""
    if (root / FILE).is_file():
        return True
    pyproject = root / "pyproject.toml"
    try:
        text = pyproject.read_bytes() if pyproject.is_file() else b""
        if b"xvc" not in text:
            return False
        tool = tomllib.loads(text.decode()).get("tool")
    except ValueError:
        return b"[tool.xvc" in text  # the mistake in it is said when the settings are read
    except OSError:
        return False
    return isinstance(tool, dict) and "xvc" in tool


def _from_project(root: Path, mistakes: list[str], twice: list[str]) -> list[_Said]:
    if os.path.lexists(root / FILE):
        return _from_file(root / FILE, FILE, mistakes, twice)
    return _from_toml(root / "pyproject.toml", mistakes)


def project_values(root: Path) -> dict[str, Json]:
    """Read a project's own layer by dotted names, whether the values can be used or not."""
    return {each.key: each.value for each in _from_project(root, [], [])}


def named_paths(layer: Mapping[str, Json]) -> list[tuple[str, str]]:
    """List the paths that a layer names, each with its setting.

    >>> named_paths({"database": "a", "params.files": ["b", "c"], "tag.prefix": "e"})
    [('database', 'a'), ('params.files', 'b'), ('params.files', 'c')]
    """
    found = []
    for key in PATHS:
        value = layer.get(key)
        each = value if isinstance(value, list) else [value]
        found += [(key, path) for path in each if isinstance(path, str)]
    return found


def _refuse_outside(
    root: Path, said: Sequence[_Said], overrides: Collection[str], is_inside: Inside
) -> None:
    for key, path in named_paths({each.key: each.value for each in said}):
        if key not in overrides and not is_inside(key, path):
            raise OutsideProject(f"the setting {key}", path, str(root), _way_in(key))


def _way_in(key: str) -> str:
    if key in ("params.files", "metrics.files"):
        return "If the file is meant, `xvc trust` allows it in this clone"
    variable = f"XVC_{key.upper().replace('.', '__')}"
    return f"If it is meant, say so yourself: {variable}=…, or in ~/.config/xvc/config.yaml"


def _is_file(path: Path, name: str, mistakes: list[str]) -> bool:
    """Whether there is a file; what stands in its place and is none is a mistake."""
    if path.is_file():
        return True
    if os.path.lexists(path):
        what = "no file (a folder, a pipe or a device)" if path.exists() else "a link to nowhere"
        mistakes.append(f"{name}: it is {what}, so no settings are read from it")
    return False


def _from_toml(path: Path, mistakes: list[str]) -> list[_Said]:
    if not _is_file(path, path.name, mistakes):
        return []
    try:
        raw = path.read_bytes()
        if b"xvc" not in raw and b"\\u" not in raw:  # a key may be spelled by numbers
            return []
        text = raw.removeprefix(BOM_UTF8).decode()
        tool = tomllib.loads(text).get("tool", {})
    except (OSError, ValueError, RecursionError) as err:
        mistakes.append(f"{path.name}{_reason(err)}")
        return []
    found = tool.get("xvc", {}) if isinstance(tool, dict) else {}
    if not isinstance(found, dict):
        mistakes.append(f"{path.name}: tool.xvc is {repr_short(found)}; write a table, [tool.xvc]")
        return []
    lines = text.splitlines()
    return [
        _Said(key, value, f"{path.name}{_line_of(key, lines)}")
        for key, value in _flat(cast("Mapping[str, Json]", found))
    ]


def _line_of(key: str, lines: list[str]) -> str:
    """Say in which line a key of TOML most likely stands."""
    last = key.rpartition(".")[2]
    shape = re.compile(rf"""(?:^|[\s.{{,"']){re.escape(last)}["']?\s*=""")
    numbers = [number for number, line in enumerate(lines, 1) if shape.search(line)]
    return f" line {numbers[0]}" if len(numbers) == 1 else ""


def _flat(found: Mapping[str, Json], before: str = "") -> Iterator[tuple[str, Json]]:
    for key, value in found.items():
        name = f"{before}{key}"
        if isinstance(value, dict) and name not in KEYS and name.count(".") < _DEEPEST:
            yield from _flat(value, f"{name}.")
        else:
            yield name, value


class _Shallow(yaml.SafeLoader):
    """Refuses what is nested deeper than any settings, before it is read to its end."""

    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        self._refuse_deep(self.flow_level)
        super().fetch_flow_collection_start(token)

    def add_indent(self, column: int) -> bool:
        self._refuse_deep(len(self.indents))
        return bool(super().add_indent(column))

    def _refuse_deep(self, levels: int) -> None:
        if levels > _MOST_LEVELS:
            raise RecursionError


def _from_file(path: Path, name: str, mistakes: list[str], twice: list[str]) -> list[_Said]:
    if not _is_file(path, name, mistakes):
        return []
    try:
        loader = _Shallow(path.read_bytes().removeprefix(BOM_UTF8).decode())
        node = loader.get_single_node()
        if node is None:
            return []
        if is_multiplied(node, _MOST_VALUES):
            mistakes.append(f"{name}: its anchors make more than {_MOST_VALUES:,} values of it")
            return []
        if not isinstance(node, yaml.MappingNode):
            mistakes.append(f"{name} line 1: these are no settings; write lines of `key: value`")
            return []
        return list(_from_node(loader, node, name, twice))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as err:
        mistakes.append(f"{name}{_reason(err)}")
        return []


def _from_node(
    loader: yaml.SafeLoader,
    node: yaml.MappingNode,
    name: str,
    twice: list[str],
    before: str = "",
) -> Iterator[_Said]:
    seen: dict[str, int] = {}
    for key_node, _ in node.value:
        key = f"{before}{key_node.value}"
        line = key_node.start_mark.line + 1
        if key in seen and key_node.tag != _MERGE:
            twice.append(
                f"{name} line {line}: {key} is there twice, first in line {seen[key]}; "
                "the last counts, so remove the other"
            )
        seen.setdefault(key, line)
    loader.flatten_mapping(node)
    for key_node, value_node in node.value:
        key = f"{before}{key_node.value}"
        is_nested = isinstance(value_node, yaml.MappingNode) and key not in KEYS
        if is_nested and key.count(".") < _DEEPEST:
            yield from _from_node(loader, value_node, name, twice, f"{key}.")
        else:
            value = loader.construct_object(value_node, deep=True)
            yield _Said(key, value, f"{name} line {key_node.start_mark.line + 1}")


def _reason(err: Exception) -> str:
    """Say where a file cannot be read, why, and what to do about it."""
    if isinstance(err, UnicodeDecodeError):
        line = err.object.count(b"\n", 0, err.start) + 1
        byte = err.object[err.start]
        return f" line {line}: the byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"
    mark = getattr(err, "problem_mark", None) or getattr(err, "context_mark", None)
    if mark is not None:
        problem = getattr(err, "problem", None) or getattr(err, "context", None) or "it is not YAML"
        if "\\t" in problem:
            problem = "a tab cannot indent YAML; use spaces"
        return f" line {mark.line + 1}: {problem}"
    if isinstance(err, tomllib.TOMLDecodeError):
        said, _, place = str(err).rpartition(" (at line ")
        return f" line {place.partition(',')[0]}: {said}" if said else f": {err}"
    if isinstance(err, OSError):
        return f": {err.strerror or err}; make it readable"
    if isinstance(err, RecursionError):
        return ": it is nested too deeply for settings"
    return f": {str(err).splitlines()[0]}"


def _from_environment(environment: Mapping[str, str], mistakes: list[str]) -> list[_Said]:
    """``XVC_TAG__PREFIX=v`` is ``tag.prefix: v``; the value is read as YAML."""
    found: list[_Said] = []
    for name, text in environment.items():
        key = name.removeprefix("XVC_").lower().replace("__", ".")
        if not name.startswith("XVC_") or key not in KEYS:
            continue
        try:
            found.append(_Said(key, cast("Json", yaml.safe_load(text)), name))
        except (yaml.YAMLError, ValueError, RecursionError) as err:
            why = getattr(err, "problem", None) or "it is not text"
            mistakes.append(f"{name}={text!r}: {why}; put the value in quotes for YAML")
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
        raise ValueError(f"{key} is {repr_short(value)}, not {_in_words(kind)}")
    if key == "tag.prefix" and _NO_TAG.search(str(found)):
        raise ValueError(f"{key} is {value!r}, which git does not take in the name of a tag")
    if key == "metrics.direction":
        _refuse_other_ways(cast("Mapping[str, str]", found))
    if key == "metrics.summary":
        _refuse_other_summaries(cast("Mapping[str, str]", found))
    return int(cast("float", found)) if kind == "int" else found


def _refuse_other_ways(directions: Mapping[str, str]) -> None:
    wrong = {key: way for key, way in directions.items() if way not in ("max", "min")}
    if wrong:
        words = (f"metrics.direction.{key} is {way!r}" for key, way in wrong.items())
        raise ValueError(f"{', '.join(words)}; write max or min")


def _refuse_other_summaries(ways: Mapping[str, str]) -> None:
    wrong = {key: way for key, way in ways.items() if way not in _SUMMARIES}
    if wrong:
        words = (f"metrics.summary.{key} is {way!r}" for key, way in wrong.items())
        raise ValueError(f"{', '.join(words)}; write {', '.join(_SUMMARIES)}")


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
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= _LARGEST else None


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
