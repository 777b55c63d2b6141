"""What judged a run: the files, the data and the definition that must be the same to compare.

The settings name them (``judge:``). Each run's own are read from its snapshot and from the data it
read, so that a run which was judged otherwise is known. Refuses nothing; a run whose code is not
here was judged by what nobody can tell, which is another judge than any that is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from xvc.core.human_units import counted, few_of
from xvc.core.objective import Measure
from xvc.core.run import DataFile, RunRecord, Status
from xvc.core.run_inputs import overlap
from xvc.dvc.pointers import SUFFIX
from xvc.project import Project
from xvc.system.yaml_text import BadYaml, parse_yaml
from xvc.types import RunId

Judge = Mapping[str, str]
"""Each part of a judge, by its path or as ``the definition of METRIC``, with what it was."""

_UNKNOWN = "the code is not here"
_EMPTY = ("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", "d41d8cd98f00b204e9800998ecf8427e")
"""What git and DVC call a file without content: two of them are not one that moved."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Runs that were judged alike, and what is to be said of the others."""

    runs: list[RunRecord]
    others: tuple[RunId, ...] = ()
    warning: str | None = None
    on_other_scale: tuple[RunId, ...] = ()  # some of the others


def judges(project: Project, runs: Sequence[RunRecord]) -> dict[RunId, Judge]:
    """Return what judged each run; empty where the settings name nothing."""
    if not project.settings.has_judge or project.place is None:
        return {}
    git, settings = project.git, project.settings
    commits = {run.id: _commit(run) for run in runs}
    trees = git.trees_of({commit for commit in commits.values() if commit})
    names = [*settings.judge_files, *settings.judge_data]
    parts = dict.fromkeys(project.relative(project.root / name) for name in names)
    code: dict[str, Mapping[str, str]] = {}
    defined: dict[str, Judge] = {}
    found: dict[RunId, Judge] = {}
    for run in runs:
        tree = trees.get(commits[run.id])
        if tree is not None and tree not in code:
            held = git.blobs(tree)
            code[tree] = {name: _files(held, name) for name in parts}
            defined[tree] = _definitions(project, tree)
        data = {name: _data(run.data, name) for name in parts}
        if tree is None:
            found[run.id] = {_UNKNOWN: run.id, **data}
            continue
        kept = {name: f"{code[tree][name]}\n{data[name]}".strip() for name in parts}
        kept = {name: each or _data(run.outs, name) for name, each in kept.items()}
        found[run.id] = {**kept, **defined[tree]}
    _find_what_moved(project, runs, found, {run: trees.get(each) for run, each in commits.items()})
    _say_what_nothing_holds(project, list(parts), found.values())
    return found


def _find_what_moved(
    project: Project,
    runs: Sequence[RunRecord],
    found: dict[RunId, Judge],
    trees: Mapping[RunId, str | None],
) -> None:
    """Take a part that a run has under another name for the part: its content is what judged."""
    known: dict[str, dict[str, None]] = {}
    for judge in found.values():
        for part, held in judge.items():
            if held and part != _UNKNOWN:
                known.setdefault(part, {})[held] = None
    blobs: dict[str, Mapping[str, str]] = {}
    for run in runs:
        tree, judge = trees[run.id], found[run.id]
        if tree is None or all(len(known.get(part, ())) < 1 + bool(judge[part]) for part in judge):
            continue
        blobs[tree] = blobs[tree] if tree in blobs else project.git.blobs(tree)
        data = {path: file.identity for path, file in run.data.items()}
        everywhere = {**blobs[tree], **data}
        moved = {}
        for part, held in judge.items():
            own = dict(map(_cut, held.splitlines()))
            for text in sorted(known.get(part, ())):  # the same one, whichever run came first
                is_of_it = not own or len(own) == len(text.splitlines())
                if is_of_it and is_held_elsewhere(text, part, own or everywhere):
                    moved[part] = text
                    break
        found[run.id] = {**judge, **moved}


def is_held_elsewhere(text: str, name: str, held: Mapping[str, str]) -> bool:
    r"""Whether all that a part of a judge holds lies under other names, a folder's in one folder.

    >>> is_held_elsewhere("eval.py 1", "eval.py", {"lib/score.py": "1"})
    True
    >>> is_held_elsewhere("a/x 1\na/y 2", "a", {"b/x": "1", "b/y": "2"})
    True
    >>> is_held_elsewhere("a/x 1\na/y 2", "a", {"b/y": "1", "b/x": "2"})
    False
    """
    parts = [_cut(line) for line in text.splitlines()]
    if len(parts) == 1 and parts[0][0] == name:
        return not _is_empty(parts[0][1]) and parts[0][1] in held.values()
    if all(_is_empty(content) for _, content in parts):
        return False
    within = [(path.removeprefix(f"{name}/"), content) for path, content in parts]
    first, content = within[0]
    homes = [
        path.removesuffix(first)
        for path, own in held.items()
        if own == content and (path == first or path.endswith(f"/{first}"))
    ]
    return any(all(held.get(home + path) == own for path, own in within) for home in homes)


def _cut(line: str) -> tuple[str, str]:
    """Part a path, which may have blanks, from its content: a digest, or git's mode and object."""
    path, _, content = line.rpartition(" ")
    if path.endswith((" blob", " commit")):
        path, mode, kind = path.rsplit(" ", 2)
        content = f"{mode} {kind} {content}"
    return path, content


def _is_empty(content: str) -> bool:
    return content.endswith(_EMPTY)


def _say_what_nothing_holds(
    project: Project, parts: Iterable[str], known: Collection[Judge]
) -> None:
    """Warn, once, of names that judge none of the runs: they would be judged alike by nothing."""
    here = [judge for judge in known if _UNKNOWN not in judge]
    nowhere = [part for part in parts if not any(judge[part] for judge in here)]
    if not here or not nowhere:
        return
    said = (
        f"judge: neither git nor DVC holds {few_of(nowhere)} for these runs, so a change of it is "
        "not seen; correct the name in xvc.yaml, or let git or DVC track it"
    )
    warnings = project.keeper.warnings
    warnings += [said] if said not in warnings else []


def _commit(run: RunRecord) -> str:
    return run.code.snapshot or ("" if run.code.is_dirty else run.code.commit or "")


def _files(blobs: Mapping[str, str], name: str) -> str:
    """What git holds of a name, without that by which DVC keeps data: `_data` tells of that."""
    held = [
        f"{path} {blob}"
        for path, blob in blobs.items()
        if _is_in(path, name) and (path == name or not path.endswith((SUFFIX, ".gitignore")))
    ]
    return "\n".join(sorted(held))


def _data(files: Mapping[str, DataFile], name: str) -> str:
    held = [
        f"{path} {file.identity}"
        for path, file in files.items()
        if overlap(path, name) or _is_in(path, name)
    ]
    return "\n".join(sorted(held))


def _is_in(path: str, name: str) -> bool:
    """Whether a path is that file, lies in that folder, or fits that pattern.

    >>> _is_in("eval/a.py", "eval"), _is_in("eval/a.py", "**/a.py"), _is_in("a.py", "eval/*.py")
    (True, True, False)
    """
    if name in (".", path) or path.startswith(f"{name.rstrip('/')}/"):
        return True
    if not any(sign in name for sign in "*?["):  # most names: no path is taken apart for them
        return False
    patterns = {name, name.replace("**/", "")}
    above = [path, *(str(folder) for folder in PurePosixPath(path).parents)][:-1]
    return any(fnmatchcase(each, pattern) for pattern in patterns for each in above)


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


def judged_alike(
    project: Project, runs: Sequence[RunRecord], measure: Measure | None = None
) -> Judged:
    """Keep the runs that were judged as the newest of them was.

    By a *measure* those are left out, too, that seem to have percentages of it where the newest of
    the rest has fractions, or the other way round.
    """
    judged = _by_one_judge(project, runs)
    if measure is None:
        return judged
    alike, others = measure.on_one_scale(judged.runs)
    if not others:
        return judged
    warning = on_another_scale(measure.metric, [run.id for run in others])
    said = warning if judged.warning is None else f"{judged.warning}; {warning}"
    scaled = tuple(run.id for run in others)
    return Judged(alike, (*judged.others, *scaled), said, scaled)


def on_another_scale(metric: str, others: Sequence[str], what: str = "run") -> str:
    """Say that these are not ranked with the newest, which is on another scale."""
    return (
        f"{metric} seems to be in percent in some {what}s and a fraction in others; "
        f"{counted(len(others), what)} on another scale than the newest and not ranked with it: "
        f"{few_of(others)}"
    )


def _by_one_judge(project: Project, runs: Sequence[RunRecord]) -> Judged:
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
