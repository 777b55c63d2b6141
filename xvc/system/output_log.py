"""A log of output with a limit: the first half of it and the last, whatever came between.

While it is written, the end is in two parts beside it, ``<log>.<head>.<start>``: the size of the
head and where in the stream the part begins. Nothing waits in a buffer, so a kill loses nothing.
`finish` joins the parts; a failing disk is remembered, never raised.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xvc.core.secrets import mask_text, mask_texts

_COPY = 1 << 20


class OutputLog:
    """Keeps the first and the last ``limit_bytes // 2`` of what is written to it.

    ``failure`` says why nothing more is kept, once the disk has refused; until then it is None.
    A log that is there already is never written again: that is such a failure.
    """

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self.path = path
        self.failure: str | None = None
        self._half = max(1, limit_bytes // 2)
        self._written = 0
        self._room = self._half
        self._parts: list[Path] = []
        self._fd: int | None = None
        with self._remembering():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = _create(path)

    def write(self, chunk: bytes) -> None:
        """Keep *chunk*, on disk when this returns (the kernel has it; no power loss is meant)."""
        rest = memoryview(chunk)
        while rest and self.failure is None and self._fd is not None:
            with self._remembering():
                if self._room == 0:
                    self._begin_part()
                count = os.write(self._fd, rest[: self._room])
                self._written += count
                self._room -= count
                rest = rest[count:]

    def close(self) -> None:
        """Join head and end in one file. May be called twice."""
        if self._fd is None:
            return
        os.close(self._fd)
        self._fd = None
        with self._remembering():
            finish(self.path)

    def _begin_part(self) -> None:
        part = self.path.with_name(f"{self.path.name}.{self._half}.{self._written}")
        opened = _create(part)
        if self._fd is not None:
            os.close(self._fd)
        self._fd, self._room = opened, self._half
        self._parts.append(part)
        if len(self._parts) > 2:  # two parts always hold the last half between them
            self._parts.pop(0).unlink()

    @contextlib.contextmanager
    def _remembering(self) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            self.failure = self.failure or (os.strerror(err.errno) if err.errno else str(err))


def finish(path: Path) -> None:
    """Join the parts of a log whose writer has ended, however it did; then it is one file.

    Does nothing to a log that has no parts, and goes on where a killed `finish` stopped.

    Raises:
        OSError: the disk refuses; the parts are left as they were.
    """
    parts = _parts_of(path)
    if not parts:
        return
    if path.stat().st_size == parts[0].head:
        joined = path.with_name(f"{path.name}.joined")
        try:
            _join(path, parts, joined)
            joined.replace(path)
        except OSError:
            joined.unlink(missing_ok=True)
            raise
    for part in parts:
        part.path.unlink(missing_ok=True)


def shortened(content: bytes, limit: int) -> bytes:
    r"""Cut what is longer than *limit* in the middle, as a log that is written is.

    >>> shortened(b"abc\ndef\nghi\n", 8)
    b'abc\n\xe2\x80\xa6 4 bytes left out \xe2\x80\xa6\nghi\n'
    """
    half = limit // 2
    if len(content) <= limit:
        return content
    head, end = content[:half], content[-half:]
    return head + _gap_between(head, len(content) - 2 * half) + end


def _gap_between(head: bytes, count: int) -> bytes:
    newline = b"" if head.endswith(b"\n") else b"\n"
    return newline + f"… {count} bytes left out …\n".encode()


@dataclass(slots=True)
class LogReader:
    """Reads a log on and on while it is written: whatever is new at each call.

    What went out of its middle meanwhile is passed over, with a line that says how much.
    """

    path: Path
    at: int = 0

    def read(self) -> bytes:
        """Return what is new; nothing where there is no log yet.

        Raises:
            OSError: the disk refuses.
        """
        pieces: list[bytes] = []
        for start, place in self._places():
            with suppress(FileNotFoundError):  # it was joined, or went out of the middle, just now
                content = place.read_bytes()
                if start + len(content) <= self.at:
                    continue
                if start > self.at:
                    pieces.append(_gap_between(b"".join(pieces)[-1:], start - self.at))
                    self.at = start
                pieces.append(content[self.at - start :])
                self.at = start + len(content)
        return b"".join(pieces)

    def _places(self) -> list[tuple[int, Path]]:
        return [(0, self.path), *((part.start, part.path) for part in _parts_of(self.path))]


def mask(path: Path, texts: Sequence[str] = ()) -> None:
    """Mask the secrets in a finished log, *texts* too; one that holds none is not written again.

    Raises:
        OSError: the disk refuses; the log is as it was.
    """
    held = path.read_bytes()
    known = [text.encode("utf-8", "surrogateescape").decode("latin-1") for text in texts]
    masked = mask_texts(mask_text(held.decode("latin-1")), known).encode("latin-1")  # a byte a sign
    if masked != held:
        sibling = path.with_name(f"{path.name}.masked")
        try:
            sibling.write_bytes(masked)
            sibling.replace(path)
        finally:
            sibling.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, order=True)
class _Part:
    start: int
    head: int
    path: Path


def _parts_of(path: Path) -> list[_Part]:
    found = []
    for sibling in path.parent.iterdir() if path.parent.is_dir() else ():
        head, _, start = sibling.name.removeprefix(f"{path.name}.").partition(".")
        if sibling.name.startswith(f"{path.name}.") and head.isdecimal() and start.isdecimal():
            found.append(_Part(int(start), int(head), sibling))
    return sorted(found)


def _join(path: Path, parts: list[_Part], target: Path) -> None:
    first, last = parts[0], parts[-1]
    end = last.start + last.path.stat().st_size
    begin = max(first.start, end - first.head)
    with target.open("wb") as joined:
        _copy(path, 0, joined.fileno())
        if begin > first.head:
            os.write(joined.fileno(), _gap(path, begin - first.head))
        for part in parts:
            _copy(part.path, max(0, begin - part.start), joined.fileno())
        os.fsync(joined.fileno())


def _gap(path: Path, count: int) -> bytes:
    with path.open("rb") as head:
        head.seek(-1, os.SEEK_END)
        return _gap_between(head.read(1), count)


def _copy(source: Path, offset: int, target: int) -> None:
    with source.open("rb", buffering=0) as opened:
        opened.seek(offset)
        while chunk := memoryview(opened.read(_COPY)):
            while chunk:
                chunk = chunk[os.write(target, chunk) :]


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
