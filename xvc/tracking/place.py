"""Whether a Tracker begins its run in a project, or joins the run of a parent process."""

from __future__ import annotations

import os
from pathlib import Path

from xvc.core.run_context import VARIABLE


def is_in_project() -> bool:
    """Tell whether a Tracker that names no store would keep its run in a project's history.

    Raises:
        XvcError: the settings of the project cannot be used.
    """
    if os.environ.get(VARIABLE):
        return True
    from xvc.project import Project  # late: loads yaml

    project = Project.find(Path.cwd(), os.environ)
    return project.place is not None and project.dvc is not None
