"""How the files of two runs differ, and which differences are for the worse. Pure but for reading.

Refuses to call a change worse where nothing says which way a metric is better: that is a change.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import cast

from xvc.core.direction import Direction, better
from xvc.core.equality import is_same
from xvc.core.json_values import from_plain
from xvc.core.objective import number_of, written_distance
from xvc.core.run import Status
from xvc.errors import CorruptError, NotFoundError, error
from xvc.exporting.run_artifacts import CONFIG, FILES, FORMAT, MANIFEST, RECORDS, SUMMARY
from xvc.system.value_files import read_nested
from xvc.types import Json


class FailOn(StrEnum):
    """Which differences are to fail a script."""

    REGRESSIONS = "regressions"
    CHANGES = "changes"


class Effect(StrEnum):
    """What a difference means."""

    BETTER = "better"
    WORSE = "worse"
    CHANGED = "changed"


@error("no-artifacts")
class NoArtifacts(NotFoundError):
    """A folder does not hold the files of a run."""

    folder: str
    file: str
    says = "{folder} holds no files of a run: {file} is missing"
    way = "`xvc export run REF DIR` writes them; `xvc compare` compares runs by their references."


@error("artifacts-unreadable")
class ArtifactsUnreadable(CorruptError):
    """A file of a run cannot be read, or a newer xvc wrote it."""

    path: str
    words: str
    says = "{path} cannot be read: {words}"
    way = "Write it anew with `xvc export run REF DIR --yes`."


@dataclass(frozen=True, slots=True)
class Artifacts:
    """What the files of a run say; ``changed`` are those that the manifest lists otherwise."""

    folder: Path
    records: Counter[str]
    params: Mapping[str, Json]
    command: Json
    summary: Mapping[str, Json]
    manifest: Mapping[str, Json]
    changed: tuple[str, ...]

    @property
    def metrics(self) -> dict[str, Json]:
        """The metrics, with NaN as what it is."""
        held = cast("Mapping[str, Json]", self.summary.get("metrics") or {})
        return {key: cast("Json", from_plain(value)) for key, value in held.items()}

    @property
    def directions(self) -> Mapping[str, str]:
        """Which way metrics are better, as far as it is known."""
        return cast("Mapping[str, str]", self.summary.get("directions") or {})


@dataclass(frozen=True, slots=True)
class ArtifactChange:
    """One difference: where it is (``metric``, ``param``, ``data`` …), its key and both values."""

    part: str
    key: str
    old: Json
    new: Json
    effect: Effect
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class ArtifactDiff:
    """All differences; records are compared as a whole, as lines that one side has alone."""

    changes: tuple[ArtifactChange, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not (self.changes or self.added or self.removed)

    @property
    def regressions(self) -> tuple[ArtifactChange, ...]:
        """The changes for the worse."""
        return tuple(each for each in self.changes if each.effect is Effect.WORSE)

    def fails(self, on: FailOn | None) -> bool:
        """Whether there is what a script is to stop for."""
        if on is FailOn.CHANGES:
            return not self.is_same
        return on is FailOn.REGRESSIONS and bool(self.regressions)


def read_artifacts(folder: Path) -> Artifacts:
    """Read the files that `export_run` wrote.

    Raises:
        NoArtifacts: one of them is missing.
        ArtifactsUnreadable: one of them is not what its name says, or of a newer format.
    """
    missing = next((name for name in FILES if not (folder / name).is_file()), None)
    if missing is not None:
        raise NoArtifacts(str(folder), missing)
    manifest, summary = _object(folder / MANIFEST), _object(folder / SUMMARY)
    if manifest.get("format") != FORMAT:
        words = f"its format is {manifest.get('format')!r}, and this xvc knows {FORMAT}"
        raise ArtifactsUnreadable(str(folder / MANIFEST), words)
    config = read_nested(folder / CONFIG)
    return Artifacts(
        folder=folder,
        records=_records(folder / RECORDS),
        params=cast("Mapping[str, Json]", config.get("params") or {}),
        command=config.get("command"),
        summary=summary,
        manifest=manifest,
        changed=tuple(_changed(folder, manifest)),
    )


def _object(path: Path) -> Mapping[str, Json]:
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as err:
        raise ArtifactsUnreadable(str(path), str(err)) from err
    if not isinstance(found, dict):
        raise ArtifactsUnreadable(str(path), "it holds no JSON object")
    return found


def _records(path: Path) -> Counter[str]:
    """Read the records, each as its own text: key order and spaces make no difference."""
    found: Counter[str] = Counter()
    for place, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            found[json.dumps(json.loads(line), sort_keys=True, ensure_ascii=False)] += 1
        except (ValueError, RecursionError) as err:
            raise ArtifactsUnreadable(str(path), f"line {place}: {err}") from err
    return found


def _changed(folder: Path, manifest: Mapping[str, Json]) -> list[str]:
    listed = cast("Mapping[str, Mapping[str, Json]]", manifest.get("files") or {})
    return [
        name
        for name, facts in listed.items()
        if (folder / name).is_file()
        and sha256((folder / name).read_bytes()).hexdigest() != facts.get("sha256")
    ]


def diff(old: Artifacts, new: Artifacts, tolerance: float = 0.0) -> ArtifactDiff:
    """Return what *new* has otherwise than *old*; the report is not compared, it says nothing more.

    Args:
        old: the baseline.
        new: what is held against it.
        tolerance: how far a metric may move, as a share of the larger of the two values.
    """
    changes = [
        *_ending(old.summary, new.summary),
        *_metrics(old, new, tolerance),
        *_values("param", old.params, new.params),
        *_values("command", {"command": old.command}, {"command": new.command}),
        *_values("data", _named(old, "data"), _named(new, "data")),
        *_values("out", _named(old, "outs"), _named(new, "outs")),
    ]
    added, removed = new.records - old.records, old.records - new.records
    return ArtifactDiff(
        tuple(changes), tuple(sorted(added.elements())), tuple(sorted(removed.elements()))
    )


def _named(held: Artifacts, part: str) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", held.manifest.get(part) or {})


def _ending(old: Mapping[str, Json], new: Mapping[str, Json]) -> list[ArtifactChange]:
    was, now = old.get("status"), new.get("status")
    if was == now:
        return []
    effect = Effect.CHANGED
    if Status.FINISHED.value in (was, now):
        effect = Effect.BETTER if now == Status.FINISHED.value else Effect.WORSE
    return [ArtifactChange(part="status", key="status", old=was, new=now, effect=effect)]


def _metrics(old: Artifacts, new: Artifacts, tolerance: float) -> list[ArtifactChange]:
    known = {**old.directions, **new.directions}
    before, after = old.metrics, new.metrics
    found = []
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        if is_same(was, now) or _is_near(was, now, tolerance):
            continue
        way = Direction(known[key]) if known.get(key) in set(Direction) else None
        found.append(
            ArtifactChange(
                part="metric",
                key=key,
                old=was,
                new=now,
                effect=_effect(way, was, now),
                direction=way,
            )
        )
    return found


def _is_near(was: Json, now: Json, tolerance: float) -> bool:
    old, new = number_of(was), number_of(now)
    if old is None or new is None or not tolerance:
        return False
    apart, largest = written_distance(old, new), written_distance(0, max(old, new, key=abs))
    if apart is None or largest is None:
        return False
    return apart <= largest * Fraction(repr(tolerance))  # as they are written: 0.8 - 0.72 is 0.08


def _effect(way: Direction | None, was: Json, now: Json) -> Effect:
    """Judge one metric; a number that is gone, or NaN now, is worse where a direction is known."""
    old, new = number_of(was), number_of(now)
    if way is None or old is None:
        return Effect.CHANGED
    return Effect.BETTER if new is not None and better(way, old, new) else Effect.WORSE


def _values(part: str, old: Mapping[str, Json], new: Mapping[str, Json]) -> list[ArtifactChange]:
    return [
        ArtifactChange(
            part=part, key=key, old=old.get(key), new=new.get(key), effect=Effect.CHANGED
        )
        for key in sorted({*old, *new})
        if (key in old) != (key in new) or not is_same(old.get(key), new.get(key))
    ]
