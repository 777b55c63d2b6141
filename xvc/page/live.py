"""When something was written: a look at journals, stores and refs, a few times a second.

One thread looks, by `stat` alone, and only while somebody listens. It opens no store and reads no
file; what changed is told as a word, and whoever listens asks for the rest.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

EVERY = 0.1  # seconds between two looks: one takes some 170 µs, so two thousandths of a core
_ALIVE = 20.0  # seconds after which a silent connection says that it is there

Stamp = tuple[tuple[str, int, int], ...]
Look = Callable[[], dict[str, Stamp]]


def stamp(*paths: Path) -> Stamp:
    """Note size and time of files, and of what lies directly in folders."""
    found: list[tuple[str, int, int]] = []
    for path in paths:
        with suppress(OSError):
            facts = path.stat()
            found.append((str(path), facts.st_size, facts.st_mtime_ns))
            if path.is_dir():
                found += sorted(_of(entry) for entry in os.scandir(path))
    return tuple(found)


def _of(entry: os.DirEntry[str]) -> tuple[str, int, int]:
    try:
        facts = entry.stat(follow_symlinks=False)
    except OSError:  # it went between the list and the look
        return (entry.name, 0, 0)
    return (entry.name, facts.st_size, facts.st_mtime_ns)


class Watcher:
    """Looks while anybody listens, and tells all who do which kinds of thing have changed."""

    def __init__(self, look: Look, *, every: float = EVERY) -> None:
        self._look, self._every = look, every
        self._lock = threading.Lock()
        self._listeners: dict[asyncio.Queue[str], asyncio.AbstractEventLoop] = {}
        self._wanted = threading.Event()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    async def events(self) -> AsyncIterator[str]:
        """Yield the names of what changed, with spaces between; an empty text means: still here."""
        queue: asyncio.Queue[str] = asyncio.Queue(maxsize=16)
        self._join(queue, asyncio.get_running_loop())
        try:
            while not self._over.is_set():
                try:
                    yield await asyncio.wait_for(queue.get(), _ALIVE)
                except TimeoutError:
                    yield ""
        finally:
            self._leave(queue)

    def stop(self) -> None:
        """End the thread and let all listeners go."""
        self._over.set()
        self._wanted.set()
        self._tell("")

    def _join(self, queue: asyncio.Queue[str], loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            self._listeners[queue] = loop
            self._wanted.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="xvc-watch", daemon=True)
                self._thread.start()

    def _leave(self, queue: asyncio.Queue[str]) -> None:
        with self._lock:
            self._listeners.pop(queue, None)
            if not self._listeners and not self._over.is_set():
                self._wanted.clear()

    def _run(self) -> None:
        before = self._look()
        while not self._over.wait(self._every):
            self._wanted.wait()
            now = self._look()
            changed = [name for name in now if now[name] != before.get(name)]
            before = now
            if changed:
                self._tell(" ".join(changed))

    def _tell(self, what: str) -> None:
        with self._lock:
            held = list(self._listeners.items())
        for queue, loop in held:
            with suppress(RuntimeError):  # its loop has ended
                loop.call_soon_threadsafe(_offer, queue, what)


def _offer(queue: asyncio.Queue[str], what: str) -> None:
    with suppress(asyncio.QueueFull):  # whoever is that slow asks for everything anyway
        queue.put_nowait(what)
