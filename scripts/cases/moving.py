"""What it costs to push data and to get it, beside the commands of DVC and git."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cases.measuring import Figure, after, ratios
from cases.processes import DVC, XVC, a_project, calls, process

_VERSION = "e0.1.0"


def moving(folder: Path, rounds: int, files: int) -> list[Figure]:
    """A first push of a folder of data, and getting it in an empty clone."""
    here, away = with_data(folder / "moving", files), folder / "away"
    calls(here, [DVC, "remote", "add", "-q", "-d", "far", str(away / "far")])
    calls(here, ["git", "add", "-A"], ["git", "commit", "-qm", "data"])
    calls(here, [XVC, "run", "--tag", "minor", "--", "true"])
    told = f"of {files} files, whole process"
    return [_push(here, away, rounds, told), _get(here, folder / "clone", rounds, told)]


def with_data(here: Path, files: int) -> Path:
    """Make a project with a folder of so many files of 10 kB, which DVC tracks."""
    a_project(here)
    (here / "data").mkdir()
    for number in range(files):
        (here / "data" / f"{number}.bin").write_bytes(os.urandom(10_000))
    calls(here, [DVC, "add", "-q", "data"])
    return here


def _push(here: Path, away: Path, rounds: int, told: str) -> Figure:
    origin = str(away / "origin.git")
    known = (away, here / ".dvc/tmp", here / ".git/xvc/dvc-site")  # what DVC thinks is there
    both = f"{DVC} push -q --all-tags && git push -q --follow-tags origin HEAD"
    calls(here, ["git", "remote", "add", "origin", origin])

    def afresh() -> None:
        _without(*known)
        calls(here, ["git", "init", "-q", "--bare", origin])

    ours, plain = process([XVC, "push"], here), process(["sh", "-c", both], here)
    ratio, spent, base = ratios(after(afresh, ours), after(afresh, plain), rounds)
    what, note = f"first `xvc push` {told}", f"{spent:.2f} s against {base:.2f} s"
    return Figure("push", what, "`dvc push` and `git push`", ratio, None, note)


def _get(here: Path, clone: Path, rounds: int, told: str) -> Figure:
    calls(here, ["git", "clone", "-q", str(here), str(clone)])

    def afresh() -> None:
        _without(clone / ".dvc/cache", clone / "out")

    words = [DVC, "get", "-q", str(clone), "data", "--rev", _VERSION, "-o", "out"]
    ours = process([XVC, "get", _VERSION, "data", "-o", "out"], clone)
    ratio, spent, base = ratios(after(afresh, ours), after(afresh, process(words, clone)), rounds)
    what, note = f"`xvc get` {told}, from the remote", f"{spent:.2f} s against {base:.2f} s"
    return Figure("get", what, "`dvc get` of the same", ratio, None, note)


def _without(*places: Path) -> None:
    for place in places:
        shutil.rmtree(place, ignore_errors=True)
