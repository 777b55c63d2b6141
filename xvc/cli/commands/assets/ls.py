"""``xvc assets ls``."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Database, Limit
from xvc.cli.output import Answer, show, size, table

if TYPE_CHECKING:
    from xvc.core.asset import Asset
    from xvc.database.list_assets import ListedAsset

_HEAD = ("digest", "kind", "name", "type", "size", "run", "references", "")


class Facts(TypedDict):
    """An asset; size in bytes."""

    digest: str
    kind: str
    name: str
    type: str
    size: int


class Row(Facts):
    """One asset; ``references`` are cells, ``here`` whether its bytes are."""

    run: str | None
    references: int
    here: bool


class Data(TypedDict):
    """Assets in order, and how many there are in all."""

    assets: list[Row]
    total: int


def command(
    context: typer.Context,
    limit: Limit = 20,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """List assets, newest first: what they are, which run kept them first, how many cells refer.

    Example: xvc assets ls --limit 0
    """
    from xvc.database.list_assets import list_assets  # late: it opens DuckDB

    here: Context = context.obj
    project = here.project_of(database)
    found = list_assets(project)
    shown = found[: limit or None]
    data: Data = {"assets": [_facts(each) for each in shown], "total": len(found)}
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


def facts(asset: Asset) -> Facts:
    """Write an asset for a program."""
    return {
        "digest": asset.digest,
        "kind": asset.kind,
        "name": asset.name,
        "type": asset.type,
        "size": asset.size,
    }


def _facts(each: ListedAsset) -> Row:
    asset = each.asset
    return {
        **facts(asset),
        "run": asset.run,
        "references": each.references,
        "here": each.is_here,
    }
