"""The decision tables of the skills are data; in each situation, xvc does what the row says."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pages import SKILLS
from remotes import use_remote
from surroundings import Called, Calling, as_if_written_by, git
from xvc import Tracker
from xvc.cli.app import COMMANDS

Tables = dict[str, list[dict[str, Any]]]


def tables_of(skill: str) -> Tables:
    """The decision tables of a skill, by their names."""
    text = (SKILLS / skill / "assets" / "decisions.yaml").read_text(encoding="utf-8")
    tables: Tables = yaml.safe_load(text)
    return tables


_TABLES = {skill: tables_of(skill) for skill in ("git-versioning", "xvc", "benchmark")}
_HEADS = {
    "workflows": "| the experiments | workflow |",
    "together": "| when work comes together | do |",
    "commands": "| wanted | command |",
    "rarely": "| wanted | command |",
    "ways": "| situation | do |",
}
_SCORE = """\
from xvc import Tracker

Tracker(table="scores").log({"case": 5, "score": 0.7})
"""
_ROWS = [row for rows in _TABLES["git-versioning"].values() for row in rows]
_FIT = """\
import sys
from xvc import Tracker

def fit(lr):
    return {"fitted": lr * 2}

lr = float(sys.argv[1])
with Tracker(cache=".cache/xvc", params={"lr": lr}) as tracker:
    if lr > 1:
        raise SystemExit(3)
    tracker.track(fit, [lr])
    for step in range(3):
        tracker.log({"step": step, "loss": 1 / (1 + step)})
    tracker.log({"accuracy": 1 - lr, "model": range(3)})
with Tracker(table="predictions_dev", params={"lr": lr}) as tracker:
    tracker.log({"input_id": 1, "score": lr})
"""


@pytest.mark.parametrize(
    ("skill", "name"), [(skill, name) for skill, tables in _TABLES.items() for name in tables]
)
def test_the_page_has_the_table(skill: str, name: str) -> None:
    """What a reader sees is what is tested below."""
    place = "references/rarely.md" if name == "rarely" else "SKILL.md"
    page = (SKILLS / skill / place).read_text(encoding="utf-8")
    lines = [f"| {row['situation']} | {row['do']} |" for row in _TABLES[skill][name]]

    assert "\n".join([_HEADS[name], "|---|---|", *lines]) + "\n\n" in page


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
    if "next" in says and not any(each.startswith(says["next"]) for each in answer.get("next", ())):
        found.append(f"next {answer.get('next')}")
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


@pytest.fixture
def busy(project: Path, call_xvc: Calling) -> Lab:
    """A project where much has happened: versions, a failure, trees, models, stores beside it."""
    lab = Lab(project, call_xvc)
    (project / "fit.py").write_text(_FIT)
    (project / "train.sh").write_text("echo loss: 0.25\n")
    with (project / ".gitignore").open("a") as ignored:
        ignored.write(".cache/\n")
    for template in (SKILLS / "benchmark" / "assets").glob("*.py"):
        shutil.copy(template, project)
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "Scripts")
    for lr in ("0.1", "0.3"):
        lab.xvc("run", "--tag", "minor", "--", "python", "fit.py", lr)
    for version, path in (("e0.2.0", "train.py"), ("e0.1.0", "fit.py")):
        as_if_written_by(call_xvc, version, project / path)
        lab.xvc("model", "add", path, "--run", version, "--name", "digits")
        lab.xvc("model", "promote", version)
    lab.xvc("worktree", "add", "wide")
    lab.xvc("run", "--tag", "minor", "--", "python", "fit.py", "0.2", cwd=lab.wide)
    git(project, "worktree", "add", "-q", str(project.parent / "tool"))
    call_xvc("run", "--", "python", "fit.py", "3", cwd=project)
    lab.xvc("run", "--", "python", "fit.py", "0.15")
    lab.xvc("db", "set", "accuracy", "0.8", "--run", "@", "--yes")
    with Tracker(project.parent / "other.duckdb") as tracker:
        tracker.log({"accuracy": 0.1})
    lab.xvc("db", "ls", "--db", str(project.parent / "other.duckdb"))
    for name, rows in (("base", "(1, 0.5), (2, 0.6)"), ("new", "(2, 0.6), (3, 0.7)")):
        path = project.parent / f"{name}.parquet"
        duckdb.sql(f"COPY (FROM (VALUES {rows}) AS t(id, score)) TO '{path}'")
    git(project.parent, "init", "-q", "--bare", "hub.git")
    git(project, "remote", "add", "origin", str(project.parent / "hub.git"))
    use_remote(project, {"url": str(project.parent / "shelf")})
    return lab


def asked(ask: str, asset: str) -> list[str]:
    """The words of a row's call; ``--json`` stands before what is another command's."""
    words = [asset if word == "ASSET" else word for word in shlex.split(ask)[1:]]
    at = words.index("--") if "--" in words else len(words)
    return [*words[:at], "--json", *words[at:]]


@pytest.mark.parametrize("skill", ["xvc", "benchmark"])
def test_xvc_does_what_the_rows_say(skill: str, busy: Lab, call_xvc: Calling) -> None:
    """The calls of all rows, in order, in one project, are answered as the rows say."""
    asset = call_xvc("assets", "ls", "--json", cwd=None).data["assets"][0]["digest"]
    rows = [row for rows in _TABLES[skill].values() for row in rows if "ask" in row]

    found = {
        row["name"]: complaints(call_xvc(*asked(row["ask"], asset)), row["says"]) for row in rows
    }

    assert {row: wrong for row, wrong in found.items() if wrong} == {}


def test_a_row_asks_for_what_it_advises() -> None:
    """The command that is asked is one of those that the row names."""
    rows = [*_TABLES["xvc"]["commands"], *_TABLES["xvc"]["rarely"], *_TABLES["benchmark"]["ways"]]
    other = [
        row["name"]
        for row in rows
        if "`xvc " in row["do"] and "ask" in row and f"`{command_of(row['ask'])}" not in row["do"]
    ]

    assert other == []


def command_of(ask: str) -> str:
    """The command of a call."""
    return "xvc " + max((name for name in COMMANDS if ask.startswith(f"xvc {name}")), key=len)


def test_rows_that_nobody_can_ask_are_counted() -> None:
    """Each has its reason in the place of a call; more than these are not wanted."""
    rows = [row for tables in _TABLES.values() for rows in tables.values() for row in rows]
    judged = [row["name"] for row in rows if "ask" not in row]

    assert judged == ["small", "beyond"]
    assert [row["name"] for row in rows if bool(row.get("judged")) == ("ask" in row)] == []
