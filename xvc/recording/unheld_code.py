"""Code that a command runs and that no snapshot of the tree holds.

The scripts that the command names, and from there the modules that they import, as Python would
find them, in the tree and along $PYTHONPATH in it: what of these git ignores, what is in another
repository, and what lies outside of the tree, reached by its path or through a link. Texts decide,
nothing is executed; a name that is put together while the script runs is not known here. What is
installed is not looked at, nor what lies along $PYTHONPATH outside of the tree: that is how whoever
set the machine up gives a run its environment.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from xvc.core.code_files import is_generated, is_source
from xvc.core.late_pattern import late
from xvc.git.commands import Git
from xvc.git.submodules import ignored_paths

_INSTALLED = ("/usr/", "/bin/", "/opt/", "/nix/", "/snap/", "/proc/", "/dev/")
_OF_USERS = ("/dev/shm/", "/usr/src/")  # noqa: S108 - read only: folders of users in those of the system
_MANY = 300  # files that are followed
_LARGE = 1 << 20  # bytes of one
_IMPORT = late(
    r"(?:^|;)[ \t]*\"?[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]+)"
    r"|import[ \t]+([^\n#;]+))",
    re.MULTILINE,
)
_NAMES = late(r"([.\w]+)(?:[ \t]+as[ \t]+\w+)?")
_FILE = late(r"[\w./-]+\.\w+")
_ASKED = late(r"(?:import_module|__import__|run_module)\(\s*[\"']([.\w]+)[\"']")
_RUN = late(
    r"(?:run_path\(|(?:spec_from_file_location|SourceFileLoader)\([^,()]*,|exec\(\s*open\()\s*"
    r"[\"']([^\"']+\.py)[\"']"
)
_VARIABLE = "PYTHONPATH"
_PYTHON = (".py", ".ipynb", ".pyx")


def unheld_code(
    git: Git,
    command: Sequence[str],
    folder: Path,
    apart: Iterable[str] = (),
    searched: str = "",
) -> list[str]:
    """List the code that a command runs and a snapshot lacks, by paths from the top.

    What lies outside of the tree has its whole path.

    Args:
        git: of the tree.
        command: its words.
        folder: where it runs.
        apart: other repositories in the tree, by their paths from the top, with a slash.
        searched: what $PYTHONPATH says; the command's own words may say otherwise.
    """
    return _not_held(git, followed_code(git, command, folder, searched), apart)


def followed_code(git: Git, command: Sequence[str], folder: Path, searched: str = "") -> list[Path]:
    """List the user's files that a command runs, as `unheld_code` finds them."""
    top = git.place.top
    roots = [folder] if "-m" in command else []
    roots += [part for part in _searched(command, folder, searched) if _is_below(part, top)]
    modules = _Modules()
    begins = [*_named_in(command, folder), *_called(command, folder, modules)]
    return _followed(begins, [*roots, top / "src", top], modules, folder)


def script_text(command: Sequence[str], folder: Path) -> str:
    """Return the text of the scripts that a command names; what cannot be read says nothing."""
    named = [*_named_in(command, folder), *_called(command, folder, _Modules())]
    return "\n".join(_text_of(path) for path in named)


def scripts_in(folder: Path) -> Callable[[str], str]:
    """Return what reads the script that a word names, from a folder; what is none is empty text."""

    def text(word: str) -> str:
        place = folder / word
        return _text_of(place) if os.path.isfile(place) else ""  # of an odd name it says no

    return text


def unheld_modules(
    git: Git, files: Sequence[str], command: Sequence[str], folder: Path, searched: str
) -> list[str]:
    """List those of the files that a process ran that no snapshot holds, by paths from the top.

    The first is its script: where that lies outside of the tree, only what is inside of it counts.
    *command*, *folder* and *searched* are those of `unheld_code`.
    """
    top = git.place.top
    paths = [Path(name) for name in files]
    if paths and not _is_below(paths[0], top):
        paths = [path for path in paths if _is_below(path, top)]
    given = [part for part in _searched(command, folder, searched) if not _is_below(part, top)]
    own = [path for path in paths if not any(_is_below(path, part) for part in given)]
    return _not_held(git, own, ())


def _searched(command: Sequence[str], folder: Path, searched: str) -> list[Path]:
    """List the folders of $PYTHONPATH, which the command's own words may set."""
    said = [word.partition("=")[2] for word in command if word.startswith(f"{_VARIABLE}=")]
    parts = [part for part in (said or [searched])[-1].split(os.pathsep) if part]
    return [Path(os.path.normpath(folder / part)) for part in parts]


def _is_below(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _not_held(git: Git, paths: Iterable[Path], apart: Iterable[str]) -> list[str]:
    top = git.place.top
    inside: dict[str, str] = {}
    found = []
    for path in paths:
        real = path.resolve()
        if not real.is_relative_to(top):
            if not _is_installed(real):
                is_link = path.is_relative_to(top)
                found.append(path.relative_to(top).as_posix() if is_link else str(path))
        elif not is_generated(real.name):
            inside[real.relative_to(top).as_posix()] = ""
    others = tuple(apart)
    held = [name for name in inside if not (others and name.startswith(others))]
    lost = ignored_paths(git, held)
    lost |= inside.keys() - {*held}
    lost = {name for name in lost if not _in_environment(top / name, top)}
    return [*found, *(name for name in inside if name in lost)]


def _named_in(words: Iterable[str], folder: Path) -> Iterator[Path]:
    for word in words:
        if word and len(word) < 4096 and "\0" not in word and is_source(word):
            path = Path(os.path.normpath(folder / word))
            if os.path.isfile(path):
                yield path


def _called(command: Sequence[str], folder: Path, modules: _Modules) -> list[Path]:
    """Find the files of ``python -m package.module``."""
    words = [*command]
    if "-m" not in words[:-1]:
        return []
    name = words[words.index("-m") + 1]
    return [*modules.find(name, [folder]), *modules.find(f"{name}.__main__", [folder])]


def _is_installed(path: Path) -> bool:
    """Whether a file belongs to the system or to an environment: its packages are on record.

    >>> [_is_installed(Path(name)) for name in ("/usr/lib/a.py", "/usr/src/a.py", "/dev/shm/a.py")]
    [True, False, False]
    """
    text = str(path)
    prefixes = (*_INSTALLED, f"{sys.prefix}/", f"{sys.base_prefix}/")
    is_system = text.startswith(prefixes) and not text.startswith(_OF_USERS)
    return is_system or "/site-packages/" in text


def _in_environment(path: Path, top: Path) -> bool:
    """Whether a file of the tree belongs to an environment that lies in it."""
    return any(
        os.path.exists(folder / sign)
        for folder in path.parents
        if folder.is_relative_to(top)
        for sign in ("pyvenv.cfg", "conda-meta")
    )


def _followed(
    begins: Iterable[Path], roots: Sequence[Path], modules: _Modules, folder: Path
) -> list[Path]:
    """List the files, and those that they import or name, each once."""
    waiting = list(dict.fromkeys(begins))
    found: dict[Path, None] = {}
    scripts = [path.parent for path in waiting]
    while waiting and len(found) < _MANY:
        path = waiting.pop(0)
        if path in found:
            continue
        found[path] = None
        waiting += _next_of(path, [*scripts, *roots], modules, folder)
    return [*found]


def _next_of(path: Path, roots: Sequence[Path], modules: _Modules, folder: Path) -> list[Path]:
    text = _text_of(path)
    if path.suffix in _PYTHON:
        where = [*roots, *_added(text, path, folder)]
        names = [*_imports(text, path), *((name.lstrip("."), []) for name in _ASKED.findall(text))]
        imported = [file for name, at in names for file in modules.find(name, at or where)]
        return [*imported, *_named_in(_RUN.findall(text), folder)]
    words = _FILE.findall(text) if path.suffix in (".sh", ".bash", ".zsh") else []
    return [each for root in roots[:1] for each in _named_in(words, root)]


def _added(text: str, path: Path, folder: Path) -> list[Path]:
    if "sys.path." not in text and "addsitedir" not in text:
        return []
    from xvc.recording.search_path import searched_folders  # late: loads ast, for few scripts

    return searched_folders(text, path, folder)


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGE:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _imports(text: str, path: Path) -> Iterator[tuple[str, list[Path]]]:
    """Read the names that a file imports, each with where it is relative to, if it is."""
    for source, names, plain in _IMPORT.findall(text):
        if plain:
            yield from ((name, []) for name in _NAMES.findall(plain))
            continue
        dots = len(source) - len(source.lstrip("."))
        at = [path.parents[min(dots, len(path.parents)) - 1]] if dots else []
        module = source.lstrip(".")
        for name in _NAMES.findall(names.strip("()")):
            yield (f"{module}.{name}" if module else name), at


class _Modules:
    """Finds modules as Python would; each folder is read once, each name looked for once."""

    def __init__(self) -> None:
        self._listed: dict[str, frozenset[str]] = {}
        self._known: dict[tuple[str, tuple[Path, ...]], list[Path]] = {}

    def find(self, name: str, roots: Iterable[Path]) -> list[Path]:
        """Find the files of a dotted name below the first root that has any of it."""
        key = (name, tuple(roots))
        if key not in self._known:
            files = (self._below(name, str(root)) for root in key[1])
            self._known[key] = [Path(file) for file in next(filter(None, files), [])]
        return self._known[key]

    def _below(self, name: str, at: str) -> list[str]:
        found = []
        for part in name.split("."):
            names, inner = self._names(at), f"{at}/{part}"
            if part in names and "__init__.py" in self._names(inner):
                found.append(f"{inner}/__init__.py")
            elif f"{part}.py" in names:
                return [*found, f"{inner}.py"]
            elif part not in names:
                break
            at = inner
        return found

    def _names(self, folder: str) -> frozenset[str]:
        if folder not in self._listed:
            try:
                self._listed[folder] = frozenset(os.listdir(folder))
            except OSError:
                self._listed[folder] = frozenset()
        return self._listed[folder]
