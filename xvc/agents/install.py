"""Copying the skills of the package to where a coding agent looks for them.

A file that is there and differs may hold somebody's own words: it is replaced only when that is
asked for, and until then nothing is written at all.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from xvc.agents.skill_files import packaged_skills
from xvc.errors import ConflictError, NotFoundError, error
from xvc.project import Project
from xvc.system.files import make_folder, write_durably


@error("no-skills")
class NoSkills(NotFoundError):
    """This xvc was installed without its skills."""

    says = "this xvc was installed without its skills"
    way = "Install `xvc-experiments` again, from a wheel or from a clone."


@error("target-in-the-way")
class TargetInTheWay(ConflictError):
    """What stands where a skill's file is to go is no file, or leads elsewhere."""

    path: str
    says = "{path} is a folder, a link or something else that is no plain file"
    way = "Move it away, or choose another folder with --dest."


@dataclass(frozen=True, slots=True)
class Installation:
    """What copying the skills does to a folder; paths are relative to it."""

    folder: Path
    skills: tuple[str, ...]
    added: tuple[str, ...]
    changed: tuple[str, ...]
    equal: tuple[str, ...]
    is_done: bool = False


def install_skills(
    project: Project, folder: Path, *, replaces: bool = False, dry_run: bool = False
) -> Installation:
    """Copy every skill into *folder*, one folder each, and return what that did.

    Where a file is there that differs, nothing is written unless *replaces* holds: then
    `is_done` is false. Files that no skill has stay as they are.

    Raises:
        NoSkills: the package has none.
        OutsideProject: a link that git tracks in the project leads out of it.
        TargetInTheWay: a folder or a link is where a file is to go.
    """
    wanted = _wanted()
    for place in {(folder / name).parent for name in wanted}:
        project.refuse_way_out(place)
    plan = _compared(folder, wanted)
    if dry_run or (plan.changed and not replaces):
        return plan
    for name in (*plan.added, *plan.changed):
        make_folder((folder / name).parent)
        write_durably(folder / name, wanted[name].read_bytes())
    return replace(plan, is_done=True)


def _wanted() -> dict[str, Path]:
    skills = packaged_skills()
    if not skills:
        raise NoSkills
    return {
        f"{skill.name}/{path.as_posix()}": skill.folder / path
        for skill in skills
        for path in skill.files
    }


def _compared(folder: Path, wanted: dict[str, Path]) -> Installation:
    added: list[str] = []
    changed: list[str] = []
    equal: list[str] = []
    for name, source in wanted.items():
        target = folder / name
        if not os.path.lexists(target):
            added.append(name)
        elif target.is_symlink() or not target.is_file():
            raise TargetInTheWay(str(target))
        else:
            (equal if target.read_bytes() == source.read_bytes() else changed).append(name)
    skills = tuple(dict.fromkeys(name.partition("/")[0] for name in wanted))
    return Installation(
        folder=folder, skills=skills, added=tuple(added), changed=tuple(changed), equal=tuple(equal)
    )
