"""Objects, files and folders that a run keeps: assets. A row has the digest, a folder the bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.asset import Asset
from xvc.core.record import Kind
from xvc.errors import BadValue
from xvc.journal.codec import encode_value
from xvc.tracking.options import StrPath

if TYPE_CHECKING:
    from xvc.system.asset_files import Assets
    from xvc.tracking.handle import RunHandle


class Stored:
    """What a store's assets offer to whoever reads rows. Shared by Tracker and Reader."""

    _store: Path

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


def keep_artifact(tracker: RunHandle, path: StrPath, name: str | None) -> str:
    """Keep a file or a folder as an asset of the tracker's run; see `Tracker.log_artifact`."""
    place, assets = Path(path), tracker.assets
    is_folder = place.is_dir()
    digest = assets.keep_folder(place) if is_folder else assets.keep_file(place)
    kind = "folder" if is_folder else "file"
    _note(tracker, digest, kind, name or place.name or place.resolve().name, place.suffix)
    return digest


def keep_objects(tracker: RunHandle, row: Mapping[str, object]) -> dict[str, str]:
    """Keep each value of a row that can be kept in no other way; returns the digests by key.

    Raises:
        BadValue: a value cannot be pickled either; no row was written.
        AssetFailed: the disk refused.
    """
    objects = {key: value for key, value in row.items() if _is_object(key, value)}
    digests = {key: _kept(tracker, key, value) for key, value in objects.items()}
    for key, digest in digests.items():
        kind = type(objects[key])
        _note(tracker, digest, "object", key, f"{kind.__module__}.{kind.__qualname__}")
    return digests


def _is_object(key: object, value: object) -> bool:
    if not isinstance(key, str) or isinstance(value, str):
        return False  # a text that is refused holds half a character: that is a mistake
    try:
        encode_value(key, value)
    except BadValue:
        return True
    return False


def _kept(tracker: RunHandle, key: str, value: object) -> str:
    try:
        return tracker.assets.keep(value)
    except BadValue as err:
        raise BadValue(key, f"cannot keep a {err.name}: it {err.reason}") from err


def _note(tracker: RunHandle, digest: str, kind: str, name: str, type_name: str) -> None:
    """Write down what was kept, once: the same object may be logged with every row."""
    if (digest, name) not in tracker._noted:
        asset = Asset(digest, kind, name, type_name, tracker.assets.size(digest))
        tracker._journal.note(Kind.ASSET, tracker.track_id, asset.facts())
        tracker._noted.add((digest, name))
