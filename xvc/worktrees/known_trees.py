"""What the commands on work trees share: which there are, and what is remembered of them.

The notes lie in the room, a file each, so that they outlive the trees.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from xvc.core.worktree import Record, SetupStage
from xvc.errors import BusyError, ConflictError, CorruptError, NotFoundError, error
from xvc.git.commands import Git
from xvc.git.worktrees import WorkTree, drop_half_made, found_at, leads_to, path_of, place_of, trees
from xvc.journal.layout import Room
from xvc.project import Project
from xvc.recovery.old_notes import take_over_refs
from xvc.system.files import write_durably
from xvc.system.lock import FileLock
from xvc.system.pending import PendingLog

_WAIT = 600.0  # seconds for the same tree being made or removed by another xvc
_LOCK_WAIT = 120.0  # seconds for git to make or forget another tree
_ENDING = ".json"


@error("no-tree")
class NoTree(NotFoundError):
    """No work tree answers to a name or a path."""

    name: str
    says = "there is no work tree {name!r}"
    way = (
        "`xvc worktree list` shows all; `xvc worktree adopt PATH` takes one on; "
        "`xvc merge worktree:{name}` merges the runs that a removed one has left."
    )


@error("tree-moved")
class TreeMoved(ConflictError):
    """A work tree is not where git has it: somebody has moved its folder, or removed it."""

    name: str
    was_at: str
    is_at: str = ""

    def __str__(self) -> str:
        where = f": it lies in {self.is_at}" if self.is_at else ""
        return f"work tree {self.name} is not at {self.was_at}{where}"

    @property
    def hint(self) -> str:
        """What leads git there; what to do if the tree is gone for good."""
        if self.is_at:
            return f"`{_repairing(self.is_at)}` leads git there; then call this again."
        return (
            "If it was moved, call `git worktree repair` with the path where it is now, and then "
            f"this again; if it is gone, `xvc worktree remove {self.name} --yes` ends it."
        )


@error("bad-record")
class BadRecord(CorruptError):
    """What was remembered of a work tree cannot be read."""

    path: str
    reason: str
    says = "{path}: {reason}"
    way = "Remove the file and call `xvc worktree adopt` on the tree; no run is in it."


@error("tree-replaced")
class TreeReplaced(ConflictError):
    """What lies in the place of a work tree is not that tree: it is not touched."""

    name: str
    path: str
    says = "what lies at {path} is not work tree {name}: its .git does not lead to this repository"

    @property
    def hint(self) -> str:
        """What makes it the tree again; what to do if it is something else."""
        return (
            f"If it is the tree, and the repository was moved, `{_repairing(self.path)}` mends it; "
            "if it is something else, move it away. Then call this again."
        )


def _repairing(path: str) -> str:
    return f"git worktree repair {shlex.quote(path)}"


def refuse_moved(project: Project, name: str, path: Path, tree: WorkTree | None) -> None:
    """Refuse a tree whose folder is not where git has it.

    Args:
        project: any tree's.
        name: of the tree.
        path: where it was made, or where git has it.
        tree: as git lists it; None where git knows of none.

    Raises:
        TreeMoved: it is not; the error says where it lies if that is seen.
        TreeReplaced: something else lies there.
    """
    if tree is not None and not os.path.lexists(path):
        raise TreeMoved(name, str(path), str(found_at(project.git, tree) or ""))
    is_own = tree is not None and tree.folder is not None and leads_to(path, tree.folder)
    if os.path.lexists(path) and not is_own:
        raise TreeReplaced(name, str(path))


def record_of(room: Room, name: str) -> Record | None:
    """Read what is remembered of a tree; None when that is nothing.

    A tree that was moved since is where git has it.

    Raises:
        BadRecord: the note is torn.
    """
    path = room.worktrees / f"{name}{_ENDING}"
    try:
        return _found(room, Record.from_facts(json.loads(path.read_bytes())))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as err:
        raise BadRecord(str(path), f"{type(err).__name__}: {err}") from err


def _found(room: Room, record: Record) -> Record:
    if record.stage is not SetupStage.READY or not record.tree:
        return record
    now = path_of(room.folder.parent, record.tree)
    return replace(record, path=str(now)) if now is not None else record


def records(room: Room) -> list[Record]:
    """Read what is remembered of all trees, by name.

    Raises:
        BadRecord: a note is torn.
    """
    if not room.worktrees.is_dir():
        return []
    names = sorted(p.stem for p in room.worktrees.iterdir() if p.suffix == _ENDING)
    return [record for name in names if (record := record_of(room, name)) is not None]


def remember(room: Room, record: Record) -> Record:
    """Put a note on the disk."""
    room.worktrees.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record.facts, ensure_ascii=False)
    write_durably(room.worktrees / f"{record.name}{_ENDING}", text.encode())
    return record


def forget(room: Room, name: str) -> None:
    """Take a note away."""
    (room.worktrees / f"{name}{_ENDING}").unlink(missing_ok=True)


@contextmanager
def tree_lock(room: Room, name: str, doing: str) -> Iterator[None]:
    """Keep every other xvc from the tree of this name.

    Raises:
        LockBusy: another one is at it, for long.
    """
    lock = FileLock(room.folder / "locks" / f"worktree-{name}")
    with lock.held(wait=_WAIT, doing=f"{doing} {name}"):
        yield


@contextmanager
def tree_list_lock(project: Project, doing: str, wait: float = _LOCK_WAIT) -> Iterator[None]:
    """Lock git's list of trees against other xvc (git has no lock for it), and repair it.

    Raises:
        LockBusy: another one is at it, for more than *wait* seconds.
        BadRecord: a note is torn.
    """
    room = project.room
    with FileLock(room.worktree_lock).held(wait=wait, doing=doing):
        for record in records(room):
            if record.stage is SetupStage.MAKING:  # nobody is making it: we hold the list
                drop_half_made(project.git, Path(record.path), scratch_of(room, record.name))
        yield


def every_tree(project: Project) -> list[WorkTree]:
    """List the work trees, the main one first.

    Raises:
        BadRecord: a note is torn.
        GitFailed: git cannot list them.
    """
    if any(record.stage is SetupStage.MAKING for record in records(project.room)):
        with suppress(BusyError, OSError), tree_list_lock(project, "list", wait=0.0):
            pass  # it is mended by now
    return trees(project.git)


def log_of(room: Room, name: str) -> PendingLog:
    """Open the log of what git is doing for one tree; the caller holds the list of trees."""
    log = PendingLog(room.pending_worktree(name))
    take_over_refs(scratch_of(room, name), log)
    return log


def scratch_of(room: Room, name: str) -> Path:
    """Name the folder that is made when a tree is begun: what git made since may be ours."""
    folder = room.scratch / f"worktree-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def project_at(project: Project, tree: WorkTree) -> Project:
    """Find the same project in another tree: a folder's below the top there, too."""
    top = project.git.place.top
    below = project.root.relative_to(top)
    folder = tree.path / below
    return Project.find(folder if folder.is_dir() else tree.path, project.environment)


def git_at(project: Project, tree: WorkTree) -> Git:
    """Reach git in another tree."""
    return Git(place_of(project.git, tree), project.environment)


def tree_named(project: Project, name: str, folder: Path) -> tuple[Record | None, WorkTree | None]:
    """Find a tree by the name that xvc knows it by, by git's own, or by its path.

    Raises:
        NoTree: there is none.
        BadRecord: a note is torn.
    """
    linked = every_tree(project)[1:]
    path = Path(os.path.normpath(folder / name))
    known = records(project.room)
    record = next((each for each in known if each.name == name), None)
    record = record or next((each for each in known if Path(each.path) == path), None)
    if record is not None:
        return record, next((t for t in linked if t.path == Path(record.path)), None)
    for tree in linked:
        if path == tree.path or (tree.folder is not None and tree.folder.name == name):
            return None, tree
    raise NoTree(name)
