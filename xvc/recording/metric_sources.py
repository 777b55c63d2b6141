"""What reads the metrics out of a file, by the ending of its name.

A source is registered under the entry point ``xvc.metrics``: the ending without its dot, and a
function of a `Path` that returns values by key. An ending of xvc's own cannot be taken; a file
whose ending nobody has is read as YAML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import cast

from xvc.core.plain import from_file
from xvc.errors import ExternalError, XvcError, error
from xvc.types import Json

GROUP = "xvc.metrics"
OWN = tuple(
    EntryPoint(ending, "xvc.system.value_files:read_values", GROUP)
    for ending in ("yaml", "yml", "json", "toml")
)

Source = Callable[[Path], Mapping[str, object]]


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
    known = next((each for each in OWN if each.name == ending), None)
    found = known or next(iter(entry_points(group=GROUP, name=ending)), OWN[0])
    try:
        source = cast("Source", found.load())
        values = source(path)
        return {str(key): from_file(value) for key, value in values.items()}
    except (XvcError, OSError):
        raise
    except Exception as err:  # code of others, and whatever it does
        words = " ".join(str(err).split()) or type(err).__name__
        raise MetricsUnusable(path.name, words.removesuffix(".")) from err
