"""Getting a model by its name: of a run or version, or what is in a stage."""

from __future__ import annotations

from pathlib import Path

from xvc.core.model import PRODUCTION, check_stage
from xvc.errors import NotFoundError
from xvc.models.list import NoModel, read_models
from xvc.models.stages import current
from xvc.project import Project
from xvc.versions.get import Got, get


class StageEmpty(NotFoundError):
    """Nothing of that model is in the stage."""

    code = "stage-empty"

    def __init__(self, name: str, stage: str) -> None:
        super().__init__(name, stage)
        self.name, self.stage = name, stage

    def __str__(self) -> str:
        return f"nothing of {self.name} is in {self.stage}"

    @property
    def hint(self) -> str:
        """Names the way to put something there."""
        return f"`xvc model promote RUN --name {self.name} --stage {self.stage}` puts one there."


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
