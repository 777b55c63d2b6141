"""What the command line reads once: folder, environment, colour, how loudly to speak."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.cli.output import Manner, here_or_root, say
from xvc.system.stall_timeout import Silence

if TYPE_CHECKING:
    from xvc.project import Project


@dataclass(slots=True)
class Context:
    """The surroundings of one call."""

    folder: Path = field(default_factory=here_or_root)
    manner: Manner = field(default_factory=Manner)
    words: tuple[str, ...] = ()
    held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    """What stays until the program leaves: signals that came too late to change the answer."""

    @property
    def environment(self) -> dict[str, str]:
        """The process environment, as a value."""
        return dict(os.environ)

    def progress(self, text: str) -> None:
        """Say how far long work is, to somebody who watches a terminal; of a silence, to all."""
        if sys.stderr.isatty() or isinstance(text, Silence):
            say(text, self.manner)

    def again(self, *more: str) -> str:
        """This very call with more words, ready for a shell; as it was meant, not as a plan.

        >>> Context(words=("db", "delete", "a b", "--json", "--dry-run")).again("--yes")
        "xvc db delete 'a b' --yes"
        """
        kept = [word for word in self.words if word not in ("--json", "--dry-run", *more)]
        return shlex.join(["xvc", *kept, *more])

    def project(self) -> Project:
        """Find the project of the folder."""
        from xvc.project import Project  # late: --help needs no settings

        return Project.find(self.folder, self.environment)

    def project_in(self, folder: Path) -> Project:
        """Find the project of another folder, named as seen from this one."""
        from xvc.project import Project  # late: as above

        return Project.find(self.folder / folder, self.environment)

    def cache_folder(self, named: Path | None) -> Path:
        """The folder of cached results: the one that is named, or the project's."""
        if named is not None:
            return self.folder / named
        project = self.project()
        return project.root / project.settings.cache_folder

    def project_of(self, database: Path | None) -> Project:
        """Find the project of a store, named as seen from the folder; None is the project's own."""
        if database is None:
            return self.project()
        from xvc.database.queries import project_of  # late: --help opens nothing

        return project_of(self.project(), self.folder / database)


def may_colour() -> bool:
    """Whether to colour: on a terminal, unless NO_COLOR; FORCE_COLOR decides anyway."""
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return not os.environ.get("NO_COLOR") and sys.stderr.isatty()
