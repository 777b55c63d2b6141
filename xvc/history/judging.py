"""What judged a run: the files, the data and the definition that must be the same to compare.

The settings name them (``judge:``). Each run's own are read from its snapshot and from the data it
read, so that a run which was judged otherwise is known. Refuses nothing; a run whose code is not
here was judged by what nobody can tell, which is another judge than any that is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xvc.core.human_units import counted
from xvc.core.run import RunRecord, Status
from xvc.core.run_inputs import overlap
from xvc.git.history import trees_of
from xvc.project import Project
from xvc.system.yaml_text import BadYaml, parse_yaml
from xvc.types import RunId

Judge = Mapping[str, str]
"""Each part of a judge, by its path or as ``the definition of METRIC``, with what it was."""

_UNKNOWN = "the code is not here"


@dataclass(frozen=True, slots=True)
class Judged:
    """Runs that were judged alike, and what is to be said of the others."""

    runs: list[RunRecord]
    others: tuple[RunId, ...] = ()
    warning: str | None = None


def has_judge(project: Project) -> bool:
    """Whether the settings name what must be the same."""
    settings = project.settings
    return bool(settings.judge_files or settings.judge_data or settings.judge_metrics)


def judges(project: Project, runs: Sequence[RunRecord]) -> dict[RunId, Judge]:
    """Return what judged each run; empty where the settings name nothing."""
    if not has_judge(project) or project.place is None:
        return {}
    git, settings = project.git, project.settings
    commits = {run.id: _commit(run) for run in runs}
    trees = trees_of(git, {commit for commit in commits.values() if commit})
    files = [project.relative(project.root / name) for name in settings.judge_files]
    known: dict[str, Judge] = {}
    found: dict[RunId, Judge] = {}
    for run in runs:
        tree = trees.get(commits[run.id])
        if tree is not None and tree not in known:
            known[tree] = {**_files(git.blobs(tree), files), **_definitions(project, tree)}
        code: Judge = {_UNKNOWN: run.id} if tree is None else known[tree]
        found[run.id] = {**code, **_data(project, run)}
    return found


def _commit(run: RunRecord) -> str:
    return run.code.snapshot or ("" if run.code.is_dirty else run.code.commit or "")


def _files(blobs: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        held = [f"{path} {blob}" for path, blob in blobs.items() if _is_in(path, name)]
        found[name] = "\n".join(sorted(held))
    return found


def _is_in(path: str, name: str) -> bool:
    return name in (".", path) or path.startswith(f"{name.rstrip('/')}/")


def _data(project: Project, run: RunRecord) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in project.settings.judge_data:
        path = project.relative(project.root / name)
        held = [f"{p} {f.identity}" for p, f in run.data.items() if overlap(p, path)]
        found[path] = "\n".join(sorted(held))
    return found


def _definitions(project: Project, tree: str) -> dict[str, str]:
    """Read how the settings of a tree define the metrics."""
    if not project.settings.judge_metrics:
        return {}
    path = project.relative(project.root / "xvc.yaml")
    text = project.git.read(tree, path)
    try:
        settings = parse_yaml(text) if text is not None else {}
    except BadYaml:
        settings = {}
    said = settings.get("judge") if isinstance(settings, dict) else None
    defined = said.get("metrics") if isinstance(said, dict) else None
    held = defined if isinstance(defined, dict) else {}
    return {
        f"the definition of {metric}": str(held.get(metric, ""))
        for metric in project.settings.judge_metrics
    }


def differing(one: Judge | None, other: Judge | None) -> list[str]:
    """Name the parts by which two judges differ; none where nothing is named as a judge.

    >>> differing({"evaluate.py": "a", "test": "b"}, {"evaluate.py": "c", "test": "b"})
    ['evaluate.py']
    """
    one, other = one or {}, other or {}
    if one.get(_UNKNOWN) != other.get(_UNKNOWN):
        return [_UNKNOWN]
    return [part for part in {**one, **other} if one.get(part) != other.get(part)]


def unlike(project: Project, one: RunRecord, other: RunRecord) -> list[str]:
    """Name what judged two runs differently."""
    known = judges(project, [one, other])
    return differing(known.get(one.id), known.get(other.id))


def judged_alike(project: Project, runs: Sequence[RunRecord]) -> Judged:
    """Keep the runs that were judged as the newest of them was."""
    known = judges(project, runs)
    done = [run for run in runs if run.status is Status.FINISHED]
    if not known or not done:
        return Judged(list(runs))
    newest = max(done, key=lambda run: (run.started or 0, run.id))
    differences = {run.id: differing(known.get(newest.id), known.get(run.id)) for run in runs}
    others = tuple(run for run, parts in differences.items() if parts)
    if not others:
        return Judged(list(runs))
    parts = dict.fromkeys(part for run in others for part in differences[run])
    warning = (
        f"{counted(len(others), 'run')} judged otherwise than {newest.id} "
        f"({', '.join([*parts][:3])}) and not ranked with it: {', '.join(others[:3])}"
        f"{' …' if len(others) > 3 else ''}"
    )
    return Judged([run for run in runs if not differences[run.id]], others, warning)
