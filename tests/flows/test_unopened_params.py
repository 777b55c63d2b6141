"""A params file that the command never opened has no say in the run: it is none of its params."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from surroundings import Calling, git
from xvc.system.file_watch import is_local

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not is_local(os.environ.get("TMPDIR", "/tmp")),
    reason="only Linux says who opened a file, and only of its own disks",
)
READS = "print(open('params.yaml').read())"


def own_params(call: Calling) -> Any:
    """What the newest run's params are."""
    return call("ls", "--json", "--limit", "1").data["runs"][0]["params"]


@pytest.fixture
def with_params(project: Path) -> Path:
    """A project with a params.yaml that is committed."""
    (project / "params.yaml").write_text("lr: 0.1\nsteps: 3\n")
    git(project, "add", "params.yaml")
    git(project, "commit", "-qm", "params")
    return project


def test_what_a_file_says_that_nobody_opened_is_no_param(
    with_params: Path, call_xvc: Calling
) -> None:
    """The file is named by the run; what it says is shown apart, and counts nowhere."""
    done = call_xvc("run", "--json", "--", sys.executable, "-c", "print(1)")

    shown = call_xvc("show", "--json").data
    assert [each for each in done.json["warnings"] if "params.yaml" in each] == [
        "params.yaml: the command never opened it, so what it says (lr, steps) is kept apart and "
        "counts as no params of the run"
    ]
    (run,) = call_xvc("ls", "--json").data["runs"]
    assert run["params"] == {}
    assert shown["code"]["unopened"] == {"params.yaml": {"lr": 0.1, "steps": 3}}
    text = call_xvc("show").out
    assert "in params.yaml, which the command never opened, so no params of this run\n  lr " in text
    assert "\nparams\n" not in text


@pytest.mark.parametrize(
    "command",
    [
        (sys.executable, "-c", READS),
        ("sh", "-c", f'{sys.executable} -c "{READS}"'),
        ("sh", "-c", "ln -f params.yaml other.yaml; cat other.yaml"),
        ("sh", "-c", "ln -sf params.yaml link.yaml; cat link.yaml"),
        ("sh", "-c", "cp params.yaml copy.yaml; cat copy.yaml"),
        ("sh", "-c", "mv params.yaml moved.yaml; cat moved.yaml; mv moved.yaml params.yaml"),
        ("sh", "-c", "echo 'lr: 0.1' > new; mv new params.yaml; cat params.yaml"),
        ("sh", "-c", "(sleep 0.1; cat params.yaml) & wait"),
    ],
    ids=["read", "by a child", "hard link", "link", "copied", "moved", "replaced", "background"],
)
def test_a_file_that_may_have_been_read_keeps_its_params(
    with_params: Path, call_xvc: Calling, command: tuple[str, ...]
) -> None:
    """Whoever of the command opens it, and by whatever name."""
    call_xvc("run", "--", *command)

    assert own_params(call_xvc) == {"lr": 0.1, "steps": 3}
    assert call_xvc("show", "--json").data["code"]["unopened"] == {}


def test_a_file_that_came_in_by_a_redirection_keeps_its_params(
    with_params: Path, call_xvc: Calling
) -> None:
    """The shell opened it before the run began; the command only reads it."""
    with (with_params / "params.yaml").open() as held:
        before = os.dup(0)
        os.dup2(held.fileno(), 0)
        try:
            call_xvc("run", "--", "cat")
        finally:
            os.dup2(before, 0)
            os.close(before)

    assert own_params(call_xvc) == {"lr": 0.1, "steps": 3}


@pytest.mark.parametrize("is_compiled", [False, True], ids=["first", "compiled before"])
def test_a_params_module_is_read_by_what_python_made_of_it(
    project: Path, call_xvc: Calling, is_compiled: bool
) -> None:
    """The second import opens no params.py."""
    (project / "params.py").write_text("lr = 0.1\n")
    (project / "train.py").write_text("import params\nprint(params.lr)\n")
    with (project / "xvc.yaml").open("a") as settings:
        settings.write("params: {files: [params.py]}\n")
    if is_compiled:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
        subprocess.run([sys.executable, "train.py"], cwd=project, env=environment, check=True)
        assert [*(project / "__pycache__").glob("params.*.pyc")]

    call_xvc("run", "--", sys.executable, "train.py")

    assert call_xvc("show", "--json").data["params"] == {"lr": 0.1}


@pytest.mark.parametrize("steps", [3, 5], ids=["as the file says", "otherwise"])
def test_what_the_script_says_of_a_key_stays(
    with_params: Path, call_xvc: Calling, steps: int
) -> None:
    """It has the same key on its own, and perhaps the same value."""
    code = f"from xvc import Tracker; Tracker(params={{'steps': {steps}}}).log({{'acc': 1}})"

    call_xvc("run", "--", sys.executable, "-c", code)

    assert own_params(call_xvc) == {"steps": steps}


def test_what_an_option_says_of_a_key_stays(with_params: Path, call_xvc: Calling) -> None:
    """The command has it from its own words."""
    call_xvc("run", "--", sys.executable, "-c", "pass", "--lr", "0.1")

    assert own_params(call_xvc) == {"lr": 0.1}


def test_of_two_files_one_that_is_read_keeps_its_params(
    with_params: Path, call_xvc: Calling
) -> None:
    """A key that both have is the one's."""
    (with_params / "other.json").write_text('{"lr": 0.5, "depth": 2}')
    with (with_params / "xvc.yaml").open("a") as settings:
        settings.write("params: {files: [params.yaml, other.json]}\n")

    call_xvc("run", "--", "cat", "other.json")

    shown = call_xvc("show", "--json").data
    assert own_params(call_xvc) == {"other.json:lr": 0.5, "depth": 2}
    assert shown["code"]["unopened"] == {"params.yaml": {"params.yaml:lr": 0.1, "steps": 3}}


def test_runs_that_open_no_params_are_repeats_whatever_the_file_says(
    with_params: Path, call_xvc: Calling
) -> None:
    """What is not read is no difference: not for `run`, `tried` or a list by experiments."""
    command = (sys.executable, "-c", "print(1)")
    call_xvc("run", "--", *command)
    (with_params / "params.yaml").write_text("lr: 0.9\n")

    tried = call_xvc("tried", "--json", "--", *command).data
    done = call_xvc("run", "--", *command)

    assert len(tried["same"]) == 1
    assert "ran before" in done.err


def test_a_run_of_the_pipeline_has_its_params(with_params: Path, call_xvc: Calling) -> None:
    """A stage that had nothing to do opened no file either: it is as the file says."""
    (with_params / "dvc.yaml").write_text(
        "stages:\n  fit:\n    cmd: cp params.yaml out.txt\n    params: [lr]\n    outs: [out.txt]\n"
    )
    call_xvc("run", "--", "dvc", "repro", "-q")

    call_xvc("run", "--", "dvc", "repro", "-q")

    assert own_params(call_xvc) == {"lr": 0.1, "steps": 3}


def test_a_sweep_over_a_file_that_nobody_opens_fails(with_params: Path, call_xvc: Calling) -> None:
    """Its values would reach nobody."""
    (with_params / "train.py").write_text("print(1)\n")
    git(with_params, "add", "train.py")
    git(with_params, "commit", "-qm", "train")

    done = call_xvc("sweep", "-P", "lr=0.2,0.3", "--", sys.executable, "train.py")

    assert done.code != 0
    says = "lr: nothing has taken it up; params.yaml says it, and the command never opened that"
    assert says in done.err


@pytest.mark.parametrize("asked", ["lr=0.1", "zeta=1"], ids=["in the unopened file", "nowhere"])
def test_a_param_that_was_asked_for_and_not_taken_up_is_marked(
    with_params: Path, call_xvc: Calling, asked: str
) -> None:
    """The record says so, not only the run."""
    key, _, value = asked.partition("=")

    done = call_xvc("run", "-P", asked, "--", sys.executable, "-c", "print(1)")

    shown = call_xvc("show", "--json").data
    assert f"{key}: nothing has taken it up" in done.err
    assert shown["unused"] == [key]
    assert own_params(call_xvc) == {key: float(value)}
    assert f"{key}  {value}  (nothing took it up)" in call_xvc("show").out


def test_a_copy_that_is_opened_speaks_for_its_file(with_params: Path, call_xvc: Calling) -> None:
    """The command has all params of the file by the copy."""
    call_xvc("run", "-P", "lr=0.3", "--params-copy", "--", "cat", "{params}")

    assert own_params(call_xvc) == {"lr": 0.3, "steps": 3}
    assert "unused" not in call_xvc("show", "--json").data


@pytest.mark.parametrize(
    ("asked", "words", "on_record"),
    [
        ("lr=0.3", ("{params}",), {"lr": 0.1, "steps": 3}),
        ("lr=0.3", (), {"lr": 0.1, "steps": 3}),
        ("more=1", ("{params}",), {"lr": 0.1, "steps": 3, "more": 1}),
    ],
    ids=["named in the command", "not named", "in the copy alone"],
)
def test_a_copy_that_nobody_opens_says_nothing(
    with_params: Path,
    call_xvc: Calling,
    asked: str,
    words: tuple[str, ...],
    on_record: dict[str, object],
) -> None:
    """The command read the file itself: what that says is on record, and it is said."""
    reads = (sys.executable, "-c", READS, *words)

    done = call_xvc("run", "-P", asked, "--params-copy", "--", *reads)

    assert own_params(call_xvc) == on_record
    key = asked.partition("=")[0]
    assert f"warning: {key}: " in done.err
    assert ("unused" in call_xvc("show", "--json").data) == (key != "lr")
