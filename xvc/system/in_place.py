"""What is installed where it lies: the folders that an interpreter's packages point to.

``pip install -e`` leaves a note beside the package, and a ``.pth`` file names folders, one a line.
Reads these files alone; what cannot be read names nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from xvc.core.late_pattern import late

_INSTALLED = ("site-packages", "dist-packages")
_RUNS_OF_MARKS = late(r"[-_.]+")
_NOTE = "direct_url.json"


def normal_name(name: str) -> str:
    """Write a package's name as PEP 503 does.

    >>> normal_name("Foo_Bar.baz")
    'foo-bar-baz'
    """
    return _RUNS_OF_MARKS.sub("-", name).lower()


def installed_in_place(site: str) -> Iterator[tuple[str, Path]]:
    """Yield the packages that lie elsewhere, each with its folder, then what ``.pth`` files name.

    A folder within that of a package is not named again. Other folders than an interpreter's own
    for packages have no such files.
    """
    if os.path.basename(site.rstrip("/")) not in _INSTALLED:
        return
    try:
        names = sorted(os.listdir(site))
    except OSError:
        return
    known: list[Path] = []
    for name in names:
        if name.endswith(".dist-info") and (folder := _noted(f"{site}/{name}/{_NOTE}")) is not None:
            known.append(folder)
            yield normal_name(name.removesuffix(".dist-info").rpartition("-")[0]), folder
    for name in names:
        for folder in _named_by(site, name) if name.endswith(".pth") else ():
            if not any(folder.is_relative_to(each) for each in known):
                yield name, folder


def _noted(place: str) -> Path | None:
    try:
        with open(place, "rb") as file:
            said = json.load(file)
        return Path(unquote(urlsplit(said["url"]).path)) if said["dir_info"]["editable"] else None
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def _named_by(site: str, name: str) -> Iterator[Path]:
    try:
        lines = Path(site, name).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        said = line.strip()
        if said and "\0" not in said and not said.startswith(("#", "import ", "import\t")):
            folder = os.path.normpath(os.path.join(site, said))
            if os.path.isdir(folder):
                yield Path(folder)
