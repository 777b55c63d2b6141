"""What the code was that no snapshot holds, as a digest: whether two runs had the same of it.

Says nothing of what it cannot read or what may be a secret; that is then not known to be the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from hashlib import sha256

from xvc.core.byte_text import as_given
from xvc.git.commands import Git
from xvc.recording.code_in_place import UNKNOWN, state_in_place
from xvc.system.path_containment import is_inside

_LARGE = 64 << 20  # bytes
_MOST_TOGETHER = 256 << 20
_SHOWN = 10  # digits: enough to tell files apart, too few to guess their content by


def unheld_digests(git: Git, names: Iterable[str]) -> dict[str, str]:
    """Map files and folders, named from the top of the tree or in full, to what lies there.

    The names are those of this project's own run; for those of other runs there is `unheld_now`.
    """
    own = [*names]
    return unheld_now(git, own, own=own)[0]


def unheld_now(
    git: Git, names: Iterable[str], *, own: Collection[str]
) -> tuple[dict[str, str], list[str]]:
    """Map what runs name to what lies there now; returns the names not looked at beside it.

    Runs may be a stranger's, from a store that was pulled: of their names files in the tree are
    looked at, and of all together so many bytes. *own* are the names that our own command has.
    """
    found: dict[str, str] = {}
    passed_over: list[str] = []
    left = _MOST_TOGETHER
    for name in names:
        path = git.place.top / as_given(name).rstrip("/")
        is_own = name in own
        try:
            if not is_own and (path.is_dir() or not is_inside(path, git.place.top)):
                passed_over.append(name)
            elif path.is_dir():
                state = state_in_place(git, path)
                found |= {name: state} if state not in ("", UNKNOWN) else {}
            elif path.is_file():
                size = path.stat().st_size
                if size > min(_LARGE, left):
                    passed_over.append(name)
                    continue
                left -= size
                found[name] = sha256(path.read_bytes()).hexdigest()[:_SHOWN]
        except (OSError, ValueError):  # no name of a file: who knows what was there
            passed_over += [] if is_own else [name]
    return found, passed_over
