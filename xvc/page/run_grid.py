"""The list of runs as rows for the page: the columns that they have, and what each row holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xvc.core.direction import direction_of, is_progress
from xvc.history.judging import judged_alike
from xvc.page.browser_values import Wired, milliseconds, wired
from xvc.page.run_table import HeldRuns
from xvc.runs.comparison import of_doubt

if TYPE_CHECKING:
    from xvc.core.run import RunRecord
    from xvc.project import Project
    from xvc.runs.list import RunList
    from xvc.types import RunId

FACTS = (
    *("id", "version", "name", "status", "started", "seconds", "branch", "worktree", "note"),
    *("labels", "idea", "decision", "hidden", "otherwise"),
)
"""What every row of the grid begins with, in this order; ``started`` in milliseconds.

``hidden`` is whether no list has the run, unless it is asked for by name or decision; ``otherwise``
whether it was judged by something else than the newest, and is ranked behind.
"""

_MOST_COLUMNS = 40


@dataclass(frozen=True, slots=True)
class Layout:
    """How the runs are laid out: what was counted, the columns, which runs are not ranked."""

    total: int
    elsewhere: str
    discarded: int
    metrics: tuple[str, ...]
    columns: tuple[Mapping[str, object], ...]
    others: frozenset[RunId]
    warning: str | None


def layout(project: Project, listed: RunList) -> Layout:
    """Lay out the runs of a list; of those that ``judge:`` sets apart it is said why."""
    judged = judged_alike(project, listed.runs) if project.settings.has_judge else None
    return Layout(
        total=listed.total,
        elsewhere=listed.elsewhere[0] if listed.elsewhere else "",
        discarded=listed.discarded,
        metrics=listed.metrics,
        columns=tuple(_columns(project, listed)),
        others=frozenset(judged.others if judged else ()),
        warning=judged.warning if judged else None,
    )


def grid(
    project: Project,
    laid: Layout,
    held: HeldRuns,
    some: Sequence[RunRecord],
    wanted: Sequence[str],
) -> dict[str, object]:
    """Write some of the runs as rows, with the columns worth a look and those that are *wanted*."""
    room = {str(each["name"]) for each in laid.columns[:_MOST_COLUMNS]} | {*wanted}
    columns = [{**each, "sent": each["name"] in room} for each in laid.columns]
    sent = [(each["of"] == "metrics", str(each["key"])) for each in columns if each["sent"]]
    return {
        "revision": held.revision,
        "total": laid.total,
        "elsewhere": laid.elsewhere,
        "discarded": laid.discarded,
        "curve": _curve(laid, held),
        "columns": columns,
        "rows": [[*_facts(run, laid, held), *map(wired, _values(run, sent))] for run in some],
        "warnings": [
            *project.keeper.warnings,
            *([laid.warning] if laid.warning else []),
            *of_doubt(some),
        ],
    }


def _curve(laid: Layout, held: HeldRuns) -> str | None:
    """Choose the metric of the small curves: one of the first, else any that was logged."""
    known = {str(each["key"]) for each in laid.columns if each["of"] == "metrics"}
    rest = [key for key in sorted(known) if key in held.logged and not is_progress(key)]
    return next((key for key in (*laid.metrics, *rest) if key in held.logged), None)


def _columns(project: Project, listed: RunList) -> list[dict[str, object]]:
    """List every metric and param, those worth a look first."""
    metrics = dict.fromkeys((*listed.metrics, *(k for run in listed.runs for k in run.metrics)))
    params = dict.fromkeys((*listed.params, *(k for run in listed.runs for k in run.params)))
    directions = project.settings.metrics_direction
    found: list[dict[str, object]] = []
    for of, keys, shown in (
        ("metrics", metrics, listed.metrics),
        ("params", params, listed.params),
    ):
        for key in keys:
            way = direction_of(key, directions) if of == "metrics" else None
            each = {"name": f"{of}.{key}", "key": key, "of": of}
            found.append({**each, "direction": way.value if way else None, "shown": key in shown})
    return sorted(found, key=lambda each: not each["shown"])


def _values(run: RunRecord, sent: Sequence[tuple[bool, str]]) -> list[object]:
    metrics, params = run.metrics, run.params
    return [metrics.get(key) if is_metric else params.get(key) for is_metric, key in sent]


def _facts(run: RunRecord, laid: Layout, held: HeldRuns) -> tuple[Wired, ...]:
    return (
        run.id,
        held.versions.get(run.id),
        run.name,
        run.status.value,
        milliseconds(run.started),
        run.seconds,
        run.code.branch,
        run.code.worktree,
        run.note,
        ", ".join(run.labels) or None,
        run.idea,
        run.decision,
        run.is_discarded,
        run.id in laid.others,
    )
