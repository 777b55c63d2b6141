"""Objects in rows: the cell has the digest, the folder beside the store has the bytes."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from surroundings import Calling, git
from xvc import Tracker
from xvc.errors import AssetCorrupt, BadValue, NoAsset


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "t.duckdb"


def rows_of(store: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(store), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_model_is_logged_and_comes_back(store: Path) -> None:
    """As the README of xetrack shows: log a fitted model, get it by the hash in the row."""
    x, y = [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]
    model = LogisticRegression().fit(x, y)
    with Tracker(store, params={"model": "logistic regression"}) as tracker:
        row = tracker.log({"accuracy": float(model.score(x, y)), "lr": model})
        digest = tracker.values("lr")[0]
        again = tracker.get(str(row["lr"]))

    assert row["lr"] == digest
    assert isinstance(again, LogisticRegression)
    assert again.score(x, y) == row["accuracy"]
    assert [path.name for path in (store.parent / "assets").rglob("*") if path.is_file()] == [
        digest
    ]


def test_the_digest_is_logged_again(store: Path) -> None:
    """The hash as a text stays a text: nothing is pickled, and it means the same object."""
    with Tracker(store) as tracker:
        digest = tracker.log({"lr": {1, 2, 3}.__class__})["lr"]
        rows = tracker.log_batch([{"lr": digest}, {"lr": digest}])

        assert [row["lr"] for row in rows] == [digest, digest]
        assert tracker.values("lr") == [digest] * 3
    assert len(list(tracker.assets.all())) == 1


def test_the_table_of_assets(store: Path) -> None:
    """What each run kept is in the store: kind, name, type, size, once a run however often."""
    (store.parent / "report.txt").write_text("good\n")
    for _ in range(2):
        with Tracker(store) as tracker:
            for _ in range(3):
                tracker.log({"lr": LogisticRegression()})
            tracker.log_artifact(store.parent / "report.txt")
            tracker.log_artifact(store.parent / "report.txt", name="the report")
            len(tracker)
    found = rows_of(store, "SELECT kind, name, type, size FROM assets ORDER BY run, kept, name")

    model = "sklearn.linear_model._logistic.LogisticRegression"
    assert [row[:3] for row in found] == [
        ("object", "lr", model),
        ("file", "report.txt", ".txt"),
        ("file", "the report", ".txt"),
    ] * 2
    assert found[1][3] == 5


@pytest.mark.parametrize(("count", "is_asset"), [(1_024, False), (1_025, True)])
def test_where_an_array_becomes_an_asset(store: Path, count: int, *, is_asset: bool) -> None:
    """An array of up to 1,024 elements is a value; a larger one is an asset."""
    array = np.arange(count, dtype="f4")
    with Tracker(store) as tracker:
        tracker.log({"array": array, "shaped": array.reshape(1, -1), "scalar": np.float32(2)})
        (held,), (shaped,) = tracker.values("array"), tracker.values("shaped")

        assert isinstance(held, str) is isinstance(shaped, str) is is_asset
        found = tracker.get(held) if isinstance(held, str) else np.array(held, dtype="f4")
        assert np.array_equal(found, array)
        assert tracker.values("scalar") == [2.0]


def test_a_dict_with_an_object_in_it(store: Path) -> None:
    """What holds an object is kept whole."""
    with Tracker(store) as tracker:
        row = tracker.log({"best": {"model": LogisticRegression(C=3), "loss": 0.5}, "step": 1})
        best = tracker.get(str(row["best"]))

    assert isinstance(best, dict)
    assert best["model"].C == 3


def test_what_cannot_be_pickled(store: Path) -> None:
    """A lock is refused by key and type; the row is kept without it and no file is left."""
    with Tracker(store) as tracker:
        tracker.log({"step": 1})
        with pytest.raises(BadValue) as refused:
            tracker.log({"step": 2, "lock": threading.Lock()})

        assert refused.value.name == "lock"
        assert "lock" in refused.value.reason
        assert tracker.values("step") == [1, 2]
    assert tracker.assets.all() == {}


def test_a_wrong_key_is_still_refused(store: Path) -> None:
    """A key that is no text, or half a character, is a mistake and makes no asset."""
    with Tracker(store) as tracker:
        for row in ({1: "x"}, {"": 1}, {"text": "\ud800"}):
            with pytest.raises(BadValue):
                tracker.log(row)  # type: ignore[arg-type]

    assert tracker.assets.all() == {}


def test_what_is_not_there_or_rotten(store: Path) -> None:
    """A missing asset and a rotten one are told apart."""
    with Tracker(store) as tracker:
        digest = str(tracker.log({"m": LogisticRegression()})["m"])
        with pytest.raises(NoAsset):
            tracker.get("0" * 64)
        file = tracker.assets.path(digest)
        file.chmod(0o644)
        file.write_bytes(file.read_bytes()[:-1])

        with pytest.raises(AssetCorrupt):
            tracker.get(digest)


def test_a_store_of_an_older_xvc(store: Path) -> None:
    """A store without the table of assets gets it with the first asset."""
    with Tracker(store) as tracker:
        tracker.log({"a": 1})
        len(tracker)
        with duckdb.connect(str(store)) as connection:
            connection.execute("DROP TABLE assets")
        tracker.log({"m": LogisticRegression()})
        assert len(tracker) == 2

    assert rows_of(store, "SELECT name FROM assets") == [("m",)]


def test_in_memory(tmp_path: Path) -> None:
    """Assets of a store in memory go with it."""
    with Tracker(Tracker.IN_MEMORY) as tracker:
        digest = tracker.log({"m": LogisticRegression()})["m"]
        folder = tracker.assets.folder
        assert isinstance(tracker.get(str(digest)), LogisticRegression)

    assert not folder.exists()


def test_inside_a_run(project: Path, call_xvc: Calling) -> None:
    """A script under `xvc run` keeps assets beside the project's store, and git ignores them."""
    program = "from xvc import Tracker; Tracker().log({'m': object()})"
    call_xvc("run", "--", "python", "-c", program)
    (asset,) = call_xvc("assets", "ls", "--json").data["assets"]

    digest = asset["digest"]
    assert (project / "results" / "assets" / digest[:2] / digest).is_file()
    assert asset["run"] == call_xvc("show", "--json").data["id"]
    assert git(project, "status", "--porcelain") == ""


def test_a_repository_without_xvc_init(tmp_path: Path) -> None:
    """There, too, assets are no code: git ignores them from the first one on."""
    git(tmp_path, "init", "-q")
    program = "from xvc import Tracker; Tracker().log({'m': object()})"
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)

    assert list((tmp_path / "results" / "assets").iterdir())
    assert "assets" not in git(tmp_path, "status", "--porcelain", "-uall")


def test_a_torch_module(store: Path) -> None:
    """A module's weights come back as they were."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    module = torch.nn.Linear(40, 50)
    with Tracker(store) as tracker:
        again = tracker.get(str(tracker.log({"module": module})["module"]))

    assert all(map(torch.equal, module.parameters(), again.parameters()))  # type: ignore[attr-defined]
