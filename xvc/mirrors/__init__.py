"""Other trackers that runs are mirrored to, by name: those of xvc, and those of installed packages.

A package registers a sink under the entry point ``xvc.sinks``: its name, and the module and name
of a `SinkKind`.
"""

from __future__ import annotations

from functools import partial

from xvc.core.registry import Registry
from xvc.errors import ExternalError, error
from xvc.mirrors.sink import SinkKind

SINKS: Registry[SinkKind] = Registry(
    group="xvc.sinks",
    own={
        "jsonl": "xvc.mirrors.lines_file:KIND",
        "mlflow": "xvc.mirrors.mlflow:KIND",
        "wandb": "xvc.mirrors.wandb:KIND",
        "tensorboard": "xvc.mirrors.tensorboard:KIND",
    },
    accepts=lambda entry: isinstance(entry, SinkKind),
    wanted="xvc.mirrors.sink.SinkKind",
)


@error("sink-unusable")
class SinkUnusable(ExternalError):
    """A sink of another package cannot be loaded, or there is none of that name."""

    name: str
    words: str
    says = "the sink {name!r} cannot be used: {words}"
    way = "Install the package that has it; `xvc mirror --resume` then sends what it missed."


def sink_kind(name: str) -> SinkKind:
    """Load a kind of sink; no other is loaded.

    Raises:
        SinkUnusable: its package cannot be loaded, or there is none of that name.
    """
    return SINKS.load(name, partial(SinkUnusable, name))
