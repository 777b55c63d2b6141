"""Files are replaced whole, by any number of threads at once."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
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


@pytest.mark.parametrize("named", [{}, {"TMPDIR": "here"}, {"TMPDIR": "no", "TMP": "here"}])
def test_temporary_files_go_where_python_puts_them(tmp_path: Path, named: dict[str, str]) -> None:
    """The folder is the one that `tempfile` names, which takes long to load."""
    (tmp_path / "here").mkdir()
    environment = {key: str(tmp_path / name) for key, name in named.items()}
    program = (
        "import tempfile; from xvc.system.files import temporary_folder; "
        "print(temporary_folder(), tempfile.gettempdir())"
    )
    kept = {key: value for key, value in os.environ.items() if key not in ("TMPDIR", "TEMP", "TMP")}

    said = subprocess.run(
        [sys.executable, "-c", program],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=True,
    )

    ours, pythons = said.stdout.split()
    assert ours == pythons
