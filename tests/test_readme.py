"""What README.md and the skill show is what happens; what they name exists."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages import (
    FENCE,
    README,
    SKILLS,
    blocks,
    broken_links,
    calls,
    known_options,
    named_options,
    unknown_calls,
)
from surroundings import git
from xvc.cli.app import COMMANDS

SKILL = SKILLS / "xvc" / "SKILL.md"
PAGES = pytest.mark.parametrize("page", [README, SKILL], ids=["README", "SKILL"])
_CHANGING = [
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)?s\b"), "TOOK"),
    (re.compile(r"\b[a-z][a-z0-9]{11}\b"), "RUN"),
    (re.compile(r"\b[0-9a-f]{10}\b"), "COMMIT"),
    (re.compile(r"\b[\d.]+ [KM]B\b"), "SIZE"),
    (re.compile(r"\b3\.1\d\.\d+\b"), "PYTHON"),
    (re.compile(r"(?<= )/\S*/"), "FOLDER/"),
    (re.compile(r" {2,}"), "  "),
]


def dialogue(block: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with the output that is shown below it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def settled(text: str) -> str:
    """A text with everything replaced that differs from day to day."""
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    lines = (line.rstrip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and "  memory:" not in line)  # long runs only


def told(command: str, folder: Path) -> str:
    """What a shell shows of a command, its two streams in one."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def tour(tmp_path: Path) -> Path:
    """The repository that the tour begins with: its training script, not committed yet."""
    folder = tmp_path / "tour"
    folder.mkdir()
    (folder / "train.py").write_text(blocks(README, "python")[0])
    git(folder, "init", "-q")
    return folder


def test_the_sweep_is_one_of_the_tour_script(tour: Path) -> None:
    """The sweep that README.md shows works on its own script: each trial uses what it was given."""
    (block,) = [each for each in blocks(README, "sh") if "xvc sweep --param" in each]
    told("xvc init", tour)
    for line in block.splitlines():
        told(line, tour)

    runs = json.loads(told("xvc ls --json", tour))["data"]["runs"]
    losses = {run["params"]["lr"]: run["metrics"]["loss"] for run in runs}
    assert losses == {lr: pytest.approx((1 - lr) ** 10) for lr in (0.1, 0.3, 0.5)}
    assert [run["params"]["lr"] for run in runs if run["version"]] == [0.5]


def test_the_tour_is_what_happens(tour: Path) -> None:
    """Every command of the tour shows what README.md shows, and so does reading the store."""
    shown, happened = [], []
    for block in blocks(README, "console"):
        for command, output in dialogue(block):
            shown.append(f"$ {command}\n{settled(output)}")
            happened.append(f"$ {command}\n{settled(told(command, tour))}")
    shown.append(settled(blocks(README, "text")[0]))
    reading = subprocess.run(
        [sys.executable, "-c", blocks(README, "python")[1]],
        cwd=tour,
        capture_output=True,
        text=True,
        check=True,
    )
    happened.append(settled(reading.stdout))

    assert happened == shown


def test_no_python_of_the_readme_is_left_out() -> None:
    """Blocks of Python stand in the parts whose tests run them, as many as those tests take."""
    parts = re.split(r"^## ", README.read_text(encoding="utf-8"), flags=re.MULTILINE)
    counts = {
        part.partition("\n")[0]: len(re.findall("^```python$", part, re.MULTILINE))
        for part in parts
    }
    by_pairs = counts.pop("From Python")

    assert by_pairs > 0
    assert {title: count for title, count in counts.items() if count} == {
        "The tour: four commands": 1,
        "git, DVC and DuckDB": 1,
        "Functions": 1,
    }


def test_functions_are_tracked_as_shown(project: Path) -> None:
    """The example of a tracked function prints what README.md says."""
    section = README.read_text(encoding="utf-8").partition("## Functions\n")[2]
    (_, code), (_, output) = FENCE.findall(section)[:2]

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True
    )

    assert done.stdout == output


def test_the_ways_in_from_python_are_as_shown(project: Path) -> None:
    """Each example prints what README.md says, and each is a run of the project."""
    section = README.read_text(encoding="utf-8").partition("## From Python\n")[2]
    shown = FENCE.findall(section.partition("\n## ")[0])
    pairs = [(code, out) for (_, code), (_, out) in zip(shown[::2], shown[1::2], strict=True)]
    printed = [told(f"{sys.executable} -c {shlex.quote(code)}", project) for code, _ in pairs]
    names = told("xvc ls --limit 20", project)

    assert printed == [out for _, out in pairs]
    assert all(name in names for name in ("baseline", "search", "0042/boosted"))


@PAGES
def test_every_call_that_is_shown_exists(page: Path) -> None:
    """Commands and options in the text are those of the program."""
    assert unknown_calls(page) == []


@PAGES
def test_every_flag_that_is_named_exists(page: Path) -> None:
    """An option named alone in the text is one of some command."""
    assert named_options(page) <= known_options()


@PAGES
def test_every_command_is_mentioned(page: Path) -> None:
    """A reader learns of each command, there or one link further."""
    linked = re.findall(
        r"\]\(((?:references/)[\w-]+\.md)\)|`(references/[\w-]+\.md)`", page.read_text()
    )
    pages = [page, *(page.parent / (one or other) for one, other in linked)]
    mentioned = [" ".join(["", *words, ""]) for each in pages for words in calls(each)]
    missing = [name for name in COMMANDS if not any(f" {name} " in text for text in mentioned)]

    assert missing == []


@PAGES
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file of the repository."""
    assert broken_links(page) == []
