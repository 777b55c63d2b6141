"""Taking files out of snapshots for good: new commits, refs moved, objects gone from the disk.

Objects that anything else reaches stay: branches, tags, stashes, reflogs and indexes are not ours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from xvc.git.commands import Git
from xvc.git.snapshot import RUNS, tree_with
from xvc.types import RunId

_AT_ONCE = 200
_OTHERS = (f"--exclude={RUNS}*", "--all", "--reflog", "--indexed-objects")


@dataclass(frozen=True, slots=True)
class Holding:
    """A snapshot that holds something: the run, its commit, and the paths with their blobs."""

    run: RunId
    commit: str
    files: Mapping[str, str]


def snapshots_with(git: Git, holds: Callable[[bytes], bool]) -> list[Holding]:
    """Find the snapshots of runs that have a file whose content *holds* what is looked for."""
    refs = git.refs(RUNS)
    trees = {commit: _blobs(git, commit) for commit in set(refs.values())}
    blobs = {blob for files in trees.values() for blob in files.values()}
    bad = {blob for blob, data in contents(git, blobs) if holds(data)}
    found = []
    for ref, commit in sorted(refs.items()):
        files = {path: blob for path, blob in trees[commit].items() if blob in bad}
        if files:
            found.append(Holding(RunId(ref.removeprefix(RUNS)), commit, files))
    return found


def _blobs(git: Git, commit: str) -> dict[str, str]:
    return {path: meta.split()[-1] for path, meta in git.blobs(commit).items()}


def contents(git: Git, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Read blobs, some hundred at a time."""
    names = sorted(blobs)
    for start in range(0, len(names), _AT_ONCE):
        for name, data in git.read_each(names[start : start + _AT_ONCE]).items():
            if data is not None:
                yield name, data


def held_by_others(git: Git, blobs: Collection[str]) -> set[str]:
    """List which of these blobs anything but snapshots of runs reaches."""
    if not blobs:
        return set()
    listed = git.text("rev-list", "--objects", "--no-object-names", *_OTHERS)
    return set(blobs).intersection(listed.split())


def names_of(git: Git, blobs: Collection[str]) -> dict[str, list[str]]:
    """Map blobs to the branches and tags whose own commits have them."""
    found: dict[str, list[str]] = {}
    for prefix in ("refs/heads/", "refs/tags/", "refs/remotes/"):
        for ref, name in git.refs(prefix).items():
            if git.commit_of(name) is not None:
                for blob in set(_blobs(git, name).values()).intersection(blobs):
                    found.setdefault(blob, []).append(ref.removeprefix("refs/"))
    return found


def without(git: Git, scratch: Path, held: Holding, paths: Collection[str]) -> str:
    """Make the commit of a snapshot anew without these files, and move the ref to it."""
    tree = tree_with(git, scratch, held.commit, dict.fromkeys(paths))
    text = git.call("cat-file", "commit", held.commit)
    _, _, rest = text.partition(b"\n")  # the first line names the tree
    new = git.call(
        *("hash-object", "-t", "commit", "-w", "--stdin"),
        stdin=b"tree " + tree.encode() + b"\n" + rest,
    )
    name = new.decode("ascii").strip()
    git.call("update-ref", f"{RUNS}{held.run}", name, held.commit)
    return name


def delete_unreached(git: Git, commits: Collection[str]) -> list[str]:
    """Delete from the disk what only these commits lead to; returns what could not be deleted."""
    kept = ("--all", "--reflog", "--indexed-objects")
    listed = git.text(
        *("rev-list", "--objects", "--no-object-names", *sorted(commits), "--not", *kept)
    )
    doomed = set(listed.split())
    home = git.place.common / "objects"
    loose = {name: home / name[:2] / name[2:] for name in doomed}
    if any(not path.exists() for path in loose.values()):
        git.call("repack", "-A", "-d", "-q")  # in a pack: what nothing reaches becomes loose
    for path in loose.values():
        path.unlink(missing_ok=True)
    asked = "".join(f"{name}\n" for name in sorted(doomed)).encode()
    answers = git.call("cat-file", "--batch-check", stdin=asked).decode("ascii").splitlines()
    return [line.split()[0] for line in answers if not line.endswith("missing")]
