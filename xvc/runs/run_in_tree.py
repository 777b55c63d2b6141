"""One run in a clean tree of its own, made at a commit and its files, with the data it is to read.

What the run records is its home's; the tree is gone afterwards, whatever happens.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xvc.core.run import DataFile
from xvc.dvc.pointers import SUFFIX, Out
from xvc.errors import NoObject
from xvc.project import Project
from xvc.runs.request import RunRequest
from xvc.runs.run import Ran, read_back, run
from xvc.types import Digest
from xvc.versions.get import obtain
from xvc.worktrees.run_trees import clear_outputs, make_tree_for, place_in, remove_tree_for

if TYPE_CHECKING:
    from xvc.git.worktrees import WorkTree


@dataclass(frozen=True, slots=True)
class CleanTree:
    """A tree that is wanted: what it is called, its commit, its files, and for what."""

    name: str
    base: str
    snapshot: str
    doing: str


def run_in_tree(
    project: Project,
    wanted: CleanTree,
    prepared: Callable[[Project, WorkTree], RunRequest],
    sink: Callable[[int, bytes], None],
    warnings: list[str],
    left: Callable[[Project], None] = lambda _: None,
) -> Ran:
    """Make the tree, have its data and request *prepared* in it, run that, look at what it *left*.

    Raises:
        GitFailed, TreeTaken, LockBusy: no tree can be made.
        NoCommand: the command cannot be started here.
    """
    doing = wanted.doing
    tree, done = make_tree_for(project, wanted.name, wanted.base, wanted.snapshot, doing)
    try:
        warnings += [w for w in done.warnings if w not in warnings]
        there = _project_in(project, tree)
        ran = run(there, prepared(there, tree), sink)
        left(there)
        return read_back(project, ran)
    finally:
        remove_tree_for(project, wanted.name, doing)


def _project_in(project: Project, tree: WorkTree) -> Project:
    folder = tree.path / project.relative(project.root)
    folder.mkdir(parents=True, exist_ok=True)
    return Project.find(folder, project.environment).recorded_in(project)


def clear(project: Project, tree: WorkTree, outs: Iterable[str]) -> None:
    """Take away what lies where a run writes its outputs, named from the project's root."""
    below = project.relative(project.root)
    clear_outputs(project, tree, [place_in(tree, below, out) for out in outs])


def put_data_of(
    project: Project, tree: WorkTree, run_id: str, data: Mapping[str, DataFile]
) -> None:
    """Put the bytes that a run read in place of those that the tree's pointers name."""
    from shutil import copy2

    for path, file in data.items():
        if file.state != "modified":
            continue
        try:
            objects = obtain(project, data_out(run_id, path, file))
        except NoObject:  # who prepares the run has said so
            continue
        for name, place in objects.items():
            (tree.path / name).unlink(missing_ok=True)
            (tree.path / name).parent.mkdir(parents=True, exist_ok=True)
            copy2(place, tree.path / name)
            (tree.path / name).chmod(0o644)


def put_data_here(project: Project, tree: WorkTree, paths: Iterable[str]) -> None:
    """Put the bytes that lie in this work tree, and their pointers."""
    from shutil import copy2, copytree, rmtree

    for path in paths:
        target = tree.path / path
        source = project.git.place.top / path
        pointer = source.with_name(source.name + SUFFIX)
        if target.is_dir() and not target.is_symlink():
            rmtree(target)
        else:
            target.unlink(missing_ok=True)
        if source.is_dir():
            copytree(source, target)
        elif source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            copy2(source, target)
        if pointer.is_file():
            copy2(pointer, target.with_name(target.name + SUFFIX))


def data_out(run_id: str, path: str, file: DataFile) -> Out:
    """Name what a run read as something that can be obtained."""
    return Out(path, Digest(file.digest), f"run {run_id}", file.size)


def in_folder_of(there: Project, folder: str | None, path: str) -> str:
    """Name a path from the project's root as it is named in the folder of a run."""
    return os.path.relpath(there.root / path, there.root / (folder or "."))
