"""``xvc doctor``."""

from __future__ import annotations

from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, commands_from_here, few, show
from xvc.setup.health import Diagnosis, Health

_MARKS = {"good": "ok", "mended": "mended", "wrong": "WRONG"}


class Data(TypedDict):
    """What was checked."""

    findings: Annotated[list[Diagnosis], "What is not good comes first; the first twenty."]
    findings_total: int
    healthy: bool


def command(
    context: typer.Context,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try records again that the store could not take.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check git, DVC, locks and the store; mend what is xvc's own.

    Exits 3 when something is wrong that xvc cannot mend. A record that the store could not take is
    kept and named here; --retry tries it again, after an update of xvc for instance.

    Example: xvc doctor
    """
    from xvc.setup.doctor import doctor  # late: it opens DuckDB

    here: Context = context.obj
    found = doctor(here.project(), retry=retry)
    lines = []
    for each in found:
        lines.append(f"{_MARKS[each.health.value]:<7} {each.what:<12} {each.detail}")
        if each.hint:
            lines.append(f"{'':<20} {commands_from_here(each.hint, here.manner)}")
    listed = few(sorted(found, key=lambda each: each.health is Health.GOOD))
    wrong = any(each.health is Health.WRONG for each in found)
    data: Data = {"findings": listed, "findings_total": len(found), "healthy": not wrong}
    show(Answer("doctor", data, "\n".join(lines), exit_code=3 if wrong else 0), here.manner)
    raise typer.Exit(3 if wrong else 0)
