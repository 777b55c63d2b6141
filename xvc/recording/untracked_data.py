"""Files that git does not ignore and no snapshot holds: a command may read them, as data.

They are too large or too many, secret, or a run wrote them. Names, sizes, times and inodes are
looked at, no byte is read: two runs that found the same had the same bytes, and of two that did not
nothing is known. What runs of the same program wrote is its own output, and is left out.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Collection, Iterable

from xvc.core.code_files import is_document, is_junk, is_source
from xvc.core.run import UNTRACKED, DataFile
from xvc.project import Project
from xvc.recording.outside_data import line_of, told
from xvc.recording.run_times import changed_at, written_by_others, written_by_runs

_MOST = 20
"""Folders told apart; of more, those at the top."""
_DIGITS = 10
_DVC = ".dvc"
_MOST_LOOKED_AT = 10_000
_ENVIRONMENT = {".env", "env"}


def untracked_data(
    project: Project, run: str, paths: Iterable[str], written: Collection[str], program: str | None
) -> dict[str, DataFile]:
    """Map files, and folders with a slash, to what tells what lies there.

    Args:
        project: whose tree is looked at.
        run: stands in what tells another repository that is too much to be looked at.
        paths: what the snapshot lacks, from the top; other repositories with a slash.
        written: those of them that runs wrote.
        program: what is to run; None leaves out whatever runs wrote.
    """
    top, passed = project.git.place.top, _no_data_of(project)
    foreign = set[str]()
    if written and program is not None:
        foreign = written_by_others(project.own_room, top, written, program)
    counted = [
        path
        for path in paths
        if (path in foreign or path not in written)
        and not _is_passed(path, passed)
        and not is_document(path, project.settings.tag_ignore)
    ]
    found: dict[str, list[str]] = {}
    for name, path in zip(_names(counted), counted, strict=True):
        found.setdefault(name, []).append(_line(top, path, run))
    said = {name: f"{UNTRACKED}:{_digest(lines)}" for name, lines in found.items()}
    return {name: DataFile(digest, state=UNTRACKED) for name, digest in said.items()}


def _no_data_of(project: Project) -> set[str]:
    """Name what xvc writes, and other projects of the repository."""
    others = {project.relative(each.root) for each in project.others()}
    return {*project.never_inputs(), *others}


def _is_passed(path: str, passed: Collection[str]) -> bool:
    folder, _, name = path.rpartition("/")
    if is_junk(folder) or (is_junk(name) and name not in _ENVIRONMENT) or _DVC in path.split("/"):
        return True
    return any(path == each or path.startswith(f"{each}/") for each in passed)


def _names(paths: list[str]) -> list[str]:
    """Name each file by its folder, or by itself where few lie at the top."""
    folders = [path if path.endswith("/") else path.rpartition("/")[0] + "/" for path in paths]
    if len(set(folders)) > _MOST:
        folders = [folder.partition("/")[0] + "/" for folder in folders]
    at_top = [path for path, folder in zip(paths, folders, strict=True) if folder == "/"]
    alone = {*at_top} if len(at_top) <= _MOST else set()
    return [
        path if path in alone else folder if folder != "/" else "./"
        for path, folder in zip(paths, folders, strict=True)
    ]


def _line(top: os.PathLike[str], path: str, run: str) -> str:
    place = os.path.join(top, path)
    if path.endswith("/"):
        return f"{path} {told(place) or run}"
    try:
        return line_of(path, os.lstat(place))
    except OSError:
        return f"{path} {run}"


def _digest(lines: Iterable[str]) -> str:
    text = "\n".join(sorted(lines)).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()[:_DIGITS]


def ignored_since(
    project: Project, since: int, program: str | None, known: Collection[str]
) -> dict[str, int]:
    """Map what git ignores and has changed since to when: a change there is on no record.

    A folder stands for what was made or removed in it. What is too much to be looked at has changed
    now, for nobody knows. What runs of the same program wrote is its own output.

    Args:
        project: whose tree is looked at.
        since: nanoseconds since the epoch.
        program: what is to run; None leaves out whatever runs wrote.
        known: files and folders, from the top, that are recorded as data.
    """
    top, passed = project.git.place.top, {*_no_data_of(project), *known}
    changed, left = dict[str, int](), _MOST_LOOKED_AT
    waiting = project.git.ignored_here()
    while waiting:
        path = waiting.pop()
        if _is_passed(path.rstrip("/"), passed) or is_source(path):  # code is known by its bytes
            continue
        left -= 1
        if left < 0:
            return {**changed, path.partition("/")[0] + "/": time.time_ns()}
        place = os.path.join(top, path.rstrip("/"))
        at = changed_at(place) or 0
        if at > since:
            changed[path.rstrip("/")] = at
        names = _entries(place) if path.endswith("/") else []
        waiting += [path + name for name in names if "pyvenv.cfg" not in names]
    if program is None:
        own = written_by_runs(project.own_room, top, changed)
        return {path: at for path, at in changed.items() if path not in own}
    others = written_by_others(project.own_room, top, changed, program)
    return {path: at for path, at in changed.items() if path in others}


def _entries(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as found:
            return [each.name + "/" * each.is_dir(follow_symlinks=False) for each in found]
    except OSError:
        return []
