"""``xvc get``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Reference, complete_files
from xvc.cli.output import Answer, show, size
from xvc.core.human_units import counted


class Data(TypedDict):
    """What was written where; ``reference`` is the version, or the run, that it is of."""

    reference: str
    commit: str
    path: str
    out: str
    files: int
    size: Annotated[int, "Bytes."]


def command(
    context: typer.Context,
    reference: Reference,
    path: Annotated[
        Path,
        typer.Argument(
            help="The file or folder, as it is called in the tree.", autocompletion=complete_files
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Where to; without it the same name in this folder."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Replace what is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a file or folder as a version or run had it: code, data, outputs, the store.

    Every byte of data is checked. What the cache lacks is fetched from the DVC remote, if any.
    A path counts from this folder, else from the project's, as `xvc show` prints it. A model that
    the run left is `model:NAME`, a folder.

    Example: xvc get e0.1.0 data/train.csv -o old.csv
    """
    from xvc.versions.get import MODEL, get  # late: --help needs no git

    here: Context = context.obj
    target = here.folder / (out or path.name.removeprefix(MODEL) or Path("copy"))
    project = here.project()
    got = get(project, reference, here.folder / path, target, replace=yes, said=path)
    amount = f"{counted(got.files, 'file')}, {size(got.size)}"
    text = f"{got.path} of {got.at} is {out or target.name} ({amount})"
    data: Data = {
        "reference": got.at,
        "commit": got.commit,
        "path": got.path,
        "out": got.target,
        "files": got.files,
        "size": got.size,
    }
    show(Answer("get", data, text, tuple(project.keeper.warnings)), here.manner)
