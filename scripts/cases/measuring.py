"""Stopwatches, and the ratio of two of them; says nothing of what is measured."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROW = {"loss": 0.123456789, "acc": 0.9, "val/loss": 0.2, "val/acc": 0.8, "lr": 0.001, "step": 12}


@dataclass(frozen=True)
class Figure:
    """One line of the table; ``reach`` is the highest ratio that is good enough, if any."""

    name: str
    what: str
    floor: str
    ratio: float
    reach: float | None
    note: str = ""


def ratios(
    ours: Callable[[], float], floor: Callable[[], float], rounds: int
) -> tuple[float, float, float]:
    """Interleave two measurements; returns the median ratio and both medians in seconds."""
    ours(), floor()
    pairs = [(ours(), floor()) for _ in range(rounds)]
    return (
        statistics.median(one / other for one, other in pairs),
        statistics.median(one for one, _ in pairs),
        statistics.median(other for _, other in pairs),
    )


def loop(step: Callable[[], object], count: int) -> Callable[[], float]:
    """Return what measures the mean time of so many steps."""

    def timed() -> float:
        start = time.perf_counter()
        for _ in range(count):
            step()
        return (time.perf_counter() - start) / count

    return timed


def cpu(step: Callable[[], object]) -> Callable[[], float]:
    """Return what measures the time that a step takes of the processor, in all threads."""

    def timed() -> float:
        start = time.process_time()
        step()
        return time.process_time() - start

    return timed


def after(prepare: Callable[[], object], timed: Callable[[], float]) -> Callable[[], float]:
    """Return the same stopwatch with something done before each use, which is not measured."""

    def prepared() -> float:
        prepare()
        return timed()

    return prepared


def render(figures: list[Figure]) -> str:
    """Return a table in markdown, in the order in which it was measured."""
    lines = ["| what | floor | ratio | reach | |", "|---|---|---|---|---|"]
    for figure in figures:
        reach = "" if figure.reach is None else f"≤ {figure.reach:g}"
        missed = " **missed**" if figure.reach is not None and figure.ratio > figure.reach else ""
        told = (figure.what, figure.floor, f"{figure.ratio:.2f}{missed}", reach, figure.note)
        lines.append(f"| {' | '.join(told)} |")
    return "\n".join(lines)
