"""What a work tree with its data costs, beside git's own and hard links of the same files."""

from __future__ import annotations

import itertools
from pathlib import Path

from cases.measuring import Figure, ratios
from cases.moving import with_data
from cases.processes import XVC, calls, process


def worktree(folder: Path, rounds: int, files: int) -> list[Figure]:
    """``xvc worktree add``: beside the bare work, and beside that work and a start of xvc."""
    here = with_data(folder / "tree", files)
    calls(here, ["git", "add", "-A"], ["git", "commit", "-qm", "data"])
    numbers = itertools.count()

    def ours() -> float:
        name = f"ours-{next(numbers)}"
        return process([XVC, "-q", "worktree", "add", name, "--path", f"../{name}"], here)()

    def bare() -> float:
        name = f"bare-{next(numbers)}"
        work = f"git worktree add -q ../{name} && cp -al data ../{name}/"
        return process(["sh", "-c", work], here)()

    start = process([XVC, "--help"], here)
    what, floor = f"`xvc worktree add`, {files} files of data", "`git worktree add` and `cp -al`"
    alone, spent, base = ratios(ours, bare, rounds)
    note = f"{spent:.3f} s against {base:.3f} s"
    begun, spent, base = ratios(ours, lambda: bare() + start(), rounds)
    told = f"{spent:.3f} s against {base:.3f} s"
    return [
        Figure("worktree_bare", f"({what})", floor, alone, None, note),
        Figure("worktree", what, f"{floor}, and `xvc --help`", begun, 2.0, told),
    ]
