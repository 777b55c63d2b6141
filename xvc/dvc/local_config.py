"""The private DVC settings of a linked work tree: where its cache is, and what its main tree keeps.

A clone on another machine gets the same, but for the places that are on this one's disk.

Written into ``.dvc/config.local`` only, which git ignores. Relative paths are made absolute, as
the tree lies elsewhere; what was written is noted, so that it can be mended after a move.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from xvc.dvc.config import Sections, absolute, changed_config, read_config
from xvc.dvc.foreign_remote import OBEYED
from xvc.dvc.repository import Dvc, change_local, write_local
from xvc.system.files import make_folder, write_durably

Settings = Mapping[str, Mapping[str, str]]
"""The options of each section of a DVC configuration."""


def share_settings(main: Dvc, tree: Path, site: Path, note: Path) -> bool:
    """Give the DVC repository at *tree* the settings that its main tree has privately.

    Returns whether ``config.local`` has changed.

    Args:
        main: the repository of the main tree.
        tree: the root of the linked tree's.
        site: the folder for DVC's own state.
        note: the file that remembers what was written here.

    Raises:
        DvcFailed: a configuration file cannot be read.
    """
    private = main.root / ".dvc" / "config.local"
    mode = private.stat().st_mode & 0o777 if private.exists() else 0o600
    return keep_settings(tree, _wanted(main, tree, site), note, mode=mode)


def keep_settings(
    root: Path, wanted: Settings, note: Path, *, adds: bool = True, mode: int = 0o644
) -> bool:
    """Write private settings that are missing, and mend those of ours that a move made wrong.

    What a person has set stays. Returns whether ``config.local`` has changed.

    Args:
        root: of the DVC repository.
        wanted: the settings.
        note: the file that remembers what was written here: an option that still has that value
            is ours.
        adds: whether what is missing is written, too.
        mode: of ``config.local`` where there is none yet.

    Raises:
        DvcFailed: a configuration file cannot be read.
    """
    held, ours = read_config(root / ".dvc" / "config.local"), _noted(note)
    changes: dict[str, dict[str, str | None]] = {}
    for section, options in wanted.items():
        for option, value in options.items():
            now = held.get(section, {}).get(option)
            is_ours = now is not None and (
                ours.get(section, {}).get(option) == now or _is_from_before(section, option, now)
            )
            if now != value and (is_ours or (now is None and adds)):
                changes.setdefault(section, {})[option] = value
    if changes:
        change_local(root, changes, mode=mode)
    if (changes or adds) and ours != wanted:
        make_folder(note.parent)
        text = json.dumps(wanted).encode("utf-8", "surrogateescape")
        write_durably(note, text, mode=0o600)  # remotes may have passwords
    return bool(changes)


def _noted(note: Path) -> Settings:
    try:
        found = json.loads(note.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_from_before(section: str, option: str, value: str) -> bool:
    """Whether an xvc that took no notes has written this for a place that is no more."""
    if (section, option) == ("core", "site_cache_dir"):
        return value.endswith("/xvc/dvc-site")
    is_cache = (section, option) == ("cache", "dir") and value.endswith("/.dvc/cache")
    return is_cache and not Path(value).exists()


def settle_cache(dvc: Dvc, shared: Path) -> bool:
    """Tell whether a tree is to have a cache that it shares; its own becomes that, if it has one.

    A cache that somebody has named stays, and so does one that links lead into.
    """
    own = dvc.root / ".dvc" / "cache"
    said = dvc.cache_said_by
    if said is not None and said.name != "config.local":
        return False
    if dvc.cache not in (own.resolve(), shared.resolve()):
        return said is not None and not dvc.cache.exists()  # of a place that was moved
    if own.is_symlink() or not own.is_dir() or not any(own.iterdir()):
        return True
    if shared.exists() or "symlink" in cache_type(dvc):
        return dvc.cache == shared.resolve()
    try:
        make_folder(shared.parent)
        own.rename(shared)
    except OSError:  # another file system
        return False
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
    joined = {name: {**settings.get(name, {}), **own.get(name, {})} for name in (*settings, *own)}
    write_local(root, changed_config("", joined, "config.local"), 0o600)


def cache_type(dvc: Dvc) -> str:
    """Return DVC's setting of how files are linked; empty when it has none."""
    return dvc.config.get("cache", "type")


def _wanted(main: Dvc, tree: Path, site: Path) -> Sections:
    folder = main.root / ".dvc"
    wanted: Sections = {}
    for section, option, value in _moving(read_config(folder / "config"), folder, tree / ".dvc"):
        wanted.setdefault(section, {})[option] = value
    for section, options in read_config(folder / "config.local").items():
        whole = {name: absolute(section, name, value, folder) for name, value in options.items()}
        wanted.setdefault(section, {}).update(whole)
    wanted.setdefault("cache", {})["dir"] = str(main.cache)
    wanted.setdefault("core", {})["site_cache_dir"] = str(site)
    return wanted


def _moving(found: Sections, folder: Path, tree: Path) -> Iterator[tuple[str, str, str]]:
    """Find the tracked options whose relative paths mean another place in the tree."""
    for section, options in found.items():
        for option, value in options.items():
            if option in OBEYED:
                continue  # it is for the user to say: written here it would be the user's word
            whole = absolute(section, option, value, folder)
            if whole not in (value, absolute(section, option, value, tree)):
                yield section, option, whole
