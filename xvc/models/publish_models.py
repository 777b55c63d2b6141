"""Landing a change of the models on the branch: commit, tags, tree and record, all or nothing.

The branch decides. What follows it (tags, the files of the tree, the row and the line of the
operation log) is in a note that is written before the branch moves: whoever comes after a kill
reads there what to complete, or that nothing has happened.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

from xvc.core.ids import writer_id
from xvc.core.model import TABLE, candidate_of
from xvc.dvc.cache_links import Linker, link_kinds
from xvc.dvc.folder_checkout import clear_remains, is_as, odd_files, put_folder, take_away
from xvc.dvc.local_config import cache_type
from xvc.dvc.outputs import digests_of, object_of
from xvc.dvc.pointers import SUFFIX, Out, parse_pointer
from xvc.errors import ConflictError, CorruptError, GitFailed, NoObject, XvcError, error
from xvc.git.branch import Move, advance, noted, take_back
from xvc.git.snapshot import tree_with
from xvc.journal import operations
from xvc.journal.edit_builder import setting
from xvc.journal.operations import Operation
from xvc.project import Project
from xvc.recording.begin_run import open_journal
from xvc.recovery.kind import ChangeKind, ChangeState
from xvc.recovery.recover import begin, replay
from xvc.store import edits
from xvc.store.columns import tables
from xvc.system.files import make_folder, write_durably
from xvc.system.pending import PendingChange
from xvc.types import Json, Row, RunId

MODELS = "models"


@error("paths-changed")
class PathsChanged(ConflictError):
    """Files that a change of the models has to write hold something that is not committed."""

    paths: tuple[str, ...]
    says = "{paths}: there are changes that are not committed"
    way = "Commit them or put them back (`git status` shows them), then do it again."


@error("model-changed")
class ModelChanged(ConflictError):
    """The folder of a model that is to be replaced holds files that its pointer does not name."""

    path: str
    files: tuple[str, ...]
    says = "{path} has been changed: {files}"
    way = (
        "Keep it with `xvc model add {path} --run RUN --name NAME`, or drop it with `dvc checkout "
        "--force {path}`."
    )


@error("committed-meanwhile")
class CommittedMeanwhile(ConflictError):
    """Somebody has committed to the branch while the models were being changed."""

    branch: str
    says = "{branch} got another commit meanwhile; nothing was changed"
    way = "Do it again, on top of that commit."


@dataclass(frozen=True, slots=True)
class NewTag:
    """A tag to make; without a *commit* it marks the change's own."""

    name: str
    message: str
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class ModelChange:
    """What is to be: files by path from the top (None removes one), tags, and what is recorded.

    ``row`` goes into the store's table of models as a row of ``run``; ``command`` and ``what``
    into the operation log, with the ``hindrance`` that stands against `xvc undo`.
    """

    why: str
    files: Mapping[str, bytes | None]
    marks: tuple[NewTag, ...] = ()
    run: str = ""
    row: Mapping[str, Json] = field(default_factory=dict)
    command: str = ""
    what: str = ""
    hindrance: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note:
    """What is needed to complete a change that the branch has."""

    operation: str
    parent: str | None
    commit: str
    branch: str | None
    marks: tuple[NewTag, ...]
    run: str
    row: Mapping[str, Json]
    command: str
    what: str
    hindrance: str


def land(project: Project, change: ModelChange) -> str:
    """Make a change; the caller holds the lock of versions. Returns the commit that has it.

    Raises:
        PathsChanged: a file that would be written has changes of the user's.
        ModelChanged: so has a model's folder.
        LockBusy: the user's git holds the index.
        CommittedMeanwhile: the branch has moved.
        GitFailed: git refused.
        TagTaken: a tag was made meanwhile.
        NoIdentity: git does not know who commits.
    """
    replay(project, MODELS)
    state = project.git.state()
    _refuse_changed(project, change, {*state.changed, *state.untracked})
    commit = _commit(project, change, state.commit)
    note = _Note(
        operation=writer_id(os.urandom(5)),
        parent=state.commit,
        commit=commit,
        branch=state.branch,
        marks=change.marks,
        run=change.run,
        row=change.row,
        command=change.command,
        what=change.what,
        hindrance=change.hindrance,
    )
    _refuse_odd_folders(project, note)
    pending = begin(project, MODELS, asdict(note))
    try:
        _move(project, note)
    except XvcError as err:
        pending.take_off()
        now = project.git.commit_of("HEAD")
        if isinstance(err, GitFailed) and now not in (note.parent, note.commit):
            raise CommittedMeanwhile(note.branch or "HEAD") from err
        raise
    _complete(project, note)
    pending.take_off()
    return commit


def _note_of(change: PendingChange) -> _Note:
    facts = dict(change.facts)
    marks = cast("list[dict[str, str]]", facts.pop("marks"))
    return _Note(**facts, marks=tuple(NewTag(**mark) for mark in marks))  # type: ignore[arg-type]


def _state_of(project: Project, change: PendingChange) -> ChangeState:
    note = _note_of(change)
    ref = f"refs/heads/{note.branch}" if note.branch else "HEAD"
    return ChangeState.HAPPENED if _has(project, note.commit, ref) else ChangeState.NEVER


def _finish(project: Project, change: PendingChange) -> None:
    note = _note_of(change)
    _complete(project, note, is_recorded=_is_recorded(project, note))


def _abandon(project: Project, change: PendingChange) -> None:
    """Give the index back what it held, where the branch has not got the change."""
    note, git, scratch = _note_of(change), project.git, project.room.scratch
    if git.commit_of("HEAD") == note.parent:
        take_back(git, scratch, parent=note.parent or git.empty_tree(), commit=note.commit)


KIND = ChangeKind(state_of=_state_of, complete=_finish, abandon=_abandon)


def _has(project: Project, commit: str, ref: str) -> bool:
    """Whether a ref leads to a commit."""
    if project.git.commit_of(ref) is None:
        return False
    return not project.git.text("rev-list", "-n1", commit, "--not", ref)


def _refuse_changed(project: Project, change: ModelChange, dirty: set[str]) -> None:
    top = project.git.place.top
    held = {path: (top / path).read_bytes() for path in change.files if (top / path).is_file()}
    changed = [p for p in change.files if p in dirty and held.get(p) != change.files[p]]
    if changed:
        raise PathsChanged(tuple(changed))


def _commit(project: Project, change: ModelChange, parent: str | None) -> str:
    git, scratch = project.git, project.room.scratch
    base = git.tree_of(parent) if parent else None
    tree = tree_with(git, scratch, base, change.files)
    if parent is not None and tree == base:
        return parent
    return git.make_commit(tree, [parent], f"{change.why}\n")


def _move(project: Project, note: _Note) -> None:
    git, scratch, log = project.git, project.room.scratch, project.pending
    why = f"xvc: {note.what or note.command}"
    move = Move(branch=note.branch, parent=note.parent, commit=note.commit, why=why)
    if note.commit != note.parent:
        advance(git, move, scratch=scratch, log=log)
    try:
        _tag(project, note)
    except XvcError:  # a signature that cannot be made: the branch goes back to where it was
        if note.commit != note.parent and (back := move.back) is not None:
            advance(git, back, scratch=scratch, log=log)
        raise


def _tag(project: Project, note: _Note) -> None:
    have = project.git.refs("refs/tags/")
    for mark in note.marks:
        if f"refs/tags/{mark.name}" not in have:
            with noted(project.git, project.pending, "", [f"refs/tags/{mark.name}"]):
                project.git.make_tag(mark.name, mark.commit or note.commit, mark.message)


def _is_recorded(project: Project, note: _Note) -> bool:
    """Whether the row of a change that was killed is there."""
    which = setting(
        TABLE, "operation", note.operation, RunId(note.run), ("operation", note.operation)
    )
    with project.keeper.view() as connection:
        return TABLE in tables(connection) and edits.count(connection, which) > 0


def _complete(project: Project, note: _Note, *, is_recorded: bool = False) -> None:
    """Do what is not done yet of what follows the branch."""
    _tag(project, note)
    if note.commit != note.parent and _has(project, note.commit, "HEAD"):
        _follow(project, note)
    known = {each.id for each in operations.read(project.room.operations)}
    if note.row and not is_recorded and note.operation not in known:
        journal = open_journal(project)
        try:
            row = {**note.row, "operation": note.operation}
            journal.row(RunId(note.run), TABLE, cast("Row", row))
            journal.flush()
        finally:
            journal.close()
    if note.command and note.operation not in known:
        operations.append(project.room.operations, _operation(project, note))


def _operation(project: Project, note: _Note) -> Operation:
    return Operation(
        id=note.operation,
        at=time.time(),
        tree=project.room.tree,
        command=note.command,
        what=note.what,
        hindrance=note.hindrance,
    )


def _follow(project: Project, note: _Note) -> None:
    """Write the files of the commit into the tree, except those that were changed since."""
    git, top = project.git, project.git.place.top
    for path in git.between(note.parent, note.commit):
        target = top / path
        old = git.read(note.parent, path) if note.parent else None
        new = git.read(note.commit, path)
        held = target.read_bytes() if target.is_file() else None
        if held == old and held != new:
            if new is None:
                target.unlink()
            else:
                make_folder(target.parent)
                write_durably(target, new)
        if path.endswith(SUFFIX) and held in (old, new):
            _bring(project, path, old, new)
        clear_remains(target)


def put_absent(project: Project, pointers: Iterable[str]) -> None:
    """Put models that HEAD names and the tree lacks, as after a merge by git alone."""
    for pointer in pointers:
        if not (project.git.place.top / pointer.removesuffix(SUFFIX)).exists():
            _bring(project, pointer, None, project.git.read("HEAD", pointer))


_Files = dict[str, tuple[str, Path]]


def _bring(project: Project, pointer: str, old: bytes | None, new: bytes | None) -> None:
    """Bring a model's folder in line with its pointer."""
    folder = project.git.place.top / pointer.removesuffix(SUFFIX)
    before, after = _files_of(project, pointer, old), _files_of(project, pointer, new)
    if new is None:
        take_away(folder, before)
    elif not is_as(folder, after) and not _odd(folder, before, after):
        _put(project, folder, after)


def _odd(folder: Path, before: _Files, after: _Files) -> tuple[str, ...]:
    """Name the files of a folder that neither content has."""
    return tuple(sorted(set(odd_files(folder, before)) & set(odd_files(folder, after))))


def _put(project: Project, folder: Path, files: _Files) -> None:
    dvc = project.dvc
    if dvc is None or not all(place.is_file() for _, place in files.values()):
        return  # `dvc pull` brings it
    said = cache_type(dvc)
    below = folder.relative_to(project.root).as_posix()
    linker = Linker(link_kinds(said), dvc.root / ".dvc" / "tmp" / "xvc-links")
    # A candidate's folder has a name of its own, nothing writes there: it may share its bytes
    # with the cache. A stage's has the same name for ever, and scripts copy over what is there.
    put_folder(folder, files, linker, is_own=not said and candidate_of(below) is None)


def _files_of(project: Project, pointer: str, text: bytes | None) -> _Files:
    """Map a model's files, by path in its folder, to digest and object; none without its list."""
    if text is None or project.dvc is None:
        return {}
    held = parse_pointer(text, pointer)
    out = Out(pointer.removesuffix(SUFFIX), held.digest, pointer, held.size)
    try:
        digests = digests_of(project.dvc, out)
    except (NoObject, CorruptError):
        return {}
    return {
        path.removeprefix(f"{out.path}/"): (digest, object_of(project.dvc, digest))
        for path, digest in digests.items()
    }


def _refuse_odd_folders(project: Project, note: _Note) -> None:
    git, top = project.git, project.git.place.top
    if note.commit == note.parent:
        return
    for path in git.between(note.parent, note.commit):
        folder = top / path.removesuffix(SUFFIX)
        if not path.endswith(SUFFIX) or not folder.is_dir():
            continue
        if (way := project.way_out(folder)) is not None:
            raise project.outside(way)
        old = git.read(note.parent, path) if note.parent else None
        before, after = (
            _files_of(project, path, each) for each in (old, git.read(note.commit, path))
        )
        if (before or after) and (odd := _odd(folder, before, after)):
            raise ModelChanged(project.relative(folder), odd)
