"""What DVC tracks in many commits at once: each tree and each file of git is read a single time.

Neighbours in a history share nearly all of their trees, so a thousand commits cost little more
than one. Reads only.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from xvc.dvc.pointers import SUFFIX, Out, outs_in
from xvc.errors import CorruptError, GitFailed, PointerCorrupt, Unresolved, error
from xvc.git.commands import Git

_AT_ONCE = 2000  # objects asked of git together: their contents lie in memory
_FOLDER = b"40000"
_DVC, _CONFIG = ".dvc", "config"
_DVC_CONFIG = f"{_DVC}/{_CONFIG}"
_READ = ("dvc.lock", "dvc.yaml", _CONFIG)
_HEX = bytes(ord("h") if chr(byte) in "0123456789abcdef" else ord(" ") for byte in range(256))
_RUN = b"h" * 32
_BLOCK, _OVERLAP = 1 << 22, 256

_Files = Mapping[str, str]


@error("unreadable-at")
class UnreadableAt(CorruptError):
    """A pointer that a commit holds cannot be read."""

    path: str
    commit: str
    reason: str
    says = "{path} at {commit:.10} cannot be read: {reason}"
    way = "`git show {commit:.10}:{path}` shows it; nothing was changed."


class Pointers:
    """The pointers in the commits of one repository, remembered as they are read.

    With *root*, the folder of a DVC repository from the top of the tree, only its own count.
    """

    def __init__(self, git: Git, root: str | None = None) -> None:
        self._git, self._root = git, root
        self._trees: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
        self._below: dict[str, _Files] = {}
        self._texts: dict[str, bytes] = {}
        self._outs: dict[tuple[str, ...], list[Out]] = {}

    def outs_of(self, commits: Iterable[str]) -> dict[str, list[Out]]:
        """Map each commit (any name of one) to all that its pointers and locks name.

        Raises:
            UnreadableAt: a pointer cannot be read, or holds merge marks.
            GitFailed: one is no commit here, or an object of git is missing.
        """
        wanted = list(dict.fromkeys(commits))
        files = {commit: self._own(each) for commit, each in self._files_of(wanted).items()}
        self._read_texts({blob for each in files.values() for blob in each.values()})
        return {commit: self._outs_in(commit, each) for commit, each in files.items()}

    def others_in(self, commit: str) -> list[str]:
        """List the folders of other DVC repositories that a commit has pointers in."""
        files = self._files_of([commit])[commit]
        near = (_repository_of(path, files) for path in files if not path.endswith(_DVC_CONFIG))
        found = {folder for folder in near if folder is not None} - {self._root}
        return sorted(found) if self._root is not None else []

    def _own(self, files: _Files) -> _Files:
        """Choose the files of the DVC repository that counts; one inside it is another."""
        configs = {path for path in files if path.endswith(_DVC_CONFIG)}
        if self._root is None or (self._root == "." and configs <= {_DVC_CONFIG}):
            return {path: blob for path, blob in files.items() if path not in configs}
        known = {*configs, _config_in(self._root)}
        return {
            path: blob
            for path, blob in files.items()
            if path not in configs and _repository_of(path, known) == self._root
        }

    def outs_of_files(self, at: str, files: Mapping[str, str]) -> list[Out]:
        """List what the pointers and locks among *files*, blobs by path, name; as `outs_of`.

        Raises:
            UnreadableAt: a pointer cannot be read, or holds merge marks.
            GitFailed: a blob is missing.
        """
        self._read_texts(set(files.values()))
        return self._outs_in(at, files)

    def known(self) -> set[Out]:
        """List every output read so far, each once."""
        return {out for outs in self._outs.values() for out in outs}

    def read(self, commits: Iterable[str]) -> None:
        """Read what commits hold, for `mentioned` only: what cannot be understood does not matter.

        Raises:
            GitFailed: one is no commit here, or an object of git is missing.
        """
        files = map(self._own, self._files_of(list(dict.fromkeys(commits))).values())
        self._read_texts({blob for each in files for blob in each.values()})

    def mentioned(self) -> set[str]:
        """List everything that looks like a digest in any pointer read so far.

        Wider than what `outs_of` understands: what a pipeline depends on, paths out of the tree.
        """
        return set().union(*map(digests_in, self._texts.values()))

    def _files_of(self, commits: Sequence[str]) -> dict[str, _Files]:
        trees = dict(zip(commits, self._tree_ids(commits), strict=True))
        self._read_trees(set(trees.values()))
        return {commit: self._files_below(tree) for commit, tree in trees.items()}

    def _tree_ids(self, commits: Sequence[str]) -> list[str]:
        asked = "".join(f"{commit}^{{tree}}\n" for commit in commits).encode()
        answer = self._git.call("cat-file", "--batch-check=%(objectname)", stdin=asked)
        found = answer.decode().splitlines()
        for commit, line in zip(commits, found, strict=True):
            if line.endswith(" missing"):
                raise GitFailed(("cat-file",), 1, f"{commit} is no commit of this repository")
        return found

    def _read_trees(self, ids: set[str]) -> None:
        waiting = ids - self._trees.keys()
        while waiting:
            below: set[str] = set()
            for tree, content in _contents(self._git, waiting):
                self._trees[tree] = _parsed(content, len(tree) // 2)
                below |= set(self._trees[tree][0].values())
            waiting = below - self._trees.keys()

    def _files_below(self, tree: str) -> _Files:
        if tree not in self._below:
            folders, files = self._trees[tree]
            found = {name: blob for name, blob in files.items() if name != _CONFIG}
            for name, inner in folders.items():
                below = self._files_below(inner)
                found |= {f"{name}/{path}": blob for path, blob in below.items()}
                if name == _DVC and _CONFIG in self._trees[inner][1]:
                    found[_DVC_CONFIG] = self._trees[inner][1][_CONFIG]
            self._below[tree] = found
        return self._below[tree]

    def _read_texts(self, blobs: set[str]) -> None:
        self._texts |= _contents(self._git, blobs - self._texts.keys())

    def _outs_in(self, commit: str, files: _Files) -> list[Out]:
        found: list[Out] = []
        for path in files:
            if not path.endswith("dvc.yaml"):
                found += self._outs_of_file(commit, path, files)
        return found

    def _outs_of_file(self, commit: str, path: str, files: _Files) -> list[Out]:
        """Read one file; a lock's meaning depends on the ``dvc.yaml`` beside it, too."""
        pipeline = str(PurePosixPath(path).with_name("dvc.yaml"))
        key = (path, files[path], files.get(pipeline, "") if path.endswith("dvc.lock") else "")
        if key not in self._outs:
            texts = {name: self._texts[files[name]] for name in (path, pipeline) if name in files}
            try:
                self._outs[key] = outs_in(texts.get, [path])
            except PointerCorrupt as err:
                raise UnreadableAt(path, commit, err.reason) from err
            except Unresolved as err:
                raise UnreadableAt(path, commit, "it holds merge marks") from err
        return self._outs[key]


def _config_in(folder: str) -> str:
    return _DVC_CONFIG if folder == "." else f"{folder}/{_DVC_CONFIG}"


def _repository_of(path: str, files: Container[str]) -> str | None:
    """Name the folder of the nearest DVC repository around a file; None where there is none."""
    folders = map(str, PurePosixPath(path).parents)
    return next((folder for folder in folders if _config_in(folder) in files), None)


def digests_in(text: bytes) -> set[str]:
    """List everything in a text that looks like the name of an object.

    >>> digests_in(b"md5: d41d8cd98f00b204e9800998ecf8427e.dir")
    {'d41d8cd98f00b204e9800998ecf8427e.dir'}
    """
    marked = text.translate(_HEX)
    found: set[str] = set()
    at = marked.find(_RUN)
    while at >= 0:
        end = marked.find(b" ", at + len(_RUN))
        end = len(text) if end < 0 else end
        if end - at == len(_RUN):
            folder = ".dir" if text.startswith(b".dir", end) else ""
            found.add(text[at:end].decode() + folder)
        at = marked.find(_RUN, end)
    return found


def digests_in_file(path: Path) -> set[str]:
    """List the same of a file of any size, and of paths that have an object's name apart.

    Raises:
        OSError: it cannot be read.
    """
    found, rest = set[str](), b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            text = rest + block
            found |= digests_in(text) | digests_in(_unsplit(text))
            rest = text[-_OVERLAP:]  # what was cut in two is whole here
    return found


def _unsplit(text: bytes) -> bytes:
    """Join what the path of an object has apart: ``…/md5/ab/cdef``."""
    at, parts = 0, []
    while (start := text.find(b"/md5/", at)) >= 0:
        parts.append(text[start + 5 : start + 7] + text[start + 8 : start + 42])
        at = start + 5
    return b"\n".join(part.rstrip(b'"\\') for part in parts)


def _contents(git: Git, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    wanted = sorted(ids)
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        answer = git.call("cat-file", "--batch", stdin="".join(f"{i}\n" for i in part).encode())
        at = 0
        for name in part:
            begin = answer.index(b"\n", at) + 1
            words = answer[at:begin].split()
            if words[-1] == b"missing":
                raise GitFailed(("cat-file",), 1, f"object {name} is missing")
            at = begin + int(words[2]) + 1
            yield name, answer[begin : at - 1]


def _parsed(content: bytes, width: int) -> tuple[dict[str, str], dict[str, str]]:
    """Read a tree object: its folders, and those of its files that DVC writes."""
    folders, files, at = {}, {}, 0
    while at < len(content):
        end = content.index(b"\0", at)
        mode, _, raw = content[at:end].partition(b" ")
        name, at = raw.decode("utf-8", "surrogateescape"), end + 1 + width
        if mode == _FOLDER:
            folders[name] = content[end + 1 : at].hex()
        elif mode.startswith(b"100") and (name.endswith(SUFFIX) or name in _READ):
            files[name] = content[end + 1 : at].hex()
    return folders, files
