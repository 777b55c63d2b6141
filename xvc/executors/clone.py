"""A clone of a sent commit on the machine that runs trials: made, lent to one job at a time, read.

Clones lie in a folder of this user's, by what was sent, and share one DVC cache; as many are made
as jobs run at once. Before each job a clone is as it was sent, its journals empty: what a job that
was lost left there was reported as lost, and is not counted beside the attempt that replaces it.
Files that a job has left, ignored or not, are removed; a clone whose files it has changed is made
anew, its data from the cache.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from xvc.core.job import Job
from xvc.core.record import Control, RecordKind
from xvc.dvc.fetch import pull
from xvc.dvc.local_config import settle_away
from xvc.dvc.outputs import digests_of, object_of
from xvc.dvc.pointers import SUFFIX, Out, tracked_outs
from xvc.dvc.repository import Dvc, pointer_of
from xvc.errors import DvcFailed
from xvc.executors.child import run
from xvc.executors.clone_state import clean, save_state
from xvc.executors.shipping import SENT, Brought, JobOutcome, Parcel
from xvc.git.commands import Git, RepositoryPaths
from xvc.git.snapshot import RUNS, USAGE
from xvc.journal.fallback_dir import is_ours
from xvc.journal.layout import Room
from xvc.journal.reader import ReadPosition, read_new
from xvc.system.files import add_line, make_folder
from xvc.types import Digest, Json

_MOST_OUTPUT = 1 << 20  # bytes of each end; the run's own log, which has more, comes back as well
_KILLED = 128


def run_away(
    parcel: Parcel, job: Job, environment: Mapping[str, str], is_stopped: Callable[[], bool]
) -> JobOutcome:
    """Run a job in a clone and bring everything that it recorded.

    Args:
        parcel: the code, and the way to the data.
        job: its folder and interpreter are translated from those at home.
        environment: of this machine; that of the job is added.
        is_stopped: see `child.run`.

    Raises:
        GitFailed: the clone cannot be made.
        DvcFailed: the data cannot be had.
        OSError: the disk refused.
    """
    with lent(parcel, environment) as (clone, lock):
        clone.make_clean()
        folder = clone.top / Path(job.folder).relative_to(parcel.top)
        words = tuple(_translated(job.command, parcel.python))
        whole = {**environment, **job.environment}
        with tempfile.TemporaryFile(dir=clone.room.folder.parent) as output:
            code = run(words, str(folder), whole, cast("BinaryIO", output), is_stopped, lock)
            said = ends_of(cast("BinaryIO", output))
        if code > _KILLED:
            clone.reap()
        return JobOutcome(code, said, brought=clone.brought())


def _translated(command: tuple[str, ...], python: str) -> Iterator[str]:
    first, *rest = command
    if Path(first).name == "xvc":
        yield from (sys.executable, "-m", "xvc")
    else:
        yield sys.executable if first == python else first
    yield from (sys.executable if word == python else word for word in rest)


def ends_of(output: BinaryIO) -> bytes:
    """Read a file: all of it, or its beginning and its end when it is large."""
    size = output.seek(0, os.SEEK_END)
    output.seek(0)
    if size <= 2 * _MOST_OUTPUT:
        return output.read()
    head = output.read(_MOST_OUTPUT)
    output.seek(-_MOST_OUTPUT, os.SEEK_END)
    return b"%s\n... %d bytes left out ...\n%s" % (head, size - 2 * _MOST_OUTPUT, output.read())


@contextmanager
def lent(parcel: Parcel, environment: Mapping[str, str]) -> Iterator[tuple[Clone, int]]:
    """Lend the first clone that no job uses; make it when it is missing or half made.

    The descriptor holds its lock; a child that gets it keeps the clone when we are killed first.
    """
    home = home_of(parcel)
    number = 0
    while (descriptor := _claimed(home / f"{number}.lock")) is None:
        number += 1
    try:
        clone = Clone(parcel, home / str(number), home, environment)
        yield clone, descriptor
    finally:
        os.close(descriptor)


def _claimed(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def home_of(parcel: Parcel) -> Path:
    """Name the folder of a parcel's clones, and make it, for this user only.

    Raises:
        PermissionError: the name is somebody else's.
    """
    base = Path(parcel.scratch or tempfile.gettempdir()) / f"xvc-away-{os.getuid()}"
    for folder in (base, base / parcel.name):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_ours(folder):
            raise PermissionError(f"{folder} belongs to another user")
    return base / parcel.name


def forget(parcel: Parcel) -> None:
    """Remove the clones of a parcel, unless one is in use."""
    home = home_of(parcel)
    with ExitStack() as held:
        for path in sorted(home.glob("*.lock")):
            descriptor = _claimed(path)
            if descriptor is None:
                return
            held.callback(os.close, descriptor)
        shutil.rmtree(home, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Clone:
    """One clone, lent to one job: its folder, and the one where those of its parcel lie."""

    parcel: Parcel
    top: Path
    home: Path
    environment: Mapping[str, str]

    @property
    def git(self) -> Git:
        """Its repository."""
        return self._git_at(self.top)

    @property
    def room(self) -> Room:
        """The private folder of xvc in it."""
        return Room(self.top / ".git" / "xvc")

    def _git_at(self, top: Path) -> Git:
        return Git(RepositoryPaths(top, top / ".git", top / ".git"), self.environment)

    def make(self) -> None:
        """Make it, under another name until it is whole."""
        fresh = self.home / f"{self.top.name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        git, commit = self._git_at(fresh), self.parcel.commit
        git.call("init", "-q")
        file = fresh / ".git" / "sent.bundle"
        file.write_bytes(self.parcel.bundle)
        git.call("fetch", "-q", "--no-tags", str(file), f"{SENT}*:{SENT}*")
        file.unlink()
        git.call("checkout", "-q", "--detach", commit)
        self._disown(git)
        if self.parcel.dvc is not None:
            self._pull(git, fresh / self.parcel.dvc)
        os.rename(fresh, self.top)
        save_state(self.top, self._apart(), self._saved)

    def make_clean(self) -> None:
        """Make it if it is missing; else put it back to how it was made, or make it anew."""
        if self.top.is_dir():
            self.clear()
            if clean(self.top, self._apart(), self._saved):
                return
            shutil.rmtree(self.top)
        self.make()

    @property
    def _saved(self) -> Path:
        """The file that says what it holds."""
        return self.home / f"{self.top.name}.state.json"

    def _apart(self) -> list[str]:
        """List what is cleared by name: what DVC notes for itself, and what xvc writes."""
        pointers = [pointer_of(Path(path)).as_posix() for path in self.parcel.own]
        tmp = (Path(self.parcel.dvc or ".") / ".dvc" / "tmp").as_posix()
        return [tmp, *self.parcel.own, *pointers]

    def _disown(self, git: Git) -> None:
        """Remove the pointer of the store: no job in a clone needs the store that it names."""
        exclude = git.place.folder / "info" / "exclude"
        make_folder(exclude.parent)
        for path in self.parcel.own:
            add_line(exclude, f"/{path}*")
            pointer = pointer_of(git.place.top / path)
            if pointer.exists():
                name = pointer.relative_to(git.place.top).as_posix()
                git.call("update-index", "--skip-worktree", "--", name)
                pointer.unlink()

    def _pull(self, git: Git, root: Path) -> None:
        exclude, below = git.place.folder / "info" / "exclude", Path(self.parcel.dvc or ".")
        for name in ("config.local", "tmp", "cache"):
            add_line(exclude, f"/{(below / '.dvc' / name).as_posix()}")
        settle_away(self.parcel.settings, root, self.home / "cache", self.home / "dvc-site")
        outs = self._data(git)
        if not outs:
            return
        places = {out.path: git.place.top / out.path for out in outs}
        pull(root, [str(place.relative_to(root)) for place in places.values()], self.environment)
        for out in outs:
            if not out.is_made and not places[out.path].exists():
                raise DvcFailed("pull the data", f"the remote has no {out.path}")

    def _data(self, git: Git) -> list[Out]:
        top, root = git.place.top, git.place.top / (self.parcel.dvc or ".")
        files = git.listed(f"*{SUFFIX}", "dvc.lock", "*/dvc.lock")
        found = tracked_outs(top, [file for file in files if (top / file).is_relative_to(root)])
        return [out for out in found if out.path not in self.parcel.own]

    def clear(self) -> None:
        """Put it back to how it was sent: code, no journals, no runs."""
        git = self.git
        shutil.rmtree(self.top / self._apart()[0], ignore_errors=True)
        git.call("checkout", "-q", "-f", "--detach", self.parcel.commit)
        shutil.rmtree(self.room.folder, ignore_errors=True)
        for ref in git.refs(RUNS):
            git.call("update-ref", "-d", ref)
        for path in self.parcel.own:
            for left in self.top.glob(f"{path}*"):
                if left.is_dir():
                    shutil.rmtree(left)
                elif left.suffix != SUFFIX:
                    left.unlink()

    def reap(self) -> None:
        """End the runs of dead processes as lost: only this machine can see that they are dead."""
        subprocess.run(
            [sys.executable, "-m", "xvc", "-C", str(self.top), "status"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )

    def brought(self) -> Brought:
        """Read everything that the job left."""
        journals = sorted((self.room.folder / "journals").rglob("*.jsonl"))
        ends = [each for path in journals for each in _ends(path)]
        refs = self.git.refs(RUNS)
        others = [ref for ref, commit in refs.items() if commit != self.parcel.commit]
        bundle = ("bundle", "create", "-q", "-", *others, f"^{self.parcel.commit}")
        assets = self.top / self.parcel.own[1]
        return Brought(
            journals={path.name: path.read_bytes() for path in journals},
            logs={path.name: path.read_bytes() for path in self._logs()},
            assets={path.name: path.read_bytes() for path in assets.glob("??/*")},
            objects=self._objects(ends),
            blobs=tuple(self._blobs(ends)),
            refs=refs,
            bundle=self.git.call(*bundle) if others else b"",
        )

    def _logs(self) -> Iterator[Path]:
        """What runs printed, and what they used over time."""
        yield from self.room.logs.glob("*.log")
        yield from self.room.logs.glob(f"*{USAGE}")

    def _objects(self, ends: list[Mapping[str, Json]]) -> dict[str, bytes]:
        if self.parcel.dvc is None:
            return {}
        dvc = Dvc(self.top / self.parcel.dvc, self.environment)
        found: dict[str, bytes] = {}
        for end in ends:
            for path, file in cast("dict[str, dict[str, str]]", end.get("outs") or {}).items():
                out = Out(path, Digest(file["digest"]), path)
                for digest in {out.digest, *digests_of(dvc, out).values()}:
                    found[digest] = object_of(dvc, digest).read_bytes()
        return found

    def _blobs(self, ends: list[Mapping[str, Json]]) -> Iterator[bytes]:
        for end in ends:
            for blob in cast("dict[str, str | None]", end.get("touched") or {}).values():
                if blob is not None:
                    yield self.git.call("cat-file", "blob", blob)


def _ends(journal: Path) -> Iterator[Mapping[str, Json]]:
    found = read_new(journal, ReadPosition())
    controls: tuple[Control, ...] = () if found is None else found.controls
    for control in controls:
        if control.kind == RecordKind.END and isinstance(control.facts, dict):
            yield control.facts
