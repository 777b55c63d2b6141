"""What names resolve to and what branches passed, as commit ids. Reads only."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from xvc.git.commands import Git

_PARTS = ("%H", "%P", "%ct", "%an", "%s")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of a history; ``at`` in seconds since the epoch, ``parents`` the first first."""

    id: str
    parents: tuple[str, ...]
    at: int
    author: str
    subject: str


def recent_commits(git: Git, limit: int) -> list[Commit]:
    """List the newest commits of all branches and tags, each before its parents."""
    flags = ("-z", "--date-order", f"--max-count={limit}", f"--format={'%x1f'.join(_PARTS)}")
    kinds = ("--branches", "--tags", "--remotes")
    here = ("HEAD",) if git.commit_of("HEAD") else ()
    answer = git.call("log", *flags, *kinds, *here).decode("utf-8", "replace")
    parts = [record.split("\x1f", 4) for record in answer.split("\0") if record]
    return [Commit(each[0], tuple(each[1].split()), int(each[2]), *each[3:]) for each in parts]


def changed_at(git: Git, commit: str, path: str, since: str | None) -> list[str]:
    """List the commits after *since*, up to *commit*, that changed a path, newest first."""
    span = [commit, *([f"^{since}"] if since else [])]
    return git.text("rev-list", *span, "--", path).split()


def removed_since(git: Git, commit: str, folder: str, since: str | None) -> list[tuple[str, str]]:
    """List the files below a folder that commits after *since* took away, each with its blob."""
    span = [commit, *([f"^{since}"] if since else [])]
    flags = ("--raw", "-z", "--no-abbrev", "--no-renames", "--diff-filter=D", "--format=")
    answer = os.fsdecode(git.call("log", *flags, *span, "--", f":(literal){folder}"))
    parts = [part.lstrip("\n") for part in answer.split("\0") if part.strip("\n")]
    return [(path, said.split()[2]) for said, path in zip(parts[::2], parts[1::2], strict=True)]


def last_with(git: Git, path: str) -> str | None:
    """Return the newest commit of any ref that wrote a file; None where none did."""
    flags = ("--all", "-1", "--diff-filter=AM", "--format=%H")
    return git.text("log", *flags, "--", f":(literal){path}") or None


Change = frozenset[tuple[str, str, str]]
"""What a change does: for each line its file, whether it comes or goes, and its words."""


def line_changes(git: Git, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Change]:
    """Tell which lines differ between two trees, for many pairs in one call; blank ones do not."""
    asked = list(dict.fromkeys(pairs))
    flags = ("--stdin", "-p", "-r", "-U0", "--no-color", "--no-ext-diff", "--no-textconv")
    stdin = "".join(f"{old} {new}\n" for old, new in asked).encode()
    answer = git.call("diff-tree", *flags, "--no-renames", stdin=stdin) if asked else b""
    found: dict[tuple[str, str], set[tuple[str, str, str]]] = {pair: set() for pair in asked}
    heads = {f"{old} {new}": (old, new) for old, new in asked}
    held, path, is_body = set[tuple[str, str, str]](), "", False
    for line in os.fsdecode(answer).split("\n"):
        if line in heads:
            held = found[heads[line]]
        elif line.startswith("diff --git "):
            path, is_body = line.rpartition(" b/")[2], False
        elif line.startswith("@@ "):
            is_body = True
        elif is_body and line[:1] in ("+", "-") and line[1:].strip():
            held.add((path, line[0], " ".join(line[1:].split())))
    return {pair: frozenset(its) for pair, its in found.items()}


@dataclass(frozen=True, slots=True)
class CommittedFiles:
    """What a commit did to files: for each path the blob before and the one after.

    ``at`` is in seconds since the epoch. A merge says no files: its parents' commits do.
    """

    id: str
    parents: tuple[str, ...]
    at: int
    message: str
    blobs: dict[str, tuple[str, str]]


def committed_files(
    git: Git,
    heads: Sequence[str],
    *,
    without: str | None = None,
    since: int | None = None,
    paths: Collection[str] = (),
    most: int,
) -> list[CommittedFiles]:
    """List the commits of *heads*, parents first; the newest *most* of them.

    Args:
        git: the repository.
        heads: where the walk begins.
        without: what this commit has among its ancestors is left out.
        since: only what was committed at this second, or later.
        paths: only commits that changed one of these, and only these of their files.
        most: how many at most.
    """
    flags = ["-z", "--raw", "--no-abbrev", "--no-renames", "--no-color", "--no-show-signature"]
    flags += ["--topo-order", "--reverse", f"--max-count={most}", "--format=%H %ct %P%n%B"]
    flags += ["--full-history", "--no-merges"] if paths else []
    flags += [f"--since={since}"] if since is not None else []
    lines = [*heads, *([f"^{without}"] if without else []), *(["--", *paths] if paths else [])]
    asked = b"".join(os.fsencode(line) + b"\n" for line in lines if "\n" not in line)
    answer = git.call("--literal-pathspecs", "log", *flags, "--stdin", stdin=asked)
    return list(_committed(iter(os.fsdecode(answer).split("\0"))))


def _committed(parts: Iterator[str]) -> Iterator[CommittedFiles]:
    found: CommittedFiles | None = None
    for part in (each.lstrip("\n") for each in parts):
        if part.startswith(":") and found is not None:
            _, _, old, new, _ = part.split(" ")
            found.blobs[next(parts)] = (old, new)
        elif part:
            yield from [found] if found else []
            said, _, message = part.partition("\n")
            name, at, *parents = said.split()
            found = CommittedFiles(name, tuple(parents), int(at), message, {})
    yield from [found] if found else []


LineCounts = tuple[Counter[bytes], Counter[bytes]]
"""How often each line is gone, and how often it has come."""


def line_counts(git: Git, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], LineCounts]:
    """Tell which lines differ between two blobs, for many pairs by one start of git.

    Blank lines, and blanks around a line, do not count; nor does where a line stands.
    """
    names = dict.fromkeys(name for pair in pairs for name in pair)
    lines: dict[str, Counter[bytes]] = {
        found.name: Counter(line.strip() for line in found.content.split(b"\n") if line.strip())
        for found in git.read_with_below(names, lambda _: ())
    }
    none = Counter[bytes]()
    held = {pair: (lines.get(pair[0], none), lines.get(pair[1], none)) for pair in pairs}
    return {pair: (old - new, new - old) for pair, (old, new) in held.items()}


def made_at(git: Git, commit: str) -> int:
    """Return when a commit was made, in seconds since the epoch."""
    return int(git.text("show", "-s", "--format=%ct", commit))


def named(git: Git, text: str) -> str | None:
    """Resolve a tag, a branch or a branch of a remote to its commit, by its full name."""
    for prefix in ("refs/tags/", "refs/heads/", "refs/remotes/"):
        commit = git.commit_of(prefix + text)
        if commit is not None:
            return commit
    return None
