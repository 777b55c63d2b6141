"""Letting the settings of a clone reach beyond the project, once the user allows it.

Files outside the project, environment variables, files that look like secrets in snapshots of code,
and patterns by which metrics are read; nothing else of a clone needs leave. What the settings ask
for later needs it again.
"""

from __future__ import annotations

from dataclasses import dataclass

from xvc.project import Project
from xvc.system.trusted_settings import Trusted


@dataclass(frozen=True, slots=True)
class TrustRequest:
    """What a project's settings ask for beyond the project, and which of it was new."""

    files: tuple[str, ...]
    variables: tuple[str, ...]
    patterns: tuple[str, ...]
    captures: tuple[str, ...]
    is_new: bool


def trust(project: Project, *, dry_run: bool = False) -> TrustRequest:
    """Allow what the project's settings ask for now; a rehearsal only lists it.

    Raises:
        NoProject: there is no git repository, so nothing was cloned.
        BadSetting: the settings cannot be read.
    """
    files, variables = project.asked_files(), project.asked_variables()
    patterns, captures = project.asked_patterns(), project.asked_captures()
    held = project.trusted
    wanted = Trusted(
        held.files.union(files),
        held.variables.union(variables),
        held.patterns.union(patterns),
        held.captures.union(captures),
    )
    is_new = wanted != held
    if is_new and not dry_run:
        wanted.write(project.git.place.common / "xvc")
    return TrustRequest(files, variables, patterns, captures, is_new)
