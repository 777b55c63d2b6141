"""Versions whose run this tree's store should have and has not.

A merge that took one side of the store's pointer (on a server, by hand, squashed, rebased) leaves
the runs of the other side out. Their versions still hold them: `xvc merge --missing` brings them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from xvc.core.human_units import few_of
from xvc.core.tag_message import VersionInfo
from xvc.git.snapshot import RUNS
from xvc.history.owner import folder_of
from xvc.project import Project
from xvc.types import RunId

_NAMED = 5  # versions that a warning names


def missing_versions(
    project: Project, infos: Sequence[VersionInfo], runs: Collection[RunId]
) -> list[VersionInfo]:
    """List the versions that belong to this branch and whose run is not among *runs*.

    A version belongs to it if its commit is part of HEAD; if its change is in HEAD without the
    commit, as after a squash, a rebase or a pick (`brought_otherwise`); or if no branch has its
    commit and the run was made in another clone, so that only the tag is left. A version on another
    branch does not count: its runs come when that branch is merged. Nor does one that says another
    folder: its store was there.

    Raises:
        GitFailed: git cannot list the commits.
    """
    own = (None, folder_of(project))
    absent = [
        info
        for info in infos
        if info.message.run is not None
        and info.message.run not in runs
        and info.message.project in own
    ]
    newest = ("rev-list", "--max-count=1", "--timestamp", "HEAD")
    made = project.git.text(*newest, accept=(0, 128)) if absent else ""
    if not made:
        return []
    commits = [info.commit for info in absent]
    apart = _not_reached(project, commits, "HEAD")
    nowhere = _not_reached(project, commits, "HEAD", "--branches", "--remotes")
    here = {RunId(ref.removeprefix(RUNS)) for ref in project.git.refs(RUNS)} if nowhere else set()
    at = int(made.split()[0])
    missing, open_ones = set[str](), list[VersionInfo]()
    for info in absent:
        if info.commit not in apart or (info.commit in nowhere and info.message.run not in here):
            missing.add(info.name)
        elif info.at <= at:  # else HEAD is older, and cannot have its change
            open_ones.append(info)
    if open_ones:
        from xvc.history.brought_otherwise import brought_otherwise  # late: few branches are open

        missing |= brought_otherwise(project, open_ones)
    return [info for info in absent if info.name in missing]


def _not_reached(project: Project, commits: Sequence[str], *heads: str) -> set[str]:
    """Which commits no head has among its ancestors."""
    found = project.git.text("rev-list", "--no-walk=unsorted", *commits, "--not", *heads)
    return set(found.split())


def warning_of(missing: Sequence[VersionInfo]) -> str:
    """Say which versions' runs are missing, and what brings them; empty if none is."""
    if not missing:
        return ""
    names = few_of([info.name for info in missing], _NAMED)
    if len(missing) == 1:
        said, them = f"the run of {names} is not in this store, although the version belongs", "it"
    else:
        said = f"the runs of {names} are not in this store, although the versions belong"
        them = "them"
    return f"{said} to this branch; `xvc merge --missing` brings {them}"
