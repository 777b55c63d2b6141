"""Getting a file or folder as a run or version had it: from git, from the DVC cache, from a remote.

Written beside its place, checked, and renamed: what is there is whole or not there. The tree, the
index and the branch stay as they are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from xvc.core.ids import is_run_id
from xvc.core.model import candidate_of, candidate_path
from xvc.dvc.outputs import digests_of, note_old, object_of
from xvc.dvc.pointers import SUFFIX, Out, parse_pointer
from xvc.dvc.repository import Dvc, is_named
from xvc.errors import (
    BadValue,
    ImportAway,
    NoObject,
    NoRun,
    NotFoundError,
    ObjectCorrupt,
    TargetExists,
    error,
)
from xvc.git.commit_files import write_files
from xvc.git.history import last_with
from xvc.history.find import find, versions
from xvc.history.revision import Holdings, NoCode, Revision, holdings, revision_of
from xvc.project import Project
from xvc.sharing.fetch_objects import ObjectFetch
from xvc.sharing.required_objects import remotes_of
from xvc.system.files import copy_hashed
from xvc.system.staging import Staging
from xvc.types import Digest, RunId

MODEL = "model:"


@error("no-file")
class NoFile(NotFoundError):
    """A version or run has nothing of that path."""

    path: str
    at: str
    says = "{at} has no {path}"

    @property
    def hint(self) -> str:
        """Say where else to look for the file."""
        if self.path.startswith(MODEL):
            return "`xvc model list` names the models, `xvc show` what a run has left."
        return (
            f"`xvc checkout {self.at}` shows all that is there. "
            "A run has the store and its assets only with a version: `xvc tag --run`."
        )


@error("left-as-models")
class LeftAsModels(NotFoundError):
    """A run has nothing of that path, and it has left models, which have paths of their own."""

    path: str
    at: str
    models: tuple[str, ...]
    first: str
    says = "{at} has no {path}; as models it left {models:3}"
    way = "`xvc get {at} model:{first}` brings a model whole."


@error("not-downloaded")
class NotDownloaded(NotFoundError):
    """A version has the pointer of an import, and what it names was not downloaded by then."""

    path: str
    at: str
    says = "{at} has the pointer {path}.dvc, but {path} was not downloaded when it was made"
    way = "`dvc update {path}.dvc` brings what its source has now."


@dataclass(frozen=True, slots=True)
class Got:
    """What was written: where from, where to, how many files and bytes."""

    at: str
    commit: str
    path: str
    target: str
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to write below a folder: files of git, and objects of the cache with their outputs."""

    files: tuple[str, ...]
    objects: Mapping[str, tuple[str, Out]]
    folders: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files or self.objects or self.folders)


def get(
    project: Project,
    reference: str,
    path: Path,
    target: Path,
    *,
    replace: bool = False,
    said: Path | None = None,
) -> Got:
    """Write a file or folder as *reference* has it to *target*.

    Args:
        project: where.
        reference: a run or a version.
        path: as a path of the work tree, absolute; its last part may be ``model:NAME``.
        target: the file or folder to write.
        replace: whether what is at *target* may go.
        said: the path as it was said; looked for from the project's folder, then from the
            repository's, when nothing is at *path*.

    Raises:
        NoFile: nothing of that path is there.
        LeftAsModels: likewise, and the run has left models.
        NotDownloaded: its pointer is there and names nothing yet.
        TargetExists: something is at *target*, and *replace* does not hold.
        BadValue: *path* leads out of the repository, or *target* holds it.
        NoObject: an object is neither in the cache nor on the remote.
        DvcFailed: the remote did not give it.
        RemoteCorrupt: what it gave is not what its name says.
        ObjectCorrupt: an object's bytes are not what its name says; nothing was written.
        BadListing: the list of a folder names a file outside it; nothing was written.
    """
    _refuse_target(project, target)
    point = _point(project, reference, path)
    held = holdings(project, point)
    name = _model(project, point, held, path) or _within(project, path)
    wanted = _wanted(project, held, name)
    for other in _elsewhere(project, said) if not wanted else ():
        if found := _wanted(project, held, other):
            name, wanted = other, found
            break
    if not wanted:
        is_import = f"{name}.dvc" in held.files and name not in project.own_pointers()
        if is_import:
            raise NotDownloaded(name, point.name)
        store = project.relative(project.store_path.parent)
        models = _models_of(project, point, held)
        if models and not PurePosixPath(name).is_relative_to(store):
            raise LeftAsModels(name, point.name, models, models[0])
        raise NoFile(name, point.name)
    if os.path.lexists(target) and not replace:
        raise TargetExists(str(target))
    with Staging(target) as staging:
        _write(project, point, wanted, staging.folder)
        count, size = _measured(staging.folder)
        try:
            staging.publish(staging.folder / name, replace=replace)
        except FileExistsError:
            raise TargetExists(str(target)) from None
    return Got(
        at=point.name, commit=point.commit, path=name, target=str(target), files=count, size=size
    )


def file_names(project: Project, reference: str, folder: Path) -> list[str]:
    """List the files of git and the outputs of DVC that a run or version has in a folder."""
    held = holdings(project, revision_of(project, reference))
    here = project.relative(folder)
    start = "" if here == "." else f"{here}/"
    names = sorted({*held.files, *held.outs})
    return [name.removeprefix(start) for name in names if name.startswith(start)]


def _elsewhere(project: Project, said: Path | None) -> list[str]:
    if said is None or said.is_absolute():
        return []
    return [project.relative(project.root / said), said.as_posix()]


def _point(project: Project, reference: str, path: Path) -> Revision:
    """Find where to look; git alone may know a candidate of a run that is recorded elsewhere."""
    try:
        return revision_of(project, reference)
    except (NoRun, NoObject, NoCode):
        folder = _named(path)
        if folder is None or not is_run_id(reference):
            raise
        place = candidate_path(folder.name.removeprefix(MODEL), RunId(reference))
        at = last_with(project.git, project.relative(project.root / place) + SUFFIX)
        if at is None:
            raise
        return Revision(reference, at, is_version=False)


def _named(path: Path) -> Path | None:
    """Return the part of a path that ends with ``model:NAME``, if any."""
    return next((each for each in (path, *path.parents) if each.name.startswith(MODEL)), None)


def _model(project: Project, point: Revision, held: Holdings, path: Path) -> str | None:
    """Find the path of ``model:NAME`` or ``model:NAME/FILE``; None for any other path.

    A model that was kept after its version was made is on the run's record; a clone, whose store is
    the version's, has it by the commit that kept it.
    """
    folder = _named(path)
    if folder is None:
        return None
    wanted = folder.name.removeprefix(MODEL)
    runs = {info.name: info.message.run for info in versions(project)}
    place = project.relative(project.root / candidate_path(wanted, _run(runs, point)))
    if place not in held.outs and point.is_version:
        record = find(project, [point.name])[0].record
        outs = {project.relative(project.root / out): file for out, file in record.outs.items()}
        if place in outs:
            file, said = outs[place], f"run {record.id}"
            held.outs[place] = Out(place, Digest(file.digest), said, file.size)
    if place not in held.outs and (kept := _kept_later(project, place)) is not None:
        held.outs[place] = kept
    if place not in held.outs:
        raise NoFile(f"{MODEL}{wanted}", point.name)
    return (PurePosixPath(place) / path.relative_to(folder).as_posix()).as_posix()


def _models_of(project: Project, point: Revision, held: Holdings) -> tuple[str, ...]:
    """Name the models that the run of a point has left, as far as *held* has them."""
    run = _run({info.name: info.message.run for info in versions(project)}, point)
    base = project.relative(project.root)
    start = "" if base == "." else f"{base}/"
    candidates = (candidate_of(out.removeprefix(start)) for out in held.outs)
    return tuple(sorted(each[0] for each in candidates if each is not None and each[1] == run))


def _kept_later(project: Project, place: str) -> Out | None:
    """Find a candidate by the pointer that some commit holds."""
    at = last_with(project.git, place + SUFFIX)
    text = project.git.read(at, place + SUFFIX) if at is not None else None
    if text is None:
        return None
    pointer = parse_pointer(text, place + SUFFIX)
    return Out(place, pointer.digest, place + SUFFIX, pointer.size)


def _run(runs: Mapping[str, RunId | None], point: Revision) -> RunId:
    """Return the run that a point is or stands for."""
    return runs.get(point.name) or RunId(point.name)


def obtain(project: Project, out: Out) -> dict[str, Path]:
    """Have an output in the cache, fetched where it is missing and every byte of it checked.

    Returns the cache object of each file, by its path from the top.

    Raises:
        NoObject: an object is neither in the cache nor on the remote.
        DvcFailed: the remote did not give it.
        RemoteCorrupt: what it gave is not what its name says.
        ObjectCorrupt: an object's bytes are not what its name says.
        BadListing: the list of a folder names a file outside it.
    """
    objects = {path: (digest, out) for path, digest in _digests(project, out).items()}
    _fetch_missing(project, objects)
    dvc = _dvc(project, out)
    found = {}
    for path, (digest, _) in objects.items():
        found[path] = object_of(dvc, digest, out)
        dvc.refuse_wrong(digest, found[path])
    return found


def _within(project: Project, path: Path) -> str:
    top = project.git.place.top
    whole = Path(os.path.normpath(path))
    if not whole.is_relative_to(top):
        raise BadValue("PATH", f"{path} is not below {top}")
    return whole.relative_to(top).as_posix()


def _refuse_target(project: Project, target: Path) -> None:
    """Never replace what holds the repository, or lies in git's or DVC's own folders."""
    is_named = target.name not in ("", "..")
    place = target.parent.resolve() / target.name if is_named else target.resolve()
    git, dvc = project.git.place, project.dvc
    kept = [git.folder, git.common, *([dvc.root / ".dvc", dvc.cache] if dvc else [])]
    is_within = any(place.is_relative_to(each) for each in kept)
    if is_within or any(each.is_relative_to(place) for each in (git.top, *kept)):
        raise BadValue("--out", f"{target} holds the repository or is a part of it")


def _wanted(project: Project, held: Holdings, name: str) -> _Wanted:
    """Choose what is at or below a path; within a tracked folder, a part of it."""
    below = "" if name == "." else f"{name}/"
    outs = [out for path, out in held.outs.items() if path == name or path.startswith(below)]
    around = [out for path, out in held.outs.items() if name.startswith(f"{path}/")]
    objects: dict[str, tuple[str, Out]] = {}
    for out in (*outs, *around):
        part = name.removeprefix(f"{out.path}/") if out in around else ""
        found = _digests(project, out)
        chosen = (path for path in found if not part or path == name or path.startswith(below))
        objects |= {path: (found[path], out) for path in chosen}
    files = [path for path in held.files if path == name or path.startswith(below)]
    folders = [out.path for out in outs if out.digest.endswith(".dir")]
    return _Wanted(tuple(path for path in files if path not in objects), objects, tuple(folders))


def _digests(project: Project, out: Out) -> Mapping[str, str]:
    dvc = _dvc(project, out)
    note_old(dvc, out)
    if out.digest.endswith(".dir") and not object_of(dvc, out.digest, out).is_file():
        _bring(dvc, {str(out.digest): out})
    return digests_of(dvc, out)


def _dvc(project: Project, out: Out) -> Dvc:
    if project.dvc is None:
        raise NoObject(out.digest, out.path)
    return project.dvc


def _bring(dvc: Dvc, missing: Mapping[str, Out]) -> None:
    """Bring what is missing from whichever remote has it, the usual one first."""
    gone, asked = set(missing), tuple[str, ...]()
    if dvc.remotes():
        named = {*remotes_of(missing.values()), *dvc.remotes()}
        fetching = ObjectFetch(dvc, None, lambda line: None, elsewhere=lambda: named)
        fetching.bring(missing)
        gone, asked = fetching.lost, tuple(dict.fromkeys(fetching.asked))
    for digest in sorted(gone):
        out = missing[digest]
        if out.source:
            raise ImportAway(digest, out.path, source=out.source)
        raise NoObject(digest, out.path, was_asked=True, remotes=asked)


def _write(project: Project, point: Revision, wanted: _Wanted, folder: Path) -> None:
    """Write data first: git then refuses to write through what is there."""
    for path in wanted.folders:
        (folder / path).mkdir(parents=True, exist_ok=True)
    _fetch_missing(project, wanted.objects)
    for path, (digest, out) in wanted.objects.items():
        _copy(_dvc(project, out), object_of(_dvc(project, out), digest, out), digest, folder / path)
    if wanted.files:
        write_files(project.git, point.commit, wanted.files, folder, project.room.scratch)


def _fetch_missing(project: Project, objects: Mapping[str, tuple[str, Out]]) -> None:
    missing = {
        digest: out
        for digest, out in objects.values()
        if not object_of(_dvc(project, out), digest, out).is_file()
    }
    if missing:
        _bring(project.needed_dvc(), missing)


def _copy(dvc: Dvc, source: Path, digest: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    found = copy_hashed(source, target)
    if found != digest and not is_named(target, digest, is_old=dvc.lies_old(source)):
        raise ObjectCorrupt(digest, found)


def _measured(folder: Path) -> tuple[int, int]:
    files = [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
    return len(files), sum(path.lstat().st_size for path in files)
