"""Names for shapes that every floor speaks of. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NewType

Primitive = None | bool | int | float | str
Json = Primitive | list["Json"] | dict[str, "Json"]
"""A value that survives a JSON file. Used at the JSON edge only."""

RunId = NewType("RunId", str)
"""Twelve characters, the first a letter: ``k7f3m2q9x1b4``."""

CommitId = NewType("CommitId", str)
"""A full git object id, in hex."""

Digest = NewType("Digest", str)
"""An md5 as DVC names its objects: hex, with ``.dir`` behind for a folder."""

Nanoseconds = NewType("Nanoseconds", int)
"""Nanoseconds since the epoch, UTC."""

Row = Mapping[str, object]
"""One logged record: key to value."""
