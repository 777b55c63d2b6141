"""Callbacks log what the framework says: its own output, its own results are compared.

scikit-learn, Optuna and Hydra are always here; LightGBM, XGBoost, Keras and tensorboardX where they
are installed. Lightning and transformers are stood for by their interface: the classes that are
subclassed, and the calls that their trainers make.
"""

from __future__ import annotations

import json
import pickle
import re
import sys
import warnings
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Barrier
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from xvc import Reader, Tracker
from xvc.callbacks.framework import FrameworkMissing
from xvc.callbacks.training_run import TrainingRun, flat

_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(80, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.1


@pytest.fixture(autouse=True)
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store in the current folder."""
    monkeypatch.chdir(tmp_path)
    return "t.duckdb"


def runs(db: str) -> list[tuple[Any, ...]]:
    """Status, params and reason of each run, oldest first."""
    asked = "SELECT status, params, reason, name FROM runs ORDER BY started"
    return Reader(db).conn.execute(asked).fetchall()


def test_lightgbm(db: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Each round as it is printed; early stopping; means and deviations of a cross-validation."""
    lightgbm = pytest.importorskip("lightgbm")
    params = {"objective": "regression", "metric": ["l2", "l1"], "verbosity": -1, "seed": 1}
    params |= {"min_data_in_leaf": 5}
    train = lightgbm.Dataset(X[:60], Y[:60], free_raw_data=False)
    valid = lightgbm.Dataset(X[60:], Y[60:], reference=train)
    kept: dict[str, Any] = {}
    from xvc.callbacks import LightGBMCallback

    capfd.readouterr()
    lightgbm.train(
        params,
        train,
        5,
        valid_sets=[valid],
        callbacks=[
            LightGBMCallback(db=db),
            lightgbm.log_evaluation(1),
            lightgbm.record_evaluation(kept),
        ],
    )
    printed = re.findall(
        r"\[(\d+)\]\s+valid_0's l2: (\S+)\s+valid_0's l1: (\S+)", capfd.readouterr().out
    )
    found = Reader(db).to_df()
    with LightGBMCallback(db="stopped.db") as callback:
        stopping = lightgbm.early_stopping(1, min_delta=1e9, verbose=False)
        lightgbm.train(params, train, 50, valid_sets=[valid], callbacks=[callback, stopping])
    scores = lightgbm.cv(
        params, train, 3, nfold=3, stratified=False, callbacks=[LightGBMCallback(db="cv.db")]
    )
    folds = Reader("cv.db").to_df()

    assert len(printed) == 5
    assert found["iteration"].tolist() == [int(number) for number, _, _ in printed]
    assert [f"{value:g}" for value in found["valid_0-l2"]] == [value for _, value, _ in printed]
    assert found["valid_0-l1"].tolist() == kept["valid_0"]["l1"]
    assert [run[0] for run in runs(db) + runs("stopped.db")] == ["finished"] * 2
    assert '"seed":1' in runs(db)[0][1]
    assert len(Reader("stopped.db")) == 2
    assert folds["valid-l2-mean"].tolist() == scores["valid l2-mean"]
    assert folds["valid-l2-stdv"].tolist() == scores["valid l2-stdv"]


def test_xgboost(db: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Each round as it is printed, and the mean and deviation of a cross-validation."""
    xgboost = pytest.importorskip("xgboost")
    from xvc.callbacks import XGBoostCallback

    data, kept = xgboost.DMatrix(X, Y), {}
    capfd.readouterr()
    xgboost.train(
        {"max_depth": 2},
        data,
        4,
        evals=[(data, "train")],
        evals_result=kept,
        verbose_eval=1,
        callbacks=[XGBoostCallback(db=db, params={"max_depth": 2})],
    )
    printed = re.findall(r"\[(\d+)\]\s+train-rmse:(\S+)", capfd.readouterr().out)
    found = Reader(db).to_df()
    table = xgboost.cv({"max_depth": 2}, data, 3, nfold=3, callbacks=[XGBoostCallback(db="cv.db")])
    folds = Reader("cv.db").to_df()

    assert found["iteration"].tolist() == [int(number) for number, _ in printed] == [0, 1, 2, 3]
    assert [f"{value:.5f}" for value in found["train-rmse"]] == [value for _, value in printed]
    assert found["train-rmse"].tolist() == kept["train"]["rmse"]
    for column in table.columns:
        assert folds[column].tolist() == table[column].tolist()
    assert runs(db)[0][:2] == ("finished", '{"max_depth":2}')


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras's, of NumPy
def test_keras(db: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Each epoch as it is printed, batches when asked for; a resumed fit goes on with the run."""
    monkeypatch.setenv("KERAS_BACKEND", "jax" if find_spec("jax") else "torch")
    keras = pytest.importorskip("keras")
    from xvc.callbacks import KerasCallback, TensorBoardCallback

    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss="mse", metrics=["mae"])
    go_on = {"db": db, "run": "net", "resume": True}
    callback = KerasCallback(batches=3, **go_on)
    capfd.readouterr()
    told = model.fit(
        X, Y, epochs=2, batch_size=20, verbose=2, validation_split=0.25, callbacks=[callback]
    )
    model.fit(X, Y, initial_epoch=2, epochs=3, verbose=0, callbacks=[KerasCallback(**go_on)])
    printed = re.findall(r"- loss: (\S+) - mae: (\S+) - val_loss: (\S+)", capfd.readouterr().out)
    frame = Reader(db).to_df()
    found = frame[frame["epoch"].notna()]
    board = TensorBoardCallback("board", increment="0042", name="net", db="board.db")
    shown = model.fit(X, Y, epochs=2, verbose=0, callbacks=[board]).history["loss"]

    assert Reader("board.db")["loss"].tolist() == shown
    assert runs("board.db")[0][3] == "0042/net"
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    written = events.EventAccumulator("board").Reload().Scalars("epoch_loss")
    assert [event.value for event in written] == pytest.approx(shown)
    assert len(printed) == 2
    assert found["epoch"].tolist() == [1, 2, 3]
    assert [f"{value:.4f}" for value in found["loss"][:2]] == [loss for loss, _, _ in printed]
    assert found["val_loss"].tolist()[:2] == told.history["val_loss"]
    assert found["mae"].tolist()[:2] == told.history["mae"]
    assert frame["batch"].dropna().tolist() == [3, 6]
    ((status, params, _, name),) = runs(db)
    assert (status, name) == ("finished", "net")
    assert '"optimizer.learning_rate":0.009999' in params


def test_sklearn(db: str) -> None:
    """A search is its candidates as `cv_results_` has them; a fit that fails is a failed run."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    from xvc.callbacks import SklearnCallback

    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3)
    search.set_callbacks(SklearnCallback(db=db, name="search"))
    search.fit(X, Y > 0)
    frame = Reader(db).to_df()
    found = frame[frame["candidate"].notna()]
    SklearnCallback(db="older.db").record(search)
    older = Reader("older.db").to_df()
    broken = GridSearchCV(LogisticRegression(), {"C": [-1]}, cv=3, error_score="raise")
    broken.set_callbacks(SklearnCallback(db="broken.db"))
    with pytest.raises(ValueError, match="'C'"):
        broken.fit(X, Y > 0)

    assert found["params.C"].tolist() == [0.1, 1.0]
    for name in ("mean_test_score", "std_test_score", "rank_test_score", "split0_test_score"):
        assert found[name].tolist() == search.cv_results_[name].tolist()
    assert frame["best_score"].dropna().tolist() == [search.best_score_]
    assert older["mean_test_score"].dropna().tolist() == found["mean_test_score"].tolist()
    ((status, params, _, _),) = runs(db)
    assert status == "finished"
    assert '"estimator__C":1.0' in params
    ((failed, _, reason, _),) = runs("broken.db")
    assert (failed, "'C'" in reason) == ("failed", True)


def test_sklearn_by_itself(db: str) -> None:
    """With `autolog` every outermost fit is a run, a failed one failed; then fits are plain."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from xvc.callbacks import autolog

    before = GridSearchCV.fit, Ridge.fit
    with autolog(db=db):
        search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3).fit(X, Y > 0)
        make_pipeline(StandardScaler(), Ridge(alpha=2.0)).fit(X, Y)
        try:
            LogisticRegression(C=-1).fit(X, Y > 0)
        except ValueError:
            LogisticRegression(C=1).fit(X, Y > 0)  # while an error is handled
    LogisticRegression().fit(X, Y > 0)
    frame = Reader(db).to_df()
    found = frame[frame["candidate"].notna()]

    assert [run[0] for run in runs(db)] == ["finished", "finished", "failed", "finished"]
    kinds = [json.loads(run[1])["estimator_class"] for run in runs(db)]
    assert kinds == ["GridSearchCV", "Pipeline", "LogisticRegression", "LogisticRegression"]
    assert '"ridge__alpha":2.0' in runs(db)[1][1]
    assert found["mean_test_score"].tolist() == search.cv_results_["mean_test_score"].tolist()
    assert (frame["fit_seconds"].dropna() > 0).tolist() == [True] * 3
    assert (GridSearchCV.fit, Ridge.fit) == before


def test_any_class_with_a_fit_by_itself(db: str) -> None:
    """A class that is named is recorded, whoever made it; nothing else is."""
    from xvc.callbacks import autolog

    class Mean:
        def __init__(self, scale: float) -> None:
            self.scale = scale

        def get_params(self, deep: bool = True) -> dict[str, float]:
            return {"scale": self.scale}

        def fit(self, values: list[float]) -> Mean:
            self.mean = self.scale * sum(values) / len(values)
            return self

    log = autolog(Mean, db=db, name="mine")
    fitted = Mean(2.0).fit([1.0, 2.0])
    log.stop()
    log.stop()
    Mean(1.0).fit([1.0])

    assert fitted.mean == 3.0
    assert [run[:2] + run[3:] for run in runs(db)] == [
        ("finished", '{"estimator_class":"Mean","scale":2.0}', "mine")
    ]


def test_optuna(db: str) -> None:
    """Every trial with its state, params and value, as the frame of trials has it."""
    optuna = pytest.importorskip("optuna")
    from xvc.callbacks import OptunaCallback

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: Any) -> float:
        x: float = trial.suggest_float("x", -1, 1)
        trial.report(x, 3)
        if trial.number == 1:
            raise optuna.TrialPruned
        if trial.number == 2:
            raise LookupError("gone")
        return x * x

    sampler = optuna.samplers.RandomSampler(seed=1)
    study = optuna.create_study(sampler=sampler, study_name="s")
    with OptunaCallback(db=db) as callback:
        study.optimize(objective, n_trials=4, catch=(LookupError,), callbacks=[callback])
    found, told = Reader(db).to_df(), study.trials_dataframe()
    both = optuna.create_study(directions=["minimize", "maximize"])
    with OptunaCallback(db="two.db") as callback:
        both.optimize(lambda trial: (1.0, 2.0), n_trials=1, callbacks=[callback])

    assert found["trial"].tolist() == told["number"].tolist()
    assert found["state"].tolist() == told["state"].tolist()
    assert found["params_x"].tolist() == told["params_x"].tolist()
    assert found["value"].dropna().tolist() == told["value"].dropna().tolist()
    assert found["last_value"].tolist() == told["params_x"].tolist()
    assert Reader("two.db").last["values_1"] == 2.0


def test_what_ends_at_once_in_several_threads_is_of_one_run(db: str) -> None:
    """Trials of `n_jobs=2` that end together open no run each."""
    run, together = TrainingRun(None, {"db": db}), Barrier(8)

    def trial(number: int) -> None:
        together.wait()
        run.log({"trial": number})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(trial, range(8)))
    run.end()

    assert len(runs(db)) == 1
    assert sorted(Reader(db).to_df()["trial"]) == [*range(8)]


def test_optuna_with_a_run_for_each_trial(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`each` makes trials runs: their values are metrics, errors fail them, pruned ones do not."""
    optuna = pytest.importorskip("optuna")
    from xvc.callbacks import OptunaCallback

    monkeypatch.chdir(project)
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: Any) -> float:
        x: float = trial.suggest_float("x", -1, 1)
        if trial.number == 1:
            raise optuna.TrialPruned
        if trial.number == 2:
            raise LookupError("gone")
        return x

    study = optuna.create_study(study_name="s")
    study.optimize(OptunaCallback().each(objective), n_trials=3, catch=(LookupError,))
    asked = "SELECT name, status, metrics->'value', params->'x', id, reason FROM runs ORDER BY name"
    found = Reader().conn.execute(asked).fetchall()

    assert [row[:2] for row in found] == [
        ("s/0", "finished"),
        ("s/1", "finished"),
        ("s/2", "failed"),
    ]
    assert float(found[0][2]) == study.trials[0].value
    assert [float(row[3]) for row in found] == [trial.params["x"] for trial in study.trials]
    assert [row[4] for row in found] == [trial.user_attrs["xvc_run"] for trial in study.trials]
    assert found[2][5] == "LookupError: gone"


def test_hydra(db: str, tmp_path: Path, run_xvc: Any) -> None:
    """A job is a run with its configuration; what it returns, or its error, is on record."""
    hydra = pytest.importorskip("hydra")
    from omegaconf import OmegaConf

    from xvc.callbacks import HydraCallback

    assert issubclass(HydraCallback, hydra.experimental.callback.Callback)  # type: ignore[arg-type]
    config = OmegaConf.create(
        {"lr": 0.1, "net": {"width": "${lr}"}, "hydra": {"job": {"name": "j"}}}
    )
    failed = SimpleNamespace(name="FAILED")
    for status, value in ((SimpleNamespace(name="COMPLETED"), 0.5), (failed, LookupError("gone"))):
        callback = HydraCallback(db=db)  # type: ignore[operator]
        callback.on_job_start(config=config, task_function=None)
        callback.on_job_end(
            config=config, job_return=SimpleNamespace(status=status, _return_value=value)
        )

    first, second = runs(db)
    assert first == ("finished", '{"lr":0.1,"net.width":0.1}', None, "j")
    assert (second[0], second[2]) == ("failed", "LookupError: gone")
    assert Reader(db).to_df()["value"].tolist() == [0.5]


def test_tensorboard(db: str) -> None:
    """What goes into the event file goes into the store, and TensorBoard reads the same."""
    pytest.importorskip("tensorboardX")
    from xvc.callbacks import SummaryWriter

    with Tracker(db) as tracker:
        writer = SummaryWriter("board", tracker=tracker)  # type: ignore[operator]
        for step in range(3):
            writer.add_scalar("loss", 1 / (step + 1), step)
        writer.close()
    found = Reader(db).to_df()

    assert found["loss"].tolist() == [1, 0.5, 1 / 3]
    assert found["step"].tolist() == [0, 1, 2]
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    board = events.EventAccumulator("board").Reload()
    assert [event.value for event in board.Scalars("loss")] == pytest.approx(found["loss"])


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Put the interface of a package that is not here in its place."""

    def put(name: str, **members: object) -> None:
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            inner = ".".join(parts[:count])
            if inner not in sys.modules or count == len(parts):
                module = ModuleType(inner)
                module.__spec__ = SimpleNamespace(name=inner)  # type: ignore[assignment]
                monkeypatch.setitem(sys.modules, inner, module)
        for key, value in members.items():
            setattr(sys.modules[name], key, value)

    asked = ["keras", "lightning", "transformers", "xgboost", "lightgbm", "tensorboard", "hydra"]
    for name in asked:  # one that was imported without its framework stays without
        monkeypatch.delitem(sys.modules, f"xvc.callbacks.{name}", raising=False)
    before = set(sys.modules)
    yield put
    for name in set(sys.modules) - before:
        if name.startswith("xvc.callbacks."):
            del sys.modules[name]


def test_lightning_by_its_interface(db: str, stand_in: Any) -> None:
    """The calls of Lightning's Trainer: hyperparameters, metrics, a checkpoint, an exception."""
    stand_in("lightning.pytorch.loggers.logger", Logger=object)
    rank = SimpleNamespace(rank=0)
    stand_in("lightning.pytorch.utilities.rank_zero", rank_zero_only=rank)
    kind = import_module("xvc.callbacks.lightning").LightningLogger
    logger = kind(db=db, name="net")
    metrics = {"train_loss": np.float32(0.5), "epoch": 0, "nan": float("nan")}
    logger.log_hyperparams({"lr": 0.1, "net": {"layers": 2}})
    logger.log_hyperparams(Namespace(seed=1))
    logger.log_metrics(metrics, step=49)
    saved = SimpleNamespace(last_model_path="a.ckpt", best_model_path="", current_score=0.5)
    logger.after_save_checkpoint(saved)
    logger.after_save_checkpoint(saved)
    version = logger.version
    logger.save()
    logger.finalize("failed")
    rank.rank = 1
    other = kind(db=db)
    other.log_metrics({"x": 1}, step=0)
    frame = Reader(db).to_df()

    assert (logger.name, version, other.experiment) == ("net", frame["track_id"].iloc[0], None)
    assert (frame["train_loss"].iloc[0], frame["step"].iloc[0]) == (0.5, 49)
    assert frame["checkpoint"].dropna().tolist() == ["a.ckpt"]
    assert str(Reader(db).values("nan")[0]) == "nan"
    ((status, params, _, _),) = runs(db)
    assert (status, params) == ("failed", '{"lr":0.1,"net.layers":2,"seed":1}')


def test_transformers_by_its_interface(db: str, stand_in: Any) -> None:
    """The calls of Hugging Face's Trainer, of which only the first process records."""
    stand_in("transformers", TrainerCallback=object)
    callback = import_module("xvc.callbacks.transformers").TransformersCallback(db=db)
    args = SimpleNamespace(to_sanitized_dict=lambda: {"learning_rate": 5e-5}, output_dir="out")
    state = SimpleNamespace(
        is_world_process_zero=True, global_step=10, epoch=0.5, trial_params=None
    )
    logs = {"loss": 1.5, "grad_norm": np.float64(0.1)}
    callback.on_train_begin(args, state, None)
    callback.on_log(args, state, None, logs=logs)
    callback.on_save(args, state, None)
    state.is_world_process_zero = False
    callback.on_log(args, state, None, logs={"loss": 9.0})
    state.is_world_process_zero = True
    callback.on_train_end(args, state, None)
    frame = Reader(db).to_df()

    assert frame[["loss", "step", "epoch"]].iloc[0].tolist() == [1.5, 10, 0.5]
    assert frame["checkpoint"].dropna().tolist() == ["out/checkpoint-10"]
    assert len(frame) == 2
    assert runs(db)[0][:2] == ("finished", '{"learning_rate":0.00005}')
    assert logs == {"loss": 1.5, "grad_norm": 0.1}


def test_nothing_of_a_callback_reaches_the_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A store that cannot be written and a value that cannot be kept are warnings, said once."""
    folder = tmp_path / "folder"
    folder.mkdir()
    unfit = TrainingRun(None, {"db": folder})
    with pytest.warns(RuntimeWarning, match="folder"):
        unfit.log({"x": 1})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unfit.log({"x": 1})
        TrainingRun(None, {"db": folder}).log({"x": 1})  # a warning that is an error is said, too
    with Tracker("a.duckdb") as tracker:
        run = TrainingRun(tracker, {})
        with pytest.warns(RuntimeWarning, match="character"):
            run.log({"x": "\ud800", "y": 1})
        run.end()
        tracker.log({"y": 2})
        away = pickle.loads(pickle.dumps(run))
        away.log({"y": 3})

        assert tracker.values("y") == [1, 2]
    assert "warning: not all of this training is recorded" in capsys.readouterr().err


def test_nested_params_by_their_path() -> None:
    """Configurations of any depth become params; what is no value is what it says of itself."""
    assert flat({"a": {"b": {"c": 1}}, "d": [1, 2], "e": {}, "f": object}) == {
        "a.b.c": 1,
        "d": [1, 2],
        "e": "{}",
        "f": "<class 'object'>",
    }


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keras", "KerasCallback"),
        ("lightning", "LightningLogger"),
        ("transformers", "TransformersCallback"),
        ("xgboost", "XGBoostCallback"),
        ("tensorboard", "SummaryWriter"),
    ],
)
def test_without_its_framework_a_callback_says_so(
    module: str, name: str, monkeypatch: pytest.MonkeyPatch, stand_in: Any
) -> None:
    """The module is there without the framework; the callback cannot be made."""
    for package in ("keras", "lightning", "pytorch_lightning", "transformers", "xgboost"):
        monkeypatch.setitem(sys.modules, package, None)
    for package in (
        "keras.callbacks",
        "xgboost.callback",
        "tensorboardX",
        "torch",
        "torch.utils.tensorboard",
    ):
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"xvc.callbacks.{module}", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    kind = getattr(import_module(f"xvc.callbacks.{module}"), name)

    with pytest.raises(FrameworkMissing, match="not installed") as caught:
        kind()

    assert isinstance(caught.value, ImportError)
