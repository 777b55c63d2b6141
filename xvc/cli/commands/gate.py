"""``xvc gate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Reference
from xvc.cli.output import Answer, show
from xvc.cli.stage_view import GateFacts, gate_facts

if TYPE_CHECKING:
    from xvc.runs.gate import Gated


class Data(TypedDict):
    """Whether a run meets its conditions; ``against`` is the run that it was compared with."""

    run: str
    version: str | None
    met: bool
    gates: list[GateFacts]
    against: str | None


def command(
    context: typer.Context,
    reference: Reference = "@",
    metric: Annotated[
        str | None, typer.Option("--metric", help="The metric: acc, acc:max, loss:min.")
    ] = None,
    least: Annotated[float | None, typer.Option("--min", help="It must be at least this.")] = None,
    most: Annotated[float | None, typer.Option("--max", help="It must be at most this.")] = None,
    against: Annotated[
        str | None,
        typer.Option("--vs", help="A version, run or stage (production) that it must beat."),
    ] = None,
    noise: Annotated[
        bool, typer.Option("--noise", help="Better means beyond the noise of the repeats.")
    ] = False,
    margin: Annotated[
        float, typer.Option("--margin", help="With --vs: by how much it must be better.")
    ] = 0.0,
    repeats: Annotated[
        int | None, typer.Option("--repeats", help="How many repeats it must have.")
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option("--require", help='What must hold, too: "lr < 0.1"; as often as wanted.'),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Whose stage; needed where models are several.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write the table for a pull request here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold a run to conditions: exit 3 when one is not met, for a script that must then stop.

    Changes nothing and asks no service. What a run has not recorded is not met.

    Example: xvc gate --metric acc --min 0.9 --vs production --noise --markdown gate.md
    """
    from xvc.runs.gate import GateRequest, gate  # late: it opens DuckDB

    here: Context = context.obj
    project = here.project()
    wanted = GateRequest(
        reference=reference,
        metric=metric,
        least=least,
        most=most,
        against=against,
        require=tuple(require or ()),
        model=model,
        is_noisy=noise,
        margin=margin,
        repeats=repeats,
    )
    found = gate(project, wanted)
    if markdown is not None:
        (here.folder / markdown).write_text(f"{_markdown(found)}\n", encoding="utf-8")
    code = 0 if found.is_met else 3
    warnings = tuple(project.keeper.warnings)
    show(Answer("gate", _data(found), _text(found), warnings, exit_code=code), here.manner)
    raise typer.Exit(code)


def _data(found: Gated) -> Data:
    return {
        "run": found.run.record.id,
        "version": found.run.version,
        "met": found.is_met,
        "gates": gate_facts(found.gates),
        "against": found.baseline.record.id if found.baseline else None,
    }


def _sentence(found: Gated) -> str:
    name = found.run.version or f"run {found.run.record.id}"
    unmet = sum(not gate.is_met for gate in found.gates)
    if not unmet:
        return f"{name} meets all {len(found.gates)} conditions"
    return f"{name} does not meet {unmet} of {len(found.gates)} conditions"


def _text(found: Gated) -> str:
    lines = [
        f"{'ok ' if gate.is_met else 'NOT'}  {gate.asked}  ({gate.found})" for gate in found.gates
    ]
    return "\n".join([*lines, _sentence(found)])


def _markdown(found: Gated) -> str:
    from xvc.render import markdown
    from xvc.render.document import DocumentTable

    rows = tuple((gate.asked, gate.found, "yes" if gate.is_met else "no") for gate in found.gates)
    table = DocumentTable("gate", ("condition", "found", "met"), rows)
    return f"{markdown.table(table)}\n\n{markdown.escaped(_sentence(found))}."
