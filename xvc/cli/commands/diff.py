"""``xvc diff``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, few, number, show
from xvc.core.human_units import counted

if TYPE_CHECKING:
    from xvc.exporting.artifact_diff import ArtifactChange, ArtifactDiff, Artifacts


class ChangeFacts(TypedDict):
    """One difference; ``part`` is status, metric, param, command, data or out."""

    part: str
    key: str
    old: object
    new: object
    effect: Annotated[str, "better, worse or changed."]
    direction: str | None


class Data(TypedDict):
    """How the files of two runs differ; of records some, with how many there are."""

    same: bool
    fail_on: str | None
    failed: bool
    regressions: int
    changes: list[ChangeFacts]
    changes_total: int
    records_added: list[str]
    records_added_total: int
    records_removed: list[str]
    records_removed_total: int


def command(
    context: typer.Context,
    old: Annotated[Path, typer.Argument(help="The baseline: a folder of `xvc export run`.")],
    new: Annotated[Path, typer.Argument(help="The folder that is held against it.")],
    fail_on: Annotated[
        Literal["regressions", "changes"] | None,
        typer.Option("--fail-on", help="Exit 3 when there are any."),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option("--tolerance", min=0.0, help="The share by which a metric may move: 0.001."),
    ] = 0.0,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write the table for a pull request here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the files of two runs, as `xvc export run` writes them; no project is needed.

    A regression is a metric that got worse, was lost or became NaN, where its direction is known,
    or a run that finished before and now does not. Everything else is a change. Which code made
    the results makes no difference.

    Example: xvc diff baseline artifacts --fail-on regressions
    """
    from xvc.exporting.artifact_diff import FailOn, diff, read_artifacts  # late: loads yaml

    here: Context = context.obj
    before, after = read_artifacts(here.folder / old), read_artifacts(here.folder / new)
    found = diff(before, after, tolerance)
    failed = found.fails(FailOn(fail_on) if fail_on else None)
    if markdown is not None:
        (here.folder / markdown).write_text(f"{_markdown(found)}\n", encoding="utf-8")
    data: Data = {
        "same": found.is_same,
        "fail_on": fail_on,
        "failed": failed,
        "regressions": len(found.regressions),
        "changes": [_facts(each) for each in few(found.changes)],
        "changes_total": len(found.changes),
        "records_added": few(found.added),
        "records_added_total": len(found.added),
        "records_removed": few(found.removed),
        "records_removed_total": len(found.removed),
    }
    code = 3 if failed else 0
    warnings = tuple(_warnings(before, after))
    show(Answer("diff", data, _text(found), warnings, exit_code=code), here.manner)
    raise typer.Exit(code)


def _facts(change: ArtifactChange) -> ChangeFacts:
    return {
        "part": change.part,
        "key": change.key,
        "old": change.old,
        "new": change.new,
        "effect": change.effect.value,
        "direction": change.direction.value if change.direction else None,
    }


def _warnings(*sides: Artifacts) -> list[str]:
    return [
        f"{each.folder / name} was changed after it was exported: manifest.json has another digest"
        for each in sides
        for name in each.changed
    ]


def _text(found: ArtifactDiff) -> str:
    lines = [
        f"{each.effect.value:<8}{each.part} {each.key}: {number(each.old)} -> {number(each.new)}"
        for each in found.changes
    ]
    if found.added or found.removed:
        lines.append(f"changed records: {len(found.removed):,} gone, {len(found.added):,} new")
    return "\n".join([*lines, _sentence(found)])


def _sentence(found: ArtifactDiff) -> str:
    if found.is_same:
        return "the results are the same"
    count = len(found.changes) + bool(found.added or found.removed)
    return f"{counted(count, 'change')}, {counted(len(found.regressions), 'regression')} among them"


def _rows(found: ArtifactDiff) -> Sequence[tuple[str, ...]]:
    rows = [
        (f"{each.part} {each.key}", number(each.old), number(each.new), each.effect.value)
        for each in found.changes
    ]
    if found.added or found.removed:
        gone, new = f"{len(found.removed):,} gone", f"{len(found.added):,} new"
        rows.append(("records", gone, new, "changed"))
    return rows


def _markdown(found: ArtifactDiff) -> str:
    from xvc.render import markdown
    from xvc.render.document import DocumentTable

    rows = tuple(_rows(found))
    table = markdown.table(DocumentTable("diff", ("what", "before", "now", "effect"), rows))
    sentence = f"{markdown.escaped(_sentence(found))}."
    return f"{table}\n\n{sentence}" if rows else sentence
