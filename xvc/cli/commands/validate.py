"""``xvc validate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Database, complete_tables, listed
from xvc.cli.output import Answer, few, show

if TYPE_CHECKING:
    from xvc.runs.check_results import Check, ValidationResult

_INDENT = " " * 11


class Found(TypedDict):
    """One thing that was found, in how many rows, runs or keys, with the first few of them."""

    level: Annotated[str, "problem or note."]
    says: str
    count: int
    examples: list[str]
    next: str | None


class Asked(TypedDict):
    """One check, of a table or (null) of the runs."""

    check: str
    table: str | None
    outcome: Annotated[str, "ok, found or not applicable."]
    why_not: str | None
    looked_at: str | None
    findings: Annotated[list[Found], "The first twenty."]
    findings_total: int


class Data(TypedDict):
    """Every check that was made; ``total`` counts the findings."""

    valid: bool
    problems: int
    notes: int
    total: int
    checks: list[Asked]


def command(
    context: typer.Context,
    table: Annotated[
        str | None,
        typer.Argument(
            help="An event table; without it all of them.", autocompletion=complete_tables
        ),
    ] = None,
    database: Database = None,
    split: Annotated[
        str | None, typer.Option("--by", help="The key that names the split of a row.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="The key that names the example of a row.")
    ] = None,
    inputs: Annotated[
        str | None, typer.Option("--inputs", help="The keys that are an example's content.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Notes count as problems.")] = False,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, metavar="N", help="Examples of each finding.")
    ] = 3,
    as_json: AsJson = False,
) -> None:
    """Check what was recorded: leaks between splits, runs done twice, failures, keys renamed.

    Also params that some runs lack, keys without values or with one, and results from the cache.
    Exits 3 when something is wrong. Columns called split, fold or subset name the split; --by,
    --key and --inputs name others.

    Example: xvc validate predictions --by split --key id
    """
    from xvc.runs.validate import ValidateRequest, validate  # late: it opens DuckDB

    here: Context = context.obj
    project = here.project_of(database)
    verdict = validate(
        project,
        ValidateRequest(table=table, split=split, key=key, inputs=listed(inputs), most=limit),
    )
    steps = dict.fromkeys(each.next for check in verdict.checks for each in check.findings)
    code = 3 if verdict.is_wrong(strict=strict) else 0
    answer = Answer(
        "validate",
        _data(verdict, strict=strict),
        _text(verdict),
        tuple(project.keeper.warnings),
        tuple(few(step for step in steps if step)),
        exit_code=code,
    )
    show(answer, here.manner)
    raise typer.Exit(code)


def _data(verdict: ValidationResult, *, strict: bool) -> Data:
    from xvc.runs.check_results import Level  # late: nothing of it is needed for --help

    return {
        "valid": not verdict.is_wrong(strict=strict),
        "problems": verdict.count(Level.PROBLEM),
        "notes": verdict.count(Level.NOTE),
        "total": sum(len(check.findings) for check in verdict.checks),
        "checks": [_check(check) for check in verdict.checks],
    }


def _check(check: Check) -> Asked:
    findings: list[Found] = [
        {
            "level": each.level.value,
            "says": each.says,
            "count": each.count,
            "examples": list(each.examples),
            "next": each.next or None,
        }
        for each in few(check.findings)
    ]
    return {
        "check": check.name,
        "table": check.table,
        "outcome": check.outcome.value,
        "why_not": check.why_not or None,
        "looked_at": check.looked_at or None,
        "findings": findings,
        "findings_total": len(check.findings),
    }


def _text(verdict: ValidationResult) -> str:
    from xvc.core.human_units import counted
    from xvc.runs.check_results import Level

    lines, place = list[str](), object()
    for check in verdict.checks:
        if check.table != place:
            place = check.table
            size = f" ({check.looked_at})" if check.looked_at else ""
            lines.append(f"{f'table {place}' if place else 'runs'}{size}")
        lines += _lines(check)
    found = [counted(verdict.count(level), level.value) for level in Level]
    return "\n".join([*lines, " and ".join(found)])


def _lines(check: Check) -> list[str]:
    if not check.findings:
        reason = f": {check.why_not}" if check.why_not else ""
        return [f"  {check.name:<10} {check.outcome.value}{reason}"]
    lines = []
    for place, each in enumerate(check.findings):
        name = "" if place else check.name
        lines.append(f"  {name:<10} {each.level.value.upper()}: {each.says}")
        lines += [f"  {_INDENT}  {example}" for example in each.examples]
        lines += [f"  {_INDENT}next: {each.next}"] if each.next else []
    return lines
