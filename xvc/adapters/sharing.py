"""The private DVC settings of a linked work tree: where its cache is, and what its main tree keeps.

Written into ``.dvc/config.local`` only, which git ignores; an option that stands there stays.
Relative paths are made absolute, because the tree lies elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from xvc.adapters.dvc import Dvc, config_of, write_local

_REMOTE_PATHS = (
    *("url", "keyfile", "configpath", "credentialpath", "cert_path", "key_path"),
    *("gdrive_user_credentials_file", "gdrive_service_account_json_file_path"),
)

_Sections = dict[str, dict[str, str]]


def share_settings(main: Dvc, tree: Path, site: Path) -> bool:
    """Give the DVC repository at *tree* the settings that its main tree has privately.

    Returns whether ``config.local`` has changed.

    Raises:
        DvcFailed: a configuration file cannot be read.
    """
    local = tree / ".dvc" / "config.local"
    held = _sections(local)
    wanted = _wanted(main, tree, site)
    merged = {
        section: {**wanted.get(section, {}), **held.get(section, {})}
        for section in (*wanted, *held)
    }
    if merged == held:
        return False
    private = main.root / ".dvc" / "config.local"
    mode = private.stat().st_mode & 0o777 if private.exists() else 0o600
    write_local(tree, _written(merged), mode)
    return True


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


def _written(sections: _Sections) -> str:
    lines = []
    for section, options in sections.items():
        lines += [f"[{section}]", *(f"    {name} = {value}" for name, value in options.items())]
    return "\n".join(lines) + "\n"
