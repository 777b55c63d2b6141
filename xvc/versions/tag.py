"""Giving a run a version: object, pointer, commit, tag, each on the disk before the next.

Never moves a tag, never commits the user's files unasked, never tags code that did not make the
result. Killed between any two steps, the state before stands and the same call completes.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from xvc.core.commit_subject import chosen_keys, chosen_metrics, one_line, subject, with_doubts
from xvc.core.human_units import counted, few_of
from xvc.core.model import candidate_of, ignore_file
from xvc.core.run import DataFile, RunRecord, Status
from xvc.core.run_inputs import data_hash
from xvc.core.secrets import mask_text, mask_values
from xvc.core.tag_message import TagMessage, VersionInfo
from xvc.core.version import Bump, Version, next_version
from xvc.database.keep_assets import keep_assets
from xvc.dvc.repository import pointer_of
from xvc.errors import GitFailed, NotFoundError, TagTaken, XvcError, error
from xvc.git.branch import Move, advance, clear, noted
from xvc.git.commands import Git
from xvc.git.snapshot import STORES, tree_with
from xvc.git.worktrees import is_ancestor
from xvc.history.find import all_versions, find
from xvc.history.owner import folder_of, own_versions
from xvc.project import Project
from xvc.recording.begin_run import lock_files, metrics_files
from xvc.recovery.recover import mend
from xvc.store import query
from xvc.sweeps.cloned_sweeps import sweep_of
from xvc.system.files import add_line, make_folder, write_durably
from xvc.system.lock import FileLock
from xvc.types import CommitId, Digest
from xvc.versions.base import (
    Base,
    base_of,
    kept_locks,
    pointed_outs,
    pointers_of,
    refuse_incomplete,
)

_WAIT = 120.0  # seconds for other versions being made
_TRIES = 50
_TOLD_FROM = 200  # runs that the line of a version tells its own from


@error("nothing-finished")
class NothingFinished(NotFoundError):
    """There is no run that could be meant."""

    says = "no run has finished here yet"
    way = "Start one with `xvc run`, or name one that did not finish with `--run`."


@dataclass(frozen=True, slots=True)
class TagRequest:
    """What ``xvc tag`` was asked for; without *run*, the last one that finished.

    With *within*, a version's name, it is the next patch of that version's minor.
    """

    bump: Bump | None = None
    version: str | None = None
    within: str | None = None
    run: str | None = None
    commit: bool = False
    text: str | None = None
    dry_run: bool = False
    just_ran: bool = False
    incomplete: bool = False

    @classmethod
    def named(
        cls,
        version: str,
        *,
        run: str | None = None,
        commit: bool = False,
        text: str | None = None,
        dry_run: bool = False,
        incomplete: bool = False,
    ) -> TagRequest:
        """Ask for the next version by ``major``, ``minor`` or ``patch``, or for one by its name."""
        bump = Bump.named(version)
        return cls(
            bump=bump,
            version=None if bump else version,
            run=run,
            commit=commit,
            text=text,
            dry_run=dry_run,
            incomplete=incomplete,
        )


@dataclass(frozen=True, slots=True)
class Tagged:
    """A version: its name, what it marks, and its message.

    ``branch`` is the branch that has the commit, None when the version stands beside it or HEAD is
    detached; ``on_head`` tells whether HEAD has it, as in the middle of a rebase;
    ``earlier`` are the versions that the run had before, ``passed`` the numbers that were passed
    over because another project of the repository has them. ``unkept`` is data that the run read
    and that nothing keeps.
    """

    name: str
    run: str
    subject: str
    commit: str | None
    branch: str | None
    paths: tuple[str, ...]
    is_dry: bool = False
    earlier: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    on_head: bool = True
    unkept: tuple[str, ...] = ()

    @property
    def without(self) -> str | None:
        """Say what the version is without; None where it has all that the run read."""
        if not self.unkept:
            return None
        return (
            f"{self.name} is without {few_of(self.unkept)}, which its run read: "
            "neither git nor DVC has it; `dvc add` keeps data for later runs"
        )


def tag(project: Project, request: TagRequest) -> Tagged:
    """Give a run a version.

    Raises:
        NoProject: no git or no DVC here.
        NoRun: there is no such run.
        RunElsewhere: it is in another store: a version of this one would not have it.
        NothingFinished: none was named, and none has finished.
        TreeDiffers: the code in the tree is not what the run used.
        CodeUnknown: the run's code was not kept.
        CodeIncomplete, DataDiffers: not all that it used is held, and *incomplete* was not said.
        TagTaken: the wanted version exists.
        BranchMoved: ``commit`` was asked for and the branch has moved.
        NoIdentity: git does not know who tags.
    """
    project.needed_dvc()
    mend(project)
    project.room.version_lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(project.room.version_lock).held(wait=_WAIT, doing="tag"):
        clear(project.git, project.pending)
        record, request = _masked(chosen(project, request), request)
        if not request.incomplete:
            refuse_incomplete(record)
        taken = all_versions(project)
        infos = own_versions(project, taken)
        wanted = _wanted(project, request, infos, taken)
        base = base_of(project, record, is_named=bool(request.run), wants_commit=request.commit)
        line = _subject(project, record, request.text)
        earlier = tuple(info.name for info in infos if info.message.run == record.id)
        unkept = tuple(path for path, file in record.data.items() if file.is_unkept)
        if request.dry_run:
            paths = tuple(project.relative(path) for path in pointers_of(project, record))
            return Tagged(
                name=wanted,
                run=record.id,
                subject=line,
                commit=None,
                branch=base.branch,
                paths=paths,
                is_dry=True,
                earlier=earlier,
                passed=_passed(project, request, wanted, infos, taken),
                on_head=base.on_head,
                unkept=unkept,
            )
        with _restored(path for each in pointers_of(project, record) for path in _written(each)):
            made = _make(project, request, record, base, wanted, line)
            passed = _passed(project, request, made.name, infos, taken)
            return replace(made, earlier=earlier, passed=passed, unkept=unkept)


def tag_merged(project: Project, request: TagRequest) -> Tagged:
    """Make a version of all that is merged here, without a run: of the store and its assets.

    It stands on HEAD; what is not committed of the code stays as it is.

    Raises:
        NoProject: no git or no DVC here.
        TagTaken: the wanted version exists.
        NothingFinished: there is no run here.
        NoIdentity: git does not know who tags.
    """
    project.needed_dvc()
    mend(project)
    project.room.version_lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(project.room.version_lock).held(wait=_WAIT, doing="tag"):
        clear(project.git, project.pending)
        with project.keeper.view() as connection:
            count = query.count(connection)
        if not count:
            raise NothingFinished
        taken = all_versions(project)
        infos = own_versions(project, taken)
        wanted = _wanted(project, request, infos, taken)
        state = project.git.state()
        tree = project.git.tree_of(state.commit) if state.commit else project.git.empty_tree()
        base = Base(tree, state.commit, state.branch, on_head=True)
        line = one_line(mask_text(request.text or f"{counted(count, 'run')} merged"))
        pointer = pointer_of(project.store_path)
        if request.dry_run:
            paths = (project.relative(pointer),)
            return Tagged(
                name=wanted,
                run="",
                subject=line,
                commit=None,
                branch=base.branch,
                paths=paths,
                is_dry=True,
                passed=_passed(project, request, wanted, infos, taken),
            )
        with _restored(_written(pointer)):
            digest, files = _store_files(project)
            message = TagMessage(
                subject=line, store=Digest(digest), note=request.text, project=folder_of(project)
            )
            made = _published(project, request, base, wanted, digest, files, message)
            return replace(made, passed=_passed(project, request, made.name, infos, taken))


def _masked(record: RunRecord, request: TagRequest) -> tuple[RunRecord, TagRequest]:
    """Mask what a tag would publish, in a run of an older xvc, too."""
    said = record.note or record.idea
    note = mask_text(said) if said else said
    text = mask_text(request.text) if request.text else request.text
    return replace(record, params=mask_values(record.params), note=note), replace(
        request, text=text
    )


def chosen(project: Project, request: TagRequest) -> RunRecord:
    """Find the run that is to get a version: the one that is named, else the last that finished.

    Raises:
        NoRun: there is no such run.
        RunElsewhere: it is in another store: a version of this one would not have it.
        NothingFinished: none was named, and none has finished.
    """
    if request.run is not None:
        return find(project, [request.run])[0].here()
    with project.keeper.view() as connection:
        record = query.latest(connection, 0, status=Status.FINISHED.value)
    if record is None:
        raise NothingFinished
    return record


def _wanted(
    project: Project,
    request: TagRequest,
    infos: Sequence[VersionInfo],
    taken: Sequence[VersionInfo],
) -> str:
    prefix = project.settings.tag_prefix
    if request.version is not None:
        name = Version.parse(request.version, prefix).name(prefix)
        holder = next((info for info in taken if info.name == name), None)
        if holder is not None:
            raise TagTaken(name, holder.commit)
        return name
    return _next(request, infos, {info.version for info in taken}, prefix)


def _next(
    request: TagRequest, infos: Iterable[VersionInfo], taken: Collection[Version], prefix: str
) -> str:
    """Number the next version of this project; numbers of other projects are passed over."""
    within = None if request.within is None else Version.parse(request.within, prefix)
    known = [info.version for info in infos]
    bump = request.bump or Bump.PATCH
    return next_version(known, bump, within=within, taken=taken).name(prefix)


def _passed(
    project: Project,
    request: TagRequest,
    made: str,
    infos: Sequence[VersionInfo],
    taken: Sequence[VersionInfo],
) -> tuple[str, ...]:
    """Name the versions of other projects whose numbers were passed over."""
    if request.version is not None or len(infos) == len(taken):
        return ()
    prefix = project.settings.tag_prefix
    alone = Version.parse(_next(request, infos, (), prefix), prefix)
    own, end = {info.name for info in infos}, Version.parse(made, prefix)
    return tuple(i.name for i in taken if alone <= i.version < end and i.name not in own)


def _subject(project: Project, record: RunRecord, text: str | None) -> str:
    keys: Sequence[str] = project.settings.tag_keys
    if not keys:
        with project.keeper.view() as connection:
            newest = query.newest(connection, _TOLD_FROM + 1)
        others = [run.params for run in newest if run.id != record.id]
        metrics = chosen_metrics(record.metrics, list(project.settings.metrics_direction))
        keys = [*chosen_keys(others[:_TOLD_FROM], record.params), *metrics]
    note = text if text is not None else record.note
    return subject(with_doubts(record), record.metrics, data_hash(record.data), note, keys)


def _make(
    project: Project,
    request: TagRequest,
    record: RunRecord,
    base: Base,
    wanted: str,
    line: str,
) -> Tagged:
    digest, files = _files(project, request, record, base)
    message = TagMessage(
        subject=line,
        run=record.id,
        snapshot=CommitId(record.code.snapshot) if record.code.snapshot else None,
        store=Digest(digest),
        started=record.started,
        params=record.params,
        metrics=record.metrics,
        data={path: file.digest for path, file in record.data.items()},
        note=request.text if request.text is not None else record.note,
        sweep=sweep_of(project, record),
        project=folder_of(project),
    )
    return _published(project, request, base, wanted, digest, files, message)


def _published(
    project: Project,
    request: TagRequest,
    base: Base,
    wanted: str,
    digest: str,
    files: Mapping[str, bytes],
    message: TagMessage,
) -> Tagged:
    """Commit the files, move the branch, and create the tag."""
    line = message.subject
    commit = _commit(project, base, files, f"{wanted}: {line}")
    try:
        name = _mark(project, request, wanted, commit, message.render())
    except XvcError:  # a signature that cannot be made: the branch goes back to where it was
        if base.on_head and base.parent is not None and commit != base.parent:
            why = f"xvc tag: {wanted} was refused"
            back = Move(branch=base.branch, parent=commit, commit=base.parent, why=why)
            advance(project.git, back, scratch=project.room.scratch, log=project.pending)
        raise
    branch = base.branch if base.on_head else None
    if branch is not None:
        _keep_store(project.git, branch, commit)
    project.keeper.settle(digest, branch)
    return Tagged(
        name=name,
        run=message.run or "",
        subject=line,
        commit=commit,
        branch=branch,
        paths=tuple(files),
        on_head=base.on_head,
    )


def _keep_store(git: Git, branch: str, commit: str) -> None:
    """Keep the branch's last version, and that of an earlier branch of this name, from git's gc."""
    ref = STORES + quote(branch, safe="")
    before = git.commit_of(ref)
    if before is not None and not is_ancestor(git, before, commit):
        git.keep(f"{ref}%{before[:10]}", before)
    git.keep(ref, commit)


def _files(
    project: Project, request: TagRequest, record: RunRecord, base: Base
) -> tuple[str, dict[str, bytes]]:
    """Keep the store, write its pointer, and collect what the version's commit brings.

    Of an older run only the pointers count: metric files in the tree speak of a newer one.
    """
    dvc = project.needed_dvc()
    store = pointer_of(project.store_path)
    digest, files = _store_files(project)
    is_current = request.run is None or request.just_ran
    follows = is_current or base.on_head  # the tree has to show what its branch says
    places = [project.root / out for out in record.outs]
    project.unhide(file for at in places for file in (pointer_of(at), at.with_name(".gitignore")))
    for out, file in pointed_outs(project, record, base.tree).items():
        place = project.root / out
        pointer = pointer_of(place)
        files[project.relative(pointer)] = dvc.pointer_text(place, file)
        if follows:
            make_folder(pointer.parent)  # of a run from elsewhere, or cleared away since
            write_durably(pointer, files[project.relative(pointer)])
            if candidate_of(out) is None:
                add_line(place.with_name(".gitignore"), f"/{place.name}")
        if candidate_of(out) is not None:
            ignore, held = ignore_file(out)
            files[project.relative(project.root / ignore)] = held
            if follows and not (project.root / ignore).exists():
                write_durably(project.root / ignore, held)
    beside = [store.with_name(".gitignore")]
    if follows:
        _have_store_ignored(project)
        beside += [place.with_name(".gitignore") for place in places]
    if is_current:
        beside += [*metrics_files(project), *lock_files(project)]
        made = [out for out in project.survey().outs if out.is_made]
        beside += [(project.git.place.top / out.path).with_name(".gitignore") for out in made]
    else:
        files |= kept_locks(project, record)
    found = {project.relative(path): path for path in beside if path.is_file()}
    ignored = project.git.ignored(found)
    return digest, files | {n: p.read_bytes() for n, p in found.items() if n not in ignored}


def _says_plainly(ignore: Path, line: str) -> bool:
    """Whether a file of patterns has a line, and none that takes patterns back."""
    held = ignore.read_bytes().splitlines() if ignore.is_file() else []
    return os.fsencode(line) in held and not any(each.startswith(b"!") for each in held)


def _have_store_ignored(project: Project) -> None:
    """Have git ignore the store where `dvc init` was called, and `xvc init` was not."""
    store = project.store_path
    if _says_plainly(store.with_name(".gitignore"), f"/{store.name}"):
        return
    if project.relative(store) not in project.git.ignored([project.relative(store)]):
        add_line(store.with_name(".gitignore"), f"/{store.name}")


def _store_files(project: Project) -> tuple[str, dict[str, bytes]]:
    """Keep the store and the assets, and write the store's pointer."""
    dvc = project.needed_dvc()
    digest, size = project.keeper.snapshot()
    store = pointer_of(project.store_path)
    text = dvc.pointer_text(project.store_path, DataFile(digest, size))
    if not store.exists() or store.read_bytes() != text:
        write_durably(store, text)
    return digest, {project.relative(store): text, **keep_assets(project, dvc)}


def _written(pointer: Path) -> tuple[Path, Path]:
    return pointer, pointer.with_name(".gitignore")


@contextlib.contextmanager
def _restored(paths: Iterable[Path]) -> Iterator[None]:
    """Give files back what they held if what is done meanwhile is refused."""
    before = {path: path.read_bytes() if path.is_file() else None for path in paths}
    try:
        yield
    except XvcError:
        for path, held in before.items():
            if held is None:
                path.unlink(missing_ok=True)
            elif not path.is_file() or path.read_bytes() != held:
                write_durably(path, held)
        raise


def _commit(project: Project, base: Base, files: Mapping[str, bytes], message: str) -> str:
    """Write the commit and move the branch, only from where it was; the index follows."""
    git = project.git
    scratch = project.room.scratch
    tree = tree_with(git, scratch, base.tree, files)
    if base.on_head and base.parent is not None and tree == git.tree_of(base.parent):
        return base.parent
    commit = git.make_commit(tree, [base.parent], f"{message}\n")
    if base.on_head:
        why = f"xvc tag: {message}"
        move = Move(branch=base.branch, parent=base.parent, commit=commit, why=why)
        advance(git, move, scratch=scratch, log=project.pending)
    return commit


def _mark(project: Project, request: TagRequest, wanted: str, commit: str, message: str) -> str:
    """Create the tag; when another process took the number, take the next."""
    name, prefix = wanted, project.settings.tag_prefix
    for _ in range(_TRIES):
        try:
            with noted(project.git, project.pending, "", [f"refs/tags/{name}"]):
                project.git.make_tag(name, commit, message)
        except TagTaken:
            if request.version is not None:
                raise
            every = all_versions(project)
            taken = {Version.parse(name, prefix), *(info.version for info in every)}
            name = _next(request, own_versions(project, every), taken, prefix)
        else:
            return name
    raise GitFailed(("tag", name), 128, "every next version was taken meanwhile")
