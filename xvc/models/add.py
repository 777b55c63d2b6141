"""Keeping what a run left as a candidate: in the DVC cache, on the run's record, on the branch.

Nothing that is there is replaced: another content under the same name and run is refused.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xvc.core.human_units import few_of
from xvc.core.model import ModelFile, candidate_of, candidate_path, check_name, ignore_file, name_of
from xvc.core.record import RecordKind
from xvc.core.run import DataFile
from xvc.dvc.data_check import listing_digest
from xvc.dvc.pointers import SUFFIX
from xvc.dvc.repository import Dvc
from xvc.errors import BadValue, ConflictError, error
from xvc.git.branch import clear
from xvc.history.find import find
from xvc.models.made_by import refuse_not_made, times_around
from xvc.models.publish_models import MODELS, ModelChange, land
from xvc.project import Project
from xvc.recording.begin_run import open_journal
from xvc.recording.run_times import touched_by_runs
from xvc.recovery.lost_runs import opened
from xvc.recovery.recover import replay
from xvc.store import query
from xvc.system.files import add_line, md5_of
from xvc.system.lock import FileLock
from xvc.system.written_files import Before
from xvc.types import Json, RunId

_WAIT = 120.0  # seconds for versions being made


@error("model-taken")
class ModelTaken(ConflictError):
    """A run has another model of that name."""

    name: str
    run: str
    says = "run {run} has another model {name} already"
    way = "Call this one otherwise with --name, or keep it with the run that made it."


@dataclass(frozen=True, slots=True)
class AddedCandidate:
    """A candidate: its folder from the project's root, and whether it is new."""

    name: str
    run: str
    path: str
    file: DataFile
    is_new: bool


def add_model(project: Project, path: Path, reference: str, name: str | None) -> AddedCandidate:
    """Keep a file or folder as a model of a run.

    Raises:
        NoProject: no git or no DVC here.
        NoRun: there is no such run.
        RunElsewhere: it is in another store.
        BadValue: the name is none, or there is nothing at *path*.
        NotOfRun: the run did not make it.
        OutsideProject: a link of the repository leads from it out of the project.
        ModelTaken: the run has another model of that name.
        PathsChanged: a pointer of that name is there and not committed.
        LockBusy: another xvc or git is at it, for long.
        NoIdentity: git does not know who commits.
    """
    dvc = project.needed_dvc()
    name = check_name(name if name is not None else name_of(path.name), "--name")
    if (way := project.way_out_below(path)) is not None:  # what is in the cache is pushed
        raise project.outside(way)
    with FileLock(project.room.version_lock).held(wait=_WAIT, doing="model add"):
        clear(project.git, project.pending)
        replay(project, MODELS)
        record = find(project, [reference])[0].here()
        file = replace(keep(dvc, path), left_at=_from_root(project, path))
        place = candidate_path(name, record.id)
        with opened(project) as connection:
            others = query.with_outs_or_at_work(connection, *times_around(path))
        refuse_not_made(
            dvc,
            path,
            record,
            file.digest,
            others,
            code=_tracked_in(project, path),
            touched=_only_touched(project, path),
        )
        held = record.outs.get(place)
        if held is not None and held.digest != file.digest:
            raise ModelTaken(name, record.id)
        if held is None:
            _write_down(project, record.id, {place: file})
        is_new = land_candidates(project, record.id, {place: file}) or held is None
    return AddedCandidate(name=name, run=record.id, path=place, file=file, is_new=is_new)


def keep(dvc: Dvc, path: Path, without: Collection[str] = ()) -> DataFile:
    """Put a model into the cache as a folder: its own files but those *without*, or the one file.

    Raises:
        BadValue: there is nothing, or an empty folder.
    """
    if path.is_dir():
        if not any(each.is_file() for each in path.rglob("*")):
            raise BadValue("PATH", f"{path} is an empty folder")
        return DataFile(*dvc.keep_folder(path, without))
    if not path.is_file():
        raise BadValue("PATH", f"there is no file or folder {path}")
    digest, size = dvc.keep_file(path)
    return DataFile(dvc.keep_listing({path.name: digest}), size)


def digest_of(path: Path) -> str | None:
    """Tell what `keep` would call a file or folder, without keeping it; None where nothing is."""
    if path.is_file():
        return listing_digest({path.name: md5_of(path)})
    files = [each for each in path.rglob("*") if each.is_file()]
    named = {each.relative_to(path).as_posix(): md5_of(each) for each in files}
    return listing_digest(named) if named else None


def _from_root(project: Project, path: Path) -> str | None:
    """Name where a model lies, as a tree of another place can be looked at for it."""
    place = os.path.relpath(path, project.root)
    return None if place.startswith("..") else place


def _write_down(project: Project, run: RunId, models: Mapping[str, DataFile]) -> None:
    outs: Json = {path: {**file.facts} for path, file in models.items()}
    journal = open_journal(project)
    try:
        journal.note(RecordKind.SET, run, {"outs": outs})
        journal.flush()
    finally:
        journal.close()


def land_candidates(project: Project, run: RunId, models: Mapping[str, DataFile]) -> bool:
    """Commit the pointers of a run's models, the lock held; tells whether any was new."""
    dvc = project.needed_dvc()
    files: dict[str, bytes | None] = {}
    for path, file in models.items():
        place = project.root / path
        files[project.relative(place) + SUFFIX] = dvc.pointer_text(place, file)
        ignore, text = ignore_file(path)
        files[project.relative(project.root / ignore)] = text
    head = project.git.state().commit
    if head is not None and all(project.git.read(head, p) == text for p, text in files.items()):
        return False
    names = ", ".join(sorted(which[0] for path in models if (which := candidate_of(path))))
    land(project, ModelChange(f"model {names} of run {run}", files))
    return True


def parse_models(texts: Sequence[str], folder: Path) -> tuple[ModelFile, ...]:
    """Read what ``--model`` said, before anything runs.

    Raises:
        BadValue: one is no PATH[:NAME], or two have the same name.
    """
    found = [ModelFile.parse(text) for text in texts]
    names = [each.name for each in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise BadValue("--model", f"two models are called {min(twice)}; say PATH:NAME")
    return tuple(ModelFile(os.path.normpath(folder / each.path), each.name) for each in found)


def keep_models(
    project: Project,
    run: RunId,
    since: int,
    models: Sequence[ModelFile],
    before: Before,
    warnings: list[str],
) -> dict[str, DataFile]:
    """Put what a run has left into the cache; what it did not write is older, and not its model.

    Of a folder the files that git tracks are part of the model, too.

    Args:
        project: where.
        run: whose.
        since: when it began, in nanoseconds since the epoch.
        models: where they were to be.
        before: what was there then.
        warnings: gets a sentence for each that cannot be kept.
    """
    found = {}
    for each in models:
        path = Path(each.path)
        older = before.not_written(path, since)
        if project.dvc is None or project.place is None:
            warnings.append(f"--model {path.name} needs git and DVC here; run `xvc init`")
        elif not path.exists():
            warnings.append(f"the run was to leave {path.name}, and it is not there")
        elif (way := project.way_out_below(path)) is not None:
            warnings.append(f"{project.outside(way)}; so {path.name} is not kept as a model")
        elif before.is_untouched(path, older):
            warnings.append(f"the run did not write {path.name}, so it is not a model of it")
        else:
            older = _untracked(project, path, older)
            kept = keep(project.dvc, path, without=older)
            kept = replace(kept, left_at=_from_root(project, path))
            found[candidate_path(each.name, run)] = kept
            if older:
                named = few_of([f"{path.name}/{name}" for name in older])
                warnings.append(
                    f"not in the model: {named}, which the run did not write; "
                    "a run that writes into an empty folder has all of its model"
                )
            _leave_out(project, path)
    return found


def _untracked(project: Project, folder: Path, names: Sequence[str]) -> list[str]:
    tracked = _tracked_in(project, folder) if names else ()
    return [name for name in names if name not in tracked]


def _tracked_in(project: Project, folder: Path) -> set[str]:
    """Name the files of a folder that git tracks, by their paths in it: they are code."""
    if not folder.is_dir() or not folder.is_relative_to(project.git.place.top):
        return set()
    listed = project.git.listed(f":(literal){project.relative(folder)}")
    return {os.path.relpath(project.git.place.top / name, folder) for name in listed}


def _only_touched(project: Project, path: Path) -> dict[str, set[str]]:
    """Map runs to the files below a path, named as by `times_of`, that they have only touched."""
    top, root = project.git.place.top, Path(os.path.realpath(path))
    found: dict[str, set[str]] = {}
    for run, names in touched_by_runs(project.own_room).items():
        places = [top / name for name in names]
        below = {os.path.relpath(each, root) for each in places if each.is_relative_to(root)}
        found[run] = {"" if name == "." else name for name in below}
    return found


def _leave_out(project: Project, path: Path) -> None:
    """Let git ignore the file itself: it is kept as a model, and is no code of the next run."""
    if not path.is_relative_to(project.git.place.top):
        return
    name = project.relative(path)
    if project.git.listed(f":(literal){name}") or project.git.ignored([name]):
        return
    exclude = project.git.place.common / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    add_line(exclude, f"/{name}")


def land_models(project: Project, run: RunId, models: Mapping[str, DataFile]) -> None:
    """Commit the pointers of the models that a run has left.

    Raises:
        LockBusy: another xvc or git is at it, for long; `xvc model add` completes it.
        GitFailed: git refused.
    """
    with FileLock(project.room.version_lock).held(wait=_WAIT, doing="run --model"):
        clear(project.git, project.pending)
        replay(project, MODELS)
        land_candidates(project, run, models)
