"""``xvc db plot``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Database, Keys, OfRuns, Table, Where, Yes
from xvc.cli.output import Answer, number, show, table
from xvc.core.foreign_text import visible
from xvc.render.figure import Bin, Plot, PlotKind, Summary, bins_of

_LINES = 24


class Series(TypedDict):
    """One series and how many points it has."""

    label: str
    points: int


class Data(TypedDict):
    """What is drawn; ``file`` is where to."""

    kind: PlotKind
    x: str
    y: str
    series: list[Series]
    summaries: list[Summary]
    bins: list[Bin]
    file: str | None


def command(
    context: typer.Context,
    kind: Annotated[
        PlotKind, typer.Argument(metavar="KIND", help="What to draw: hist, scatter or line.")
    ],
    keys: Keys,
    database: Database = None,
    from_table: Table = "events",
    x: Annotated[str | None, typer.Option("--x", help="Of a line: the key across.")] = None,
    by: Annotated[
        str | None, typer.Option("--by", help="One series for each value: `run`, or a key.")
    ] = None,
    runs: OfRuns = None,
    where: Where = None,
    bins: Annotated[int, typer.Option("--bins", help="Bars of a histogram.")] = 10,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write .png, .svg, .pdf or .html instead.")
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Draw logged numbers: `hist KEY`, `scatter X Y`, `line Y`; NaN is left out and counted.

    A line is of one run; without `--run` the last twenty runs have one each.

    Example: xvc db plot line loss --x step --by run --out loss.png
    """
    from xvc.database.plot import PlotRequest, plot, save
    from xvc.database.queries import LookRequest  # late: they open DuckDB

    here: Context = context.obj
    project = here.project_of(database)
    rows = LookRequest(from_table, where=where)
    drawn = plot(
        project,
        PlotRequest(
            kind=kind, keys=tuple(keys), x=x, by=by, runs=tuple(runs or ()), bins=bins, rows=rows
        ),
    )
    if out is not None:
        save(drawn, here.folder / out, replaces=yes)
    is_shown = out is None and not here.manner.as_json
    text = _picture(drawn, here) if is_shown else f"wrote {out}"
    data = _data(drawn, out)
    warnings = tuple(project.keeper.warnings)
    # The picture has colours of our own, and its labels were made harmless before they were drawn.
    said = f"{text}\n\n{visible(_summary(drawn))}"
    show(Answer("db plot", data, said, warnings, is_raw=is_shown), here.manner)


def _picture(drawn: Plot, here: Context) -> str:
    from xvc.render.plots import in_terminal  # late: plotext takes 0.14 s

    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else 80
    colour = here.manner.colour and is_terminal
    return in_terminal(drawn, width=width, height=_LINES, colour=colour)


def _summary(drawn: Plot) -> str:
    head = ["key", "observations", "min", "mean", "max", "left out"]
    rows = [
        [each.key, *map(number, (each.observations, each.min, each.mean, each.max, each.left_out))]
        for each in drawn.summaries
    ]
    return table(head, rows, right=range(1, len(head)))


def _data(drawn: Plot, out: Path | None) -> Data:
    bars = bins_of(drawn) if drawn.kind is PlotKind.HIST else []
    return {
        "kind": drawn.kind,
        "x": drawn.x_label,
        "y": drawn.y_label,
        "series": [{"label": each.label, "points": len(each.x)} for each in drawn.series],
        "summaries": list(drawn.summaries),
        "bins": bars,
        "file": str(out) if out else None,
    }
