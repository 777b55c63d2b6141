"""The writer of TensorBoard's event files: torch's where it is installed, else tensorboardX's."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any


def event_writer() -> Any:
    """Return the class of the writer.

    Raises:
        ImportError: neither torch with tensorboard nor tensorboardX is installed.
    """
    has_torch = find_spec("torch") is not None and find_spec("tensorboard") is not None
    home = "torch.utils.tensorboard" if has_torch else "tensorboardX"
    return import_module(home).SummaryWriter
