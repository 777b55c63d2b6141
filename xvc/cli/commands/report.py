"""``xvc report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Database
from xvc.cli.output import Answer, few, show
from xvc.errors import BadValue

if TYPE_CHECKING:
    from xvc.reports.report import Reported
    from xvc.runs.leaderboard import RankedExperiment


class Best(TypedDict):
    """The best run, the metric that decided, and who says which way it is better."""

    run: str
    version: str | None
    metric: str
    value: object
    direction: str
    why: str


class Standing(TypedDict):
    """An experiment, its repeats as one; ``verdict`` is against the first, null for that."""

    run: str
    version: str | None
    rank: int
    tied: bool
    n: int
    mean: float
    sd: float | None
    verdict: str | None


class Data(TypedDict):
    """What is in the report; ``text`` is the report itself where no file was written."""

    title: str
    date: str | None
    runs: int
    best: Best | None
    standing: Annotated[list[Standing], "Empty where nothing was repeated."]
    standing_total: int
    sections: list[str]
    files: list[str]
    text: str | None


def command(
    context: typer.Context,
    runs: Annotated[
        list[str] | None, typer.Argument(help="Versions, run ids, @ …; without them all runs.")
    ] = None,
    database: Database = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write .md or .html instead of printing.")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", "-f", help="md, html, or both beside each other.")
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--into", help="Put it between the marks of this document.")
    ] = None,
    append: Annotated[
        bool,
        typer.Option("--append", help="With --into: add missing marks, make a missing document."),
    ] = False,
    series: Annotated[
        str | None,
        typer.Option("--series", help="The section of this series; --into makes what is missing."),
    ] = None,
    title: Annotated[
        str | None, typer.Option("--title", help="The title; Experiments, or the series.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="What decides which is best: acc, or acc:max.")
    ] = None,
    date: Annotated[
        str | None, typer.Option("--date", help="YYYY-MM-DD; without it the newest run's day.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Replace files that are there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a report: the best run and why, all runs, curves, differences, environment.

    As markdown, or as one web page that fetches nothing. The same runs give the same bytes. In a
    document, what stands between <!-- xvc:report begin --> and <!-- xvc:report end --> is written
    anew and the rest is left as it is. With --series the section is that of the experiments of a
    series: which were made, which is selected and why, its params, how stable it is over folds. One
    document may have several, each between marks of its name.

    Example: xvc report --metric accuracy -o report.html
    """
    from xvc.reports.publish import Format, Target, publish, rendered  # late: they open DuckDB
    from xvc.reports.report import ReportRequest, report

    wanted = Format.named(form, has_name=out is not None) if form is not None else None
    if append and into is None:
        raise BadValue("--append", "it needs a document: --into FILE")
    here: Context = context.obj
    request = ReportRequest(
        references=tuple(runs or ()), metric=metric, title=title, date=date, series=series
    )
    project = here.project_of(database)
    made = report(project, request)
    target = Target(
        out and here.folder / out,
        wanted,
        into and here.folder / into,
        replaces=yes,
        may_append=append or series is not None,
        section=series or "",
    )
    files = publish(project, made.report, target)
    printed = "" if files else rendered(made.report, wanted or Format.MARKDOWN)
    text = printed or "\n".join(f"wrote {path}" for path in files)
    show(Answer("report", _data(made, files, printed), text, made.warnings), here.manner)


def _data(made: Reported, files: list[Path], printed: str) -> Data:
    best: Best | None = None
    if made.best is not None and made.aim is not None:
        record = made.best.record
        best = {
            "run": record.id,
            "version": made.best.version,
            "metric": made.aim.metric,
            "value": record.metrics[made.aim.metric],
            "direction": made.aim.direction.value,
            "why": made.aim.why,
        }
    places = made.standing.places if made.standing else ()
    return {
        "title": made.report.title,
        "date": made.date,
        "runs": made.runs,
        "best": best,
        "standing": few([_standing(each) for each in places]),
        "standing_total": made.standing.total if made.standing else 0,
        "sections": [each.title for each in made.report.sections],
        "files": [str(path) for path in files],
        "text": printed or None,
    }


def _standing(place: RankedExperiment) -> Standing:
    return {
        "run": place.run.id,
        "version": place.version,
        "rank": place.rank,
        "tied": place.is_tied,
        "n": place.spread.count,
        "mean": place.spread.mean,
        "sd": place.spread.deviation,
        "verdict": place.judged.verdict if place.judged else None,
    }
