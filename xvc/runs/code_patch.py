"""The code of a run as a patch: what its snapshot has beside the commit that it was made at."""

from __future__ import annotations

from xvc.core.run import RunRecord
from xvc.errors import GitFailed
from xvc.project import Project
from xvc.versions.base import CodeAbsent


def code_patch(project: Project, run: RunRecord) -> str:
    """Write the uncommitted and untracked files of a run as a unified diff; empty without any.

    Raises:
        CodeAbsent: its code is not in this clone, or was not recorded.
    """
    from xvc.git.reading import patch  # late: loads GitPython

    code = run.code
    if code.snapshot is None or code.commit is None or project.place is None:
        raise CodeAbsent(run.id, code.snapshot or code.commit or "not recorded")
    try:
        return patch(project.git, code.commit, code.snapshot)
    except GitFailed as err:
        raise CodeAbsent(run.id, code.snapshot) from err
