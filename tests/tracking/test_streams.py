"""Rows go to logs and JSONL files as well: whole lines, read back, each tracker its own."""

from __future__ import annotations

import json
import math
import multiprocessing
import subprocess
import sys
from pathlib import Path
from typing import Any

import loguru
import pandas as pd
import pytest

from xvc import Reader, Tracker
from xvc.errors import BadValue, NoStore, NotKept, StreamFailed

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_line_of_json(folder: Path) -> None:
    """A JSONL line is flat: time with zone, level, the row, the run; pandas reads it."""
    with Tracker("a.duckdb", params={"model": "m"}, jsonl="logs/data.jsonl") as tracker:
        row = tracker.log({"accuracy": 0.95, "config": {"lr": 0.1, "deep": {"n": 3}}, "tags": [1]})

    (line,) = Path("logs/data.jsonl").read_text().splitlines()
    said = json.loads(line)
    stamp = said.pop("timestamp")

    assert pd.Timestamp(stamp).timestamp() == pytest.approx(row["timestamp"], abs=1e-5)
    assert stamp.endswith("+00:00")
    assert said == {
        "level": "TRACKING",
        "model": "m",
        "accuracy": 0.95,
        "config.lr": 0.1,
        "config.deep.n": 3,
        "tags": [1],
        "track_id": tracker.track_id,
    }
    frame = pd.read_json("logs/data.jsonl", lines=True, precise_float=True)
    assert frame["accuracy"].tolist() == [0.95]


@pytest.mark.parametrize("read", [lambda: Reader.read_logs("logs"), lambda: Reader.read_jsonl("d")])
def test_rows_are_read_back(read: Any) -> None:
    """Numbers keep their types and infinities, gaps are gaps, NaN is one."""
    with Tracker("a.duckdb", logs_path="logs", jsonl="d") as tracker:
        tracker.log({"i": (1 << 60) + 1, "f": 0.1, "b": True, "s": "ünï\n|", "level": "mine"})
        tracker.log({"f": math.inf, "h": 1 << 70, "x": b"x"})
        tracker.log({"f": math.nan})

    frame = read()

    assert frame["i"].dropna().tolist() == [(1 << 60) + 1]
    assert frame["f"].tolist()[:2] == [0.1, math.inf]
    assert math.isnan(frame["f"][2])
    assert frame["b"].dropna().tolist() == [True]
    assert frame["s"][0] == "ünï\n|"
    assert frame["level_2"][0] == "mine"
    assert frame["h"][1] == str(1 << 70)
    assert str(frame["timestamp"].dtype).endswith("UTC]")
    assert set(frame["track_id"]) == {tracker.track_id}


def test_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """`logs_stdout` prints each row, and nothing goes to standard error."""
    with Tracker("a.duckdb", logs_stdout=True) as tracker:
        tracker.log({"accuracy": 0.9})
    out, err = capsys.readouterr()

    assert " | TRACKING | {" in out
    assert '"accuracy":0.9' in out
    assert err == ""


def test_the_logger() -> None:
    """`monitor` and `experiment` write rows, also of a frame; messages are lines among them."""
    with Tracker("a.duckdb", logs_path="logs") as tracker:
        tracker.logger.monitor({"drift": 0.1})
        tracker.logger.info("a message | TRACKING | {}")
        tracker.logger.monitor(pd.DataFrame({"drift": [0.2, 0.3], "timestamp": ["a", "b"]}))
        tracker.logger.experiment({"params": {"lr": 0.1}})
        held = len(tracker)

    frame = Reader.read_logs("logs")

    assert frame["drift"].tolist()[:3] == [0.1, 0.2, 0.3]
    assert frame["level"].tolist() == ["MONITOR"] * 3 + ["EXPERIMENT"]
    assert frame["params.lr"][3] == 0.1
    assert frame["timestamp_2"][1] == "a"
    assert held == 0


def test_trackers_have_their_own_logs(capsys: pytest.CaptureFixture[str]) -> None:
    """Trackers do not write into each other's files; loguru's shared logger has no part in it."""
    with Tracker("a.duckdb", logs_path="one") as one, Tracker("a.duckdb", logs_path="two") as two:
        loguru.logger.remove()
        one.log({"x": 1})
        two.log({"x": 2})
        loguru.logger.add(sys.stderr)
        one.log({"x": 3})

    assert Reader.read_logs("one")["x"].tolist() == [1, 3]
    assert Reader.read_logs("two")["x"].tolist() == [2]
    assert capsys.readouterr().err == ""


def write_streams(count: int) -> None:
    """In another process: log long rows into shared files."""
    with Tracker("a.duckdb", logs_path="logs", jsonl="d.jsonl") as tracker:
        for step in range(count):
            tracker.log({"step": step, "text": "x" * 20_000})


def test_processes_share_files() -> None:
    """Lines of many processes, however long, never stand in each other."""
    processes = [SPAWN.Process(target=write_streams, args=(50,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert sorted(Reader.read_jsonl("d.jsonl")["step"]) == sorted([*range(50)] * 3)
    assert sorted(Reader.read_logs("logs")["step"]) == sorted([*range(50)] * 3)


def test_nothing_but_streams(folder: Path) -> None:
    """With SKIP_INSERT rows go to the log alone: no store, no journal; frames are empty."""
    with Tracker(Tracker.SKIP_INSERT, logs_path="logs", params={"a": 1}) as tracker:
        row = tracker.log({"x": 1})
        frame, count, text = tracker.to_df(), len(tracker), str(tracker)
        with pytest.raises(NotKept, match="keeps no rows") as caught:
            tracker.conn.execute("FROM events")

    assert row.keys() == {"a", "x", "timestamp", "track_id"}
    assert "read_logs" in caught.value.hint
    assert (frame.empty, count, text.splitlines()) == (True, 0, [f"{tracker!r}: 0 rows"])
    assert [path.name for path in folder.iterdir()] == ["logs"]
    assert Reader.read_logs("logs")["x"].tolist() == [1]


def test_log_files_by_another_name() -> None:
    """`logs_file_format` names the files; they are read all the same."""
    names = "run_{time:YYYY-MM}.log"
    with Tracker("a.duckdb", logs_path="logs", logs_file_format=names) as tracker:
        tracker.log({"x": 1})

    assert [len(path.name) for path in Path("logs").iterdir()] == [len("run_2026-01.log")]
    assert Reader.read_logs("logs")["x"].tolist() == [1]


def test_a_line_that_is_none() -> None:
    """A torn line is passed over with a warning; the rows around it are read."""
    with Tracker("a.duckdb", jsonl="d.jsonl") as tracker:
        tracker.log({"x": 1})
        with Path("d.jsonl").open("a") as file:
            file.write('{"x": 2, "to\n')
        tracker.log({"x": 3})

    with pytest.warns(UserWarning, match="passed over: 1"):
        frame = Reader.read_jsonl("d.jsonl")

    assert frame["x"].tolist() == [1, 3]


def test_a_stream_that_fails_loses_no_row() -> None:
    """When a stream cannot be written that is said, and the row is in the store."""
    Path("taken").write_text("a file")
    with Tracker("a.duckdb", jsonl="taken/d.jsonl") as tracker:
        with pytest.raises(StreamFailed, match="taken"):
            tracker.log({"x": 1})

        assert tracker.values("x") == [1]


def test_what_is_not_there() -> None:
    """No log to read, nothing to monitor: each is said. A logger without a log takes all."""
    with Tracker("a.duckdb") as tracker:
        tracker.logger.info("x")
        tracker.logger.monitor({"x": 1})
        tracker.logger.monitor([{"x": 1}])
    with Tracker("a.duckdb", jsonl="j.jsonl") as tracker:
        tracker.logger.warning("x")
        tracker.logger.monitor([{"x": 1}, {"x": 2}])
    assert Reader.read_jsonl("j.jsonl")["x"].tolist() == [1, 2]
    with Tracker("a.duckdb", jsonl="d") as tracker, pytest.raises(BadValue, match="list"):
        tracker.logger.monitor([1])  # type: ignore[arg-type]
    with pytest.raises(NoStore):
        Reader.read_jsonl("none.jsonl")
    with pytest.raises(NoStore):
        Reader.read_logs("none")


def test_a_log_is_paid_for_when_asked_for() -> None:
    """A tracker without streams, or with JSONL frames unread, loads neither loguru nor pandas."""
    code = """
import sys
from xvc import Reader, Tracker
with Tracker("a.duckdb") as tracker:
    tracker.log({"x": 1})
    tracker.conn.execute("FROM events").fetchall(), Reader("a.duckdb").values("x"), str(tracker)
print({"loguru", "pandas", "polars", "pyarrow"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_no_secret_stands_in_a_log(folder: Path) -> None:
    """Rows and messages, in logs and in lines of JSON: what looks like a secret is masked."""
    token = "ghp_" + "x7KdQm2z9" * 4
    with Tracker("a.duckdb", logs_path="logs", jsonl="d.jsonl") as tracker:
        tracker.log({"api_key": "kX9vQ2mT7zPw4LcR", "note": f"with {token}", "loss": 0.5})
        tracker.logger.info(f"signed in by {token}")

    written = [path.read_text() for path in (*Path("logs").iterdir(), Path("d.jsonl"))]

    assert all('"loss":0.5' in text.replace(" ", "") for text in written)
    assert "signed in by" in written[0]
    assert not [text for text in written if token in text or "kX9vQ2mT7zPw4LcR" in text]
