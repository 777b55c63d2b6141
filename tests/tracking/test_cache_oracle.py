"""Cached calls against an oracle: the same call without a cache, in a new process, after an edit.

Each shape is a small program with one place that is edited. The first version of each fills one
cache in one process; another process makes every edited call with that cache and without.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

RUNNER = """
import importlib, json, pathlib, sys, warnings
from xvc import Tracker
sys.dont_write_bytecode = True
scenes, cache, way = json.loads(pathlib.Path(sys.argv[1]).read_text()), sys.argv[2], sys.argv[3]

def fresh(folder):
    for name, module in list(sys.modules.items()):
        facts = getattr(module, "__dict__", {})
        if "scenes" in f"{facts.get('__file__')} {facts.get('__path__')}":
            del sys.modules[name]
    sys.path[0] = folder
    importlib.invalidate_caches()
    return importlib.import_module("scene")

sys.path.insert(0, "")
found = []
with Tracker(Tracker.IN_MEMORY, cache=cache) as tracker, warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for folder in scenes:
        scene = fresh(folder)
        args = getattr(scene, "ARGS", [3])
        truth = repr(scene.f(*args)) if way == "both" else ""
        scene = fresh(folder)
        args = getattr(scene, "ARGS", [3])
        got = repr(tracker.track(scene.f, list(args)))
        found.append([truth, got, bool(tracker.latest.get("cache"))])
print(json.dumps(found))
"""
NUMBERS = ["2", "5", "7", "0.5", "11"]
SHAPES = Path(__file__).with_name("cache_shapes.txt")
WORDS = [
    "# a remark\n",
    "\n\n",
    "'a text of the module'\n",
    "def unused(x): return 1\n",
    "import json as unused_too\n",
]


def shapes() -> Iterator[tuple[str, str, list[str]]]:
    """Each program by its name, with the texts that the mark § stands for."""
    for section in SHAPES.read_text().split("== ")[1:]:
        head, _, program = section.partition("\n")
        name, _, values = head.partition(" :: ")
        yield name, program, NUMBERS if values == "NUMBERS" else values.split(" | ")


def edits() -> Iterator[tuple[str, str, str]]:
    """Every shape with pairs of its values, then untouched, a third with words besides."""
    chosen = random.Random(18)
    for name, text, values in shapes():
        for old, new in sorted(permutations(values, 2), key=lambda _: chosen.random())[:2]:
            yield name, text.replace("§", old), text.replace("§", new)
        same = text.replace("§", values[0])
        yield f"{name}, untouched", same, same
        is_plain = "globals" not in text and "_getframe" not in text
        if is_plain and chosen.random() < 1 / 3:
            yield f"{name}, only words", same, chosen.choice(WORDS) + same


def written(folder: Path, program: str) -> str:
    """Write a program of one or several modules; returns its folder."""
    scene, *others = program.split("-- ")
    modules = {"scene.py": scene} | dict(other.split("\n", 1) for other in others)
    for name, text in modules.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return str(folder)


def run(scenes: list[str], place: Path, way: str) -> list[tuple[str, str, bool]]:
    listed = place / f"{way}.json"
    listed.write_text(json.dumps(scenes))
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, listed, place / "cache", way],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [tuple(each) for each in json.loads(done.stdout.splitlines()[-1])]


@pytest.mark.timeout(600)
def test_no_edit_gives_a_result_that_the_code_no_longer_has(tmp_path: Path) -> None:
    """Of three hundred edits none hits wrongly; unedited calls hit wherever they can be keyed."""
    listed = list(edits())
    olds = [written(tmp_path / "scenes" / f"old{at}", old) for at, (_, old, _) in enumerate(listed)]
    news = [written(tmp_path / "scenes" / f"new{at}", new) for at, (_, _, new) in enumerate(listed)]

    run(olds, tmp_path, "fill")
    found = run(news, tmp_path, "both")

    named = [(name, *each) for (name, _, _), each in zip(listed, found, strict=True)]
    wrong = [each for each in named if each[1] != each[2]]
    needless = {
        name.rpartition(", ")[0]
        for name, _, _, hit in named
        if name.endswith((", untouched", ", only words")) and not hit
    }
    assert len(named) >= 300
    assert wrong == []
    assert needless == UNKEYED


UNKEYED = {
    "a lock beside a number",
    "a generator",
    "importlib with a name",
    "eval of a text",
    "a frame",
    "builtins in a variable",
    "an array function of one's own",
    "globals of another function",
    "the source of a function",
    "import_module of a part",
    "a pickle of an object",
    "joblib",
    "import_module, imported inside",
    "pickle imported inside",
    "modules imported inside",
    "a lazy module in a function",
}
"""What cannot be followed or has no content is no cached call."""
