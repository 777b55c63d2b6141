"""Compare scikit-learn models: one cached fit a model and fold, fitted models kept as assets.

    xvc run --tag minor -- python sklearn_comparison.py

Change MODELS and `dataset`; keep `evaluate` a function of its arguments alone.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold

from xvc import Tracker


@dataclass(frozen=True)
class Config:
    """One configuration: everything that decides a result, besides the data."""

    model: str
    seed: int = 0
    folds: int = 5


def _baseline(config: Config) -> BaseEstimator:
    return DummyClassifier(strategy="most_frequent")


def _logistic(config: Config) -> BaseEstimator:
    return LogisticRegression(max_iter=1000, random_state=config.seed)


def _forest(config: Config) -> BaseEstimator:
    return RandomForestClassifier(n_estimators=50, random_state=config.seed)


# A baseline that knows nothing comes first: who does not beat it has learned nothing.
MODELS = {"baseline": _baseline, "logistic": _logistic, "forest": _forest}


def dataset() -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and labels."""
    return load_iris(return_X_y=True)


def evaluate(x: np.ndarray, y: np.ndarray, fold: int, config: Config) -> dict[str, object]:
    """Fit on one fold's training part; return its test part's predictions, and the model."""
    splitter = StratifiedKFold(config.folds, shuffle=True, random_state=config.seed)
    train, test = list(splitter.split(x, y))[fold]
    model = MODELS[config.model](config).fit(x[train], y[train])
    return {
        "fold": fold,
        "ids": test.tolist(),
        "predicted": model.predict(x[test]).tolist(),
        "train_accuracy": float(accuracy_score(y[train], model.predict(x[train]))),
        "fitted": model,
    }


def main(seed: int) -> None:
    """Evaluate every model on every fold; one row a prediction, one row a model."""
    x, y = dataset()
    with (
        Tracker(table="fits", cache=".cache/xvc") as fits,
        Tracker(table="predictions") as predictions,
        Tracker(table="metrics") as metrics,
    ):
        for name in MODELS:
            config = Config(name, seed)
            found = [fits.track(evaluate, [x, y, fold, config]) for fold in range(config.folds)]
            rows = [
                {
                    "model": name,
                    "seed": seed,
                    "fold": each["fold"],
                    "input_id": i,
                    "prediction": p,
                    "label": int(y[i]),
                }
                for each in found
                for i, p in zip(each["ids"], each["predicted"], strict=True)
            ]
            predictions.log_batch(rows)
            by_fold = [
                np.mean([row["prediction"] == row["label"] for row in rows if row["fold"] == fold])
                for fold in range(config.folds)
            ]
            metrics.log(
                {
                    "model": name,
                    "seed": seed,
                    "items": len(rows),
                    "accuracy": float(np.mean(by_fold)),
                    "accuracy_std": float(np.std(by_fold)),
                    "train_accuracy": float(np.mean([each["train_accuracy"] for each in found])),
                }
            )
            print(f"{name}: accuracy {np.mean(by_fold):.3f} ± {np.std(by_fold):.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args().seed)
