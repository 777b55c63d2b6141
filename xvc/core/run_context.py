"""What a parent hands to its child in ``XVC_CONTEXT``: the run, and where to write it down."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from xvc.types import RunId

VARIABLE = "XVC_CONTEXT"


@dataclass(frozen=True, slots=True)
class RunContext:
    """A run that is under way.

    ``root``, ``store`` and ``journals`` are absolute paths; ``sync_seconds`` is the setting of
    the parent, so that all its processes obey the same one. ``asked`` is the file of the params
    that were asked for, empty without any: they may be of any size, and an environment may not.
    ``own_store`` is that of the tree the run is in, where another one's keeps it: who names it
    means the run's.
    """

    run: RunId
    root: str
    store: str
    room: str
    tree: str
    journals: str
    sync_seconds: float | None = None
    asked: str = ""
    own_store: str = ""

    def encode(self) -> str:
        """Write it for the environment."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> RunContext | None:
        """Read it; None when it is none of ours."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def is_store(self, path: Path) -> bool:
        """Whether a path, links followed, is a store whose rows belong to this run."""
        return str(path) in (self.store, self.own_store)

    @property
    def folder(self) -> Path:
        """Where this run's journals go."""
        return Path(self.journals)


def used_beside(asked: Path) -> Path:
    """Name the file, beside that of the asked params, in which processes say what they use."""
    return asked.with_name(f"{asked.name}.used")
