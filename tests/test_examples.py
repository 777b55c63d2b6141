"""The examples run and print what they say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent.parent / "examples"


def _run_all() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_all", HERE / "run_all.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUN_ALL = _run_all()


@pytest.mark.parametrize("example", RUN_ALL.examples(), ids=lambda path: path.stem)
def test_an_example_prints_what_it_says(example: Path, tmp_path: Path) -> None:
    """Every line that the file promises is printed, in order, and no other."""
    said = RUN_ALL.expected(example)
    found = RUN_ALL.printed(example, tmp_path)

    assert said
    assert RUN_ALL.differences(said, found) == []


def test_a_wrong_line_is_found() -> None:
    """The check can fail."""
    assert RUN_ALL.differences(["a … c"], ["a b c"]) == []
    assert RUN_ALL.differences(["a … c"], ["a b d"])
    assert RUN_ALL.differences(["a"], [])
