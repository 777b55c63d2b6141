"""An executor of another package takes part through the entry point alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from surroundings import Calling
from xvc.executors import EXECUTORS, ExecutorUnusable, executor_kind
from xvc.executors.kind import ExecutorKind

_PACKAGE = """\
from pathlib import Path

from xvc.executors.kind import ExecutorKind
from xvc.executors.local import LocalExecutor

ADDRESSES = Path(__file__).with_name("addresses")


class Elsewhere(LocalExecutor):
    def submit(self, job):
        with ADDRESSES.open("a") as file:
            file.write(self.address + "\\n")
        super().submit(job)


def opened(opening):
    made = Elsewhere(opening.request.jobs, opening.environment)
    made.address = opening.request.address
    return made


KIND = ExecutorKind(open=opened)
"""
TRAIN = ("python", "train.py", "--lr", "{lr}")
_POINTS = """\
[xvc.executors]
elsewhere = elsewhere:KIND
broken = elsewhere_that_is_not_there:KIND
wrong = elsewhere:ADDRESSES
local = elsewhere:KIND
"""


def _install(folder: Path) -> Path:
    """Put a package with executors into a folder, as pip would."""
    about = folder / "elsewhere-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(_POINTS)
    (folder / "elsewhere.py").write_text(_PACKAGE)
    return folder


def test_an_executor_of_another_package_runs_a_sweep(
    project: Path, tmp_path: Path, run_xvc: Calling
) -> None:
    """No line of xvc names it; it gets the address, and its name is told where one is wrong."""
    shelf = _install(tmp_path / "shelf")
    path = {"PYTHONPATH": str(shelf)}
    words = ["sweep", "--param", "lr=0.1,0.3", "--executor"]

    done = run_xvc(*(*words, "elsewhere", "--address", "there", "--json", "--", *TRAIN), env=path)
    wrong = run_xvc(*words, "nowhere", "--", "true", env=path)
    broken = run_xvc(*words, "broken", "--json", "--", *TRAIN, env=path)
    stopped = run_xvc("sweep", "stop", "--json", env=path)

    assert done.data["counts"]["finished"] == 2
    assert (shelf / "addresses").read_text().split() == ["there", "there"]
    assert "'nowhere' is none of local, dask, slurm, elsewhere, broken, wrong" in wrong.err
    assert broken.json["error"]["code"] == "executor-unusable"
    assert stopped.code == 0


def test_what_is_registered_and_is_no_executor_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever another package does wrong is one error, and a name of xvc's own stays its own."""
    monkeypatch.syspath_prepend(_install(tmp_path / "shelf"))

    assert EXECUTORS.names()[:6] == ("local", "dask", "slurm", "elsewhere", "broken", "wrong")
    assert executor_kind("local").open.__module__ == "xvc.executors.local"
    assert isinstance(executor_kind("elsewhere"), ExecutorKind)
    for name in ("broken", "wrong", "gone"):
        with pytest.raises(ExecutorUnusable):
            executor_kind(name)
