"""The private DVC settings of a linked work tree: where its cache is, and what its main tree keeps.

A clone on another machine gets the same, but for the places that are on this one's disk.

Written into ``.dvc/config.local`` only, which git ignores; an option that stands there stays.
Relative paths are made absolute, because the tree lies elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from xvc.dvc.repository import Dvc, config_of, write_local

_REMOTE_PATHS = (
    *("url", "keyfile", "configpath", "credentialpath", "cert_path", "key_path"),
    *("gdrive_user_credentials_file", "gdrive_service_account_json_file_path"),
)

_Sections = dict[str, dict[str, str]]
Settings = Mapping[str, Mapping[str, str]]
"""The options of each section of a DVC configuration."""


def share_settings(main: Dvc, tree: Path, site: Path) -> bool:
    """Give the DVC repository at *tree* the settings that its main tree has privately.

    Returns whether ``config.local`` has changed.

    Raises:
        DvcFailed: a configuration file cannot be read.
    """
    local = tree / ".dvc" / "config.local"
    held = _sections(local)
    wanted = _wanted(main, tree, site)
    merged = _joined(wanted, held)
    if merged == held:
        return False
    private = main.root / ".dvc" / "config.local"
    mode = private.stat().st_mode & 0o777 if private.exists() else 0o600
    write_local(tree, _written(merged), mode)
    return True


def settings_away(dvc: Dvc) -> Settings:
    """Read the private settings that a clone on another machine needs: remotes and credentials.

    Raises:
        DvcFailed: a configuration file cannot be read.
    """
    found = _wanted(dvc, Path("/"), Path("/"))
    del found["cache"]["dir"], found["core"]["site_cache_dir"]
    return {section: options for section, options in found.items() if options}


def settle_away(settings: Settings, root: Path, cache: Path, site: Path) -> None:
    """Give the DVC repository of a clone the settings that `settings_away` has read.

    Args:
        settings: of the repository at home.
        root: of the clone's.
        cache: the folder for its objects.
        site: the folder for DVC's own state.
    """
    own = {"cache": {"dir": str(cache)}, "core": {"site_cache_dir": str(site)}}
    write_local(root, _written(_joined(settings, own)), 0o600)


def cache_type(dvc: Dvc) -> str:
    """Return DVC's setting of how files are linked; empty when it has none."""
    for name in ("config.local", "config"):
        found = config_of(dvc.root / ".dvc" / name).get("cache", "type", fallback="")
        if found:
            return found
    return ""


def _wanted(main: Dvc, tree: Path, site: Path) -> _Sections:
    folder = main.root / ".dvc"
    wanted: _Sections = {}
    for section, option, value in _moving(_sections(folder / "config"), folder, tree / ".dvc"):
        wanted.setdefault(section, {})[option] = value
    for section, options in _sections(folder / "config.local").items():
        whole = {name: _absolute(section, name, value, folder) for name, value in options.items()}
        wanted.setdefault(section, {}).update(whole)
    wanted.setdefault("cache", {})["dir"] = str(main.cache)
    wanted.setdefault("core", {})["site_cache_dir"] = str(site)
    return wanted


def _moving(found: _Sections, folder: Path, tree: Path) -> Iterator[tuple[str, str, str]]:
    """Find the tracked options whose relative paths mean another place in the tree."""
    for section, options in found.items():
        for option, value in options.items():
            whole = _absolute(section, option, value, folder)
            if whole not in (value, _absolute(section, option, value, tree)):
                yield section, option, whole


def _absolute(section: str, option: str, value: str, folder: Path) -> str:
    bare = value.strip("'\"")
    is_path = "remote" in section and option in _REMOTE_PATHS
    is_path = is_path or (section.strip("'\"") == "cache" and option == "dir")
    if not is_path or not bare or "://" in bare or bare.startswith(("/", "~")):
        return value
    return os.path.normpath(folder / bare)


def _sections(file: Path) -> _Sections:
    parser = config_of(file)
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _joined(under: Settings, over: Settings) -> _Sections:
    sections = dict.fromkeys((*under, *over))
    return {name: {**under.get(name, {}), **over.get(name, {})} for name in sections}


def _written(sections: _Sections) -> str:
    lines = []
    for section, options in sections.items():
        lines += [f"[{section}]", *(f"    {name} = {value}" for name, value in options.items())]
    return "\n".join(lines) + "\n"
