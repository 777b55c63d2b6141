"""Who comes from xetrack changes one import line: what its manual shows works here.

One test a behaviour, in the order of that manual; where the original was wrong (case of keys, table
names, the cache across processes and after mutation, ``latest``) the right thing is asked for.
"""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

from pages import SKILLS
from surroundings import Calling, git
from xvc import Reader, Tracker, copy
from xvc.errors import BadValue, NoAsset, NoStore


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database named as in that manual, in the current folder."""
    monkeypatch.chdir(tmp_path)
    return "database_db"


def test_log_returns_the_row_and_latest_has_it(db: str) -> None:
    """Params, time and run are in what `log` returns, and that is `latest`."""
    tracker = Tracker(db, params={"model": "resnet18"})
    row = tracker.log({"accuracy": 0.9, "loss": 0.1, "epoch": 1})

    assert {"accuracy": 0.9, "loss": 0.1, "epoch": 1, "model": "resnet18"}.items() <= row.items()
    assert {"timestamp", "track_id"} <= row.keys()
    assert tracker.latest == row


def test_all_runs_as_a_frame(db: str) -> None:
    """`to_df` is this run's rows, `to_df(all=True)` everybody's."""
    for model in ("a", "b"):
        with Tracker(db, params={"model": model}) as tracker:
            tracker.log({"accuracy": 0.9})

    assert list(tracker.to_df(all=True)["model"]) == ["a", "b"]
    assert list(tracker.to_df()["model"]) == ["b"]


@pytest.mark.parametrize("table", ["model_experiments", "track", "group", "default", "order"])
def test_several_tables_with_any_name(db: str, table: str) -> None:
    """Words of SQL are names like any other."""
    Tracker(db, table=table).log({"accuracy": 0.9})
    Tracker(db, table="data_experiments").log({"rows": 3})

    assert list(Reader(db, table=table).to_df()["accuracy"]) == [0.9]


def test_set_params_concerns_later_rows(db: str) -> None:
    """A param set later is in later rows only."""
    tracker = Tracker(db, params={"model": "resnet18"})
    tracker.log({"epoch": 1})
    tracker.set_params({"model": "resnet18", "dataset": "cifar10"})
    row = tracker.log({"epoch": 2})

    assert row["dataset"] == "cifar10"
    assert tracker.values("dataset") == [None, "cifar10"]


def test_set_value_goes_back_in_time(db: str) -> None:
    """What is only known at the end is put into every row of the run."""
    tracker = Tracker(db)
    tracker.log({"epoch": 1})
    tracker.log({"epoch": 2})
    tracker.set_value("test_accuracy", 0.9)

    assert list(tracker.to_df()["test_accuracy"]) == [0.9, 0.9]


def test_track_a_function_with_system_figures(db: str, tmp_path: Path) -> None:
    """Result, name, time and error of a call, and what the machine did meanwhile."""
    tracker = Tracker(
        db, log_system_params=True, log_network_params=True, measurement_interval=0.01
    )
    place = tmp_path / "image"
    place.write_bytes(b"x" * 571084)
    size = tracker.track(lambda path: len(path.read_bytes()), args=[place])

    assert size == 571084
    assert tracker.latest["function_result"] == 571084
    assert tracker.latest["error"] == ""
    assert any("memory" in key for key in tracker.latest)
    assert any("bytes_sent" in key for key in tracker.latest)


def test_wrap_a_function(db: str) -> None:
    """The decorator records arguments, result and params of its own."""
    tracker = Tracker(db)

    @tracker.wrap(params={"name": "short"})
    def foo(a: int, b: str) -> int:
        return a + len(b)

    assert foo(1, "words") == 6
    expected = {
        "function_name": "foo",
        "args": "[1, 'words']",
        "kwargs": "{}",
        "error": "",
        "function_result": 6,
        "name": "short",
    }
    assert expected.items() <= tracker.latest.items()
    assert tracker.latest["function_time"] >= 0


class Fitted:
    """An object that no cell can hold."""

    def __init__(self, name: str) -> None:
        self.name = name


@dataclass(frozen=True)
class ModelConfig:
    model_type: str
    num_layers: int


@dataclass
class DataConfig:
    dataset: str
    batch_size: int


class Experiment(BaseModel):
    experiment_name: str
    seed: int
    use_gpu: bool = True


def test_dataclasses_are_unpacked(db: str) -> None:
    """Each field of each configuration is a column, named after its argument."""

    def experiment(model_cfg: ModelConfig, data_cfg: DataConfig) -> dict[str, float]:
        return {"score": 0.92}

    tracker = Tracker(db)
    tracker.track(experiment, args=[ModelConfig("transformer", 12), DataConfig("cifar10", 64)])

    assert {
        "model_cfg_model_type": "transformer",
        "model_cfg_num_layers": 12,
        "data_cfg_dataset": "cifar10",
        "data_cfg_batch_size": 64,
        "score": 0.92,
    }.items() <= tracker.latest.items()


def test_pydantic_models_are_unpacked_in_log_too(db: str) -> None:
    """What the original did for `track` only."""
    tracker = Tracker(db)

    @tracker.wrap()
    def run_experiment(cfg: Experiment) -> dict[str, str]:
        return {"status": "completed"}

    run_experiment(Experiment(experiment_name="exp_001", seed=42))
    wrapped = dict(tracker.latest)
    tracker.log({"cfg": Experiment(experiment_name="exp_002", seed=7)})

    assert (wrapped["cfg_experiment_name"], wrapped["cfg_use_gpu"]) == ("exp_001", True)
    assert wrapped["status"] == "completed"
    assert (tracker.latest["cfg_experiment_name"], tracker.latest["cfg_seed"]) == ("exp_002", 7)


class Classifier:
    """Stands for a fitted model."""

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def score(self) -> float:
        return self.weight


def test_objects_are_kept_once_and_come_back(db: str, call_xvc: Calling) -> None:
    """The column holds the hash; `get` gives the object, `assets export` its bytes."""
    tracker = Tracker(db, params={"model": "logistic regression"})
    row = tracker.log({"accuracy": 0.97, "lr": Classifier(0.97)})
    digest = row["lr"]

    assert isinstance(digest, str)
    assert tracker.get(digest).score() == 0.97
    assert tracker.log({"lr": Classifier(0.97)})["lr"] == digest
    assert tracker.log({"lr": digest})["lr"] == digest


def expensive(x: int, y: int) -> int:
    return int(x**y)


def test_cached_results_name_the_run_that_computed_them(db: str) -> None:
    """A hit is marked with the computing run's id, a computed call with nothing."""
    tracker = Tracker(db, cache="cache_dir")
    told = []
    for args, params in (([2, 10], {}), ([2, 10], {}), ([3, 10], {}), ([2, 10], {"model": "v2"})):
        result = tracker.track(expensive, args=args, params=params)
        told.append((result, tracker.latest["cache"]))

    assert told == [(1024, ""), (1024, tracker.track_id), (59049, ""), (1024, "")]


def test_the_cache_can_be_read(db: str) -> None:
    """By key, and as a whole."""
    tracker = Tracker(db, cache="cache_dir")
    tracker.track(expensive, args=[2, 10])
    key = tracker._generate_cache_key(expensive, [2, 10], {}, {})

    assert key is not None
    assert Reader.read_cache("cache_dir", key)["result"] == 1024
    found = dict(Reader.scan_cache("cache_dir"))
    assert found[key] == {"result": 1024, "cache": tracker.track_id}


def test_lists_and_equal_objects_hit(db: str) -> None:
    """What the original could not key: lists, and equal objects in another process."""
    tracker = Tracker(db, cache="cache_dir")
    for _ in range(2):
        tracker.track(sum, args=[[1, 2, 3]])
        tracker.track(ModelConfig.__repr__, args=[ModelConfig("bert", 12)])

    assert tracker.values("cache") == ["", "", tracker.track_id, tracker.track_id]


def test_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a store in memory is left behind."""
    monkeypatch.chdir(tmp_path)
    with Tracker(Tracker.IN_MEMORY) as tracker:
        tracker.log({"accuracy": 0.9})
        assert len(tracker) == 1

    assert list(tmp_path.iterdir()) == []


def test_a_tracker_prints_its_rows(db: str) -> None:
    """`print(tracker)` shows values, `tracker[key]` a column."""
    tracker = Tracker(db)
    tracker.log({"a": 1.0, "b": 2.0})
    tracker.log({"accuracy": 1.0})

    assert "accuracy" in str(tracker)
    assert tracker.values("accuracy") == [None, 1.0]


def test_sql_on_events(db: str) -> None:
    """Both ways of naming the table work while the run goes on."""
    tracker = Tracker(db, engine="duckdb")
    tracker.log({"accuracy": 0.9})
    tracker.log({"accuracy": 0.7})

    for table in ("db.events", "events"):
        question = f"SELECT accuracy FROM {table} WHERE accuracy > 0.8"
        assert tracker.conn.execute(question).fetchall() == [(0.9,)]


def test_logs_on_screen_and_in_files(db: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A row is printed and written, and read back as a frame."""
    tracker = Tracker(db=Tracker.IN_MEMORY, logs_path="logs", logs_stdout=True)
    tracker.log({"accuracy": 0.9})

    assert "0.9" in capfd.readouterr().out
    assert list(Reader.read_logs(path="logs")["accuracy"]) == [0.9]


def test_json_lines(db: str) -> None:
    """Flat lines with ISO times that pandas reads alone."""
    tracker = Tracker(db=db, jsonl="logs/data.jsonl")
    tracker.log({"subject": "taxes", "tokens": 12})
    tracker.log({"subject": "dance", "tokens": 7})
    lines = [json.loads(line) for line in Path("logs/data.jsonl").read_text().splitlines()]

    assert [line["level"] for line in lines] == ["TRACKING", "TRACKING"]
    assert pd.Timestamp(lines[0]["timestamp"]).tzinfo is not None
    assert list(Reader.read_jsonl("logs/data.jsonl")["subject"]) == ["taxes", "dance"]
    assert list(pd.read_json("logs/data.jsonl", lines=True)["subject"]) == ["taxes", "dance"]


def test_a_reader_beside_a_writer(db: str) -> None:
    """All rows of all runs, also through the class, while a run goes on."""
    tracker = Tracker(db)
    tracker.log({"accuracy": 0.8})
    tracker.log({"accuracy": 0.9})
    tracker.log({"accuracy": 0.7})

    assert list(Reader(db).to_df()["accuracy"]) == [0.8, 0.9, 0.7]
    assert Reader(db).last["accuracy"] == 0.7
    with pytest.warns(UserWarning, match="DuckDB"):
        found = Reader.read_db(
            db, engine="sqlite", table="events", track_id=tracker.track_id, head=2
        )
    assert list(found["accuracy"]) == [0.8, 0.9]


def test_monitoring_without_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only logs are written, from dicts and frames."""
    monkeypatch.chdir(tmp_path)
    tracker = Tracker(db=Tracker.SKIP_INSERT, logs_path="logs")
    tracker.logger.monitor({"latency": 0.1})
    tracker.logger.monitor(pd.DataFrame({"latency": [0.2, 0.3]}))
    tracker.logger.experiment({"accuracy": 0.9})

    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    assert list(Reader.read_logs(path="logs")["latency"].dropna()) == [0.1, 0.2, 0.3]


def test_rows_from_many_processes(db: str) -> None:
    """Where the original had to be told another engine."""
    code = f"from xvc import Tracker\nt = Tracker({db!r})\nfor n in range(50): t.log({{'n': n}})"
    started = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]

    assert [process.wait() for process in started] == [0] * 4
    assert len(Reader(db).to_df()) == 200


def test_keys_that_look_alike_stay_apart(db: str) -> None:
    """Case and punctuation make different keys."""
    tracker = Tracker(db)
    row = {"val/loss": 1, "val.loss": 2, "val_loss": 3, "Loss": 4, "loss": 5}
    tracker.log(row)

    assert {key: tracker.values(key) for key in row} == {key: [value] for key, value in row.items()}


def test_the_command_line(db: str, call_xvc: Calling) -> None:
    """head, tail, set, delete, sql, assets, stats and plots of any database file."""
    with Tracker(db, params={"model": "lightgbm"}) as tracker:
        for number in range(5):
            tracker.log({"accuracy": number / 10, "x": number, "weights": np.arange(2000)})
    digest = tracker.values("weights")[0]

    assert call_xvc("db", "head", "--db", db, "-n", "2", "--json").code == 0
    assert call_xvc("db", "tail", "--db", db, "-n", "1").code == 0
    assert "0.4" in call_xvc("db", "sql", "SELECT max(accuracy) FROM db.events", "--db", db).out
    assert call_xvc("db", "describe", "--db", db).code == 0
    assert "0.4" in call_xvc("db", "top", "accuracy", "--db", db).out
    assert call_xvc("db", "plot", "hist", "x", "--db", db).code == 0
    exported = call_xvc("assets", "export", str(digest), "weights.cloudpickle", "--db", db)
    assert exported.code == 0, exported.err
    assert (cloudpickle.loads(Path("weights.cloudpickle").read_bytes()) == np.arange(2000)).all()


def test_a_column_is_a_series(db: str) -> None:
    """`tracker[key]` is the column of `to_df`, with what pandas can do with it."""
    tracker = Tracker(db, params={"model": "a"})
    for epoch, loss in enumerate([0.5, float("nan"), 0.25]):
        tracker.log({"epoch": epoch, "loss": loss, "tags": ["x"]})
    tracker.log({"n": 1 << 70})
    frame = tracker.to_df()

    for key in frame.columns:
        pd.testing.assert_series_equal(tracker[key], frame[key])
    assert tracker["model"].value_counts().to_dict() == {"a": 4}
    assert tracker["loss"].iloc[0] == 0.5
    assert tracker.values("n") == [None, None, None, 1 << 70]


def test_another_track_id_is_another_run(db: str) -> None:
    """What is logged after `track_id` is set is of that run; params go along, the other ends."""
    first = Tracker(db, params={"lr": 0.1})
    ids = [first.track_id, first.generate_track_id()]
    first.log({"x": 1})
    first.track_id = ids[1]
    first.log({"x": 2})
    first.track_id = ids[0]
    first.log({"x": 3})
    first.close()
    with Tracker(db, track_id=ids[1]) as again:
        again.log({"x": 4})
    with pytest.raises(BadValue, match="generate_track_id"):
        Tracker(db, track_id="mine")
    frame = Reader(db).to_df()
    runs = Reader(db).conn.execute("SELECT id, status, params->>'lr' FROM runs").fetchall()

    assert frame["x"].tolist() == [1, 2, 3, 4]
    assert frame["track_id"].tolist() == [ids[0], ids[1], ids[0], ids[1]]
    assert frame["lr"].tolist()[:3] == [0.1] * 3
    assert sorted(runs) == sorted((run, "finished", "0.1") for run in ids)


def test_another_track_id_in_memory() -> None:
    """A store in memory stays when the run is another."""
    with Tracker(Tracker.IN_MEMORY) as tracker:
        tracker.log({"x": 1})
        tracker.track_id = Tracker.generate_track_id()
        tracker.log({"x": 2})

        assert tracker.to_df(all=True)["x"].tolist() == [1, 2]


def test_a_reader_changes_rows_of_one_run_or_all(db: str) -> None:
    """`set_value` and `set_where` of a reader, with a run and without; `delete_run`, `latest`."""
    for model in ("a", "b"):
        with Tracker(db, params={"model": model}) as tracker:
            tracker.log({"accuracy": 0.9})
            tracker.log({"accuracy": 0.9})
    reader = Reader(db)
    last = reader.latest()
    reader.set_value("accuracy", 0.8, str(last["track_id"].iloc[0]))
    by_value = reader.values("accuracy")
    reader.set_where("accuracy", 0.5, "model", "a")
    by_place = reader.values("accuracy")
    reader.delete_run(str(last["track_id"].iloc[0]))

    assert last["model"].tolist() == ["b", "b"]
    assert by_value == [0.9, 0.9, 0.8, 0.8]
    assert by_place == [0.5, 0.5, 0.8, 0.8]
    assert (len(reader), reader.latest()["model"].tolist()) == (2, ["a", "a"])


def test_a_forced_call_computes_and_replaces(db: str) -> None:
    """`cache_force` calls the function where the result is there; a hit takes no time."""
    calls = Path("calls")

    def count(x: int) -> int:
        with calls.open("a") as file:
            file.write("x")
        return len(calls.read_text()) + x

    tracker = Tracker(db, cache="cache")
    found = [tracker.track(count, [0]), tracker.track(count, [0])]
    first, tracker.track_id = tracker.track_id, Tracker.generate_track_id()
    found += [tracker.track(count, [0], cache_force=True), tracker.track(count, [0])]
    told = tracker.to_df(all=True)

    assert found == [1, 1, 2, 2]
    assert told["cache"].tolist() == ["", first, "", tracker.track_id]
    assert told["function_time"].tolist()[1::2] == [0.0, 0.0]
    assert all(time > 0 for time in told["function_time"][::2])
    assert Reader.delete_cache_by_track_id("cache", first) == 0
    assert Reader.delete_cache_by_track_id("cache", tracker.track_id) == 1


def test_copying_stores(db: str) -> None:
    """`xvc.copy` brings rows once, tables by name, objects; ``default`` is what has no name."""
    made = Path("there")
    made.mkdir()
    with Tracker(db) as tracker:
        tracker.log({"x": 1, "model": Fitted("a")})
    with Tracker(db, table="other") as tracker:
        tracker.log({"y": 1})
        tracker.log({"y": 2})
    with Tracker(made / "b.duckdb") as tracker:
        tracker.log({"x": 9})

    assert copy(db, made / "b.duckdb", tables=["default"]) == 1
    assert copy(db, made / "b.duckdb", tables=["default", "other"]) == 2
    assert copy(db, made / "b.duckdb") == 0
    there = Reader(made / "b.duckdb")
    (digest,) = there["model"].dropna()
    assert sorted(there["x"]) == [1, 9]
    assert isinstance(there.get(digest), Fitted)
    assert digest in there.assets
    with pytest.raises(NoStore):
        copy("none.db", db)
    assert not Path("none.db").exists()


def test_an_asset_is_removed_with_its_cells(db: str) -> None:
    """`remove_asset` takes the object and, of the column that is named, the digests."""
    tracker = Tracker(db)
    for name in ("a", "b"):
        tracker.log({"model": Fitted(name), "again": "x"})
    first, second = tracker.values("model")
    tracker.remove_asset(str(first), "model")

    with pytest.raises(NoAsset):
        tracker.get(str(first))
    assert tracker.values("model") == [None, second]
    assert list(tracker.assets) == [second]


def test_rows_name_the_commit_of_git_root(project: Path) -> None:
    """With `git_root=` each row says the commit; it is no param of the run."""
    commit = git(project, "rev-parse", "HEAD")
    with Tracker("a.duckdb", git_root=project) as tracker:
        row = tracker.log({"x": 1})
    with Tracker("b.duckdb", git_root=project.parent) as tracker:
        none = tracker.log({"x": 1})

    assert row["git_commit_hash"] == commit
    assert "git_commit_hash" not in none
    assert Reader("a.duckdb").conn.execute("SELECT params FROM runs").fetchall() == [(None,)]


def test_the_table_without_a_name_is_default_elsewhere(db: str) -> None:
    """``db.default`` is ``db.events``, unless there is a table of that name; text stays text."""
    with Tracker(db) as tracker:
        tracker.log({"x": 1, "said": "é db.default"})
        asked = "SELECT x FROM db.default WHERE said = 'é db.default' AND db.\"default\".x < 2"
        found = tracker.conn.execute(asked).fetchall()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # pandas would rather have SQLAlchemy
            by_pandas = pd.read_sql_query('SELECT x FROM "default" WHERE x > 0', tracker.conn)
        found += tracker.conn.execute('SELECT x AS "default" FROM "default"').fetchall()
    by_name = Reader.read_db(db, table="default")
    with Tracker(db, table="default") as tracker:
        tracker.log({"y": 2})
        there = tracker.conn.execute("SELECT y FROM db.default").fetchall()

    assert by_pandas["x"].tolist() == [1]
    assert (found, by_name["x"].tolist(), there) == ([(1,), (1,)], [1], [(2,)])


def test_an_empty_file_is_a_place_for_a_store(tmp_path: Path) -> None:
    """`mkstemp` makes the file first: it becomes the store, and is no other program's."""
    handle, name = tempfile.mkstemp(suffix=".db", dir=tmp_path)
    os.close(handle)
    with Tracker(name) as tracker:
        tracker.log({"x": 1})
        while_it_runs = Reader(name)["x"].tolist()

    assert while_it_runs == Reader(name)["x"].tolist() == [1]
    assert Path(name).stat().st_size > 0
    assert [path.name for path in tmp_path.glob("*kept*")] == []


def test_rows_are_counted_by_run_and_by_table(db: str) -> None:
    """A tracker and a reader name their store and their table, and count the rows in it."""
    for number in range(2):
        with Tracker(db, table="scores") as tracker:
            tracker.log({"a": number})
    reader = Reader(db, "scores")

    assert (tracker.count_run(), tracker.count_all()) == (1, 2)
    assert (reader.count_run(), reader.count_all()) == (2, 2)
    assert {tracker.table_name, reader.table_name} == {"scores"}
    assert Path(tracker.db) == Path(reader.db) == Path(db).resolve()


_DIFFERENT = {"log": "data", "log_batch": "data", "get": "key", "remove_asset": "remove_keys"}
"""Parameters of that manual's methods that have other names here."""

_PARAMETERS = {
    Tracker: "db params reset log_system_params log_network_params raise_on_error"
    " measurement_interval track_id logs_path logs_file_format logs_stdout jsonl cache compress"
    " warnings git_root engine table",
    Tracker.track: "func params args kwargs cache_force",
    Tracker.wrap: "params",
    Tracker.set_value: "key value",
    Tracker.set_where: "key value where_key where_value",
    Tracker.set_param: "key value",
    Tracker.set_params: "params",
    Tracker.to_df: "all",
    Tracker.head: "n",
    Tracker.tail: "n",
    Tracker.to_csv: "path all",
    Tracker.to_parquet: "path all",
    Reader: "db engine table",
    Reader.to_df: "track_id head tail",
    Reader.delete_run: "track_id",
    Reader.set_value: "key value track_id",
    Reader.set_where: "key value where_key where_value track_id",
    Reader.remove_asset: "column",
    Reader.read_logs: "path limit",
    Reader.read_jsonl: "path",
    Reader.read_db: "db engine table track_id head tail",
    Reader.read_cache: "cache key",
    Reader.scan_cache: "cache",
    Reader.delete_cache_by_track_id: "cache track_id",
    copy: "source target assets tables",
}


@pytest.mark.parametrize("call", _PARAMETERS, ids=lambda call: call.__qualname__)
def test_parameters_have_the_names_of_that_manual(call: Callable[..., object]) -> None:
    """Whatever is passed by name there is taken by that name here."""
    taken = inspect.signature(call).parameters

    assert set(_PARAMETERS[call].split()) <= taken.keys()


@pytest.mark.parametrize("method", _DIFFERENT)
def test_parameters_of_other_names_are_in_the_table(method: str) -> None:
    """The page for who comes from there tells of each that is not taken by name."""
    page = (SKILLS / "xvc" / "references" / "from-xetrack.md").read_text(encoding="utf-8")
    taken = inspect.signature(getattr(Tracker, method)).parameters

    assert _DIFFERENT[method] not in taken
    assert f"`{method}(" in page
    assert _DIFFERENT[method] in page


def test_what_a_tracker_was_given_can_be_seen_and_set(db: str, tmp_path: Path) -> None:
    """The options are attributes; those of later calls hold from when they are set."""
    tracker = Tracker(db, cache="c", jsonl="rows.jsonl", git_root=tmp_path, raise_on_error=True)
    told = (tracker.cache_path, tracker.jsonl_path, tracker.git_root, tracker.measurement_interval)
    tracker.raise_on_error = False
    tracker.log_system_params = tracker.log_network_params = True
    tracker.measurement_interval = 0.01
    failed = tracker.track(int, ["x"])

    assert told == ("c", "rows.jsonl", tmp_path, 1.0)
    assert failed is None
    assert tracker.latest.keys() >= {"cpu_percent_peak", "bytes_sent"}
    with pytest.raises(BadValue):
        tracker.measurement_interval = 0
    assert tracker.engine.table_name == "events"
    assert Reader(db).engine.columns == tracker.engine.columns


def test_calls_in_the_order_of_that_manual(db: str) -> None:
    """A mapping, then the arguments: params, args, kwargs; a list first is the order of xvc."""
    tracker = Tracker(db)
    found = [
        tracker.track(int, {"model": "a"}, ["11"], {"base": 2}),
        tracker.track(int, None, ["11"], {"base": 3}),
        tracker.track(int, {"model": "b"}),
        tracker.track(int, ["11"], {"base": 4}, {"model": "c"}),
        tracker.track(func=int, args=["11"], kwargs={"base": 5}, params={"model": "d"}),
    ]

    assert found == [3, 4, 0, 5, 6]
    assert tracker.values("model") == ["a", None, "b", "c", "d"]
    with pytest.raises(BadValue, match="args"):
        tracker.track(int, "11")


def test_compress_makes_no_difference(db: str) -> None:
    """It is taken, with a word."""
    with pytest.warns(UserWarning, match="compress=True makes no difference"):
        tracker = Tracker(db, compress=True)

    assert tracker.log({"x": 1})["x"] == 1


def test_an_asset_that_may_be_missing(db: str) -> None:
    """`assets.get` gives the object, or what is said for one that is not there."""
    tracker = Tracker(db)
    row = tracker.log({"model": Classifier(0.5)})
    found = tracker.assets.get(str(row["model"]))

    assert isinstance(found, Classifier)
    assert tracker.assets.get("0" * 64) is None
    assert tracker.assets.get("no digest", "none") == "none"


def test_the_newest_logs(db: str) -> None:
    """`limit` is of files, the newest by name."""
    for day in ("2025-01-01", "2025-01-02", "2025-01-03"):
        with Tracker(db, logs_path="logs", logs_file_format=f"{day}.log") as tracker:
            tracker.log({"day": day})

    assert Reader.read_logs("logs", 1)["day"].tolist() == ["2025-01-03"]
    assert Reader.read_logs("logs", limit=2)["day"].tolist() == ["2025-01-02", "2025-01-03"]
    assert len(Reader.read_logs("logs")) == len(Reader.read_logs("logs", limit=9)) == 3
    assert len(Reader.read_logs("logs", limit=0)) == 0
    with pytest.raises(BadValue, match="limit"):
        Reader.read_logs("logs", limit=-1)


def test_the_logger_writes_rows_at_every_level(db: str) -> None:
    """`track`, and `log` with a level, beside loguru's own `log`."""
    tracker = Tracker(db, logs_path="logs", jsonl="rows.jsonl")
    tracker.logger.track([{"x": 1}, {"x": 2}])
    tracker.logger.log(pd.DataFrame({"x": [3]}))
    tracker.logger.log({"x": 4}, "EXPERIMENT")
    tracker.logger.log("INFO", "{} done", 4)
    told = Reader.read_logs("logs")

    assert told["x"].tolist() == Reader.read_jsonl("rows.jsonl")["x"].tolist() == [1, 2, 3, 4]
    assert told["level"].tolist() == ["TRACKING", "TRACKING", "MONITOR", "EXPERIMENT"]
    assert "INFO | 4 done" in next(Path("logs").iterdir()).read_text()
    with pytest.raises(BadValue, match="level"):
        tracker.logger.log({"x": 5}, "INFO")
