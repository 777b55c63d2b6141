"""Files are replaced whole, by any number of threads at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from xvc.system.files import write_durably


def test_threads_write_one_file_at_once(tmp_path: Path) -> None:
    """Each write is whole, the last one stays, and nothing is left beside it."""
    file = tmp_path / "note"
    texts = [bytes([number]) * 10_000 for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: write_durably(file, text), texts))

    assert file.read_bytes() in texts
    assert list(tmp_path.iterdir()) == [file]
