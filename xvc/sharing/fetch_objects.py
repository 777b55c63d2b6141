"""Fetching from the DVC remote the objects that the cache lacks.

With everything in the cache no remote is opened, so none has to be set up or within reach.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from xvc.dvc.outputs import object_of
from xvc.dvc.remote import NoRemote, Remote
from xvc.dvc.repository import Dvc

_AT_ONCE = 1000

Notify = Callable[[str], None]
"""Hears how far long work is."""


@dataclass(slots=True)
class ObjectFetch:
    """What was looked for, what came (objects and bytes), and what is on no remote that was asked.

    The usual remote is asked first, then those that pointers name for themselves (`elsewhere`).
    `coming` is the text of DVC's settings that are about to be the tree's: they are asked before.
    """

    dvc: Dvc
    name: str | None
    notify: Notify
    needed: int = 0
    size: int = 0
    brought: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    opened: Remote | None = None
    elsewhere: Callable[[], Iterable[str]] = tuple[str]
    coming: str | None = None

    @property
    def objects(self) -> int:
        """How many objects came."""
        return len(self.brought)

    def bring_lists(self, digests: Collection[str]) -> None:
        """Bring the lists of folders, as far as the remote has them.

        Raises:
            RemoteCorrupt: one is not what its name says.
            DvcFailed: the remote refused.
        """
        for remote, part in self._found(digests):
            self._bring(remote, part)

    def bring(self, digests: Iterable[str]) -> None:
        """Fetch what the cache lacks; what no remote has is `lost`.

        Raises:
            RemoteCorrupt: one is not what its name says.
            DvcFailed: the remote refused.
        """
        wanted = set(digests)
        self.needed = len(wanted | self.brought)  # lists of folders were needed, too
        missing = {digest for digest in wanted if not object_of(self.dvc, digest).is_file()}
        if missing:
            found = self._found(missing)
            self.lost = missing.difference(*(part for _, part in found))
            for remote, part in found:
                self._bring(remote, part)

    def _found(self, digests: Collection[str]) -> list[tuple[Remote, list[str]]]:
        """Say which remote has which of the objects; each once."""
        left, found = set(digests), list[tuple[Remote, list[str]]]()
        for remote in self._remotes():
            self.asked.append(remote.name)
            there = left & set(remote.entries(left))
            if there:
                found.append((remote, sorted(there)))
                left -= there
            if not left:
                break
        return found

    def _remotes(self) -> Iterator[Remote]:
        """Open the usual remote, then each that a pointer names, each when it is asked for."""
        names = sorted(set(self.elsewhere()))
        usual = self._usual(is_needed=not names or self.name is not None)
        self.opened = usual[0] if usual else None
        yield from usual
        for name in names:
            if all(name != remote.name for remote in usual):
                try:
                    other = self._named(name)
                except NoRemote as err:
                    self.warnings.append(f"a pointer names DVC remote {name}, but {err}")
                else:
                    yield other

    def _usual(self, *, is_needed: bool) -> list[Remote]:
        """Open the usual remote, by the settings to come and by those of now."""
        found, refusal = list[Remote](), None
        for said in (self.coming, None) if self.coming is not None else (None,):
            try:
                found.append(Remote.open(self.dvc, self.name, said, notify=self.notify))
            except NoRemote as err:
                refusal = err
        if not found and is_needed and refusal is not None:
            raise refusal
        return found

    def _named(self, name: str) -> Remote:
        try:
            return Remote.open(self.dvc, name, self.coming, notify=self.notify)
        except NoRemote:
            return Remote.open(self.dvc, name, notify=self.notify)

    def _bring(self, remote: Remote, digests: list[str]) -> None:
        for start in range(0, len(digests), _AT_ONCE):
            part = digests[start : start + _AT_ONCE]
            self.size += remote.bring(part)
            self.brought.update(part)
            done = f"{start + len(part)} of {len(digests)}"
            self.notify(f"brought {done} objects from {remote.name}")
