"""What commits need of DVC's objects: all that their pointers name, folders file by file.

Reads only, except that a folder's list that is not here may be brought.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping

from xvc.dvc.commit_outputs import Pointers
from xvc.dvc.outputs import digests_of, note_old, object_of
from xvc.dvc.pointers import Out
from xvc.dvc.repository import Dvc
from xvc.errors import BadListing

_FOLDER = ".dir"

Needs = dict[str, str]
"""Digests, each with a path of the tree that it is at."""


def needs_of(
    dvc: Dvc,
    pointers: Pointers,
    refs: Mapping[str, str],
    bring: Callable[[Collection[str]], object],
    wants: Callable[[str, Out], bool] = lambda ref, out: True,
    notify: Callable[[BadListing], None] | None = None,
) -> dict[str, Needs]:
    """Map each ref to what its commit needs.

    Of a folder whose list cannot be had only the list is needed: its files are unknown.

    Args:
        dvc: whose cache.
        pointers: reads them.
        refs: names, and the object that each is to be taken at.
        bring: gets the lists of folders that are not in the cache, if it can.
        wants: chooses among the outputs of a ref.
        notify: hears of lists that name files outside their folder: then these stop nothing.

    Raises:
        UnreadableAt: a pointer cannot be read.
        ObjectCorrupt: a folder's list has rotted in the cache.
        BadListing: one names a file outside the folder, and nobody hears of it.
    """
    outs = pointers.outs_of(refs.values())
    for each in outs.values():
        for out in each:
            note_old(dvc, out)
    chosen = {ref: [out for out in outs[at] if wants(ref, out)] for ref, at in refs.items()}
    lists = {str(out.digest) for each in outs.values() for out in each if _is_away(dvc, out)}
    if lists:
        bring(sorted(lists))  # of what nobody wants, too: they are small, and `xvc gc` reads them
    known: dict[tuple[str, str], Needs] = {}
    return {ref: _joined(dvc, each, known, notify) for ref, each in chosen.items()}


def remotes_of(outs: Iterable[Out]) -> set[str]:
    """Name the DVC remotes that outputs go to instead of the usual one."""
    return {out.remote for out in outs if out.remote is not None}


def sources_of(dvc: Dvc, outs: Collection[Out]) -> dict[str, str]:
    """Map what imports name to the commands by which DVC brings it from its source."""
    found: dict[str, str] = {}
    for out in outs:
        with contextlib.suppress(BadListing):  # told of already
            found |= dict.fromkeys(expanded(dvc, out) if out.source else (), out.source)
    return found


def imported(path: str, source: str) -> str:
    """Say of an import that is on no remote what brings it."""
    return f"{path} is imported, and not on the DVC remote: `{source}` brings it from its source"


def _is_away(dvc: Dvc, out: Out) -> bool:
    return out.digest.endswith(_FOLDER) and not object_of(dvc, out.digest).is_file()


def _joined(
    dvc: Dvc,
    outs: Iterable[Out],
    known: dict[tuple[str, str], Needs],
    notify: Callable[[BadListing], None] | None,
) -> Needs:
    found: Needs = {}
    for out in outs:
        key = (out.digest, out.path)
        if key not in known:
            try:
                known[key] = expanded(dvc, out)
            except BadListing as err:
                if notify is None:
                    raise
                notify(err)
                known[key] = {str(out.digest): out.path}
        found |= known[key]
    return found


def expanded(dvc: Dvc, out: Out) -> Needs:
    """List an output and, for a folder whose list is here, every file in it.

    Raises:
        ObjectCorrupt: the folder's list has rotted in the cache.
        BadListing: it names a file outside the folder.
    """
    found = {str(out.digest): out.path}
    note_old(dvc, out)
    if out.digest.endswith(_FOLDER) and not _is_away(dvc, out):
        found |= {digest: path for path, digest in digests_of(dvc, out).items()}
    return found
