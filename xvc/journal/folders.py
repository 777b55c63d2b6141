"""The folders of journals: those of each work tree, and what becomes of them when it is gone."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from xvc.journal.layout import Room
from xvc.journal.reader import journals


def journal_folders(room: Room, tree: str) -> list[Path]:
    """List where the journals of a linked tree lie: its own, and those of projects below it."""
    home, name = room.folder / "journals", f"worktree-{tree}"
    if not home.is_dir():
        return []
    found = (path for path in home.iterdir() if path.is_dir())
    return sorted(p for p in found if p.name == name or p.name.startswith(f"{name}+"))


def set_aside(room: Room, folder: Path) -> Path | None:
    """Keep the journals of a tree that is gone from the next tree of its name.

    Returns where they are; None when there were none.
    """
    (room.folder / "stores" / f"{folder.name}.json").unlink(missing_ok=True)
    if not every_journal(folder):
        return None
    room.removed.mkdir(parents=True, exist_ok=True)
    number = 1
    while (place := room.removed / f"{folder.name.removeprefix('worktree-')}-{number}").exists():
        number += 1
    folder.rename(place)
    return place


def every_journal(folder: Path) -> list[Path]:
    """List the journals of a folder, those that are folded, and those that a version holds."""
    return unheld_journals(folder) + journals(folder / "kept")


def unheld_journals(folder: Path) -> list[Path]:
    """List the journals of a folder whose rows no version may hold, folded or not."""
    return journals(folder) + journals(folder / "folded")


def last_written(folder: Path) -> float:
    """Return when a journal of a folder was last written, in seconds; 0 without any."""
    times = [0.0]
    for path in every_journal(folder):
        with suppress(FileNotFoundError):
            times.append(path.stat().st_mtime)
    return max(times)
