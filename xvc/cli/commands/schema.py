"""``xvc schema``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, show
from xvc.errors import BadValue


class Listed(TypedDict):
    """What has a schema."""

    schemas: list[str]
    total: int


class Document(TypedDict):
    """One schema."""

    name: str
    document: Mapping[str, object]


Data = Listed | Document


def command(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COMMAND]", help="A command, or `error`; without it the list."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the JSON Schema of what a command prints with --json.

    Example: xvc schema db head
    """
    from xvc.cli.contract import NAMES, document  # late: the table of commands loads this module

    here: Context = context.obj
    name = " ".join(words or ())
    if not name:
        listed: Listed = {"schemas": list(NAMES), "total": len(NAMES)}
        show(Answer("schema", listed, "\n".join(NAMES), next=("xvc schema ls",)), here.manner)
        return
    if name not in NAMES:
        raise BadValue("schema", f"{name!r} is no command; `xvc schema` lists them")
    found = document(name)
    made: Document = {"name": name, "document": found}
    show(Answer("schema", made, json.dumps(found, indent=2, ensure_ascii=False)), here.manner)
