"""The page as files that open without a server: its own files, and the answers beside them.

Each answer is a script that hands it over, because a page that was opened from a file may fetch
nothing. What was not kept is said to be so.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from xvc.errors import ConflictError, XvcError, error
from xvc.page.answers import Answers, Asked
from xvc.page.wire import document

STATIC = Path(__file__).parent / "static"
_MOST = 1_000  # runs whose own pages are kept
_CURVES = 24  # as many as the page of a run shows


@error("folder-taken")
class FolderTaken(ConflictError):
    """There is something in the folder that the page would be written into."""

    path: str
    says = "{path} is not empty"
    way = "Name a folder that is new or empty."


@dataclass(frozen=True, slots=True)
class Exported:
    """The folder, how many files are in it, and how many of all runs have pages."""

    folder: Path
    files: int
    runs: int
    total: int


def export(folder: Path, environment: Mapping[str, str], into: Path) -> Exported:
    """Write the page of a project, as it is now, into a folder; open its index.html.

    Raises:
        FolderTaken: there is something in *into*.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise FolderTaken(str(into))
    answers = Answers(folder, environment, is_read_only=True)
    into.mkdir(parents=True, exist_ok=True)
    shutil.copytree(STATIC, into / "static", ignore=shutil.ignore_patterns("index.html"))
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    page = page.replace('<html lang="en">', '<html lang="en" data-frozen>')
    (into / "index.html").write_text(page, encoding="utf-8")
    kept = into / "answers"
    kept.mkdir()
    runs, total = 0, 0
    for name, asked, answer in _frozen(answers):
        if name == "runs":
            total = cast("int", answer["total"])
        runs += name == "run"
        key = slug(name, asked)
        text = document(answer).decode()
        (kept / f"{key}.js").write_text(f'xvc.keep("{key}",{text});\n', encoding="utf-8")
    files = sum(1 for path in into.rglob("*") if path.is_file())
    return Exported(into, files, runs, total)


def slug(name: str, asked: Asked) -> str:
    """Name an answer as `slug` of ask.js does: 64-bit FNV-1a of the question.

    >>> slug("about", {})
    '3f74142d6181ea7e'
    """
    text = "\n".join([name, *(f"{key}={value}" for key, value in sorted(asked.items()))])
    found = 0xCBF29CE484222325
    for byte in text.encode("utf-8", "replace"):
        found = ((found ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{found:016x}"


def _frozen(answers: Answers) -> Iterator[tuple[str, Asked, dict[str, object]]]:
    """Answer what the page asks when somebody walks through it."""
    yield "about", {}, cast("dict[str, object]", answers.about({}))
    answers.table.read(answers.project())
    every = cast("dict[str, object]", answers.runs({}))
    yield "runs", {}, every
    rows = cast("list[list[str]]", every["rows"])
    for row in rows[:_MOST]:
        asked = {"id": row[0]}
        with suppress(XvcError):
            found = cast("dict[str, object]", answers.run(asked))
            yield "run", asked, found
            yield "log", asked, cast("dict[str, object]", answers.log(asked))
            for key in cast("list[str]", found["curves"])[:_CURVES]:
                drawn = {"runs": row[0], "key": key, "intervals": "500"}
                yield "curves", drawn, cast("dict[str, object]", answers.curves(drawn))
