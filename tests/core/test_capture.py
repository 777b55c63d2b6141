"""Printed metrics: any cut gives the same, only lines that are metrics count."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.runs.capture import LineMetrics, parse_metric_lines

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_./-]{0,8}", fullmatch=True)
NUMBERS = st.integers() | st.floats(allow_nan=False)
PRINTED = st.lists(
    st.one_of(
        st.builds(lambda name, number: f"METRIC {name}={number}".encode(), NAMES, NUMBERS),
        st.builds(lambda name, number: f"{name}: {number}".encode(), NAMES, NUMBERS),
        st.sampled_from([b"\n", b"\r\n", b"\r", b"\r\r", b"\x1b[32m", b"METRIC ", b"x" * 5000]),
        st.binary(max_size=6),
    )
).map(b"".join)


@given(NAMES, NUMBERS)
def test_a_metric_survives_being_printed(name: str, number: float) -> None:
    """Keys come back exactly, integers as integers."""
    found = parse_metric_lines(f"METRIC {name}={number}\n".encode(), loose=False)

    assert [(key, type(value), value) for key, value in found] == [(name, type(number), number)]


@given(PRINTED, st.lists(st.integers(0, 6000)), st.booleans())
def test_any_cut_gives_the_same(printed: bytes, cuts: list[int], loose: bool) -> None:
    """Pipes cut where they like; the metrics do not depend on it."""
    reader = LineMetrics(loose=loose)
    edges = [0, *sorted(cuts), len(printed)]
    pieces = [printed[start:end] for start, end in pairwise(edges)]
    fed = [metric for piece in pieces for metric in reader.feed(piece)] + reader.close()

    assert repr(fed) == repr(parse_metric_lines(printed, loose=loose))


@given(PRINTED)
def test_a_reader_keeps_little(printed: bytes) -> None:
    """An endless line costs no memory."""
    reader = LineMetrics(loose=True)
    reader.feed(printed.replace(b"\n", b"\r") * 3 + b"z" * 10**5)

    assert len(reader._rest) < 5000


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"METRIC acc=0.5", [("acc", 0.5)]),
        (b"  METRIC val/loss=1e-3 ", [("val/loss", 0.001)]),
        (b"METRIC a=b=2", [("a=b", 2)]),
        (b"METRIC n=-7", [("n", -7)]),
        (b"METRIC x=inf", [("x", math.inf)]),
        (b"METRIC x=-Infinity", [("x", -math.inf)]),
        (b"\x1b[1;32mMETRIC acc=0.5\x1b[0m", [("acc", 0.5)]),
        (b"10%\r50%\rMETRIC acc=0.5\r", [("acc", 0.5)]),
        (b"METRIC acc=0.5\r60%", []),
        (b"METRIC acc=high", []),
        (b"METRIC acc=0.5 and more", []),
        (b"METRIC =1", []),
        (b"metric acc=1", []),
        (b"METRIC \xff=1", []),
        ("METRIC größe=1".encode(), [("größe", 1)]),
        (b"acc: 0.5", []),
    ],
)
def test_marked_lines(line: bytes, expected: list[tuple[str, float]]) -> None:
    """A marked line is a metric when all of it is; colours and overwritten text do not count."""
    found = parse_metric_lines(line, loose=False)

    assert found == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"acc: 0.5", [("acc", 0.5)]),
        (b"\x1b[2Kval/loss:   3\r\n", [("val/loss", 3)]),
        (b"val loss: 0.3", []),
        (b"acc: 93%", []),
        (b"acc: 0.5, loss: 0.3", []),
        (b"12: 30", []),
        (b"12:30", []),
        (b"acc:", []),
        (b"acc: nan?", []),
    ],
)
def test_loose_lines(line: bytes, expected: list[tuple[str, float]]) -> None:
    """One bare name, one bare number, nothing else on the line."""
    found = parse_metric_lines(line, loose=True)

    assert found == expected


def test_nan_is_a_value() -> None:
    """A loss that has become NaN is recorded, not skipped."""
    ((key, value),) = parse_metric_lines(b"METRIC loss=nan\n", loose=False)

    assert key == "loss"
    assert math.isnan(value)
