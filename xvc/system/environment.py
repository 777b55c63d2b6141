"""What a command will run on: interpreter, platform, tools and packages.

Read from the names of folders alone, but for the notes of what is installed in place: no package
is imported, no process started, so it costs a few milliseconds. What cannot be seen that way is
left out, not guessed.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from xvc.core.late_pattern import late
from xvc.core.run import Environment
from xvc.system.in_place import installed_in_place, normal_name

_PYTHON = late(r"python(?P<version>[0-9.]*)t?")
_OURS = "xvc-experiments"
_EGG_PYTHON = late(r"-py[0-9.]+$")


def describe_environment(
    program: str | None,
    search_path: str,
    *,
    git: str | None = None,
    state_of: Callable[[Path], str] | None = None,
) -> Environment:
    """Describe what *program* would run on when it is looked up along *search_path*.

    A program from an environment's ``bin`` (its ``python``, its ``pytest``) means that
    environment; any other means the ``python`` of *search_path*, and where that tells nothing,
    the interpreter we run in. *git* is the version of git, for a caller that knows it; *state_of*
    says in which state the code of a folder is that is installed in place, empty where that does
    not matter: a package's version says nothing of it.
    """
    ours = _packages(sys.path)
    prefix, version = _interpreter(program, search_path)
    folders = _package_folders(prefix, version) if prefix is not None else []
    is_ours = prefix is None or not folders or prefix.resolve() == Path(sys.prefix).resolve()
    places = sys.path if is_ours else [str(folder) for folder in folders]
    packages = ours if is_ours else _packages(places)
    tools = {"git": git, "dvc": ours.get("dvc")}
    return Environment(
        python=platform.python_version() if is_ours else _version(prefix, version, folders),
        platform="-".join((os.uname().sysname, os.uname().release, os.uname().machine)),
        tools={name: found for name, found in tools.items() if found},
        packages=_with_states(packages, places, state_of) if state_of else packages,
    )


def environment_digest(environment: Environment) -> str:
    """Return sixteen hex digits that are equal for equal environments, on every machine.

    >>> environment_digest(Environment(packages={"a": "1", "b": "2"})) == environment_digest(
    ...     Environment(packages={"b": "2", "a": "1"})
    ... )
    True
    """
    text = json.dumps(asdict(environment), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _interpreter(program: str | None, search_path: str) -> tuple[Path | None, str]:
    for name in (program, "python3", "python"):
        found = shutil.which(name, path=search_path) if name else None
        if found is None:
            continue
        place = Path(found).absolute()
        if (place.parent.parent / "pyvenv.cfg").is_file():
            return place.parent.parent, ""
        # A link into another prefix, as of pyenv or Homebrew: the packages are over there.
        real = place.resolve()
        shape = _PYTHON.fullmatch(real.name)
        if shape is not None:
            return real.parent.parent, shape["version"]
        if (place.parent / "python").exists() and (place.parent.parent / "conda-meta").is_dir():
            return place.parent.parent, ""
    return None, ""


def _package_folders(prefix: Path, version: str) -> list[Path]:
    """Return where *prefix* keeps packages; of several interpreters, those of *version*."""
    minor = ".".join(version.split(".")[:2]) if "." in version else "*"
    roots = [prefix, prefix / "local"] if prefix == Path("/usr") else [prefix]
    shapes = [f"lib/python{minor}/site-packages", f"lib64/python{minor}/site-packages"]
    if prefix == Path("/usr"):  # where Debian puts them
        shapes += [f"lib/python{minor}/dist-packages", "lib/python3/dist-packages"]
    found = (folder for root in roots for shape in shapes for folder in sorted(root.glob(shape)))
    return list({folder.resolve(): folder for folder in found}.values())


def _version(prefix: Path | None, version: str, folders: list[Path]) -> str:
    try:
        settings = ((prefix or Path()) / "pyvenv.cfg").read_text().splitlines()
    except OSError:
        settings = []
    for line in settings:
        name, _, value = line.partition("=")
        if name.strip() in ("version", "version_info"):
            return value.strip()
    return version or folders[0].parent.name.removeprefix("python")


def _packages(folders: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for folder in folders:
        for name, version in _installed(folder):
            found.setdefault(name, version)  # the first on the path is the one imported
    return dict(sorted(found.items()))


def _with_states(
    packages: dict[str, str], folders: Iterable[str], state_of: Callable[[Path], str]
) -> dict[str, str]:
    """Add to the versions in which state the code is, and what files alone put on the path."""
    states: dict[str, list[str]] = {}
    for name, place in (each for folder in folders for each in installed_in_place(folder)):
        if name != _OURS and (state := state_of(place)) and state not in states.get(name, ()):
            states.setdefault(name, []).append(state)
    said = {
        name: " ".join(filter(None, (packages.get(name), "; ".join(found))))
        for name, found in states.items()
    }
    return dict(sorted({**packages, **said}.items()))


def _installed(folder: str) -> Iterator[tuple[str, str]]:
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return
    for name in names:
        stem, _, ending = name.rpartition(".")
        if ending in ("dist-info", "egg-info") and not stem.startswith(("~", "-")):
            bare = _EGG_PYTHON.sub("", stem) if ending == "egg-info" else stem
            package, _, version = bare.rpartition("-") if "-" in bare else (bare, "", "")
            yield normal_name(package), version
