"""What a journal says, apart from rows: records that begin, change and end runs.

Pure values. The facts of a record are JSON at this edge and `RunRecord` fields behind it; a fact
that this version does not know is kept out, never an error: journals outlive programs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import cast

from xvc.core.byte_text import as_given, as_text, as_texts
from xvc.core.json_values import from_plain, to_plain
from xvc.core.run import DataFile, Environment, ResourceUsage, RunCode, RunRecord, Status
from xvc.types import Json, RunId

_PATHS = ("data", "outs", "touched")
"""Parts of a run by path: the paths of a record name files exactly, whatever bytes they are."""

SCHEMA = 1
"""The version written into every record; a higher one is refused, not guessed."""


STEPS = ("step", "epoch")
"""The keys of a row that may say at which step it was logged, the first before the second."""


class RecordKind(StrEnum):
    """What a record does."""

    OPEN = "open"
    KEYS = "keys"
    BEGIN = "begin"
    SET = "set"
    PARAMS = "params"
    METRICS = "metrics"
    ENVIRONMENT = "environment"
    ASSET = "asset"
    END = "end"
    SEAL = "seal"
    VALUE = "value"
    DELETE = "delete"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Control:
    """One record that is no row: *at* in seconds since the epoch."""

    kind: str
    run: RunId | None
    facts: Json
    at: float
    writer: str
    sequence: int
    table: str | None = None


def facts_of(run: RunRecord) -> dict[str, Json]:
    """Write down a run, without what it does not say.

    >>> facts_of(RunRecord(RunId("a"), note="x"))
    {'id': 'a', 'status': 'running', 'note': 'x'}
    """
    said: dict[str, Json] = {"id": run.id, "status": run.status.value}
    for name in _FIELDS:
        value = getattr(run, name)
        if value != getattr(_EMPTY, name):
            named = _by_text(value) if name in _PATHS else value
            said[name] = as_texts(_plain_part(named))
    return said


UNHELD = "unheld"
"""What an end says of files that ran and are not held: their paths, from the top."""

UNHELD_DIGESTS = "unheld_digests"
"""What an end says of what these files are, where that is known."""

UNOPENED = "unopened"
"""What an end says of params files that the command never opened: what only they say."""

CONTESTED = "contested"
"""What an end says of params of which something else says another value: what."""

_EMPTY = RunRecord(RunId(""))
_FIELDS = tuple(part.name for part in fields(RunRecord) if part.name not in ("id", "status"))
_KNOWN = {"status", *_FIELDS}


def _by_text(files: Mapping[str, object]) -> Mapping[str, object]:
    return {as_text(path): part for path, part in files.items()}


def _plain_part(value: object) -> Json:
    if isinstance(value, DataFile):
        return to_plain(value.facts)
    if isinstance(value, RunCode):
        said = {path: _plain_part(each) for path, each in value.unopened.items()}
        parts = asdict(replace(value, unopened={}))
        plain = to_plain({key: part for key, part in parts.items() if part is not None})
        return {**cast("dict[str, Json]", plain), UNOPENED: cast("Json", said)}
    if isinstance(value, ResourceUsage | Environment):
        return to_plain({key: part for key, part in asdict(value).items() if part is not None})
    if isinstance(value, Mapping):  # of files by their path, or values by their key
        return {
            key: _plain_part(part) if isinstance(part, DataFile) else to_plain(part)
            for key, part in value.items()
        }
    return to_plain(value)


def run_from(facts: Mapping[str, Json], base: RunRecord) -> RunRecord:
    """Read a run's facts over *base*; unknown names are passed over.

    What the run itself said of its end is never replaced by a guess.

    >>> run_from({"status": "lost"}, RunRecord(RunId("a"), status=Status.FAILED)).status.value
    'failed'
    """
    said = {name: _part(name, value) for name, value in facts.items() if name in _KNOWN}
    status = said.pop("status", None)
    if status is not None:
        now = Status(cast("str", status))
        said["status"] = base.status if base.status.is_final and not now.is_final else now
    return replace(base, **said)  # type: ignore[arg-type]


def _part(name: str, value: Json) -> object:
    read = _READERS.get(name)
    return from_plain(value) if read is None else read(value)


def _known(made: type, value: Json) -> object:
    names = {part.name for part in fields(made)}
    facts = cast("dict[str, Json]", from_plain(value))
    return made(**{key: _tuple(part) for key, part in facts.items() if key in names})


def _code(value: Json) -> RunCode:
    facts = cast("dict[str, Json]", value)
    code = cast("RunCode", _known(RunCode, {k: v for k, v in facts.items() if k != UNOPENED}))
    files = facts.get(UNOPENED)
    return replace(code, unopened=_said_by_file(files)) if isinstance(files, dict) else code


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _files(value: Json) -> dict[str, object]:
    files = cast("dict[str, Json]", value)
    return {as_given(path): _known(DataFile, file) for path, file in files.items()}


def _blobs(value: Json) -> dict[str, object]:
    return {as_given(path): blob for path, blob in cast("dict[str, Json]", value).items()}


def _values(facts: Json) -> dict[str, Json]:
    """Read values by their keys; each for itself, so that no key is taken for a tag."""
    said = cast("dict[str, Json]", facts)
    return {key: cast("Json", from_plain(value)) for key, value in said.items()}


_READERS: dict[str, Callable[[Json], object]] = {
    "params": _values,
    "metrics": _values,
    "metric_times": lambda value: value,
    "code": _code,
    "usage": lambda value: _known(ResourceUsage, value),
    "data": _files,
    "outs": _files,
    "touched": _blobs,
    "command": _tuple,
    "labels": _tuple,
    "asked": _tuple,
    "seeded": _tuple,
    "unused": _tuple,
}


def environment_from(facts: Json) -> Environment:
    """Read an environment that `environment_facts` wrote."""
    return cast("Environment", _known(Environment, facts))


def environment_facts(environment: Environment) -> Json:
    """Write down an environment."""
    return as_texts(_plain_part(environment))


def apply(run: RunRecord | None, control: Control) -> RunRecord | None:
    """Add one record to what is known of its run; None while nothing is known of any."""
    if control.run is None:
        return run
    run = run or RunRecord(control.run)
    facts = control.facts if isinstance(control.facts, dict) else {}
    match control.kind:
        case RecordKind.BEGIN:
            later = {"status", "metrics", "metric_times", "finished", "exit_code", "params"}
            begun = run_from({k: v for k, v in facts.items() if k not in later}, run)
            return replace(begun, params={**_values(facts.get("params", {})), **run.params})
        case RecordKind.SET if (
            facts.get("status") == Status.RUNNING.value
        ):  # somebody goes on with it
            return replace(run_from(facts, run), status=Status.RUNNING)
        case RecordKind.SET | RecordKind.END:
            guess = facts.get("status") == Status.LOST.value
            known = run if guess and run.status.is_final else run_from(facts, run)
            digests = facts.get(UNHELD_DIGESTS)
            known = replace(known, code=_with_unheld(known.code, facts.get(UNHELD), digests))
            known = _without_unopened(known, facts.get(UNOPENED))
            known = _with_contested(known, facts.get(CONTESTED))
            return replace(known, outs={**run.outs, **known.outs})  # each record names its own
        case RecordKind.PARAMS:
            return replace(run, params={**run.params, **_values(facts)})
        case RecordKind.METRICS:
            return run.with_metrics(_values(facts), dict.fromkeys(facts, round(control.at * 1e6)))
    return run


def _with_unheld(code: RunCode, paths: Json, digests: Json) -> RunCode:
    """Add what turned out at the end to have run and not to be held."""
    if not isinstance(paths, list) or not paths:
        return code
    names = (*code.incomplete, *(name for name in paths if isinstance(name, str)))
    said = digests if isinstance(digests, dict) else {}
    fresh = {path: text for path, text in said.items() if isinstance(text, str)}
    unheld = {**fresh, **code.unheld}
    return replace(code, incomplete=tuple(dict.fromkeys(names)), unheld=unheld)


def _without_unopened(run: RunRecord, files: Json) -> RunRecord:
    """Take away the params of files that turned out at the end never to have been opened."""
    if not isinstance(files, dict) or not files:
        return run
    unopened = {**run.code.unopened, **_said_by_file(files)}
    gone = {key for said in unopened.values() for key in said}
    params = {key: value for key, value in run.params.items() if key not in gone}
    return replace(run, params=params, code=replace(run.code, unopened=unopened))


def _with_contested(run: RunRecord, said: Json) -> RunRecord:
    if not isinstance(said, dict) or not said:
        return run
    texts = {key: text for key, text in said.items() if isinstance(text, str)}
    return replace(run, code=replace(run.code, contested={**run.code.contested, **texts}))


def _said_by_file(files: Mapping[str, Json]) -> dict[str, dict[str, Json]]:
    return {path: _values(said) for path, said in files.items() if isinstance(said, dict)}


def in_order(controls: Iterable[Control]) -> list[Control]:
    """Sort records by when they were written; beginnings first, whatever the clocks say.

    Those of one writer keep their own order, also when its clock was set back in between.
    """
    latest: dict[str, float] = {}
    placed = []
    for control in sorted(controls, key=lambda c: (c.writer, c.sequence)):
        at = latest[control.writer] = max(control.at, latest.get(control.writer, control.at))
        placed.append(
            ((control.kind != RecordKind.BEGIN, at, control.writer, control.sequence), control)
        )
    return [control for _, control in sorted(placed, key=lambda each: each[0])]
