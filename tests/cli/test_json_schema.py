"""An answer's dataclass is declared once: its schema is read from it, and `--json` prints it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from xvc.cli.json_schema import schema_of
from xvc.cli.output import Answer, envelope_of
from xvc.types import Json


@dataclass(frozen=True)
class Found:
    """What was found."""

    name: str
    parts: tuple[int | None, ...] = ()


def test_a_document_has_the_fields_that_its_dataclass_declares() -> None:
    """Keys, their order and their kinds are those of the fields, in lists and mappings, too."""
    answer = Answer("find", {"found": [Found("a", (1, None))], "by": {"b": Found("b")}})

    printed = cast("dict[str, Json]", envelope_of(answer))["data"]

    assert printed == {
        "found": [{"name": "a", "parts": [1, None]}],
        "by": {"b": {"name": "b", "parts": []}},
    }
    assert schema_of(Found) == {
        "type": "object",
        "description": "What was found.",
        "properties": {
            "name": {"type": "string"},
            "parts": {"type": "array", "items": {"type": ["integer", "null"]}},
        },
        "required": ["name", "parts"],
        "additionalProperties": False,
    }
