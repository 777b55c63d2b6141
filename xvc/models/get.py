"""Getting a model by its name: of a run or version, or what is in a stage."""

from __future__ import annotations

from pathlib import Path

from xvc.core.model import PRODUCTION, check_stage
from xvc.errors import NotFoundError, error
from xvc.models.list import NoModel, read_models
from xvc.models.stages import current
from xvc.project import Project
from xvc.versions.get import Got, get


@error("stage-empty")
class StageEmpty(NotFoundError):
    """Nothing of that model is in the stage."""

    name: str
    stage: str
    says = "nothing of {name} is in {stage}"
    way = "`xvc model promote RUN --name {name} --stage {stage}` puts one there."


def get_model(
    project: Project, name: str, target: Path, *, stage: str = PRODUCTION, replace: bool = False
) -> Got:
    """Write the model that is in a stage to *target*, a folder.

    Raises:
        NoModel: there is no model of that name.
        StageEmpty: nothing of it is in the stage.
        XvcError: those that `get` raises.
    """
    check_stage(stage)
    models = read_models(project)
    if name not in models.names:
        raise NoModel(name, models.names)
    now = current(models.history, name, stage)
    if now is None or not (now.evidence.version or now.evidence.run):
        raise StageEmpty(name, stage)
    reference = now.evidence.version or now.evidence.run
    return get(project, reference, project.root / f"model:{name}", target, replace=replace)
