"""Every list of an answer has a bound: a total beside it, --limit, or what it is a list of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pages import options_of
from surroundings import Calling, git
from test_contract import BY_COMMAND, shapes_of
from xvc import Tracker
from xvc.cli.app import COMMANDS

BOUNDED: Mapping[str, Sequence[str]] = {
    "as many as the call has words": (
        *("compare runs", "merge sources"),
        *("show command", "show seeded", "sweep command", "sweep status command"),
        *("merge data sources", "merge data on", "rebase data sources", "rebase data on"),
        *("db sql statements", "db plot summaries", "db plot bins"),
        *("gate gates", *(f"model {verb} gates" for verb in ("promote", "rollback"))),
        *("model info evidence gates", "model history history gates"),
    ),
    "one for each run of the call": (
        *(
            f"compare {what} {cells}"
            for what in ("params", "metrics", "packages")
            for cells in ("values", "present", "delta", "percent")
        ),
        *("compare data files", "compare code_totals", "compare commands"),
        "compare code",  # with code_totals, of files
        *("compare verdicts", "compare verdict_totals"),  # of metrics
        *("compare rows", "compare rows_totals"),  # of scores
        "db plot bins counts",  # of a series
    ),
    "what people said of one run": ("note labels", "show labels", "ls runs labels"),
    "as many as -P of one run": ("show asked", "show unused"),
    "the last ten": ("show printed",),
    "one for each table": ("db sql tables", "merge tables"),
    "one for each kind, with the first ten names": (
        "worktree remove lost",
        "cleanup trees kept_by",
    ),
    "one for each kind of cause": ("rerun causes",),
    "one for each stage": ("model list models stages", "model info stages"),
    "xvc's own files": (
        *("init done", "init joined", "report sections", "report files", "export run files"),
        *("skills list skills", "schema schemas"),
        *(f"skills install {what}" for what in ("skills", "added", "replaced")),
    ),
    "refused where it is long": ("db plot series",),
    "as many as --limit says": ("validate checks findings examples",),
    "the first three": ("brief best", "tried nearest"),
    "cut, and counted by total": (
        *("cleanup trees", "cache delete entries", "cache stats functions"),
        *("model prune models", "worktree list worktrees"),
    ),
    "cut of a merge; whole with --conflicts, because --from reads it back": ("merge conflicts",),
    "cut, and counted by changed_total": ("worktree list worktrees changed_files",),
    "one run as it is, told nowhere else": (
        *("show code left_out", "show code incomplete", "show code unread"),
    ),
}
"""Lists that have neither a total of their own nor --limit, by what bounds them."""


def lists_of(schema: Any, way: str) -> dict[str, bool]:
    """Every list in a schema by the way to it, and whether its total stands beside it."""
    found: dict[str, bool] = {}
    properties = schema.get("properties", {})
    for key, part in properties.items():
        here = f"{way} {key}"
        kinds = [part, *part.get("anyOf", [])]
        if any("array" in kind.get("type", ()) for kind in kinds):
            found[here] = f"{key}_total" in properties
        for kind in kinds:
            found |= lists_of(kind, here) | lists_of(kind.get("items", {}), here)
    return found


def without_total(name: str) -> list[str]:
    """The lists of a command's answers that neither say their total nor are what --limit cuts."""
    is_limited = "--limit" in options_of(name)
    found = []
    for shape in shapes_of(name):
        cut = [f"{name} {key}" for key in shape["properties"] if "total" in shape["properties"]]
        held = lists_of(shape, name).items()
        found += [way for way, total in held if not total and not (is_limited and way in cut)]
    return found


@BY_COMMAND
def test_a_list_has_a_bound(name: str) -> None:
    """Every list of every answer says its total, is what --limit cuts, or has another reason."""
    reasons = {way for ways in BOUNDED.values() for way in ways}

    unbound = [way for way in without_total(name) if way not in reasons]

    assert unbound == []


def test_no_reason_is_left_over() -> None:
    """What is excused above is a list of a command, and needs it."""
    needed = {way for name in COMMANDS for way in without_total(name)}

    assert [way for ways in BOUNDED.values() for way in ways if way not in needed] == []


def test_lists_are_bounded(project: Path, call_xvc: Calling) -> None:
    """Forty unsaved runs, forty changed files: twenty are named, all are counted."""
    for number in range(40):
        (project / f"file{number}.txt").write_text("new")
        with Tracker() as tracker:
            tracker.log({"accuracy": number / 100, "group": number})

    status = call_xvc("status", "--json").data
    (tree,) = call_xvc("worktree", "list", "--json").data["worktrees"]
    groups = call_xvc("ls", "--group", "accuracy", "--json").data

    assert (len(status["unsaved"]), status["unsaved_total"]) == (20, 40)
    assert (len(tree["changed_files"]), tree["changed_total"]) == (20, 40)
    assert (len(groups["groups"]), groups["total"]) == (20, 40)


def test_what_changes_rows_is_bounded(project: Path, call_xvc: Calling) -> None:
    """Forty runs are changed, copied, cached: twenty are named, in JSON; in text a plan has all."""
    other = project.parent / "other.duckdb"
    for number in range(40):
        for tracker in (Tracker(), Tracker(other)):
            with tracker:
                tracker.log({"accuracy": number / 100})
    with Tracker(cache=".cache/xvc") as tracker:
        for number in range(40):
            tracker.track(abs_of, [number])
    call_xvc("db", "ls", "--db", str(other))
    runs = [run["id"] for run in call_xvc("ls", "--limit", "0", "--json").data["runs"]][-40:]
    each = [word for run in runs for word in ("--run", run)]

    changed = call_xvc("db", "set", "note", "x", *each, "--dry-run", "--json").data
    deleted = call_xvc("db", "delete", *runs, "--dry-run", "--json").data
    told = call_xvc("db", "delete", *runs, "--dry-run").out
    copied = call_xvc("db", "copy", str(other), "--dry-run", "--json").data
    cached = call_xvc("cache", "delete", "--function", "abs_of", "--dry-run", "--json").data

    assert (len(changed["runs"]), changed["runs_total"]) == (20, 40)
    assert (len(deleted["runs"]), deleted["runs_total"]) == (20, 40)
    assert [run for run in runs if run not in told] == []
    assert (len(copied["runs"]), copied["runs_total"]) == (20, 40)
    assert (len(cached["entries"]), cached["total"]) == (20, 40)


def abs_of(number: int) -> int:
    return abs(number)


def test_what_differs_is_bounded(project: Path, call_xvc: Calling) -> None:
    """Forty params, forty files of a tree: the first twenty, and how many; CSV has all."""
    for value in (1, 2):
        with Tracker(params={f"p{number}": value for number in range(40)}) as tracker:
            tracker.log({"accuracy": value})
    call_xvc("tag", "minor")
    call_xvc("worktree", "add", "wide")
    for number in range(40):
        (project.parent / "exp-wide" / f"file{number}.txt").write_text("new")
    git(project.parent / "exp-wide", "add", ".")
    git(project.parent / "exp-wide", "commit", "-q", "-m", "Files")

    compared = call_xvc("compare", "@-1", "@", "--json").data
    table = call_xvc("compare", "@-1", "@", "--format", "csv").out
    merged = call_xvc("worktree", "merge", "wide", "--dry-run", "--json").data
    keys = call_xvc("db", "columns", "--limit", "1", "--json").data

    assert (len(compared["params"]), compared["params_total"]) == (20, 40)
    assert table.count("params,") == 40
    assert (len(merged["files"]), merged["files_total"]) == (20, 40)
    assert (len(keys["rows"]), keys["total"] > 1) == (1, True)
