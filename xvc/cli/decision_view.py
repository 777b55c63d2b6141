"""What `xvc keep` and `xvc discard` have in common: a decision about runs, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, References
from xvc.cli.output import Answer, few, show


class Data(TypedDict):
    """What was decided of which runs; `xvc undo` takes ``operation`` back."""

    decision: str
    runs: Annotated[list[str], "The first twenty."]
    runs_total: int
    operation: str


def deciding(verb: str, what: str, text: str) -> Callable[..., None]:
    """Make the command that decides *what* about runs; *text* is its help."""

    def command(
        context: typer.Context,
        references: References,
        reason: Annotated[
            str | None, typer.Option("--reason", "-m", help="Why, for whoever comes next.")
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        here: Context = context.obj
        _decide(here, verb, references, what, reason)

    command.__doc__ = text
    return command


def _decide(
    here: Context, command: str, references: Sequence[str], what: str, reason: str | None
) -> None:
    from xvc.core.human_units import counted
    from xvc.core.run import DISCARDED, decided
    from xvc.database.annotate import decide  # late: it opens DuckDB
    from xvc.runs.compare import ranked_repeats

    project = here.project()
    said = decide(project, references, what, reason)
    runs = [run.id for run in said.runs]
    decision = said.runs[0].decision or decided(what, reason)
    data: Data = {
        "decision": decision,
        "runs": few(runs),
        "runs_total": len(runs),
        "operation": said.operation,
    }
    text = "\n".join(f"{run}  {decision}" for run in runs)
    warnings = [*project.keeper.warnings]
    left = ranked_repeats(project, said.runs) if what == DISCARDED else []
    if left:
        warnings.append(
            f"{counted(len(left), 'repeat')} of what is discarded stay ranked: "
            f"{' '.join(left[:5])}{' …' if len(left) > 5 else ''}; discard them, too, where the "
            "idea is meant"
        )
    show(Answer(command, data, text, tuple(warnings)), here.manner)
