"""Folders that are about to go: where DVC runs its experiments, and clones in temporary folders.

A run there belongs to the project that the folder was made from. Where that is not known, it is
said before the run that its record goes with the folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from xvc.errors import XvcError
from xvc.git.snapshot import RUNS
from xvc.project import Project
from xvc.system.files import TEMPORARY
from xvc.types import RunId

_DVC_RUNS = (".dvc", "tmp", "exps")
_SCRATCH = ("TMPDIR", "TEMP", "TMP", "SLURM_TMPDIR", "PBS_JOBDIR")
_MEMORY = "/dev/shm"  # noqa: S108 - read only: what lies there goes when the machine starts


def lasting(project: Project) -> Project:
    """Return the project with its runs kept where they stay, when it is in one of DVC's folders.

    ``dvc exp run --temp`` and the queue work in ``.dvc/tmp/exps`` of the project that they are for.
    """
    parts = project.root.parts
    places = [at for at in range(len(parts) - 2) if parts[at : at + 3] == _DVC_RUNS]
    if project.home is not None or project.place is None or not places:
        return project
    root = Path(*parts[: places[0]])
    try:
        home = Project.find(root, project.environment)
        is_ready = home.place is not None and home.dvc is not None
    except XvcError:
        return project
    return project.recorded_in(home) if is_ready and home.root == root else project


def bring_code(project: Project, run: RunId) -> None:
    """Bring the snapshot of a run from a folder of DVC's into the project that keeps the run.

    Raises:
        GitFailed: git could not.
    """
    home = project.home
    if home is None or home.place is None or project.place is None:
        return
    if project.root.is_relative_to(home.root.joinpath(*_DVC_RUNS)):
        ref = f"{RUNS}{run}"
        home.git.call("fetch", "--quiet", "--no-tags", str(project.place.common), f"{ref}:{ref}")


def warning_of(project: Project) -> str | None:
    """Say that a run is not going to be kept: in a clone of a project here, in a scratch folder."""
    if project.home is not None or project.place is None or project.is_alone:
        return None
    top = project.place.top
    named = [project.environment.get(name, "") for name in _SCRATCH]
    if not any(
        each and top.is_relative_to(os.path.realpath(each))
        for each in (*named, *TEMPORARY, _MEMORY)
    ):
        return None
    origin = _origin(project)
    if origin is None or origin.resolve() == top:
        return None
    return (
        f"{top} is a clone in a folder for temporary files, and this run goes with it; "
        f"`xvc push --runs` keeps it, or a run in {origin}"
    )


def _may_be_clone(project: Project) -> bool:
    """Whether the repository's own settings may name an origin: most times git is not asked."""
    if project.place is None:
        return False
    try:
        said = (project.place.common / "config").read_bytes()
    except OSError:
        return True
    return b"origin" in said or b"include" in said


def _origin(project: Project) -> Path | None:
    """The work tree that this one was cloned from, when it is a folder here."""
    if not _may_be_clone(project):
        return None
    try:
        url = project.git.text("config", "--get", "remote.origin.url", accept=(0, 1))
    except XvcError:
        return None
    place = Path(url.removeprefix("file://")) if url else None
    return place if place is not None and (place / ".git").exists() else None
