"""Hashing functions for the cache: 32 bytes that change with any code or value they use.

What it reaches is traced once (see `xvc.tracking.tracing`) and looked at again at every call: names
that lead elsewhere are followed anew, values that may change in place are encoded each time.
"""

from __future__ import annotations

from types import FunctionType

from xvc.system.distributions import Homes
from xvc.tracking.canonical import Encoder
from xvc.tracking.origins import home_of, is_code
from xvc.tracking.tracing import Moved, ReachedCode, Tracer, digest_of

_MANY = 1000
_KEPT = (FunctionType, type)  # a tuple, not a union: half a microsecond of every hit


class CodeKeys:
    """Identities of functions, kept as long as what they reach stays the same."""

    def __init__(self) -> None:
        self._known: dict[int, ReachedCode] = {}
        self._homes = Homes()

    def digest(self, function: object) -> bytes:
        """Return 32 bytes that change with the code of *function* and of what it calls.

        Raises:
            Unkeyable: it reaches what can be neither followed nor told by its content.
        """
        code = self._known.get(id(function))
        if code is not None and code.root is function and code.is_current():
            if not code.live:
                return code.digest
            try:
                return digest_of({"": code.digest, **code.contents()})
            except Moved:
                pass
        code = self._trace(function)
        return digest_of({"": code.digest, **code.contents()}) if code.live else code.digest

    def parts(self, function: object) -> dict[str, str]:
        """Return everything that the identity of *function* is made of: digests, and texts.

        Raises:
            Unkeyable: as of `digest`.
        """
        code = self._trace(function)
        found = {**code.parts, **code.contents()}
        return {
            name: part.hex()[:12] + (f"={code.texts[name]}" if name in code.texts else "")
            for name, part in found.items()
        }

    def encoder(self) -> Encoder:
        """Make an encoder to which a class, function or module is more than its name."""
        known: dict[int, bytes] = {}

        def part(code: object) -> bytes | None:
            found = known.get(id(code))
            if found is None:
                if not is_code(code) and home_of(code, self._homes) is None:
                    return None
                found = known[id(code)] = self.digest(code)
            return found

        return Encoder(part)

    def _trace(self, function: object) -> ReachedCode:
        code = Tracer(self._homes, function).walk()
        if isinstance(function, _KEPT):
            if len(self._known) >= _MANY:  # of functions made in a loop
                self._known.clear()
            self._known[id(function)] = code
        return code
