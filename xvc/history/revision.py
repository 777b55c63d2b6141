"""A point in a project's history: the commit and the data that a reference to a run stands for.

A version is its own commit. A run that is no version is its snapshot, with the data it read and
the outputs it left, as they were recorded. Reads only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from xvc.core.reference import ByVersion, parse_reference
from xvc.core.run import DataFile, RunRecord
from xvc.dvc.pointers import SUFFIX, Out, outs_in
from xvc.errors import NotFoundError, error
from xvc.git.commit_files import files_at, read_files
from xvc.history.find import find, no_version, versions
from xvc.project import Project
from xvc.types import Digest


@error("no-code")
class NoCode(NotFoundError):
    """The code of a run is not in this repository."""

    run: str
    says = "the code of run {run} is not in this repository"
    way = "Where the run was made it is refs/xvc/runs/{run}: `git fetch` that ref."


@dataclass(frozen=True, slots=True)
class Revision:
    """What a reference stands for; ``name`` is the version, or the run's id.

    ``recorded`` are the outputs that the run's record names, by path from the top.
    """

    name: str
    commit: str
    is_version: bool
    recorded: Mapping[str, Out] = field(default_factory=dict)


def revision_of(project: Project, reference: str) -> Revision:
    """Find what a reference stands for.

    Raises:
        BadReference: the text can name nothing.
        NoRun: nothing answers to it.
        NoVersion: there is no such version.
        AmbiguousRun: a prefix fits several runs.
        NoCode: the run's code is not here.
    """
    parsed = parse_reference(reference, project.settings.tag_prefix)
    wanted = parsed.name if isinstance(parsed, ByVersion) else None
    record: RunRecord | None = None
    if wanted is None:
        found = find(project, [reference])[0]
        wanted, record = found.version, found.record
    if wanted is not None:
        commits = {info.name: info.commit for info in versions(project)}
        if wanted not in commits:
            raise no_version(project, wanted)
        return Revision(wanted, commits[wanted], is_version=True)
    assert record is not None  # noqa: S101 - a run that was found and is no version
    return _of_run(project, record)


def _of_run(project: Project, record: RunRecord) -> Revision:
    code = record.code
    known = code.snapshot or (None if code.is_dirty else code.commit)
    commit = project.git.commit_of(known) if known else None
    if commit is None:
        raise NoCode(record.id)
    said = f"run {record.id}"
    outs = {project.relative(project.root / path): file for path, file in record.outs.items()}
    recorded = {
        path: Out(path, Digest(file.digest), said, file.size)
        for path, file in ({**record.data, **outs}).items()
        if _is_below(path, file)
    }
    return Revision(record.id, commit, is_version=False, recorded=recorded)


def _is_below(path: str, file: DataFile) -> bool:
    parts = PurePosixPath(path)
    is_inside = not parts.is_absolute() and ".." not in parts.parts
    return is_inside and len(file.digest.removesuffix(".dir")) == 32


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is there at a point: the files of git, by path, and the outputs of DVC, by path."""

    files: Mapping[str, str]
    outs: dict[str, Out]


def holdings(project: Project, point: Revision) -> Holdings:
    """List what is there at a point.

    Without a version the store's pointer is an older one's, so it is left out.

    Raises:
        PointerCorrupt: a pointer of that commit cannot be read.
        Unresolved: one holds merge marks.
    """
    files = files_at(project.git, point.commit)
    names = [path for path in files if path.endswith(SUFFIX) or _is_lock(path)]
    pipelines = [str(PurePosixPath(path).with_name("dvc.yaml")) for path in names if _is_lock(path)]
    texts = read_files(project.git, files, [*names, *pipelines])
    outs = {out.path: out for out in outs_in(texts.get, names)}
    said = {path: out.digest for path, out in outs.items()}  # a pointer says more than a record
    outs |= {path: out for path, out in point.recorded.items() if said.get(path) != out.digest}
    if not point.is_version:
        outs = {path: out for path, out in outs.items() if path not in project.own_pointers()}
    return Holdings(files, outs)


def _is_lock(path: str) -> bool:
    return PurePosixPath(path).name == "dvc.lock"
