"""The experiments of a series beside each other: a table, the best one, and why it is the best."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.direction import OWN_SCORES, Direction, direction_of
from xvc.core.human_units import number
from xvc.core.objective import Measure
from xvc.core.run import RunRecord, Status
from xvc.experiments.experiment import HOME, series_of
from xvc.history.judging import judged_alike
from xvc.system.files import write_durably

if TYPE_CHECKING:
    from xvc.project import Project

_TIME = "training_time"
_NOT_COMPARED = frozenset({"step", "fold", "fold_score", "train_size", "test_size", _TIME})


@dataclass(frozen=True)
class Row:
    """One experiment: its name, how it ended, its numbers and its training time in seconds."""

    name: str
    run: str
    status: str
    metrics: Mapping[str, float]
    training_time: float | None


@dataclass(frozen=True)
class SeriesComparison:
    """All experiments of a series; ``best`` is None where no metric says which is better.

    ``metric`` is what decides, ``reasons`` are sentences about the best one that the table shows,
    ``warning`` names those that were judged otherwise (``judge:`` in the settings) and are not
    ranked.
    """

    series: str
    rows: tuple[Row, ...]
    metrics: tuple[str, ...]
    metric: str | None
    best: Row | None
    reasons: tuple[str, ...]
    warning: str | None = None

    def markdown(self) -> str:
        """Write the table, and below it the best experiment with its reasons."""
        heads = ["Experiment", *(_title(name) for name in self.metrics), "Training Time"]
        lines = [_line(heads), _line(["---"] * len(heads))]
        for row in self.rows:
            cells = [number(row.metrics.get(name)) for name in self.metrics]
            label = row.name if row.status == Status.FINISHED else f"{row.name} ({row.status})"
            lines.append(_line([label, *cells, _seconds(row.training_time)]))
        if self.best is not None:
            lines += ["", f"**Best: {_cell(self.best.name)}**", ""]
            lines += [f"- {reason}" for reason in self.reasons]
        if self.warning is not None:
            lines += ["", _cell(self.warning)]
        return "\n".join([*lines, ""])


def compare_experiments(
    series: str | None = None,
    *,
    increment: str | None = None,
    metric: str | None = None,
    folder: str | Path | None = None,
) -> SeriesComparison:
    """Compare the experiments of a series, and write that to ``comparison.md`` in its folder.

    Args:
        series: the group; without one every experiment that belongs to none.
        increment: another word for *series*.
        metric: what decides; unless given, the first one whose better direction is known and that
            most experiments have.
        folder: holds the folders of all series.

    Raises:
        NoDirection: nothing says which way *metric* is better.
    """
    from xvc.project import Project  # late: loads yaml

    name = series_of(series, increment)
    found = compared(Project.find(Path.cwd(), os.environ), name, metric)
    home = (Path(folder) if folder else HOME) / name
    home.mkdir(parents=True, exist_ok=True)
    write_durably(home / "comparison.md", found.markdown().encode(errors="backslashreplace"))
    return found


def compared(project: Project, name: str, metric: str | None = None) -> SeriesComparison:
    """Compare the experiments of a series, and write nothing.

    Raises:
        NoDirection: nothing says which way *metric* is better.
    """
    runs = series_runs(project, name)
    rows = [_row(run, name) for run in runs]
    declared = {**OWN_SCORES, **project.settings.metrics_direction}
    finished = [row for row in rows if row.status == Status.FINISHED]
    known = _metrics(finished or rows)
    decides = metric or next(_deciding(known, declared), None)
    measure = Measure.parse(decides, declared, "metric") if decides else None
    judged = judged_alike(project, runs, measure)
    finished = [row for row in finished if row.run not in judged.others]
    known = _metrics(finished or rows)
    ranked = measure.ranked(judged.runs) if measure is not None else []
    best = next((row for row in finished if ranked and row.run == ranked[0].id), None)
    others = [name for name in known if name != decides]
    reasons = _reasons(best, finished, [decides, *others], declared) if best and decides else ()
    return SeriesComparison(
        series=name,
        rows=tuple(rows),
        metrics=known,
        metric=decides,
        best=best,
        reasons=reasons,
        warning=judged.warning,
    )


def series_runs(project: Project, series: str) -> Sequence[RunRecord]:
    """The runs of a series, oldest first; without one, those with a name that has no slash."""
    from xvc.recovery.lost_runs import opened  # late: opens DuckDB
    from xvc.store import query

    with opened(project) as connection:
        runs = query.named_below(connection, f"{series}/" if series else "")
    return [run for run in reversed(runs) if run.name and _series(run.name) == series]


def _series(name: str) -> str:
    return name.partition("/")[0] if "/" in name else ""


def _row(run: RunRecord, series: str) -> Row:
    numbers = {
        name: value
        for name, value in run.metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    name = (run.name or run.id).removeprefix(f"{series}/" if series else "")
    return Row(
        name=name,
        run=run.id,
        status=run.status.value,
        metrics=numbers,
        training_time=numbers.pop(_TIME, None),
    )


def _deciding(metrics: Sequence[str], declared: Mapping[str, str]) -> Iterator[str]:
    """The metrics that can decide: which way is better is known, and they are of unseen data."""
    for name in metrics:
        if direction_of(name, declared) is not None and not name.lower().startswith("train"):
            yield name


def _metrics(rows: Sequence[Row]) -> tuple[str, ...]:
    """Name the metrics, those of most experiments first, of equal ones the first logged."""
    counts: dict[str, int] = {}
    for row in rows:
        for name in row.metrics:
            if name not in _NOT_COMPARED:
                counts[name] = counts.get(name, 0) + 1
    return tuple(sorted(counts, key=lambda name: -counts[name]))


def _reasons(
    best: Row, rows: Sequence[Row], metrics: Sequence[str], declared: Mapping[str, str]
) -> tuple[str, ...]:
    reasons = []
    for name in metrics:
        way, value = direction_of(name, declared), best.metrics.get(name)
        others = [row.metrics[name] for row in rows if row is not best and name in row.metrics]
        if way is None or value is None or not others:
            continue
        top = max(others) if way is Direction.MAX else min(others)
        is_ahead = value > top if way is Direction.MAX else value < top
        word = "Highest" if way is Direction.MAX else "Lowest"
        if is_ahead:
            reasons.append(f"{word} {name} ({number(value)}; the next has {number(top)})")
        elif value == top:
            reasons.append(f"{word} {name} ({number(value)}), shared with another")
    times = sorted(row.training_time for row in rows if row.training_time is not None)
    if best.training_time is not None and len(times) > 1:
        place = times.index(best.training_time) + 1
        rank = "the shortest" if place == 1 else f"number {place} from the shortest"
        reasons.append(f"Training time {_seconds(best.training_time)}, {rank} of {len(times)}")
    return tuple(reasons)


def _title(name: str) -> str:
    return name.replace("_", " ").title() if name.islower() else name


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}s" if value >= 10 else f"{value:.2g}s"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return " ".join(plain.split())
