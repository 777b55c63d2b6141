"""What the pages of comparisons, sweeps, versions, models and trees ask and change, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from xvc.errors import BadValue
from xvc.page import comparison, models, run_files, sweeps, trees, versions, views

if TYPE_CHECKING:
    from xvc.page.answers import Asked
    from xvc.project import Project

Answer = Callable[["Project", "Asked"], object]

QUESTIONS: Mapping[str, Answer] = {
    "compare": lambda project, asked: comparison.compared(project, _runs(asked)),
    "data": lambda project, asked: comparison.data_difference(project, _runs(asked)),
    "difference": lambda project, asked: comparison.file_difference(
        project, _runs(asked), asked.get("path", "")
    ),
    "kept": lambda project, asked: run_files.kept(project, asked.get("id", "@")),
    "sweeps": lambda project, asked: sweeps.all_sweeps(project),
    "sweep": lambda project, asked: sweeps.one_sweep(project, asked.get("id", "")),
    "versions": lambda project, asked: versions.graph(project, _whole(asked, "limit", 200)),
    "models": lambda project, asked: models.all_models(project),
    "trees": lambda project, asked: trees.all_trees(project),
}
"""They read only."""

CHANGES: Mapping[str, Answer] = {
    "stop": lambda project, asked: sweeps.stop_sweep(project, asked.get("id", "")),
    "promote": lambda project, asked: models.promote_model(
        project,
        asked.get("run", ""),
        asked.get("name", ""),
        asked.get("stage", ""),
        dry_run=_is_dry(asked),
    ),
    "rollback": lambda project, asked: models.rollback_model(
        project, asked.get("name", ""), asked.get("stage", ""), dry_run=_is_dry(asked)
    ),
    "view": lambda project, asked: views.save_view(
        project, asked.get("name", ""), asked.get("address", "")
    ),
    "decide": trees.decide,
    "merge": lambda project, asked: trees.finish_merge(project),
    "abort": lambda project, asked: trees.abort_merge(project),
}
"""Each is what the command of its name does, and undone as that is."""


def _runs(asked: Asked) -> list[str]:
    return [run for run in asked.get("runs", "").split(",") if run]


def _is_dry(asked: Asked) -> bool:
    return asked.get("dry") == "1"


def _whole(asked: Asked, name: str, otherwise: int) -> int:
    try:
        return max(1, int(asked.get(name) or otherwise))
    except ValueError as err:
        raise BadValue(name, f"{asked[name]!r} is no whole number") from err
