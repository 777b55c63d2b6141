"""What became of the params that were asked for with ``-P``: who takes them up, and who differs.

A command may take a param from its environment, from its Tracker, or from nowhere. What its
Trackers read and reported is in a file beside the run; what it may read from the environment is
looked for in the code.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from xvc.core.json_values import from_plain, to_plain
from xvc.core.run_context import used_beside
from xvc.core.typed_value import TypedValue, is_equal
from xvc.git.commands import Git
from xvc.types import Json

_MOST = 64 << 10  # bytes of one value in the environment; the kernel takes 128 KiB
_MOST_TOGETHER = 512 << 10
_MOST_PROGRAM = 64 << 20
_NO_CODE = (":(exclude)*.md", ":(exclude)*.rst", ":(exclude)*.txt")


@dataclass(frozen=True, slots=True)
class RequestedParams:
    """Params that a run was asked for, and the file by which its Trackers know them.

    ``settled`` are those that are known to reach the command: by a file, or by ``copy``, which
    holds a params file with all of them. ``files`` maps to those params files that say them, the
    copied one for all of a copy: whether the command opens these is seen later. ``gone`` are what
    that one says and the copy does not, as what was in a mapping that is a number now.
    """

    wanted: Mapping[str, TypedValue]
    place: Path
    settled: frozenset[str] = frozenset()
    copy: Path | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    warnings: list[str] = field(default_factory=list)

    def places(self, files: Iterable[Path]) -> dict[Path, list[Path]]:
        """Map params files to where the command finds what they say: the copied one twice.

        The copy stands for itself, too: whoever reads the file alone has not read what it says.
        """
        copied = {*self.files.values()} if self.copy is not None else set()
        copy = [] if self.copy is None else [self.copy]
        every = dict.fromkeys((*files, *self.files.values()))
        found = {path: [path, *(copy if path in copied else ())] for path in every}
        return found | {path: [path] for path in copy}

    def write(self, *, listens: bool = False) -> str:
        """Write them down for Trackers; returns the file's name, empty where there are none.

        With *listens* Trackers say beside it which params they have, also where none was asked for.
        """
        if not self.wanted and not listens:
            return ""
        self.place.parent.mkdir(parents=True, exist_ok=True)
        facts = {key: to_plain(typed.value) for key, typed in self.wanted.items()}
        self.place.write_text(json.dumps(facts), encoding="utf-8")
        return str(self.place)

    def environment(self) -> dict[str, str]:
        """Return the variables that name them; what no environment can hold is left out."""
        found: dict[str, str] = {}
        together = 0
        for key, typed in self.wanted.items():
            size = len(typed.text.encode(errors="surrogateescape"))
            together += size
            if size > _MOST or together > _MOST_TOGETHER or "\0" in typed.text:
                self.warnings.append(
                    f"{variable_of(key)} is not set, its value is too large for the environment; "
                    "a Tracker's params and --params-copy have it"
                )
            else:
                found[variable_of(key)] = typed.text
        return found

    def reported(self) -> dict[str, Json]:
        """Read what the processes of the run said they use; the last word counts."""
        place = used_beside(self.place)
        if not place.exists():
            return {}
        found: dict[str, Json] = {}
        for line in place.read_text(encoding="utf-8").splitlines():
            try:
                facts = cast("dict[str, Json]", json.loads(line))
            except ValueError:  # torn by a kill
                continue
            found |= {key: cast("Json", from_plain(value)) for key, value in facts.items()}
        return found

    def forget(self) -> None:
        """Remove the files."""
        self.place.unlink(missing_ok=True)
        used_beside(self.place).unlink(missing_ok=True)


def variable_of(key: str) -> str:
    """Name the variable of a param.

    >>> variable_of("train.lr")
    'XVC_PARAM_TRAIN_LR'
    """
    return "XVC_PARAM_" + "".join(c if c.isalnum() else "_" for c in key).upper()


def differences(asked: RequestedParams, reported: Mapping[str, Json]) -> dict[str, str]:
    """Say of each param that a process reports otherwise what was asked for and what was used."""
    return {
        key: f"{key}: {asked.wanted[key].text} was asked for, and the process used {_short(value)}"
        for key, value in reported.items()
        if key in asked.wanted and not is_equal(value, asked.wanted[key].value)
    }


def _short(value: Json) -> str:
    return TypedValue.of(value).text[:60]


def unused(
    asked: RequestedParams,
    settled: Collection[str],
    reported: Collection[str],
    git: Git | None,
    command: Sequence[str],
    folder: Path,
    *,
    by_file: bool = True,
) -> list[str]:
    """List the params that no file, no Tracker and no code can have taken up."""
    left = [key for key in asked.wanted if key not in settled and key not in reported]
    return [key for key in left if not is_named(key, git, command, folder, by_file=by_file)]


def is_named(
    key: str, git: Git | None, command: Sequence[str], folder: Path, *, by_file: bool = True
) -> bool:
    """Whether the code, or the command itself, may read a param from the environment.

    Not *by_file*: it has not opened the file that XVC_PARAMS_FILE names.
    """
    begins = re.escape(variable_of(key).removeprefix("XVC_PARAM_"))
    pattern = f"XVC_PARAM_({begins}([^A-Z0-9_]|$)|[^A-Za-z0-9_]|$)|XVC_CONTEXT"
    pattern += "|XVC_PARAMS_FILE" if by_file else ""
    sign = re.compile(pattern.encode())
    if any(sign.search(word.encode(errors="surrogateescape")) for word in command):
        return True
    if git is None or any(_mentions(path, sign) for path in _programs(command, folder)):
        return True
    return bool(git.searched(pattern, *_NO_CODE))


def never_taken_up(
    git: Git, keys: Sequence[str], command: Sequence[str], folder: Path
) -> list[str]:
    """List the params that no code of the tree can take up; none where that cannot be known."""
    if not keys or not runs_code_of(git.place.top, command, folder) or may_track(git):
        return []
    return [key for key in keys if not is_named(key, git, command, folder)]


def may_track(git: Git) -> bool:
    """Whether any code of the tree speaks of xvc, so that a Tracker may take params up."""
    return bool(git.searched(r"(^|[^A-Za-z0-9_])xvc([^A-Za-z0-9_]|$)", "*.py", "*.ipynb", "*.R"))


def runs_code_of(top: Path, command: Sequence[str], folder: Path) -> bool:
    """Whether a command names a file of the tree, so that its code is there to be looked at."""
    words = [word for word in command if word and len(word) < 4096 and "\0" not in word]
    named = [folder / word for word in words]
    if "-m" in words[:-1]:  # a module: a file, or a package of the folder
        module = folder.joinpath(*words[words.index("-m") + 1].split("."))
        named += [module.with_name(f"{module.name}.py"), module / "__main__.py"]
    return any(path.is_file() and path.resolve().is_relative_to(top) for path in named)


def _programs(command: Sequence[str], folder: Path) -> Iterator[Path]:
    """Name the files that a command consists of."""
    for number, word in enumerate(command):
        if not word or len(word) > 4096 or "\0" in word:
            continue
        found = shutil.which(word) if number == 0 and "/" not in word else None
        path = Path(found) if found else folder / word
        if path.is_file():
            yield path


def _mentions(path: Path, sign: re.Pattern[bytes]) -> bool:
    try:
        is_small = path.stat().st_size <= _MOST_PROGRAM
        return is_small and sign.search(path.read_bytes()) is not None
    except OSError:
        return False
