"""What lies in a tree beside the code that a snapshot holds, and what became of it during a run.

Code that was opened: which module a script loads by a name that it puts together, which plugin a
framework finds, which script a script calls, no text says beforehand. The kernel says which files
were opened. It does not say by whom, so a search through the tree at that time counts, too.

Data that was read: files that nothing tracks, by whether the first act was to read them.

Files that were only touched: their time lies within the run, and nobody wrote to them.

Looks at what git ignores in the tree and at other repositories there; not at packages and
environments, nor at data that DVC tracks.
"""

from __future__ import annotations

import itertools
import os
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from xvc.core.code_files import MANY_FILES, is_generated, is_junk, is_record
from xvc.git.commands import Git
from xvc.system.file_watch import MODIFIED, OPENED, READ, TOUCHED, FileWatch
from xvc.system.path_containment import is_inside
from xvc.system.written_files import Stamp, stamp_of

_RUN = (".py", ".sh", ".bash", ".zsh", ".r", ".R", ".jl", ".lua", ".pl", ".rb", ".m", ".sql", ".js")
_MOST_LOOKED_AT = 10_000  # entries of folders: a folder of images costs 10 ms, and no more
_MOST_WATCHED = 500  # files that are no code; the shallow ones, as models are
_MOST_FOLDERS, _MOST_SECONDS = 200, 0.1  # of a folder outside of the tree
_ENVIRONMENT = {"pyvenv.cfg", "conda-meta"}
_CACHE, _ENDING = "__pycache__", ".pyc"
_DVC = ".dvc"


class UnheldFiles:
    """Watches what a snapshot lacks, from its making until it is closed.

    Args:
        git: of the tree.
        others: what git does not ignore and the snapshot lacks, by paths from the top: other
            repositories with a slash, and files.
        data: files and folders, by their paths from the top, that are data, or the run's own.
        compiled: the folder of $PYTHONPYCACHEPREFIX.
        named: files and folders outside of the tree that the command names, in full.
    """

    def __init__(
        self,
        git: Git,
        others: Iterable[str],
        data: Collection[str],
        compiled: str = "",
        named: Iterable[str] = (),
    ) -> None:
        self._top = git.place.top
        held = {each.rstrip("/") for each in data}
        self._sources: dict[str, str] = {}
        self._stamps: dict[str, Stamp] = {}
        self._paths: dict[str, str] = {}
        self._folders: dict[str, str] = {}
        made = CompiledFiles(compiled)
        for path in _files(self._top, [*git.ignored_here(), *others], held):
            file = f"{self._top}/{path}"
            if path.endswith("/"):
                self._folders[file] = path.rstrip("/")
            elif path.endswith(_RUN):
                self._sources |= dict.fromkeys((file, *made.of(self._top / path)), path)
            elif len(self._stamps) < _MOST_WATCHED and (stamp := stamp_of(file)):
                self._stamps[file] = stamp
                if f"{os.path.dirname(file)}/" not in self._folders:
                    self._paths[file] = path
        for place in named:
            self._add_outside(place)
        self._real = dict[str, list[str]]()  # links beside what they lead to: names of one file
        for file in self._paths:
            self._real.setdefault(os.path.realpath(file), []).append(file)
        self._opened = FileWatch([*self._real, *self._folders, *self._sources], OPENED)
        self._changed = FileWatch(self._stamps, MODIFIED | TOUCHED)
        self._first_act = FileWatch([*self._real, *self._folders], READ | MODIFIED, once=True)

    def _add_outside(self, place: str) -> None:
        if os.path.isfile(place) and (stamp := stamp_of(place)):
            self._stamps[place], self._paths[place] = stamp, place
        elif os.path.isdir(place):
            until = time.monotonic() + _MOST_SECONDS
            folders = itertools.takewhile(lambda _: time.monotonic() < until, os.walk(place))
            few = itertools.islice(folders, _MOST_FOLDERS)
            self._folders |= dict.fromkeys((at for at, _, _ in few), place)

    def opened(self) -> list[str]:
        """List the code that was opened, by paths from the top."""
        seen = self._opened.seen()
        return sorted({path for file, path in self._sources.items() if file in seen})

    def read(self) -> tuple[dict[str, Stamp], set[str]]:
        """Tell what was read that is no code: files as they were before, and folders of many.

        What was written before it was read is no input, and what was only opened for writing. A
        file that is mapped into memory is opened alone.
        """
        first = self._first_act.seen()
        read = {each for each, act in first.items() if act == READ}
        read |= self._opened.seen().keys() - first.keys()
        files = [file for real, names in self._real.items() if real in read for file in names]
        folders = {path for folder, path in self._folders.items() if folder in read}
        return {self._paths[file]: self._stamps[file] for file in files}, folders

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
        for watch in (self._opened, self._changed, self._first_act):
            watch.close()


def _files(top: Path, places: Iterable[str], data: Collection[str]) -> Iterator[str]:
    """List the files at some places, the shallow ones first; of code what is no build's.

    A folder of many files comes before them, with a slash, and so does one that is not looked into.
    A link that git ignores is followed out of the tree; those behind it are not.
    """
    waiting, left = deque(places), _MOST_LOOKED_AT
    while waiting:
        path = waiting.popleft()
        bare = path.rstrip("/")
        if bare in data or is_junk(bare) or is_record(bare) or _DVC in bare.split("/"):
            continue
        if bare == path and not _is_link_to_folder(top, path):
            if not is_generated(path):
                yield path
            continue
        if left <= 0:
            yield f"{bare}/"
            continue
        entries = _entries(f"{top}/{path}")
        left -= 1 + len(entries)
        if entries.keys().isdisjoint(_ENVIRONMENT):
            if len(entries) - sum(entries.values()) > MANY_FILES:
                yield f"{bare}/"
            waiting += [f"{bare}/{name}{'/' * is_dir}" for name, is_dir in entries.items()]


def _is_link_to_folder(top: Path, path: str) -> bool:
    file = f"{top}/{path}"
    return os.path.islink(file) and os.path.isdir(file) and not is_inside(Path(file), top)


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
