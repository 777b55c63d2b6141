"""Callbacks that log what a training framework reports, each for one framework.

The framework is imported with its callback, and never before. Every callback takes a `Tracker` of
yours, or makes one with the options of `Tracker`; inside ``xvc run`` that joins the run, and with
``run="name", resume=True`` a later training goes on with the same run. What goes wrong while
something is logged is a warning and never stops a training.

| framework | name | hand it to |
|---|---|---|
| Keras | `KerasCallback` | ``model.fit(…, callbacks=[KerasCallback()])`` |
| Keras and TensorBoard | `TensorBoardCallback` | the same, with ``log_dir=`` |
| Lightning | `LightningLogger` | ``Trainer(logger=LightningLogger())`` |
| Hugging Face | `TransformersCallback` | ``Trainer(…, callbacks=[TransformersCallback()])`` |
| XGBoost | `XGBoostCallback` | ``xgboost.train(…, callbacks=[XGBoostCallback()])`` |
| LightGBM | `LightGBMCallback` | ``lightgbm.train(…, callbacks=[LightGBMCallback()])`` |
| scikit-learn | `SklearnCallback` | ``estimator.set_callbacks(SklearnCallback())`` |
| scikit-learn before 1.9 | `autolog` | call it once; every ``fit`` is a run |
| Optuna | `OptunaCallback` | ``study.optimize(…, callbacks=[OptunaCallback()])`` |
| Hydra | `HydraCallback` | ``hydra.callbacks.xvc._target_: xvc.callbacks.HydraCallback`` |
| torch, tensorboardX | `SummaryWriter` | in place of theirs |
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "HydraCallback": "xvc.callbacks.hydra",
    "KerasCallback": "xvc.callbacks.keras",
    "LightGBMCallback": "xvc.callbacks.lightgbm",
    "LightningLogger": "xvc.callbacks.lightning",
    "OptunaCallback": "xvc.callbacks.optuna",
    "SklearnCallback": "xvc.callbacks.sklearn",
    "SummaryWriter": "xvc.callbacks.tensorboard",
    "TensorBoardCallback": "xvc.callbacks.keras",
    "TransformersCallback": "xvc.callbacks.transformers",
    "XGBoostCallback": "xvc.callbacks.xgboost",
    "autolog": "xvc.callbacks.sklearn",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'xvc.callbacks' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return __all__
