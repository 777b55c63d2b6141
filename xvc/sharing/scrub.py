"""Taking a secret out that was recorded: everywhere it stands, as far as that is ours to change.

A plan first. Versions are never moved: those that hold it are named, as is what was pushed, for
neither can be called back. Whoever has had a secret recorded has to revoke it in any case.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from xvc.core.code_files import is_source
from xvc.core.human_units import counted
from xvc.core.record import RecordKind, facts_of
from xvc.core.redaction import SecretUnfit, SpelledSecret
from xvc.core.run import RunRecord
from xvc.core.secrets import MASK
from xvc.database.delete_asset import delete_asset
from xvc.errors import GitFailed, NoAsset, XvcError
from xvc.git.remote import refs_there
from xvc.git.removal import (
    Holding,
    delete_unreached,
    held_by_others,
    names_of,
    snapshots_with,
    without,
)
from xvc.git.snapshot import RUNS
from xvc.history.find import find, known_versions
from xvc.history.other_stores import store_digests
from xvc.journal.reader import is_written
from xvc.journal.writer import SUFFIX
from xvc.project import Project
from xvc.recording.begin_run import open_journal
from xvc.recovery.operation_log import log_operation
from xvc.recovery.recover import mend
from xvc.sharing.secret_places import Remainder, SecretPlace
from xvc.store import query
from xvc.store.db import stores_set_aside
from xvc.store.masking import cells_with
from xvc.system.files import write_durably
from xvc.system.lock import FileLock
from xvc.system.stall_timeout import NoAnswer
from xvc.types import RunId
from xvc.worktrees.known_trees import every_tree, project_at

_WAIT = 120.0
_LARGEST = 256_000_000  # bytes of a file of the user's that is looked into
_PASSED = frozenset({"locks", "dvc-site", "dvc-cache", "stores-kept"})
_STORE = ".duckdb"


@dataclass(slots=True)
class Scrubbed:
    """What is taken out (``places``), what is not, and where it was sent; a plan unless done."""

    places: list[SecretPlace] = field(default_factory=list)
    left: list[Remainder] = field(default_factory=list)
    pushed: list[Remainder] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    is_done: bool = False


def of_param(project: Project, run: str, key: str) -> str:
    """Read a secret out of the params of a run.

    Raises:
        SecretUnfit: the run has no such param, or it is no text that can be taken out.
        NoRun: there is no such run, and the other errors of `find`.
    """
    (found,) = find(project, [run])
    value = found.record.params.get(key)
    if not isinstance(value, str):
        raise SecretUnfit(f"run {found.record.id} has no text under {key!r}")
    if value == MASK:
        raise SecretUnfit(f"{key!r} of run {found.record.id} is masked already")
    return value


def scrub(project: Project, secret: str, *, does_it: bool) -> Scrubbed:
    """Look everywhere for a secret and, if *does_it*, take it out.

    Raises:
        SecretUnfit: it is too short, or a number.
        NoProject: there is no repository.
        LockBusy: a version is being made, or a store written, for long.
        StoreFailed: a store could not be written anew.
    """
    needle = SpelledSecret.of(secret)
    mend(project)
    project.room.version_lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(project.room.version_lock).held(wait=_WAIT, doing="scrub"):
        trees = list(_projects(project))
        for each in trees:
            each.keeper.refresh(wait=_WAIT)
        held = snapshots_with(project.git, needle.is_in)
        others = held_by_others(project.git, {b for one in held for b in one.files.values()})
        ours = [_ours(one, others) for one in held]
        ours = [one for one in ours if one.files]
        found = Scrubbed(is_done=does_it)
        found.places += list(_files(project, needle))
        found.places += [place for each in trees for place in _stores(each, needle)]
        found.places += [
            SecretPlace("snapshot", f"{one.run}:{path}") for one in ours for path in one.files
        ]
        assets = _assets(project, needle)
        found.places += [SecretPlace("asset", name) for name in assets]
        found.left += _in_commits(project, others)
        found.left += _in_versions(project, needle)
        found.left += [each for tree in trees for each in _set_aside(tree, needle)]
        found.own += [name for tree in trees for name in _own_files(project, tree, needle)]
        found.pushed += _pushed(project, found, held)
        if does_it:
            _take_out(project, trees, needle, ours, found)
    for name in assets if does_it else ():  # each holds the lock of versions itself
        _delete_asset(project, name)
    return found


def _projects(project: Project) -> Iterator[Project]:
    for tree in every_tree(project):
        if not tree.is_bare and tree.path.is_dir():
            yield project_at(project, tree)


def _ours(held: Holding, others: set[str]) -> Holding:
    return replace(held, files={p: b for p, b in held.files.items() if b not in others})


def _private(project: Project) -> Iterator[Path]:
    """List xvc's private files: journals, logs, requests of sweeps, notes."""
    home = project.room.folder
    for place in sorted(home.iterdir()) if home.is_dir() else ():
        if place.name in _PASSED:
            continue
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and not path.is_symlink() and path.suffix != _STORE:
                yield path


def _files(project: Project, needle: SpelledSecret) -> Iterator[SecretPlace]:
    kinds = {"journals": "journal", "logs": "log", "sweeps": "sweep"}
    home = project.room.folder
    for path in _private(project):
        data = path.read_bytes()
        if needle.is_in(data):
            name = path.relative_to(home)
            count = max(data.count(each) for each in needle.spellings)
            yield SecretPlace(kinds.get(name.parts[0], "file"), name.as_posix(), max(count, 1))


def _stores(project: Project, needle: SpelledSecret) -> Iterator[SecretPlace]:
    texts, keeper = needle.texts(), project.keeper
    if keeper.path.exists():
        for table, count in cells_with(keeper.path, texts).items():
            yield SecretPlace("store", f"{keeper.path.name}: {table}", count)
    pointer, dvc = keeper.pointer, project.dvc
    if pointer is not None and dvc is not None and dvc.holds(pointer.digest):
        cells = cells_with(dvc.place(pointer.digest), texts)
        if cells:
            yield SecretPlace("store", f"the snapshot {pointer.digest[:8]}", sum(cells.values()))


def _assets(project: Project, needle: SpelledSecret) -> list[str]:
    folder = project.assets.folder
    paths = sorted(folder.rglob("*")) if folder.is_dir() else []
    files = [path for path in paths if path.is_file() and not path.is_symlink()]
    return [path.name for path in files if needle.is_in(path.read_bytes())]


def _in_commits(project: Project, blobs: set[str]) -> list[Remainder]:
    way = "rewrite that history (git filter-repo), if it must not stay"
    named = names_of(project.git, blobs)
    return [
        Remainder(
            "commit", f"{blob[:10]} in {', '.join(named.get(blob, ['an older commit']))}", way
        )
        for blob in sorted(blobs)
    ]


def _in_versions(project: Project, needle: SpelledSecret) -> list[Remainder]:
    """Name the versions that hold it: in their message, or in the store that they name."""
    found, known = list[Remainder](), dict[str, bool]()
    way = "versions are never moved; revoke the secret, or delete the tag"
    for info in known_versions(project):
        said = project.git.call("cat-file", "-p", "--end-of-options", f"refs/tags/{info.name}")
        said += project.git.call("cat-file", "-p", "--end-of-options", info.commit)
        if needle.is_in(said):
            found.append(Remainder("version", f"{info.name}: its message", way))
    for ref, digest in store_digests(project):
        if project.dvc is None or not project.dvc.holds(digest):
            continue
        if digest not in known:
            with suppress(XvcError):
                known[digest] = bool(cells_with(project.dvc.place(digest), needle.texts()))
        if known.get(digest):
            is_version = ref.startswith("refs/tags/")
            name = ref.removeprefix("refs/tags/").removeprefix("refs/")
            where = f"{name}: its store, the DVC object {digest}"
            newer = "a version that is made afterwards gives it another"
            found.append(
                Remainder("version" if is_version else "ref", where, way if is_version else newer)
            )
    return found


def _own_files(project: Project, tree: Project, needle: SpelledSecret) -> Iterator[str]:
    """List the files of a work tree that hold it: they are the user's.

    Those of another tree are named by their whole paths.
    """
    top, is_here = tree.git.place.top, tree.top == project.top
    listed = tree.git.call("ls-files", "-z", "-co", "--exclude-standard")
    for name in map(os.fsdecode, sorted(set(listed.split(b"\0")) - {b""})):
        path = top / name
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
            continue
        if needle.is_in(path.read_bytes()):
            yield name if is_here else str(path)


def _set_aside(tree: Project, needle: SpelledSecret) -> Iterator[Remainder]:
    """Name the stores that were set aside in a tree and hold it."""
    for path in stores_set_aside(tree.store_path):
        try:
            is_in = bool(cells_with(path, needle.texts()))
        except XvcError:  # a damaged one; what is compressed in it is not seen
            is_in = needle.is_in(path.read_bytes())
        if is_in:
            yield Remainder("store", str(path), "delete it, once nothing in it is wanted")


def _pushed(project: Project, found: Scrubbed, held: Iterable[Holding]) -> list[Remainder]:
    """Ask each git remote which of the refs that hold it are there."""
    runs = {f"{RUNS}{one.run}": one.commit for one in held}
    names = {each.where.partition(":")[0] for each in found.left if each.kind == "version"}
    tags = {f"refs/tags/{name}" for name in names}
    pushed = list[Remainder]()
    for remote in project.git.text("remote").split() if runs or tags else ():
        try:
            listed = refs_there(project.git, remote)
        except (GitFailed, NoAnswer) as err:
            pushed.append(Remainder("remote", remote, f"it was not asked: {err}"))
            continue
        for ref, commit in listed.items():
            if ref in tags or runs.get(ref) == commit:
                way = f"`git push {remote} --delete {ref}`; whoever has fetched it keeps it"
                pushed.append(Remainder("ref", f"{remote} {ref}", way))
    return pushed


def _take_out(
    project: Project,
    trees: Iterable[Project],
    needle: SpelledSecret,
    ours: Iterable[Holding],
    found: Scrubbed,
) -> None:
    for path in _private(project):
        _mask_file(path, needle, is_journal=_is_journal(project, path))
    before = {digest for each in trees if (digest := each.keeper.mask(needle.texts()))}
    _renew_snapshots(project, list(ours))
    _forget_stores(project, before)
    if found.places:  # else nothing has changed, and what was done before can be undone
        log_operation(
            *(project, "scrub", f"took a secret out of {counted(len(found.places), 'place')}"),
            hindrance="what was taken out is gone",
        )


def _is_journal(project: Project, path: Path) -> bool:
    first = path.relative_to(project.room.folder).parts[0]
    return first == "journals" and path.suffix == SUFFIX


def _mask_file(path: Path, needle: SpelledSecret, *, is_journal: bool) -> None:
    """Mask a file at its length and in its place: somebody may be writing it.

    A journal whose writer has ended is written beside and renamed.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return  # a log that has just been joined
    if not needle.is_in(data):
        return
    if is_journal:
        masked = b"".join(map(needle.masked_line, data.splitlines(keepends=True)))
    else:
        masked = needle.masked(data)
    if is_journal and not is_written(path):
        write_durably(path, masked)
        return
    with path.open("r+b") as file:
        file.write(masked)
        file.flush()
        os.fsync(file.fileno())


def _renew_snapshots(project: Project, ours: list[Holding]) -> None:
    if not ours:
        return
    with project.keeper.view() as connection:
        records = {run.id: run for run in query.by_ids(connection, [one.run for one in ours])}
    new = {one.run: without(project.git, project.room.scratch, one, set(one.files)) for one in ours}
    journal = open_journal(project)
    for one in ours:
        if one.run in records:
            facts = facts_of(_renewed(records[one.run], new[one.run], one))
            journal.note(RecordKind.SET, RunId(one.run), {"code": facts["code"]})
    journal.close()
    project.keeper.refresh(wait=_WAIT)
    delete_unreached(project.git, {one.commit for one in ours})


def _renewed(run: RunRecord, snapshot: str, held: Holding) -> RunRecord:
    lacking = tuple(dict.fromkeys((*run.code.left_out, *held.files)))
    source = [path for path in held.files if is_source(path)]
    incomplete = tuple(dict.fromkeys((*run.code.incomplete, *source)))
    code = replace(run.code, snapshot=snapshot, left_out=lacking, incomplete=incomplete)
    return RunRecord(run.id, code=code)


def _delete_asset(project: Project, name: str) -> None:
    try:
        delete_asset(project, name)
    except NoAsset:  # no row has it any more
        project.assets.remove(name)


def _forget_stores(project: Project, digests: Iterable[str]) -> None:
    """Delete the snapshots that the masked ones replace, unless a ref names them."""
    named = {digest for _, digest in store_digests(project)}
    for digest in digests:
        if project.dvc is not None and digest not in named:
            project.dvc.place(digest).unlink(missing_ok=True)
            for kept in [
                *project.room.stores_kept(".").rglob(digest)
            ]:  # an older xvc had one folder
                kept.unlink()
