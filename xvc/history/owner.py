"""Which project a version is of: all projects of a repository share its tags.

A tag says in which folder its project was. One that does not (of an older xvc) is of the project
in whose folder a pointer, at its commit, names the store that the tag names. A version whose
project is nowhere any more (the folder was renamed, say) is of every project: nobody else would
show it. Reads only.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import PurePosixPath

from xvc import config
from xvc.core.tag_message import VersionInfo
from xvc.dvc.pointers import parse_pointer
from xvc.dvc.repository import pointer_of
from xvc.errors import XvcError
from xvc.project import Project

_HEADS = ("refs/heads/", "refs/remotes/")
_MARKS = (config.FILE, ".dvc/config")
_TOML = "pyproject.toml"


def folder_of(project: Project) -> str:
    """Name the folder that a project's versions say, from the top of the tree; ``.`` is the top."""
    owner = project.home if project.home is not None else project
    return owner.relative(owner.root)


def own_versions(project: Project, infos: Sequence[VersionInfo]) -> list[VersionInfo]:
    """Choose the versions of a project among all of its repository.

    A store that no project keeps is told of all: a run of it may have any.
    """
    own = folder_of(project)
    others = {info.message.project for info in infos} - {own}
    if project.is_alone or not others or (others == {None} and own == "."):
        return list(infos)
    others = {folder for folder in others if folder and is_project(project, folder)}
    theirs = _unsaid_of_others(project, infos)
    return [
        info for info in infos if info.message.project not in others and info.name not in theirs
    ]


def is_project(project: Project, folder: str) -> bool:
    """Whether a folder is a project's, in this tree or on any branch."""
    place = project.top / folder
    if config.is_marked(place) or (place / ".dvc" / "config").is_file():
        return True
    below = "" if folder == "." else f"{folder}/"
    refs = ["HEAD", *(ref for prefix in _HEADS for ref in project.git.refs(prefix))]
    names = [f"{ref}:{below}{mark}" for ref in refs for mark in (*_MARKS, _TOML)]
    held = project.git.read_each(names)
    return any(
        text is not None and (not name.endswith(_TOML) or b"[tool.xvc" in text)
        for name, text in held.items()
    )


def _unsaid_of_others(project: Project, infos: Sequence[VersionInfo]) -> set[str]:
    """Name the versions that say no project, and whose store is that of another project."""
    path = project.relative(pointer_of(project.own_store_path))
    unsaid = [i for i in infos if i.message.project is None and i.message.store is not None]
    held = project.git.read_each([f"{info.commit}:{path}" for info in unsaid])
    apart = []
    for info in unsaid:
        text = held[f"{info.commit}:{path}"]
        with suppress(XvcError):
            if text is not None and parse_pointer(text, path).digest == info.message.store:
                continue
        apart.append(info)
    stores = {str(info.message.store) for info in apart}
    lines = project.git.lines_with(stores, [info.commit for info in apart], "*.dvc")
    own = folder_of(project)
    owners = {path: _owner_now(project, path, own) for _, path, _ in lines}
    return {
        info.name
        for info in apart
        for commit, path, line in lines
        if commit == info.commit and str(info.message.store) in line
        if owners[path] not in (None, own)
    }


def _owner_now(project: Project, path: str, own: str) -> str | None:
    """Name the nearest folder above a path that is a project's now; None where none is."""
    above = map(str, PurePosixPath(path).parents)
    return next((each for each in above if each == own or is_project(project, each)), None)
