"""Objects, files and folders that a run keeps: assets. A row has the digest, a folder the bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from xvc.core.asset import Asset
from xvc.core.record import RecordKind
from xvc.errors import BadValue
from xvc.journal.codec import encode_value, to_json
from xvc.tracking.options import StrPath
from xvc.types import Json

if TYPE_CHECKING:
    from xvc.project import Project
    from xvc.system.asset_files import Assets
    from xvc.tracking.handle import RunHandle


class Stored:
    """Reading the assets of a store. Shared by Tracker and Reader."""

    _store: Path

    if TYPE_CHECKING:

        def _project(self) -> Project: ...
        def set_where(
            self, key: str, value: object, where_key: str, where_value: object
        ) -> None: ...

    @property
    def assets(self) -> Assets:
        """The folder of assets: its own `Assets.export` copies one without unpickling."""
        from xvc.system.asset_files import Assets  # late: most runs keep plain values only

        return Assets.beside(self._store)

    def get(self, digest: str) -> object:
        """Return an object that was logged, by its digest or the first eight letters, or more.

        **This unpickles, and unpickling runs code.** Its hash is verified first, so the bytes are
        those that were kept; whether to trust who kept them is for you to know. In a repository
        of somebody else's, `Tracker.assets.export` copies the bytes and runs nothing.

        Raises:
            NoAsset: it is not here.
            AmbiguousAsset: several digests begin so.
            AssetCorrupt: its bytes are not what they were; nothing was unpickled.
            NoPickle: it is a file or a folder.
        """
        return self.assets.load(digest)

    def remove_asset(
        self, digest: str, column: str | None = None, *, clear_references: bool = False
    ) -> None:
        """Delete an asset's bytes; its digest stays in the cells unless these are to be emptied.

        Versions that hold it go on holding it.

        Args:
            digest: its digest or the beginning of it.
            column: a key of this table whose cells that hold the digest are emptied.
            clear_references: whether all cells that hold it are, of every table.

        Raises:
            NoAsset: the store knows of no such asset.
            AmbiguousAsset: several begin so.
        """
        from xvc.database.delete_asset import delete_asset  # late: reading should not pay for it

        kept = delete_asset(self._project(), digest, clear=clear_references).asset.digest
        if column is not None and not clear_references:
            self.set_where(column, None, column, kept)


def keep_artifact(tracker: RunHandle, path: StrPath, name: str | None) -> str:
    """Keep a file or a folder as an asset of the tracker's run; see `Tracker.log_artifact`."""
    place, assets = Path(path), tracker.assets
    is_folder = place.is_dir()
    digest = assets.keep_folder(place) if is_folder else assets.keep_file(place)
    kind = "folder" if is_folder else "file"
    _note(tracker, digest, kind, name or place.name or place.resolve().name, place.suffix)
    return digest


def size_in_a_cell(key: str, value: object) -> int | None:
    """Count the bytes of a value in a row, with its key; None when only an asset can keep it.

    Raises:
        BadValue: it is a text that cannot be kept: too large, or with half a character in it.
    """
    try:
        return len(key) + len(to_json(cast("Json", encode_value(key, value)[1])))
    except BadValue:
        if isinstance(value, str):
            raise
        return None


def keep_object(tracker: RunHandle, key: str, value: object) -> str:
    """Keep a value of a row that can be kept in no other way; returns its digest.

    Raises:
        BadValue: it cannot be pickled either.
        AssetFailed: the disk refused.
    """
    digest, kind = _kept(tracker, key, value), type(value)
    _note(tracker, digest, "object", key, f"{kind.__module__}.{kind.__qualname__}")
    return digest


def _kept(tracker: RunHandle, key: str, value: object) -> str:
    try:
        return tracker.assets.keep(value)
    except BadValue as err:
        raise BadValue(key, f"cannot keep a {err.name}: it {err.reason}") from err


def _note(tracker: RunHandle, digest: str, kind: str, name: str, type_name: str) -> None:
    """Write down what was kept, once: the same object may be logged with every row."""
    if (digest, name) not in tracker._noted:
        asset = Asset(
            digest=digest, kind=kind, name=name, type=type_name, size=tracker.assets.size(digest)
        )
        tracker._journal.note(RecordKind.ASSET, tracker.track_id, asset.facts())
        tracker._noted.add((digest, name))
