"""The text of SpecWeave's experiment tracker, walked from top to bottom with the import changed."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from surroundings import Calling
from xvc.experiments import (
    AllFitsFailed,
    AutoTracker,
    ExperimentMetadata,
    ExperimentPipeline,
    compare_experiments,
    compare_models,
    track_artifacts,
    track_cross_validation,
    track_experiment,
    track_grid_search,
    track_hyperparameters,
)

HOME = Path("experiments/0042")


@pytest.fixture
def data() -> tuple[Any, Any, Any, Any]:
    """Two classes, 90 rows to fit and 30 to judge."""
    from sklearn.datasets import make_classification
    from sklearn.model_selection import train_test_split

    table, targets = make_classification(120, 6, random_state=1)
    x_train, x_test, y_train, y_test = train_test_split(
        table, targets, test_size=30, random_state=1
    )
    return x_train, x_test, y_train, y_test


def names(call_xvc: Calling, *words: str) -> list[str]:
    """The runs that `xvc ls` lists, oldest first."""
    listed = json.loads(call_xvc("ls", *words, "--json").out)["data"]["runs"]
    return [run["name"] for run in reversed(listed)]


def test_from_the_first_experiment_to_the_page(
    project: Path, call_xvc: Calling, data: tuple[Any, Any, Any, Any]
) -> None:
    """Backends, comparison, living documents: the folder, the table and the section are written."""
    from sklearn.dummy import DummyClassifier
    from sklearn.tree import DecisionTreeClassifier

    x_train, x_test, y_train, y_test = data
    for name, model in (
        ("exp-001-baseline", DummyClassifier()),
        ("exp-002-tree", DecisionTreeClassifier(max_depth=3, random_state=1)),
    ):
        with track_experiment(name, increment="0042") as exp:
            exp.log_param("model", type(model).__name__)
            model.fit(x_train, y_train)
            exp.log_metric("accuracy", model.score(x_test, y_test))
            exp.save_model(model, "model.pkl")
    comparison = compare_experiments(increment="0042")
    (project / "docs").mkdir()
    told = call_xvc("report", "--series", "0042", "--into", "docs/experiments.md")
    section = (project / "docs/experiments.md").read_text()

    assert sorted(p.name for p in (HOME / "exp-002-tree").iterdir()) == [
        *("metadata.yaml", "metrics.json", "model.pkl", "params.json")
    ]
    loaded = pickle.loads((HOME / "exp-002-tree/model.pkl").read_bytes())
    assert loaded.score(x_test, y_test) == comparison.rows[1].metrics["accuracy"]
    table = (HOME / "comparison.md").read_text()
    assert "| Experiment | Accuracy | Training Time |" in table
    assert "**Best: exp-002-tree**" in table
    assert comparison.reasons[0].startswith("Highest accuracy")
    assert told.code == 0
    for words in ("exp-001-baseline", "exp-002-tree", "DecisionTreeClassifier"):
        assert words in section


def test_the_key_features(
    project: Path, call_xvc: Calling, data: tuple[Any, Any, Any, Any]
) -> None:
    """Automatic logging, every combination with what mattered, every fold, the best of a grid."""
    from sklearn.tree import DecisionTreeClassifier

    x_train, x_test, y_train, y_test = data
    tracker = AutoTracker(increment="0042")

    @tracker.track(name="tree-auto")
    def train_model(depth: int = 2) -> tuple[Any, float]:
        model = DecisionTreeClassifier(max_depth=depth).fit(x_train, y_train)
        return model, model.score(x_test, y_test)

    _, score = train_model()
    grid = {"max_depth": [1, 4], "criterion": ["gini", "entropy"]}
    results = track_hyperparameters(
        model=DecisionTreeClassifier,
        param_grid=grid,
        X_train=x_train,
        y_train=y_train,
        increment="0042",
    )
    seen: list[tuple[int, int]] = []
    validated = track_cross_validation(
        model=DecisionTreeClassifier(max_depth=2),
        X=x_train,
        y=y_train,
        cv=5,
        increment="0042",
        n_jobs=2,
        progress=lambda done, of: seen.append((done, of)),
    )
    best_model, searched = track_grid_search(
        DecisionTreeClassifier(random_state=1), grid, x_train, y_train, increment="0043"
    )
    mattered = (HOME / "DecisionTreeClassifier-importance.md").read_text()
    shown = json.loads(call_xvc("show", "0042/tree-auto", "--json").out)["data"]

    assert (HOME / "tree-auto/model.pkl").exists()
    assert (shown["params"]["depth"], shown["metrics"]["score"]) == (2, score)
    assert len(results.fits) == len(searched.fits) == 4
    assert f"| max_depth | {results.importance['max_depth']:.2f} |" in mattered
    assert seen == [(n, 5) for n in range(1, 6)]
    assert set(validated.metrics) == {"mean_score", "sd_score"}
    assert best_model.get_params()["max_depth"] == searched.best.params["max_depth"]
    assert len(names(call_xvc, "--series", "0043")) == 4


def test_artifacts_and_metadata(project: Path, call_xvc: Calling) -> None:
    """What is saved is what its name says; what is known of an experiment is on record."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import pandas as pd
    from sklearn.metrics import ConfusionMatrixDisplay

    figure, axes = plt.subplots()
    display = ConfusionMatrixDisplay.from_predictions([0, 1], [0, 1])
    metadata = ExperimentMetadata(
        name="tree-v3",
        description="with features",
        tags=["production-candidate", "feature-eng-v2"],
        git_commit="a3b8c9d",
        data_version="v2024-01",
        author="someone",
    )
    with track_experiment(metadata, series="0042") as exp:
        exp.save_artifact("preprocessor.pkl", {"mean": 1})
        exp.save_artifact("roc_curve.png", figure)
        exp.save_artifact("axes.png", axes)
        exp.save_artifact("confusion_matrix.png", display)
        exp.save_artifact("feature_importance.csv", pd.DataFrame({"a": [1]}))
        exp.save_artifact("requirements.txt", "numpy==2\n")
        exp.save_artifact("conda_env.yaml", {"name": "env", "dependencies": ["numpy"]})
        exp.add_tag("production")
    track_artifacts("files", {"a.json": [1, 2], "b.txt": "b"}, series="0042")
    plt.close("all")
    home = HOME / "tree-v3"
    known = yaml.safe_load((home / "metadata.yaml").read_text())
    shown = json.loads(call_xvc("show", "0042/tree-v3", "--json").out)["data"]

    for picture in ("roc_curve.png", "axes.png", "confusion_matrix.png"):
        assert (home / picture).read_bytes().startswith(b"\x89PNG")
    assert yaml.safe_load((home / "conda_env.yaml").read_text())["dependencies"] == ["numpy"]
    assert (home / "requirements.txt").read_text() == "numpy==2\n"
    assert json.loads((HOME / "files/a.json").read_text()) == [1, 2]
    assert known["tags"] == ["production-candidate", "feature-eng-v2", "production"]
    assert shown["note"] == "with features; #production-candidate; #feature-eng-v2; #production"
    assert (shown["params"]["data_version"], shown["params"]["author"]) == ("v2024-01", "someone")


def test_the_best_practices(project: Path, call_xvc: Calling) -> None:
    """A failure is documented from outside its block; versions of data and of Python are params."""
    try:
        with track_experiment("neural-net-attempt", increment="0042") as exp:
            exp.log_param("random_seed", 42)
            exp.log_param("python_version", sys.version)
            exp.log_param("data_commit", "dvc:a3b8c9d")
            exp.log_param("data_url", "s3://bucket/data/v2024-01")
            raise MemoryError("no room")
    except MemoryError as err:
        exp.log_note(f"FAILED: {err}")
        exp.log_note("Reason: out of memory, a smaller batch")
        exp.set_status("failed")
    shown = json.loads(call_xvc("show", "0042/neural-net-attempt", "--json").out)["data"]

    assert (shown["status"], shown["reason"]) == ("failed", "MemoryError: no room")
    assert shown["note"] == "FAILED: no room; Reason: out of memory, a smaller batch"
    assert shown["params"]["data_commit"] == "dvc:a3b8c9d"
    assert "MemoryError" in (HOME / "neural-net-attempt/traceback.txt").read_text()


def test_models_commands_and_stages(
    project: Path, call_xvc: Calling, data: tuple[Any, Any, Any, Any]
) -> None:
    """Models are compared in a written table; a series can be listed, shown, exported, archived."""
    from sklearn.dummy import DummyClassifier
    from sklearn.tree import DecisionTreeClassifier

    x_train, x_test, y_train, y_test = data
    models = {"dummy": DummyClassifier(), "tree": DecisionTreeClassifier(random_state=1)}
    comparison = compare_models(models, x_train, y_train, x_test, y_test, increment="0042")
    pipeline = ExperimentPipeline("recommend")
    with pipeline.stage("preprocessing") as stage:
        stage.log_metric("rows_before", 120)
        stage.log_metric("rows_after", 90)
    with pipeline.stage("features") as stage:
        stage.log_metric("num_features", 6)
    with pipeline.stage("training") as stage:
        stage.log_metric("accuracy", 0.9)
    exported = call_xvc("ls", "--series", "0042", "--csv").out.splitlines()
    compared = json.loads(call_xvc("compare", "--series", "0042", "--json").out)["data"]

    assert comparison.best.name == "tree"
    table = (HOME / "comparison.md").read_text()
    assert "| dummy |" in table
    assert "**Best: tree**" in table
    assert names(call_xvc, "--series", "0042") == ["0042/dummy", "0042/tree"]
    assert len(exported) == 3
    assert len(compared["runs"]) == 2
    (row,) = [each for each in compared["metrics"] if each["key"] == "test_score"]
    assert (row["direction"], row["best"]) == ("max", 1)
    assert [(each.name, each.after) for each in pipeline.stages] == [
        ("preprocessing", ()),
        ("features", ("preprocessing",)),
        ("training", ("features",)),
    ]
    assert names(call_xvc, "--series", "recommend")[-1] == "recommend/training"


def test_a_fold_that_fails_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a row with its error; a combination with one has failed; so have all folds at once."""
    monkeypatch.chdir(tmp_path)

    class Picky:
        def __init__(self, most: int = 3) -> None:
            self.most = most

        def fit(self, rows: list[Any], targets: list[int]) -> None:
            if [9] not in rows or self.most == 0:
                raise ValueError("where is 9?")

        def score(self, rows: list[Any], targets: list[int]) -> float:
            return 0.5

    rows, targets = [[n] for n in range(10)], [0, 1] * 5
    found = track_cross_validation(Picky, rows, targets, cv=5, series="0042")
    with pytest.raises(AllFitsFailed, match="all 2 fits failed"):
        track_grid_search(Picky, {"most": [1, 2]}, rows, targets, cv=5, series="0042")
    with pytest.raises(AllFitsFailed, match="all 5 fits failed"):
        track_cross_validation(Picky(0), rows, targets, cv=5, series="0042")
    history = json.loads((HOME / "Picky-cv/metrics.json").read_text())["history"]

    assert found.metrics == {"mean_score": 0.5, "sd_score": 0.0, "failed_folds": 1}
    assert [row["fold"] for row in history if "fold" in row] == [1, 2, 3, 4]
