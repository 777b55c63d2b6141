"""The words of a command line that bash hands over for completion, put together again.

bash parts words at colons, so that ``best:lo`` comes as three; and it wants back only what follows
the last colon.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager, redirect_stdout

from xvc.core.late_pattern import late

WORDS, PLACE, ASKED = "COMP_WORDS", "COMP_CWORD", "_XVC_COMPLETE"
_PARTED = late(r"(?<=\s)(best|worst|worktree|model) :(?: (\S+)|(?=$))")


def whole_words(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a completion by bash as they are without its parting at colons.

    >>> whole_words({ASKED: "complete_bash", WORDS: "xvc show best : lo", PLACE: "4"})
    {'COMP_WORDS': 'xvc show best:lo', 'COMP_CWORD': '2'}
    """
    words, place = environ.get(WORDS, ""), environ.get(PLACE, "")
    if environ.get(ASKED) != "complete_bash" or not place.isdecimal():
        return {}
    parts = sum(1 + (found[2] is not None) for found in _PARTED.finditer(words))
    whole = _PARTED.sub(lambda found: f"{found[1]}:{found[2] or ''}", words)
    return {WORDS: whole, PLACE: str(int(place) - parts)} if parts else {}


@contextmanager
def bash_words(environ: MutableMapping[str, str]) -> Iterator[None]:
    """Complete the words as they were typed, and print what bash puts behind the last colon."""
    whole = whole_words(environ)
    if not whole:
        yield
        return
    environ.update(whole)
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            yield
    finally:
        last = whole[WORDS].split()[-1]
        start = last[: last.rfind(":") + 1] if not whole[WORDS].endswith(" ") else ""
        for name in said.getvalue().splitlines():
            print(name.removeprefix(start))  # noqa: T201 - the answer to the shell
