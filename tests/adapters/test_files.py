"""Files are replaced whole, by any number of threads at once."""

from __future__ import annotations

import resource
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from xvc.system.files import write_durably
from xvc.system.staging import Staging


def test_threads_write_one_file_at_once(tmp_path: Path) -> None:
    """Each write is whole, the last one stays, and nothing is left beside it."""
    file = tmp_path / "note"
    texts = [bytes([number]) * 10_000 for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: write_durably(file, text), texts))

    assert file.read_bytes() in texts
    assert list(tmp_path.iterdir()) == [file]


def test_a_full_disk_leaves_no_hidden_folder(tmp_path: Path) -> None:
    """Where not even the note of who writes fits, nothing is left, not a folder made for it."""
    before, held = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"), Staging(tmp_path / "new" / "file"):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, held)

    assert list(tmp_path.iterdir()) == []
