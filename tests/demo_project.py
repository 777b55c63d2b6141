"""Projects to look at: a rich small one, and one of many runs, both made from written records.

Written as a run writes them, into a journal, which is far faster than running; the repository,
its commits and snapshots are real.
"""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from xvc.core.record import RecordKind, environment_facts, facts_of
from xvc.core.run import DataFile, Environment, RunCode, RunRecord, Status
from xvc.journal.writer import Journal
from xvc.project import Project
from xvc.types import Json, Nanoseconds, RunId

_TRAIN = '''"""Train a small network."""

import argparse

from xvc import Tracker

options = argparse.ArgumentParser()
options.add_argument("--lr", type=float, default=0.1)
options.add_argument("--depth", type=int, default=3)
'''
_DAY = 86_400 * 10**9
_ENVIRONMENT = "demo"


def repository(folder: Path, environment: Mapping[str, str]) -> Project:
    """A git repository with one script, where `xvc init` was called."""
    folder.mkdir(parents=True)
    (folder / "train.py").write_text(_TRAIN)
    for words in (
        ["git", "init", "-q", "-b", "main"],
        ["git", "config", "user.name", "Demo"],
        ["git", "config", "user.email", "demo@example.org"],
        ["git", "add", "-A"],
        ["git", "commit", "-qm", "train"],
        [sys.executable, "-m", "xvc", "-q", "init"],
    ):
        subprocess.run(words, cwd=folder, env=dict(environment), check=True, capture_output=True)
    return Project.find(folder, dict(environment))


def many_runs(project: Project, runs: int, *, rows: int = 0) -> None:
    """Note finished runs with ten metrics and eight params; *rows* is how many logged rows each."""
    dice = random.Random(7)
    journal = Journal(project.room.journals, {"owner": "demo"})
    began = time.time_ns() - runs * 60 * 10**9
    for number in range(runs):
        run = RunId(f"m{number:011d}")
        at = Nanoseconds(began + number * 60 * 10**9)
        params: dict[str, Json] = {
            "lr": round(10 ** dice.uniform(-4, 0), 6),
            "model": dice.choice(["svm", "mlp", "cnn", "tree"]),
            "depth": dice.randrange(2, 12),
            "dropout": round(dice.random() / 2, 3),
            "width": 2 ** dice.randrange(4, 10),
            "optimizer": dice.choice(["adam", "sgd"]),
            "batch": 2 ** dice.randrange(4, 8),
            "seed": number % 5,
        }
        record = RunRecord(run, code=RunCode(branch="main"), params=params, started=at)
        loss = dice.random()
        metrics: dict[str, Json] = {"accuracy": round(1 - loss / 2, 5), "loss": round(loss, 5)}
        metrics |= {f"class_{n}/f1": round(dice.random(), 5) for n in range(8)}
        journal.note(RecordKind.BEGIN, run, facts_of(record))
        for step in range(rows):
            journal.row(run, "events", {"step": step, "loss": loss + math.exp(-step / rows * 4)})
        journal.note(RecordKind.METRICS, run, metrics)
        ended: dict[str, Json] = {"status": Status.FINISHED.value, "exit_code": 0}
        journal.note(
            RecordKind.END, run, {**ended, "finished": at + dice.randrange(10**9, 50 * 10**9)}
        )
    journal.close()


def rich(project: Project) -> list[RunId]:
    """Note runs of all kinds: repeats with seeds, a failed one, changed code, names and notes."""
    dice = random.Random(3)
    journal = Journal(project.room.journals, {"owner": "demo"})
    _note_environment(journal)
    commit, changed = _commits(project)
    began, made = time.time_ns() - _DAY, list[RunId]()
    for number, (depth, seed) in enumerate((d, s) for d in (2, 4, 8) for s in range(4)):
        code = RunCode(commit, changed if depth == 8 else commit, depth == 8, "main", "main")
        record = RunRecord(
            RunId(f"d{number:011d}"),
            name=f"depth-{depth}/{seed}",
            code=code,
            command=("python", "train.py", "--depth", str(depth), "--seed", str(seed)),
            params={"lr": 0.05, "depth": depth, "seed": seed, "optimizer": "adam"},
            data={"data/train.csv": DataFile("7b1f0a3c9d2e4f60a1b2c3d4e5f60718", 48_213)},
            started=Nanoseconds(began + number * 2400 * 10**9),
            host="lab-3",
            environment=_ENVIRONMENT,
            note="the widest that fits" if depth == 8 and seed == 0 else None,
        )
        _train(project, journal, dice, record)
        made.append(record.id)
    journal.close()
    return made


def _note_environment(journal: Journal) -> None:
    packages = {"numpy": "2.3.5", "torch": "2.9.1", "xvc-experiments": "0.1.0"}
    found = Environment("3.11.7", "Linux-6.1-x86_64", {"git": "2.39"}, packages)
    facts: dict[str, Json] = {"digest": _ENVIRONMENT, "facts": environment_facts(found)}
    journal.note(RecordKind.ENVIRONMENT, RunId("d00000000000"), facts)


def _train(project: Project, journal: Journal, dice: random.Random, record: RunRecord) -> None:
    """Write one run as it would have gone: rows, output, an end; every eleventh fails."""
    depth, is_failed = int(str(record.params["depth"])), record.id.endswith("5")
    journal.note(RecordKind.BEGIN, record.id, facts_of(record))
    lines, metrics = [f"\x1b[1mtraining\x1b[0m with depth {depth}\n"], dict[str, Json]()
    for step in range(40 if is_failed else 200):
        floor = 0.9 / depth
        loss = floor + 2 * math.exp(-step / 40) + dice.gauss(0, 0.03)
        accuracy = min(1.0, max(0.0, 1 - loss / 2.4 + dice.gauss(0, 0.01)))
        metrics = {"loss": round(loss, 4), "val/accuracy": round(accuracy, 4)}
        journal.row(record.id, "events", {"step": step, **metrics, "lr": 0.05 * 0.99**step})
        if step % 20 == 0:
            lines.append(f"step {step:>4}  \x1b[36mloss\x1b[0m {loss:.4f}\n")
    lines.append("\x1b[31mCUDA error: out of memory\x1b[0m\n" if is_failed else "done\n")
    log = project.room.logs / f"{record.id}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("".join(lines))
    ended: dict[str, Json] = {
        "status": (Status.FAILED if is_failed else Status.FINISHED).value,
        "exit_code": int(is_failed),
        "finished": (record.started or 0) + dice.randrange(300, 900) * 10**9,
        "usage": {"cpu_seconds": 412.5, "peak_memory": 1_900_000_000},
        "log": str(log),
    }
    journal.note(RecordKind.METRICS, record.id, metrics)
    journal.note(RecordKind.END, record.id, ended)


def _commits(project: Project) -> tuple[str, str]:
    """HEAD, and a commit beside it in which the script is another."""
    environment = {**os.environ, "GIT_INDEX_FILE": str(project.room.scratch / "demo-index")}
    project.room.scratch.mkdir(parents=True, exist_ok=True)

    def git(*words: str, text: str | None = None) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=project.root,
            env=environment,
            input=text,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    head = git("rev-parse", "HEAD")
    git("read-tree", "HEAD")
    other = _TRAIN.replace("default=3", "default=8") + "print(options.parse_args())\n"
    blob = git("hash-object", "-w", "--stdin", text=other)
    git("update-index", "--cacheinfo", f"100644,{blob},train.py")
    made = git("commit-tree", git("write-tree"), "-p", head, "-m", "as it was")
    git("update-ref", "refs/xvc/runs/d00000000008", made)
    return head, made
