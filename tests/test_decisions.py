"""The decision tables of the skill are data; in each situation, xvc plans what the row says."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pages import SKILLS
from surroundings import Called, Calling, git

_SKILL = SKILLS / "git-versioning"
_TABLES: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (_SKILL / "assets" / "decisions.yaml").read_text(encoding="utf-8")
)
_HEADS = {
    "workflows": "| the experiments | workflow |",
    "together": "| when work comes together | do |",
}
_SCORE = """\
from xvc import Tracker

Tracker(table="scores").log({"case": 5, "score": 0.7})
"""
_ROWS = [row for rows in _TABLES.values() for row in rows]


def table(name: str) -> str:
    """Write one of the tables as the page has it."""
    lines = [f"| {row['situation']} | {row['do']} |" for row in _TABLES[name]]
    return "\n".join([_HEADS[name], "|---|---|", *lines]) + "\n"


@pytest.mark.parametrize("name", _TABLES)
def test_the_page_has_the_table(name: str) -> None:
    """What a reader sees is what is tested below."""
    page = (_SKILL / "SKILL.md").read_text(encoding="utf-8")

    assert table(name) in page


class Lab:
    """A project, its work tree ``wide``, and what can happen in them."""

    def __init__(self, project: Path, call_xvc: Calling) -> None:
        self.here, self.wide = project, project.parent / "exp-wide"
        self._call = call_xvc

    def xvc(self, *words: str, cwd: Path | None = None) -> Called:
        done = self._call(*words, cwd=cwd or self.here)
        assert done.code == 0, done.err
        return done

    def run(self, lr: str = "0.1", *words: str, cwd: Path | None = None) -> None:
        self.xvc("run", *words, "--", "python", "train.py", "--lr", lr, cwd=cwd)

    def version(self, lr: str = "0.1", cwd: Path | None = None) -> None:
        self.run(lr, "--tag", "minor", cwd=cwd)

    def tree(self) -> None:
        self.version()
        self.xvc("worktree", "add", "wide")


def _parallel(lab: Lab) -> None:
    lab.run("0.1")
    lab.run("0.4")


def _other_code(lab: Lab) -> None:
    lab.run()
    (lab.here / "train.py").write_text((lab.here / "train.py").read_text() + "# other\n")


def _not_adopted(lab: Lab) -> None:
    git(lab.here, "worktree", "add", "-q", str(lab.here.parent / "tool"))


def _only_there(lab: Lab) -> None:
    lab.tree()
    lab.version("0.2", cwd=lab.wide)


def _both_tagged(lab: Lab) -> None:
    _only_there(lab)
    lab.version("0.3")


def _elsewhere(lab: Lab) -> None:
    _both_tagged(lab)
    git(lab.here, "update-ref", "refs/remotes/origin/wide", "exp/wide")


def _corrected(lab: Lab) -> None:
    """Both sides log a row for the same case."""
    (lab.here / "score.py").write_text(_SCORE)
    git(lab.here, "add", "score.py")
    git(lab.here, "commit", "-q", "-m", "Scores")
    lab.tree()
    for tree in (lab.here, lab.wide):
        lab.xvc("run", "--tag", "minor", "--", "python", "score.py", cwd=tree)


def _untagged_here(lab: Lab) -> None:
    _only_there(lab)
    lab.run("0.3")


def _untagged_there(lab: Lab) -> None:
    lab.tree()
    lab.run("0.2", cwd=lab.wide)


def _done_with(lab: Lab) -> None:
    _only_there(lab)
    lab.xvc("worktree", "merge", "wide")


_SITUATIONS: Mapping[str, Callable[[Lab], None]] = {
    "sequential": Lab.run,
    "parallel": _parallel,
    "other-code": _other_code,
    "not-adopted": _not_adopted,
    "elsewhere": _elsewhere,
    "only-there": _only_there,
    "both-tagged": _both_tagged,
    "both-rows": _both_tagged,
    "replaced-rows": _corrected,
    "nothing-to-replace": _corrected,
    "untagged-here": _untagged_here,
    "untagged-there": _untagged_there,
    "done-with": _done_with,
    "wrong-run": Lab.run,
    "wrong-version": Lab.version,
}


def complaints(told: Called, says: Mapping[str, Any]) -> list[str]:
    """What an answer says otherwise than a row."""
    answer, data = told.json, told.json.get("data", {})
    found = [f"exit {told.code}"] if told.code != says["exit"] else []
    if "error" in says and answer.get("error", {}).get("code") != says["error"]:
        found.append(f"error {answer.get('error')}")
    found += [f"{key} is empty" for key in says.get("has", ()) if not data.get(key)]
    found += [f"{key} is not empty" for key in says.get("lacks", ()) if data.get(key)]
    if "next" in says and not any(each.startswith(says["next"]) for each in answer["next"]):
        found.append(f"next {answer['next']}")
    return found


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row["name"])
def test_xvc_sees_the_situation_as_the_row_does(
    row: dict[str, Any], project: Path, call_xvc: Calling
) -> None:
    """The question of each row, asked in its situation, is answered as the row says."""
    _SITUATIONS[row["name"]](Lab(project, call_xvc))

    told = call_xvc(*shlex.split(row["ask"])[1:], "--json", cwd=project)

    assert complaints(told, row["says"]) == []


def test_a_wrong_row_is_noticed(project: Path, call_xvc: Calling) -> None:
    """A row that promises another answer fails the test above."""
    told = call_xvc("worktree", "list", "--json")

    wrong = {"exit": 4, "error": "x", "has": ["nothing"], "lacks": ["worktrees"], "next": "xvc y"}
    assert len(complaints(told, wrong)) == 5


def test_every_row_has_a_situation() -> None:
    """No row is in the table untested, and none is tested that is not there."""
    assert [row["name"] for row in _ROWS] == [*_SITUATIONS]
