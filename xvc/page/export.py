"""The page as files that open without a server: its own files, and the answers beside them.

Each answer is a script that hands it over, because a page that was opened from a file may fetch
nothing. What was not kept is said to be so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl

from xvc.errors import ConflictError, XvcError, error
from xvc.page.answers import Answers, Asked
from xvc.page.browser_values import Wired, document
from xvc.page.files import index, page_files
from xvc.page.subjects import QUESTIONS

_MOST = 1_000  # runs whose own pages are kept
_CURVES = 24  # as many as the page of a run shows
_DRAWN = 50  # runs whose curves are drawn over each other
_GROUPED = 40  # params by which groups are kept
_FILES = 50  # files of a comparison whose difference is kept
_COMPARED = 16  # as many as a comparison draws


_Kept = tuple[str, Asked, dict[str, object]]
"""The name of a question, its words, and the answer."""


@error("folder-taken")
class FolderTaken(ConflictError):
    """There is something in the folder that the page would be written into."""

    path: str
    says = "{path} is not empty"
    way = "Name a folder that is new or empty."


@dataclass(frozen=True, slots=True)
class ExportedPage:
    """The folder, how many files are in it, and how many of all runs have pages."""

    folder: Path
    files: int
    runs: int
    total: int


def export(folder: Path, environment: Mapping[str, str], into: Path) -> ExportedPage:
    """Write the page of a project, as it is now, into a folder; open its index.html.

    Raises:
        FolderTaken: there is something in *into*.
        OutsideProject: a tracked link leads from it out of the project.
    """
    answers = Answers(folder, environment, is_read_only=True)
    answers.found = answers.project()
    answers.found.refuse_way_out(into)
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise FolderTaken(str(into))
    into.mkdir(parents=True, exist_ok=True)
    for path, found in page_files().items():
        place = into / "static" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(found.content)
    (into / "index.html").write_text(index(is_frozen=True), encoding="utf-8")
    kept = into / "answers"
    kept.mkdir()
    runs, total = 0, 0
    for name, asked, answer in _frozen(answers):
        if name == "runs":
            total = cast("int", answer["total"]) + cast("int", answer["discarded"])
        runs += name == "run"
        key = slug(name, asked)
        text = document(answer).decode()
        (kept / f"{key}.js").write_text(f'xvc.keep("{key}",{text});\n', encoding="utf-8")
    files = sum(1 for path in into.rglob("*") if path.is_file())
    return ExportedPage(into, files, runs, total)


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


def _frozen(answers: Answers) -> Iterator[_Kept]:
    """Answer every request that the page makes while a reader goes through it."""
    yield from _subjects(answers)
    about = cast("dict[str, object]", answers.about({}))
    yield "about", {}, about
    answers.table.read(answers.project())
    every = cast("dict[str, object]", answers.runs({}))
    yield "runs", {}, every
    yield from _groups(answers, every)
    yield from _views(answers, cast("dict[str, str]", about["views"]))
    yield from _many_curves(answers)
    rows = cast("list[list[str]]", every["rows"])
    for row in rows[:_MOST]:
        with suppress(XvcError):
            yield from _run(answers, row[0])


def _run(answers: Answers, run: str) -> Iterator[_Kept]:
    """The page of a run: its facts, output, what it kept, its code and its curves."""
    asked = {"id": run}
    found = cast("dict[str, object]", answers.run(asked))
    yield "run", asked, found
    yield from _asked("log", asked, answers.log)
    yield from _asked("usage", asked, answers.usage)
    yield from _asked("lineage", asked, answers.lineage)
    for answer in _answer(answers, "kept", asked):
        yield "kept", asked, answer
    if cast("dict[str, object]", found.get("code") or {}).get("is_dirty"):
        yield from _asked("patch", asked, answers.patch)
    if keys := cast("list[str]", found["curves"])[:_CURVES]:
        drawn = {"runs": run, "keys": "\n".join(keys), "intervals": "500"}
        yield from _asked("curves", drawn, answers.curves)


def _groups(answers: Answers, every: dict[str, object]) -> Iterator[_Kept]:
    """The groups that the list offers, without a filter or a baseline."""
    columns = cast("list[dict[str, str]]", every["columns"])
    params = [each["name"] for each in columns if each["of"] == "params"][:_GROUPED]
    for key in (*params, "series", "status", "branch", "worktree", "version"):
        yield from _asked("groups", {"by": key}, answers.groups)


def _views(answers: Answers, views: Mapping[str, str]) -> Iterator[_Kept]:
    """What the saved views ask for: their filters and groups."""
    for address in views.values():
        words = dict(parse_qsl(address.partition("?")[2]))
        if where := words.get("where"):
            yield from _asked("where", {"filter": where}, answers.where)
        if by := words.get("by"):
            asked = {"by": by, "filter": words.get("where"), "baseline": words.get("base")}
            yield from _asked("groups", {k: v for k, v in asked.items() if v}, answers.groups)


def _many_curves(answers: Answers) -> Iterator[_Kept]:
    """The curves of the newest runs over each other, as they are and smoothed."""
    asked = {"limit": str(_DRAWN)}
    for kept in _asked("curved", asked, answers.curved):
        yield kept
        runs = [each["id"] for each in cast("list[dict[str, str]]", kept[2]["runs"])]
        intervals = max(60, min(500, int(15_000 / max(1, len(runs)) + 0.5)))  # as curves.js has it
        for key in cast("list[str]", kept[2]["keys"])[:_CURVES]:
            drawn = {"runs": ",".join(runs), "key": key, "intervals": str(intervals)}
            yield from _asked("curves", drawn, answers.curves)
            yield from _asked("curves", {**drawn, "of": "means"}, answers.curves)


def _asked(name: str, asked: Asked, answer: Callable[[Asked], Wired]) -> Iterator[_Kept]:
    """Answer, or keep nothing where that is refused."""
    with suppress(XvcError):
        yield name, asked, cast("dict[str, object]", answer(asked))


def _subjects(answers: Answers) -> Iterator[_Kept]:
    """The pages of sweeps, versions, models and trees, and each version against the one before."""
    found: dict[str, dict[str, object]] = {}
    first: Mapping[str, Asked] = {
        "sweeps": {},
        "versions": {"limit": "200"},
        "models": {},
        "trees": {},
    }
    for name, asked in first.items():
        for answer in _answer(answers, name, asked):
            found[name] = answer
            yield name, asked, answer
    sweeps = cast("list[dict[str, str]]", found.get("sweeps", {}).get("sweeps", []))
    rows = cast("list[dict[str, list[dict[str, str]]]]", found.get("versions", {}).get("rows", []))
    tagged = [each["name"] for row in rows for each in row["versions"]]
    further = [("sweep", {"id": each["id"]}) for each in sweeps]
    further += [("compare", {"runs": f"{old},{new}"}) for new, old in pairwise(tagged)]
    for name, asked in further[:_MOST]:
        for answer in _answer(answers, name, asked):
            yield name, asked, answer
            if name == "compare":
                yield from _curves_of(answers, answer)
                yield from _files_of(answers, answer)
                for data in _answer(answers, "data", asked):
                    yield "data", asked, data


def _curves_of(answers: Answers, compared: dict[str, object]) -> Iterator[_Kept]:
    """The curves that a comparison draws."""
    runs = ",".join(each["id"] for each in cast("list[dict[str, str]]", compared["runs"]))
    rows = cast("list[dict[str, str]]", compared["metrics"])[:_COMPARED]
    if keys := [row["key"] for row in rows]:
        drawn = {"runs": runs, "keys": "\n".join(keys), "intervals": "400"}
        yield "curves", drawn, cast("dict[str, object]", answers.curves(drawn))


def _files_of(answers: Answers, compared: dict[str, object]) -> Iterator[_Kept]:
    """How each file of the code of two runs differs."""
    first, *others = cast("list[dict[str, str]]", compared["runs"])
    code = cast("list[list[dict[str, str]]]", compared["code"])
    for other, files in zip(others, code, strict=False):
        for file in files[:_FILES]:
            asked = {"runs": f"{first['id']},{other['id']}", "path": file["path"]}
            for answer in _answer(answers, "difference", asked):
                yield "difference", asked, answer


def _answer(answers: Answers, name: str, asked: Asked) -> Iterator[dict[str, object]]:
    """Answer, or keep nothing where that is refused."""
    with suppress(XvcError):
        yield cast("dict[str, object]", QUESTIONS[name](answers.project(), asked))
