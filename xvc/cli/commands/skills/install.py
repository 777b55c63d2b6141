"""``xvc skills install``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.agents.folders import Agent, folder_of
from xvc.cli.context import Context
from xvc.cli.options import AsJson, DryRun
from xvc.cli.output import Answer, show
from xvc.core.human_units import counted

if TYPE_CHECKING:
    from xvc.agents.install import Installation

_NEEDS_DECISION = 4
_SHOWN = 10


class Data(TypedDict):
    """Files that are new, that are replaced, and how many were there already."""

    folder: str
    skills: list[str]
    added: list[str]
    replaced: list[str]
    unchanged: int
    dry_run: bool


def command(
    context: typer.Context,
    agent: Annotated[Agent, typer.Option("--agent", help="Whose folder to use.")] = Agent.AGENTS,
    dest: Annotated[
        Path | None, typer.Option("--dest", help="The folder, instead of an agent's.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Replace files that are there and differ.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Copy the skills to where a coding agent looks for them, in this project or in --dest.

    Where files are there that differ, it shows the plan, writes nothing and exits 4.

    Example: xvc skills install --agent claude
    """
    from xvc.agents.install import install_skills  # late: it reads YAML

    here: Context = context.obj
    project = here.project()
    folder = here.folder / dest if dest else folder_of(agent, project.root)
    found = install_skills(project, folder, replaces=yes, dry_run=dry_run)
    code = 0 if found.is_done or dry_run else _NEEDS_DECISION
    data: Data = {
        "folder": str(found.folder),
        "skills": list(found.skills),
        "added": list(found.added),
        "replaced": list(found.changed),
        "unchanged": len(found.equal),
        "dry_run": not found.is_done,
    }
    warnings = ("nothing was written; --yes replaces the files that differ",) if code else ()
    steps = (here.again("--yes"),) if code else ()
    show(Answer("skills install", data, _text(found), warnings, steps, code), here.manner)
    raise typer.Exit(code)


def _text(found: Installation) -> str:
    added, replaced = ("added", "replaced") if found.is_done else ("would add", "would replace")
    lines = [f"{', '.join(found.skills)} in {found.folder}"]
    lines.append(
        f"{added} {counted(len(found.added), 'file')}, {len(found.equal)} were there already"
    )
    if found.changed:
        lines.append(f"{replaced} {len(found.changed)} that differ:")
        lines += [f"  {name}" for name in found.changed[:_SHOWN]]
    if len(found.changed) > _SHOWN:
        lines.append(f"  and {len(found.changed) - _SHOWN} more")
    return "\n".join(lines)
