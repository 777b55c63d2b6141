"""Examples in docstrings say what happens."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import xvc

MODULES = [each.name for each in pkgutil.walk_packages(xvc.__path__, "xvc.")]


@pytest.mark.parametrize("name", [name for name in MODULES if name != "xvc.__main__"])
def test_examples_in_docstrings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an example shows is what Python answers; its runs are none of this repository's."""
    monkeypatch.chdir(tmp_path)
    module = import_module(name)

    assert doctest.testmod(module).failed == 0
