"""``xvc skills list``."""

from __future__ import annotations

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, show
from xvc.types import Json


def command(context: typer.Context, as_json: AsJson = False) -> None:
    """List the skills that come with xvc, and what each is for.

    Example: xvc skills list
    """
    from xvc.adapters.skills import packaged_skills  # late: --help reads no YAML

    here: Context = context.obj
    found = packaged_skills()
    listed: list[Json] = [
        {"name": each.name, "description": each.description, "folder": str(each.folder)}
        for each in found
    ]
    text = "\n\n".join(f"{each.name}\n  {each.description}" for each in found)
    data: Json = {"skills": listed, "total": len(found)}
    show(Answer("skills list", data, text, next=("xvc skills install",)), here.manner)
