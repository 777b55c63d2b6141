"""Which files of the user's own a Python process has run: its script, and the modules it loaded.

What Python brings, what is installed, also in a way that leaves it editable, and xvc itself are
none of these. Imports nothing of what it looks at.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from xvc.system.in_place import installed_in_place

_INSTALLED = ("/site-packages/", "/dist-packages/")
_XVC = f"{Path(__file__).resolve().parents[1]}{os.sep}"


def script_now() -> str | None:
    """Tell which source file this process runs; None at a prompt and in a notebook.

    To be asked before the end: Python takes the name away before exit handlers are called.
    """
    return _file_of(sys.modules.get("__main__"))


def own_files(script: str | None) -> list[str]:
    """List the source files of the modules that are loaded now; the *script* is the first.

    A process without one, or with one that is installed, lists nothing.
    """
    if script is None or _is_installed(script):
        return []
    names = {name for module in [*sys.modules.values()] if (name := _file_of(module))}
    others = sorted(name for name in names - {script} if not _is_installed(name))
    editable = () if all(_beside(name, script) for name in others) else _editable()
    return [script, *(name for name in others if not name.startswith(editable or ("\0",)))]


def leave_own_files(script: str | None, place: Path) -> None:
    """Add them to a file, for whoever watches this process; what cannot be written is not there."""
    try:
        text = "".join(json.dumps(name) + "\n" for name in own_files(script))
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("ab", buffering=0) as file:  # at once: others write there, too
            file.write(text.encode("ascii"))
    except OSError:
        return


def left_own_files(place: Path) -> list[str]:
    """Read what processes have left, each file once, and remove it; a torn line says nothing."""
    try:
        lines = place.read_bytes().splitlines()
        place.unlink()
    except OSError:
        return []
    return list(dict.fromkeys(name for line in lines if (name := _read(line)) is not None))


def _read(line: bytes) -> str | None:
    try:
        name = json.loads(line)
    except ValueError:
        return None
    return name if isinstance(name, str) else None


def _file_of(module: object) -> str | None:
    """Look only at what the module holds: one that loads late loads at any other question."""
    try:
        name = object.__getattribute__(module, "__dict__").get("__file__")
    except AttributeError:
        return None
    return os.path.abspath(name) if isinstance(name, str) and name.endswith(".py") else None


def _is_installed(name: str) -> bool:
    if any(part in name for part in _INSTALLED) or name.startswith(_XVC):
        return True
    python = os.path.dirname(os.__file__)
    return name.startswith((f"{python}{os.sep}", f"{os.path.realpath(python)}{os.sep}"))


def _beside(name: str, script: str) -> bool:
    return name.startswith(os.path.dirname(script) + os.sep)


def _editable() -> tuple[str, ...]:
    """List the folders that are installed where they lie: they are on record as packages."""
    named = (place for site in sys.path for _, place in installed_in_place(site))
    return tuple(str(folder).rstrip(os.sep) + os.sep for folder in named)
