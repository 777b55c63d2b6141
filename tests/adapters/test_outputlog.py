"""The log of an output has a beginning, an end and a limit, whatever happens to its writer."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.system.output_log import OutputLog, finish


def expected(stream: bytes, half: int) -> bytes:
    """What a log shall hold, said in the simplest way."""
    missing = len(stream) - 2 * half
    if missing <= 0:
        return stream
    newline = b"" if stream[:half].endswith(b"\n") else b"\n"
    return stream[:half] + newline + f"… {missing} bytes left out …\n".encode() + stream[-half:]


def written(path: Path, limit: int, *chunks: bytes) -> OutputLog:
    log = OutputLog(path, limit)
    for chunk in chunks:
        log.write(chunk)
    return log


@given(
    chunks=st.lists(st.binary(max_size=40) | st.just(b"line\n"), max_size=30),
    limit=st.integers(min_value=2, max_value=120),
)
def test_a_log_keeps_head_and_end(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes], limit: int
) -> None:
    """However the output is cut, its first and last half of the limit are kept, and no more."""
    folder = tmp_path_factory.mktemp("log")
    log = written(folder / "out.log", limit, *chunks)
    log.close()

    assert (folder / "out.log").read_bytes() == expected(b"".join(chunks), limit // 2)
    assert (os.listdir(folder), log.failure) == (["out.log"], None)


@given(st.integers(min_value=0, max_value=300), st.integers(min_value=2, max_value=60))
def test_a_killed_writer_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, length: int, limit: int
) -> None:
    """A log that was never closed is joined by whoever comes next, to what it would have been."""
    path = tmp_path_factory.mktemp("log") / "out.log"
    stream = bytes(97 + number % 26 for number in range(length))
    log = written(path, limit, *(stream[at : at + 7] for at in range(0, length, 7)))
    finish(path)
    kept = path.read_bytes()
    finish(path)

    assert (kept, path.read_bytes()) == (expected(stream, limit // 2),) * 2
    assert log.failure is None


def test_every_byte_is_on_disk_when_write_returns(tmp_path: Path) -> None:
    """A SIGKILL right after a write loses none of what was written."""
    path = tmp_path / "out.log"
    code = (
        "import os, sys, signal; from pathlib import Path\n"
        "from xvc.system.output_log import OutputLog\n"
        "log = OutputLog(Path(sys.argv[1]), 100)\n"
        "for number in range(100): log.write(b'%03d\\n' % number)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", code, path], env=environment, check=False)
    finish(path)

    stream = b"".join(b"%03d\n" % number for number in range(100))
    assert ended.returncode == -signal.SIGKILL
    assert path.read_bytes() == expected(stream, 50)


def test_a_join_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    """Killed after the joined file took its place, `finish` only clears the parts away."""
    log = written(tmp_path / "out.log", 10, b"0123456789" * 5)
    parts = {part: part.read_bytes() for part in tmp_path.glob("out.log.*")}
    log.close()
    for part, content in parts.items():
        part.write_bytes(content)
    (tmp_path / "out.log.joined").write_bytes(b"half of")
    before = log.path.read_bytes()
    finish(log.path)

    assert parts
    assert log.path.read_bytes() == before == expected(b"0123456789" * 5, 5)
    assert not [part for part in parts if part.exists()]


def test_a_log_on_disk_stays_within_bounds(tmp_path: Path) -> None:
    """While a long run writes, head and parts together never pass one and a half limits."""
    log = OutputLog(tmp_path / "out.log", 1000)
    sizes = []
    for _ in range(500):
        log.write(b"x" * 97)
        sizes.append(sum(part.stat().st_size for part in tmp_path.iterdir()))
    log.close()

    assert max(sizes) <= 1500


def test_a_full_disk_is_remembered_and_not_raised(tmp_path: Path) -> None:
    """When the disk takes no more, the log says so, keeps what it has, and the run goes on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        log = written(tmp_path / "out.log", 1000, b"x" * 8, b"y" * 8, b"z" * 8)
        log.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)

    assert log.failure == "File too large"
    assert log.path.read_bytes() == b"x" * 8 + b"y" * 2


def test_a_place_that_cannot_be_is_remembered(tmp_path: Path) -> None:
    """A log that cannot even begin takes every write and says why nothing is there."""
    (tmp_path / "file").write_text("")
    log = written(tmp_path / "file" / "out.log", 100, b"text")
    log.close()

    assert log.failure in ("Not a directory", "File exists")


def test_a_log_that_is_there_is_never_written_again(tmp_path: Path) -> None:
    """Two writers of one name are a mistake: the second keeps nothing, the first everything."""
    first = written(tmp_path / "out.log", 100, b"first")
    second = written(tmp_path / "out.log", 100, b"second")
    second.close()
    first.close()

    assert first.path.read_bytes() == b"first"
    assert second.failure == "File exists"
