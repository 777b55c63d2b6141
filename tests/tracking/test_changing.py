"""Changing what was logged: from a Tracker, through kills and between processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from surroundings import Calling
from xvc import Tracker
from xvc.errors import BadValue, NoRun
from xvc.recording.edit_records import RunGoesOn, RunVersioned

ROWS = ({"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.25, "name": "b"}, {"step": 3, "loss": 0.1})


@pytest.fixture
def tracker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tracker:
    """A tracker outside git, with three rows."""
    monkeypatch.chdir(tmp_path)
    made = Tracker("a.duckdb")
    made.log_batch(ROWS)
    return made


def metrics_of(tracker: Tracker) -> dict[str, object]:
    from xvc.store.query import by_id

    with tracker._keeper.view() as connection:
        run = by_id(connection, tracker.track_id)
    return dict(run.metrics) if run else {}


def test_a_value_is_set_back_in_time(tracker: Tracker) -> None:
    """`set_value` reaches every row logged before it, none after it, and the run's metrics."""
    tracker.set_value("accuracy", 0.9)
    tracker.log({"step": 4})

    assert tracker.values("accuracy") == [0.9, 0.9, 0.9, None]
    assert metrics_of(tracker)["accuracy"] == 0.9


def test_the_last_word_is_the_metric(tracker: Tracker) -> None:
    """A number that is logged after it was set counts, and one that was logged before does not."""
    tracker.set_value("loss", 7)
    set_first = metrics_of(tracker)["loss"]
    tracker.log({"loss": 8.5})

    assert (set_first, metrics_of(tracker)["loss"]) == (7, 8.5)
    assert tracker.values("loss") == [7.0, 7.0, 7.0, 8.5]


@pytest.mark.parametrize(
    ("key", "wanted", "names"),
    [
        ("step", 2, [None, "x", None]),
        ("step", 2.0, [None, "x", None]),
        ("step", True, [None, "b", None]),
        ("step", "2", [None, "b", None]),
        ("name", "b", [None, "x", None]),
        ("name", None, ["x", "b", "x"]),
        ("no such key", 1, [None, "b", None]),
        ("no such key", None, ["x", "x", "x"]),
    ],
)
def test_rows_are_chosen_by_what_they_hold(
    tracker: Tracker, key: str, wanted: object, names: list[str | None]
) -> None:
    """`set_where` compares with types, sets those rows only, and is no metric of the run."""
    tracker.set_where("name", "x", key, wanted)

    assert tracker.values("name") == names
    assert "name" not in metrics_of(tracker)


def test_latest_follows(tracker: Tracker) -> None:
    """`latest` shows what was set, where it concerns the last row; the row given out stays."""
    given = tracker.log({"step": 4})
    tracker.set_value("accuracy", 0.9)
    tracker.set_where("step", 40, "step", 4)
    tracker.set_where("step", 50, "step", 3)
    tracker.set_value("other", 1, track_id="x" * 12)

    assert tracker.latest == {**given, "accuracy": 0.9, "step": 40}
    assert "accuracy" not in given


@pytest.mark.parametrize("value", [object(), "\ud800", {"a": object()}])
def test_what_cannot_be_kept_is_not_set(tracker: Tracker, value: object) -> None:
    """A value that `log` refuses is refused here, and nothing is written."""
    size = tracker._journal.path.stat().st_size
    with pytest.raises(BadValue):
        tracker.set_value("k", value)

    assert tracker._journal.path.stat().st_size == size


def test_a_condition_is_one_value(tracker: Tracker) -> None:
    """Rows are not chosen by lists; the refusal says so."""
    with pytest.raises(BadValue, match="single values"):
        tracker.set_where("k", 1, "other", [1])


def test_other_tables_and_runs_are_left_alone(tracker: Tracker) -> None:
    """An edit concerns one table and one run, unless it names no run."""
    other = Tracker("a.duckdb", table="other")
    other.log({"loss": 1.0})
    second = Tracker("a.duckdb")
    second.log({"loss": 2.0})
    tracker.set_value("loss", 0.0)

    assert (tracker.values("loss"), other.values("loss"), second.values("loss")) == (
        [0.0] * 3,
        [1.0],
        [2.0],
    )


def test_a_reset_begins_anew(tracker: Tracker) -> None:
    """`reset=True` takes out what the table held; later rows, and other tables, stay."""
    Tracker("a.duckdb", table="other").log({"loss": 1.0})
    fresh = Tracker("a.duckdb", reset=True)
    fresh.log({"loss": 9.0})
    tracker.log({"loss": 8.0})

    assert sorted(fresh.to_df(all=True)["loss"]) == [8.0, 9.0]
    assert len(Tracker("a.duckdb", table="other").to_df(all=True)) == 1


def test_a_deleted_run_stays_deleted(tracker: Tracker) -> None:
    """A run goes from every table and from the runs; no record that comes late brings it back."""
    other = Tracker("a.duckdb")
    other.log({"loss": 2.0})
    tracker.close()
    other.delete_run(tracker.track_id)
    tracker._journal.row(tracker.track_id, "events", {"loss": 3.0})
    tracker.note("late")

    assert metrics_of(tracker) == {}
    assert list(other.to_df(all=True)["loss"]) == [2.0]


def test_a_run_that_goes_on_is_not_deleted(tracker: Tracker) -> None:
    """Deleting refuses a run that still logs, and one that nobody knows."""
    with pytest.raises(RunGoesOn):
        tracker.delete_run(tracker.track_id)
    with pytest.raises(NoRun):
        tracker.delete_run("b" * 12)

    assert len(tracker) == 3


def test_a_version_keeps_its_run(project: Path, run_xvc: Calling) -> None:
    """A run that a version names is deleted only when the caller insists; the version stays."""
    run_xvc("run", "--tag", "minor", "--", "python", "train.py")
    run = run_xvc("show", "@", "--json").data["id"]
    tracker = Tracker()
    with pytest.raises(RunVersioned, match=r"e0\.1\.0"):
        tracker.delete_run(run)
    tracker.delete_run(run, force=True)

    assert run not in run_xvc("ls", "--json").out
    assert run_xvc("show", "e0.1.0", "--json").data["id"] == run


def test_a_kill_right_after_keeps_it(tmp_path: Path) -> None:
    """What `set_value` returned for survives SIGKILL."""
    store = tmp_path / "a.duckdb"
    program = (
        "import os, signal; from xvc import Tracker\n"
        f"tracker = Tracker({str(store)!r}); tracker.log({{'loss': 1}})\n"
        "tracker.set_value('accuracy', 0.5); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False)
    found = Tracker(store).to_df(all=True)

    assert done.returncode == -signal.SIGKILL
    assert list(found["accuracy"]) == [0.5]


WRITER = """
import sys; from xvc import Tracker
tracker = Tracker(sys.argv[1], params={"worker": int(sys.argv[2])})
for step in range(300):
    tracker.log({"step": step})
print(tracker.track_id)
"""


def test_four_write_while_one_changes(tracker: Tracker) -> None:
    """Four processes log while another sets values, deletes a run and reads: nothing is lost."""
    doomed = Tracker("a.duckdb")
    doomed.log_batch(ROWS)
    doomed.close()
    command = [sys.executable, "-c", WRITER, str(Path("a.duckdb").resolve())]
    writers = [
        subprocess.Popen([*command, str(n)], stdout=subprocess.PIPE, text=True) for n in range(4)
    ]
    seen = 0
    while any(writer.poll() is None for writer in writers):
        tracker.set_value("seen", seen := seen + 1)
        if seen == 1:  # the writers may be done before the second time
            tracker.delete_run(doomed.track_id)
        assert tracker.values("seen") == [seen] * 3
    runs = [writer.communicate()[0].strip() for writer in writers]
    for run in runs:
        tracker.set_value("done", value=True, track_id=run)
    tracker.set_where("worker", "first", "worker", 0, track_id=runs[0])
    found = tracker.to_df(all=True)

    assert len(found) == 3 + 4 * 300
    assert doomed.track_id not in set(found["track_id"])
    for place, run in enumerate(runs):
        its = found[found["track_id"] == run]
        assert sorted(its["step"]) == list(range(300))
        assert set(its["done"]) == {True}
        assert set(its["worker"]) == {place or "first"}


def test_a_fork_sets_for_its_run(tracker: Tracker) -> None:
    """A forked worker that sets a value of the run writes into a journal of its own."""
    child = os.fork()
    if child == 0:
        tracker.set_value("from", "child")
        os._exit(0)
    os.waitpid(child, 0)

    assert tracker.values("from") == ["child"] * 3
