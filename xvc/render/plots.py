"""Pictures: in the terminal by plotext, in files by matplotlib. The only door to both.

Both are imported when a picture is asked for. Nothing is fetched, shown in a window or overwritten
here; a web page stands on its own and has its figures in a table as well.
"""

from __future__ import annotations

import html
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.foreign_text import visible
from xvc.errors import ExternalError, UsageError, error
from xvc.render.figure import Plot, PlotKind, bins_of
from xvc.system.files import write_durably

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg", ".pdf", ".html")
_SMALLEST = (30, 10)  # columns and lines below which axes leave no room for points
_ROWS = 1000  # of the table below a picture in a web page
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "svg{max-width:100%;height:auto}table{border-collapse:collapse}"
    "td,th{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #ccc}"
)


@error("no-plotting")
class NoPlotting(ExternalError):
    """The package that draws is not installed, or too old."""

    package: str
    says = "{package} draws this, and no version of it that can is installed"
    way = "Install `xvc-experiments[plots]`; `xvc db describe` needs none."


@error("bad-picture")
class BadPicture(UsageError):
    """A picture cannot be written in the format that its name asks for."""

    path: str
    says = f"{{path}}: a picture's name ends in {', '.join(FORMATS)}"
    way = "Write it like: --out plot.png."


def in_terminal(plot: Plot, *, width: int, height: int, colour: bool) -> str:
    """Draw with characters.

    Args:
        plot: what to draw.
        width: columns of the terminal.
        height: lines that the picture may take.
        colour: whether to tell series apart by colour, too.

    Raises:
        NoPlotting: plotext is missing.
    """
    try:
        from plotext import figure  # type: ignore[import-untyped]  # late: most calls draw nothing
    except ImportError as err:
        raise NoPlotting("plotext 6") from err
    figure.clear()
    figure.plot_size(max(width, _SMALLEST[0]), max(height, _SMALLEST[1]))
    figure.theme("default" if colour else "colorless")
    figure.canvas("default")
    figure.title(visible(plot.title))
    figure.label(visible(plot.x_label), "x")
    figure.label(visible(plot.y_label), "y")
    if plot.kind is PlotKind.HIST:
        found = bins_of(plot)
        middles = [bar.low / 2 + bar.high / 2 for bar in found]
        counts = [list(its) for its in zip(*(bar.counts for bar in found), strict=True)]
        drawn = [figure.bar(middles, heights, width=1) for heights in counts]
    else:
        is_line = plot.kind is PlotKind.LINE
        if plot.is_log:
            figure.ruler("x").scale("log")
        drawn = [figure.signal([*each.x], [*each.y]).lines(is_line) for each in plot.series]
    for signal, series in zip(drawn, plot.series, strict=True):
        figure.draw(signal.label(visible(series.label)) if len(drawn) > 1 else signal)
    text: str = figure.build().string(colorless=not colour)
    figure.clear()
    return "\n".join(line.rstrip() for line in text.splitlines())


def write(plot: Plot, path: Path) -> None:
    """Draw into a file, whose ending names the format: png, svg, pdf or html.

    Raises:
        BadPicture: it has another ending.
        NoPlotting: matplotlib is missing.
    """
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise BadPicture(str(path))
    if ending == ".html":
        write_durably(path, page(plot).encode())
    else:
        write_durably(path, _drawn(plot, ending[1:]))


def page(plot: Plot) -> str:
    """Write a web page that stands on its own: the picture as SVG, and its figures in tables.

    Raises:
        NoPlotting: matplotlib is missing.
    """
    drawn = _drawn(plot, "svg").decode()
    picture = drawn[drawn.index("<svg") :]
    title = html.escape(plot.title)
    named = f'<svg role="img" aria-label="{title}: {html.escape(_told(plot))}"'
    picture = picture.replace("<svg", named, 1)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n<h1>{title}</h1>\n"
        f"<figure>\n{picture}\n<figcaption>{html.escape(_told(plot))}</figcaption>\n</figure>\n"
        f"{_summaries(plot)}\n{_figures(plot)}\n</html>\n"
    )


def _told(plot: Plot) -> str:
    kind = {"hist": "histogram", "scatter": "scatter plot", "line": "line plot"}[plot.kind]
    return f"{kind} of {plot.x_label} (across) and {plot.y_label} (up)"


def _summaries(plot: Plot) -> str:
    head = ("key", "observations", "min", "mean", "max", "left out")
    rows = [
        (s.key, str(s.observations), *(f"{v:.6g}" for v in (s.min, s.mean, s.max)), str(s.left_out))
        for s in plot.summaries
    ]
    return _table("Summary", head, rows)


def _figures(plot: Plot) -> str:
    labels = [series.label or "count" for series in plot.series]
    if plot.kind is PlotKind.HIST:
        rows = [
            (f"{bar.low:.6g}", f"{bar.high:.6g}", *map(str, bar.counts)) for bar in bins_of(plot)
        ]
        return _table("Figures", ("from", "to", *labels), rows)
    points = [
        (series.label, f"{x:.6g}", f"{y:.6g}")
        for series in plot.series
        for x, y in zip(series.x, series.y, strict=True)
    ]
    cut = f", the first {_ROWS} of {len(points)} points" if len(points) > _ROWS else ""
    return _table(f"Figures{cut}", ("series", plot.x_label, plot.y_label), points[:_ROWS])


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{html.escape(cell)}</{kind}>" for cell in cells) + "</tr>"

    body = "\n".join(line(row, "td") for row in rows)
    named = html.escape(caption)
    return f"<table>\n<caption>{named}</caption>\n{line(head, 'th')}\n{body}\n</table>"


def _drawn(plot: Plot, form: str) -> bytes:
    try:
        import matplotlib as mpl  # late: 0.3 s, and most calls draw nothing
        from matplotlib.figure import Figure
    except ImportError as err:
        raise NoPlotting("matplotlib") from err
    with mpl.rc_context({"svg.hashsalt": "xvc", "text.parse_math": False}):
        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.subplots()
        axes.set(title=plot.title, xlabel=plot.x_label, ylabel=plot.y_label)
        _draw(plot, axes)
        if len(plot.series) > 1:
            axes.legend()
        out = io.BytesIO()
        dated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
        figure.savefig(out, format=form, dpi=150, metadata=dated.get(form))
    return out.getvalue()


def _draw(plot: Plot, axes: Axes) -> None:
    if plot.kind is PlotKind.HIST:
        found = bins_of(plot)
        edges = [found[0].low, *(bar.high for bar in found)]
        for series, counts in zip(plot.series, _by_series(plot), strict=True):
            alpha = 1.0 if len(plot.series) == 1 else 0.6
            axes.stairs(counts, edges, fill=True, alpha=alpha, label=series.label)
        return
    if plot.is_log:
        axes.set_xscale("log")
    for series in plot.series:
        if plot.kind is PlotKind.LINE:
            axes.plot(series.x, series.y, label=series.label)
        else:
            axes.scatter(series.x, series.y, s=12, label=series.label)


def _by_series(plot: Plot) -> Iterator[list[int]]:
    for its in zip(*(bar.counts for bar in bins_of(plot)), strict=True):
        yield list(its)
