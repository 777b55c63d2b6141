"""Adding a command takes its module and its name: the rest is read from them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from xvc.cli import app, commands, contract

MODULE = '''
"""``xvc answer``."""

from dataclasses import dataclass

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, show


@dataclass(frozen=True)
class Found:
    """What was found."""

    words: tuple[str, ...]
    count: int


Data = Found


def command(context: typer.Context, words: list[str], as_json: AsJson = False) -> None:
    """Count words.

    Example: xvc answer one two
    """
    here: Context = context.obj
    found = Found(tuple(words), len(words))
    show(Answer("answer", found, f"{found.count} words"), here.manner)
'''


def test_a_module_and_a_name_make_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It runs, and what it prints is the dataclass that its schema describes."""
    (tmp_path / "answer.py").write_text(MODULE)
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    names = (*app.COMMANDS, "answer")
    monkeypatch.setattr(app, "COMMANDS", names)
    monkeypatch.setattr(contract, "NAMES", names)

    code = app.call(["answer", "one", "two", "--json"])

    printed = json.loads(capsys.readouterr().out)
    jsonschema.validate(printed, contract.document("answer"))
    assert (code, printed["data"]) == (0, {"words": ["one", "two"], "count": 2})
