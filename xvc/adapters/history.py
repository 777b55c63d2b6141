"""Where branches parted and what they passed, as commit ids. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xvc.adapters.git import Git


@dataclass(frozen=True, slots=True)
class Tree:
    """One work tree of a repository: where it is and the commit it is at."""

    folder: Path
    commit: str | None


def parted_at(git: Git, one: str, other: str) -> str | None:
    """Find the newest commit that both come from; None when they have nothing in common."""
    return git.text("merge-base", one, other, accept=(0, 1)).split("\n")[0] or None


def changed_at(git: Git, commit: str, path: str, since: str | None) -> list[str]:
    """List the commits after *since*, up to *commit*, that changed a path, newest first."""
    span = [commit, *([f"^{since}"] if since else [])]
    return git.text("rev-list", *span, "--", path).split()


def made_at(git: Git, commit: str) -> int:
    """Return when a commit was made, in seconds since the epoch."""
    return int(git.text("show", "-s", "--format=%ct", commit))


def trees(git: Git) -> dict[str, Tree]:
    """Map the names of the work trees (``main``, and that of each linked one) to where they are."""
    found: dict[str, Tree] = {}
    records = git.text("worktree", "list", "--porcelain", "-z").split("\0\0")
    for number, record in enumerate(part for part in records if part.strip("\0")):
        facts = dict(line.partition(" ")[::2] for line in record.split("\0") if line)
        folder = Path(facts["worktree"])
        found["main" if number == 0 else folder.name] = Tree(folder, facts.get("HEAD"))
    return found


def named(git: Git, text: str) -> str | None:
    """Resolve a tag, a branch or a branch of a remote to its commit, by its full name."""
    for prefix in ("refs/tags/", "refs/heads/", "refs/remotes/"):
        commit = git.commit_of(prefix + text)
        if commit is not None:
            return commit
    return None


def trees_of(git: Git, commits: Iterable[str]) -> dict[str, str]:
    """Map commits to their trees, in one call; those that are not in this clone are left out."""
    named = sorted(commits)
    asked = "".join(f"{commit}^{{tree}}\n" for commit in named).encode()
    lines = git.call("cat-file", "--batch-check", stdin=asked).decode("ascii", "replace")
    parts = [line.split() for line in lines.splitlines()]
    pairs = zip(named, parts, strict=True)
    return {commit: part[0] for commit, part in pairs if part[1:2] == ["tree"]}
