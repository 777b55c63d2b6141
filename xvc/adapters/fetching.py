"""Fetching objects from the DVC remote into the cache, by DVC itself, whatever the tree is at.

DVC fetches what pointers name. So a folder of our own gets pointers that name just what is wanted,
with the settings of the real repository: no tree and no tag has to be at that state.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from xvc.adapters.dvc import SUFFIX, Dvc, complaint, render_pointer
from xvc.adapters.outs import Out
from xvc.adapters.sharing import share_settings
from xvc.errors import DvcFailed

_NAME = "wanted"


def fetch(
    dvc: Dvc, out: Out, part: str, folder: Path, site: Path, environment: Mapping[str, str]
) -> None:
    """Fetch an output, or a *part* of a folder, from the default remote.

    Args:
        dvc: whose remote and cache.
        out: what is wanted.
        part: a path within it; empty for all of it.
        folder: where the pointer lies meanwhile; it must not exist.
        site: the folder of DVC's own state.
        environment: of the process.

    Raises:
        DvcFailed: DVC could not: no default remote, no way to it, no such object there.
    """
    own = folder / ".dvc"
    own.mkdir(parents=True)
    try:
        shared = dvc.root / ".dvc" / "config"
        (own / "config").write_bytes(shared.read_bytes() if shared.exists() else b"")
        (own / "config.local").write_text("[core]\n    no_scm = true\n")
        share_settings(dvc, folder, site)
        (folder / f"{_NAME}{SUFFIX}").write_bytes(render_pointer(_NAME, out.digest, out.size or 0))
        _call(folder, f"{_NAME}/{part}" if part else _NAME, out.path, environment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def pull(root: Path, paths: Sequence[str], environment: Mapping[str, str]) -> None:
    """Put tracked files, named from *root*, into a tree whose cache has none of them.

    What the remote lacks stays away; whoever needs it finds out.

    Raises:
        DvcFailed: DVC could not: no default remote, or no way to it.
    """
    done = _dvc(root, ["pull", "-q", "--allow-missing", "--", *paths], environment)
    if done.returncode != 0:
        raise DvcFailed("pull the data", complaint(done.stderr))


def _call(folder: Path, target: str, path: str, environment: Mapping[str, str]) -> None:
    done = _dvc(folder, ["fetch", "-q", target], environment)
    if done.returncode != 0:
        raise DvcFailed(f"fetch {path}", complaint(done.stderr))


def _dvc(
    folder: Path, words: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "dvc", *words],
        cwd=folder,
        env={**environment, "DVC_NO_ANALYTICS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


def folder_below(scratch: Path) -> Path:
    """Name a folder for one call of `fetch`."""
    return scratch / f"fetch-{os.getpid()}-{os.urandom(4).hex()}"
