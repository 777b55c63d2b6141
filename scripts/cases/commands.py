"""What a command costs as a whole process, beside the import that it cannot do without."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from cases.measuring import Figure, ratios
from cases.processes import IMPORT, IMPORTING, XVC, a_project, calls, process
from xvc.core.record import RecordKind, facts_of
from xvc.core.run import RunCode, RunRecord, Status
from xvc.core.tag_message import TagMessage
from xvc.journal.writer import Journal
from xvc.project import Project
from xvc.types import Json, Nanoseconds, RunId


def run(folder: Path, rounds: int) -> list[Figure]:
    """A run of nothing, alone and as a version; and what others take to start, where they are."""
    here = a_project(folder / "run")
    start = process(IMPORT, here)
    figures = []
    for name, words, reach in (
        ("run", ["run", "--", "true"], 3.0),
        ("run_tag", ["run", "--tag", "patch", "--", "true"], 5.0),
        ("help", ["--help"], None),
    ):
        ratio, spent, base = ratios(process([XVC, *words], here), start, rounds)
        what = f"`{' '.join(['xvc', *words])}`, whole process"
        note = f"{spent:.3f} s against {base:.3f} s"
        figures.append(Figure(name, what, IMPORTING, ratio, reach, note))
    for peer, words in (("datalad", ["datalad", "run", "true"]), ("dvc", ["dvc", "--version"])):
        if shutil.which(words[0]):
            ratio, spent, _ = ratios(process(words, here), start, 3)
            what, note = f"(`{' '.join(words)}`)", f"{spent:.3f} s"
            figures.append(Figure(f"peer_{peer}", what, "the same", ratio, None, note))
    return figures


def lists(folder: Path, rounds: int, runs: int, versions: int) -> list[Figure]:
    """A list of many runs, and one of many versions."""
    here = a_project(folder / "lists")
    _note_runs(here, runs)
    calls(here, [XVC, "ls"])
    _tag_versions(here, versions)
    start = process(IMPORT, here)
    figures = []
    for name, words, what in (
        ("ls", ["ls", "--sort", "accuracy"], f"`xvc ls --sort accuracy` over {runs:,} runs"),
        ("log_versions", ["log"], f"`xvc log` over {versions:,} versions"),
    ):
        ratio, spent, base = ratios(process([XVC, *words], here), start, rounds)
        note = f"{spent:.3f} s against {base:.3f} s"
        figures.append(Figure(name, what, IMPORTING, ratio, 3.0, note))
    return figures


def many(folder: Path, rounds: int, runs: int) -> list[Figure]:
    """What is asked of very many runs, beside their list."""
    here = a_project(folder / "many")
    _note_runs(here, runs)
    calls(here, [XVC, "ls"])
    floor = process([XVC, "ls"], here)
    figures = []
    for words in (
        ["status"],
        ["brief"],
        ["report"],
        ["gc"],
        ["validate"],
        ["ls", "--where", "accuracy > 0.9"],
        ["ls", "--sort", "accuracy"],
        ["show", "best:accuracy"],
        ["compare", "@", "@-1"],
        ["tag"],
    ):
        ratio, spent, base = ratios(process([XVC, *words], here), floor, min(rounds, 3))
        what = f"`{' '.join(['xvc', *words])}` over {runs:,} runs"
        note = f"{spent:.3f} s against {base:.3f} s"
        said = "_".join(word.strip("-@").replace(":", "_") for word in words[:2])
        name = f"many_{said}".strip("_")
        figures.append(Figure(name, what, "`xvc ls`", ratio, 5.0, note))
    return figures


def _note_runs(here: Path, runs: int) -> None:
    journal = Journal(Project.find(here, os.environ).room.journals, {"owner": "bench"})
    for number in range(runs):
        run, began = RunId(f"b{number:011d}"), Nanoseconds(time.time_ns())
        params: dict[str, Json] = {"lr": number / runs, "model": "svm"}
        record = RunRecord(run, code=RunCode(branch="main"), params=params, started=began)
        metrics: dict[str, Json] = {"accuracy": number % 997 / 997, "loss": number / 7}
        ended: dict[str, Json] = {"status": Status.FINISHED.value, "exit_code": 0}
        journal.note(RecordKind.BEGIN, run, facts_of(record))
        journal.note(RecordKind.METRICS, run, metrics)
        journal.note(RecordKind.END, run, {**ended, "finished": time.time_ns()})
    journal.close()


def _tag_versions(here: Path, versions: int) -> None:
    """All at once: a thousand calls of git would take longer than the measurement."""
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=here, text=True).strip()
    stream = []
    for number in range(versions):
        run, params, metrics = RunId(f"b{number:011d}"), {"lr": 0.1}, {"accuracy": 0.9}
        said = TagMessage("lr=0.1 | accuracy=0.9", run=run, params=params, metrics=metrics).render()
        stream.append(
            f"tag e0.{number}.0\nfrom {head}\n"
            f"tagger b <b@b> {1_700_000_000 + number} +0000\n"
            f"data {len(said.encode())}\n{said}\n"
        )
    words = ["git", "fast-import", "--quiet"]
    subprocess.run(words, cwd=here, input="".join(stream), text=True, check=True)
