"""``xvc assets ls``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Database, Limit
from xvc.cli.output import Answer, show, size, table
from xvc.types import Json

if TYPE_CHECKING:
    from xvc.flows.list_assets import ListedAsset

_HEAD = ("digest", "kind", "name", "type", "size", "run", "references", "")


def command(
    context: typer.Context,
    limit: Limit = 20,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """List assets, newest first: what they are, which run kept them first, how many cells refer.

    Example: xvc assets ls --limit 0
    """
    from xvc.flows.list_assets import list_assets  # late: it opens DuckDB

    here: Context = context.obj
    project = here.project_of(database)
    found = list_assets(project)
    shown = found[: limit or None]
    data: Json = {"assets": [_facts(each) for each in shown], "total": len(found)}
    text = table(_HEAD, map(_row, shown), right=[4, 6]) if shown else "no assets yet"
    if len(found) > len(shown):
        text += f"\n… {len(found) - len(shown)} more; --limit 0 shows all"
    show(Answer("assets ls", data, text, tuple(project.keeper.warnings)), here.manner)


def _row(each: ListedAsset) -> list[str]:
    asset = each.asset
    return [
        asset.digest[:10],
        asset.kind,
        asset.name,
        asset.type.rpartition(".")[2] or "-",
        size(asset.size),
        asset.run or "-",
        str(each.references),
        "" if each.is_here else "not here",
    ]


def _facts(each: ListedAsset) -> Json:
    asset = each.asset
    counted: dict[str, Json] = {"references": each.references, "here": each.is_here}
    return {**asset.facts(), "run": asset.run, **counted}
