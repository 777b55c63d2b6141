"""Run every example in a folder of its own, and hold what it prints against what it says.

A line ``# > text`` in an example is what it prints there; ``…`` stands for anything. An example
whose package is not installed is skipped and says so.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


def examples() -> list[Path]:
    """List the examples by number."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def expected(example: Path) -> list[str]:
    """Read what an example says that it prints."""
    found = re.findall(r"^ *# > ?(.*)$", example.read_text(encoding="utf-8"), re.MULTILINE)
    return [line.rstrip() for line in found]


class Missing(Exception):
    """An example needs a package that is not installed."""


def printed(example: Path, folder: Path) -> list[str]:
    """Run a copy of an example in *folder* and return the lines that it printed.

    Raises:
        Missing: a package that it imports is not installed.
    """
    shutil.copy(example, folder)  # a run whose script lies outside its project cannot be tagged
    done = subprocess.run(
        [sys.executable, example.name], cwd=folder, capture_output=True, text=True, check=False
    )
    if missing := re.search(
        r"^ModuleNotFoundError: No module named '(.*)'", done.stderr, re.MULTILINE
    ):
        raise Missing(missing[1])
    if done.returncode != 0:
        return [f"failed ({done.returncode}):", *done.stderr.splitlines()]
    return [line.rstrip() for line in done.stdout.splitlines()]


def differences(said: list[str], found: list[str]) -> list[str]:
    """Name the lines that differ; none when all is as it says."""
    wrong = [
        f"says {one!r}, prints {other!r}"
        for one, other in zip(said, found, strict=False)
        if not re.fullmatch(re.escape(one).replace("…", ".*"), other)
    ]
    if len(said) != len(found):
        wrong.append(f"says {len(said)} lines, prints {len(found)}")
    return wrong


def main() -> None:
    """Run them all; leave with 1 when one does not print what it says."""
    failed = False
    for example in examples():
        try:
            with tempfile.TemporaryDirectory() as folder:
                wrong = differences(expected(example), printed(example, Path(folder)))
        except Missing as err:
            print(f"skipped {example.name}: {err} is not installed")
            continue
        print(f"{'FAILED' if wrong else 'ok':6}  {example.name}", *wrong, sep="\n        ")
        failed = failed or bool(wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
