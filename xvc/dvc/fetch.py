"""Bringing the data of a fresh clone to its places, by DVC itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from xvc.dvc.repository import complaint
from xvc.errors import DvcFailed


def pull(root: Path, paths: Sequence[str], environment: Mapping[str, str]) -> None:
    """Put tracked files, named from *root*, into a tree whose cache has none of them.

    What the remote lacks stays away; whoever needs it finds out.

    Raises:
        DvcFailed: DVC could not: no default remote, or no way to it.
    """
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "dvc", "pull", "-q", "--allow-missing", "--", *paths],
        cwd=root,
        env={**environment, "DVC_NO_ANALYTICS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise DvcFailed("pull the data", complaint(done.stderr))
