"""Whose a module is: Python's, an installed distribution's and of which version, or the user's.

Told from where the module lies, not from what it is called: a user's ``profile.py`` is the user's.
Imports nothing.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from hashlib import sha256
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

_INSTALLED = ("site-packages", "dist-packages")
_PYTHON = f"python {sys.version_info.major}.{sys.version_info.minor}"


class Homes:
    """Where modules come from, each looked up once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[ModuleType | None, str | None]] = {}
        self._distributions: dict[str, str | None] = {}
        paths = sysconfig.get_paths()
        self._python = tuple({f"{Path(paths[key]).resolve()}/" for key in ("stdlib", "platstdlib")})

    def of(self, name: object) -> str | None:
        """Return a package and its version, or Python and its; None when the code is the user's.

        The name is what something calls its module, which of some classes is no text.

        >>> Homes().of("json") == _PYTHON, Homes().of("__main__")
        (True, None)
        """
        if not isinstance(name, str):
            return None
        module = sys.modules.get(name)
        known = self._known.get(name)
        if known is None or known[0] is not module:
            known = self._known[name] = (module, self._find(name, module))
        return known[1]

    def _find(self, name: str, module: ModuleType | None) -> str | None:
        top = name.partition(".")[0]
        if top == "__main__":
            return None
        place = _place(name, module)
        if place in ("built-in", "frozen"):
            return _PYTHON
        if not place:
            return None
        resolved = f"{Path(place).resolve()}"
        if top != "xvc" and not any(f"/{each}/" in resolved for each in _INSTALLED):
            if resolved.startswith(self._python):
                return _PYTHON
            return _extension(name, Path(place))
        if top not in self._distributions:
            self._distributions[top] = _distribution(top)
        return self._distributions[top]


def _place(name: str, module: ModuleType | None) -> str:
    """The file that a module is from, or its folder, or that it is a part of Python itself."""
    spec = getattr(module, "__spec__", None)
    if module is None:
        try:
            spec = find_spec(name)
        except (ValueError, ImportError, AttributeError):
            return ""
    origin = getattr(spec, "origin", None)
    if origin in ("built-in", "frozen"):
        return str(origin)
    place = getattr(module, "__file__", None) or origin
    if not place:
        searched = getattr(spec, "submodule_search_locations", None)
        place = next(iter(searched or ()), "")
    return str(place or "")


def _extension(name: str, place: Path) -> str | None:
    """A compiled module that the user has built: its bytes are all that is known of it."""
    if not place.name.endswith(tuple(EXTENSION_SUFFIXES)):
        return None
    return f"{name} {sha256(place.read_bytes()).hexdigest()}"


def _distribution(top: str) -> str | None:
    """The distributions that a package comes from; without one its code is followed."""
    if top == "xvc":
        return f"xvc {sys.modules['xvc'].__version__}"
    try:
        named = metadata.distribution(top)
    except (metadata.PackageNotFoundError, ValueError):
        named = None
    if named is not None and f"{top}/__init__.py" in _files(named):
        return f"{top} {named.version}"
    found = sorted({f"{each.name} {each.version}" for each in _containing(top)})
    return f"{top} ({', '.join(found)})" if found else None


def _containing(top: str) -> Iterator[metadata.Distribution]:
    """Those that list a file of *top*: an import's name may be another than what is installed."""
    beginnings = (f"\n{top}/", f"\n{top}.py", f"\n{top}.", f"\n{top}\n")
    for each in metadata.distributions():
        files = f"\n{_files(each)}\n"
        if any(beginning in files for beginning in beginnings):
            yield each


def _files(distribution: metadata.Distribution) -> str:
    return (
        distribution.read_text("RECORD")
        or distribution.read_text("installed-files.txt")
        or distribution.read_text("top_level.txt")
        or ""
    )
