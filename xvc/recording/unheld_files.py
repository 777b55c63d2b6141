"""What lies in a tree beside the code that a snapshot holds, and what became of it during a run.

Code that was opened: which module a script loads by a name that it puts together, which plugin a
framework finds, which script a script calls, no text says beforehand. The kernel says which files
were opened. It does not say by whom, so a search through the tree at that time counts, too.

Files that were only touched: their time lies within the run, and nobody wrote to them.

Looks at what git ignores in the tree and at other repositories there; not at packages and
environments, nor at data.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from xvc.core.code_files import is_generated, is_junk
from xvc.git.commands import Git
from xvc.system.file_watch import MODIFIED, OPENED, TOUCHED, FileWatch
from xvc.system.written_files import Stamp, stamp_of

_RUN = (".py", ".sh", ".bash", ".zsh", ".r", ".R", ".jl", ".lua", ".pl", ".rb", ".m", ".sql", ".js")
_MOST_LOOKED_AT = 10_000  # entries of folders: a folder of images costs 10 ms, and no more
_MOST_WATCHED = 500  # files that are no code; the shallow ones, as models are
_ENVIRONMENT = {"pyvenv.cfg", "conda-meta"}
_CACHE, _ENDING = "__pycache__", ".pyc"
_DVC = ".dvc"


class UnheldFiles:
    """Watches what a snapshot lacks, from its making until it is closed.

    Args:
        git: of the tree.
        others: what git does not ignore and the snapshot lacks, by paths from the top: other
            repositories with a slash, and files.
        data: files and folders, by their paths from the top, that are data.
        compiled: the folder of $PYTHONPYCACHEPREFIX.
    """

    def __init__(
        self, git: Git, others: Iterable[str], data: Collection[str], compiled: str = ""
    ) -> None:
        self._top = git.place.top
        held = {each.rstrip("/") for each in data}
        self._sources: dict[str, str] = {}
        self._stamps: dict[str, Stamp] = {}
        made = CompiledFiles(compiled)
        for path in _files(self._top, [*git.ignored_here(), *others], held):
            file = f"{self._top}/{path}"
            if path.endswith(_RUN):
                self._sources |= dict.fromkeys((file, *made.of(self._top / path)), path)
            elif len(self._stamps) < _MOST_WATCHED and (stamp := stamp_of(file)):
                self._stamps[file] = stamp
        self._opened = FileWatch(self._sources, OPENED)
        self._changed = FileWatch(self._stamps, MODIFIED | TOUCHED)

    def opened(self) -> list[str]:
        """List the code that was opened, by paths from the top."""
        return sorted({self._sources[file] for file in self._opened.seen()})

    def only_touched(self) -> list[str]:
        """List the files whose time was set and to which nobody wrote, by paths from the top.

        What is written through a mapping into memory nobody sees, but that sets no time.
        """
        return sorted(
            os.path.relpath(file, self._top)
            for file, acts in self._changed.seen().items()
            if acts == TOUCHED
            and (now := stamp_of(file)) is not None
            and now[:2] == self._stamps[file][:2]
        )

    def close(self) -> None:
        """Watch no more; what was not asked for is lost."""
        self._opened.close()
        self._changed.close()


def _files(top: Path, places: Iterable[str], data: Collection[str]) -> Iterator[str]:
    """List the files at some places, the shallow ones first; of code what is no build's."""
    waiting, left = deque(places), _MOST_LOOKED_AT
    while waiting and left > 0:
        path = waiting.popleft()
        bare = path.rstrip("/")
        if bare in data or is_junk(bare) or bare.partition("/")[0] == _DVC:
            continue
        if bare == path:
            if not is_generated(path):
                yield path
            continue
        entries = _entries(f"{top}/{path}")
        left -= 1 + len(entries)
        if entries.keys().isdisjoint(_ENVIRONMENT):
            waiting += [path + name + "/" * is_folder for name, is_folder in entries.items()]


def _entries(folder: str | Path) -> dict[str, bool]:
    """Tell of each entry of a folder whether it is one, too."""
    try:
        with os.scandir(folder) as found:
            return {each.name: each.is_dir(follow_symlinks=False) for each in found}
    except OSError:
        return {}


class CompiledFiles:
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
