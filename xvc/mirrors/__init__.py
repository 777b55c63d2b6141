"""Other trackers that runs are mirrored to, by name: those of xvc, and those of installed packages.

A sink is registered under the entry point ``xvc.sinks``: its name, and the module and name of a
`Kind`. A name of xvc's own cannot be taken.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from xvc.errors import ExternalError, error
from xvc.mirrors.sink import Kind

GROUP = "xvc.sinks"
OWN = tuple(
    EntryPoint(name, home, GROUP)
    for name, home in (
        ("jsonl", "xvc.mirrors.lines_file:KIND"),
        ("mlflow", "xvc.mirrors.mlflow:KIND"),
        ("wandb", "xvc.mirrors.wandb:KIND"),
        ("tensorboard", "xvc.mirrors.tensorboard:KIND"),
    )
)


@error("sink-unusable")
class SinkUnusable(ExternalError):
    """A sink of another package cannot be loaded, or there is none of that name."""

    name: str
    words: str
    says = "the sink {name!r} cannot be used: {words}"
    way = "Install the package that has it; `xvc mirror --resume` then sends what it missed."


def sink_names() -> tuple[str, ...]:
    """List the names of all sinks, those of xvc first."""
    return tuple(dict.fromkeys(each.name for each in _registered()))


def sink_kind(name: str) -> Kind:
    """Load a kind of sink; no other is loaded.

    Raises:
        SinkUnusable: its package cannot be loaded, or there is none of that name.
    """
    found = next((each for each in _registered() if each.name == name), None)
    if found is None:
        raise SinkUnusable(name, f"there are {', '.join(sink_names())}")
    try:
        kind = found.load()
    except Exception as err:  # code of others, and whatever it does at import
        words = " ".join(str(err).split()) or type(err).__name__
        raise SinkUnusable(name, words.removesuffix(".")) from err
    if not isinstance(kind, Kind):
        raise SinkUnusable(name, f"{found.value} is no xvc.mirrors.sink.Kind")
    return kind


def _registered() -> tuple[EntryPoint, ...]:
    return (*OWN, *entry_points(group=GROUP))
