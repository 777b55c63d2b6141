"""Which words of a command reach a program when a shell stands between: the others it drops.

``sh -c TEXT`` and a shell script hand words on by ``"$@"``, ``$1`` and the like. Where the text has
none of these, they are no options of anything. Pure, but for the reader that is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from xvc.core.late_pattern import late

_SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "ash")
_LAUNCHERS = ("srun", "salloc", "docker", "podman", "singularity", "apptainer", "sudo", "env")
_PROGRAM = late(r"(?:^|/)(?:python|pypy|Rscript|julia|node|perl|ruby)[0-9.]*$|\.(?:py|R|jl|pl|rb)$")
"""What runs by itself: a shell that is named behind it is a word like any other."""
_WITH_VALUE = late(r"[-+][A-Za-z]*[oO]|--(?:rcfile|init-file)")
_PASSED_ON = late(
    r"\$\{?[@*#1-9]|\$\{[!:]|\b(?:shift|getopts|BASH_ARGV)\b|\bfor\s+\w+\s*(?:;|\n|\bdo\b)"
    r"|(?:^|[;&|({]|\bthen\b|\bdo\b)\s*(?:source|\.)\s",
    re.MULTILINE,
)
_SHEBANG = late(r"#!.*[/ ](?:ba|da|z|k|a)?sh\b")


def _no_script(word: str) -> str:
    return ""


def handed_on(
    command: Sequence[str], script: Callable[[str], str] = _no_script
) -> tuple[list[str], list[str]]:
    """Part the words of a command: those that reach a program, and those that a shell drops.

    Args:
        command: the words.
        script: returns the text of the script that a word names; empty where there is none.

    >>> handed_on(["sh", "-c", "./t --n 3", "x", "--n", "4"])
    (['sh', '-c', './t --n 3'], ['x', '--n', '4'])
    >>> handed_on(["nice", "bash", "-ec", './t "$@"', "sh", "--n", "4"])
    (['nice', 'bash', '-ec', './t "$@"', '', '--n', '4'], ['sh'])
    >>> handed_on(["bash", "t.sh", "--n", "4"], {"t.sh": "python t.py"}.__getitem__)
    (['bash', 't.sh'], ['--n', '4'])
    >>> handed_on(["python", "t.py", "--shell", "bash", "-c", "x", "--n", "4"])[1]
    []
    >>> handed_on(["./t", "--shell", "bash", "-c", "x", "--n", "4"])[1]
    []
    >>> handed_on(["srun", "--pty", "bash", "-c", "./t", "--n", "4"])[1]
    ['--n', '4']
    """
    words = list(command)
    place = _shell_in(words)
    if place is None:
        is_deaf = bool(words) and _is_deaf_program(script(words[0]))
        return (words[:1], words[1:]) if is_deaf else (words, [])
    place += 1
    while place < len(words) and words[place][:1] in ("-", "+"):
        option = words[place]
        if option == "--":
            place += 1
            break
        if _runs_text(option):
            return _behind_text(words, place + 1)
        place += 1 + bool(_WITH_VALUE.fullmatch(option))
    text = script(words[place]) if place < len(words) else ""
    if text and _PASSED_ON.search(text) is None:
        return words[: place + 1], words[place + 1 :]
    return words, []


def _shell_in(words: Sequence[str]) -> int | None:
    """Find the shell that runs the rest; one that a program is told of, as its option, is none."""
    for place, word in enumerate(words):
        if _PROGRAM.search(word):
            return None
        if word.rpartition("/")[2] in _SHELLS:
            is_value = place > 0 and words[place - 1].startswith("--")
            is_run = words[0].rpartition("/")[2] in _LAUNCHERS
            return None if is_value and not is_run else place
    return None


def _runs_text(option: str) -> bool:
    return not option.startswith("--") and "c" in option


def _behind_text(words: list[str], place: int) -> tuple[list[str], list[str]]:
    """Part what stands behind the text of ``-c``: the name that it goes by, then the words.

    An empty word keeps the place of a name that is dropped: what is parted once is parted alike.
    """
    text = "".join(words[place : place + 1])
    if _PASSED_ON.search(text) is None:
        return words[: place + 1], words[place + 1 :]
    name = words[place + 1 : place + 2]
    is_named = "$0" in text or "${0" in text
    kept = name if is_named else [""] * len(name)
    dropped = [] if is_named else [word for word in name if word]
    return [*words[: place + 1], *kept, *words[place + 2 :]], dropped


def _is_deaf_program(text: str) -> bool:
    return _SHEBANG.match(text) is not None and _PASSED_ON.search(text) is None
