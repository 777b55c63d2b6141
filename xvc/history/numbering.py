"""Which version a patch follows: the latest of its own work tree, not of the repository.

Pure but for one question to git. Work trees share their tags, so the highest version is often that
of another tree.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from xvc.core.tag_message import VersionInfo
from xvc.core.version import Bump, next_version
from xvc.git.commands import Git
from xvc.types import RunId


@dataclass(frozen=True, slots=True)
class NextNumbers:
    """What the next versions of a tree would be called, if no other tree takes the number first."""

    minor: str
    patch: str


def family_of_tree(
    git: Git, infos: Sequence[VersionInfo], made_here: Collection[RunId], commit: str | None
) -> VersionInfo | None:
    """Find the version that a patch made in a tree belongs to; None where nothing says it.

    The highest that a run of this tree got, else the nearest that *commit* is built on.
    """
    own = [info for info in infos if info.message.run in made_here]
    if own:
        return max(own, key=lambda info: info.version)
    if commit is None or not infos:
        return None
    names = [f"--match={info.name}" for info in infos]
    words = ("describe", "--tags", "--abbrev=0", *names, commit)
    nearest = git.text(*words, accept=(0, 128))
    return next((info for info in infos if info.name == nearest), None)


def next_numbers(
    infos: Sequence[VersionInfo],
    family: VersionInfo | None,
    prefix: str,
    taken: Collection[VersionInfo],
) -> NextNumbers:
    """Name the next minor version, and the next patch of a family; *taken* are all there are."""
    known = [info.version for info in infos]
    within = family.version if family else None
    names = {info.version for info in taken}
    return NextNumbers(
        next_version(known, Bump.MINOR, taken=names).name(prefix),
        next_version(known, Bump.PATCH, within=within, taken=names).name(prefix),
    )
