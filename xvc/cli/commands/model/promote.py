"""``xvc model promote``."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, DryRun, Reference
from xvc.cli.output import show
from xvc.cli.stage_view import Promoting, promoted

Data = Promoting


def command(
    context: typer.Context,
    reference: Reference,
    name: Annotated[
        str | None, typer.Option("--name", help="Which model; needed when the run has several.")
    ] = None,
    stage: Annotated[str, typer.Option("--stage", help="Where to.")] = "production",
    require: Annotated[
        list[str] | None,
        typer.Option("--require", help='What must hold: "acc >= 0.9"; as often as wanted.'),
    ] = None,
    better_than: Annotated[
        str | None,
        typer.Option("--better-than", help="A stage, version or run that it must beat."),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", help="The metric that compares: acc, acc:max, loss:min.")
    ] = None,
    noise: Annotated[
        bool, typer.Option("--noise", help="Better means beyond the noise of the repeats.")
    ] = False,
    margin: Annotated[float, typer.Option("--margin", help="By how much it must be better.")] = 0.0,
    repeats: Annotated[
        int | None, typer.Option("--repeats", help="How many repeats it must have.")
    ] = None,
    why: Annotated[
        str | None, typer.Option("--message", "-m", help="Why; it goes into the tag.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Put a run's model into a stage: pointer, commit and tags in one step.

    The model that was there stays a candidate. A gate that is not met exits 3.

    Example: xvc model promote best:acc --require "acc >= 0.9" --better-than production
    """
    from xvc.models.promote import Promotion  # late: it opens DuckDB
    from xvc.runs.gate import promote_gated

    here: Context = context.obj
    wanted = Promotion(
        reference=reference,
        name=name,
        stage=stage,
        require=tuple(require or ()),
        better_than=better_than,
        by=by,
        message=why,
        dry_run=dry_run,
    )
    project = here.project()
    done = promote_gated(project, wanted, is_noisy=noise, margin=margin, repeats=repeats)
    answer = promoted("model promote", done, here)
    show(replace(answer, warnings=tuple(project.keeper.warnings)), here.manner)
