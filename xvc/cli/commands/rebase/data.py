"""``xvc rebase data``."""

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
    Keys,
    Mapped,
    Memory,
    Out,
    Sources,
    carry_out,
    order_of,
    style_of,
)
from xvc.cli.options import AsJson, DryRun, OnDuplicate, listed
from xvc.errors import BadValue

Data = Combined


def command(
    context: typer.Context,
    base: Base,
    sources: Sources,
    on: Keys,
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
    """Replace the rows of a Parquet file whose key comes in again; keep the rest, add new keys.

    An incoming row without a key, and rows that come in for one key and differ, are refused. Whole
    rows are replaced. The plan says how many; --yes does it. A pointer of DVC's follows the file.

    Example: xvc rebase data scores.parquet corrected.parquet --on id,split --dry-run
    """
    if not listed(on):
        raise BadValue("--on", "name the columns that tell rows apart")
    here: Context = context.obj
    order = order_of(here, base, sources, out, on)
    style = style_of(mapped, compression, row_group_size, memory_limit)
    order = replace(order, replaces=True, takes_last=on_duplicate == "last", style=style)
    carry_out(here, "rebase data", order, dry_run=dry_run, agreed=yes)
