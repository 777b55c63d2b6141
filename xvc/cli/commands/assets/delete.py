"""``xvc assets delete``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from xvc.cli.commands.assets.ls import Facts, facts
from xvc.cli.context import Context
from xvc.cli.options import AsJson, Database, Digest, DryRun, Yes
from xvc.cli.output import Answer, show, size
from xvc.core.human_units import counted

if TYPE_CHECKING:
    from xvc.database.delete_asset import AssetDeletion

_NEEDS_DECISION = 4


class Data(Facts):
    """An asset, how many files it is and cells refer to it; ``version`` still holds it."""

    files: int
    references: int
    version: str | None
    way_back: str | None
    dry_run: bool


def command(
    context: typer.Context,
    digest: Digest,
    clear: Annotated[
        bool, typer.Option("--clear-references", help="Empty the cells that hold its digest.")
    ] = False,
    database: Database = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Delete an asset's bytes; cells keep the digest unless cleared, versions keep what they hold.

    Without --yes it shows what would go, and exits 4.

    Example: xvc assets delete 53425a65 --yes
    """
    from xvc.database.delete_asset import delete_asset  # late: it opens DuckDB

    here: Context = context.obj
    found = delete_asset(here.project_of(database), digest, clear=clear, dry_run=dry_run or not yes)
    code = 0 if found.is_done or dry_run else _NEEDS_DECISION
    data: Data = {
        **facts(found.asset),
        "files": len(found.files),
        "references": found.references,
        "version": found.version,
        "way_back": found.way_back,
        "dry_run": not found.is_done,
    }
    steps = _next(found, here.again("--yes"), is_asked=code != 0)
    show(
        Answer("assets delete", data, _text(found, is_cleared=clear), next=steps, exit_code=code),
        here.manner,
    )
    raise typer.Exit(code)


def _text(found: AssetDeletion, *, is_cleared: bool) -> str:
    asset, verb = found.asset, "deleted" if found.is_done else "would delete"
    kept = f"{found.version} still holds it" if found.version else "no version holds it"
    lines = [f"{verb} {asset.kind} {asset.name} ({asset.digest[:10]}, {size(asset.size)}); {kept}"]
    if found.references:
        what = "are emptied" if is_cleared else "go on holding its digest"
        lines.append(f"{counted(found.references, 'cell')} {what}")
    if found.way_back:
        lines.append(f"back again: {found.way_back}")
    return "\n".join(lines)


def _next(found: AssetDeletion, again: str, *, is_asked: bool) -> tuple[str, ...]:
    if is_asked:
        return (again,)
    return (found.way_back,) if found.way_back else ()
