"""How runs differ, for the page: the answer of `xvc compare`, and the code of two side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xvc.errors import BadValue, GitFailed
from xvc.history.find import find
from xvc.page.browser_values import Wired, wired
from xvc.versions.base import CodeAbsent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xvc.history.find import FoundRun
    from xvc.project import Project
    from xvc.runs.comparison import Cell, DataDifference, Difference
    from xvc.runs.verdicts import Judgement

_MOST_RUNS = 50


def compared(project: Project, references: Sequence[str]) -> dict[str, Wired]:
    """Tell how runs differ from the first.

    Raises:
        TooFew: fewer than two were named.
        NoRun: no run answers to one of them.
    """
    from xvc.runs.compare import compare  # late: it loads what reads and judges

    if len(references) > _MOST_RUNS:
        raise BadValue("runs", f"{len(references)} are too many to compare; {_MOST_RUNS} will do")
    found = compare(project, references)
    held = found.comparison
    return {
        "runs": [_run(each) for each in found.runs],
        "metrics": [_row(each) for each in held.metrics],
        "params": [_row(each) for each in held.params],
        "packages": [_row(each) for each in held.packages],
        "data": [_data(each) for each in held.data],
        "code": [
            [{"path": each.path, "added": each.added, "removed": each.removed} for each in changes]
            for changes in held.code
        ],
        "verdicts": [[_judged(each) for each in told] for told in found.verdicts],
        "warnings": [*project.keeper.warnings, *found.warnings],
    }


def data_difference(project: Project, references: Sequence[str]) -> dict[str, Wired]:
    """Tell which files of their data runs do not share, with sizes and rows.

    Raises:
        NoRun: no run answers to one of them.
    """
    from xvc.runs.data_files import data_files  # late: it opens files by DuckDB

    told = data_files(project, [each.record for each in find(project, references[:_MOST_RUNS])])
    return {
        "files": [
            {
                "path": each.path,
                "parts": [
                    None
                    if part is None
                    else {"digest": part.digest, "size": part.size, "rows": part.rows}
                    for part in each.parts
                ],
            }
            for each in told.files
        ],
        "total": told.total,
        "unseen": list(told.unseen),
    }


def file_difference(project: Project, references: Sequence[str], path: str) -> dict[str, Wired]:
    """Write how one file of code differs between two runs, as a unified diff.

    Raises:
        BadValue: other than two runs were named.
        CodeAbsent: the code of one is not in this clone.
    """
    from xvc.git.reading import patch  # late: loads GitPython

    if len(references) != 2:
        raise BadValue("runs", "name two")
    old, new = (_snapshot(each) for each in find(project, references))
    try:
        return {"path": path, "patch": patch(project.git, old, new, [path])}
    except GitFailed as err:
        raise CodeAbsent(references[1], new) from err


def _snapshot(found: FoundRun) -> str:
    code = found.record.code
    if code.snapshot is None:
        raise CodeAbsent(found.record.id, code.commit or "not recorded")
    return code.snapshot


def _run(found: FoundRun) -> dict[str, Wired]:
    run = found.record
    return {
        "id": run.id,
        "version": found.version,
        "name": run.name,
        "status": run.status.value,
        "started": None if run.started is None else run.started / 1e6,
        "command": None if run.command is None else [*run.command],
    }


def _row(each: Difference) -> dict[str, Wired]:
    return {
        "key": each.key,
        "values": [_cell(value) for value in each.values],
        "delta": wired(each.delta),
        "percent": wired(each.percent),
        "direction": each.direction.value if each.direction else None,
        "best": each.best,
        "same": each.is_same,
    }


def _cell(value: Cell) -> list[Wired]:
    """A list of one, or of none: null is a value like any other."""
    from xvc.runs.comparison import MISSING  # late: as above

    return [] if value is MISSING else [wired(value)]


def _data(each: DataDifference) -> dict[str, Wired]:
    return {
        "path": each.path,
        "files": [
            None if file is None else {"digest": file.identity, "size": file.size}
            for file in each.files
        ],
        "same": each.is_same,
    }


def _judged(each: Judgement) -> Mapping[str, Wired]:
    return {
        "metric": each.metric,
        "verdict": each.verdict.value,
        "difference": wired(each.difference),
        "low": wired(each.low),
        "high": wired(each.high),
        "p": wired(each.p),
        "method": each.method.value if each.method else None,
        "more": each.more,
        "n": [each.baseline.count, each.candidate.count],
        "means": [wired(each.baseline.mean), wired(each.candidate.mean)],
        "sds": [wired(each.baseline.deviation), wired(each.candidate.deviation)],
    }
