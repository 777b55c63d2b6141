"""DVC's configuration: read and written in DVC's own grammar, which is ConfigObj's.

Four files, each over the one before: the system's, the user's, the repository's, and
``config.local``. Relative paths count from the file that they stand in.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import cast

from xvc.core.late_pattern import late
from xvc.errors import DvcFailed
from xvc.system.files import what_stands

Sections = dict[str, dict[str, str]]
"""The options of each section, names in lower case: ``{'remote "shelf"': {"url": …}}``."""

_REMOTE_PATHS = (
    *("url", "keyfile", "configpath", "credentialpath", "cert_path", "key_path"),
    *("gdrive_user_credentials_file", "gdrive_service_account_json_file_path"),
)
_NAMED = late(r'^\s*remote\s*"(.*)"\s*$')
_PLAIN = late(r"""[^\s"'#,=\[\]%\x00-\x1f\x7f-\uffff](?:[ -~]*[!-~])?""")
_QUOTED = late(r"""["'#,]|%\(|\\$""")
_SECTION = late(r"""\s*\[\s*(?:'([a-z][a-z0-9_ "-]*)'|([a-z][a-z0-9_-]*))\s*\]\s*""")
_OPTION = late(r"\s*([a-z][a-z0-9_]*)\s*=\s*(.*?)\s*")


def read_config(file: Path) -> Sections:
    """Read one file; what is not there holds nothing.

    Raises:
        DvcFailed: DVC could not read it either.
    """
    try:
        return parse_config(config_text(file), file.name)
    except PermissionError:
        return {}


def config_text(file: Path) -> str:
    """Read the text of one file; a pipe in its place would keep us waiting for ever.

    Raises:
        DvcFailed: it is no file.
        PermissionError: we may not read it.
    """
    if file.exists() and (what := what_stands(file)):
        raise DvcFailed(f"read {file.name}", f"it is {what}")
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return ""


def parse_config(text: str, name: str = "config") -> Sections:
    r"""Read the text of a configuration file, called *name* in errors.

    >>> parse_config('[cache]\n    dir = "/mnt/a, b"\n')
    {'cache': {'dir': '/mnt/a, b'}}

    Raises:
        DvcFailed: it is not in ConfigObj's grammar.
    """
    found = _simple(text)
    return _parsed(text, name) if found is None else found


def changed_config(text: str, changes: Mapping[str, Mapping[str, str | None]], name: str) -> bytes:
    """Write a text with options set, or removed where None; comments and order stay.

    Raises:
        DvcFailed: DVC could not read the old text, or cannot express a value.
    """
    from configobj import ConfigObj, ConfigObjError  # type: ignore[import-untyped]  # late: 15 ms

    try:
        held = ConfigObj(io.StringIO(text), interpolation=False, encoding="utf-8")
        for section, options in changes.items():
            for option, value in options.items():
                _set(held, section, option, value)
        lines = cast("list[bytes]", held.write() or [])
    except ConfigObjError as err:
        raise DvcFailed(f"write {name}", str(err)) from err
    parts = [part if isinstance(part, bytes) else part.encode(*_BYTES) for part in lines]
    fresh = b"\n".join([*parts, b""]) if parts else b""
    again = parse_config(fresh.decode(*_BYTES), name)
    for section, options in changes.items():
        for option, value in options.items():
            if value is not None and again.get(section, {}).get(option) != value:
                raise DvcFailed(f"write {name}", f"{option} cannot be {value!r} in DVC's grammar")
    return fresh


_BYTES = ("utf-8", "surrogateescape")


def _set(
    held: MutableMapping[str, MutableMapping[str, str]],
    section: str,
    option: str,
    value: str | None,
) -> None:
    named = next((each for each in held if each.lower() == section), section)
    if value is not None:
        held.setdefault(named, {})[option] = value
    elif named in held:
        held[named].pop(option, None)
        if not held[named]:
            del held[named]


class Config:
    """What DVC's four files say together for one repository."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._merged: dict[str, dict[str, tuple[str, Path]]] = {}
        self._files: dict[tuple[str, str], Path] = {}
        for file in reversed(files_of(root, environment)):
            for section, options in read_config(file).items():
                self._files |= dict.fromkeys(((section, name) for name in options), file)
                place = self._merged.setdefault(section, {})
                place |= {name: (value, file.parent) for name, value in options.items()}

    def get(self, section: str, option: str) -> str:
        """Return what an option says; empty when none does."""
        return self._merged.get(section, {}).get(option, ("", Path()))[0]

    def path(self, section: str, option: str) -> Path | None:
        """Return the place that an option names, as DVC resolves it."""
        value, folder = self._merged.get(section, {}).get(option, ("", Path()))
        return Path(os.path.normpath(folder / Path(value).expanduser())) if value else None

    def said_by(self, section: str, option: str) -> Path | None:
        """Return the file that says an option; None where none does."""
        return self._files.get((section, option))

    @property
    def remotes(self) -> dict[str, dict[str, str]]:
        """The options of each remote, by name; relative urls made absolute."""
        found = {}
        for section, options in self._merged.items():
            named = _NAMED.match(section)
            if named:
                found[named[1]] = {
                    option: absolute(section, option, value, folder)
                    for option, (value, folder) in options.items()
                }
        return found


def files_of(root: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name the four files of a repository, the strongest first."""
    home = Path(environment.get("HOME", "/"))
    user = environment.get("DVC_GLOBAL_CONFIG_DIR") or str(
        Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "dvc"
    )
    mac = home / "Library" / "Application Support" / "dvc"
    systems = (environment.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    system = environment.get("DVC_SYSTEM_CONFIG_DIR") or str(Path(systems[0]) / "dvc")
    own = root / ".dvc"
    shared = (Path(user), mac, Path(system), Path("/Library/Application Support/dvc"))
    return [own / "config.local", own / "config", *(folder / "config" for folder in shared)]


def absolute(section: str, option: str, value: str, folder: Path) -> str:
    """Make a relative path of a configuration absolute; what is no path stays."""
    is_path = _NAMED.match(section) is not None and option in _REMOTE_PATHS
    is_path = is_path or (section == "cache" and option == "dir")
    if not is_path or not value or re.match(r"\w+://", value) or value.startswith(("/", "~")):
        return value
    return os.path.normpath(folder / value)


def _simple(text: str) -> Sections | None:
    """Read a text that ConfigObj cannot read otherwise: plain names and values; else None."""
    found: Sections = {}
    section: dict[str, str] | None = None
    for line in text.split("\n"):
        if not line.strip(" "):
            continue
        head, option = _SECTION.fullmatch(line), _OPTION.fullmatch(line)
        if head is not None:
            name = head[1] or head[2]
            if name in found or not (head[2] or _NAMED.fullmatch(name)):
                return None
            section = found[name] = {}
        elif option is None or section is None or option[1] in section or _is_odd(option[2]):
            return None
        else:
            section[option[1]] = option[2]
    return found


def _is_odd(value: str) -> bool:
    return _PLAIN.fullmatch(value) is None or _QUOTED.search(value) is not None


def _parsed(text: str, name: str) -> Sections:
    from configobj import ConfigObj, ConfigObjError  # late: as above

    try:
        held = ConfigObj(io.StringIO(text)).dict()
    except ConfigObjError as err:
        raise DvcFailed(f"read {name}", str(err)) from err
    return {
        str(section).lower(): dict(_options(section, options, name))
        for section, options in held.items()
        if isinstance(options, dict)
    }


def _options(section: str, options: Mapping[str, object], name: str) -> Iterator[tuple[str, str]]:
    for option, value in options.items():
        if isinstance(value, list):
            text = ",".join(map(str, value))
            if absolute(str(section).lower(), option.lower(), "x", Path("/")) != "x":
                words = f"{option} = {text} is a list; put the path in quotes"
                raise DvcFailed(f"read {name}", words)
            yield option.lower(), text
        elif isinstance(value, str):
            yield option.lower(), value
