"""Pictures: the same numbers in the terminal, in a file and in a page that stands on its own."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.render import plots
from xvc.render.figure import Plot, PlotKind, Series, bins_of, summary

NUMBERS = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50)
LINE = Plot(
    PlotKind.LINE,
    "loss by step",
    "step",
    "loss $<b>",
    (Series("one", (1.0, 2.0, 3.0), (3.0, 2.0, 1.0)), Series("two", (1.0, 3.0), (1.0, 1.5))),
    (summary("loss", [3.0, 2.0, 1.0, 1.0, 1.5]),),
)


def hist(values: list[float], bins: int) -> Plot:
    return Plot(PlotKind.HIST, "x", "x", "rows", (Series("x", tuple(values)),), (), bins)


@given(NUMBERS, st.integers(1, 20))
def test_every_value_is_in_one_bar(values: list[float], bins: int) -> None:
    """No number, however large or small, is lost or counted twice; bars join without gaps."""
    bars = bins_of(hist(values, bins))

    assert len(bars) == bins
    assert sum(bar.counts[0] for bar in bars) == len(values)
    assert all(one.high == other.low for one, other in pairwise(bars))


@pytest.mark.parametrize("kind", list(PlotKind))
def test_the_terminal_shows_words_and_points(kind: PlotKind) -> None:
    """A picture has its title, both labels and the series, within its width, without colour."""
    plot = hist([1.0, 2.0, 2.0], 4) if kind is PlotKind.HIST else LINE
    text = plots.in_terminal(plot, width=60, height=16, colour=False)

    assert plot.title in text.splitlines()[0]
    assert plot.x_label in text.splitlines()[-1]
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 60


def test_colour_is_for_whoever_wants_it() -> None:
    """With colour there are escape sequences."""
    assert "\x1b" in plots.in_terminal(LINE, width=60, height=16, colour=True)


@pytest.mark.parametrize(
    ("name", "beginning"), [("a.png", b"\x89PNG"), ("a.SVG", b"<?xml"), ("a.pdf", b"%PDF")]
)
def test_a_file_is_of_its_kind(tmp_path: Path, name: str, beginning: bytes) -> None:
    """The ending of the name decides, in any case; equal plots give equal bytes."""
    plots.write(LINE, tmp_path / name)
    first = (tmp_path / name).read_bytes()
    plots.write(LINE, tmp_path / name)

    assert first.startswith(beginning)
    assert (tmp_path / name).read_bytes() == first


def test_a_page_stands_on_its_own(tmp_path: Path) -> None:
    """A page loads nothing, names its picture for those who cannot see it, and has its figures."""
    plots.write(LINE, tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    (picture,) = re.findall(r"<svg.*</svg>", page, re.DOTALL)

    ElementTree.fromstring(picture)
    assert "<title>loss by step</title>" in page
    assert re.search(r'<svg role="img" aria-label="[^"]*loss', page)
    assert not re.search(r"<script|<link|<img|src=|url\((?!#)|@import", page)
    assert "loss $&lt;b&gt;" in page
    assert "<td>two</td><td>3</td><td>1.5</td>" in page


@pytest.mark.parametrize("package", ["plotext", "matplotlib"])
def test_a_missing_package_names_the_extra(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the package that draws there is a way out."""
    monkeypatch.setitem(sys.modules, package, None)
    draw = {
        "plotext": lambda: plots.in_terminal(LINE, width=60, height=16, colour=False),
        "matplotlib": lambda: plots.write(LINE, tmp_path / "a.png"),
    }[package]
    with pytest.raises(plots.NoPlotting) as caught:
        draw()

    assert package in str(caught.value)
    assert "xvc-experiments[plots]" in caught.value.hint


def test_magnitudes_are_drawn_at_equal_distances(tmp_path: Path) -> None:
    """On an axis of magnitudes 0.001, 0.01 and 0.1 lie apart alike, and no later picture is so."""
    series = Series("", (0.001, 0.01, 0.1), (1.0, 1.0, 1.0))
    plot = Plot(PlotKind.SCATTER, "", "lr", "loss", (series,), (), is_log=True)

    def gap(drawn: str) -> int:
        (line,) = [line for line in drawn.splitlines() if sum(map(line.count, "▖▗▘▝")) == 3]
        first, second, third = (place for place, sign in enumerate(line) if sign in "▖▗▘▝")
        return (third - second) - (second - first)

    magnitudes = plots.in_terminal(plot, width=80, height=12, colour=False)
    usual = plots.in_terminal(replace(plot, is_log=False), width=80, height=12, colour=False)
    plots.write(plot, tmp_path / "lr.svg")

    assert abs(gap(magnitudes)) <= 1
    assert gap(usual) > 20
    assert (tmp_path / "lr.svg").stat().st_size > 0
