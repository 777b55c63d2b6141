"""What runs the trials of a sweep, by name: the executors of xvc, and those of installed packages.

An executor is registered under the entry point ``xvc.executors``: its name, and the module and
name of a `Kind`. A name of xvc's own cannot be taken.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from xvc.errors import ExternalError, error
from xvc.executors.kind import Kind

GROUP = "xvc.executors"
OWN = tuple(
    EntryPoint(name, home, GROUP)
    for name, home in (
        ("local", "xvc.executors.local:KIND"),
        ("dask", "xvc.executors.dask:KIND"),
        ("slurm", "xvc.executors.slurm:KIND"),
    )
)


@error("executor-unusable")
class ExecutorUnusable(ExternalError):
    """An executor of another package cannot be loaded, or is not installed any more."""

    name: str
    words: str
    says = "the executor {name!r} cannot be used: {words}"
    way = "Install the package that has it anew, or take another one with `--executor`."


def executor_names() -> tuple[str, ...]:
    """List the names of all executors, those of xvc first."""
    return tuple(dict.fromkeys(each.name for each in _registered()))


def executor_kind(name: str) -> Kind:
    """Load a kind of executor; no other is loaded.

    Raises:
        ExecutorUnusable: its package cannot be loaded, or there is none of that name.
    """
    found = next((each for each in _registered() if each.name == name), None)
    if found is None:
        raise ExecutorUnusable(name, "no installed package has it")
    try:
        kind = found.load()
    except Exception as err:  # code of others, and whatever it does at import
        words = " ".join(str(err).split()) or type(err).__name__
        raise ExecutorUnusable(name, words.removesuffix(".")) from err
    if not isinstance(kind, Kind):
        raise ExecutorUnusable(name, f"{found.value} is no xvc.executors.kind.Kind")
    return kind


def _registered() -> tuple[EntryPoint, ...]:
    return (*OWN, *entry_points(group=GROUP))
