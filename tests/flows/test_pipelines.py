"""Runs in DVC projects: data, outputs, params and metrics are what DVC says of them."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from surroundings import Calling, dvc, git
from xvc.dvc.pipeline import Pipeline, PipelineStage, read_pipeline
from xvc.dvc.pointers import reader_of
from xvc.dvc.stages_as_locked import stages_as_locked
from xvc.system.yaml_text import parse_yaml


def locked(folder: Path, tag: str) -> dict[str, str]:
    """Read what the lock of a version says of each output."""
    held: Any = parse_yaml(git(folder, "show", f"{tag}:dvc.lock"))
    return {out["path"]: out["md5"] for stage in held["stages"].values() for out in stage["outs"]}


_PIPELINE = """\
stages:
  prep:
    cmd: head -n $(cat n.txt) raw.txt > prepared.txt
    deps: [raw.txt, n.txt]
    outs: [prepared.txt]
  train:
    cmd: wc -l < prepared.txt > model.pkl
    deps: [prepared.txt]
    outs: [model.pkl]
"""


def test_a_pipeline_run_has_what_the_lock_says_after_it(project: Path, call_xvc: Calling) -> None:
    """Data handed on and results, of versions made later, too; and never a second pointer."""
    (project / "raw.txt").write_text("1\n2\n3\n4\n")
    dvc(project, "add", "-q", "raw.txt")
    (project / "dvc.yaml").write_text(_PIPELINE)
    (project / "n.txt").write_text("1\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "pipeline")
    for count in ("1", "2"):
        (project / "n.txt").write_text(f"{count}\n")
        done = call_xvc("run", "--json", "--", "dvc", "repro", "-q")
        assert done.code == 0, done.err
    second, first = (each["id"] for each in call_xvc("ls", "--json", "--all").data["runs"][:2])

    call_xvc("tag", "minor", "--run", first)
    call_xvc("tag", "minor", "--run", second)

    for tag in ("e0.1.0", "e0.2.0"):
        shown = call_xvc("show", tag, "--json").data
        files = {**shown["data"], **shown["outs"]}
        said = {path: file["digest"] for path, file in files.items() if path != "raw.txt"}
        assert said == locked(project, tag)
        assert set(shown["outs"]) == {"model.pkl"}
    assert locked(project, "e0.1.0") != locked(project, "e0.2.0")
    out = call_xvc("get", "e0.1.0", "model.pkl", "-o", "first.pkl")
    assert (project / "first.pkl").read_text().strip() == "1", out.err

    # an output that a stage owns is the stage's; a part of one is refused before anything runs
    done = call_xvc("run", "--tag", "minor", "--out", "model.pkl", "--", "dvc", "repro", "-f", "-q")
    assert done.code == 0, done.err
    assert not (project / "model.pkl.dvc").exists()
    assert "model.pkl.dvc" not in git(project, "ls-tree", "-r", "--name-only", "e0.3.0")
    assert dvc(project, "status", "-q") == ""
    refused = call_xvc("run", "--out", "model.pkl/part", "--", "true")
    assert refused.code == 2
    assert "model.pkl" in refused.err
    assert "train" in refused.err

    # one that an older xvc has made is found and mended
    shown = call_xvc("show", "--json").data
    (project / "model.pkl.dvc").write_text(
        f"outs:\n- md5: {shown['outs']['model.pkl']['digest']}\n  size: 2\n  hash: md5\n"
        "  path: model.pkl\n"
    )
    found = call_xvc("doctor", "--json").data["findings"]
    assert [each["health"] for each in found if each["what"] == "outputs"] == ["mended"]
    assert not (project / "model.pkl.dvc").exists()


def test_data_that_a_run_changes_before_its_pipeline_is_what_the_pipeline_read(
    project: Path, call_xvc: Calling
) -> None:
    """The lock names it as a dependency; what lay there when the run began, nobody read."""
    (project / "raw.txt").write_text("1\n")
    dvc(project, "add", "-q", "raw.txt")
    (project / "n.txt").write_text("1\n")
    (project / "dvc.yaml").write_text(_PIPELINE)
    dvc(project, "repro", "-q")
    (project / "go.sh").write_text("echo 2 > raw.txt\ndvc add -q raw.txt\ndvc repro -q\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "pipeline")

    done = call_xvc("run", "--", "sh", "-e", "go.sh")

    assert done.code == 0, done.err
    data = call_xvc("show", "--json").data["data"]
    assert data["raw.txt"] == {"digest": hashlib.md5(b"2\n").hexdigest(), "size": 2}
    assert data["prepared.txt"]["digest"] == data["raw.txt"]["digest"]


_TEMPLATED = """\
vars: [{out: m}]
stages:
  each:
    foreach: [a, b]
    do:
      cmd: python ev.py ${out}/${item}.json 0.5
      metrics: ["${out}/${item}.json": {cache: false}]
  grid:
    matrix: {model: [cnn, xgb]}
    cmd: python ev.py m/${item.model}.json 0.7
    metrics: ["m/${item.model}.json": {cache: false}]
  sub:
    wdir: sub
    cmd: python ../ev.py m/sub.json 0.9
    params: [conf.yaml: [width]]
    metrics: [m/sub.json: {cache: false}]
"""


def test_params_that_a_pipeline_run_sets_are_those_of_the_run(
    project: Path, call_xvc: Calling
) -> None:
    """As `dvc exp run -S` does it: the file says another value when its stages begin."""
    (project / "params.yaml").write_text("lr: 0.1\nsteps: 3\n")
    (project / "dvc.yaml").write_text("stages: {fit: {cmd: 'true', params: [lr, steps]}}\n")
    (project / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    (project / "dvc").write_text("sed -i.old 's/0.1/0.7/' params.yaml\n")
    done = call_xvc("run", "--json", "--", "sh", "./dvc", "exp", "run", "-S", "lr=0.7")

    shown = call_xvc("show", done.data["run"], "--json").data
    assert shown["params"] == {"lr": 0.7, "steps": 3}


def test_metrics_and_params_are_those_that_dvc_shows(project: Path, call_xvc: Calling) -> None:
    """Stages of ``foreach`` and ``matrix``, folders and pipelines of their own, one broken file."""
    (project / "ev.py").write_text(
        "import json, os, sys\nos.makedirs(os.path.dirname(sys.argv[1]) or '.', exist_ok=True)\n"
        "json.dump({'acc': float(sys.argv[2])}, open(sys.argv[1], 'w'))\n"
    )
    (project / "dvc.yaml").write_text(_TEMPLATED)
    for name in ("sub", "own"):
        (project / name).mkdir()
    (project / "sub" / "conf.yaml").write_text("width: 3\ndepth: 4\n")
    (project / "own" / "params.yaml").write_text("lr: 0.1\n")
    (project / "own" / "dvc.yaml").write_text(
        "stages:\n  t:\n    cmd: python ../ev.py n.json 1\n    params: [lr]\n"
        "    metrics: [n.json: {cache: false}]\n"
    )
    git(project, "add", "-A")
    git(project, "commit", "-qm", "pipelines")

    done = call_xvc("run", "--json", "--", "dvc", "repro", "-q", "-P")

    assert done.code == 0, done.err
    shown = call_xvc("show", "--json").data
    metrics = next(iter(json.loads(dvc(project, "metrics", "show", "--json")).values()))["data"]
    said = {f"{path}:{key}": v for path, each in metrics.items() for key, v in each["data"].items()}
    assert shown["metrics"] == said
    params = json.loads(dvc(project, "params", "diff", "--all", "--json"))
    assert shown["params"] == {
        key: value["new"]
        for path, each in params.items()
        for key, value in each.items()
        if path != "dvc.yaml"
    }

    (project / "own" / "dvc.yaml").write_text("stages:\n\tbad\n")
    (project / "torn.dvc").write_text("outs:\n- md5: x\n")
    done = call_xvc("run", "--json", "--", "true")
    assert done.code == 0
    assert sum("own/dvc.yaml" in each for each in done.json["warnings"]) == 1
    assert sum("torn.dvc" in each for each in done.json["warnings"]) == 1
    assert call_xvc("show", "--json").data["params"] == {"width": 3}


def test_projects_in_one_repository_keep_apart(
    tmp_path: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearest DVC repository or settings are the project; another's store is not its data."""
    git(tmp_path, "init", "-q")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "t.py").write_text("print(1)\n")
    (tmp_path / "a" / "pyproject.toml").write_text("[tool]\nxvc = {tag = {prefix = 'a'}}\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "b" / "d.csv").write_text("d\n")
    dvc(tmp_path / "b", "init", "-q", "--subdir")
    dvc(tmp_path / "b", "add", "-q", "d.csv")
    (tmp_path / "b" / "params.yaml").write_text("lr: 1\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "b")

    for name in ("a", "b"):
        monkeypatch.chdir(tmp_path / name)
        for words in (("init",), ("run", "--tag", "minor", "--", "python", "t.py")):
            done = call_xvc(*words)
            assert done.code == 0, done.err

    assert list(call_xvc("show", "--json").data["data"]) == ["b/d.csv"]
    assert call_xvc("show", "--json").data["params"] == {"lr": 1}
    monkeypatch.chdir(tmp_path / "a")
    call_xvc("run", "--", "python", "t.py")
    assert "data" not in call_xvc("show", "--json").data
    assert git(tmp_path, "tag").split() == ["a0.1.0", "e0.1.0"]
    assert not os.path.lexists(tmp_path / ".dvc")


def test_data_that_is_not_downloaded_is_named(
    project: Path, call_xvc: Calling, tmp_path: Path
) -> None:
    """A partial import costs its own line: the other data is recorded and versions are made."""
    (tmp_path / "source.csv").write_text("a,b\n")
    (project / "real.csv").write_text("real\n")
    dvc(project, "add", "-q", "real.csv")
    dvc(project, "import-url", "-q", "--no-download", str(tmp_path / "source.csv"), "raw.csv")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "data")

    done = call_xvc("run", "--json", "--tag", "minor", "--", "true")

    assert done.code == 0
    assert [each for each in done.json["warnings"] if "raw.csv" in each] != []
    assert list(call_xvc("show", "--json").data["data"]) == ["real.csv"]
    made = call_xvc("worktree", "add", "side", "--json")
    assert made.data["missing"] == ["raw.csv.dvc"]
    dvc(project, "update", "-q", "raw.csv.dvc")
    call_xvc("run", "--", "true")
    assert list(call_xvc("show", "--json").data["data"]) == ["raw.csv", "real.csv"]


_SEEDED = """\
stages:
  prep:
    cmd: cat raw.txt > prepared.txt
    deps: [raw.txt]
    outs: [prepared.txt]
  train:
    cmd: python train.py
    deps: [prepared.txt, train.py]
    params: [seed, lr]
    outs: [model.txt]
  score:
    cmd: python score.py
    deps: [model.txt, score.py]
    metrics: [metrics.json: {cache: false}]
"""


def seeded_pipeline(folder: Path) -> None:
    """A pipeline whose model, which another stage scores, depends on a seed of params.yaml."""
    (folder / "raw.txt").write_text("1\n2\n")
    dvc(folder, "add", "-q", "raw.txt")
    (folder / "params.yaml").write_text("seed: 1\nlr: 0.1\n")
    (folder / "train.py").write_text(
        "said = open('params.yaml').read()\nopen('model.txt', 'w').write(said)\n"
    )
    (folder / "score.py").write_text(
        "import json\nsaid = dict(line.split(': ') for line in open('model.txt'))\n"
        "score = float(said['lr']) + int(said['seed']) / 100\n"
        "json.dump({'acc': score}, open('metrics.json', 'w'))\n"
    )
    (folder / "dvc.yaml").write_text(_SEEDED)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "pipeline")


def test_what_a_pipeline_made_in_a_run_tells_no_repeats_apart(
    project: Path, call_xvc: Calling
) -> None:
    """Seeds give other models: these are what the runs made of their data, not other data."""
    seeded_pipeline(project)
    for seed in (1, 2, 3):
        (project / "params.yaml").write_text(f"seed: {seed}\nlr: 0.1\n")
        done = call_xvc("run", "--json", "--", "dvc", "repro", "-q")
        assert done.code == 0, done.err
    (project / "params.yaml").write_text("seed: 2\nlr: 0.1\n")

    ranked = call_xvc("leaderboard", "acc", "--json").data
    tried = call_xvc("tried", "--json", "--", "dvc", "repro", "-q").data

    assert [each["n"] for each in ranked["places"]] == [3]
    assert len(tried["same"]) == 1


def test_what_a_run_did_not_make_again_is_its_data(project: Path, call_xvc: Calling) -> None:
    """Of one stage alone, `dvc repro -s`, the others' outputs are as somebody left them."""
    seeded_pipeline(project)
    call_xvc("run", "--json", "--", "dvc", "repro", "-q")
    call_xvc("run", "--json", "--", "dvc", "repro", "-q", "-f", "-s", "score")
    (project / "params.yaml").write_text("seed: 2\nlr: 0.1\n")
    dvc(project, "repro", "-q", "train")
    call_xvc("run", "--json", "--", "dvc", "repro", "-q", "-f", "-s", "score")

    runs = [call_xvc("show", run, "--json").data["data"] for run in ("@-2", "@-1", "@")]

    made = [{path for path, file in data.items() if file.get("is_made")} for data in runs]
    assert made == [{"prepared.txt", "model.txt"}, set(), set()]


_STAGES = """\
stages:
  prep: {cmd: 'true', deps: [raw.txt], params: [n], outs: [some.txt]}
  run: {cmd: 'true', deps: [some.txt], outs: [model.txt]}
  score:
    cmd: 'true'
    deps: [model.txt]
    outs: [final.txt]
    metrics: [metrics.json: {cache: false}]
"""
_DVC = """\
import hashlib, json, sys
digest = lambda path: hashlib.md5(open(path, 'rb').read()).hexdigest()
said = lambda *paths: [{'path': path, 'md5': digest(path), 'hash': 'md5'} for path in paths]
n, how = int(open('params.yaml').read().split()[1]), sys.argv[-1].strip('-')
stages = json.load(open('dvc.lock'))['stages'] if how != 'whole' else {}
open('some.txt', 'w').write('1\\n' * n)
stages['prep'] = {'deps': said('raw.txt'), 'outs': said('some.txt')}
stages['prep']['params'] = {'params.yaml': {'n': n}}
open('model.txt', 'w').write(f'model {n}')
if how == 'half':
    json.dump({'schema': '2.0', 'stages': stages}, open('dvc.lock', 'w'))
    sys.exit(3)
stages['run'] = {'deps': said('some.txt'), 'outs': said('model.txt')}
if how == 'whole':
    open('final.txt', 'w').write(f'final {n}')
    open('metrics.json', 'w').write(json.dumps({'acc': n}))
    stages['score'] = {'deps': said('model.txt'), 'outs': said('final.txt', 'metrics.json')}
json.dump({'schema': '2.0', 'stages': stages}, open('dvc.lock', 'w'))
"""


def test_what_a_pipeline_did_not_come_to_is_nothing_of_its_run(
    project: Path, call_xvc: Calling
) -> None:
    """One that failed, and one of a stage alone: the lock still has the rest of an earlier run.

    A stage may have the name of a word of DVC's.
    """
    (project / "raw.txt").write_text("1\n")
    dvc(project, "add", "-q", "raw.txt")
    (project / "dvc.yaml").write_text(_STAGES)
    (project / "dvc").write_text(_DVC)
    said = []
    for n, how in enumerate(("--whole", "--half", "run", "--whole"), 1):
        (project / "params.yaml").write_text(f"n: {n}\n")
        said.append(call_xvc("run", "--", sys.executable, "dvc", "repro", how).err)

    runs = [call_xvc("show", run, "--json").data for run in ("@-3", "@-2", "@-1", "@")]

    files = [each.get("outs", {}).keys() | each["data"].keys() - {"raw.txt"} for each in runs]
    whole = {"some.txt", "model.txt", "final.txt"}
    assert files == [whole, {"some.txt"}, {"some.txt", "model.txt"}, whole]
    assert [each.get("metrics", {}) for each in runs] == [{"acc": 1}, {}, {}, {"acc": 4}]
    assert runs[1]["data"]["some.txt"]["digest"] == hashlib.md5(b"1\n1\n").hexdigest()
    # the half of a model that lay there before the third: `dvc add` refuses what a stage makes
    assert "`dvc commit model.txt`" in said[2]
    assert "dvc add" not in said[2]


@pytest.mark.parametrize(("says", "is_done"), [("b: 2, a: 1", True), ("b: 1, a: 2", False)])
def test_a_stage_is_as_locked_in_whatever_order_its_params_stand(
    tmp_path: Path, says: str, *, is_done: bool
) -> None:
    """To DVC a mapping in another order is no change."""
    (tmp_path / "params.yaml").write_text(f"opt: {{{says}}}\n")
    (tmp_path / "dvc.yaml").write_text("stages: {fit: {cmd: go, params: [opt]}}")
    lock = b"stages: {fit: {cmd: go, params: {params.yaml: {opt: {a: 1, b: 2}}}}}"
    pipelines = {"dvc.yaml": Pipeline({"fit": PipelineStage("")})}

    done = stages_as_locked(tmp_path, {"dvc.lock": lock}, pipelines, dict)

    assert bool(done) is is_done


_FIT = """\
stages:
  fit:
    foreach: [a]
    do:
      cmd: sh ${go}.sh
      deps: [./go.sh]
      params: [go]
      outs: [m.txt: {persist: true}]
"""
_LOCK = b"""\
schema: '2.0'
stages:
  fit@a:
    cmd: sh go.sh
    deps: [{path: go.sh, md5: d41d8cd98f00b204e9800998ecf8427e}]
    params: {params.yaml: {go: go}}
    outs: [{path: m.txt, md5: d41d8cd98f00b204e9800998ecf8427e}]
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("cmd: sh ${go}", "cmd: bash ${go}"),
        ("cmd: sh ${go}.sh", "cmd: [sh go.sh]"),
        ("cmd: sh ${go}", "cmd: sh ${gone}"),
        ("./go.sh]", "./go.sh, n.txt]"),
        ("[go]", "[go, n]"),
        ("outs: [", "outs: [more.txt, "),
    ],
)
def test_a_stage_that_is_declared_otherwise_is_not_as_locked(
    tmp_path: Path, old: str, new: str
) -> None:
    """What lies there is what an earlier run of another command left."""
    for name in ("go.sh", "m.txt", "more.txt", "n.txt"):
        (tmp_path / name).touch()
    (tmp_path / "params.yaml").write_text("go: go\nn: 1\n")
    (tmp_path / "dvc.yaml").write_text(_FIT.replace(old, new) if old else _FIT)
    pipelines = {"dvc.yaml": read_pipeline(reader_of(tmp_path), "dvc.yaml")}

    done = stages_as_locked(tmp_path, {"dvc.lock": _LOCK}, pipelines, dict)

    assert done == (set() if old else {"dvc.yaml:fit@a"})


def test_a_stage_whose_changed_command_failed_left_nothing(
    project: Path, call_xvc: Calling
) -> None:
    """DVC leaves an output that persists where it is."""
    stage = "stages: {fit: {cmd: 'echo 1 > m.txt', outs: [m.txt: {persist: true}]}}\n"
    (project / "dvc.yaml").write_text(stage)
    dvc(project, "repro", "-q")
    (project / "dvc.yaml").write_text(stage.replace("echo 1 > m.txt", "exit 3"))

    done = call_xvc("run", "--json", "--", "dvc", "repro", "-q")

    shown = call_xvc("show", done.data["run"], "--json").data
    assert done.code != 0
    assert shown.get("outs", {}).keys() | shown.get("data", {}).keys() == set()


def test_what_a_stage_made_and_is_not_there_is_absent(project: Path, call_xvc: Calling) -> None:
    """A run of something else cannot have read it; one that makes or brings it can."""
    (project / "dvc.yaml").write_text(
        "stages:\n  one:\n    cmd: echo 1 > a.txt\n    outs: [a.txt]\n"
        "  two:\n    cmd: cp a.txt b.txt\n    deps: [a.txt]\n    outs: [b.txt]\n"
    )
    git(project, "add", ".")
    git(project, "commit", "-qm", "stages")
    assert call_xvc("run", "--", "dvc", "repro", "-q").code == 0
    git(project, "add", ".")
    git(project, "commit", "-qm", "made")
    with_it = call_xvc("run", "--json", "--", "true").data["run"]
    (project / "a.txt").unlink()
    without = call_xvc("run", "--json", "--", "true")
    refused = call_xvc("tag", "minor")
    call_xvc("run", "--", "sh", "-c", "dvc repro -q")
    brought, lacking = (
        call_xvc("show", run, "--json").data["data"]["a.txt"] for run in ("@", without.data["run"])
    )

    assert lacking["state"] == "absent"
    assert "state" not in brought
    assert without.data["same_as"] is None
    assert with_it in str(without.json["warnings"])
    assert "error[data-differs]" in refused.err
