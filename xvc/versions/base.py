"""What a version's commit is built on: HEAD, or the run's snapshot beside the branch.

Never code that did not make the result: where that cannot be known, it is refused. Reads only.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from xvc.core.code_files import is_document
from xvc.core.model import RESULTS
from xvc.core.run import ABSENT, MODIFIED, DataFile, RunRecord
from xvc.core.run_inputs import overlap
from xvc.dvc.artifacts import is_same_pipeline
from xvc.dvc.pipeline import FILE, read_pipeline, stage_outs
from xvc.dvc.pointers import SUFFIX, is_lock
from xvc.dvc.repository import pointer_of
from xvc.errors import ConflictError, CorruptError, PipelineCorrupt, TreeDiffers, Unresolved, error
from xvc.git.commands import Git, TreeState
from xvc.git.snapshot import RUNS, tree_now
from xvc.project import Project, is_below
from xvc.recording.begin_run import lock_files, metrics_files


@error("branch-moved")
class BranchMoved(ConflictError):
    """The branch has other commits than when the run began."""

    run: str
    branch: str
    says = "{branch} has moved since run {run}, so its code cannot be put on top"
    way = "`xvc tag --run {run}` tags the run's code beside the branch."


@error("code-incomplete")
class CodeIncomplete(ConflictError):
    """Some of the code that ran could not be held in the run's snapshot."""

    run: str
    paths: tuple[str, ...]
    says = "the code of run {run} is incomplete: {paths:3} could not be held"
    way = (
        "If that does not matter, `xvc tag --incomplete --run {run}` tags it; else have git track "
        "it, `git add -f {paths}`, and run again."
    )


@error("data-differs")
class DataDiffers(ConflictError):
    """Some of the data that a run read was not what its pointers name, or was not there."""

    run: str
    paths: tuple[str, ...]
    says = "the data of run {run} was not what its pointers name: {paths:3}"
    way = (
        "`xvc pull` puts the data of the pointers in place, `dvc add {paths}` records what is "
        "there; then run again. As it was, `xvc tag --incomplete --run {run}` tags it."
    )


@error("code-unknown")
class CodeUnknown(ConflictError):
    """The run's code was not kept, and HEAD is not it."""

    run: str
    says = "the code of run {run} could not be kept, so no version can name it"
    way = "Run it again: what was in the way was said at its end."


@error("code-absent")
class CodeAbsent(ConflictError):
    """The run's code is in another repository or clone."""

    run: str
    commit: str
    says = "the code of run {run}, commit {commit:.10}, is not in this repository"
    way = "Tag it where it ran; or call `xvc push --runs` there and `xvc pull --runs` here."


def refuse_incomplete(record: RunRecord) -> None:
    """Refuse a run whose record is known to lack what it used.

    Raises:
        CodeIncomplete: some of its code could not be held.
        DataDiffers: some of its data was not what the pointers name.
    """
    if record.code.incomplete:
        raise CodeIncomplete(record.id, record.code.incomplete)
    other = tuple(path for path, file in record.data.items() if file.state in (MODIFIED, ABSENT))
    if other:
        raise DataDiffers(record.id, other)


@dataclass(frozen=True, slots=True)
class Base:
    """What the version's commit is built on."""

    tree: str
    parent: str | None
    branch: str | None
    on_head: bool


def base_of(project: Project, record: RunRecord, *, is_named: bool, wants_commit: bool) -> Base:
    """Decide which code a version of this run holds, and whether the branch gets it.

    Args:
        project: where.
        record: the run.
        is_named: whether the caller named it; then the tree need not be as the run saw it.
        wants_commit: whether the run's code is to be committed to the branch.

    Raises:
        TreeDiffers: the code in the tree is not what the run used.
        CodeUnknown: the run's code was not kept.
        CodeAbsent: it was kept, but not in this repository.
        BranchMoved: a commit is wanted, and the branch has moved.
    """
    git = project.git
    state = git.state()
    head_tree = git.tree_of(state.commit) if state.commit else git.empty_tree()
    snapshot = record.code.snapshot
    kept = snapshot or record.code.commit
    if kept not in (None, state.commit) and git.commit_of(kept) is None:
        raise CodeAbsent(record.id, kept)
    own = paths_without_code(project, record)
    if snapshot is None:
        _refuse_unknown_code(git, record, head_tree, own)
        return Base(head_tree, state.commit, state.branch, on_head=True)
    tree = git.tree_of(snapshot)
    is_beside = bool(_differing(git, head_tree, tree, own))
    if not is_named and not (is_beside and wants_commit):
        _refuse_other_code(project, record, state, own)
    if not is_beside:
        return Base(head_tree, state.commit, state.branch, on_head=True)
    if not wants_commit:
        return Base(tree, record.code.commit, None, on_head=False)
    was = record.code.commit
    if state.commit != was and (not was or _differing(git, git.tree_of(was), head_tree, own)):
        raise BranchMoved(record.id, state.branch or "HEAD")
    return Base(tree, state.commit, state.branch, on_head=True)


def _refuse_unknown_code(
    git: Git, record: RunRecord, head_tree: str, own: PathsWithoutCode
) -> None:
    """Refuse a run without a snapshot, unless its tree was HEAD or it ran outside git."""
    commit = record.code.commit
    if commit is None:
        return
    if record.code.is_dirty or _differing(git, git.tree_of(commit), head_tree, own):
        raise CodeUnknown(record.id)


def own_paths(project: Project, record: RunRecord) -> frozenset[str]:
    """Name the paths that a version writes itself, or that the run wrote and declared.

    What versions of other projects in the tree write is as little its code. One that ends with a
    slash stands for all below it.
    """
    paths = [
        *map(pointer_of, places_of(project, record)),
        *metrics_files(project),
        *lock_files(project),
    ]
    paths += [place.with_name(".gitignore") for place in places_of(project, record)]
    folders = [f"{project.relative(project.root / folder)}/" for folder in RESULTS]
    store = project.own_pointers()
    folders += [*store, *(f"{path}/" for path in store)]  # not ignored without `xvc init`
    for other in project.others():  # its runs change them, not the code
        other.tolerate_settings()
        paths += [*metrics_files(other), *lock_files(other)]
        folders += [f"{project.relative(other.root / folder)}/" for folder in RESULTS]
    return frozenset([*(project.relative(path) for path in paths), *folders])


def is_own(path: str, own: frozenset[str]) -> bool:
    """Whether a path is one of `own_paths`."""
    return path in own or any(path.startswith(each) for each in own if each.endswith("/"))


@dataclass(frozen=True, slots=True)
class PathsWithoutCode:
    """The paths whose change is none of the code: `own_paths`, and documents by pattern.

    In the folders of ``others``, which are other projects, what DVC and git keep their data by.
    """

    own: frozenset[str]
    documents: tuple[str, ...] = ()
    others: frozenset[str] = frozenset()

    def holds(self, path: str) -> bool:
        """Whether a path is one of them."""
        return (
            is_own(path, self.own)
            or is_document(path, self.documents)
            or (path.endswith((SUFFIX, ".gitignore")) and is_below(path, self.others))
        )


def paths_without_code(
    project: Project, *records: RunRecord, documents: bool = True
) -> PathsWithoutCode:
    """Name what is none of the code of these runs."""
    own = frozenset[str]().union(*(own_paths(project, record) for record in records))
    others = frozenset(project.relative(other.root) for other in project.others())
    return PathsWithoutCode(own, project.settings.tag_ignore if documents else (), others)


def code_changes(project: Project, record: RunRecord, old: str, new: str) -> tuple[str, ...]:
    """Name the files of code in which two trees differ; what is *record*'s own is none."""
    passed = paths_without_code(project, record)
    data = frozenset(path + SUFFIX for path in record.data)
    passed = replace(passed, own=passed.own | data)
    return tuple(_differing(project.git, old, new, passed))


def _differing(git: Git, old: str, new: str, own: PathsWithoutCode) -> list[str]:
    found = [change.path for change in git.changes(old, new) if not own.holds(change.path)]
    return [path for path in found if not _is_named_model(git, old, new, path)]


def _is_named_model(git: Git, old: str, new: str, path: str) -> bool:
    """Whether all that a promotion has changed in this file is the name of a model."""
    if PurePosixPath(path).name != FILE:
        return False
    try:
        return is_same_pipeline(git.read(old, path), git.read(new, path))
    except CorruptError:
        return False


def _refuse_other_code(
    project: Project, record: RunRecord, state: TreeState, own: PathsWithoutCode
) -> None:
    """Compare the tree as it is with the tree that the run saw."""
    git = project.git
    seen = git.blobs(git.tree_of(record.code.snapshot or ""))
    now = tree_now(git, state, project.room.scratch, lambda path: path in seen)
    blobs = git.blobs(now)
    changed = [
        path
        for path in _differing(git, git.tree_of(record.code.snapshot or ""), now, own)
        if not _left_by_run(record, path, blobs)
    ]
    if changed:
        raise TreeDiffers(record.id, tuple(changed))


def _left_by_run(record: RunRecord, path: str, blobs: dict[str, str]) -> bool:
    if path not in record.touched:
        return False
    blob = record.touched[path]
    return blobs.get(path) is None if blob is None else (blobs.get(path) or "").endswith(blob)


def pointers_of(project: Project, record: RunRecord) -> list[Path]:
    outs = [project.root / out for out in pointed_outs(project, record)]
    return [pointer_of(place) for place in [*_own_places(project), *outs]]


def pointed_outs(
    project: Project, record: RunRecord, tree: str | None = None
) -> dict[str, DataFile]:
    """Choose the outputs of a run that have pointers; the outputs of pipeline stages have none.

    Args:
        project: where.
        record: of the run.
        tree: the git tree of the code that made them; its pipelines count like those of now.
    """
    if not record.outs:
        return {}
    made = set(project.stage_outs())
    names = project.pipelines() if tree is not None else ()
    for name in names:
        with contextlib.suppress(PipelineCorrupt, Unresolved):
            there = read_pipeline(lambda path: project.git.read(tree or "", path), name)
            made |= stage_outs({name: there}).keys()
    return {
        out: file
        for out, file in record.outs.items()
        if not any(overlap(project.relative(project.root / out), other) for other in made)
    }


def kept_locks(project: Project, record: RunRecord) -> dict[str, bytes]:
    """Read the locks of pipelines that a run left, where they were kept with its code."""
    git, ref, snapshot = project.git, RUNS + record.id, record.code.snapshot
    if snapshot is None or git.commit_of(ref) is None or git.commit_of(snapshot) is None:
        return {}
    texts = {path: git.read(ref, path) for path in git.between(snapshot, ref) if is_lock(path)}
    return {path: text for path, text in texts.items() if text is not None}


def _own_places(project: Project) -> list[Path]:
    folder = project.assets.folder
    assets = [folder] if folder.is_dir() or pointer_of(folder).exists() else []
    return [project.store_path, *assets]


def places_of(project: Project, record: RunRecord) -> list[Path]:
    return [*_own_places(project), *(project.root / out for out in record.outs)]
