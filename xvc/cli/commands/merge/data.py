"""``xvc merge data``."""

from __future__ import annotations

from dataclasses import replace

import typer

from xvc.cli.context import Context
from xvc.cli.data_merge_view import (
    AgreeData,
    Base,
    Codec,
    Combined,
    GroupRows,
    Mapped,
    Memory,
    On,
    Out,
    Sources,
    carry_out,
    order_of,
    style_of,
)
from xvc.cli.options import AsJson, DryRun, OnDuplicate

Data = Combined


def command(
    context: typer.Context,
    base: Base,
    sources: Sources,
    on: On = None,
    out: Out = None,
    on_duplicate: OnDuplicate = "refuse",
    mapped: Mapped = None,
    compression: Codec = None,
    row_group_size: GroupRows = None,
    memory_limit: Memory = "1GB",
    yes: AgreeData = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Add the rows of Parquet files that another one lacks; merged again, they add nothing.

    Columns are united by name and widened without loss; one that a file lacks is empty there. With
    --on, each key has one row, and rows of one key that differ are refused. Without, whole rows are
    compared, and of equal ones as many stay as the file with the most has. A folder is read as one
    table and never changed: name the file to write with -o. A pointer of DVC's follows the file.

    Example: xvc merge data train.parquet new.parquet --on id
    """
    here: Context = context.obj
    order = order_of(here, base, sources, out, on)
    style = style_of(mapped, compression, row_group_size, memory_limit)
    order = replace(order, takes_last=on_duplicate == "last", style=style)
    carry_out(here, "merge data", order, dry_run=dry_run, agreed=yes)
