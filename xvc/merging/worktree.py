"""Bringing a work tree's versions and rows to the branch we are on.

Where both sides have moved, git merges them beside the tree, the stores row by row; what conflicts
is left to `git merge`. Files go over one by one, each in one step, then index and branch: killed
anywhere, the same call completes.
"""

from __future__ import annotations

import os
import posixpath
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from xvc.core.model import TABLE as MODELS_TABLE
from xvc.dvc.pointers import SUFFIX
from xvc.dvc.repository import pointer_of
from xvc.errors import ConflictError, error
from xvc.git.branch import Move, advance, clear
from xvc.git.commands import Git, TreeState
from xvc.git.snapshot import private_index
from xvc.git.worktrees import WorkTree, drop_merge_files, is_ancestor, joined
from xvc.history.find import versions, versions_by_run
from xvc.history.unversioned import unsaved
from xvc.merging import unfinished
from xvc.merging.merge import MergeUnfinished
from xvc.project import Project
from xvc.recovery.kind import ChangeKind, ChangeState, nothing
from xvc.recovery.recover import replay
from xvc.store import query
from xvc.system.lock import FileLock
from xvc.system.pending import PendingChange
from xvc.types import Json
from xvc.worktrees.known_trees import NoTree, git_at, project_at, refuse_moved, tree_named

MERGE = "worktree-merge"
_WAIT = 120.0
_GONE = "0" * 40
"""The end of what git writes for a file that is not there, in each of its hashes."""


@error("cannot-merge")
class CannotMerge(ConflictError):
    """A work tree's branch cannot come over without somebody's decision; nothing has moved."""

    name: str
    reason: str
    way_out: str
    says = "work tree {name} is not merged: {reason}"
    way = "{way_out!l}."


@dataclass(frozen=True, slots=True)
class MergedWorktree:
    """What came over: the commits between, the versions among them, the files that changed.

    ``runs_behind`` are runs that did not come; of ``said_since`` something was said there after
    their versions, as that they have a model, and that did not. ``pointers`` are what DVC puts data
    in place by, from the top of the work tree; the store follows its own by itself.
    """

    name: str
    branch: str | None
    old: str
    new: str
    versions: tuple[str, ...]
    files: tuple[str, ...]
    runs_behind: tuple[str, ...] = ()
    said_since: tuple[str, ...] = ()
    pointers: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the branch has moved."""
        return self.old != self.new


def merge(project: Project, name: str, folder: Path, *, dry_run: bool = False) -> MergedWorktree:
    """Move the branch of this tree to where the work tree's is.

    Raises:
        NoTree: there is no such tree.
        TreeMoved, TreeReplaced: its folder is not where git has it.
        CannotMerge: both sides changed the same, or rows or files would be lost.
        MergeUnfinished: an earlier merge of stores waits for decisions.
        LockBusy: another version is being made, for long.
        GitFailed: git refused.
    """
    record, tree = tree_named(project, name, folder)
    if tree is not None:
        refuse_moved(project, record.name if record else name, tree.path, tree)
    if tree is None or tree.commit is None or tree.gone is not None:
        raise NoTree(name)
    git, room = project.git, project.room
    with FileLock(room.version_lock).held(wait=_WAIT, doing="worktree merge"):
        clear(git, project.pending)
        shutil.rmtree(_staging_folder(git), ignore_errors=True)  # of a call that was killed
        drop_merge_files(project.pending)
        state = git.state()
        called = record.name if record else name
        if state.commit is None or is_ancestor(git, tree.commit, state.commit):
            behind = _runs_behind(project, tree)
            return MergedWorktree(
                name=called,
                branch=state.branch,
                old=tree.commit,
                new=tree.commit,
                versions=(),
                files=(),
                runs_behind=behind,
            )
        since = _refuse_unsaved(project, called, tree)
        new = tree.commit
        if not is_ancestor(git, state.commit, tree.commit):
            new = _merge_commit(project, called, state.commit, tree, is_noted=not dry_run)
        entries = git.between(state.commit, new)
        _refuse_changed(project, called, state, entries)
        passed = git.text("tag", f"--merged={tree.commit}", f"--no-merged={state.commit}").split()
        names = tuple(info.name for info in versions(project) if info.name in passed)
        if not dry_run:
            _move_branch(project, state, new, entries, called)
            replay(project, MERGE)
        return MergedWorktree(
            name=called,
            branch=state.branch,
            old=state.commit,
            new=new,
            versions=names,
            files=tuple(entries),
            said_since=since,
            pointers=_pointers(project, entries),
        )


def _pointers(project: Project, entries: Mapping[str, str]) -> tuple[str, ...]:
    """Name what `dvc checkout` takes for the data whose pointers came over."""
    store = project.relative(pointer_of(project.store_path))
    there = sorted(path for path, entry in entries.items() if not entry.endswith(_GONE))
    found = [path for path in there if path.endswith(SUFFIX) and path != store]
    locks = [path for path in there if posixpath.basename(path) == "dvc.lock"]
    return (*found, *(path.removesuffix("lock") + "yaml" for path in locks))


def _runs_behind(project: Project, tree: WorkTree) -> tuple[str, ...]:
    """List the runs of a tree, merged as far as its commits go, that this tree's store lacks."""
    with project.keeper.view() as connection:
        known = query.ids(connection)
    with project_at(project, tree).keeper.view() as connection:
        lacking = query.ids(connection) - known
        return tuple(run.id for run in query.by_ids(connection, lacking))


def _refuse_unsaved(project: Project, name: str, tree: WorkTree) -> tuple[str, ...]:
    """Refuse if the other tree has unversioned runs or uncommitted changes: a merge lacks them.

    Returns the runs with versions of which only something was said since.
    """
    named = versions_by_run(versions(project))
    kept = unsaved(project_at(project, tree), apart_from=MODELS_TABLE)
    there = [run for run, rows in kept.items() if rows or run not in named]
    if there:
        runs = ", ".join(sorted(there))
        reason = f"its runs {runs} are in no version"
        way = f"`xvc -C {quote(str(tree.path))} tag` gives them one; `xvc merge worktree:{name}` "
        raise CannotMerge(name, reason, f"{way}takes them without one.")
    if changed := git_at(project, tree).state().changed:
        reason = f"it has uncommitted changes ({', '.join(changed[:5])})"
        raise CannotMerge(name, reason, f"Commit them in {tree.path}, or put them back.")
    return tuple(sorted(kept))


def _merge_commit(project: Project, name: str, ours: str, tree: WorkTree, *, is_noted: bool) -> str:
    """Have git merge both sides, and commit what comes of it; the branch does not move yet.

    The commit is noted: the same stores merged again are other bytes, and a call that was killed
    may have laid some of these already.
    """
    git, room = project.git, project.room
    for change in project.pending.of(MERGE, room.tree):
        if (change.facts["ours"], change.facts["theirs"]) == (ours, tree.commit):
            return str(change.facts["commit"])
    theirs = tree.branch or tree.commit or ""
    waiting = unfinished.read(room)
    if waiting is not None and (not waiting.is_git or git.call("ls-files", "--unmerged")):
        raise MergeUnfinished(tuple(each.name for each in waiting.sources), waiting.open)
    found = joined(git, ours, tree.commit or "", project.pending)
    if found is None:
        reason = "both sides have moved, and this git cannot merge beside the tree"
        raise CannotMerge(name, reason, f"`git merge {theirs}`.")
    if found.tree is None:
        unfinished.forget(room)  # git has been asked beside the tree: nothing waits for decisions
        reason = f"both sides changed {', '.join(found.conflicts[:5])}"
        way = f"`git merge {theirs}` stops there; `xvc merge --conflicts` shows those of the stores"
        raise CannotMerge(name, reason, way)
    made = git.make_commit(found.tree, [ours, tree.commit], f"Merge work tree {name}\n")
    if is_noted:
        facts: dict[str, Json] = {"ours": ours, "theirs": tree.commit, "commit": made}
        project.pending.note(MERGE, facts, tree=room.tree, name=made)
    return made


def _state_of(project: Project, change: PendingChange) -> ChangeState:
    """Wait for the same call, which completes the merge; once the branch has moved, none can."""
    ours, head = change.facts["ours"], project.git.commit_of("HEAD")
    return ChangeState.WAITS if head == ours else ChangeState.NEVER


KIND = ChangeKind(state_of=_state_of, complete=nothing, abandon=nothing)


def _refuse_changed(
    project: Project, name: str, state: TreeState, entries: Mapping[str, str]
) -> None:
    """Refuse if the user has changed a file that the merge writes; a killed call may have."""
    git, own = project.git, {path + SUFFIX for path in project.own_pointers()}
    touched = [path for path in (*state.changed, *state.untracked) if path in entries]
    changed = [path for path in touched if not _is_there(git, path, entries[path])]
    changed += [path for path in state.changed if path not in entries]
    ignored = git.ignored(set(entries) - set(touched))
    changed += [path for path in ignored if not _is_there(git, path, entries[path])]
    if changed:
        reason = f"files here have changed ({', '.join(sorted(changed)[:5])})"
        way = "Commit them, or put them back."
        if own.issuperset(changed):
            files = " ".join(quote(f":/{path}") for path in sorted(changed))
            way = "xvc wrote them for a version beside the branch; onto it they come by "
            way += f"`git add -f -- {files} && git commit -m Runs -- {files}`."
        raise CannotMerge(name, reason, way)


def _is_there(git: Git, path: str, entry: str) -> bool:
    """Whether a file of the tree is what an entry of the new commit says."""
    place, wanted = git.place.top / path, entry.rpartition(" ")[2]
    if not os.path.lexists(place):
        return wanted.endswith(_GONE)
    if place.is_symlink() or not place.is_file():
        return False
    return git.text("hash-object", f"--path={path}", "--", str(place)) == wanted


def _move_branch(
    project: Project, state: TreeState, new: str, entries: Mapping[str, str], name: str
) -> None:
    git, scratch = project.git, project.room.scratch
    index = private_index(git, scratch, f"merge-{os.getpid()}")
    fresh = _staging_folder(git)
    try:
        git.put(index, entries)
        _write_out(git, index, fresh, entries)
        for path, entry in entries.items():
            _put_file(fresh / "new" / path, git.place.top / path, is_gone=entry.endswith(_GONE))
        why = f"xvc worktree merge {name}"
        move = Move(branch=state.branch, parent=state.commit, commit=new, why=why)
        advance(git, move, scratch=scratch, log=project.pending)
    finally:
        index.unlink(missing_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)
    project.keeper.refresh()


def _staging_folder(git: Git) -> Path:
    """Name the folder in the tree, so on its file system, where the new files are written."""
    return git.place.top / ".exp-merge"


def _write_out(git: Git, index: Path, fresh: Path, entries: Mapping[str, str]) -> None:
    """Have git write the new files, with its filters, into a folder that it ignores."""
    fresh.mkdir()
    (fresh / ".gitignore").write_text("*\n")
    paths = b"".join(os.fsencode(p) + b"\0" for p, e in entries.items() if not e.endswith(_GONE))
    if paths:
        flags = ("--force", "-z", "--stdin", f"--prefix={fresh.name}/new/")
        git.call("checkout-index", *flags, index=index, stdin=paths)


def _put_file(source: Path, target: Path, *, is_gone: bool) -> None:
    if is_gone:
        target.unlink(missing_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(source, target)
