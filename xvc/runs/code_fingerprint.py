"""What tells the code of one run from that of another: its files, without documents and our own.

Params files are none of it: what they say are the run's params.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from xvc.core.run import RunRecord
from xvc.dvc.pointers import SUFFIX
from xvc.git.history import trees_of
from xvc.project import Project
from xvc.recording.begin_run import declared_names
from xvc.types import RunId
from xvc.versions.base import Passed, own_paths


def fingerprints(project: Project, runs: Sequence[RunRecord]) -> dict[RunId, str]:
    """Return a digest of each run's code; a run whose code is not in this clone has none."""
    if project.place is None:
        return {}
    commits = {run.id: _commit(run) for run in runs}
    trees = trees_of(project.git, {commit for commit in commits.values() if commit})
    blobs = {tree: project.git.blobs(tree) for tree in set(trees.values())}
    digests: dict[tuple[str, frozenset[str]], str] = {}
    documents = project.settings.tag_ignore
    own: dict[tuple[str, ...], frozenset[str]] = {}
    params = {project.relative(project.root / name) for name in declared_names(project)}
    found: dict[RunId, str] = {}
    for run in runs:
        tree = trees.get(commits[run.id])
        if tree is None:
            continue
        declared = (*sorted(run.outs), "", *sorted(run.data))
        if declared not in own:
            own[declared] = own_paths(project, run) | {path + SUFFIX for path in run.data}
            own[declared] |= params
        key = (tree, own[declared])
        if key not in digests:
            digests[key] = _digest(blobs[tree], Passed(own[declared], documents))
        found[run.id] = digests[key]
    return found


def _commit(run: RunRecord) -> str:
    return run.code.snapshot or ("" if run.code.is_dirty else run.code.commit or "")


def _digest(blobs: Mapping[str, str], own: Passed) -> str:
    whole = sha256()
    for path, blob in sorted(blobs.items()):
        if not own.holds(path):
            whole.update(f"{path}\0{blob}\0".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()
