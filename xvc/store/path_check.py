"""Refusing paths that cannot be a store, before anything is written beside them."""

from __future__ import annotations

from pathlib import Path

from xvc.errors import BusyError, NotAStore, StoreCorrupt, StoreFailed
from xvc.journal.layout import Room


def refuse_other_files(path: Path, room: Room) -> None:
    """Refuse a folder, and a file of another program; a store of xvc's passes, damaged or not.

    A file that has journals was a store once: what happened to it is for the fold to find out.

    Raises:
        NotAStore: *path* is something else; it was not touched.
        TooNew: a newer xvc made it.
    """
    if path.is_dir():
        raise NotAStore(str(path), "it is a folder")
    if room.folder.exists() or path.stat().st_size == 0:
        return
    from xvc.store import db  # late: an existing file without journals is rare

    try:
        with db.reading(path):
            pass
    except BusyError:
        return  # whoever has it open for writing opened it as a database
    except (StoreCorrupt, StoreFailed) as err:
        said = err.reason if isinstance(err, StoreCorrupt) else err.words
        raise NotAStore(str(path), f"it belongs to another program ({said})") from err
