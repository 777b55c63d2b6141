"""wandb as it is, whose runs are recorded here as well: ``from xvc.experiments import wandb``.

Everything but `init` is wandb's own.
"""

from __future__ import annotations

from typing import Any

from xvc.experiments.mlflow_series import tool
from xvc.experiments.wandb_series import WandbRun, configure_wandb


def init(
    *,
    series: str | None = None,
    increment: str | None = None,
    name: str | None = None,
    **options: Any,
) -> WandbRun:
    """Begin a run in wandb that is also one of xvc; takes what ``wandb.init`` takes.

    Args:
        series: the group of the experiment, and wandb's project.
        increment: another word for *series*.
        name: what to call it.
        options: goes to ``wandb.init``.

    Raises:
        ToolMissing: wandb is not installed.
        BadValue: the series is no name of a folder.
    """
    return configure_wandb(series, increment=increment).init(name, **options)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(tool("wandb"), name)
