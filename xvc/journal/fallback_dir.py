"""Where journals go that cannot be written where they belong: a full disk, a read-only tree.

In the temporary folder, named by where they belong, so that the next xvc finds them. Trusts no
folder that another user could have made.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from xvc.system.files import temporary_folder


def fallback_of(home: Path) -> Path:
    """Name the fallback folder of the journals that belong in *home*."""
    key = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return temporary_folder() / f"xvc-{os.getuid()}" / key


def make_fallback(home: Path) -> Path:
    """Make the fallback folder of *home*, for this user only.

    Raises:
        OSError: there is no room there either, or the name is somebody else's.
    """
    folder = fallback_of(home)
    for path in (folder.parent, folder):
        path.mkdir(mode=0o700, exist_ok=True)
        if not is_ours(path):
            raise PermissionError(f"{path} belongs to another user")
    return folder


def is_ours(folder: Path) -> bool:
    """Whether it is a folder of this user that nobody else can write to."""
    try:
        facts = folder.lstat()
    except OSError:
        return False
    mine = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid()
    return mine and not facts.st_mode & 0o022
