"""`-P file:key`, as DVC names a param: the file is known whether a setting names it or not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from surroundings import Calling, git

USED = (
    "import json; json.dump({'used': json.load(open('p.json'))['lr']}, open('metrics.json', 'w'))"
)


@pytest.fixture
def files(project: Path) -> Path:
    """A project with two files that say ``lr``, and a script that reads one of them."""
    (project / "params.yaml").write_text("lr: 0.1\nn: 1\n")
    (project / "p.json").write_text('{"lr": 0.1, "k": {"x": 2}}')
    (project / "used.py").write_text(USED)
    git(project, "add", "-A")
    git(project, "commit", "-qm", "files")
    return project


def shown(call_xvc: Calling) -> dict[str, object]:
    return dict(call_xvc("show", "--json", "@").data["params"])


@pytest.mark.parametrize("is_named", [True, False])
def test_a_sweep_sets_it_in_its_file(files: Path, call_xvc: Calling, *, is_named: bool) -> None:
    """Each trial used what is on record of it."""
    if is_named:
        (files / "xvc.yaml").write_text(
            "params: {files: [params.yaml, p.json]}\nmetrics: {files: [metrics.json]}\n"
        )
    call_xvc("sweep", "-P", "p.json:lr=0.3,0.4", "--", "python", "used.py")
    runs = call_xvc("ls", "--json").data["runs"]

    pairs = sorted((run["params"]["p.json:lr"], run["metrics"]["used"]) for run in runs)
    assert pairs == [(0.3, 0.3), (0.4, 0.4)]


def test_a_run_beside_it_is_refused(files: Path, call_xvc: Calling) -> None:
    """The command would read what the file says; with --params-edit it reads what was asked for."""
    refused = call_xvc("run", "-P", "p.json:lr=0.3", "--json", "--", "python", "used.py")
    same = call_xvc("run", "-P", "p.json:lr=0.10", "--", "python", "used.py")
    edited = call_xvc("run", "--params-edit", "-P", "p.json:k.x=5", "--", "python", "used.py")

    assert refused.json["error"]["code"] == "param-in-file"
    assert (same.code, edited.code) == (0, 0)
    assert shown(call_xvc)["p.json:k.x"] == 5
    assert json.loads((files / "p.json").read_text()) == {"lr": 0.1, "k": {"x": 5}}


def test_a_copy_of_the_named_file(files: Path, call_xvc: Calling) -> None:
    """The copied file is the named one, and one alone."""
    copied = call_xvc("run", "--params-copy", "-P", "p.json:lr=0.3", "--", "cat", "{params}")
    params = shown(call_xvc)
    both = call_xvc(
        "run", "--params-copy", "-P", "p.json:lr=3", "-P", "n=2", "--", "cat", "{params}"
    )

    assert json.loads(copied.out) == {"lr": 0.3, "k": {"x": 2}}
    assert params["p.json:lr"] == 0.3
    assert both.code == 2


@pytest.mark.parametrize("command", [["run", "--params-edit"], ["sweep"]])
def test_what_the_named_file_does_not_say(
    files: Path, call_xvc: Calling, command: list[str]
) -> None:
    """It is a misspelt key, and refused before anything runs."""
    refused = call_xvc(*command, "-P", "p.json:lrr=0.3", "--json", "--", "python", "used.py")

    assert refused.code == 2
    assert "p.json does not say lrr" in refused.json["error"]["message"]


def test_a_named_file_that_nobody_opens(files: Path, call_xvc: Calling) -> None:
    """The first trial fails by it, and no other is begun."""
    done = call_xvc("sweep", "-P", "p.json:lr=0.3,0.4", "--json", "--", "cat", "params.yaml")

    assert done.code == 1
    assert "the command never opened that" in " ".join(done.json["warnings"])
