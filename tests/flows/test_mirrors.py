"""Mirrors: other trackers get a run's numbers, and a run loses nothing to one that fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from surroundings import Calling
from xvc import Reader, Tracker
from xvc.errors import BadValue
from xvc.journal.writer import Journal
from xvc.mirrors import SINKS, SinkUnusable, sink_kind
from xvc.mirrors.rows import Tails
from xvc.mirrors.sink import SinkKind
from xvc.types import RunId

_PACKAGE = """\
import json, time
from pathlib import Path

from xvc.mirrors.sink import SinkKind

HERE = Path(__file__).parent


class Elsewhere:
    def __init__(self, options):
        self.options = options

    def _write(self, *said):
        with (HERE / "got.jsonl").open("a") as file:
            file.write(json.dumps(said) + "\\n")

    def begin(self, run, known):
        if (HERE / "down").exists():
            raise ConnectionError("refused")
        self._write("begin", run.id, run.name, known)
        return known or "there-" + run.id

    def params(self, values):
        self._write("params", values)

    def rows(self, rows):
        if (HERE / "fails").exists():
            raise ConnectionError("gone")
        if (HERE / "hangs").exists():
            time.sleep(60)
        for row in rows:
            self._write("row", row.step, row.values)

    def end(self, status):
        self._write("end", status)


KIND = SinkKind(open=Elsewhere)
"""
_POINTS = """\
[xvc.sinks]
elsewhere = elsewhere_sink:KIND
broken = elsewhere_that_is_not_there:KIND
wrong = elsewhere_sink:HERE
jsonl = elsewhere_sink:KIND
"""


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a sink, installed as pip would, for this process and its children."""
    folder = tmp_path / "shelf"
    about = folder / "elsewhere-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(_POINTS)
    (folder / "elsewhere_sink.py").write_text(_PACKAGE)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.delitem(sys.modules, "elsewhere_sink", raising=False)
    return folder


def got(shelf: Path, what: str) -> list[Any]:
    """What the sink was handed, of one kind."""
    lines = (shelf / "got.jsonl").read_text().splitlines()
    return [said[1:] for said in map(json.loads, lines) if said[0] == what]


def test_a_sink_of_another_package_gets_a_run(project: Path, shelf: Path) -> None:
    """Params once, numbers with their steps, the end; text and params are no metrics."""
    with Tracker(name="mine", params={"lr": 0.1}, sinks=["elsewhere"]) as tracker:
        for step in range(3):
            tracker.log({"step": step, "loss": 1.0 - step, "name": "a", "ok": True})
        tracker.log({"late": 7})

    assert got(shelf, "begin") == [[tracker.track_id, "mine", None]]
    assert got(shelf, "params")[-1][0] == {"lr": 0.1}
    assert got(shelf, "row") == [
        *([step, {"step": step, "loss": 1.0 - step}] for step in range(3)),
        [3, {"late": 7}],
    ]
    assert got(shelf, "end") == [["finished"]]
    assert not list((project / ".git" / "xvc" / "mirrors").glob("*.json"))


@pytest.mark.parametrize("trouble", ["down", "fails"])
def test_what_fails_is_sent_later(
    trouble: str, project: Path, shelf: Path, call_xvc: Calling, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every row is recorded, one warning is said, and --resume sends each row once."""
    (shelf / trouble).touch()
    with Tracker(sinks=["elsewhere"]) as tracker:
        for step in range(20):
            tracker.log({"step": step, "loss": 0.5})
    said = capfd.readouterr().err
    waits = call_xvc("mirror", "--json")
    failed = call_xvc("mirror", "--resume", "--json")
    (shelf / trouble).unlink()
    done = call_xvc("mirror", "--resume", "--json")
    again = call_xvc("mirror", "--resume", "--json")

    assert len(Reader().to_df(track_id=tracker.track_id)) == 20
    assert said.count("elsewhere does not get all of run") == 1
    assert (waits.data["mirrors_total"], failed.code, done.code) == (1, 1, 0)
    assert waits.json["next"] == ["xvc mirror --resume"]
    assert "ConnectionError" in failed.data["mirrors"][0]["problem"]
    assert [row[0] for row in got(shelf, "row")] == list(range(20))
    assert got(shelf, "end")[-1] == ["finished"]
    assert (done.data["mirrors"][0]["rows"], again.data["mirrors_total"]) == (20, 0)


def test_a_sink_that_hangs_delays_nobody(project: Path, shelf: Path) -> None:
    """Rows go on, the end waits a bounded time, and what was not sent is sent later."""
    (shelf / "hangs").touch()
    began = time.monotonic()
    tracker = Tracker(sinks=["elsewhere"])
    for step in range(200):
        tracker.log({"step": step, "loss": 0.5})
    logged = time.monotonic() - began
    tracker.close()
    took = time.monotonic() - began

    assert logged < 5
    assert took < 30
    assert len(Reader().to_df(track_id=tracker.track_id)) == 200


def test_a_killed_run_is_sent_later_in_full(project: Path, shelf: Path, call_xvc: Calling) -> None:
    """SIGKILL between a row and its sending costs the sink nothing."""
    script = (
        "from xvc import Tracker\n"
        "import os, signal\n"
        "tracker = Tracker(name='killed', sinks=['elsewhere'])\n"
        "for step in range(50):\n"
        "    tracker.log({'step': step, 'loss': 0.5})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False)
    resumed = call_xvc("mirror", "--resume", "--json")

    assert done.returncode == -signal.SIGKILL
    assert resumed.code == 0
    assert sorted({row[0] for row in got(shelf, "row")}) == list(range(50))
    assert got(shelf, "end")[-1][0] not in (None, "finished")


def test_a_command_is_mirrored_with_all_its_processes(
    project: Path, shelf: Path, run_xvc: Calling
) -> None:
    """`xvc run --sink`: rows of children and metric files; a Tracker's own sinks end with it."""
    (project / "many.py").write_text(
        "import json, os\n"
        "from xvc import Tracker\n"
        "tracker = Tracker(params={'lr': 0.1})\n"
        "tracker.log({'loss': 0.5})\n"
        "if os.fork() == 0:\n"
        "    tracker.log({'child': 1.0})\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "json.dump({'accuracy': 0.9}, open('metrics.json', 'w'))\n"
    )
    (project / "own.py").write_text(
        "from xvc import Tracker\nTracker(sinks=['elsewhere']).log({'own': 2.0})\n"
    )
    first = run_xvc("run", "--sink", "elsewhere", "--name", "one", "--", "python", "many.py")
    second = run_xvc("run", "--", "python", "own.py")

    assert (first.code, second.code) == (0, 0)
    keys = [key for _, values in got(shelf, "row") for key in values]
    assert sorted(keys) == ["accuracy", "child", "loss", "own"]
    assert {"lr": 0.1} in [said[0] for said in got(shelf, "params")]
    assert got(shelf, "begin")[0][1] == "one"
    assert got(shelf, "end")[-1] == ["finished"]
    assert not list((project / ".git" / "xvc" / "mirrors").glob("*.json"))


def test_names_of_sinks(shelf: Path) -> None:
    """Whatever another package does wrong is one error; a name of xvc's own stays its own."""
    own = ("jsonl", "mlflow", "wandb", "tensorboard")

    assert SINKS.names() == (*own, "elsewhere", "broken", "wrong")
    assert sink_kind("jsonl").open.__module__ == "xvc.mirrors.lines_file"
    assert isinstance(sink_kind("elsewhere"), SinkKind)
    for name in ("broken", "wrong", "gone"):
        with pytest.raises(SinkUnusable):
            sink_kind(name)


def test_options_have_to_be_written_down(project: Path) -> None:
    """What --resume could not read back is refused at once."""
    with pytest.raises(BadValue, match="options are texts and numbers"):
        Tracker(sinks={"jsonl": {"path": object()}})


def test_a_missing_package_costs_a_warning(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The run goes on without it, and the warning says what to do."""
    with Tracker(sinks=["nobody"]) as tracker:
        tracker.log({"loss": 0.5})

    said = capfd.readouterr().err
    assert len(Reader().to_df()) == 1
    assert "the sink 'nobody' cannot be used" in said
    assert "xvc mirror --resume" in said


@pytest.mark.filterwarnings("ignore")  # the packages' own
def test_mlflow_gets_a_run(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value with its step; the run ends as here; nothing global of MLflow is touched."""
    mlflow = pytest.importorskip("mlflow")
    uri = f"sqlite:///{project.parent}/mlflow.db"
    with Tracker(
        name="net", params={"lr": 0.1}, sinks={"mlflow": {"tracking_uri": uri}}
    ) as tracker:
        for step in range(3):
            tracker.log({"step": step, "loss": 1.0 - step / 4})
        for _ in range(600):  # MLflow's first start takes long
            if not list((project / ".git" / "xvc" / "mirrors").glob("*.json")):
                break
            time.sleep(0.05)
    os.environ.pop("MLFLOW_RUN_ID", None)
    from xvc.mirrors.resume import send_rest
    from xvc.project import Project

    time.sleep(1)
    problems = [each.problem for each in send_rest(Project.find(project, os.environ))]
    client = mlflow.MlflowClient(uri)
    (run,) = client.search_runs([client.get_experiment_by_name("project").experiment_id])
    history = client.get_metric_history(run.info.run_id, "loss")

    assert problems in ([], [None])
    assert (run.info.run_name, run.info.status) == ("net", "FINISHED")
    assert run.data.params == {"lr": "0.1"}
    assert [(each.step, each.value) for each in history] == [(0, 1.0), (1, 0.75), (2, 0.5)]
    assert run.data.tags["xvc.run"] == tracker.track_id
    assert mlflow.active_run() is None


@pytest.mark.filterwarnings("ignore")  # the packages' own
def test_tensorboard_gets_a_run(project: Path) -> None:
    """TensorBoard's own reader finds the values at their steps."""
    pytest.importorskip("tensorboardX")
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with Tracker(sinks={"tensorboard": {"log_dir": "board"}}) as tracker:
        for step in range(3):
            tracker.log({"step": step, "loss": 1.0 - step / 4})

    read = events.EventAccumulator(str(project / "board" / tracker.track_id))
    read.Reload()
    assert [(each.step, each.value) for each in read.Scalars("loss")] == [
        *((0, 1.0), (1, 0.75), (2, 0.5))
    ]


@pytest.mark.filterwarnings("ignore")  # the packages' own
def test_wandb_gets_a_run(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, under the id that the run has here."""
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    with Tracker(sinks={"wandb": {"mode": "offline"}}) as tracker:
        for step in range(3):
            tracker.log({"step": step, "loss": 1.0 - step / 4})
        until = time.monotonic() + 60  # the package takes seconds to start
        while not list(project.glob(f"wandb/offline-run-*-{tracker.track_id}")):
            assert time.monotonic() < until, "the mirror has begun no run"
            time.sleep(0.1)


def test_following_one_run_holds_no_journal_of_another_open(tmp_path: Path) -> None:
    """Thousands of runs may come and go beside a long one; its own is read wherever it is moved."""
    ours = Journal(tmp_path, {})
    tails = Tails(tmp_path, "ours", Path())
    before = psutil.Process().num_fds()
    for number in range(50):
        journal = Journal(tmp_path, {})
        journal.row(RunId(f"other{number}"), "events", {"loss": 1.0})
        journal.close()
    late = Journal(tmp_path, {})
    late.row(RunId("ours"), "events", {"loss": 0.5})
    first = tails.read().rows
    opened = psutil.Process().num_fds() - before
    late.row(RunId("ours"), "events", {"loss": 0.25})
    late.path.rename(tmp_path / "moved")
    second = tails.read().rows
    for each in (tails, late, ours):
        each.close()

    assert [dict(row.values) for row in (*first, *second)] == [{"loss": 0.5}, {"loss": 0.25}]
    assert opened <= 2  # the two of the run's own process
