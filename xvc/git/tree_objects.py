"""Trees as git keeps them: many at once, each object read a single time. Reads only."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xvc.git.commands import Git
from xvc.git.object_reader import GitObject

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
    """Read trees and all below them, by their ids; one that is not in this clone is left out."""
    found: dict[str, tuple[TreeEntry, ...]] = {}

    def below(tree: GitObject) -> Iterator[str]:
        return (each.object for each in found.get(tree.name, ()) if each.is_folder)

    for each in git.read_with_below((tree for tree in trees if tree), below):
        if each.kind == "tree":
            found[each.name] = tuple(_entries(each.content, len(each.name) // 2))
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
