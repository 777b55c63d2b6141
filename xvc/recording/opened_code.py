"""Code that no snapshot holds, and that was opened while a command ran.

Which module a script loads by a name that it puts together, which plugin a framework finds, which
script a script calls: no text says it beforehand. The kernel says which files were opened. It
does not say by whom, so a search through the tree at that time counts, too. Looks at what git
ignores in the tree and at other repositories there; not at packages and environments, nor at data.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from xvc.core.code_files import is_generated, is_junk
from xvc.git.commands import Git
from xvc.system.file_watch import OPENED, FileWatch

_RUN = (".py", ".sh", ".bash", ".zsh", ".r", ".R", ".jl", ".lua", ".pl", ".rb", ".m", ".sql", ".js")
_MOST_LOOKED_AT = 20_000  # entries of folders: a folder of images costs 10 ms, and no more
_ENVIRONMENT = ("pyvenv.cfg", "conda-meta")
_CACHE, _ENDING = "__pycache__", ".pyc"
_LOOKED_AT = ("/", *_RUN)


class OpenedCode:
    """Watches the code that a snapshot lacks, from its making until it is closed.

    Args:
        git: of the tree.
        apart: other repositories in the tree, by their paths from the top, with a slash.
        data: files and folders, by their paths from the top, that are no code.
        compiled: the folder of $PYTHONPYCACHEPREFIX.
    """

    def __init__(
        self, git: Git, apart: Iterable[str], data: Collection[str], compiled: str = ""
    ) -> None:
        top = git.place.top
        held = {each.rstrip("/") for each in data}
        self._sources: dict[str, str] = {}
        made = _Compiled(compiled)
        for path in _sources(top, [*git.ignored_here(), *apart], held):
            for file in (str(top / path), *made.of(top / path)):
                self._sources[file] = path
        self._watch = FileWatch(self._sources, OPENED)

    def opened(self) -> list[str]:
        """List what was opened, by paths from the top."""
        return sorted({self._sources[file] for file in self._watch.seen()})

    def close(self) -> None:
        """Watch no more; what was not asked for is lost."""
        self._watch.close()


def _sources(top: Path, places: Iterable[str], data: Collection[str]) -> Iterator[str]:
    """List the scripts and modules at some places, the shallow ones first."""
    waiting = deque(each for each in places if each.endswith(_LOOKED_AT))
    left = _MOST_LOOKED_AT
    while waiting and left > 0:
        path = waiting.popleft()
        bare = path.rstrip("/")
        if bare in data or is_junk(bare):
            continue
        if bare == path:
            if not is_generated(path):
                yield path
            continue
        entries = _entries(top / path)
        left -= 1 + len(entries)
        if not any(name in entries for name in _ENVIRONMENT):
            below = (
                f"{path}{name}/" if folder else path + name for name, folder in entries.items()
            )
            waiting += [each for each in below if each.endswith(_LOOKED_AT)]


def _entries(folder: Path) -> dict[str, bool]:
    """Tell of each entry of a folder whether it is one, too."""
    try:
        with os.scandir(folder) as found:
            return {each.name: each.is_dir(follow_symlinks=False) for each in found}
    except OSError:
        return {}


class _Compiled:
    """What Python made of modules: it opens that, and not the module, when nothing has changed."""

    def __init__(self, elsewhere: str) -> None:
        self._elsewhere = elsewhere
        self._listed: dict[Path, list[str]] = {}

    def of(self, source: Path) -> list[str]:
        """Name the files."""
        folder = source.parent / _CACHE
        if self._elsewhere:
            folder = Path(self._elsewhere, *source.parent.resolve().parts[1:])
        if folder not in self._listed:
            self._listed[folder] = [name for name in _entries(folder) if name.endswith(_ENDING)]
        names = self._listed[folder]
        return [str(folder / name) for name in names if name.partition(".")[0] == source.stem]
