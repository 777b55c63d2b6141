"""Texts in which no secret was found, remembered by what they say.

A text is known by a digest of all of it and of the rules: nothing is believed of a file's size or
times, and one other sign or one other rule makes another text. A memory that is damaged, lost or
overtaken by another process costs time only.
"""

from __future__ import annotations

import contextlib
from hashlib import blake2b
from pathlib import Path

from xvc.core.secret_shapes import SecretMatch, rules_digest, secrets_in
from xvc.system.files import beside

_DIGEST = 16  # bytes
_MOST = 30_000  # digests: half a megabyte, for as many small files or 30 GB of long ones


class CleanTexts:
    """Looks for secrets in texts, and in none again that had none.

    Args:
        place: the file that remembers; what cannot be read there is looked through.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._known = dict.fromkeys(_read(place))
        self._seen: dict[bytes, None] = {}

    def secrets_in(self, text: str) -> list[SecretMatch]:
        """Find the secrets of a text."""
        key = rules_digest()
        name = blake2b(text.encode(), digest_size=_DIGEST, key=key, usedforsecurity=False).digest()
        found = [] if name in self._known else secrets_in(text)
        if not found:
            self._seen[name] = None
        return found

    def save(self) -> None:
        """Remember what was seen last; where that cannot be written, the next look is as slow."""
        if self._seen.keys() <= self._known.keys():
            return
        others = [name for name in self._known if name not in self._seen]
        names = [*others, *self._seen][-_MOST:]
        with contextlib.suppress(OSError):
            self._place.parent.mkdir(parents=True, exist_ok=True)
            fresh = beside(self._place, "new")
            fresh.write_bytes(b"".join(names))
            fresh.replace(self._place)  # not synced: what a power cut takes is looked at again


def _read(place: Path) -> list[bytes]:
    try:
        held = place.read_bytes()
    except OSError:
        return []
    return [held[at : at + _DIGEST] for at in range(0, len(held), _DIGEST)]
