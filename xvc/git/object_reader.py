"""Objects of a repository that name one another: one start of git reads them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

_AT_ONCE = 500  # names that fit into a pipe: git reads them all before it waits for us


@dataclass(frozen=True, slots=True)
class GitObject:
    """One object: its full name, its type as git says it, and its content."""

    name: str
    kind: str
    content: bytes


def read_objects(
    asks: IO[bytes] | None, answers: IO[bytes] | None, names: Sequence[str]
) -> Iterator[GitObject]:
    """Ask a running ``git cat-file --batch`` for objects; those that are not there are left out.

    Args:
        asks: what git reads names from.
        answers: what it writes objects to.
        names: the full ids.

    Raises:
        OSError: git has ended.
    """
    if asks is None or answers is None:
        raise AssertionError("both are pipes")
    for start in range(0, len(names), _AT_ONCE):
        part = names[start : start + _AT_ONCE]
        asks.write("".join(f"{name}\n" for name in part).encode())
        asks.flush()
        for _ in part:
            if (found := _next(answers)) is not None:
                yield found


def _next(answers: IO[bytes]) -> GitObject | None:
    words = answers.readline().split()
    if not words:
        raise BrokenPipeError
    if len(words) != 3 or not words[2].isdigit():
        return None  # it says which one is missing
    content = answers.read(int(words[2]) + 1)
    return GitObject(words[0].decode(), words[1].decode(), content[:-1])
