"""Configurations as params and as values: namespaces, OmegaConf, enums, paths, at any depth."""

from __future__ import annotations

import json
from argparse import Namespace
from enum import Enum
from pathlib import Path
from types import SimpleNamespace

import pytest

from xvc import Reader, Tracker


class Mode(Enum):
    """How to train."""

    FAST = "fast"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def params_of(name: str) -> object:
    """The params of the run of a name."""
    asked = "SELECT params FROM runs WHERE name = ?"
    return json.loads(Reader("t.duckdb").conn.execute(asked, [name]).fetchall()[0][0])


def test_namespaces_are_what_they_hold() -> None:
    """Within another, in a dict or in a list each is a dict, with enums and paths as text."""
    inner = Namespace(path=Path("a/b"), mode=Mode.FAST, deeper=SimpleNamespace(k=1))
    given = Namespace(lr=0.1, net=inner, many=[SimpleNamespace(n=1)], named={"x": inner})
    with Tracker("t.duckdb", params=given, name="net") as tracker:
        row = tracker.log({"loss": 0.5, "config": inner})

    plain = {"path": "a/b", "mode": "fast", "deeper": {"k": 1}}
    assert params_of("net") == {"lr": 0.1, "net": plain, "many": [{"n": 1}], "named": {"x": plain}}
    assert (row["loss"], row["config"]) == (0.5, plain)


def test_a_configuration_of_omegaconf_is_what_it_resolves_to() -> None:
    """What is missing, and what cannot be resolved, is its text; all else is kept as it is."""
    omegaconf = pytest.importorskip("omegaconf")
    config = omegaconf.OmegaConf.create(
        {"lr": 0.1, "net": {"width": "${lr}", "layers": [1, {"a": "${lr}"}]}, "must": "???"}
    )
    config.broken = "${nothing.there}"
    with Tracker("t.duckdb", params=config, name="net") as tracker:
        row = tracker.log({"layers": config.net.layers, "config": config.net})

    net = {"width": 0.1, "layers": [1, {"a": 0.1}]}
    assert params_of("net") == {"lr": 0.1, "net": net, "must": "???", "broken": "${nothing.there}"}
    assert (row["layers"], row["config"]) == (net["layers"], net)
