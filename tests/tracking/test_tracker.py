"""The Tracker: one line logs; it joins the run it is in, or is one of its own."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import threading
from argparse import Namespace
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas
import pytest

import xvc
from surroundings import Calling, git
from xvc import Tracker
from xvc.errors import BadValue, UsageError


def run_of(call_xvc: Calling, reference: str = "@") -> Any:
    return call_xvc("show", reference, "--json").data


def script(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)


def test_a_row_comes_back_whole(plain: Path) -> None:
    """`log` returns the row with the params, its time and its run."""
    with Tracker("a.duckdb", params={"lr": 0.1}) as tracker:
        row = tracker.log({"loss": 0.5})

        assert (row["lr"], row["loss"], row["track_id"]) == (0.1, 0.5, tracker.track_id)
        assert tracker.latest == row
        assert set(row) == {"lr", "loss", "timestamp", "track_id"}


def test_params_go_into_later_rows(plain: Path) -> None:
    """`set_params` counts for every later row and for the run; a row's own value wins."""
    with Tracker("a.duckdb") as tracker:
        tracker.log({"loss": 1.0})
        tracker.set_params({"lr": 0.1})
        tracker.set_param("seed", 3)
        tracker.log({"loss": 0.5})
        tracker.log({"loss": 0.2, "lr": 9})

        assert tracker.values("lr") == [None, 0.1, 9]
        assert tracker.values("seed") == [None, 3, 3]
        assert tracker.params == {"lr": 0.1, "seed": 3}


def test_a_batch_is_rows(plain: Path) -> None:
    """`log_batch` keeps each row, in order."""
    with Tracker("a.duckdb") as tracker:
        made = tracker.log_batch({"step": step} for step in range(100))

        assert [row["step"] for row in made] == list(range(100))
        assert tracker.values("step") == list(range(100))
        assert len(tracker) == 100


def test_an_empty_tracker_is_one(plain: Path) -> None:
    """Before the first row there is nothing to read, and the tracker is no false value."""
    with Tracker("a.duckdb") as tracker:
        assert len(tracker) == 0
        assert tracker
        assert len(tracker.to_df()) == 0
        with pytest.raises(KeyError):
            tracker.values("loss")


def test_a_frame_has_rows_and_types(plain: Path) -> None:
    """`to_df` has this run's rows, `all=True` everyone's; whole numbers stay whole."""
    with Tracker("a.duckdb") as first:
        first.log({"n": (1 << 60) + 1, "loss": 0.5, "name": "a"})
    with Tracker("a.duckdb") as second:
        second.log({"loss": 0.25})
        second.log({"n": 2, "tags": [1, 2]})
        own, every = second.to_df(), second.to_df(all=True)

    assert own["loss"].dropna().tolist() == [0.25]
    assert (len(own), len(every)) == (2, 3)
    assert every["n"].dropna().tolist() == [(1 << 60) + 1, 2]
    assert every["track_id"].tolist() == [first.track_id, second.track_id, second.track_id]


def test_a_frame_of_mixed_values(plain: Path) -> None:
    """A column with numbers and text can be framed too."""
    with Tracker("a.duckdb") as tracker:
        tracker.log_batch([{"x": 1}, {"x": "n/a"}, {"x": 2.5}, {"x": None}])

        assert tracker.to_df()["x"].tolist()[:3] == [1, "n/a", 2.5]


def test_reserved_looking_keys(plain: Path) -> None:
    """Keys called like the store's own columns are the user's, and keep their values."""
    with Tracker("a.duckdb") as tracker:
        tracker.log({"timestamp": "mine", "track_id": 7, "row_id": None, "rowid": 1})

        assert tracker.values("timestamp") == ["mine"]
        assert tracker.values("track_id") == [7]
        assert tracker.values("rowid") == [1]


def test_two_at_once(plain: Path) -> None:
    """Two trackers in one process are two runs, in one store or in two."""
    with Tracker("a.duckdb") as one, Tracker("a.duckdb") as two, Tracker("b.duckdb") as three:
        for step in range(10):
            one.log({"step": step})
            two.log({"step": -step})
            three.log({"other": step})

        assert one.values("step") == list(range(10))
        assert two.values("step") == [-step for step in range(10)]
        assert len(three) == 10
        assert len({one.track_id, two.track_id, three.track_id}) == 3


def test_tables_are_apart(plain: Path) -> None:
    """Rows go into the table that was named."""
    with Tracker("a.duckdb") as events, Tracker("a.duckdb", table="predictions") as predictions:
        events.log({"x": 1})
        predictions.log_batch([{"x": "one"}, {"x": "two"}])

        assert events.values("x") == [1]
        assert predictions.values("x") == ["one", "two"]


def test_threads_share_one(plain: Path) -> None:
    """Rows of many threads are all there, each once."""
    with Tracker("a.duckdb") as tracker:
        threads = [
            threading.Thread(target=lambda at=at: [tracker.log({"n": at + i}) for i in range(50)])
            for at in range(0, 400, 50)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(tracker.values("n")) == list(range(400))


def test_reading_while_others_write(plain: Path) -> None:
    """A reader sees whole rows of a process that is still writing, and never an error."""
    code = (
        "from xvc import Tracker\n"
        "t = Tracker('a.duckdb')\n"
        "for i in range(2000): t.log({'i': i, 'text': 'x' * 50})\n"
    )
    with Tracker("a.duckdb") as tracker:
        writer = subprocess.Popen([sys.executable, "-c", code])
        sizes = []
        while writer.poll() is None:
            tracker.log({"mine": 1})
            sizes.append(len(tracker.to_df(all=True)))
        frame = tracker.to_df(all=True)

    assert writer.returncode == 0
    assert sizes == sorted(sizes)
    assert frame["i"].dropna().tolist() == list(range(2000))


@pytest.mark.parametrize("bad", [{"": 1}, {"x": threading.Lock()}, {"x": "\ud800"}, {3: 1}])
def test_a_bad_row_is_refused(plain: Path, bad: Any) -> None:
    """What cannot be kept raises, nothing of it is written, and the next row is."""
    with Tracker("a.duckdb") as tracker:
        with pytest.raises(BadValue):
            tracker.log(bad)
        tracker.log({"x": 1})

        assert len(tracker) == 1


@pytest.mark.parametrize(
    ("mistake", "says"),
    [
        (lambda here: Tracker({"lr": 0.1}), r"Tracker\(params="),  # type: ignore[arg-type]
        (lambda here: here.log("loss"), r"log\(loss=0.5\), not one str"),
        (lambda here: here.log([1, 2]), "not one list"),
        (lambda here: here.track(max(3, 5)), r"track\(train, \[0.1\]\), not what it returned"),
        (lambda here: xvc.open(__file__), "test_tracker.py is a file"),
    ],
)
def test_what_a_newcomer_mistakes_is_answered_by_the_way(
    plain: Path, mistake: Callable[[Tracker], object], says: str
) -> None:
    """One sentence that shows the right call; nothing is recorded, and the tracker goes on."""
    here = Tracker("events.duckdb")
    here.log({"acc": 1})
    with pytest.raises(UsageError, match=says) as told:
        mistake(here)
    here.log({"acc": 2})

    said = f"{told.value} {told.value.hint}"

    assert "mapping" not in said
    assert here.to_df()["acc"].tolist() == [1, 2]


def test_a_row_of_a_frame_is_logged(plain: Path) -> None:
    """A pandas Series is values by key; whether it is true it cannot say."""
    row = pandas.Series({"acc": 0.5, "loss": 0.25})

    logged = Tracker("events.duckdb").log(row)

    assert (logged["acc"], logged["loss"]) == (0.5, 0.25)


def test_a_project_is_opened_with_with(plain: Path) -> None:
    """There is nothing to close, so the habit does no harm."""
    with xvc.open() as here:
        assert len(here.runs()) == 0


def test_its_own_run_finishes(project: Path, call_xvc: Calling) -> None:
    """Outside `xvc run` a tracker is a run, which ends well when the script does."""
    code = "from xvc import Tracker; t = Tracker(name='mine', note='n'); t.log({'loss': 1.5})"
    done = script(code)
    found = run_of(call_xvc)

    assert done.returncode == 0, done.stderr
    assert (found["name"], found["note"], found["status"]) == ("mine", "n", "finished")
    assert found["metrics"] == {"loss": 1.5}
    assert found["code"]["branch"] == "main"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("t = Tracker(); t.log({'a': 1}); raise RuntimeError('boom')", "RuntimeError: boom"),
        ("with Tracker() as t:\n  t.log({'a': 1})\n  raise KeyError('x')", "KeyError: 'x'"),
        ("with Tracker() as t:\n  raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_its_own_run_fails(project: Path, call_xvc: Calling, code: str, reason: str) -> None:
    """A script that breaks leaves a failed run with the reason, and the rows before it."""
    done = script(f"from xvc import Tracker\n{code}")
    found = run_of(call_xvc)

    assert done.returncode != 0
    assert found["status"] == ("interrupted" if "Interrupt" in reason else "failed")
    assert found["reason"].startswith(reason)


def test_a_killed_script_is_lost(project: Path, call_xvc: Calling) -> None:
    """A script that dies without a word keeps its rows, and its run is called lost."""
    code = "t = Tracker(); t.log({'a': 1}); os.kill(os.getpid(), 9)"
    script(f"import os; from xvc import Tracker; {code}")
    call_xvc("ls")
    found = run_of(call_xvc)

    assert found["status"] == "lost"
    assert found["metrics"] == {"a": 1}


def test_closing_twice(plain: Path) -> None:
    """A tracker can be closed again, and a closed one still reads."""
    tracker = Tracker("a.duckdb")
    tracker.log({"a": 1})
    tracker.close()
    tracker.close()

    assert tracker.values("a") == [1]


def test_a_store_of_its_own_in_a_project(project: Path, call_xvc: Calling) -> None:
    """Inside a project, another file is another store; both know their code."""
    with Tracker("own.duckdb") as own, Tracker() as usual:
        own.log({"a": 1})
        usual.log({"b": 2})
        assert (own.values("a"), usual.values("b")) == ([1], [2])
    listed = call_xvc("ls", "--json").data["runs"]

    assert [run["id"] for run in listed] == [usual.track_id]
    assert "own.duckdb.xvc-journals" not in git(project, "status", "--porcelain", "-uall")


def test_a_store_elsewhere(project: Path, tmp_path: Path) -> None:
    """The store may lie outside the project and outside git."""
    with Tracker(tmp_path / "far" / "a.duckdb") as tracker:
        tracker.log({"a": 1})

        assert tracker.values("a") == [1]
    assert (tmp_path / "far" / "a.duckdb").is_file()
    assert git(project, "status", "--porcelain") == ""


def test_the_store_of_another_work_tree(project: Path, call_xvc: Calling) -> None:
    """What is logged into it from here is that tree's: listed there, and in its next version."""
    call_xvc("worktree", "add", "side", "--path", "../side")
    with Tracker("../side/results/experiments.duckdb") as tracker:
        tracker.log({"a": 1})
    there = project.parent / "side"
    tagged = call_xvc("tag", "minor", "--json", cwd=there)

    assert tagged.data["run"] == tracker.track_id
    assert call_xvc("ls", "--json").data["runs"] == []
    assert [run["id"] for run in call_xvc("ls", "--json", cwd=there).data["runs"]] == [
        tracker.track_id
    ]


def test_a_store_of_another_project(project: Path, tmp_path: Path, call_xvc: Calling) -> None:
    """A store of another repository's project: the rows are in that project's history."""
    other = tmp_path / "other"
    other.mkdir()
    assert call_xvc("init", cwd=other).code == 0
    with Tracker(other / "results" / "experiments.duckdb") as tracker:
        tracker.log({"a": 1})
    listed = call_xvc("ls", "--json", cwd=other).data["runs"]

    refused = call_xvc("tag", "minor", "--json", cwd=other)

    assert [run["id"] for run in listed] == [tracker.track_id]
    assert call_xvc("ls", "--json").data["runs"] == []
    assert refused.json["error"]["code"] == "code-absent"


@pytest.mark.parametrize("read_before", [False, True], ids=["journals only", "folded"])
def test_rows_from_before_there_was_a_project(
    plain: Path, call_xvc: Calling, read_before: bool
) -> None:
    """A folder that becomes a project keeps the runs that its store had."""
    with Tracker("results/experiments.duckdb") as tracker:
        tracker.log({"a": 1})
    if read_before:
        assert call_xvc("ls").code == 0
    assert call_xvc("init").code == 0
    listed = call_xvc("ls", "--json").data["runs"]

    assert [run["id"] for run in listed] == [tracker.track_id]
    assert call_xvc("db", "head", "--json").data["rows"][0]["a"] == 1


def test_a_changed_folder(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that changes its folder goes on logging into the same store."""
    with Tracker("a.duckdb") as tracker:
        (plain / "below").mkdir()
        monkeypatch.chdir(plain / "below")
        tracker.log({"a": 1})

        assert tracker.values("a") == [1]
    assert (plain / "a.duckdb").is_file()
    assert list((plain / "below").iterdir()) == []


def test_nothing_heavy_is_loaded() -> None:
    """`from xvc import Tracker` costs none of the packages that only some calls need."""
    heavy = ("duckdb", "git", "dvc", "pandas", "typer", "yaml", "rich", "psutil")
    code = f"print([name for name in {heavy} if name in sys.modules])"
    done = script(f"import sys; from xvc import Tracker; {code}")

    assert done.stdout.strip() == "[]"


def test_a_store_in_memory(plain: Path) -> None:
    """`Tracker.IN_MEMORY` keeps rows for as long as the tracker lives, and leaves no file."""
    with Tracker(Tracker.IN_MEMORY) as tracker:
        tracker.log_batch([{"a": 1}, {"a": 2}])

        assert tracker.values("a") == [1, 2]
    assert list(plain.iterdir()) == []


def test_it_answers_to_the_names_that_people_try(plain: Path) -> None:
    """Keywords, a step, `config=`, `in`, iteration and `finish`; a copy is one clear sentence."""
    tracker = Tracker("a.duckdb", config={"lr": 0.1, "seed": 1}, params={"seed": 2})
    tracker.log(loss=0.5)
    tracker.log({"loss": 0.25}, step=3, epoch=1)
    found = (
        tracker.values("loss"),
        tracker.values("step"),
        tracker.values("epoch"),
        tracker.values("seed"),
    )
    held = ("loss" in tracker, "other" in tracker, 3 in tracker, "loss" in list(tracker))
    for copied in (pickle.dumps, copy.deepcopy):
        with pytest.raises(BadValue, match="cannot be pickled"):
            copied(tracker)
    tracker.finish()

    assert found == ([0.5, 0.25], [None, 3], [None, 1], [2, 2])
    assert held == (True, False, False, True)


def test_params_are_whatever_log_takes(plain: Path) -> None:
    """A Namespace, paths, dates and durations; what cannot be kept is named, the rest stays."""
    day, minute = date(2026, 1, 1), timedelta(minutes=1)
    said = Namespace(where=Path("a/b"), day=day, took=minute, names={0: "cat"})
    with Tracker("a.duckdb", params=said) as tracker:
        with pytest.raises(BadValue, match="lock"):
            tracker.set_params({"lock": threading.Lock(), "good": 1})
        row = tracker.log({"loss": 0.5})

    assert (row["where"], row["day"], row["took"], row["good"]) == ("a/b", day, 60.0, 1)
    assert tracker.values("names") == [{"0": "cat"}]


def test_a_table_may_have_any_name(plain: Path, call_xvc: Calling) -> None:
    """Quotes, dots, words of SQL: rows go in, are changed, and every table is listed."""
    names = ("a.b", 'a"b', "a'b", "select", "a;drop table runs", "main.runs", "db")
    for name in names:
        with Tracker("s.duckdb", table=name) as tracker:
            tracker.log({"loss": 1.0})
            tracker.set_value("loss", 2.0)
            assert tracker.values("loss") == [2.0]
    with pytest.raises(BadValue, match="half a character"):
        Tracker("s.duckdb", table="\ud800")

    listed = call_xvc("db", "ls", "--db", "s.duckdb", "--json").data["rows"]
    assert set(names) <= {row["table"] for row in listed}
