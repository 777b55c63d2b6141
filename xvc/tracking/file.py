"""A path whose content counts: what a cached call was given when it was given a file."""

from __future__ import annotations

import os
from hashlib import file_digest, sha256
from pathlib import Path


class File(os.PathLike[str]):
    """A file or folder that a cached call depends on by its content, wherever it lies.

    A plain path counts as the text that it is. This is opened like a path, and its bytes are read
    whenever a call is keyed.

    Args:
        path: a file, or a folder with all that is in it.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp(), "data.csv")
    >>> _ = place.write_text("a,b")
    >>> before = File(place).digest()
    >>> _ = place.write_text("a,c")
    >>> File(place).digest() == before
    False
    """

    __slots__ = ("path",)

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)

    def __fspath__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return f"File({self.path!r})"

    __str__ = __fspath__

    def digest(self) -> str | None:
        """Return the sha256 of the bytes, in hex; of a folder that of its list of files.

        None when nothing is there.
        """
        place = Path(self.path)
        if place.is_dir():
            files = sorted(each for each in place.rglob("*") if each.is_file())
            listed = [f"{each.relative_to(place)} {_digest(each)}\n" for each in files]
            return sha256("".join(listed).encode("utf-8", "surrogateescape")).hexdigest() + "/"
        return _digest(place) if place.exists() else None


def _digest(place: Path) -> str:
    with place.open("rb") as opened:
        return file_digest(opened, "sha256").hexdigest()
