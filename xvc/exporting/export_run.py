"""Writing a run as files for continuous integration. Reads the history, changes nothing in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xvc.database.queries import looking
from xvc.errors import BadValue, TargetExists
from xvc.exporting.run_artifacts import FILES, ExportedRun, artifacts_of
from xvc.history.find import FoundRun, find
from xvc.project import Project
from xvc.store import table_queries as look
from xvc.store.columns import tables
from xvc.store.table_queries import WantedRows
from xvc.system.files import make_folder, write_durably
from xvc.types import RunId


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Which run, and where its files go; ``volatile`` are patterns of keys that are null."""

    reference: str
    folder: Path
    volatile: tuple[str, ...] = ()
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The run, its files in the order in which they were written, and how many records it has."""

    run: FoundRun
    files: tuple[Path, ...]
    records: int


def export_run(project: Project, wanted: ExportRequest) -> RunFiles:
    """Write the files of a run; the same results twice give the same bytes.

    Files of other names in the folder stay. Of a run that is going on, what it has logged so far.

    Raises:
        NoRun: no run answers to the reference, and the other errors of `find`.
        TargetExists: one of the files is there with other content, and *replaces* is not set.
        BadValue: the folder is a file.
        OutsideProject: a tracked link leads from it out of the project.
    """
    project.refuse_way_out(wanted.folder)
    (found,) = find(project, [wanted.reference])
    rows = _rows(project, found.record.id)
    made = artifacts_of(
        ExportedRun(
            run=found.record,
            rows=rows,
            directions=project.settings.metrics_direction,
            volatile=wanted.volatile,
            root=str(project.root),
        )
    )
    folder = wanted.folder
    if folder.exists() and not folder.is_dir():
        raise BadValue(str(folder), "it is a file, and a folder is needed")
    for name, content in made.items():
        path = folder / name
        if not wanted.replaces and path.exists() and path.read_bytes() != content:
            raise TargetExists(str(path))
    make_folder(folder)
    for name in FILES:
        write_durably(folder / name, made[name])
    return RunFiles(found, tuple(folder / name for name in FILES), len(rows))


def _rows(project: Project, run: RunId) -> list[tuple[str, dict[str, object]]]:
    found: list[tuple[str, dict[str, object]]] = []
    with looking(project) as connection:
        for table in tables(connection):
            grid = look.rows(connection, WantedRows(table, run=run), None, newest=False)
            found += [(table, dict(zip(grid.columns, row, strict=True))) for row in grid.rows]
    return found
