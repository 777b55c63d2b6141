"""``xvc init``."""

from __future__ import annotations

from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, show


class Data(TypedDict):
    """What was made and what was there; ``commit`` is the one that holds xvc's own files."""

    root: str
    changed: bool
    done: list[str]
    joined: list[str]
    commit: str | None


def command(
    context: typer.Context,
    commit: Annotated[
        bool, typer.Option("--commit/--no-commit", help="Commit xvc's own files.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Make this folder ready: git, DVC, settings, ignore rules. Twice is harmless.

    Example: xvc init
    """
    from xvc.setup.init import init  # late: it starts DVC

    here: Context = context.obj
    made = init(here.project(), here.folder, commit=commit)
    lines = [*made.done, *(f"uses {what}" for what in made.joined)]
    data: Data = {
        "root": made.root,
        "changed": made.changed,
        "done": list(made.done),
        "joined": list(made.joined),
        "commit": made.commit,
    }
    nothing = "is set up" if made.warnings else "is ready; nothing to do"
    text = "\n".join(lines) if made.changed else f"{made.root} {nothing}"
    steps = ("xvc run --tag minor -- python train.py",)
    show(Answer("init", data, text, made.warnings, steps), here.manner)
