"""What runs the trials of a sweep, by name: the executors of xvc, and those of installed packages.

A package registers an executor under the entry point ``xvc.executors``: its name, and the module
and name of a `ExecutorKind`.
"""

from __future__ import annotations

from functools import partial

from xvc.core.registry import Registry
from xvc.errors import ExternalError, error
from xvc.executors.kind import ExecutorKind

EXECUTORS: Registry[ExecutorKind] = Registry(
    group="xvc.executors",
    own={
        "local": "xvc.executors.local:KIND",
        "dask": "xvc.executors.dask:KIND",
        "slurm": "xvc.executors.slurm:KIND",
    },
    accepts=lambda entry: isinstance(entry, ExecutorKind),
    wanted="xvc.executors.kind.ExecutorKind",
)


@error("executor-unusable")
class ExecutorUnusable(ExternalError):
    """An executor of another package cannot be loaded, or is not installed any more."""

    name: str
    words: str
    says = "the executor {name!r} cannot be used: {words}"
    way = "Install the package that has it anew, or take another one with `--executor`."


def executor_kind(name: str) -> ExecutorKind:
    """Load a kind of executor; no other is loaded.

    Raises:
        ExecutorUnusable: its package cannot be loaded, or there is none of that name.
    """
    return EXECUTORS.load(name, partial(ExecutorUnusable, name))
