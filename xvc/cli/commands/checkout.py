"""``xvc checkout``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Reference
from xvc.cli.output import Answer, few, show


class Data(TypedDict):
    """A tree that is ready; ``linked`` counts files by the kind of link."""

    name: str
    path: str
    reference: str
    commit: str
    changed: bool
    linked: Mapping[str, int]
    missing: Annotated[list[str], "The first twenty."]
    missing_total: int


def command(
    context: typer.Context,
    reference: Reference,
    path: Annotated[
        Path | None, typer.Option("--path", help="The folder; without it beside the project.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a disposable tree of a version or run, its data linked from the cache.

    Your own tree and branch stay as they are; twice is harmless. `xvc cleanup` removes it, and so
    does a later `xvc checkout` once it is a day old, nobody is in it and all in it is recorded.

    Example: xvc checkout e0.1.0
    """
    from xvc.versions.checkout import checkout  # late: --help needs no git
    from xvc.versions.cleanup import remove_idle

    here: Context = context.obj
    place = None if path is None else here.folder / path
    project = here.project()
    made = checkout(project, reference, path=place)
    gone = [
        f"removed {each.path}: all in it was recorded" for each in remove_idle(project, made.name)
    ]
    counts = [f"{count} by {kind}" for kind, count in sorted(made.done.linked.items())]
    lines = [f"{made.path} at {made.at} ({made.commit[:10]})"]
    lines += [f"data: {', '.join(counts)}"] if counts else []
    data: Data = {
        "name": made.name,
        "path": made.path,
        "reference": made.at,
        "commit": made.commit,
        "changed": made.is_new,
        "linked": made.done.linked,
        "missing": few(made.done.missing),
        "missing_total": len(made.done.missing),
    }
    steps = (f"cd {made.path}", f"xvc cleanup {made.name} --yes")
    warnings = dict.fromkeys([*project.keeper.warnings, *made.done.warnings, *gone])
    answer = Answer("checkout", data, "\n".join(lines), tuple(warnings), steps)
    show(answer, here.manner)
