"""Versions over git's history, for the page: commits as rows with lanes, and what names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xvc.git.history import Commit, recent_commits
from xvc.history.find import known_versions
from xvc.page.browser_values import Wired, wired

if TYPE_CHECKING:
    from xvc.core.tag_message import VersionInfo
    from xvc.project import Project

MOST_COMMITS = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """One commit of the graph: its lane, and the lanes that lead on from it to the next row."""

    commit: Commit
    lane: int
    leads: tuple[tuple[int, int], ...]


def graph(project: Project, limit: int = 300) -> dict[str, Wired]:
    """Lay out the newest commits of all branches, versions and trees."""
    if project.place is None:
        return {"rows": [], "lanes": 0, "more": False}
    count = min(limit, MOST_COMMITS)
    tagged: dict[str, list[VersionInfo]] = {}
    for info in known_versions(project):
        tagged.setdefault(info.commit, []).append(info)
    commits = recent_commits(project.git, count + 1)
    rows = lanes_of(commits[:count])
    heads = _heads(project)
    return {
        "rows": [_row(each, tagged.get(each.commit.id, ()), heads) for each in rows],
        "lanes": 1 + max((to for each in rows for pair in each.leads for to in pair), default=0),
        "more": len(commits) > count,
        "warnings": list(project.keeper.warnings),
    }


def lanes_of(commits: Sequence[Commit]) -> list[Row]:
    """Give each commit a lane, children above parents; a lane is free again where its line ends.

    >>> parents = {"a": ("b",), "c": ("b",), "b": ()}
    >>> rows = lanes_of([Commit(name, of, 0, "", "") for name, of in parents.items()])
    >>> [row.lane for row in rows]
    [0, 1, 0]
    """
    waited: list[str | None] = []
    rows = []
    for commit in commits:
        lane = _lane_for(waited, commit.id)
        before = list(waited)
        for place, wanted in enumerate(waited):
            if wanted == commit.id:
                waited[place] = None
        targets = [_lane_of_parent(waited, lane, parent) for parent in commit.parents]
        straight = [
            (place, place)
            for place, wanted in enumerate(before)
            if wanted is not None and wanted != commit.id
        ]
        rows.append(Row(commit, lane, tuple(straight + [(lane, to) for to in targets])))
        while waited and waited[-1] is None:
            waited.pop()
    return rows


def _lane_for(waited: list[str | None], commit: str) -> int:
    if commit in waited:
        return waited.index(commit)
    return _put(waited, commit)


def _lane_of_parent(waited: list[str | None], lane: int, parent: str) -> int:
    if parent in waited:
        return waited.index(parent)
    if waited[lane] is None:
        waited[lane] = parent
        return lane
    return _put(waited, parent)


def _put(waited: list[str | None], commit: str) -> int:
    if None in waited:
        place = waited.index(None)
        waited[place] = commit
        return place
    waited.append(commit)
    return len(waited) - 1


def _heads(project: Project) -> Mapping[str, list[tuple[str, str]]]:
    """The branches and trees at each commit."""
    from xvc.git.worktrees import trees  # late: only this page asks

    found: dict[str, list[tuple[str, str]]] = {}
    for name, commit in project.git.refs("refs/heads/").items():
        found.setdefault(commit, []).append(("branch", name.removeprefix("refs/heads/")))
    for name, commit in project.git.refs("refs/remotes/").items():
        if not name.endswith("/HEAD"):
            found.setdefault(commit, []).append(("remote", name.removeprefix("refs/remotes/")))
    for tree in trees(project.git):
        if tree.commit is not None and not tree.is_bare:
            found.setdefault(tree.commit, []).append(("tree", tree.path.name))
    return found


def _row(
    row: Row, infos: Sequence[VersionInfo], heads: Mapping[str, list[tuple[str, str]]]
) -> dict[str, Wired]:
    commit = row.commit
    return {
        "id": commit.id,
        "lane": row.lane,
        "leads": [list(pair) for pair in row.leads],
        "parents": list(commit.parents),
        "at": commit.at * 1000,
        "author": commit.author,
        "subject": commit.subject,
        "names": [list(pair) for pair in heads.get(commit.id, ())],
        "versions": [_version(each) for each in infos],
    }


def _version(info: VersionInfo) -> dict[str, Wired]:
    message = info.message
    return {
        "name": info.name,
        "run": message.run,
        "subject": message.subject,
        "metrics": wired(message.metrics),
        "params": wired(message.params),
    }
