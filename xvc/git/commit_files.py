"""What a commit holds: its files, read together or written into a folder.

Touches neither the user's index nor a work tree.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from xvc.git.commands import Git

_SUBMODULE = "160000"


def files_at(git: Git, commit: str) -> dict[str, str]:
    """Map the files of a commit, by path, to their blobs; submodules are left out.

    Raises:
        GitFailed: it is no commit of this repository.
    """
    metas = {path: meta.split() for path, meta in git.blobs(commit).items()}
    return {path: meta[2] for path, meta in metas.items() if meta[0] != _SUBMODULE}


def read_files(git: Git, blobs: Mapping[str, str], paths: Iterable[str]) -> dict[str, bytes]:
    """Read files, by path, in one call of git."""
    wanted = [path for path in paths if path in blobs]
    listed = "".join(f"{blobs[path]}\n" for path in wanted).encode()
    answer = git.call("cat-file", "--batch", stdin=listed) if wanted else b""
    found, at = {}, 0
    for path in wanted:
        start = answer.index(b"\n", at) + 1
        size = int(answer[at:start].split()[2])
        found[path] = answer[start : start + size]
        at = start + size + 1
    return found


def write_files(git: Git, commit: str, paths: Iterable[str], folder: Path, scratch: Path) -> None:
    """Write files of a commit below *folder* as a checkout would: modes, links, line ends.

    Raises:
        GitFailed: git refused.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    index = scratch / f"get-{os.getpid()}-{os.urandom(4).hex()}.index"
    listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
    try:
        git.read_tree(commit, index)
        where = f"--prefix={folder}/"
        git.call("checkout-index", "-q", "-z", "--stdin", where, index=index, stdin=listed)
    finally:
        index.unlink(missing_ok=True)
