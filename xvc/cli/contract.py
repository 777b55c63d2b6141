"""The published shape of what ``--json`` prints: a JSON Schema for each command, one for errors.

Each command's module declares its answer's data as ``Data``; nothing else has to be told.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from xvc.cli.app import COMMANDS, module_of
from xvc.cli.json_schema import DEFINITIONS, DIALECT, schema_of
from xvc.cli.output import SCHEMA, Envelope, Refusal
from xvc.types import Json

ERROR = "error"
NAMES = (*COMMANDS, ERROR)
"""Everything that has a schema: all commands, then what any of them prints when it refuses."""


def document(name: str) -> dict[str, Json]:
    """Return the schema of a command's answer, or of an error, as a document of its own.

    Raises:
        KeyError: there is no such command.
    """
    if name not in NAMES:
        raise KeyError(name)
    described = schema_of(Refusal if name == ERROR else Envelope)
    properties = cast("dict[str, Json]", described["properties"])
    properties["schema"] = {"const": SCHEMA}
    if name != ERROR:
        properties["command"] = {"const": name}
        properties["data"] = schema_of(import_module(module_of(name)).Data)
    return {
        "$schema": DIALECT,
        "$id": f"urn:xvc:{SCHEMA}:{name.replace(' ', ':')}",
        "title": f"xvc {name} --json" if name != ERROR else "an error of xvc --json",
        **described,
        "$defs": dict(DEFINITIONS),
    }
