"""Describing one model: what it is made of, what its run says, why it is in its stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xvc.core.model import candidate_path
from xvc.dvc.outputs import digests_of, object_of
from xvc.dvc.pointers import Out
from xvc.errors import NoObject
from xvc.history.find import find
from xvc.models.list import Candidate, NoModel, read_models
from xvc.models.promote import models_of
from xvc.models.stages import Assignment, current
from xvc.project import Project
from xvc.types import Digest


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model, the digests of its files by path, and what put it into its newest stage."""

    candidate: Candidate
    files: Mapping[str, str]
    held: Assignment | None
    is_cached: bool


def model_info(project: Project, name: str, reference: str) -> ModelInfo:
    """Describe a model of a run or version, or the one that is in a stage.

    Raises:
        NoModel: there is no such model, or the run has none of that name.
        NoRun: the reference names neither a stage that holds it nor a run.
        ObjectCorrupt: the list of its files is not what its name says.
    """
    models = read_models(project)
    if name not in models.names:
        raise NoModel(name, models.names)
    now = current(models.history, name, reference)
    run = now.evidence.run if now is not None and now.evidence.run else None
    found = None if run else find(project, [reference])[0]
    wanted = run or (found.record.id if found else "")
    each = next((each for each in models.of(name) if each.id == wanted), None)
    if each is None and found is not None:
        having = models_of(found.record)
        if name not in having:
            raise NoModel(name, tuple(sorted(having)), found.record.id)
        each = Candidate(
            name=name,
            id=found.record.id,
            file=having[name],
            version=found.version,
            stages=(),
            run=found.record,
            is_here=False,
        )
    if each is None:
        raise NoModel(name, models.names)
    stages = [held for stage in each.stages if (held := current(models.history, name, stage))]
    held = max(stages, key=lambda held: held.number, default=None)
    files, is_cached = _files(project, each)
    return ModelInfo(each, files, held, is_cached)


def _files(project: Project, each: Candidate) -> tuple[dict[str, str], bool]:
    dvc = project.needed_dvc()
    folder = candidate_path(each.name, each.id)
    out = Out(folder, Digest(each.file.digest), folder, each.file.size)
    try:
        found = digests_of(dvc, out)
    except NoObject:
        return {}, False
    named = {path.removeprefix(f"{folder}/"): digest for path, digest in found.items()}
    return named, all(object_of(dvc, digest).is_file() for digest in found.values())
