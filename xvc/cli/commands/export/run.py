"""``xvc export run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Database, Reference
from xvc.cli.output import Answer, show
from xvc.core.human_units import counted


class Data(TypedDict):
    """The run, and the files that were written."""

    run: str
    version: str | None
    folder: str
    files: list[str]
    records: int


def command(
    context: typer.Context,
    reference: Reference,
    folder: Annotated[Path, typer.Argument(help="The folder for the files; made when missing.")],
    volatile: Annotated[
        list[str] | None,
        typer.Option("--volatile", help="A key, or a pattern, that is null; as often as wanted."),
    ] = None,
    database: Database = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Replace files that are there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a run as files that CI can compare: the same results twice give the same bytes.

    records.jsonl has the rows, sorted; summary.json the status, the metrics and which way they are
    better; config.resolved.yaml the command and the params; manifest.json the digests of files and
    data; report.html the page. What depends on time, machine or commit is null; --volatile names
    keys of yours that do. `xvc diff` compares two such folders.

    Example: xvc export run @ artifacts --volatile latency_ms
    """
    from xvc.exporting.export_run import ExportRequest, export_run  # late: it opens DuckDB

    here: Context = context.obj
    project = here.project_of(database)
    place = here.folder / folder
    made = export_run(project, ExportRequest(reference, place, tuple(volatile or ()), replaces=yes))
    data: Data = {
        "run": made.run.record.id,
        "version": made.run.version,
        "folder": str(place),
        "files": [path.name for path in made.files],
        "records": made.records,
    }
    name = made.run.version or f"run {made.run.record.id}"
    text = f"wrote {name} into {folder}: {', '.join(data['files'])}"
    text += f"; {counted(made.records, 'record')}"
    show(Answer("export run", data, text, tuple(project.keeper.warnings)), here.manner)
