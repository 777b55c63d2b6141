"""The folders of journals: those of each work tree, and what becomes of them when it is gone."""

from __future__ import annotations

from collections.abc import Collection
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


def left_behind(room: Room, living: Collection[str]) -> list[Path]:
    """List the folders with journals of linked trees that are gone.

    Those that were set aside, and those of a tree that is not among the *living*: somebody has
    removed its folder, or had git forget it.
    """
    own = (path for path in (room.folder / "journals").glob("worktree-*") if path.is_dir())
    gone = [path for path in own if tree_of(path) not in living]
    return [
        path for path in (*sorted(room.removed.glob("*")), *sorted(gone)) if every_journal(path)
    ]


def tree_of(folder: Path) -> str:
    """Name the linked tree whose journals lie in a folder, or in that of a project below it."""
    return folder.name.removeprefix("worktree-").partition("+")[0]


def name_of(room: Room, folder: Path) -> str:
    """Name, as git did, the tree that is gone and whose journals lie in a folder."""
    if folder.parent == room.removed:
        return folder.name.rpartition("-")[0].partition("+")[0]
    return tree_of(folder)


def words_of(room: Room, folder: Path) -> str:
    """Say in words whose journals those of a tree that is gone are."""
    return f"work tree {name_of(room, folder)} (removed)"


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
