"""Commands in hints, warnings and next steps, as they work from where the user stands.

What is below speaks of files from the top of their repository, and of a project as though the user
stood there. Here the name of a file that there is becomes the one from the user's folder; with
``-C`` the command says the folder, too.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from xvc.core.late_pattern import late

_COMMAND = late(r"`((?:xvc|git|dvc) [^`]+)`(?! (?:in|from|there|where)\b)")
_WORD = late(r"(?:'[^']*'|[^\s'])+")
_OF_FILES = (
    *("dvc add", "dvc checkout", "dvc commit", "dvc fetch", "dvc pull", "dvc push", "dvc remove"),
    *("dvc repro", "dvc unprotect", "dvc update", "git add", "git checkout", "git commit"),
    *("git diff", "git rm", "git submodule", "xvc model add"),
)
_FOLDER = {"xvc": "-C", "git": "-C", "dvc": "--cd"}


def text_from_here(text: str, folder: Path, led: str | None = None) -> str:
    """Change the commands between backticks; those that are for another place stay.

    >>> text_from_here("`xvc pull` brings it; `xvc push` there", Path("/"), "a b")
    "`xvc -C 'a b' pull` brings it; `xvc push` there"
    """
    if "`" not in text:
        return text
    return _COMMAND.sub(lambda found: f"`{from_here(found[1], folder, led)}`", text)


def from_here(command: str, folder: Path, led: str | None = None) -> str:
    """Change one command: *folder* is where xvc worked, *led* what ``-C`` said."""
    verb = next((each for each in _OF_FILES if command.startswith(f"{each} ")), None)
    if verb is not None:
        files = _WORD.sub(lambda found: _reached(found[0], folder), command[len(verb) :])
        command = verb + files
    program, _, rest = command.partition(" ")
    if led is None or program not in _FOLDER or rest.startswith("init") or " -C " in f" {rest}":
        return command
    return f"{program} {_FOLDER[program]} {shlex.quote(led)} {rest}"


def _reached(word: str, folder: Path) -> str:
    try:
        name = "".join(shlex.split(word))
    except ValueError:
        return word
    if not name or name.startswith(("-", "/", ":")):
        return word
    homes = [folder]
    while not os.path.lexists(homes[-1] / ".git") and homes[-1].parent != homes[-1]:
        homes.append(homes[-1].parent)
    for home in reversed(homes):  # what is said is said from the top
        if os.path.lexists(home / name) or os.path.lexists(home / f"{name}.dvc"):
            return shlex.quote(os.path.relpath(home / name, folder))
    return word
