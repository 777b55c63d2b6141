#!/usr/bin/env python3
"""Call every command of xvc in clones of hostile repositories; print a row for each repository.

A row says how many commands answered, which errors the others gave, which private files beside the
clone were opened or changed, and what is wrong: a mistake of xvc's, a call that hangs, private or
raw text that is shown. Exit 1 when anything is. Run it with the interpreter that has xvc installed.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from hostile_kinds import (
    CALLS,
    KINDS,
    MORE,
    PRIVATE,
    VARIABLE,
    Finding,
    Scene,
    made,
    prepare,
    tried,
)
from surroundings import TRAIN, Called, git, private_environment


def call(*words: str, cwd: Path | None = None) -> Called:
    """Call xvc within this process; its two streams are caught where the system has them."""
    from xvc.cli.app import call as called

    with _caught(1) as out, _caught(2) as err:
        code = called([*(["-C", str(cwd)] if cwd else []), *words])
    return Called(code, out.getvalue(), err.getvalue())


@contextmanager
def _caught(number: int) -> Iterator[io.StringIO]:
    found = io.StringIO()
    held = os.dup(number)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), number)
        try:
            yield found
        finally:
            (sys.stdout if number == 1 else sys.stderr).flush()
            os.dup2(held, number)
            os.close(held)
            file.seek(0)
            found.write(file.read().decode("utf-8", "replace"))


def template(folder: Path) -> Scene:
    """Make the project that every kind begins with."""
    tree = folder / "tree"
    tree.mkdir(parents=True)
    (tree / "train.py").write_text(TRAIN)
    (tree / ".gitignore").write_text("metrics.json\n")
    (tree / "xvc.yaml").write_text("metrics:\n  files: [metrics.json]\n")
    git(tree, "init", "-q")
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "begin")
    os.chdir(tree)
    done = call("init")
    assert done.code == 0, done
    return prepare(folder, call)


def row(name: str, finding: Finding) -> str:
    """Write what was found as a row."""
    codes = Counter(word for word in finding.said.values() if not word.startswith("!"))
    said = ", ".join(f"{word} {count}" for word, count in codes.most_common())
    parts = (name, ", ".join(finding.read) or "nothing", ", ".join(finding.written) or "nothing")
    return f"| {' | '.join(parts)} | {said} | {len(finding.wrong)} |"


def main() -> int:
    """Print the table; what is wrong follows it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", help="parts of names; none: all")
    parser.add_argument("--each", action="store_true", help="print what each command said")
    parser.add_argument("--few", action="store_true", help="leave out the rarer commands")
    parser.add_argument("--keep", type=Path, help="a folder to work in that is left as it is")
    asked = parser.parse_args()
    chosen = [name for name in KINDS if not asked.kinds or any(k in name for k in asked.kinds)]
    calls = CALLS if asked.few else (*CALLS, *MORE)
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        room = asked.keep or Path(folder)
        os.environ.update(private_environment(room / "home"))
        os.environ[VARIABLE] = PRIVATE
        first = template(room / "template")
        print("| repository | read outside | written outside | said | wrong |")
        print("|---|---|---|---|---|", flush=True)
        for number, name in enumerate(chosen):
            scene = made(KINDS[name], first, room / f"kind-{number}")
            finding = tried(scene, call, KINDS[name].calls(calls))
            print(row(name, finding), flush=True)
            for each, word in finding.said.items() if asked.each else ():
                print(f"    {each}: {word}")
            told = (*finding.read, *finding.written, *finding.wrong)
            wrong += [f"{name}: {each}" for each in told]
            os.chdir(room)
            if asked.keep is None:
                shutil.rmtree(scene.folder)
    print(f"\n{len(chosen)} repositories, {len(calls)} commands each")
    print("\n".join(wrong) or "nothing is wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
