"""The skills for coding agents that come with the package: folders of text, only ever read.

A wheel has them inside the package, a clone beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xvc.system.value_files import parse_scalar

_PACKAGE = Path(__file__).parent.parent
_PLACES = (_PACKAGE / "skills", _PACKAGE.parent / "skills")
_PAGE = "SKILL.md"


@dataclass(frozen=True, slots=True)
class Skill:
    """One skill: its folder, named as the skill, and what its page says it is for."""

    folder: Path
    description: str

    @property
    def name(self) -> str:
        """The name, which is the folder's."""
        return self.folder.name

    @property
    def files(self) -> tuple[Path, ...]:
        """Its files, relative to its folder, in order."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())
        return tuple(sorted(path for path in found if "__pycache__" not in path.parts))


def packaged_skills() -> tuple[Skill, ...]:
    """Return the skills of this package, by name; none when it was installed without them."""
    pages = next((found for place in _PLACES if (found := sorted(place.glob(f"*/{_PAGE}")))), [])
    return tuple(Skill(page.parent, _description(page)) for page in pages)


def _description(page: Path) -> str:
    _, front, _ = page.read_text(encoding="utf-8").split("---\n", 2)
    facts = parse_scalar(front)
    return str(facts.get("description", "")) if isinstance(facts, Mapping) else ""
