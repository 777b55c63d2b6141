"""What a shell is told when a word is to be completed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from surroundings import Calling, git
from xvc.cli.app import COMMANDS, HEADINGS


def completed(run_xvc: Calling, typed: str) -> list[str]:
    """What bash is offered behind what was typed."""
    words = typed.split()
    at = len(words) if typed.endswith(" ") else len(words) - 1
    asked = {"_XVC_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(at)}
    told = run_xvc(env=asked)
    assert told.code == 0, told.err
    return told.out.split()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("xvc sweep ", ["status", "resume", "retry", "stop", "show"]),
        ("xvc sweep st", ["status", "stop"]),
        ("xvc -C . sweep sh", ["show"]),
        ("xvc sweep stop --", ["--json", "--help"]),
        ("xvc sw", ["sweep"]),
        ("xvc rebase d", ["data"]),
        ("xvc db h", ["head"]),
    ],
)
def test_the_second_word_of_a_command_is_completed(
    project: Path, run_xvc: Calling, typed: str, offered: list[str]
) -> None:
    """Where the first is a command, too, and behind both the options are theirs."""
    found = completed(run_xvc, typed)

    assert found == offered


@pytest.mark.parametrize("name", ["merge", "rebase"])
def test_what_can_be_merged_is_completed(project: Path, run_xvc: Calling, name: str) -> None:
    """A verb or a reference; behind the first source, references alone."""
    git(project, "branch", "dropout")

    first, second = completed(run_xvc, f"xvc {name} "), completed(run_xvc, f"xvc {name} main ")

    assert {"data", "dropout", "main"} <= set(first)
    assert set(first) - set(second) == {"data"}


@pytest.mark.parametrize(
    ("words", "place", "offered"),
    [
        ("xvc show be", 2, "best:loss"),
        ("xvc show best :", 3, "loss"),
        ("xvc compare best : loss worst : lo", 7, "loss"),
        ("xvc ls --sort lo", 3, "loss"),
        ("xvc run --tag mi", 3, "minor"),
        ("xvc get @ tr", 3, "train.py"),
    ],
)
def test_what_an_option_or_a_reference_takes_is_completed(
    project: Path, run_xvc: Calling, words: str, place: int, offered: str
) -> None:
    """Metrics, bumps and files of a run; bash parts words at colons and wants what follows them."""
    (project / "train.py").write_text("from xvc import Tracker; Tracker().log({'loss': 1.0})")
    run_xvc("run", "--", sys.executable, "train.py")
    asked = {"_XVC_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(place)}

    found = run_xvc(env=asked).out.split()

    assert offered in found


def test_the_help_lists_every_command_once() -> None:
    """Each first word stands under one heading."""
    listed = sorted(name for names in HEADINGS.values() for name in names)

    assert listed == sorted({name.split()[0] for name in COMMANDS})
