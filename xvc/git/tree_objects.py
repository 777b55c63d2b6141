"""Trees as git keeps them: many at once, each object read a single time. Reads only."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xvc.git.commands import Git

_FOLDER = "40000"


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One name in a tree: a file, a link, a module or a folder."""

    mode: str
    name: str
    object: str

    @property
    def is_folder(self) -> bool:
        """Whether it is a tree of its own."""
        return self.mode == _FOLDER


def read_trees(git: Git, trees: Iterable[str]) -> dict[str, tuple[TreeEntry, ...]]:
    """Read trees and all below them, by their ids; one that is not in this clone is left out.

    One call of git for each level of folders, however many trees.
    """
    found: dict[str, tuple[TreeEntry, ...]] = {}
    waiting = {tree for tree in trees if tree}
    while waiting:
        answer = git.call("cat-file", "--batch", stdin="".join(f"{t}\n" for t in waiting).encode())
        fresh = _parsed(answer)
        found |= fresh
        below = {each.object for its in fresh.values() for each in its if each.is_folder}
        waiting = below - found.keys()
    return found


def _parsed(answer: bytes) -> dict[str, tuple[TreeEntry, ...]]:
    found: dict[str, tuple[TreeEntry, ...]] = {}
    at = 0
    while at < len(answer):
        end = answer.index(b"\n", at)
        parts = answer[at:end].split()
        at = end + 1
        if len(parts) != 3:  # missing
            continue
        size = int(parts[2])
        if parts[1] == b"tree":
            name = parts[0].decode()
            found[name] = tuple(_entries(answer[at : at + size], len(name) // 2))
        at += size + 1
    return found


def _entries(body: bytes, width: int) -> Iterator[TreeEntry]:
    at = 0
    while at < len(body):
        space = body.index(b" ", at)
        nul = body.index(b"\0", space)
        end = nul + 1 + width
        mode, name = body[at:space].decode(), os.fsdecode(body[space + 1 : nul])
        yield TreeEntry(mode, name, body[nul + 1 : end].hex())
        at = end
