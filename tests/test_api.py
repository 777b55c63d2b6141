"""The verbs for Python do and say what the commands of their names do."""

from __future__ import annotations

import ast
import inspect
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest

import xvc
from surroundings import Calling
from xvc import Tracker
from xvc.errors import BadFolder, NoRun, UsageError, XvcError

COMMANDS = {
    "runs": "ls",
    "show": "show",
    "compare": "compare",
    "versions": "log",
    "models": "model.list",
    "sql": "db.sql",
    "status": "status",
    "tag": "tag",
    "get": "get",
    "checkout": "checkout",
    "merge": "merge",
    "rebase": "rebase",
    "add_model": "model.add",
    "promote": "model.promote",
    "rollback": "model.rollback",
    "push": "push",
    "pull": "pull",
    "worktrees": "worktree.list",
    "undo": "undo",
}
VERBS = [name for name in vars(xvc.OpenProject) if not name.startswith("_")]


def _imports(tree: ast.AST) -> dict[str, str]:
    """What code imports from modules, by the name that it uses: ``xvc.versions.tag.tag``."""
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _called(tree: ast.AST) -> set[str]:
    """The functions that code imports and calls, by their whole names."""
    imported = _imports(tree)
    names = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    return {imported[name] for name in names & set(imported) if name.islower()}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_calls_what_its_command_calls(verb: str) -> None:
    """There is one function behind both."""
    source = textwrap.dedent(inspect.getsource(getattr(xvc.OpenProject, verb)))
    spec = find_spec(f"xvc.cli.commands.{COMMANDS[verb]}")
    assert spec is not None
    assert spec.origin is not None
    command = set(_imports(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))).values())

    called = _called(ast.parse(source))

    assert called
    assert {name for name in called if not {name, name.rpartition(".")[0]} & command} == set()


def test_a_project_is_asked_and_changed_from_python(project: Path, call_xvc: Calling) -> None:
    """Frames, answers and errors are those of the command line."""
    for lr in (0.1, 0.3):
        with Tracker(params={"lr": lr, "seed": 2**60}) as tracker:
            tracker.log({"accuracy": 1 - lr})
    here = xvc.open(project)

    runs = here.runs(sort="accuracy")
    made = here.tag("minor", run="best:accuracy", message="first")
    versions = here.versions()
    dry = here.tag(run="@", dry_run=True)

    listed = call_xvc("ls", "--sort", "accuracy", "--json").data["runs"]
    assert list(runs["id"]) == [row["id"] for row in listed]
    assert list(runs["accuracy"]) == [0.9, 0.7]
    assert list(runs["seed"]) == [2**60, 2**60]
    assert (made.name, made.run) == ("e0.1.0", runs["id"][0])
    assert (dry.name, dry.is_dry) == ("e0.1.1", True)
    assert versions.iloc[0].to_dict() | {"made": 0, "commit": ""} == {
        "version": "e0.1.0",
        "run": made.run,
        "commit": "",
        "made": 0,
        "subject": versions["subject"][0],
        "metrics.accuracy": 0.9,
        "params.lr": 0.1,
        "params.seed": 2**60,
    }
    assert call_xvc("log", "--json").data["total"] == 1
    assert here.show("e0.1.0").id == made.run
    assert here.compare("@-1", "@").comparison.params[0].values == (0.1, 0.3)
    assert here.sql("SELECT count(*) AS n FROM events")["n"].to_list() == [2]
    assert here.get("e0.1.0", "train.py", "old.py").files == 1
    assert (project / "old.py").is_file()
    assert here.status().versions == 1
    assert [each.is_here for each in here.worktrees()] == [True]
    assert here.models().empty


def test_the_errors_are_those_of_the_command_line(project: Path) -> None:
    """What is refused there is refused here, in the same words, and nothing is guessed."""
    here = xvc.open()

    with pytest.raises(NoRun) as told:
        here.show("nobody")

    assert isinstance(told.value, xvc.errors.XvcError)
    assert told.value.code == "no-run"
    for refused in (
        lambda: here.merge(),
        lambda: here.merge("main", only="table == 'runs'"),
        lambda: here.merge("main", prefer="mine"),  # type: ignore[arg-type]
        lambda: here.rebase("main", on="version"),  # type: ignore[arg-type]
        lambda: here.promote("@", require="acc > 1"),
        lambda: here.promote("@", noise=True),
        lambda: here.runs(sort="speed") if len(here.runs()) else here.compare("@"),
    ):
        with pytest.raises(UsageError):
            refused()
    with pytest.raises(BadFolder):
        xvc.open(project / "nowhere")
    with pytest.raises(XvcError):
        here.undo()


def test_every_call_looks_anew(project: Path) -> None:
    """A project that was opened before a run sees it."""
    here = xvc.open()
    before = here.runs()
    with Tracker(params={"lr": 1}, name="first") as tracker:
        tracker.log({"loss": 0.5})

    after = here.runs()

    assert (len(before), len(after)) == (0, 1)
    assert after["name"].to_list() == ["first"]
    assert after["loss"].to_list() == [0.5]


def test_numbers_of_a_frame_are_those_that_were_logged() -> None:
    """Where a column of floats, or of 64 bits, would not hold a whole number, it holds objects."""
    from xvc.store.frames import from_grid

    frame = from_grid(("a", "b", "c"), [(2**53 + 1, 2**70, 1), (0.5, 1, None)])

    assert frame["a"].to_list() == [2**53 + 1, 0.5]
    assert frame["b"].to_list() == [2**70, 1]
    assert str(frame["c"].dtype) == "Int64"
