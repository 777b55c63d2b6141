"""A param of which something else that the command read says another value is marked."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import xvc
from surroundings import Calling, git
from xvc.system.file_watch import is_local

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not is_local(os.environ.get("TMPDIR", "/tmp")),
    reason="only Linux says who opened a file, and only of its own disks",
)
TRAIN = """\
import os, sys
text = open("params.yaml").read() + "".join(open(word).read() for word in sys.argv[1:2])
os.environ.get("LR")
"""


@pytest.fixture
def mixed(project: Path) -> Path:
    """A project with a params.yaml, another file that says some of it, one that is for nobody."""
    (project / "params.yaml").write_text("lr: 0.1\nopt:\n  wd: 0.5\n")
    (project / "conf").mkdir()
    (project / "conf" / "mine.yaml").write_text("lr: 0.01\nopt: {wd: 0.5}\n")
    (project / "conf" / "other.yaml").write_text("lr: 7\n")
    (project / "train.py").write_text(TRAIN)
    git(project, "add", ".")
    git(project, "commit", "-qm", "train")
    return project


@pytest.mark.parametrize(
    ("command", "says", "is_warned"),
    [
        ("{python} train.py", {}, False),
        ("{python} train.py conf/mine.yaml", {"lr": "conf/mine.yaml says 0.01"}, True),
        ("{python} train.py conf/mine.yaml --lr 0.5", {"lr": "conf/mine.yaml says 0.01"}, False),
        ("{python} train.py conf/mine.yaml --lr 0.01", {}, False),
        ("{python} train.py conf/mine.yaml --opt.wd 0.5 lr=0.1", {"lr": "conf/mine"}, True),
        ("env LR=0.9 {python} train.py", {"lr": "the command says 0.9"}, True),
        ("{python} train.py opt.wd=0.7", {"opt.wd": "the command says 0.7"}, True),
    ],
    ids=["alone", "merged", "beside an option", "the same", "one of two", "variable", "override"],
)
def test_what_something_else_says_of_a_param_is_told(
    mixed: Path, call_xvc: Calling, command: str, says: dict[str, str], is_warned: bool
) -> None:
    """Which counts the script knows; a file that was not opened, or says the same, is nothing."""
    words = command.format(python=sys.executable).split()

    done = call_xvc("run", "--", *words)

    code, shown = call_xvc("show", "--json").data["code"], call_xvc("show").out
    assert code["contested"].keys() == says.keys()
    for key, text in says.items():
        assert code["contested"][key].startswith(text)
        assert f"(may be overruled: {text}" in shown
    assert ("on record, and" in done.err) == is_warned


def test_a_variable_that_the_script_reads_may_overrule_a_file(
    mixed: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that its text does not name is nothing to it, nor is one that every process has.

    Of a secret that two files say nothing is known, for the record does not hold it.
    """
    monkeypatch.setenv("LR", "0.7")
    monkeypatch.setenv("OPT_WD", "0.7")
    for name in ("params.yaml", "conf/mine.yaml"):
        (mixed / name).write_text("lr: 0.1\nopt: {wd: 0.5}\npath: a\napi_key: k3yk3yk3y\n")
    with (mixed / "train.py").open("a") as script:
        script.write("os.environ['PATH']\n")

    call_xvc("run", "--", sys.executable, "train.py", "conf/mine.yaml")

    assert call_xvc("show", "--json").data["code"]["contested"] == {"lr": "$LR says 0.7"}


def test_what_a_tracker_reports_is_in_no_doubt(mixed: Path, call_xvc: Calling) -> None:
    """The process itself says what it used."""
    tracked = "from xvc import Tracker\nTracker(params={'lr': 0.01}).close()\n"
    train = (sys.executable, "train.py", "conf/mine.yaml")
    (mixed / "train.py").write_text(TRAIN + tracked)

    call_xvc("run", "--", *train)
    (mixed / "params.yaml").unlink()
    (mixed / "train.py").write_text("import sys\nopen(sys.argv[1]).read()\n" + tracked)
    call_xvc("run", "--", *train, "--lr", "0.02")

    for run in ("@", "@-1"):
        shown = call_xvc("show", run, "--json").data
        assert (shown["params"]["lr"], shown["code"]["contested"]) == (0.01, {})


def test_an_unopened_file_is_no_params_of_a_run_that_has_them_elsewhere(
    mixed: Path, call_xvc: Calling
) -> None:
    """What a file says that was opened instead, and what the script has an option for."""
    (mixed / "params.yaml").write_text("lr: 0.1\nsteps: 3\nn: 1\n")
    (mixed / "train.py").write_text(
        "lambda p: p.add_argument('--n')\nopen('conf/mine.yaml').read()\n"
    )

    call_xvc("run", "--", sys.executable, "train.py")

    shown = call_xvc("show", "--json").data
    assert shown["code"]["contested"].keys() == {"lr", "n"}
    assert shown["params"] == {"steps": 3}
    assert shown["code"]["unopened"] == {"params.yaml": {"lr": 0.1, "steps": 3, "n": 1}}


def test_a_sweep_says_what_may_overrule_its_values(mixed: Path, call_xvc: Calling) -> None:
    """Once, and not trial by trial."""
    train = (sys.executable, "train.py", "conf/mine.yaml")

    done = call_xvc("sweep", "-P", "lr=0.2,0.3", "--", *train)

    assert done.err.count("lr may be overruled: conf/mine.yaml says 0.01") == 1


def test_a_param_that_may_be_overruled_is_marked_wherever_it_is_shown(
    mixed: Path, call_xvc: Calling
) -> None:
    """In tables, comparisons, reports, versions and frames; the other run's is not."""
    call_xvc("run", "--capture", "--", "env", "LR=0.9", sys.executable, "train.py")
    marked = call_xvc("show", "--json").data["id"]
    (mixed / "params.yaml").write_text("lr: 0.2\nopt:\n  wd: 0.5\n")
    call_xvc("run", "--tag", "minor", "--", sys.executable, "train.py")
    shown = ["ls", "ls --columns lr", "compare @-1 @", "report", "brief"]
    for words in map(str.split, shown):
        said = call_xvc(*words).out

        assert "0.1?" in said, words
        assert "0.2" in said
        assert "0.2?" not in said
    for words in (["ls", "--json"], ["compare", "@-1", "@", "--json"]):
        assert any(f"lr of {marked}" in each for each in call_xvc(*words).json["warnings"])
    assert list(xvc.open(mixed).runs()["contested"])[1] == "lr"
