"""The operation log: one line of JSON for each thing that xvc changed on request. Only appends."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from xvc.adapters.files import make_folder
from xvc.core.ids import run_id
from xvc.types import Json


def append(path: Path, entry: Mapping[str, Json]) -> str:
    """Append *entry* with an id of its own and the time, on the disk when this returns.

    Args:
        path: the log.
        entry: at least ``command`` and ``did``.

    Returns:
        The id; ``at`` is in nanoseconds since the epoch.
    """
    make_folder(path.parent)
    name = run_id(os.urandom(8))
    line = json.dumps({"id": name, "at": time.time_ns(), **entry}, ensure_ascii=False)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, line.encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return name
