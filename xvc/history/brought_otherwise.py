"""Versions whose change HEAD has without their commits: squashed, rebased, or picked.

Told from what HEAD's commits did and said since the version was made. A branch that is merely not
merged has none of that; a version of which HEAD's commits say nothing, and that changed no code, is
taken for one of those while some branch here has it. Reads only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from xvc.core.code_files import is_source
from xvc.core.model import RESULTS
from xvc.core.tag_message import VersionInfo
from xvc.dvc.pointers import SUFFIX, is_lock
from xvc.dvc.repository import pointer_of
from xvc.errors import GitFailed
from xvc.git.commands import Git
from xvc.git.history import CommittedFiles, LineCounts, committed_files, line_counts
from xvc.project import Project
from xvc.recording.begin_run import metrics_files

_MOST = 1000  # commits that are looked at on either side
_TEXTS = (".yaml", ".yml", ".toml", ".cfg", ".ini", ".md")  # read beside sources; data is not
_MOST_PAIRS = 500  # changes of files of which the lines are compared

Pair = tuple[str, str]
Steps = dict[str, list[Pair]]
"""By path, what commits did to it, one after the other: the blob before, and after."""


@dataclass(frozen=True, slots=True)
class _Branch:
    """A version apart from HEAD: what it and the commits before it did to files of the project."""

    info: VersionInfo
    message: str
    pointer: str | None
    code: Steps


@dataclass(frozen=True, slots=True)
class _Open:
    """A version, the changes whose bytes HEAD never had, and what HEAD did to the same files."""

    name: str
    rest: Steps
    others: Steps

    def pairs(self) -> Iterator[Pair]:
        """Yield all that is to be compared."""
        for steps in self.rest.values():
            yield from [_whole(steps), *steps]
        for steps in self.others.values():
            yield from steps

    def is_alike(self, path: str, changes: Mapping[Pair, LineCounts]) -> bool:
        """Whether HEAD has the same change of a file, at once or step by step."""
        had = [changes[pair] for pair in self.others[path]]
        whole, steps = _whole(self.rest[path]), self.rest[path]
        ways = ([changes[whole]], [changes[pair] for pair in steps])
        return any(changes[whole]) and any(all(each in had for each in way) for way in ways)


def _whole(steps: Sequence[Pair]) -> Pair:
    return steps[0][0], steps[-1][1]


def brought_otherwise(
    project: Project, apart: Sequence[VersionInfo], lost: Collection[str]
) -> set[str]:
    """Name the versions of *apart*, which HEAD does not reach, whose change is in HEAD.

    Of those that *lost* names, made in another clone, only the tag is left: their branch was merged
    and deleted, or never shared. Such a one is taken for merged unless it changed code and HEAD has
    not touched a file of that since. Any is, if a commit of HEAD that is no older than it

    - says the version's own message, or that it took its commit, as picks and squashes do, or
    - had the version's store, which something later replaced, or
    - with others made the same of every file of code that the branch had changed: its bytes, or,
      where HEAD had changed the file, too, the same lines gone and come.

    Raises:
        GitFailed: git cannot list the commits.
    """
    git, store = project.git, project.relative(pointer_of(project.store_path))
    known = committed_files(git, [info.commit for info in apart], without="HEAD", most=_MOST)
    if len(known) == _MOST:  # of some, not all commits are known
        return {info.name for info in apart if info.name in lost}
    own = _own_paths(project)
    branches = [_branch(known, info, store, own) for info in apart]
    paths = {store, *(path for branch in branches for path in branch.code)}
    since = min(info.at for info in apart)
    here = committed_files(git, ["HEAD"], since=since, paths=paths, most=_MOST)
    here = [commit for commit in here if commit.parents]  # a first, or cut off, commit has all
    found, open_ones = set[str](), list[_Open]()
    for branch in branches:
        later = [commit for commit in here if commit.at >= branch.info.at]
        if any(_says(commit, branch) or _has_store(commit, store, branch) for commit in later):
            found.add(branch.info.name)
        elif branch.info.name in lost:
            is_touched = any(path in commit.blobs for commit in later for path in branch.code)
            found |= {branch.info.name} if is_touched or not branch.code else set()
        elif branch.code:
            made = {(path, new) for commit in later for path, (_, new) in commit.blobs.items()}
            rest = {p: steps for p, steps in branch.code.items() if (p, steps[-1][1]) not in made}
            others = {path: [c.blobs[path] for c in later if path in c.blobs] for path in rest}
            if all(others[path] and (is_source(path) or path.endswith(_TEXTS)) for path in rest):
                open_ones.append(_Open(branch.info.name, rest, others))
    return found | _alike(git, open_ones)


def _alike(git: Git, open_ones: Sequence[_Open]) -> set[str]:
    """Name those all of whose files somebody changed alike since then."""
    pairs = {pair for each in open_ones for pair in each.pairs()}
    whole = {each.name for each in open_ones if not each.rest}
    try:
        changes = line_counts(git, pairs if len(pairs) <= _MOST_PAIRS else ())
    except GitFailed:  # a partial clone without these files, and its remote does not answer
        return whole
    if len(changes) < len(pairs):
        return whole
    return {
        each.name for each in open_ones if all(each.is_alike(path, changes) for path in each.rest)
    }


def _branch(
    known: Sequence[CommittedFiles], info: VersionInfo, store: str, own: frozenset[str]
) -> _Branch:
    """Sum up the commits that lead to a version, whose parents come first in *known*."""
    reached = {info.commit}
    for commit in reversed(known):
        reached |= {*commit.parents} if commit.id in reached else set()
    its = [commit for commit in known if commit.id in reached]
    files: Steps = {}
    for commit in its:
        for path, pair in commit.blobs.items():
            files.setdefault(path, []).append(pair)
    message = its[-1].message.partition("\n")[0].strip() if its else ""
    code = {
        path: steps
        for path, steps in files.items()
        if steps[0][0] != steps[-1][1] and _is_code(path, own, info.message.data)
    }
    is_its_own = message.startswith(f"{info.name}:")
    pointer = files[store][-1][1] if store in files else None
    return _Branch(info, message if is_its_own else "", pointer, code)


def _own_paths(project: Project) -> frozenset[str]:
    """Name what a version's commit brings beside the code; with a slash, all below it."""
    folders = [project.relative(project.root / folder) + "/" for folder in RESULTS]
    return frozenset([*map(project.relative, metrics_files(project)), *folders])


def _is_code(path: str, own: frozenset[str], data: Iterable[str]) -> bool:
    """Whether a path is of the code, or the pointer of an input: no result of a run."""
    if path.endswith(SUFFIX):
        return path.removesuffix(SUFFIX) in data
    if is_lock(path) or PurePosixPath(path).name == ".gitignore" or path in own:
        return False
    return not any(path.startswith(each) for each in own if each.endswith("/"))


def _has_store(commit: CommittedFiles, store: str, branch: _Branch) -> bool:
    return store in commit.blobs and commit.blobs[store][1] == branch.pointer


def _says(commit: CommittedFiles, branch: _Branch) -> bool:
    """Whether a commit's message has that of a version in a line, or its commit as one it took."""
    lines = {line.strip().removeprefix("* ") for line in commit.message.split("\n")}
    taken = (f"{words} {branch.info.commit}" for words in ("commit", "(cherry picked from commit"))
    if any(each in lines or f"{each})" in lines for each in taken):
        return True
    return branch.message != "" and branch.message in lines
