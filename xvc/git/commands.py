"""git: plumbing calls and typed answers. Never the user's index unless it is named.

``git`` itself is called: GitPython's import alone costs 100 ms, a third of what ``xvc run`` may
take (ARCHITECTURE.md, decision 1). Full ref names and ``--end-of-options`` everywhere; variables
by which an outer git names its repository are removed, identity and configuration in ``GIT_*`` are
kept; writes are fsynced, and so are the folders of refs.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from xvc.core.late_pattern import late
from xvc.errors import GitFailed, NoIdentity, TagTaken
from xvc.git.object_reader import GitObject, read_objects
from xvc.git.pipes_read import pipe_at_top, pipe_below
from xvc.system.files import sync_folder, write_durably
from xvc.system.process_tree import ProcessTree
from xvc.system.stall_timeout import waiting_for

_ABSENT = ""  # in each of git's hashes
_LINK = "120000 "  # the mode of links
_ELSEWHERE = frozenset(
    f"GIT_{name}"
    for name in (
        *("DIR", "WORK_TREE", "IMPLICIT_WORK_TREE", "COMMON_DIR", "INDEX_FILE", "PREFIX"),
        *("OBJECT_DIRECTORY", "ALTERNATE_OBJECT_DIRECTORIES", "QUARANTINE_PATH", "NAMESPACE"),
        *("GRAFT_FILE", "SHALLOW_FILE", "REPLACE_REF_BASE", "NO_REPLACE_OBJECTS", "ATTR_SOURCE"),
        *("CONFIG", "INTERNAL_SUPER_PREFIX", "REFLOG_ACTION", "EXTERNAL_DIFF", "DIFF_OPTS"),
        *("LITERAL_PATHSPECS", "GLOB_PATHSPECS", "NOGLOB_PATHSPECS", "ICASE_PATHSPECS"),
    )
)
"""What an outer git says of its own repository and call; identity and configuration count."""

CALLED_BY_XVC = "xvc.calls"
"""The configuration that tells a hook of ours that it is xvc that calls git."""

_ALWAYS = (
    *("-c", "core.fsync=all", "-c", "core.fsyncMethod=fsync"),
    *("-c", f"{CALLED_BY_XVC}=true"),
    *("-c", "core.safecrlf=false"),  # it refuses files whose line ends a checkout would change
    *("-c", "core.ignoreStat=false"),  # by it git takes what we put into an index for a change
    *("-c", "i18n.commitEncoding=UTF-8", "-c", "i18n.logOutputEncoding=UTF-8"),  # as we write, read
)
_LOOKING = (  # nothing that spares git a look at a file
    *("-c", "core.fsmonitor=false", "-c", "core.trustctime=true", "-c", "core.checkStat=default"),
)
_PATIENCE = (1.0, 4.0)  # seconds until pipes are looked for, first those that cost nothing
_FINE_NS, _COARSE_NS = 50_000_000, 2_000_000_000  # the ticks of Linux; FAT's every second second
_MAIN_TREE = "xvc/main-tree"
_OBJECT = late("[0-9a-f]{40}|[0-9a-f]{64}")
_BARE = late(r"^\s*bare\s*=\s*true\s*$", re.IGNORECASE | re.MULTILINE)
_WORKTREE = late(r"^\s*worktree\s*=\s*(.+)$", re.IGNORECASE | re.MULTILINE)
_NAMELESS = (
    *("tell me who you are", "empty ident name", "unable to auto-detect email"),
    *("no email was given", "no name was given"),
)


@dataclass(frozen=True, slots=True)
class RepositoryPaths:
    """Where a repository is: the work tree, its own git folder, and the one all trees share."""

    top: Path
    folder: Path
    common: Path

    @property
    def tree(self) -> str:
        """``main``, or the name of the linked worktree."""
        return "main" if self.folder == self.common else self.folder.name


@dataclass(frozen=True, slots=True)
class TreeState:
    """The tree against HEAD: paths that git tracks and that changed, and untracked ones.

    ``modules`` are submodules with changes of their own, which no commit of this repository holds.
    """

    commit: str | None
    branch: str | None
    changed: tuple[str, ...]
    untracked: tuple[str, ...]
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TreeChanges:
    """The tree against an index file: what it has and what differs, and what it does not have."""

    stale: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TagRef:
    """One annotated tag: the commit it marks, its message, and when it was made (seconds)."""

    name: str
    commit: str
    message: str
    at: int


@dataclass(frozen=True, slots=True)
class LineChange:
    """One file of code; lines are null for binary files."""

    path: str
    added: int | None
    removed: int | None


def find(folder: Path) -> RepositoryPaths | None:
    """Look for a repository from *folder* upwards, by files alone.

    None also where a ``.git`` leads to a place that is gone: nothing is written there any more.
    """
    for top in (folder, *folder.parents):
        mark = top / ".git"
        if mark.is_dir():
            return RepositoryPaths(top, mark, mark)
        if mark.is_file():
            return _linked(top, mark)
    return None


def gone_from(folder: Path) -> tuple[Path, Path] | None:
    """Name the ``.git`` around a folder that leads nowhere, and where it leads; None without."""
    for mark in (top / ".git" for top in (folder, *folder.parents)):
        if mark.is_dir():
            return None
        if mark.is_file():
            named = _named_by(mark)
            return None if named is None or named.is_dir() else (mark, named)
    return None


def copied_from(place: RepositoryPaths) -> Path | None:
    """Name the linked tree of which this one is a copy: git takes both for one; None of others."""
    record = place.folder / "gitdir"
    if place.folder == place.common or not record.is_file():
        return None
    mark = place.folder / os.fsdecode(record.read_bytes()).rstrip("\n")
    if not mark.is_file() or mark.samefile(place.top / ".git") or _named_by(mark) != place.folder:
        return None
    return mark.resolve().parent


def moved_from(place: RepositoryPaths) -> Path | None:
    """Name the place where git has this linked tree, if that is another and empty; else None."""
    record = place.folder / "gitdir"
    if place.folder == place.common or not record.is_file():
        return None
    mark = place.folder / os.fsdecode(record.read_bytes()).rstrip("\n")
    is_left = not os.path.lexists(mark) and (place.top / ".git").is_file()
    return Path(os.path.normpath(mark)).parent if is_left else None


def _named_by(mark: Path) -> Path | None:
    text = os.fsdecode(mark.read_bytes()).strip()
    way = text.removeprefix("gitdir: ")
    return (mark.parent / way).resolve() if way != text else None


def _linked(top: Path, mark: Path) -> RepositoryPaths | None:
    folder = _named_by(mark)
    if folder is None or not folder.is_dir():
        return None
    common = folder / "commondir"
    if not common.is_file():  # a submodule: its git folder is its own
        return RepositoryPaths(top, folder, folder)
    return RepositoryPaths(
        top, folder, (folder / common.read_text(encoding="utf-8").strip()).resolve()
    )


def main_tree(common: Path) -> Path | None:
    """Name the main work tree of a repository, by files alone; None where it is bare or unsaid.

    Of a git folder that lies apart from its tree, only a note of ours says where the tree is.
    """
    said = "".join(_config_text(common / name) for name in ("config", "config.worktree"))
    if _BARE.search(said):
        return None
    named = _WORKTREE.search(said)  # of a submodule, whose folder lies in that of another
    if named:
        return (common / named[1].strip().strip('"')).resolve()
    tops = (common.parent, Path(_config_text(common / _MAIN_TREE) or "/"))
    return next((top for top in tops if _git_folder_of(top) == common), None)


def note_main_tree(place: RepositoryPaths) -> None:
    """Note where the main tree of a git folder is that lies apart from it."""
    note, text = place.common / _MAIN_TREE, str(place.top)
    if main_tree(place.common) != place.top and _config_text(note) != text:
        note.parent.mkdir(exist_ok=True)
        write_durably(note, os.fsencode(text))


def _git_folder_of(top: Path) -> Path | None:
    mark = top / ".git"
    if mark.is_dir():
        return mark
    found = _linked(top, mark) if mark.is_file() else None
    return found.common if found else None


def _config_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out what an outer git says of its own repository: a hook's call must not land there."""
    kept = {key: value for key, value in environment.items() if key not in _ELSEWHERE}
    return {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


_PROGRESS = late(
    rb"(?:remote: )?(?:(?:Enumerating|Counting|Compressing|Writing|Receiving|Finding|Resolving|"
    rb"Updating|Unpacking)[a-z ]*:|Delta compression using|Total [0-9]+ )"
)
"""What git says of how far it is; the rest is what it has to say."""


def _answer(
    arguments: tuple[str, ...],
    called: subprocess.CompletedProcess[bytes],
    accept: Sequence[int] = (0,),
) -> bytes:
    if called.returncode in accept:
        return called.stdout
    words = called.stderr.decode("utf-8", "replace")
    if any(sign in words for sign in _NAMELESS):
        raise NoIdentity
    from xvc.core.secrets import mask_text  # late: most calls do not fail

    raise GitFailed(arguments, called.returncode, mask_text(words))


def _lines(stream: IO[bytes] | None) -> Iterator[bytes]:
    """Yield lines as they come; git ends those that it writes over with a carriage return."""
    rest = b""
    while stream is not None and (piece := os.read(stream.fileno(), 1 << 16)):
        *whole, rest = (rest + piece).replace(b"\r", b"\n").split(b"\n")
        yield from (line for line in whole if line.strip())
    if rest.strip():
        yield rest


def _end(pid: int) -> None:
    """End a git that waits in vain, with what it has called to reach the other side."""
    ProcessTree(pid).signal(signal.SIGTERM)


Stamp = tuple[tuple[int, ...], ...]
"""What files and folders looked like: inode, size and time of the last change of each."""


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        facts = path.stat()
    except OSError:
        return ()
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def _is_settled(stamp: Stamp) -> bool:
    """Whether all is so old that the next change has another time, however coarse times are."""
    newest = max((times[-1] for times in stamp if times), default=0)
    tick = _FINE_NS if newest % 1_000_000 else _COARSE_NS
    return newest < time.time_ns() - tick


class Git:
    """The repository that a work tree belongs to."""

    def __init__(self, place: RepositoryPaths, environment: Mapping[str, str]) -> None:
        self.place = place
        self._environment = scrubbed(environment)
        self._trees: dict[str, str] = {}  # by the full names of commits: they never get another
        self._tracked: tuple[tuple[int, ...], dict[str, str], list[str]] = ((), {}, [])
        self._tags: dict[str, tuple[Stamp, list[TagRef]]] = {}
        self._named_folders: set[tuple[Path, int]] = set()
        self._pipe: Path | None = None

    def at(self, place: RepositoryPaths) -> Git:
        """Reach git in another repository or tree, called alike."""
        return Git(place, self._environment)

    def call(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        index: Path | None = None,
        extra: Mapping[str, str] | None = None,
        accept: Sequence[int] = (0,),
    ) -> bytes:
        """Run git in the work tree and return what it printed.

        Args:
            arguments: the words after ``git``.
            stdin: what it reads; nothing when None.
            index: another index file than the user's.
            extra: further environment variables.
            accept: exit codes that are no failure.

        Raises:
            GitFailed: another exit code.
            NoIdentity: it wanted a name or an e-mail.
        """
        environment = self._environment | dict(extra or {})
        if index is not None:  # a private one, which nobody misses after a power cut
            environment["GIT_INDEX_FILE"] = str(index)
            arguments = ("-c", "core.fsync=objects", *arguments)
        called = self._ended(arguments, environment, stdin or b"")
        return _answer(arguments, called, accept)

    def _ended(
        self, arguments: tuple[str, ...], environment: Mapping[str, str], stdin: bytes
    ) -> subprocess.CompletedProcess[bytes]:
        running = self._started(arguments, environment)
        with running:
            try:
                out, said = self._heard(running, stdin)
            except BaseException:
                running.kill()
                raise
        if self._pipe is not None and running.returncode < 0:
            said = f"it waits for {self._pipe}, which is a pipe".encode()
        return subprocess.CompletedProcess(arguments, running.returncode, out, said)

    def _started(
        self, arguments: tuple[str, ...], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        words, pipe = ["git", *_ALWAYS, *arguments], subprocess.PIPE
        try:
            return subprocess.Popen(
                words, cwd=self.place.top, env=environment, stdin=pipe, stdout=pipe, stderr=pipe
            )
        except OSError as err:
            reason = f"git cannot be started: {err.strerror or err}"
            raise GitFailed(arguments, 127, reason) from err

    def _heard(self, running: subprocess.Popen[bytes], stdin: bytes) -> tuple[bytes, bytes]:
        """Take what git prints; end one that waits for a pipe in place of a file."""
        for patience, look in zip(_PATIENCE, (pipe_at_top, pipe_below), strict=True):
            try:
                return running.communicate(stdin, timeout=0.2 if self._pipe else patience)
            except subprocess.TimeoutExpired:
                stdin = b""  # it has been handed over
                self._pipe = look(self.place.top, self.place.common)
                if self._pipe is not None:
                    running.kill()
                    break
        return running.communicate()

    def watched(
        self,
        *arguments: str,
        who: str,
        hear: Callable[[str], object] | None = None,
        notify: Callable[[str], object] | None = None,
    ) -> bytes:
        """Run git as `call` does, for a call that waits for another machine.

        Args:
            arguments: the words after ``git``.
            who: the other machine.
            hear: hears each line of its progress while it works.
            notify: hears of a long silence.

        Raises:
            GitFailed: it ended with another exit code than 0. Its words have no progress in them.
            NoAnswer: it was silent for minutes, and was ended.
        """
        from tempfile import TemporaryFile  # late: only transfers are watched

        words: list[bytes] = []
        with TemporaryFile() as printed:  # a pipe that nobody reads meanwhile could fill up
            try:
                running = subprocess.Popen(
                    ["git", *_ALWAYS, *arguments],
                    cwd=self.place.top,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=printed,
                    stderr=subprocess.PIPE,
                )
            except OSError as err:
                reason = f"git cannot be started: {err.strerror or err}"
                raise GitFailed(arguments, 127, reason) from err
            with running, waiting_for(who, notify, lambda: _end(running.pid)) as wait:
                for line in _lines(running.stderr):
                    wait.heard()
                    words.append(line)
                    if hear is not None:
                        hear(line.decode("utf-8", "replace"))
                running.wait()
            printed.seek(0)
            out = printed.read()
        said = b"\n".join(line for line in words if not _PROGRESS.match(line))
        ended = subprocess.CompletedProcess(arguments, running.returncode, out, said)
        return _answer(arguments, ended)

    def text(self, *arguments: str, accept: Sequence[int] = (0,)) -> str:
        """Run git and return what it printed as text without the last newline."""
        return _text(self.call(*arguments, accept=accept)).rstrip("\n")

    def version(self) -> str:
        """Return git's own version."""
        return self.text("--version").removeprefix("git version ").split()[0]

    def state(self, below: Path | None = None) -> TreeState:
        """Compare the tree, or a folder of it, with HEAD, without refreshing the user's index."""
        flags = ("--porcelain=v2", "-z", "--branch", "--untracked-files=all", "--no-renames")
        where = [] if below is None else ["--", str(below)]
        said = self.call(*_LOOKING, "status", *flags, "--ignore-submodules=none", *where)
        return _parse_state(said)

    def hidden(self) -> list[str]:
        """List the files on the disk that git was told not to look at, changed or not.

        That is ``skip-worktree`` and ``assume-unchanged``, also where ``core.ignoreStat`` set it.
        """
        named = [path for path, flag in self.tracked().items() if flag.islower() or flag == "S"]
        return [path for path in named if os.path.lexists(self.place.top / path)]

    def tracked(self) -> Mapping[str, str]:
        """Map what the index has to the letters of ``ls-files -v``: S, not in a sparse tree.

        It is asked for once while the index is the same file.
        """
        return self._indexed()[1]

    def links(self) -> Sequence[str]:
        """List what the index has as links; it is asked for as `tracked` is."""
        return self._indexed()[2]

    def _indexed(self) -> tuple[tuple[int, ...], Mapping[str, str], Sequence[str]]:
        stamp = _stamp(self.place.folder / "index")
        if self._tracked[0] != stamp:
            entries = _text(self.call("ls-files", "-v", "-s", "-z")).split("\0")
            parts = [entry.partition("\t") for entry in entries if entry]
            links = [path for meta, _, path in parts if meta.startswith(_LINK, 2)]
            self._tracked = (stamp, {path: meta[0] for meta, _, path in parts}, links)
        return self._tracked

    def unhide(self, index: Path, paths: Iterable[str]) -> None:
        """Make git compare these paths with the files again, in an index file of ours."""
        listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
        for flag in ("--no-skip-worktree", "--no-assume-unchanged"):
            self.call("update-index", flag, "-z", "--stdin", index=index, stdin=listed)

    def commit_of(self, revision: str) -> str | None:
        """Resolve a revision to a commit; None when it names none."""
        name = f"{revision}^{{commit}}"
        found = self.text(
            "rev-parse", "-q", "--verify", "--end-of-options", name, accept=(0, 1, 128)
        )
        return found or None

    def tree_of(self, commit: str) -> str:
        """Return the tree of a commit."""
        known = self._trees.get(commit)
        if known is not None:
            return known
        tree = self.text("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}")
        return self._trees.setdefault(commit, tree) if _OBJECT.fullmatch(commit) else tree

    def trees_of(self, commits: Iterable[str]) -> dict[str, str]:
        """Map commits to their trees, in one call; those not in this clone are left out."""
        names = sorted({*commits})
        asked = [name for name in names if name not in self._trees]
        lines = "".join(f"{name}^{{tree}}\n" for name in asked).encode()
        said = self.call("cat-file", "--batch-check", stdin=lines).splitlines() if asked else []
        parts = [line.decode("ascii", "replace").split() for line in said]
        pairs = zip(asked, parts, strict=True)
        found = {name: part[0] for name, part in pairs if part[1:2] == ["tree"]}
        self._trees |= {name: tree for name, tree in found.items() if _OBJECT.fullmatch(name)}
        return found | {name: self._trees[name] for name in names if name in self._trees}

    def empty_tree(self) -> str:
        """Name the tree of nothing, by the hash that this repository uses."""
        return self.text("hash-object", "-t", "tree", os.devnull)

    def read(self, revision: str, path: str) -> bytes | None:
        """Return a file as a commit has it; None when it has none.

        Raises:
            GitFailed: it has one, which a partial clone left out and cannot fetch.
        """
        try:
            return self.call("cat-file", "blob", f"{revision}:{path}")
        except GitFailed as err:
            if err.is_of_a_partial_clone:
                raise
            return None

    def read_each(self, names: Sequence[str]) -> dict[str, bytes | None]:
        """Read several ``revision:path`` in one call; None for those that are not there.

        git takes them a line each, so one with a line break is read by itself.
        """
        whole = [name for name in names if "\n" not in name]
        asked = b"".join(os.fsencode(name) + b"\n" for name in whole)
        found, at = self.call("cat-file", "--batch", stdin=asked) if whole else b"", 0
        held: dict[str, bytes | None] = {}
        for name in {*names} - {*whole}:
            revision, _, path = name.partition(":")
            held[name] = self.read(revision, path)
        for name in whole:
            end = found.index(b"\n", at)
            words, at = found[at:end].rsplit(b" ", 2), end + 1
            if len(words) == 3 and words[1] == b"blob":
                size = int(words[2])
                held[name], at = found[at : at + size], at + size + 1
            else:
                held[name] = None
        return held

    def read_with_below(
        self, names: Iterable[str], below: Callable[[GitObject], Iterable[str]]
    ) -> Iterator[GitObject]:
        """Read objects by their ids, then those *below* each, all by one start of git.

        One that is not in this clone is left out, and none is read twice.

        Raises:
            GitFailed: git ended before it had answered.
        """
        words = ("cat-file", "--batch")
        waiting = [*dict.fromkeys(names)]
        seen = {*waiting}
        if not waiting:
            return
        with self._started(words, self._environment) as running:
            while waiting:
                fresh: dict[str, None] = {}
                try:
                    for found in read_objects(running.stdin, running.stdout, waiting):
                        yield found
                        fresh |= dict.fromkeys(name for name in below(found) if name not in seen)
                except OSError:
                    running.kill()
                    said = running.stderr.read() if running.stderr else b""
                    if running.stdin:
                        with suppress(OSError):  # what git did not read would be written now
                            running.stdin.close()
                    _answer(
                        words, subprocess.CompletedProcess(words, running.wait() or 1, b"", said)
                    )
                    return
                waiting = [*fresh]
                seen |= fresh.keys()

    def listed(self, *patterns: str) -> list[str]:
        """List tracked paths that fit the patterns."""
        found = self.call("ls-files", "-z", "--", *patterns)
        return [_text(path) for path in found.split(b"\0") if path]

    def bring_back(self, paths: Iterable[str], *, deleted: bool = False) -> list[str]:
        """Write files that the index has and the tree lacks, because a sparse checkout hides them.

        Args:
            paths: from the top of the tree.
            deleted: whether files that somebody has deleted come back, too.
        """
        absent = [path for path in paths if not os.path.lexists(self.place.top / path)]
        if not absent:
            return []
        flags = {path: flag for path in absent if (flag := self.tracked().get(path))}
        found = [path for path, flag in flags.items() if flag in "Ss" or deleted]
        if found:
            listed = "".join(f"{path}\0" for path in found).encode("utf-8", "surrogateescape")
            words = ("-z", "--stdin", "--ignore-skip-worktree-bits")
            self.call("checkout-index", *words, stdin=listed)
        return found

    def searched(self, pattern: str, *paths: str) -> list[str]:
        """List the files, also untracked ones, in which an extended regular expression is found."""
        flags = ("--untracked", "-I", "-l", "-z", "-E", "-e", pattern)
        found = self.call("grep", *flags, "--", *paths, accept=(0, 1))
        return [_text(path) for path in found.split(b"\0") if path]

    def lines_with(
        self, texts: Iterable[str], commits: Iterable[str], *paths: str
    ) -> list[tuple[str, str, str]]:
        """Find the lines of files in commits that hold one of the texts: commit, path and line."""
        which = [*dict.fromkeys(commits)]
        if not which:
            return []
        flags = ("-z", "-F", "-I", "--full-name", "--no-line-number", "--no-color")
        words = (word for text in sorted(texts) for word in ("-e", text))
        found = self.call("grep", *flags, *words, *which, "--", *paths, accept=(0, 1))
        hits = []
        for place, _, line in (each.partition("\0") for each in _text(found).split("\n") if each):
            commit, _, path = place.partition(":")
            hits.append((commit, path, line))
        return hits

    def ignored_here(self) -> list[str]:
        """List what git ignores in the tree; a folder that is ignored whole once, with ``/``."""
        flags = ("-z", "--others", "--ignored", "--exclude-standard", "--directory")
        return [_text(path) for path in self.call("ls-files", *flags).split(b"\0") if path]

    def matched(self, patterns: Path, folder: str) -> set[str]:
        """Tell which files of a folder, that git does not track, a file of patterns names."""
        flags = ("--others", "--ignored", f"--exclude-from={patterns}", "-z")
        found = self.call("ls-files", *flags, "--", f":(literal){folder}")
        return {_text(path) for path in found.split(b"\0") if path}

    def ignored(self, paths: Iterable[str]) -> set[str]:
        """Tell which of these paths git ignores; a tracked one it does not."""
        listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
        found = self.call("check-ignore", "-z", "--stdin", stdin=listed, accept=(0, 1))
        return {_text(path) for path in found.split(b"\0") if path}

    def changes(self, old: str, new: str) -> list[LineChange]:
        """Count lines between two commits or trees."""
        if old == new:
            return []
        flags = ("-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv")
        found = self.call("diff-tree", *flags, "--end-of-options", old, new)
        return [_parse_change(part) for part in found.split(b"\0") if part.count(b"\t") >= 2]

    def diff(self, old: str, new: str) -> str:
        """Return the patch between two commits or trees."""
        flags = ("-r", "-p", "--no-renames", "--no-ext-diff", "--no-textconv")
        return _text(self.call("diff-tree", *flags, "--end-of-options", old, new))

    def blobs(self, tree: str) -> dict[str, str]:
        """Map each path of a tree to its mode and object."""
        found = self.call("ls-tree", "-r", "-z", "--end-of-options", tree)
        lines = (part.partition(b"\t") for part in found.split(b"\0") if part)
        return {_text(path): _text(meta) for meta, _, path in lines}

    def tags(self, prefix: str) -> list[TagRef]:
        """List annotated tags whose names begin with *prefix*, by name.

        They are asked for once while nothing changes where git keeps them.
        """
        stamp = self._stamp_of_tags(prefix)
        known = self._tags.get(prefix)
        if known is None or known[0] != stamp:
            known = (stamp, self._listed_tags(prefix))
            if _is_settled(stamp):
                self._tags[prefix] = known
        return [*known[1]]

    def _stamp_of_tags(self, prefix: str) -> Stamp:
        folder = self.place.common / "refs" / "tags" / prefix.rpartition("/")[0]
        tables = self.place.common / "reftable" / "tables.list"
        return tuple(map(_stamp, (folder, self.place.common / "packed-refs", tables)))

    def _listed_tags(self, prefix: str) -> list[TagRef]:
        parts = ("%(refname)", "%(*objectname)", "%(taggerdate:unix)", "%(contents)", "")
        pattern = f"refs/tags/{prefix}*"
        found = self.call("for-each-ref", f"--format={'%00'.join(parts)}%01", pattern)
        records = found.decode("utf-8", "backslashreplace").split("\x01\n")
        return [tag for record in records if (tag := _parse_tag(record)) is not None]

    def refs(self, prefix: str) -> dict[str, str]:
        """Map the refs below *prefix* to their objects."""
        found = self.text("for-each-ref", "--format=%(refname) %(objectname)", prefix)
        return dict(line.split(" ", 1) for line in found.splitlines())

    def keep(self, ref: str, commit: str) -> None:
        """Point a hidden ref at a commit, on the disk when this returns."""
        self.call("update-ref", "--end-of-options", ref, commit)
        self._sync_ref(ref)

    def keep_all(self, refs: Mapping[str, str]) -> None:
        """Point many hidden refs at objects."""
        lines = "".join(f"update {ref} {name}\n" for ref, name in refs.items())
        self.call("update-ref", "--stdin", stdin=lines.encode())

    def drop(self, refs: Mapping[str, str]) -> None:
        """Delete hidden refs, each only while it is at the commit it was seen at."""
        lines = "".join(f"delete {ref} {commit}\n" for ref, commit in refs.items())
        self.call("update-ref", "--stdin", stdin=lines.encode())

    def move_branch(self, branch: str, new: str, old: str | None, why: str) -> None:
        """Move a branch, only from where it was thought to be.

        Raises:
            GitFailed: it has moved meanwhile.
        """
        ref = f"refs/heads/{branch}"
        self.call("update-ref", "-m", why, "--end-of-options", ref, new, old or _ABSENT)
        self._sync_ref(ref)

    def move_detached_head(self, new: str, old: str, why: str) -> None:
        """Move a detached HEAD, only from where it was thought to be."""
        self.call("update-ref", "--no-deref", "-m", why, "--end-of-options", "HEAD", new, old)

    def make_tag(self, name: str, commit: str, message: str) -> None:
        """Create an annotated tag, signed when the user's git says so.

        Raises:
            TagTaken: the name marks something already.
        """
        ref = f"refs/tags/{name}"
        holder = self.text(
            "rev-parse", "-q", "--verify", "--end-of-options", ref, accept=(0, 1, 128)
        )
        if holder:
            raise TagTaken(name, holder)
        flags = ("-F", "-", "--cleanup=verbatim")  # -a would overrule tag.forceSignAnnotated
        try:
            self.call("tag", *flags, "--end-of-options", name, commit, stdin=_bytes(message))
        except GitFailed as err:
            if "already exists" in err.words:
                raise TagTaken(name, commit) from err
            if self.commit_of(f"{ref}^{{commit}}") != commit:  # else it died after its work
                raise
        self._sync_ref(ref)

    def make_commit(
        self, tree: str, parents: Iterable[str | None], message: str, *, ours: bool = False
    ) -> str:
        """Write a commit object; *ours* signs it as xvc, else it is the user's, signed if asked."""
        arguments = ["commit-tree"]
        for parent in parents:
            arguments += ["-p", parent] if parent else []
        if (
            not ours
            and self.text("config", "--type=bool", "commit.gpgSign", accept=(0, 1)) == "true"
        ):
            arguments.append("-S")
        made = self.call(*arguments, tree, stdin=_bytes(message), extra=_XVC if ours else None)
        return _text(made).strip()

    def write_tree(self, index: Path) -> str:
        """Write the tree of an index file."""
        return _text(self.call("write-tree", index=index)).strip()

    def read_tree(self, tree: str, index: Path) -> None:
        """Fill an index file with a tree."""
        self.call("read-tree", "--end-of-options", tree, index=index)

    def update_index(self, index: Path | None, paths: Iterable[str]) -> None:
        """Bring paths of the work tree into an index file: added, changed or removed."""
        listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
        if listed:
            self.call(
                "update-index", "--add", "--remove", "-z", "--stdin", index=index, stdin=listed
            )

    def keep_blobs(self, files: Mapping[str, bytes], scratch: Path) -> dict[str, str]:
        """Keep contents as blobs; returns each path's mode and object."""
        folder = scratch / f"blobs-{os.getpid()}"
        folder.mkdir(parents=True, exist_ok=True)
        places = [folder / str(number) for number in range(len(files))]
        try:
            for place, content in zip(places, files.values(), strict=True):
                place.write_bytes(content)
            listed = b"".join(_in_one_line(os.fsencode(place)) for place in places)
            made = self.call("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=listed)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        objects = _text(made).split()
        return {path: f"100644 blob {blob}" for path, blob in zip(files, objects, strict=True)}

    def put(self, index: Path, blobs: Mapping[str, str]) -> None:
        """Put entries, as `blobs` gives them, into an index file; an absent object removes one."""
        lines = []
        for path, entry in blobs.items():
            mode, _, rest = entry.partition(" ")
            lines.append(f"{mode} {rest.split(' ')[-1]}\t".encode() + os.fsencode(path) + b"\0")
        if lines:
            self.call("update-index", "-z", "--index-info", index=index, stdin=b"".join(lines))

    def between(self, old: str | None, new: str) -> dict[str, str]:
        """Map the paths at which *new* differs from *old* to what *new* has, as `put` wants it."""
        flags = ("-r", "-z", "--no-renames", "--end-of-options")
        parts = self.call("diff-tree", *flags, old or self.empty_tree(), new).split(b"\0")
        metas = (_text(meta).split() for meta in parts[::2])
        pairs = zip(metas, map(_text, parts[1::2]), strict=False)  # behind the last NUL is nothing
        return {path: f"{meta[1]} blob {meta[3]}" for meta, path in pairs}

    def changes_since(self, index: Path) -> TreeChanges:
        """Compare the files with an index file, and list those that it lacks and nobody ignores."""
        flags = ("-t", "-z", "--modified", "--deleted", "--others", "--exclude-standard")
        parts = _text(self.call(*_LOOKING, "ls-files", *flags, index=index)).split("\0")
        entries = [(part[0], part[2:]) for part in parts if part]
        stale = dict.fromkeys(path for flag, path in entries if flag != "?")
        return TreeChanges((*stale,), tuple(path for flag, path in entries if flag == "?"))

    def hash_file(self, path: Path) -> str:
        """Keep a file as a blob, as `git add` would: filters go by its name in the tree."""
        name = path.relative_to(self.place.top) if path.is_relative_to(self.place.top) else path
        return self.text("hash-object", "-w", "--", str(name))

    def _sync_ref(self, ref: str) -> None:
        """Put the folders of a ref on the disk; git fsyncs the file, not its name.

        Above a folder whose own name is there already, nothing is new.
        """
        folder = (self.place.common / ref).parent
        while folder != self.place.common.parent and folder.is_dir():
            sync_folder(folder)
            name = (folder, folder.stat().st_ino)
            if name in self._named_folders:
                return
            self._named_folders.add(name)
            folder = folder.parent


_XVC = {
    "GIT_AUTHOR_NAME": "xvc",
    "GIT_AUTHOR_EMAIL": "xvc@localhost",
    "GIT_COMMITTER_NAME": "xvc",
    "GIT_COMMITTER_EMAIL": "xvc@localhost",
}


def _in_one_line(path: bytes) -> bytes:
    r"""Write a path as git reads it where each line is one.

    >>> _in_one_line(b"/a/two\nlines"), _in_one_line(b"/a/b c")
    (b'"/a/two\\nlines"\n', b'/a/b c\n')
    """
    if b"\n" in path:
        escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
        path = b'"' + escaped + b'"'
    return path + b"\n"


def _text(raw: bytes) -> str:
    return os.fsdecode(raw)


def _bytes(message: str) -> bytes:
    return message.encode("utf-8", "surrogateescape")


def _parse_state(raw: bytes) -> TreeState:
    commit: str | None = None
    branch: str | None = None
    changed: list[str] = []
    untracked: list[str] = []
    modules: list[str] = []
    for record in raw.split(b"\0"):
        kind, _, rest = _text(record).partition(" ")
        if rest.startswith("branch.oid "):
            found = rest.removeprefix("branch.oid ")
            commit = None if found == "(initial)" else found
        elif rest.startswith("branch.head "):
            found = rest.removeprefix("branch.head ")
            branch = None if found == "(detached)" else found
        elif kind == "1":
            changed.append(rest.split(" ", 7)[7])
            module = rest.split(" ", 2)[1]  # S<c><m><u>: its commit, its files, its untracked ones
            if module[0] == "S" and module[2:] != "..":
                modules.append(changed[-1])
        elif kind == "u":
            changed.append(rest.split(" ", 9)[9])
        elif kind == "?":
            untracked.append(rest)
    return TreeState(
        commit=commit,
        branch=branch,
        changed=tuple(changed),
        untracked=tuple(untracked),
        modules=tuple(modules),
    )


def _parse_change(raw: bytes) -> LineChange:
    added, removed, path = raw.lstrip(b"\n").split(b"\t", 2)
    counts = [None if part == b"-" else int(part) for part in (added, removed)]
    return LineChange(_text(path), counts[0], counts[1])


def _parse_tag(record: str) -> TagRef | None:
    parts = record.lstrip("\n").split("\0")
    if len(parts) < 4 or not parts[1]:
        return None  # a lightweight tag: no version of ours
    name, commit, at, message = parts[:4]
    return TagRef(name.removeprefix("refs/tags/"), commit, message, int(at or 0))
