"""Assets: the sha256 of the bytes is the name, the name never lies, and one copy is enough."""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xvc.errors import AmbiguousAsset, AssetCorrupt, AssetFailed, BadValue, NoAsset, NoPickle
from xvc.system.asset_files import Assets
from xvc.system.pickling import dump

ARRAYS = st.tuples(
    st.sampled_from(["f8", "i4", "u1"]),
    st.sampled_from([0, 1, 100, 8_192, 65_536, 70_000]),
    st.booleans(),
)


class Trap:
    """Says so when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (eval, ("__import__('os').environ.__setitem__('TRAP', 'sprung')",))


@pytest.fixture
def assets(tmp_path: Path) -> Assets:
    return Assets(tmp_path / "assets")


def files(assets: Assets) -> list[Path]:
    return [path for path in assets.folder.rglob("*") if path.is_file()]


def test_the_name_is_the_hash_of_the_bytes(assets: Assets) -> None:
    """An object lies under the sha256 of its pickle, read-only, and any Python can read it."""
    digest = assets.keep({"a": [1, 2]})

    (file,) = files(assets)
    assert file == assets.folder / digest[:2] / digest
    assert hashlib.sha256(file.read_bytes()).hexdigest() == digest
    assert file.stat().st_mode & 0o777 == 0o444
    assert pickle.loads(file.read_bytes()) == {"a": [1, 2]}


def test_equal_objects_have_one_copy(assets: Assets) -> None:
    """The same bytes twice are one file."""
    digests = {assets.keep(np.arange(50_000)) for _ in range(3)}

    assert len(digests) == len(files(assets)) == 1


def test_what_only_cloudpickle_can_keep(assets: Assets) -> None:
    """A lambda and a class of the running script come back."""
    digest = assets.keep(lambda x: x + 1)

    load = assets.load(digest)
    assert callable(load)
    assert load(2) == 3


@settings(max_examples=60, deadline=None)
@given(
    shapes=st.lists(ARRAYS, max_size=4),
    rest=st.lists(st.text() | st.binary(max_size=80_000)),
    again=st.booleans(),
)
def test_any_mix_of_arrays_survives(
    shapes: list[tuple[str, int, bool]], rest: list[object], again: bool
) -> None:
    """Arrays of all sizes, read-only or not, among other things: what is read is what was kept."""
    arrays = [np.arange(size).astype(kind) for kind, size, _ in shapes]
    for array, (_, _, is_writable) in zip(arrays, shapes, strict=True):
        array.flags.writeable = is_writable
    value = [rest, arrays, arrays if again else None, list(range(30_000)), rest]
    out = io.BytesIO()

    dump(value, out.write)
    found = pickle.loads(out.getvalue())

    assert found[0] == rest
    assert found[0] is found[4]
    assert (found[2] is found[1]) is again
    for one, other in zip(found[1], arrays, strict=True):
        assert one.dtype == other.dtype
        assert one.flags.writeable == (other.flags.writeable)
        assert np.array_equal(one, other)


def test_a_large_array_is_not_copied(tmp_path: Path) -> None:
    """Keeping an array of 80 MB takes next to no memory beside it."""
    program = """
import resource, sys
import cloudpickle, numpy
from pathlib import Path
from xvc.system.asset_files import Assets
model = {"weights": numpy.random.default_rng(0).random(10_000_000), "bias": [1.0]}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
digest = Assets(Path(sys.argv[1])).keep(model)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    words = [sys.executable, "-c", program, str(tmp_path / "assets")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    grown = int(done.stdout) * (1 if sys.platform == "darwin" else 1024)

    assert grown < 20_000_000


def test_rotten_bytes_are_never_unpickled(assets: Assets) -> None:
    """A pickle that was put in the place of another is refused before any of it runs."""
    digest = assets.keep([1])
    file = assets.path(digest)
    file.chmod(0o644)
    file.write_bytes(pickle.dumps(Trap()))

    with pytest.raises(AssetCorrupt) as refused:
        assets.load(digest)
    assert refused.value.digest == digest
    assert "TRAP" not in os.environ
    with pytest.raises(AssetCorrupt):
        assets.export(digest, assets.folder.parent / "out")
    assert not (assets.folder.parent / "out").exists()


def test_rot_is_mended_by_the_same_object(assets: Assets) -> None:
    """Keeping an equal object puts good bytes in place of rotten ones."""
    digest = assets.keep([1])
    assets.path(digest).chmod(0o644)
    assets.path(digest).write_bytes(b"rot")
    assets.keep([1])

    assert assets.load(digest) == [1]


def test_a_prefix_is_enough(assets: Assets, tmp_path: Path) -> None:
    """Eight letters name an asset; fewer, other text and what is not there do not."""
    digest = assets.keep("x")

    assert assets.path(digest[:8]) == assets.path(digest) == assets.path(digest.upper())
    for text in (digest[:7], "", "../../etc", "*" * 8, "0" * 64, digest + "0"):
        with pytest.raises(NoAsset):
            assets.path(text)
    twin = digest[:10] + "0" * 54
    assets.path(digest).with_name(twin).write_bytes(b"")
    with pytest.raises(AmbiguousAsset) as refused:
        assets.path(digest[:8])
    assert set(refused.value.candidates) == {digest, twin}


def test_what_cannot_be_pickled_leaves_nothing(assets: Assets) -> None:
    """A lock is refused by its type, also behind a large array, and no file remains."""
    for value in (threading.Lock(), [np.zeros(100_000), threading.Lock()], (x for x in "ab")):
        with pytest.raises(BadValue) as refused:
            assets.keep(value)
        assert "cannot be pickled" in str(refused.value)

    assert files(assets) == []


def test_a_file_and_a_folder(assets: Assets, tmp_path: Path) -> None:
    """A folder's files are kept once each and come back with their names and their execute bit."""
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"weights")
    (folder / "deep" / "b ü.bin").write_bytes(b"weights")
    (folder / "go.sh").write_text("#!/bin/sh\n")
    (folder / "go.sh").chmod(0o755)
    one = assets.keep_file(folder / "a.bin")
    digest = assets.keep_folder(folder)
    assets.export(digest, tmp_path / "out")

    assert one == hashlib.sha256(b"weights").hexdigest()
    assert len(files(assets)) == 3
    assert assets.size(digest) == 24
    found = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")}
    assert found == {"a.bin", "deep/b ü.bin", "go.sh"}
    assert os.access(tmp_path / "out" / "go.sh", os.X_OK)
    assert not os.access(tmp_path / "out" / "a.bin", os.X_OK)
    for each in (one, digest):
        with pytest.raises(NoPickle):
            assets.load(each)


def test_what_is_no_file(assets: Assets, tmp_path: Path) -> None:
    """A missing file, and a pipe or a dangling link in a folder, are refused by name."""
    folder = tmp_path / "odd"
    folder.mkdir()
    os.mkfifo(folder / "pipe")

    for call in (lambda: assets.keep_file(tmp_path / "no"), lambda: assets.keep_folder(folder)):
        with pytest.raises(BadValue):
            call()
    (folder / "pipe").unlink()
    (folder / "link").symlink_to(tmp_path / "no")
    with pytest.raises(BadValue, match="link"):
        assets.keep_folder(folder)


@pytest.mark.parametrize("path", ["../evil", "/tmp/evil", "a/../../evil"])
def test_a_list_that_leads_outside(assets: Assets, tmp_path: Path, path: str) -> None:
    """A forged list of a folder cannot write outside the target."""
    digest = assets.keep("x")
    forged = tmp_path / "forged"
    forged.write_text(f'{{"xvc folder": [["{path}", "{digest}", 1, false]]}}')
    listing = assets.keep_file(forged)

    with pytest.raises(BadValue, match="leads out"):
        assets.export(listing, tmp_path / "target" / "here")
    assert not list(tmp_path.rglob("evil"))


def test_what_a_killed_writer_left_goes(assets: Assets) -> None:
    """Half an asset of a dead process is removed by the next; that of a living one stays."""
    program = """
import sys, time
from pathlib import Path
from xvc.system.asset_files import Assets

class Slow:
    def __reduce__(self):
        print("writing", flush=True)
        time.sleep(60)

Assets(Path(sys.argv[1])).keep([b"x" * 1_000_000, Slow()])
"""
    words = [sys.executable, "-c", program, str(assets.folder)]
    writers = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
    assert len(files(assets)) == 2
    writers[0].kill()
    writers[0].wait()
    digest = assets.keep("mine")

    try:
        left = [path for path in files(assets) if path.name != digest]
        assert len(left) == 1
        assert assets.all().keys() == {digest}
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    assets.clear()
    assert files(assets) == [assets.path(digest)]


def _keep_until_killed(folder: str) -> None:
    assets, rng = Assets(Path(folder)), np.random.default_rng(os.getpid())
    while True:
        assets.keep(rng.random(200_000))
        assets.keep(np.arange(100_000))


def test_a_kill_never_leaves_half_an_asset(assets: Assets) -> None:
    """Writers killed at any moment: every name that exists is the hash of its bytes."""
    context = multiprocessing.get_context("fork")
    for number in range(12):
        writer = context.Process(target=_keep_until_killed, args=(str(assets.folder),))
        writer.start()
        time.sleep(0.02 + 0.013 * number)
        writer.kill()
        writer.join()

    held = assets.all()
    assert held
    for digest, path in held.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    assets.clear()
    assert {path.name for path in files(assets)} == held.keys()


def _keep_shared(folder: str) -> str:
    assets = Assets(Path(folder))
    return [assets.keep(np.full(20_000, number % 3)) for number in range(6)][-1]


def test_many_processes_keep_the_same_objects(assets: Assets) -> None:
    """Four processes that keep the same three arrays at once leave three files, all sound."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        pool.map(_keep_shared, [str(assets.folder)] * 4)

    assert len(files(assets)) == 3
    for digest in assets.all():
        assert assets.verify(digest).name == digest


def test_a_full_disk(assets: Assets) -> None:
    """Where no more can be written the error says so, nothing is half kept, and later it works."""
    digest = assets.keep("before")
    program = """
import resource, signal, sys
from pathlib import Path
from xvc.system.asset_files import Assets
from xvc.errors import AssetFailed
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
try:
    Assets(Path(sys.argv[1])).keep([b"x" * 400_000, b"y" * 400_000])
except AssetFailed as err:
    print(err.reason)
"""
    words = [sys.executable, "-c", program, str(assets.folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)

    assert done.stdout == "File too large\n"
    assert files(assets) == [assets.path(digest)]
    assert assets.load(assets.keep("after")) == "after"


def test_no_right_to_write(tmp_path: Path) -> None:
    """A place that cannot be a folder is named in the error."""
    (tmp_path / "assets").write_text("a file")

    with pytest.raises(AssetFailed) as refused:
        Assets(tmp_path / "assets").keep(1j)
    assert refused.value.path == str(tmp_path / "assets")
