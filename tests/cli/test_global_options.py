"""`-C`, `-q` and `-v` behind a command: as before it, and never what is another's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
import typer

from surroundings import Calling
from xvc.cli.context import Context
from xvc.cli.global_options import let_follow

SAYING = ("python", "-c", "import sys; print(sys.argv[1:])")


@pytest.mark.parametrize("word", ["-q", "--quiet"])
def test_quiet_stands_on_either_side(word: str, project: Path, call_xvc: Calling) -> None:
    """Behind `run` as before it; without it the run is told."""
    loud = call_xvc("run", "--", "true")
    before = call_xvc(word, "run", "--", "true")
    behind = call_xvc("run", word, "--", "true")

    assert loud.err.startswith("xvc: run ")
    assert (before.code, before.err) == (behind.code, behind.err) == (0, "")


def test_the_folder_stands_on_either_side(project: Path, call_xvc: Calling) -> None:
    """The one behind is the one that counts, behind a command of two words, too."""
    call_xvc("run", "--name", "one", "--", "true")
    away = project.parent

    told = call_xvc("-C", str(away), "ls", "-C", str(project), "--json")
    rows = call_xvc("db", "ls", "-C", str(project), "-v", "--json")
    lost = call_xvc("ls", "-C", "nowhere", "--json")

    assert [run["name"] for run in told.data["runs"]] == ["one"]
    assert rows.data["total"] > 0
    assert (lost.code, lost.json["error"]["code"]) == (2, "bad-folder")


def test_the_next_step_works_from_where_the_user_stands(
    project: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind `-C` it says the folder; below the top it names a file from there, quoted."""
    inner = project / "a b" / "sub"
    inner.mkdir(parents=True)
    write = ["-c", "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"]
    out = str(inner.parent / "out")
    call_xvc("run", "-q", "--tag", "minor", "--out", out, "--", "python", *write, out, "1")
    Path(out).write_text("changed")

    lost = call_xvc("-C", str(project), "show", "nowhere")
    below = call_xvc("run", "-C", str(inner), "--", "true")
    monkeypatch.chdir(inner)
    here = call_xvc("run", "--", "true")
    pushed = call_xvc("-C", "..", "push", "--json")

    assert f"`xvc -C {project} ls`" in lost.err
    assert f"`dvc --cd '{inner}' add ../out`" in below.err
    assert "`dvc add ../out`" in here.err
    assert "`git -C .. remote add" in pushed.json["error"]["hint"]


@pytest.mark.parametrize("mark", [(), ("--",)])
def test_what_is_the_command_s_is_left_to_it(
    mark: tuple[str, ...], project: Path, call_xvc: Calling
) -> None:
    """Behind `--`, and behind the first word of a wrapped command without it."""
    done = call_xvc("run", *mark, *SAYING, "-q", "-C", "nowhere", "--verbose")

    assert done.out.strip() == "['-q', '-C', 'nowhere', '--verbose']"
    assert done.err.startswith("xvc: run ")


def test_a_sweep_leaves_it_to_its_trials(project: Path, call_xvc: Calling) -> None:
    """The command of a sweep keeps its options; the sweep's own -q stands before the mark."""
    call_xvc("sweep", "-q", "--param", "lr=0.1", "--", *SAYING, "{lr}", "-q", "-v")

    told = call_xvc("sweep", "status", "--json")

    assert told.data["command"] == [*SAYING, "{lr}", "-q", "-v"]


def test_a_value_is_not_an_option(project: Path, call_xvc: Calling) -> None:
    """What an option takes is its own, whatever it looks like."""
    call_xvc("run", "--note", "-q", "--", "true")

    assert call_xvc("show", "@", "--json").data["note"] == "-q"


def test_an_option_of_the_command_s_own_stays_its_own() -> None:
    """A command that has -q for something else is not told to be quiet by it."""
    app = typer.Typer()
    heard: list[str] = []

    def ask(question: Annotated[str, typer.Option("-q")], loud: bool = False) -> None:
        heard.append(question)

    app.command()(ask)
    here = Context()
    program = typer.main.get_command(app)
    let_follow(program)
    program(["-q", "why", "-v"], standalone_mode=False, obj=here)

    assert heard == ["why"]
    assert (here.manner.quiet, here.manner.verbose) == (False, True)


def test_a_value_of_the_command_s_own_keeps_its_name(tmp_path: Path) -> None:
    """A command with an argument called folder, or quiet, gets what was said for it."""
    app = typer.Typer()
    heard: list[object] = []

    def write(
        folder: Path, quiet: Annotated[str, typer.Option("--how")] = "", loud: int = 0
    ) -> None:
        heard.append((folder, quiet))

    app.command()(write)
    here = Context()
    program = typer.main.get_command(app)
    let_follow(program)
    program(["new", "--how", "so", "-C", str(tmp_path), "-q"], standalone_mode=False, obj=here)

    assert heard == [(Path("new"), "so")]
    assert (here.folder, here.manner.quiet) == (tmp_path.resolve(), True)


def test_help_names_them_once(call_xvc: Calling) -> None:
    """In the help of all, not again in that of each."""
    assert "--quiet" in call_xvc("--help").out
    assert "--quiet" not in call_xvc("ls", "--help").out
