"""What a run kept, for its page: pictures, sound, tables and text, each as what its bytes are.

Nothing is unpickled, and nothing that a browser could run is handed over: what a picture is say its
first bytes, never its name, and all else is text.
"""

from __future__ import annotations

import csv
from base64 import b64encode
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.errors import XvcError
from xvc.history.find import find
from xvc.page.browser_values import Wired
from xvc.recovery.lost_runs import opened
from xvc.store import assets

if TYPE_CHECKING:
    from xvc.core.asset import Asset
    from xvc.project import Project

_LARGEST = 4_000_000  # bytes of one thing that is shown
_ALL = 16_000_000  # bytes of all of them
_MOST = 60  # things
_TEXT = 20_000  # letters of a text
_ROWS, _COLUMNS = 50, 20
_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}


def kept(project: Project, reference: str) -> dict[str, Wired]:
    """Tell what a run kept, with what of it can be shown.

    Raises:
        NoRun: no run answers to *reference*.
    """
    (found,) = find(project, [reference])
    with opened(project) as connection:
        listed = assets.of_run(connection, found.record.id)
    told, left = [], _ALL
    for asset in listed[:_MOST]:
        shown = _shown(project, asset) if asset.size <= min(_LARGEST, left) else {}
        left -= asset.size if shown else 0
        told.append({**_facts(asset), **shown})
    return {"kept": told, "total": len(listed)}


def media_type(content: bytes) -> str | None:
    """Say which picture or sound bytes are, by how they begin; None for all else.

    >>> media_type(b"GIF89a"), media_type(b"<svg onload=alert(1)>")
    ('image/gif', None)
    """
    if content[:4] == b"RIFF":
        return _RIFF.get(content[8:12])
    return next((named for begin, named in _BEGINNINGS if content.startswith(begin)), None)


def _facts(asset: Asset) -> Mapping[str, Wired]:
    names = ("digest", "kind", "name", "type", "size")
    return {name: getattr(asset, name) for name in names}


def _shown(project: Project, asset: Asset) -> Mapping[str, Wired]:
    """Read an asset that is a file; nothing where it is not here, or cannot be shown."""
    if asset.kind != "file":
        return {}
    try:
        content = project.assets.verify(asset.digest).read_bytes()
    except (XvcError, OSError):
        return {}
    media = media_type(content)
    if media is not None:
        address = f"data:{media};base64,{b64encode(content).decode()}"
        return {"view": media.partition("/")[0], "content": address}
    if b"\0" in content:
        return {}
    text = content.decode("utf-8", "replace")
    suffix = Path(asset.name).suffix.lower()
    if suffix in (".csv", ".tsv"):
        return {"view": "table", "content": _table(text, "\t" if suffix == ".tsv" else ",")}
    return {"view": "text", "content": text[:_TEXT], "cut": len(text) > _TEXT}


def _table(text: str, separator: str) -> list[list[str]]:
    lines = islice(text.splitlines(), _ROWS)
    return [row[:_COLUMNS] for row in csv.reader(lines, delimiter=separator)]
