"""The writer of TensorBoard's event files: torch's where it is installed, else tensorboardX's."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from xvc.callbacks.framework import base_of


def event_writer() -> Any:
    """Return the class of the writer; it cannot be made where neither is installed."""
    has_torch = find_spec("torch") is not None and find_spec("tensorboard") is not None
    return base_of("torch.utils.tensorboard" if has_torch else "tensorboardX", "SummaryWriter")
