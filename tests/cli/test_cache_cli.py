"""``xvc cache``: what is stored, how it is used, why a call missed, and deleting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from surroundings import Calling
from xvc import Tracker
from xvc.tracking.caching import cached_call


def fit(lr: float, layers: list[int]) -> float:
    return lr * sum(layers)


def predict(x: int) -> int:
    return x


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cache with two calls of `fit`, the first one hit once, and one of `predict`."""
    with Tracker(tmp_path / "t.duckdb", cache=tmp_path / "cache", git_root=tmp_path) as tracker:

        def call(function: Any, *args: object, **params: object) -> None:
            cached_call(tracker, function, args, {}, params, lambda: function(*args))

        call(fit, 0.1, [1, 2], seed=1)
        call(fit, 0.1, [1, 2], seed=1)
        call(fit, 0.2, [1, 2], seed=1)
        call(predict, 7)
    return tmp_path / "cache"


def test_entries_are_listed(folder: Path, call_xvc: Calling) -> None:
    """Newest first, with arguments as they looked; one function's alone, when asked."""
    every = call_xvc("cache", "ls", "--cache", str(folder), "--json").data
    one = call_xvc("cache", "ls", "--cache", str(folder), "--function", "fit", "--limit", "1")

    assert every["total"] == 3
    assert [each["arguments"] for each in every["entries"]] == [
        {"x": "7"},
        {"lr": "0.2", "layers": "[1, 2]"},
        {"lr": "0.1", "layers": "[1, 2]"},
    ]
    assert "test_cache_cli.fit  lr=0.2, layers=[1, 2]" in one.out
    assert "1 more" in one.out


def test_use_is_counted(folder: Path, call_xvc: Calling) -> None:
    """Entries, bytes, hits and misses of each function."""
    found = call_xvc("cache", "stats", "--cache", str(folder), "--json").data["functions"]

    counted = {
        each["function"].rpartition(".")[2]: (each["entries"], each["hits"], each["misses"])
        for each in found
    }
    assert counted == {"fit": (2, 1, 2), "predict": (1, 0, 1)}
    assert all(each["size"] > 0 for each in found)


@pytest.mark.parametrize("target", ["fit", "test_cache_cli:fit", "test_cache_cli.fit"])
def test_a_miss_is_explained(folder: Path, call_xvc: Calling, target: str) -> None:
    """The newest call of a function, by any of its names, against the nearest before it."""
    found = call_xvc("cache", "explain", target, "--cache", str(folder))

    assert found.code == 0
    assert found.out.splitlines()[1:] == ["  argument lr: 0.1 → 0.2"]


def test_an_entry_is_explained_by_its_key(folder: Path, call_xvc: Calling) -> None:
    """A beginning of six letters will do."""
    listed = call_xvc("cache", "ls", "--cache", str(folder), "--json").data["entries"]

    found = call_xvc(
        "cache", "explain", listed[2]["key"][:6], "--cache", str(folder), "--json"
    ).data

    assert found["entry"]["key"] == listed[2]["key"]
    assert found["nearest"]["key"] == listed[1]["key"]
    assert found["differences"] == [
        {"what": "argument", "name": "lr", "before": "0.2", "after": "0.1"}
    ]


def test_deleting_shows_its_plan_first(folder: Path, call_xvc: Calling) -> None:
    """Without --yes nothing goes, with it what was shown does."""
    words = ["cache", "delete", "--function", "fit", "--cache", str(folder), "--json"]
    plan = call_xvc(*words).data
    dry = call_xvc(*words, "--yes", "--dry-run").data
    before = call_xvc("cache", "ls", "--cache", str(folder), "--json").data["total"]
    done = call_xvc(*words, "--yes").data
    after = call_xvc("cache", "ls", "--cache", str(folder), "--json").data["total"]

    assert plan == dry == {**done, "dry_run": True}
    assert (len(plan["entries"]), before, after) == (2, 3, 1)


def test_results_of_a_run_are_deleted(folder: Path, call_xvc: Calling) -> None:
    """By its id; another's stay."""
    run = call_xvc("cache", "ls", "--cache", str(folder), "--json").data["entries"][0]["run"]

    other = call_xvc("cache", "delete", "--run", "another", "--yes", "--cache", str(folder))
    own = call_xvc("cache", "delete", "--run", run, "--yes", "--cache", str(folder), "--json").data

    assert other.out == "nothing fits\n"
    assert len(own["entries"]) == 3


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["ls", "--cache", "nowhere"], 1, "no-cache"),
        (["explain", "nobody"], 1, "no-entry"),
        (["delete", "abc"], 1, "no-entry"),
        (["delete"], 2, "bad-value"),
    ],
)
def test_a_wrong_call_says_so(
    folder: Path, call_xvc: Calling, words: list[str], code: int, error: str
) -> None:
    """No cache, no such function or key, nothing named: each its own error."""
    place = [] if "--cache" in words else ["--cache", str(folder)]

    found = call_xvc("cache", *words, *place, "--json")

    assert (found.code, found.json["error"]["code"]) == (code, error)


def test_the_setting_names_the_folder(project: Path, folder: Path, call_xvc: Calling) -> None:
    """Without --cache it is the one of the settings, from the project's root."""
    folder.rename(project / "kept")
    with (project / "xvc.yaml").open("a") as settings:
        settings.write("cache:\n  folder: kept\n")

    found = call_xvc("cache", "stats", "--json").data

    assert len(found["functions"]) == 2
