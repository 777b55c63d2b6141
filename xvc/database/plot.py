"""Pictures of logged numbers: histograms, scatter plots, lines; the numbers, not the drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from xvc.database.queries import LookRequest, looking, wanted_of
from xvc.errors import BadValue, ConflictError, NotFoundError, error
from xvc.history.find import find
from xvc.project import Project
from xvc.render.figure import MOST_POINTS, Plot, PlotKind, Series, summary, thinned
from xvc.render.plots import write
from xvc.store import table_queries as look
from xvc.types import RunId

_MOST_SERIES = 20
_RUN = "track_id"
_ROW = "row"
_KEYS = {PlotKind.HIST: 1, PlotKind.SCATTER: 2, PlotKind.LINE: 1}


@dataclass(frozen=True, slots=True)
class PlotRequest:
    """What to draw: the keys in the order x, y; ``by`` names a key whose values part the rows."""

    kind: PlotKind
    keys: tuple[str, ...]
    x: str | None = None
    by: str | None = None
    runs: tuple[str, ...] = ()
    bins: int = 10
    rows: LookRequest = field(default_factory=LookRequest)


@error("nothing-to-draw")
class NothingToDraw(NotFoundError):
    """No row that was asked for has numbers under the keys."""

    keys: tuple[str, ...]
    left_out: int
    way = "`xvc db columns` shows what is logged, `xvc db describe` how many are NaN."

    def __str__(self) -> str:
        cut = f" ({self.left_out} are NaN or infinite)" if self.left_out else ""
        return f"no row has a finite number under {' and '.join(self.keys)}{cut}"


@error("picture-taken")
class PictureTaken(ConflictError):
    """There is a file where a picture would be written."""

    path: str
    says = "{path} exists"
    way = "Take another name, or replace it with `--yes`."


def save(picture: Plot, path: Path, *, replaces: bool) -> None:
    """Write a picture into a file: png, svg, pdf or html.

    Raises:
        PictureTaken: the file exists, and *replaces* is not set.
        BadPicture: its name has another ending.
        NoPlotting: matplotlib is missing.
    """
    if path.exists() and not replaces:
        raise PictureTaken(str(path))
    write(picture, path)


def plot(project: Project, request: PlotRequest) -> Plot:
    """Read what a picture shows.

    Raises:
        NothingToDraw: no row has finite numbers.
        BadValue: the keys do not fit the kind, are no numbers, or part the rows too often.
        NoTable: there is no such table.
        NoColumn: a key has no column.
    """
    keys = _keys(request)
    by = _RUN if request.by == "run" else request.by
    wanted = wanted_of(project, request.rows)
    runs: list[RunId | None] = [each.record.id for each in find(project, request.runs)]
    is_parted = len(runs) > 1 or (request.kind is PlotKind.LINE and not runs)
    by = _RUN if is_parted and by is None else by  # one line through several runs means nothing
    with looking(project) as connection:
        found = [
            row
            for run in runs or [wanted.run]
            for row in look.points(connection, replace(wanted, run=run), keys, by)
        ]
    series, left_out = _series(request, found)
    if not series:
        raise NothingToDraw(keys, left_out)
    return _picture(request, keys, series, found)


def _keys(request: PlotRequest) -> tuple[str, ...]:
    count = _KEYS[request.kind]
    if len(request.keys) != count:
        words = "one key" if count == 1 else "two keys, x and y"
        raise BadValue("KEYS", f"a {request.kind} needs {words}")
    if not 1 <= request.bins <= MOST_POINTS:
        raise BadValue("--bins", f"a histogram has 1 to {MOST_POINTS} bars")
    if request.x is not None and request.kind is not PlotKind.LINE:
        raise BadValue("--x", f"a {request.kind} has none; it belongs to line")
    return (request.x, *request.keys) if request.x else request.keys


def _series(request: PlotRequest, found: Sequence[tuple[object, ...]]) -> tuple[list[Series], int]:
    """Part rows by their label; those without a number, or with one that is not finite, go."""
    parted: dict[str, list[tuple[float, ...]]] = {}
    left_out = 0
    for label, *numbers in found:
        if None in numbers:
            continue
        values = tuple(cast("list[float]", numbers))
        if all(map(math.isfinite, values)):
            parted.setdefault("-" if label is None else str(label), []).append(values)
        else:
            left_out += 1
    if len(parted) > _MOST_SERIES and request.by is None and not request.runs:
        parted = dict(list(parted.items())[-_MOST_SERIES:])
    if len(parted) > _MOST_SERIES:
        raise BadValue("--by", f"{len(parted)} series are more than {_MOST_SERIES}; choose runs")
    name = request.keys[-1]
    is_one = request.by is None and len(parted) == 1
    series = [_one(request, name if is_one else label, its) for label, its in parted.items()]
    return series, left_out


def _one(request: PlotRequest, label: str, values: Sequence[tuple[float, ...]]) -> Series:
    if request.kind is PlotKind.HIST:
        return Series(label, tuple(x for (x,) in values))
    if request.kind is PlotKind.LINE and request.x is None:
        numbered = tuple(map(float, range(1, len(values) + 1)))
        return Series(label, numbered, tuple(y for (y,) in values))
    if request.kind is PlotKind.LINE:
        values = sorted(values, key=lambda point: point[0])
    across, up = zip(*values, strict=True)
    return Series(label, across, up)


def _picture(
    request: PlotRequest,
    keys: Sequence[str],
    series: Sequence[Series],
    found: Sequence[tuple[object, ...]],
) -> Plot:
    kind, name = request.kind, request.keys[-1]
    columns = list(zip(*found, strict=True))[1:]
    numbers = [[cast("float", v) for v in column if v is not None] for column in columns]
    across = {PlotKind.HIST: name, PlotKind.SCATTER: keys[0]}.get(kind, request.x or _ROW)
    shown = series if kind is PlotKind.HIST else [thinned(each) for each in series]
    return Plot(
        kind=kind,
        title=name if kind is PlotKind.HIST else f"{name} by {across}",
        x_label=across,
        y_label="rows" if kind is PlotKind.HIST else name,
        series=tuple(shown),
        summaries=tuple(map(summary, keys, numbers)),
        bins=request.bins,
    )
