"""``xvc trust``."""

from __future__ import annotations

from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, DryRun
from xvc.cli.output import Answer, few, show


class Data(TypedDict):
    """What the project's settings ask for beyond the project."""

    files: Annotated[list[str], "Params and metric files outside the project; the first twenty."]
    files_total: int
    variables: Annotated[list[str], "Environment variables to be recorded; the first twenty."]
    variables_total: int
    patterns: Annotated[list[str], "Files that look like secrets, for snapshots; the first twenty."]
    patterns_total: int
    captures: Annotated[list[str], "Patterns by which metrics are read; the first twenty."]
    captures_total: int
    new: Annotated[bool, "Whether any of it was not allowed before."]
    dry_run: bool


def command(context: typer.Context, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Allow this clone's settings to record files outside the project and environment variables.

    A clone may not decide what of your machine is recorded: until you say so, xvc refuses such
    files and leaves such variables out, and files that look like secrets, which `snapshot.allow`
    names, and reads no metrics by its `capture.patterns`. What the settings name now is allowed;
    later additions ask again. Your own settings (~/.config/xvc/config.yaml) need no leave.

    Example: xvc trust --dry-run
    """
    from xvc.setup.trust import trust

    here: Context = context.obj
    asked = trust(here.project(), dry_run=dry_run)
    data: Data = {
        "files": few(asked.files),
        "files_total": len(asked.files),
        "variables": few(asked.variables),
        "variables_total": len(asked.variables),
        "patterns": few(asked.patterns),
        "patterns_total": len(asked.patterns),
        "captures": few(asked.captures),
        "captures_total": len(asked.captures),
        "new": asked.is_new,
        "dry_run": dry_run,
    }
    says = "would be allowed" if dry_run else "allowed"
    lines = [f"{says}: read {path}" for path in asked.files]
    lines += [f"{says}: record ${name}" for name in asked.variables]
    lines += [f"{says}: keep {each} in snapshots of code" for each in asked.patterns]
    lines += [f"{says}: read metrics by {each}" for each in asked.captures]
    text = "\n".join(lines) or "the settings ask for nothing that needs leave"
    show(Answer("trust", data, text), here.manner)
