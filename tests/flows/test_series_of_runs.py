"""The series of a run is what stands before the slash in its name, and can be asked for."""

from __future__ import annotations

from pathlib import Path

import demo_project
from surroundings import Calling
from xvc.project import Project


def test_runs_are_grouped_and_filtered_by_series(project: Path, call_xvc: Calling) -> None:
    """`ls` and the page's groups know the fact `series`; a name without a slash has none."""
    call_xvc("init")
    demo_project.rich(Project.find(project, {}))

    some = call_xvc("ls", "--where", "series == 'depth-8'", "--json")
    groups = call_xvc("ls", "--group", "series", "--json")

    assert some.data["total"] == 4
    assert [each["value"] for each in groups.data["groups"]] == ["depth-8", "depth-4", "depth-2"]
