"""The stores of one work tree brought to what their pointers name: what git's hook asks for.

Refuses nothing and raises nothing of its own: whatever cannot be done now, the next command of xvc
does or explains.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

from xvc.errors import XvcError
from xvc.project import Project


def follow_pointers(folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Bring up the store of each project in the work tree around *folder* that had one.

    Returns what has to be told: a file that was set aside under another name.
    """
    set_aside: list[str] = []
    with suppress(XvcError, OSError):
        for root in _roots(Project.find(folder, environment)):
            with suppress(XvcError, OSError):
                set_aside += _follow(Project.find(root, environment))
    return set_aside


def _roots(here: Project) -> Iterator[Path]:
    """Name the projects of the tree that have a store, by the notes of how it was left."""
    if here.place is None:
        return
    top = Project(here.place.top, here.place, here.environment)
    own = top.own_room
    for note in sorted(own.store_state.parent.glob("*.json")):
        tree, _, below = note.stem.partition("+")
        if tree == own.tree:
            yield here.place.top / unquote(below)


def _follow(project: Project) -> list[str]:
    if project.dvc is None or not project.settings.git_hook:
        return []
    keeper = project.keeper
    keeper.refresh()
    return keeper.set_aside
