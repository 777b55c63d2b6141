"""What reads the metrics out of a file, by the ending of its name.

A package registers a source under the entry point ``xvc.metrics``: the ending without its dot, and
a function of a `Path` that returns values by key. A file whose ending nobody has is read as YAML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from xvc.core.json_values import from_file
from xvc.core.registry import Registry, reason
from xvc.errors import ExternalError, XvcError, error
from xvc.types import Json

Source = Callable[[Path], Mapping[str, object]]

SOURCES: Registry[Source] = Registry(
    group="xvc.metrics",
    own=dict.fromkeys(("yaml", "yml", "json", "toml"), "xvc.system.value_files:read_values"),
    accepts=callable,
    wanted="function",
)


@error("metrics-unusable")
class MetricsUnusable(ExternalError):
    """A metric source of another package cannot be loaded, or fails on a file."""

    path: str
    words: str
    says = "the metrics in {path} cannot be read: {words}"
    way = "Mend the file, or the package that reads files of its ending."


def read_metrics(path: Path) -> dict[str, Json]:
    """Read the values of a file by the source of its ending; nested ones get dotted keys.

    Raises:
        BadValue: it is not what its ending says.
        MetricsUnusable: the source is another package's, and cannot be loaded or fails.
    """
    ending = path.suffix.removeprefix(".").lower()
    unusable = partial(MetricsUnusable, path.name)
    source = SOURCES.load(ending if SOURCES.has(ending) else "yaml", unusable)
    try:
        return {str(key): from_file(value) for key, value in source(path).items()}
    except (XvcError, OSError):
        raise
    except Exception as err:  # code of others, and whatever it does
        raise unusable(reason(err)) from err
