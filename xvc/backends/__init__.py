"""Tracking backends behind one interface: local files, Weights & Biases, MLflow, TensorBoard.

>>> from xvc.backends import create_tracker
>>> import tempfile
>>> with create_tracker("local", output_dir=tempfile.mkdtemp()) as tracker:
...     tracker.log_params({"lr": 0.1})
...     tracker.log_metrics({"accuracy": 0.9})
>>> tracker.load_run(tracker.list_runs()[0])["params"]
{'lr': 0.1}
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from xvc.backends.base import BackendMissing, ExperimentTracker, NoActiveRun, TrackingConfig
from xvc.backends.hosted import MLflowTracker, TensorBoardTracker, WandBTracker
from xvc.backends.local_files import LocalFileTracker, RunFolderMissing
from xvc.backends.several import MultiTracker, NoTrackers, auto_track
from xvc.errors import UsageError, error

__all__ = [
    "BackendMissing",
    "ExperimentTracker",
    "LocalFileTracker",
    "MLflowTracker",
    "MultiTracker",
    "NoActiveRun",
    "NoTrackers",
    "RunFolderMissing",
    "TensorBoardTracker",
    "TrackingConfig",
    "UnknownBackend",
    "WandBTracker",
    "auto_track",
    "create_tracker",
]

WANDB_AVAILABLE = find_spec("wandb") is not None
MLFLOW_AVAILABLE = find_spec("mlflow") is not None
TENSORBOARD_AVAILABLE = find_spec("tensorboardX") is not None or (
    find_spec("torch") is not None and find_spec("tensorboard") is not None
)


@error("unknown-backend")
class UnknownBackend(UsageError, ValueError):
    """No backend has that name."""

    name: str
    known: tuple[str, ...]
    says = "Unknown backend: {name}; there are {known}"
    way = "Name one of them."


_KINDS: dict[str, Callable[..., ExperimentTracker]] = {
    "local": LocalFileTracker,
    "wandb": WandBTracker,
    "mlflow": MLflowTracker,
    "tensorboard": TensorBoardTracker,
}


def create_tracker(backend: str = "local", **options: object) -> ExperimentTracker:
    """Make a tracker of a backend: ``local``, ``wandb``, ``mlflow`` or ``tensorboard``.

    Args:
        backend: its name, in any case.
        options: the arguments of that tracker.

    Raises:
        UnknownBackend: no backend has that name.
        BackendMissing: its package is not installed.
    """
    kind = _KINDS.get(backend.lower())
    if kind is None:
        raise UnknownBackend(backend, tuple(_KINDS))
    return kind(**options)


def __getattr__(name: str) -> Any:
    """Import the package of a backend when it is asked for."""
    try:
        if name in ("wandb", "mlflow"):
            return import_module(name)
        if name == "SummaryWriter":
            has_torch = find_spec("torch") is not None and find_spec("tensorboard") is not None
            home = "torch.utils.tensorboard" if has_torch else "tensorboardX"
            return import_module(home).SummaryWriter
    except ImportError as err:  # what is not installed is an attribute that is not there
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: {err}") from err
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
