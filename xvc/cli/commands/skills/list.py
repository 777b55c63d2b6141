"""``xvc skills list``."""

from __future__ import annotations

from typing import TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, show


class Skill(TypedDict):
    """One skill, and where its files are."""

    name: str
    description: str
    folder: str


class Data(TypedDict):
    """The skills by name."""

    skills: list[Skill]
    total: int


def command(context: typer.Context, as_json: AsJson = False) -> None:
    """List the skills that come with xvc, and what each is for.

    Example: xvc skills list
    """
    from xvc.agents.skill_files import packaged_skills  # late: --help reads no YAML

    here: Context = context.obj
    found = packaged_skills()
    listed: list[Skill] = [
        {"name": each.name, "description": each.description, "folder": str(each.folder)}
        for each in found
    ]
    text = "\n\n".join(f"{each.name}\n  {each.description}" for each in found)
    data: Data = {"skills": listed, "total": len(found)}
    show(Answer("skills list", data, text, next=("xvc skills install",)), here.manner)
