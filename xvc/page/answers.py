"""What the page asks, answered by the functions that the command line calls.

Turns their answers into JSON, and holds no rule of its own. Every value goes through `wired`.
"""

from __future__ import annotations

import json
from codecs import getincrementaldecoder
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from xvc import __version__
from xvc.core.direction import Direction, direction_of, is_progress
from xvc.core.json_values import from_plain
from xvc.core.record import environment_facts, facts_of
from xvc.core.secrets import mask_text
from xvc.core.usage_series import spans
from xvc.errors import BadValue, NoColumn
from xvc.history.find import find, found_in
from xvc.page.browser_values import Wired, milliseconds, wired
from xvc.page.run_grid import FACTS, Layout, grid, layout
from xvc.page.run_table import HeldRuns, RunTable
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.reports.many_curves import CurvesRequest, DrawnCurves, curve_keys, curves_in, many_curves
from xvc.runs.group_verdicts import against
from xvc.runs.lineage import lineage
from xvc.runs.list import ListRequest, among, grouped, passing, runs
from xvc.runs.logs import printed
from xvc.runs.usage_over_time import looks_of
from xvc.types import RunId

if TYPE_CHECKING:
    from xvc.core.run import RunRecord
    from xvc.runs.list import Group
    from xvc.runs.verdicts import Judgement

_LOG_TAIL = 400_000
_MOST_RELATED = 12
_FIGURES = (*("cpu_percent", "memory", "gpu_percent", "gpu_memory", "read_rate", "write_rate"),)
_ON = "ref: refs/heads/"

Asked = Mapping[str, str]
"""The words of a question, by name."""


@dataclass
class Answers:
    """A project to ask; found anew for each question, as the command line finds it.

    What is written out tells of one moment, and is asked of ``found`` alone.
    """

    folder: Path
    environment: Mapping[str, str]
    is_read_only: bool = False
    found: Project | None = None
    table: RunTable = field(default_factory=RunTable)
    _last: tuple[object, Layout] | None = None

    def project(self) -> Project:
        """Find the project as it is now."""
        return self.found or Project.find(self.folder, dict(self.environment))

    def about(self, asked: Asked) -> Wired:
        """Tell what the page is of."""
        project = self.project()
        return {
            "project": project.root.name,
            "branch": _branch(project),
            "readOnly": self.is_read_only,
            "version": __version__,
            "facts": list(FACTS),
            "views": dict(project.settings.page_views),
        }

    def runs(self, asked: Asked) -> Wired:
        """List runs: the first *limit*, those behind *skip*, all, or those changed *since*."""
        project = self.project()
        wanted = tuple(name for name in asked.get("columns", "").split("\n") if name)
        if "limit" in asked and not self.table.is_filled:
            listed = runs(project, ListRequest(limit=_whole(asked, "limit")))
            held = HeldRuns(versions=listed.versions)
            return grid(project, layout(project, listed), held, listed.runs, wanted)
        held = self.table.read(project)
        some: Sequence[RunRecord] = held.runs
        if "limit" in asked:
            some = some[: _whole(asked, "limit")]
        elif "skip" in asked:
            some = some[_whole(asked, "skip") :]
        elif "since" in asked and 0 < _whole(asked, "since") <= held.revision:
            some = held.after(_whole(asked, "since"))
        answer = grid(project, self._layout(project, held), held, some, wanted)
        if "since" in asked:
            since = _whole(asked, "since")
            answer["gone"] = [run for run, at in held.gone.items() if at > since]
        return answer

    def where(self, asked: Asked) -> Wired:
        """Name the runs that a filter lets through."""
        project = self.project()
        held = self.table.held if self.table.is_filled else self.table.read(project)
        request = ListRequest(where=asked.get("filter") or None, limit=None)
        found = passing(held.runs, request, held.versions)
        return {"ids": [run.id for run in found], "total": len(found)}

    def _layout(self, project: Project, held: HeldRuns) -> Layout:
        """Lay out all runs: once, until their keys and states or the settings are others."""
        state = (held.shape, project.settings)
        if self._last is None or self._last[0] != state or not held.runs:
            listed = among(project, held.runs, ListRequest(limit=None), held.versions)
            self._last = (state, layout(project, listed))
        return self._last[1]

    def groups(self, asked: Asked) -> Wired:
        """Put runs together by a key, with how a metric lies in each group."""
        project = self.project()
        held = self.table.read(project)
        key = asked.get("by", "status")
        request = ListRequest(
            asked.get("metric") or None, asked.get("filter") or None, key, limit=None
        )
        listed = among(project, held.runs, request, held.versions)
        found = grouped(project, listed, key)
        verdicts = against(found, _pinned(found, asked.get("baseline")), _way(project, found))
        return {
            "by": key,
            "groups": [
                _group(each, judgement) for each, judgement in zip(found, verdicts, strict=True)
            ],
            "warnings": list(project.keeper.warnings),
        }

    def run(self, asked: Asked) -> Wired:
        """Tell all that is known of one run."""
        project = self.project()
        with opened(project) as connection:
            (found,) = found_in(project, connection, [asked.get("id", "@")])
            curves = curve_keys(connection, found.record.id, found.record.metrics)
        environment, record = found.environment, found.record
        directions = {
            key: _direction(project, key) for key in record.metrics if not is_progress(key)
        }
        return {
            "version": found.version,
            **cast("dict[str, object]", wired(from_plain(facts_of(record)))),
            "seconds": record.seconds,
            "started": milliseconds(record.started),
            "finished": milliseconds(record.finished),
            "environment": wired(environment_facts(environment)) if environment else None,
            "directions": directions,
            "curves": curves,
            "warnings": list(project.keeper.warnings),
        }

    def lineage(self, asked: Asked) -> Wired:
        """Tell what a run came from and what came of it, of each the newest."""
        project = self.project()
        held = self.table.read(project)
        found = next((run for run in held.runs if run.id == asked.get("id")), None)
        if found is None:  # a version of another branch: its store is not this one
            return {"known": False}
        relatives = lineage(found, held.runs)

        def named(runs: Sequence[RunRecord]) -> dict[str, Wired]:
            shown = [
                {"id": run.id, "name": run.name, "version": held.versions.get(run.id)}
                for run in runs[:_MOST_RELATED]
            ]
            return {"runs": shown, "total": len(runs)}

        return {
            "known": True,
            "parents": named(relatives.parents),
            "children": named(relatives.children),
            "fixes": named([relatives.fixes] if relatives.fixes else []),
            "fixedBy": named(relatives.fixed_by),
            "madeBy": {path: named(runs) for path, runs in relatives.made_by.items()},
            "usedBy": {path: named(runs) for path, runs in relatives.used_by.items()},
        }

    def patch(self, asked: Asked) -> Wired:
        """Show the code of a run that no commit has, as a unified diff."""
        from xvc.runs.code_patch import code_patch  # late: loads GitPython

        project = self.project()
        (found,) = find(project, [asked.get("id", "@")])
        return {"patch": code_patch(project, found.record)}

    def log(self, asked: Asked) -> Wired:
        """Read the output of a run from a byte on; without one, its end."""
        project = self.project()
        (found,) = find(project, [asked.get("id", "@")])
        text, start, end, size = _tail(project, found.record, asked.get("from"))
        return {"text": text, "from": start, "to": end, "size": size}

    def usage(self, asked: Asked) -> Wired:
        """Read what a run used over time, a list of values for each figure that is known."""
        project = self.project()
        named = asked.get("id", "@")
        if not any(run.id == named for run in self.table.held.runs):  # else no store is opened
            named = find(project, [named])[0].record.id
        used = spans(looks_of(project, RunId(named)))
        columns = {name: [getattr(each, name) for each in used] for name in _FIGURES}
        known = {name: held for name, held in columns.items() if any(x is not None for x in held)}
        return {"seconds": [each.seconds for each in used], "figures": known}

    def curved(self, asked: Asked) -> Wired:
        """List the keys that have curves, metrics first, and the runs that are meant."""
        project = self.project()
        held = self.table.read(project)
        listed = among(
            project,
            held.runs,
            ListRequest(where=asked.get("where") or None, limit=None),
            held.versions,
        )
        wanted = {run for run in asked.get("runs", "").split(",") if run}
        some = [run for run in listed.runs if not wanted or run.id in wanted]
        first = [key for key in listed.metrics if key in held.logged]
        keys = {key for key in {k for run in some for k in run.metrics} if key in held.logged}
        others = sorted(key for key in keys if not is_progress(key) and key not in first)
        params = list(dict.fromkeys((*listed.params, *(k for run in some for k in run.params))))
        return {
            "keys": [*first, *others],
            "params": params,
            "total": len(some),
            "runs": [
                {
                    "id": run.id,
                    "name": run.name,
                    "status": run.status.value,
                    "version": held.versions.get(run.id),
                    "params": wired(run.params),
                }
                for run in some[: _whole(asked, "limit") if "limit" in asked else 50]
            ],
        }

    def curves(self, asked: Asked) -> Wired:
        """Read curves of one key, thinned to what a screen shows; of several, those there are."""
        if "keys" not in asked:
            return _drawn(many_curves(self.project(), _curves_request(asked, asked.get("key", ""))))
        found = []
        with opened(self.project()) as connection:
            for key in asked["keys"].split("\n"):
                with suppress(NoColumn):
                    found.append(_drawn(curves_in(connection, _curves_request(asked, key))))
        return {"drawn": found}


def _curves_request(asked: Asked, key: str) -> CurvesRequest:
    return CurvesRequest(
        runs=[RunId(run) for run in asked.get("runs", "").split(",") if run],
        key=key,
        x=asked.get("x") or None,
        low=_number(asked, "low"),
        high=_number(asked, "high"),
        intervals=_whole(asked, "intervals") if "intervals" in asked else 400,
        is_mean=asked.get("of") == "means",
    )


def _drawn(drawn: DrawnCurves) -> dict[str, Wired]:
    curves = [
        {
            "run": curve.run,
            "x": list(curve.x),
            "y": list(curve.y),
            "total": curve.total,
            "leftOut": curve.left_out,
        }
        for curve in drawn.curves
    ]
    return {"key": drawn.key, "x": drawn.x, "axes": list(drawn.axes), "curves": curves}


def _branch(project: Project) -> str | None:
    """Read which branch HEAD is on, without a process."""
    if project.place is None:
        return None
    with suppress(OSError):
        head = (project.place.folder / "HEAD").read_text(encoding="utf-8", errors="replace")
        if head.startswith(_ON):
            return head.removeprefix(_ON).strip()
    return None


def _direction(project: Project, key: str) -> str | None:
    found = direction_of(key, project.settings.metrics_direction)
    return found.value if found else None


def _whole(asked: Asked, name: str) -> int:
    try:
        return max(0, int(asked[name]))
    except ValueError as err:
        raise BadValue(name, f"{asked[name]!r} is no whole number") from err


def _number(asked: Asked, name: str) -> float | None:
    if not asked.get(name):
        return None
    try:
        return float(asked[name])
    except ValueError as err:
        raise BadValue(name, f"{asked[name]!r} is no number") from err


def _pinned(found: Sequence[Group], baseline: str | None) -> Group | None:
    """Find the group whose value is the pinned one, as the page has written it."""
    if not baseline:
        return None
    values = (json.dumps(wired(each.value), separators=(",", ":")) for each in found)
    pairs = zip(found, values, strict=True)
    return next((each for each, value in pairs if json.loads(value) == _read(baseline)), None)


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _way(project: Project, found: Sequence[Group]) -> Direction | None:
    metric = next((each.metric for each in found if each.metric), None)
    return direction_of(metric, project.settings.metrics_direction) if metric else None


def _group(each: Group, judgement: Judgement | None) -> dict[str, object]:
    spread = each.spread
    judged = None
    if judgement is not None:
        judged = {"verdict": judgement.verdict.value, "p": judgement.p, "more": judgement.more}
        judged |= {"low": judgement.low, "high": judgement.high, "difference": judgement.difference}
    return {
        "verdict": judged,
        "isMixed": each.experiment is None and bool(each.finished),
        "value": wired(each.value),
        "runs": each.finished + each.failed + each.running,
        "finished": each.finished,
        "failed": each.failed,
        "running": each.running,
        "metric": each.metric,
        "n": spread.count if spread else 0,
        "mean": wired(spread.mean) if spread else None,
        "sd": wired(spread.deviation) if spread else None,
        "best": wired(each.best),
    }


def _tail(project: Project, run: RunRecord, begin: str | None) -> tuple[str, int, int, int]:
    """Cut out the part of a log that is new, at most its last 400 kB; secrets are masked."""
    content = printed(project, run) or b""
    size = len(content)
    start = max(0, size - _LOG_TAIL)
    if begin is not None and begin.isdigit() and int(begin) <= size:
        start = max(start, int(begin))
    decoder = getincrementaldecoder("utf-8")("replace")  # a letter may have come by half
    text = decoder.decode(content[start:])
    return mask_text(text), start, size - len(decoder.getstate()[0]), size
