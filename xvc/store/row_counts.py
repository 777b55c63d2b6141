"""How many rows files of tables have, as DuckDB reads them. Reads only, and ends in time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from threading import Timer

from xvc.core.table_merge import NotParquet
from xvc.store.db import on_files, reading_file
from xvc.store.file_names import file_name
from xvc.store.schema import literal

_READERS = {
    ".csv": "read_csv({path}, compression = '{packed}')",
    ".tsv": "read_csv({path}, compression = '{packed}')",
    ".jsonl": "read_ndjson_objects({path}, compression = '{packed}')",
    ".ndjson": "read_ndjson_objects({path}, compression = '{packed}')",
    ".parquet": "read_parquet({path})",
}
_PACKED = ".gz"
_MEMORY = "400MB"


def is_table(name: str) -> bool:
    """Whether rows can be counted in a file of that name.

    >>> is_table("a/train.csv"), is_table("train.jsonl.gz"), is_table("photo.png")
    (True, True, False)
    """
    return Path(name.lower().removesuffix(_PACKED)).suffix in _READERS


def row_counts(files: Mapping[str, Path], scratch: Path, seconds: float) -> dict[str, int]:
    """Count the rows of files, by their names, which say what they are; they may lie anywhere.

    A file that DuckDB cannot read has no count, nor has one whose turn did not come in *seconds*.

    Raises:
        TablesFailed: DuckDB could not begin.
    """
    found: dict[str, int] = {}
    end = time.monotonic() + seconds
    with on_files(scratch, scratch, _MEMORY) as connection:
        for name, path in files.items():
            if (left := end - time.monotonic()) <= 0:
                break
            watch = Timer(left, connection.interrupt)
            watch.start()
            try:
                with reading_file(path):
                    counted = connection.execute(f"SELECT count(*) FROM {_reader(name, path)}")
                    found[name] = (counted.fetchone() or (0,))[0]
            except NotParquet:
                continue
            finally:
                watch.cancel()
    return found


def _reader(name: str, path: Path) -> str:
    kind = name.lower()
    packed = "gzip" if kind.endswith(_PACKED) else "none"
    form = _READERS[Path(kind.removesuffix(_PACKED)).suffix]
    return form.format(path=literal(file_name(path)), packed=packed)
