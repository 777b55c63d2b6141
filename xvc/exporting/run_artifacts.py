"""A run as five files that depend on its results alone, so that CI can compare bytes.

Pure: no clock, no host, no git. What another run of the same code would have otherwise (ids, times,
commits, figures of the machine) is null, keys and records are sorted, and the folder of the project
is taken out of every text. What the run logged by itself, a random number for example, stays.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import cast

from xvc.core.direction import direction_of, is_progress
from xvc.core.human_units import number
from xvc.core.json_values import from_plain, to_plain
from xvc.core.run import RunRecord
from xvc.render.document import DocumentTable, Report, Section, bounded
from xvc.render.html import page
from xvc.system.yaml_text import dumped
from xvc.types import Json

FORMAT = 1
RECORDS, MANIFEST, CONFIG = "records.jsonl", "manifest.json", "config.resolved.yaml"
SUMMARY, REPORT = "summary.json", "report.html"
FILES = (RECORDS, CONFIG, SUMMARY, REPORT, MANIFEST)
"""All files, in the order in which they are written: the manifest, which lists the others, last."""

MEASURED = (
    *("function_time", "training_time", "traceback", "cache", "git_commit_hash"),
    *("cpu_percent_*", "process_memory_*", "memory_percent_*", "disk_percent_*"),
    *("bytes_sent", "bytes_recv"),
)
"""Keys that xvc itself logs of the machine and the moment: null in the files."""

_VOLATILE = (
    *("run", "name", "version", "parent", "started", "finished", "seconds", "host", "owner"),
    *("commit", "snapshot", "branch", "worktree", "environment", "usage", "log", "note"),
)
_EXACT = 2**53
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class ExportedRun:
    """What is written: the run, its rows with their table, and what is null beside `MEASURED`.

    ``directions`` are those that the settings declare; ``root`` is taken out of texts.
    """

    run: RunRecord
    rows: Sequence[tuple[str, Mapping[str, object]]]
    directions: Mapping[str, str]
    volatile: tuple[str, ...] = ()
    root: str = ""


def artifacts_of(wanted: ExportedRun) -> dict[str, bytes]:
    """Write the files, by name, in the order of `FILES`.

    Raises:
        BadSetting: a declared direction is neither ``max`` nor ``min``.
    """
    text = _Texts(wanted)
    records = sorted((text.record(table, row) for table, row in wanted.rows), key=_place)
    summary = _summary(wanted, text, records)
    params = {key: text.value(key, value) for key, value in wanted.run.params.items()}
    made = {
        RECORDS: "".join(f"{_line(record)}\n" for record in records),
        CONFIG: _config(text, wanted.run, params),
        SUMMARY: _document(summary),
        REPORT: page(_report(summary, params)),
    }
    files = {name: _bytes(content) for name, content in made.items()}
    return {**files, MANIFEST: _bytes(_document(_manifest(text, wanted.run, files)))}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


@dataclass(slots=True)
class _Texts:
    """Values as they are written: without what is volatile, and without the place."""

    wanted: ExportedRun

    def value(self, key: str, value: object) -> Json:
        """Write a value under its key; null where the key is volatile."""
        patterns = (*MEASURED, *self.wanted.volatile)
        if any(fnmatchcase(key, pattern) for pattern in patterns):
            return None
        return self.plain(value)

    def plain(self, value: object) -> Json:
        """Write a value as JSON; a whole number is written alike, whichever type its column has."""
        return self._settled(to_plain(value))

    def _settled(self, value: Json) -> Json:
        if isinstance(value, str):
            root = self.wanted.root
            return "." if value == root else value.replace(f"{root}/", "") if root else value
        if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
            return value if value == 0 and math.copysign(1, value) < 0 else int(value)
        if isinstance(value, list):
            return [self._settled(part) for part in value]
        if isinstance(value, dict):
            return {key: self._settled(part) for key, part in value.items()}
        return value

    def record(self, table: str, row: Mapping[str, object]) -> dict[str, Json]:
        """Write a row; a key that was not logged, or logged as None, is left out."""
        made: dict[str, Json] = {"table": table, "timestamp": None, "track_id": None}
        for key, value in row.items():
            if value is not None and key not in ("timestamp", "track_id"):
                made[f"{key}_2" if key == "table" else key] = self.value(key, value)
        return made


def _place(record: Mapping[str, Json]) -> tuple[str, list[tuple[bool, str, float]], str]:
    """Sort by table, epoch and step, then by content: who wrote first is chance."""
    counts = [
        ("epoch" not in key, key, float(value))
        for key, value in record.items()
        if is_progress(key) and isinstance(value, int | float) and not isinstance(value, bool)
    ]
    return str(record["table"]), sorted(counts), _line(record)


def _line(value: Json | Mapping[str, Json]) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _document(value: Mapping[str, Json]) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2) + "\n"


def _summary(
    wanted: ExportedRun, text: _Texts, records: Sequence[Mapping[str, Json]]
) -> dict[str, Json]:
    run = wanted.run
    known = {key: direction_of(key, wanted.directions) for key in run.metrics}
    counts = Counter(str(record["table"]) for record in records)
    return {
        "format": FORMAT,
        "status": run.status.value,
        "exit_code": run.exit_code,
        "signal": run.signal,
        "metrics": {key: text.value(key, value) for key, value in run.metrics.items()},
        "directions": {key: way.value for key, way in known.items() if way is not None},
        "records": dict(counts),
        "started": None,
        "finished": None,
        "seconds": None,
    }


def _config(text: _Texts, run: RunRecord, params: Mapping[str, Json]) -> str:
    said = {"command": _command(text, run), "params": from_plain(dict(params))}
    return dumped(said)


def _command(text: _Texts, run: RunRecord) -> Json:
    return [text.plain(word) for word in run.command]


def _manifest(text: _Texts, run: RunRecord, files: Mapping[str, bytes]) -> dict[str, Json]:
    return {
        "format": FORMAT,
        "files": {
            name: {"sha256": sha256(content).hexdigest(), "size": len(content)}
            for name, content in files.items()
        },
        "command": _command(text, run),
        "data": {path: file.identity for path, file in run.data.items()},
        "outs": {path: file.digest for path, file in run.outs.items()},
        **dict.fromkeys(_VOLATILE),
    }


def _report(summary: Mapping[str, Json], params: Mapping[str, Json]) -> Report:
    metrics = cast("Mapping[str, Json]", summary["metrics"])
    ways = cast("Mapping[str, str]", summary["directions"])
    counts = cast("Mapping[str, int]", summary["records"])
    code = summary["exit_code"]
    ending = f" with exit code {code}" if code else ""
    head = ("metric", "value", "better")
    named = {"max": "higher", "min": "lower"}
    rows = (
        (key, _shown(metrics[key]), named.get(ways.get(key, ""), "")) for key in sorted(metrics)
    )
    sections = [
        _table("Metrics", head, rows),
        _table(
            "Params", ("param", "value"), ((key, _shown(params[key])) for key in sorted(params))
        ),
        _table("Records", ("table", "rows"), ((key, f"{counts[key]:,}") for key in sorted(counts))),
    ]
    kept = tuple(each for each in sections if each is not None)
    return Report("Results of a run", f"The run is {summary['status']}{ending}.", kept)


def _shown(value: Json) -> str:
    return number(cast("Json", from_plain(value)))


def _table(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Section | None:
    held = tuple(rows)
    table = bounded(DocumentTable("", head, held, frozenset({1})), _SHOWN)
    return Section(title, (table,)) if held else None
