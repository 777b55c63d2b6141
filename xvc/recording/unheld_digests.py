"""What the code was that no snapshot holds, as a digest: whether two runs had the same of it.

Says nothing of what it cannot read or what may be a secret; that is then not known to be the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from xvc.core.byte_text import as_given
from xvc.git.commands import Git
from xvc.recording.code_in_place import UNKNOWN, state_in_place

_LARGE = 64 << 20  # bytes
_SHOWN = 10  # digits: enough to tell files apart, too few to guess their content by


def unheld_digests(git: Git, names: Iterable[str]) -> dict[str, str]:
    """Map files and folders, named from the top of the tree or in full, to what lies there."""
    found: dict[str, str] = {}
    for name in names:
        path = git.place.top / as_given(name).rstrip("/")
        try:
            if path.is_dir():
                state = state_in_place(git, path)
                found |= {name: state} if state not in ("", UNKNOWN) else {}
            elif path.is_file() and path.stat().st_size <= _LARGE:
                found[name] = sha256(path.read_bytes()).hexdigest()[:_SHOWN]
        except OSError:
            continue
    return found
