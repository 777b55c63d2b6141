"""Small projects live through a day with xvc; all that is said of them is what they say themselves.

A new capability adds its claim to `CLAIMS`: a function of the world, a run and that run's account.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import accounts
from accounts import Account
from small_projects import DATA, FAILING, SMALL, Small
from surroundings import Called, Calling, git
from xvc import Reader

_COUNTERS = {"epoch", "step"}


@dataclass
class World:
    """A project, who calls xvc in it, what its programs have kept, and what `xvc ls` says."""

    small: Small
    folder: Path
    call: Calling
    kept: Path
    runs: dict[str, Account] = field(default_factory=dict)
    code: dict[str, bytes] = field(default_factory=dict)
    lines: dict[str, Any] = field(default_factory=dict)

    def say(self, *words: str, cwd: Path | None = None) -> Any:
        """Call xvc, which must succeed; return its data."""
        done: Called = self.call(*words, "--json", cwd=cwd or self.folder)
        assert done.code == 0, f"{words}: {done.out}\n{done.err}"
        return done.json["data"]

    def act(self, *words: str, cwd: Path | None = None) -> list[Account]:
        """Call xvc; return what the programs that ran meanwhile have kept."""
        before = len(accounts.accounts(self.kept))
        done: Called = self.call(*words, cwd=cwd or self.folder)
        assert done.code == 0, f"{words}: {done.out}\n{done.err}"
        return accounts.accounts(self.kept)[before:]

    def run(self, *, cwd: Path | None = None) -> str:
        """Run the project as its users do, with a version; return the run's id."""
        words = ("run", "--tag", "minor", *self.small.options, "--", *self.small.command)
        told = self.act(*words, cwd=cwd)
        run = str(self.say("show", cwd=cwd)["id"])
        self.runs[run] = _together(told)
        self.code[run] = ((cwd or self.folder) / self.small.edit[0]).read_bytes()
        return run

    def sweep(self) -> list[str]:
        """Sweep it, two trials at once; return the runs in the order of the values."""
        small = self.small
        asked = f"{small.key}={','.join(small.values)}"
        words = ("-P", asked, "--jobs", "2", "--metric", small.metric, *small.options)
        told = self.act("sweep", *words, "--", *small.sweep)
        shown = self.say("sweep", "show")
        trials = {float(trial["params"][small.key]): trial for trial in shown["trials"]}
        assert set(trials) == {float(value) for value in small.values}
        metric, best = small.metric.rsplit(":", 1)
        for value, trial in trials.items():
            own = [each for each in told if float(each.used[small.key]) == value]
            account = self.runs[trial["run"]] = _together(own)
            self.code[trial["run"]] = (self.folder / small.edit[0]).read_bytes()
            assert trial["state"] == "finished"
            assert trial["value"] == account.scored[metric][-1]
        choose = {"min": min, "max": max}[best]
        scores = {trial["run"]: trial["value"] for trial in trials.values()}
        assert scores[shown["best"]["run"]] == choose(scores.values())
        return [trials[float(value)]["run"] for value in small.values]


def _together(told: list[Account]) -> Account:
    """Take the accounts of the processes of one run together."""
    assert told, "the program kept no account, so it did not run"
    whole = Account({}, {}, {}, {})
    for each in told:
        whole.used.update(each.used)
        whole.scored.update(each.scored)
        whole.read.update(each.read)
        whole.wrote.update(each.wrote)
    return whole


def _last(account: Account) -> dict[str, float]:
    return {name: values[-1] for name, values in account.scored.items()}


def _same(said: object, used: float) -> bool:
    """Whether a param is the one used: what was typed as 0.20 is kept as it was typed."""
    return float(str(said)) == used


def shown(world: World, run: str, account: Account) -> None:
    """`xvc show` has the params, metrics, data and outputs that the program had."""
    said = world.say("show", run)

    assert said["status"] == "finished"
    params = said.get("params", {})
    assert all(_same(params.get(key, value), value) for key, value in account.used.items())
    if world.small.names_params or said["command"] != list(world.small.command):
        assert world.small.key in params
    metrics = {key: value for key, value in said["metrics"].items() if key not in _COUNTERS}
    assert metrics == _last(account)
    held = {**said["data"], **said.get("outs", {})}
    for name, digest in {**account.read, **account.wrote}.items():
        assert held[name]["digest"] == digest, name


def listed(world: World, run: str, account: Account) -> None:
    """`xvc ls` has the same metrics and params."""
    if not world.lines:
        world.lines = {each["id"]: each for each in world.say("ls", "--all")["runs"]}
    line = world.lines[run]

    assert {k: v for k, v in line["metrics"].items() if k not in _COUNTERS} == _last(account)
    assert all(_same(line["params"].get(key, value), value) for key, value in account.used.items())


def read(world: World, run: str, account: Account) -> None:
    """The Reader has each value in the order in which the program had it."""
    if not (world.small.options and world.small.has_series):
        return  # metrics of files are no series
    rows = Reader(world.folder / "results" / "experiments.duckdb").to_df(track_id=run)

    for name, values in account.scored.items():
        found = [value for value in rows[name].tolist() if not math.isnan(float(value))]
        assert found == values, name


def got(world: World, run: str, account: Account) -> None:
    """`xvc get` writes the bytes that the program read and wrote."""
    for number, (name, digest) in enumerate({**account.read, **account.wrote}.items()):
        target = world.kept.parent / f"{world.folder.name}-{run}-{number}"
        world.say("get", run, name, "-o", str(target), "-y")

        assert hashlib.md5(target.read_bytes()).hexdigest() == digest, name


def coded(world: World, run: str, account: Account) -> None:
    """`xvc get` writes the code that ran."""
    target = world.kept.parent / f"{world.folder.name}-{run}.code"
    world.say("get", run, world.small.edit[0], "-o", str(target), "-y")

    assert target.read_bytes() == world.code[run]


CLAIMS: tuple[Callable[[World, str, Account], None], ...] = (shown, listed, read, got, coded)


def compared(world: World) -> None:
    """`xvc compare` names the params and metrics in which two runs differ, and no others."""
    one, other = list(world.runs)[:2]
    said = world.say("compare", one, other)
    wanted = {
        key: [world.runs[one].scored[key][-1], world.runs[other].scored[key][-1]]
        for key in world.runs[one].scored
        if world.runs[one].scored[key][-1] != world.runs[other].scored[key][-1]
    }

    found = {
        each["key"]: each["values"] for each in said["metrics"] if each["key"] not in _COUNTERS
    }
    assert found == wanted


def reported(world: World) -> None:
    """`xvc report` finds the best run where the accounts have it."""
    metric, best = world.small.metric.rsplit(":", 1)
    scores = {run: account.scored[metric][-1] for run, account in world.runs.items()}
    said = world.say("report", "--metric", world.small.metric)

    assert said["runs"] == len(world.runs)
    assert said["best"]["value"] == {"min": min, "max": max}[best](scores.values())
    assert scores[said["best"]["run"]] == said["best"]["value"]


def versioned(world: World) -> None:
    """Each version names its run, with the last values of its metrics."""
    for version in world.say("log")["versions"]:
        metrics = {k: v for k, v in version["metrics"].items() if k not in _COUNTERS}

        assert metrics == _last(world.runs[version["run"]])


def promoted(world: World, run: str) -> None:
    """`xvc model get` writes the bytes that the run left."""
    target = world.kept.parent / f"{world.folder.name}-served"
    said = world.say("model", "list")
    world.say("model", "get", "net", "-o", str(target), "-y")
    files = [path for path in (target, *target.rglob("*")) if path.is_file()]

    assert run in {each["run"] for each in said["models"]}
    (digest,) = {hashlib.md5(path.read_bytes()).hexdigest() for path in files}
    assert digest == world.runs[run].wrote[world.small.model or ""]


def checked(world: World, claims: tuple[Callable[[World, str, Account], None], ...]) -> None:
    """The claims hold for every run."""
    world.lines = {}
    for run, account in world.runs.items():
        for claim in claims:
            claim(world, run, account)
    compared(world)
    versioned(world)


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    project: Path,
    call_xvc: Calling,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """One of the small projects, ready for xvc, its data tracked, with remotes."""
    small: Small = request.param
    for package in small.needs:
        pytest.importorskip(package, reason=f"{package} is not installed")
    module = tmp_path / "kept" / "account.py"
    module.parent.mkdir()
    module.write_text(accounts.MODULE)
    monkeypatch.setenv("PYTHONPATH", str(module.parent))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("ACCOUNT", str(module.parent / "account.jsonl"))
    monkeypatch.setenv("ACCOUNT_MODULE", str(module))
    (project / "train.py").unlink()
    for name, text in {**small.files, "data/train.csv": DATA}.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    (project / "xvc.yaml").write_text(small.settings)
    (project / ".gitignore").write_text("".join(f"/{name}\n" for name in small.ignored))
    _track(project)
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(project, "remote", "add", "origin", str(tmp_path / "origin.git"))
    config = project / ".dvc" / "config"
    head = config.read_text().replace("[core]\n", "[core]\n    remote = shelf\n", 1)
    config.write_text(f"{head}['remote \"shelf\"']\n    url = {tmp_path / 'shelf'}\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", small.name)
    return World(small, project, call_xvc, module.parent / "account.jsonl")


def _track(project: Path) -> None:
    from xvc.dvc.repository import Dvc, pointer_of

    dvc, path = Dvc(project, {}), project / "data" / "train.csv"
    pointer_of(path).write_bytes(dvc.pointer_text(path, dvc.keep(path)))
    (path.parent / ".gitignore").write_text("/train.csv\n")


@pytest.mark.parametrize("world", SMALL, indirect=True, ids=lambda small: small.name)
def test_what_is_said_is_what_happened(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first run to a colleague's clone, every number and byte is the program's own."""
    first = world.run()
    trials = world.sweep()
    side = tmp_path / "side"
    world.act("worktree", "add", "side", "--path", str(side))
    changed, old, new = world.small.edit
    (side / changed).write_text((side / changed).read_text().replace(old, new))
    git(side, "commit", "-qam", "another way")
    for (
        name
    ) in world.small.ignored:  # what a tree of the version has; a program would resume from it
        (side / name).unlink(missing_ok=True)
    other = world.run(cwd=side)
    assert _last(world.runs[other]) != _last(world.runs[first])
    world.act("worktree", "merge", "side")
    checked(world, CLAIMS)
    reported(world)

    if world.small.model is not None:
        world.act("model", "add", world.small.model, "--name", "net", "--run", other, cwd=side)
        world.act("worktree", "merge", "side")
        world.act("merge", "worktree:side")  # as the answer says: the run has a model now
        world.act("model", "promote", other, "--name", "net")
        promoted(world, other)
    for run in trials:  # only what a version holds is pushed
        world.act("tag", "minor", "--run", run)
    world.act("push", "--runs")
    git(tmp_path, "clone", "-q", "origin.git", "clone")
    world.folder = tmp_path / "clone"
    monkeypatch.chdir(world.folder)
    world.act("pull", "--runs")
    checked(world, (shown, listed, got, coded))
    if world.small.model is not None:
        promoted(world, other)


@pytest.mark.parametrize("world", [FAILING], indirect=True, ids=lambda small: small.name)
def test_what_is_said_of_failures_is_what_happened(world: World) -> None:
    """A run that fails half way has what it had used, read and scored by then, and no version."""
    words = ("run", "--tag", "minor", *world.small.options, "--", *world.small.command)
    done = world.call(*words, cwd=world.folder)
    (account,) = accounts.accounts(world.kept)
    said = world.say("show")
    brief = world.say("brief")
    world.call("sweep", "-P", "lr=0.1,0.4", *world.small.options, "--", *world.small.sweep)
    trials = {each["params"]["lr"]: each for each in world.say("sweep", "show")["trials"]}

    assert done.code == 1
    assert (said["status"], said["exit_code"], said["version"]) == ("failed", 1, None)
    assert said["reason"] == f"FloatingPointError: loss is {account.scored['loss'][-1]}"
    assert said["params"] == account.used
    assert {k: v for k, v in said["metrics"].items() if k not in _COUNTERS} == _last(account)
    assert said["data"]["data/train.csv"]["digest"] == account.read["data/train.csv"]
    read(world, str(said["id"]), account)
    assert [each["run"] for each in brief["failed"]] == [said["id"]]
    assert {lr: trial["state"] for lr, trial in trials.items()} == {0.1: "finished", 0.4: "failed"}
    assert trials[0.4]["reason"].endswith(said["reason"])
