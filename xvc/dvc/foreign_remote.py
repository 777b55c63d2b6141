"""What a clone's settings may say of a DVC remote, and what only the user's own may.

A remote may name files to read keys from, a command to call, or a folder to write into. In
``.dvc/config``, which comes with a clone, those are a stranger's words; in ``config.local`` and the
user's own configuration they are the user's.
"""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote

from xvc.dvc.config import Sections, parse_config, read_config
from xvc.dvc.repository import Dvc
from xvc.errors import ConflictError, OutsideProject, error
from xvc.system.path_containment import holds_only_objects, is_inside

OBEYED = (
    *("bearer_token_command", "configpath", "credentialpath", "keyfile", "cert_path", "key_path"),
    *("kerb_ticket", "gdrive_user_credentials_file", "gdrive_service_account_json_file_path"),
)
"""Options that have DVC call a command, or read a file that may name one or hold a key."""

_ELSEWHERE = "remote://"
_MOST = 10  # remotes that name one another


@error("remote-asks")
class RemoteAsks(ConflictError):
    """The settings of a clone have a remote call a command, or read files of this machine."""

    remote: str
    option: str
    says = "the project's settings give DVC remote {remote} a {option}, which is for you to say"
    way = (
        "Nothing was sent or brought. If it is meant, say so for this clone: "
        "`dvc remote modify --local {remote} {option} VALUE`."
    )


def refuse_foreign(dvc: Dvc, name: str, said: str | None = None) -> None:
    """Look at what the repository's own settings say of a remote, before it is opened.

    Args:
        dvc: the repository.
        name: of the remote.
        said: the text that stands in for the repository's own settings.

    Raises:
        RemoteAsks: they name a command or files.
        OutsideProject: they name a folder of something else to write into.
        DvcFailed: the settings cannot be read.
    """
    folder = dvc.root / ".dvc"
    own = _remotes(parse_config(said) if said is not None else read_config(folder / "config"))
    users = _remotes(read_config(folder / "config.local"))
    for _ in range(_MOST):
        options, mine = own.get(name.lower(), {}), users.get(name.lower(), {})
        asked = next((each for each in OBEYED if each in options and each not in mine), None)
        if asked is not None:
            raise RemoteAsks(name, asked)
        url = options.get("url", "")
        if not url or not _is_same(url, mine.get("url", url)):
            return
        if not url.startswith(_ELSEWHERE):
            _refuse_folder(dvc, name, mine.get("url", url))
            return
        name = url.removeprefix(_ELSEWHERE).partition("/")[0]


def _remotes(found: Sections) -> Sections:
    """The options of each remote, by its name in lower case."""
    named = {}
    for section, options in found.items():
        kind, _, name = section.strip().partition('"')
        if kind.strip() == "remote":
            named[name.rpartition('"')[0]] = options
    return named


def _is_same(url: str, now: str) -> bool:
    """Whether a url is the one of the tracked settings; a linked tree has it in full."""
    is_path = "://" not in url and not url.startswith(("/", "~"))
    return now == url or (is_path and Path(now).name == Path(url).name)


def _refuse_folder(dvc: Dvc, name: str, url: str) -> None:
    path = url.removeprefix("file://")
    if "://" in path:
        return
    place = Path(os.path.normpath(dvc.root / ".dvc" / Path(path).expanduser()))
    within = is_inside(place, dvc.root)
    if within and ".git" not in place.relative_to(dvc.root).parts:
        return
    if within or not holds_only_objects(place):
        way = (
            "If the folder is meant, say so for this clone: "
            f"`dvc remote modify --local {quote(name)} url {quote(str(place))}`"
        )
        raise OutsideProject(f"the url of DVC remote {name}", str(place), str(dvc.root), way)
