"""Reading pages that show commands: their blocks, the calls of xvc in them, and what exists."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import typer

from xvc.cli.app import COMMANDS, application

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
SKILLS = ROOT / "skills"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SHELLS = ("sh", "bash", "console")


class Block(NamedTuple):
    """A fenced block."""

    language: str
    text: str


def all_blocks(page: Path) -> list[Block]:
    """Every fenced block of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [Block(found[1], found[2]) for found in FENCE.finditer(text)]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return [block.text for block in all_blocks(page) if block.language == language]


def calls(page: Path) -> list[list[str]]:
    """Every call of ``xvc`` that a page shows, in code spans and in blocks, as words."""
    text = page.read_text(encoding="utf-8")
    shown = re.findall(r"`(xvc [^`\n]+)`", FENCE.sub("", text))
    spans = [part for span in shown for part in span.split(" && ") if part.startswith("xvc ")]
    fenced = [line for language in _SHELLS for line in _lines_of_calls(page, language)]
    return [shlex.split(call.partition(" #")[0])[1:] for call in [*spans, *fenced]]


def _lines_of_calls(page: Path, language: str) -> list[str]:
    """What blocks of one language call of xvc, also behind `cd … &&`, `(` and `code=0;`."""
    lines = [line for block in blocks(page, language) for line in block.splitlines()]
    found = (re.search(r"(?:^(?:\$ )?|&& |; |^\s+|\()(xvc .*)", line) for line in lines)
    ends = re.compile(r" \|\|? .*| > .*| && .*| & ?\S*$|(?<=\S)\)$")
    return [ends.sub("", each[1]) for each in found if each]


@cache
def _root() -> Any:
    return typer.main.get_command(application())


@cache
def options_of(command: str) -> frozenset[str]:
    """Every option that a command takes, long and short."""
    called = root = _root()
    for word in [command] if command in root.commands else command.split():
        called = called.commands[word]
    params = [*root.params, *called.params]
    helps = {"-h", "--help"}
    return frozenset(helps).union(*(each.opts + each.secondary_opts for each in params))


def unknown_calls(page: Path) -> list[list[str]]:
    """The calls of a page whose command or options do not exist."""
    wrong = []
    for words in calls(page):
        ours = words[: words.index("--")] if "--" in words else words
        plain = " ".join(word for word in ours if not word.startswith("-"))
        command = max((name for name in COMMANDS if f"{plain} ".startswith(f"{name} ")), default="")
        is_group = any(name.startswith(f"{plain} ") for name in COMMANDS)
        flags = {word for word in ours if re.match(r"--?[A-Za-z]", word)}
        if not (command or is_group) or not flags <= options_of(command):
            wrong.append(words)
    return wrong


def named_options(page: Path) -> set[str]:
    """The options that a page names alone, in code spans."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return set(re.findall(r"`(--?[A-Za-z][\w-]*)", text))


def known_options() -> set[str]:
    """Every option of every command."""
    return {name for command in COMMANDS for name in options_of(command)}


def broken_links(page: Path) -> list[str]:
    """The relative links of a page that lead nowhere."""
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    return [target for target in targets if not (page.parent / target).exists()]
