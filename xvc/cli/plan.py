"""What commands that change the record have in common: a plan first, done with ``--yes``."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.output import Answer, show
from xvc.errors import BadValue


class Edited(TypedDict):
    """How many rows are changed, of which runs; `xvc undo` takes ``operation`` back."""

    rows: int
    runs: Annotated[list[str], "The first twenty."]
    runs_total: int
    operation: str | None
    dry_run: bool


def show_plan(answer: Answer, here: Context, *, is_plan: bool, is_asked: bool) -> None:
    """Show what was done or would be; without ``--yes`` or ``--dry-run`` exit 4."""
    if not is_plan:
        show(answer, here.manner)
        return
    answer = replace(answer, next=(here.again("--yes"),))
    if is_asked:
        show(answer, here.manner)
        return
    warning = "nothing was changed; add --yes to do it"
    show(replace(answer, warnings=(*answer.warnings, warning), exit_code=4), here.manner)
    raise typer.Exit(4)


def pair_of(text: str) -> tuple[str, object]:
    """Read KEY=VALUE, the value as YAML reads it.

    Raises:
        BadValue: there is no = in it, or no key before.
    """
    from xvc.system.value_files import parse_typed  # late: help needs no YAML

    key, sign, value = text.partition("=")
    if not key or not sign:
        raise BadValue("--where", f"{text!r} is not KEY=VALUE")
    return key, parse_typed(value).value
