"""What README.md and the skill show is what happens; what they name exists."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from surroundings import git
from xvc.cli.app import COMMANDS, application

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
SKILL = ROOT / "skills" / "xvc" / "SKILL.md"
PAGES = pytest.mark.parametrize("page", [README, SKILL], ids=["README", "SKILL"])
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
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


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    text = page.read_text(encoding="utf-8")
    return [found[2] for found in _FENCE.finditer(text) if found[1] == language]


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
    """The repository that the tour begins with: its training script, committed."""
    folder = tmp_path / "tour"
    folder.mkdir()
    (folder / "train.py").write_text(blocks(README, "python")[0])
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "A training script")
    return folder


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


def test_functions_are_tracked_as_shown(project: Path) -> None:
    """The example of a tracked function prints what README.md says."""
    section = README.read_text(encoding="utf-8").partition("## Functions\n")[2]
    (_, code), (_, output) = _FENCE.findall(section)[:2]

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True
    )

    assert done.stdout == output


def test_the_commands_of_the_skill_work(project: Path) -> None:
    """The skill's block of four commands can be typed as it is."""
    told(blocks(SKILL, "sh")[0], project)

    assert git(project, "tag") == "e0.1.0\ne0.2.0"


def calls(page: Path) -> list[list[str]]:
    """Every call of ``xvc`` that a page shows, in code spans and in blocks, as words."""
    text = page.read_text(encoding="utf-8")
    spans = re.findall(r"`(xvc [^`\n]+)`", text)
    fenced = [line for language in ("sh", "console") for line in blocks_of_calls(page, language)]
    return [shlex.split(call.partition(" #")[0])[1:] for call in [*spans, *fenced]]


def blocks_of_calls(page: Path, language: str) -> list[str]:
    """The lines of blocks of one language that call xvc."""
    lines = [line for block in blocks(page, language) for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if re.match(r"(\$ )?xvc ", line)]


def options_of(command: str) -> set[str]:
    """Every option that a command takes, long and short."""
    root: Any = typer.main.get_command(application())
    called = root
    for word in command.split():
        called = called.commands[word]
    params = [*root.params, *called.params]
    return {name for param in params for name in [*param.opts, *param.secondary_opts]}


@PAGES
def test_every_call_that_is_shown_exists(page: Path) -> None:
    """Commands and options in the text are those of the program."""
    wrong = []
    for words in calls(page):
        ours = words[: words.index("--")] if "--" in words else words
        plain = " ".join(word for word in ours if not word.startswith("-"))
        command = max((name for name in COMMANDS if f"{plain} ".startswith(f"{name} ")), default="")
        flags = {word for word in ours if word.startswith("-")}
        if not command or not flags <= options_of(command):
            wrong.append(words)

    assert wrong == []


@PAGES
def test_every_flag_that_is_named_exists(page: Path) -> None:
    """An option named alone in the text is one of some command."""
    known = {name for command in COMMANDS for name in options_of(command)}
    named = set(re.findall(r"`(--?[A-Za-z][\w-]*)", page.read_text(encoding="utf-8")))

    assert named <= known


@PAGES
def test_every_command_is_mentioned(page: Path) -> None:
    """A reader learns of each command."""
    mentioned = [" ".join(["", *words, ""]) for words in calls(page)]
    missing = [name for name in COMMANDS if not any(f" {name} " in text for text in mentioned)]

    assert missing == []


@PAGES
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file of the repository."""
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_skill_is_short_enough_to_be_found() -> None:
    """The frontmatter has the skill's name and a description of at most 500 characters."""
    _, front, _ = SKILL.read_text(encoding="utf-8").split("---\n", 2)
    description = " ".join(front.partition("description:")[2].replace(">-", "").split())

    assert "name: xvc\n" in front
    assert 0 < len(description) <= 500
