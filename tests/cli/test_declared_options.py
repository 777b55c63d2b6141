"""An option that a request declares is on the command line; nothing else has to be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import typer
from typer.testing import CliRunner

from xvc.cli.commands.run import command as run
from xvc.cli.commands.sweep import command as sweep
from xvc.cli.declared_options import asked, with_options
from xvc.core.option import declared, option
from xvc.core.sweep import Sampler, SweepRequest
from xvc.runs.request import RunRequest
from xvc.sweeps.request import BadSweep, request_of
from xvc.system.value_files import parse_typed


@dataclass(frozen=True)
class _Asked:
    count: int = option(1, "How many.", "--count", "-c")
    limit: float | None = option(None, "How long.", "--limit", metavar="SECONDS")
    name: str | None = option(None, "What to call it.", "--name")
    sampler: Sampler = option(Sampler.GRID, "Who chooses.", "--sampler")
    names: tuple[str, ...] = option((), "Which; again for more.", "--only")
    listed: tuple[str, ...] = option((), "Which, with commas.", "--all", has_commas=True)
    pairs: Mapping[str, str] = option({}, "What else.", "--with", metavar="KEY=VALUE")
    is_quick: bool = option(False, "Take no time.", "--quick")
    keeps: bool = option(True, "Keep it.", "--keep/--no-keep")
    other: int = 7


def said(*words: str) -> dict[str, object]:
    """What a command gets that has the options above."""
    got: dict[str, object] = {}

    @with_options(_Asked, before="last")
    def command(last: bool = False, **options: object) -> None:
        got.update(asked(options))

    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, [*words])
    assert done.exit_code == 0, done.output
    return got


def test_a_field_is_an_option_of_its_type() -> None:
    """Numbers, texts, lists, pairs and flags are read as the field's type asks for."""
    found = said(
        *("-c", "3", "--limit", "1.5", "--name", "a", "--sampler", "tpe", "--only", "x"),
        *("--only", "y", "--all", "x,y", "--with", "k=v", "--quick", "--no-keep"),
    )

    assert found == {
        "count": 3,
        "limit": 1.5,
        "name": "a",
        "sampler": "tpe",
        "names": ("x", "y"),
        "listed": "x,y",
        "pairs": ("k=v",),
        "is_quick": True,
        "keeps": False,
    }


def test_what_is_not_said_is_left_to_the_request() -> None:
    """Only flags have a value of their own, which is the field's default."""
    assert said() == {"is_quick": False, "keeps": True}


def test_every_option_of_a_run_and_of_a_sweep_is_on_the_command_line() -> None:
    """By the flags that the field declares, with what it says there."""
    for command, request in ((run, RunRequest), (sweep, SweepRequest)):
        app = typer.Typer()
        app.command()(command)
        shown = {each.name: each for each in typer.main.get_command(app).params}
        for name, what in declared(request).items():
            flags = [*shown[name].opts, *shown[name].secondary_opts]  # type: ignore[attr-defined]

            assert flags == [flag for each in what.flags for flag in each.split("/")]
            assert shown[name].help == what.doc  # type: ignore[attr-defined]


def test_a_file_can_say_every_option_of_a_sweep() -> None:
    """No option is unknown there, and what it may not be is named by its own name."""
    everything = {name: [[]] for name in declared(SweepRequest)}

    try:
        request_of(everything, {}, ("local",), parse_typed)
    except BadSweep as err:
        mistakes = err.mistakes

    assert not [each for each in mistakes if "there is no such key" in each]
    missing = {each.name for each in fields(SweepRequest)} & declared(SweepRequest).keys() - {
        each.partition(":")[0] for each in mistakes
    }
    assert missing <= {"metric"}
