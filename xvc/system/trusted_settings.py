"""What a user has allowed the settings of one clone to do; lies where no clone brings it along.

Reads and writes that note only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xvc.system.files import make_folder, write_durably

_FILE = "trusted.json"


@dataclass(frozen=True, slots=True)
class Trusted:
    """What is allowed, each as the project's settings write it.

    Paths outside the project, names of variables, patterns of files that look like secrets, and
    patterns by which metrics are read.
    """

    files: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()
    captures: frozenset[str] = frozenset()

    @classmethod
    def read(cls, folder: Path) -> Trusted:
        """Read the note in xvc's private folder; nothing is trusted where there is none."""
        try:
            found = json.loads((folder / _FILE).read_bytes())
            return cls(
                _names(found["files"]),
                _names(found["variables"]),
                _names(found.get("patterns", ())),
                _names(found.get("captures", ())),
            )
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            return cls()

    def write(self, folder: Path) -> None:
        """Write the note."""
        make_folder(folder)
        facts = {
            "files": sorted(self.files),
            "variables": sorted(self.variables),
            "patterns": sorted(self.patterns),
            "captures": sorted(self.captures),
        }
        write_durably(folder / _FILE, json.dumps(facts, indent=1).encode())


def _names(listed: Iterable[object]) -> frozenset[str]:
    return frozenset(each for each in listed if isinstance(each, str))
