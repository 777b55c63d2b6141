"""Experiment versions: ``e<major>.<minor>.<patch>``.

Pure values: no clock, no git, no files. Refuses leading zeros, signs and any other shape.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from xvc.core.late_pattern import late
from xvc.errors import BadVersion

_SHAPE = late(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")
_LONGEST = 255  # a tag is a file under .git/refs/tags, and no file name is longer


class Bump(StrEnum):
    """Which part of a version grows."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"

    @classmethod
    def named(cls, text: str) -> Bump | None:
        """Return the part of that name; None where the text is no part, so perhaps a version.

        >>> Bump.named("minor"), Bump.named("e1.4.0")
        (<Bump.MINOR: 'minor'>, None)
        """
        return next((part for part in cls if part == text), None)


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """The name of one tagged run, ordered by its three parts."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str, prefix: str = "e") -> Version:
        """Read a version.

        >>> Version.parse("e1.4.0") < Version.parse("e1.10.0")
        True
        >>> Version.parse("exp-0.2.0", prefix="exp-")
        Version(major=0, minor=2, patch=0)

        Raises:
            BadVersion: *text* has another shape or prefix; it is kept as ``.text``.
        """
        found = _SHAPE.fullmatch(text.removeprefix(prefix))
        if found is None or not text.startswith(prefix) or len(text) > _LONGEST:
            raise BadVersion(text)
        major, minor, patch = map(int, found.groups())
        return cls(major, minor, patch)

    def bumped(self, bump: Bump) -> Version:
        """Return the version after this one; the parts behind the one that grows become 0.

        >>> str(Version(1, 4, 2).bumped(Bump.MINOR))
        'e1.5.0'
        """
        match bump:
            case Bump.MAJOR:
                return Version(self.major + 1, 0, 0)
            case Bump.MINOR:
                return Version(self.major, self.minor + 1, 0)
            case Bump.PATCH:
                return Version(self.major, self.minor, self.patch + 1)

    def name(self, prefix: str = "e") -> str:
        """Return the tag's name under another prefix.

        >>> Version(1, 4, 0).name("exp-")
        'exp-1.4.0'
        """
        return f"{prefix}{self.major}.{self.minor}.{self.patch}"

    def __str__(self) -> str:
        return self.name()


def next_version(
    existing: Iterable[Version],
    bump: Bump,
    *,
    within: Version | None = None,
    taken: Collection[Version] = (),
) -> Version:
    """Return the highest of *existing*, bumped; the first is 1.0.0, 0.1.0 or 0.0.1.

    With *within* it is the next patch of that version's minor, whatever came after it. Those of
    *taken*, which are somebody else's, are passed over.

    >>> str(next_version([], Bump.MINOR))
    'e0.1.0'
    >>> known = [Version(0, 1, 0), Version(0, 2, 0)]
    >>> str(next_version(known, Bump.PATCH, within=Version(0, 1, 0)))
    'e0.1.1'
    >>> str(next_version(known, Bump.MINOR, taken=[Version(0, 3, 0)]))
    'e0.4.0'
    """
    if within is not None:
        family = [
            each for each in existing if (each.major, each.minor) == (within.major, within.minor)
        ]
        bump, wanted = Bump.PATCH, max(family, default=within).bumped(Bump.PATCH)
    else:
        wanted = max(existing, default=Version(0, 0, 0)).bumped(bump)
    while wanted in taken:
        wanted = wanted.bumped(bump)
    return wanted
