"""What tells the code of one run from that of another: its files, without documents and our own.

Params files are none of it, unless they could not be read in full: what they say are the run's
params. Nor are the settings of git, DVC and xvc, and of dvc.yaml the artifacts, which
`xvc model promote` writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import PurePosixPath

from xvc import config
from xvc.core.byte_text import as_given
from xvc.core.run import RunRecord
from xvc.dvc.artifacts import without_artifacts
from xvc.dvc.pipeline import FILE as PIPELINE
from xvc.dvc.pointers import SUFFIX
from xvc.errors import BadValue
from xvc.git.tree_objects import TreeEntry, read_trees
from xvc.project import Project
from xvc.recording.begin_run import apart, declared_names
from xvc.types import Json, RunId
from xvc.versions.base import PathsWithoutCode, paths_without_code


def fingerprints(project: Project, runs: Sequence[RunRecord]) -> dict[RunId, str]:
    """Return a digest of each run's code; a run whose code is not known or not here has none."""
    if project.place is None:
        return {}
    trees = code_trees(project, runs)
    digests = CodeDigests(project, trees.values())
    return {
        run.id: f"{digests.of(trees[run.id], run)}{beside}"
        for run in runs
        if run.id in trees and (beside := run.code.beside) is not None
    }


def code_trees(project: Project, runs: Sequence[RunRecord]) -> dict[RunId, str]:
    """Map runs to the trees of their code; a run whose code is not in this clone is left out."""
    if project.place is None:
        return {}
    commits = {run.id: _commit(run) for run in runs}
    trees = project.git.trees_of({commit for commit in commits.values() if commit})
    return {run: trees[commit] for run, commit in commits.items() if commit in trees}


_SETTINGS = (".gitattributes", ".gitignore", ".dvcignore", ".worktreeinclude")
"""Files that say, in any folder, how others are kept."""


class CodeDigests:
    """Digests of trees as this or that run looks at them: its own outputs are no code.

    Folders that many trees share are read and looked at once: of 500 runs that each changed one
    file, a repository of 300 files has some 1,000 objects to read, not 150,000.
    """

    def __init__(self, project: Project, trees: Iterable[str]) -> None:
        self._project = project
        self._entries = read_trees(project.git, trees)
        self._pipelines = self._read_pipelines()
        named = declared_names(project)
        self._params = {project.relative(project.root / name) for name in named}
        places = (project.root / config.FILE, project.root / ".dvc" / "config")
        self._settings = {project.relative(place) for place in places}
        self._own: dict[tuple[str, ...], PathsWithoutCode] = {}
        self._known: dict[tuple[str, str, PathsWithoutCode], str] = {}

    def of(self, tree: str, run: RunRecord) -> str:
        """Return the digest of a tree without what is *run*'s own, and without documents."""
        unread = {as_given(path) for path in run.code.unread}
        declared = (*sorted(run.outs), "", *sorted(run.data), "", *sorted(unread))
        if declared not in self._own:
            passed = paths_without_code(self._project, run)
            data = {path + SUFFIX for path in run.data}
            own = passed.own | data | (self._params - unread) | self._settings
            self._own[declared] = replace(passed, own=own)
        return self._digest(tree, "", self._own[declared])

    def said_by_files(self, tree: str, other: str) -> set[str]:
        """Name the params that params files of *tree* say; not of those that *other* has alike."""
        held = {path: self._object(tree, path) for path in self._params}
        fresh = {p: o for p, o in held.items() if o and o != self._object(other, p)}
        texts = self._project.git.read_each(sorted(set(fresh.values())))
        top, said = self._project.top, dict[str, Mapping[str, Json]]()
        for path, name in fresh.items():
            from xvc.system.value_files import told_in  # late: loads yaml

            with suppress(BadValue):
                found = told_in(PurePosixPath(path), partial(bytes, texts[name] or b""))
                said[os.path.relpath(top / path, self._project.root)] = found.values
        return {*apart(said)}

    def _object(self, tree: str, path: str) -> str | None:
        for name in path.split("/"):
            held = {each.name: each.object for each in self._entries.get(tree, ())}
            if name not in held:
                return None
            tree = held[name]
        return tree

    def _digest(self, tree: str, above: str, passed: PathsWithoutCode) -> str:
        key = (tree, above, passed)
        if key not in self._known:
            lines = [
                f"{each.name}\0{each.mode}\0{said}\0"
                for each in self._entries.get(tree, ())
                if (said := self._said(each, above, passed))
            ]
            text = "".join(lines).encode("utf-8", "surrogateescape")
            self._known[key] = sha256(text).hexdigest() if lines else ""
        return self._known[key]

    def _said(self, entry: TreeEntry, above: str, passed: PathsWithoutCode) -> str:
        """Tell an entry's content; empty text for what is no code, an empty folder too."""
        path = above + entry.name
        if entry.is_folder:
            return self._digest(entry.object, f"{path}/", passed)
        if entry.name in _SETTINGS or passed.holds(path):
            return ""
        return self._pipelines.get(entry.object, entry.object)

    def _read_pipelines(self) -> dict[str, str]:
        """Digest what each dvc.yaml says beside its artifacts."""
        files = {
            each.object
            for entries in self._entries.values()
            for each in entries
            if each.name == PIPELINE and not each.is_folder
        }
        held = self._project.git.read_each(sorted(files))
        rests = {name: without_artifacts(text) for name, text in held.items() if text is not None}
        return {name: sha256(rest).hexdigest() if rest else "" for name, rest in rests.items()}


def _commit(run: RunRecord) -> str:
    return run.code.snapshot or ("" if run.code.is_dirty else run.code.commit or "")
