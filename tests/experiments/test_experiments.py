"""Experiments from Python: each block, call, fit and stage is a run, and its files say so."""

from __future__ import annotations

import json
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from surroundings import Calling
from xvc.errors import BadValue
from xvc.experiments import (
    AllFitsFailed,
    AutoTracker,
    ExperimentMetadata,
    ExperimentPipeline,
    compare_experiments,
    compare_models,
    track_cross_validation,
    track_experiment,
    track_grid_search,
    track_hyperparameters,
)


class Constant:
    """Says the same of every row; its score is the share of rows for which that is right."""

    def __init__(self, says: int = 0, breaks: bool = False) -> None:
        self.says, self.breaks = says, breaks

    def fit(self, rows: list[Any], targets: list[int]) -> Constant:
        if self.breaks:
            raise ValueError("cannot be fitted")
        return self

    def score(self, rows: list[Any], targets: list[int]) -> float:
        return sum(target == self.says for target in targets) / len(targets)


X, Y = [[n] for n in range(8)], [0, 0, 0, 0, 0, 0, 1, 1]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def runs(call_xvc: Any, where: Path) -> dict[str, Any]:
    listed = json.loads(call_xvc("ls", "--json", cwd=where).out)["data"]["runs"]
    return {run["name"]: run for run in listed}


def test_a_block_is_a_run_and_a_folder(project: Path, call_xvc: Any, monkeypatch: Any) -> None:
    """Params, metrics, notes, tags, files and the end are in the history and in the folder."""
    monkeypatch.chdir(project)
    about = ExperimentMetadata(
        "boosted", description="v2", tags=["candidate"], data_version="2024-01", author="ada"
    )
    with track_experiment(about, series="0042") as exp:
        exp.log_param("depth", 6)
        exp.log_metric("accuracy", 0.8, step=1)
        exp.log_metrics({"accuracy": 0.9, "auc": 0.95}, step=2)
        exp.log_note("deep trees")
        model = exp.save_model({"weights": [1, 2]})
        text = exp.save_artifact("notes/requirements.txt", "numpy\n")
    run = runs(call_xvc, project)["0042/boosted"]
    kept = yaml.safe_load((exp.folder / "metadata.yaml").read_text())

    assert (run["status"], run["metrics"]["accuracy"], run["params"]["depth"]) == (
        *("finished", 0.9),
        6,
    )
    shown = json.loads(call_xvc("show", run["id"], "--json").out)["data"]
    assert shown["params"]["data_version"] == "2024-01"
    assert run["note"] == "v2; deep trees; #candidate"
    assert (kept["run"], kept["status"], kept["tags"]) == (run["id"], "finished", ["candidate"])
    assert pickle.loads(model.read_bytes()) == {"weights": [1, 2]}
    assert text.read_text() == "numpy\n"
    assert json.loads((exp.folder / "params.json").read_text())["depth"] == 6
    assert json.loads((exp.folder / "metrics.json").read_text())["accuracy"] == 0.9


def test_a_failure_is_kept_and_can_be_explained_afterwards(
    project: Path, call_xvc: Any, monkeypatch: Any
) -> None:
    """The traceback is in the folder, the error goes on, and notes and status can follow."""
    monkeypatch.chdir(project)

    def fail() -> None:
        nonlocal exp
        with track_experiment("deep", series="0042") as exp:
            raise MemoryError("too big")

    exp: Any = None
    with pytest.raises(MemoryError, match="too big"):
        fail()
    first = runs(call_xvc, project)["0042/deep"]["status"]
    exp.log_note("smaller batches")
    exp.set_status("interrupted")
    run = runs(call_xvc, project)["0042/deep"]

    assert first == "failed"
    assert (run["status"], run["note"]) == ("interrupted", "smaller batches")
    assert "MemoryError: too big" in (exp.folder / "traceback.txt").read_text()


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\0b"])
def test_names_lead_nowhere_else(tmp_path: Path, name: str) -> None:
    """Neither an experiment, nor a series, nor an artifact leaves the folder."""
    with pytest.raises(BadValue), track_experiment(name or ".."):
        pass
    with pytest.raises(BadValue), track_experiment("x", series=name or ".."):
        pass
    with track_experiment("ok") as exp, pytest.raises(BadValue):
        exp.save_artifact("../out.txt", "text")

    assert not (tmp_path / "out.txt").exists()


def test_a_name_that_is_taken_gets_a_number() -> None:
    """Nothing is overwritten, and folder and run have the same name."""
    for _ in range(2):
        with track_experiment("same", series="s") as exp:
            exp.log_metric("accuracy", 0.5)

    assert exp.folder.name == "same-2"
    assert [row.name for row in compare_experiments("s").rows] == ["same", "same-2"]


def test_objects_become_the_files_that_their_kind_has() -> None:
    """A figure becomes a picture, a frame a table, a path a copy, anything else a pickle."""
    import matplotlib as mpl
    import pandas as pd

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots()
    axes.plot([1, 2])
    Path("env.yaml").write_text("a: 1")
    frame = pd.DataFrame({"a": [1, 2]})
    with track_experiment("files") as exp:
        picture = exp.save_artifact("roc.png", figure)
        table = exp.save_artifact("importance.csv", frame)
        copied = exp.save_artifact("conda.yaml", "env.yaml")
        pickled = exp.save_artifact("frame.pkl", frame)
        with pytest.raises(BadValue, match="pickle"):
            exp.save_artifact("lock.pkl", (n for n in range(3)))
    plt.close(figure)

    assert picture.read_bytes().startswith(b"\x89PNG")
    assert list(pd.read_csv(table)["a"]) == [1, 2]
    assert copied.read_text() == "a: 1"
    assert pickle.loads(pickled.read_bytes()).equals(frame)


def test_a_decorated_function_logs_what_it_got_and_gave() -> None:
    """Arguments are params; a number, a dict, or a model with one of both are metrics."""
    tracker = AutoTracker(increment="auto")

    @tracker.track(name="fit")
    def fit(depth: int = 2) -> tuple[object, float]:
        return {"depth": depth}, 0.75

    @tracker.track()
    def score() -> dict[str, object]:
        return {"accuracy": 0.9, "name": "x", "ok": True}

    returned = fit(depth=5)
    score()
    rows = {row.name: row for row in compare_experiments("auto").rows}

    assert returned == ({"depth": 5}, 0.75)
    assert rows["fit"].metrics == {"score": 0.75}
    assert rows["score"].metrics == {"accuracy": 0.9}
    assert json.loads(Path("experiments/auto/fit/params.json").read_text()) == {"depth": 5}
    assert pickle.loads(Path("experiments/auto/fit/model.pkl").read_bytes()) == {"depth": 5}


def test_every_combination_is_a_run_and_a_failure_stops_no_other() -> None:
    """The best is the one that is; what mattered is the param that changes the score."""
    seen: list[tuple[int, int]] = []
    found = track_hyperparameters(
        Constant,
        {"says": [0, 1], "breaks": [False, True]},
        *(X, Y, X, Y),
        series="grid",
        n_jobs=2,
        progress=lambda done, of: seen.append((done, of)),
    )

    assert [fit.failure for fit in found.fits] == [
        *(None, "ValueError: cannot be fitted"),
        *(None, "ValueError: cannot be fitted"),
    ]
    assert (dict(found.best.params), found.best.score) == ({"says": 0, "breaks": False}, 0.75)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    states = {row.status for row in compare_experiments("grid").rows}
    assert states == {"finished", "failed"}
    with pytest.raises(AllFitsFailed, match="all 1 fits failed"):
        _ = track_hyperparameters(Constant(breaks=True), {"says": [0]}, X, Y).best
    with pytest.raises(BadValue, match="no combination"):
        track_hyperparameters(Constant, {}, X, Y)


def test_importance_is_the_share_of_the_variance() -> None:
    """A param that decides the score has 1, one that changes nothing has 0."""
    found = track_hyperparameters(Constant, {"says": [0, 1], "breaks": [False, 0]}, X, Y)

    assert found.importance == {"says": 1.0, "breaks": 0.0}


def test_folds_are_rows_of_one_run() -> None:
    """Mean and standard deviation are those of the folds, which stand in the rows."""
    done = track_cross_validation(Constant(), X, Y, cv=2, series="cv")
    history = json.loads(Path("experiments/cv/Constant-cv/metrics.json").read_text())["history"]
    folds = [row["fold_score"] for row in history if "fold" in row]

    assert folds == [0.75, 0.75]
    assert (done.metrics["mean_score"], done.metrics["sd_score"]) == (0.75, 0.0)
    with pytest.raises(BadValue, match="from 2 to the 8 rows"):
        track_cross_validation(Constant(), X, Y, cv=9)


def test_a_grid_search_returns_the_best_fitted_model() -> None:
    """The best combination by its mean over the folds is fitted to all data."""
    best, found = track_grid_search(Constant(), {"says": [1, 0]}, X, Y, cv=2, series="gs")

    assert best.says == 0
    assert [fit.score for fit in found.fits] == [0.25, 0.75]


class Halves:
    """As the splitters of scikit-learn."""

    def split(self, inputs: Any, targets: Any) -> list[tuple[Any, Any]]:
        half = len(targets) // 2
        return [(range(half), range(half, len(targets))), (range(half, len(targets)), range(half))]


def test_folds_and_grids_may_be_said_as_scikit_learn_does() -> None:
    """A splitter, the folds themselves, and several grids; a bad name is told before any fit."""
    by_splitter = track_cross_validation(Constant(), X, Y, cv=Halves(), n_jobs=-1)
    by_folds = track_cross_validation(Constant(), X, Y, cv=Halves().split(X, Y))
    _, found = track_grid_search(
        Constant(), [{"says": [1]}, {"says": [0], "breaks": [0]}], X, Y, cv=2
    )

    assert by_splitter.metrics == by_folds.metrics
    assert [dict(fit.params) for fit in found.fits] == [{"says": 1}, {"says": 0, "breaks": 0}]
    with pytest.raises(BadValue, match="does not fit"):
        track_cross_validation(Constant(), X, Y, cv="5")
    with pytest.raises(BadValue, match="a/b"):
        compare_models({"a": Constant(), "a/b": Constant()}, X, Y, X, Y, series="named")
    assert not Path("experiments/named").exists()


class Forest(Constant):
    """As the forests of scikit-learn: it has a length, and none before it is fitted."""

    def __len__(self) -> int:
        return len(self.trees)

    def set_params(self, says: int) -> Forest:
        self.says = says
        return self

    def fit(self, X: Any, y: Any) -> Forest:
        super().fit(X, y)
        self.trees = ["oak"]
        return self


def test_a_model_that_has_no_length_yet_is_searched() -> None:
    """Whether a model is true is never asked: that of scikit-learn's ensembles raises."""
    best, results = track_grid_search(Forest(), {"says": [0, 1]}, X, Y, cv=2)

    assert [fit.failure for fit in results.fits] == [None, None]
    assert len(best) == 1


def test_models_are_compared_on_the_same_data() -> None:
    """Each is a run of its name with its model; the written table has the numbers of the runs."""
    found = compare_models({"no": Constant(0), "yes": Constant(1)}, X, Y, X, Y, series="m")
    compared = compare_experiments("m", metric="test_score")
    written = Path("experiments/m/comparison.md").read_text()

    assert found.best.name == "no"
    assert compared.best is not None
    assert compared.best.name == "no"
    assert compared.reasons[0] == "Highest test_score (0.75; the next has 0.25)"
    assert "| no | 0.75 | 0.75 |" in written
    assert "**Best: no**" in written
    assert pickle.loads(Path("experiments/m/yes/model.pkl").read_bytes()).says == 1


def test_what_failed_is_never_the_best() -> None:
    """The best experiment is a finished one, whatever a failed one logged before."""
    with track_experiment("good", series="b") as exp:
        exp.log_metric("accuracy", 0.7)

    def fail() -> None:
        with track_experiment("bad", series="b") as exp:
            exp.log_metric("accuracy", 0.9)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    compared = compare_experiments("b")

    assert compared.best is not None
    assert compared.best.name == "good"


def test_stages_are_runs_in_their_order() -> None:
    """Each knows what came before it; an unknown stage or one that ran already is refused."""
    pipeline = ExperimentPipeline("full")
    with pipeline.stage("prepare") as stage:
        stage.log_metric("rows", 10)
    with pipeline.stage("train", after="prepare") as stage:
        stage.log_metric("accuracy", 0.9)
    for wrong in ({"name": "x", "after": "nothing"}, {"name": "train"}):
        with pytest.raises(BadValue), pipeline.stage(**wrong):
            pass
    kept = json.loads(Path("experiments/full/pipeline.json").read_text())
    rows = {row.name: row.metrics for row in compare_experiments("full").rows}

    assert [(s["name"], s["after"], s["status"]) for s in kept["stages"]] == [
        ("prepare", [], "finished"),
        ("train", ["prepare"], "finished"),
    ]
    assert rows == {"prepare": {"rows": 10}, "train": {"accuracy": 0.9}}


def test_inside_a_run_each_experiment_is_its_child(project: Path, call_xvc: Any) -> None:
    """Under `xvc run` experiments do not mix in one run: each is its own, with that one's id."""
    (project / "many.py").write_text(
        "from xvc.experiments import track_experiment\n"
        "for lr in (0.1, 0.2):\n"
        "    with track_experiment(f'lr-{lr}', series='s') as exp:\n"
        "        exp.log_param('lr', lr)\n"
        "        exp.log_metric('accuracy', lr)\n"
    )
    call_xvc("run", "--", "python", "many.py", cwd=project)
    found = runs(call_xvc, project)
    parent = next(run for name, run in found.items() if name is None)
    shown = json.loads(call_xvc("show", found["s/lr-0.1"]["id"], "--json", cwd=project).out)

    assert {name: run["params"].get("lr") for name, run in found.items() if name} == {
        "s/lr-0.1": 0.1,
        "s/lr-0.2": 0.2,
    }
    assert shown["data"]["parent"] == parent["id"]


def test_a_series_at_the_command_line(call_xvc: Calling) -> None:
    """`ls --series` and `compare --series` take the runs of a series; a wrong name is told."""
    for series, accuracy in (("0042", 0.65), ("0042", 0.87), ("0043", 0.99)):
        with track_experiment("net", series=series) as exp:
            exp.log_metric("accuracy", accuracy)
    with suppress(LookupError), track_experiment("broken", series="0042"):
        raise LookupError
    listed = json.loads(call_xvc("ls", "--series", "0042", "--json").out)["data"]
    limited = json.loads(call_xvc("ls", "--series", "0042", "--limit", "1", "--json").out)["data"]
    compared = json.loads(call_xvc("compare", "--series", "0042", "--json").out)["data"]
    wrong, none = call_xvc("ls", "--series", "42"), call_xvc("compare")

    assert [run["name"] for run in listed["runs"]] == ["0042/broken", "0042/net-2", "0042/net"]
    assert (len(limited["runs"]), limited["total"]) == (1, 3)
    assert len(compared["runs"]) == 2
    assert (wrong.code, "0042, 0043" in wrong.err) == (2, True)
    assert (none.code, "at least two" in none.err) == (2, True)


def test_a_decorator_without_parentheses_is_refused() -> None:
    """It would fail at the first call, with an error that names no line of the user's."""
    with pytest.raises(BadValue, match="with parentheses"):

        @AutoTracker().track  # type: ignore[arg-type]
        def fit() -> None:
            """Never called."""
