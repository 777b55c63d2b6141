"""Runs of DVC pipelines: their data and outputs are those of the lock as the run left it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import dropwhile

from xvc.core.run import DataFile
from xvc.core.run_inputs import overlap
from xvc.dvc.pipeline import frozen_outs
from xvc.dvc.stages_as_locked import stages_as_locked
from xvc.errors import BadValue
from xvc.git.snapshot import RUNS, Snapshot, tree_with
from xvc.project import Project
from xvc.recording.begin_run import file_params, lock_files, looked_at
from xvc.types import Json

_REPRODUCE = ("repro", "reproduce", "exp", "experiments")
_PARTIAL = ("--single-item", "--downstream", "--allow-missing")
"""With these, and with ``-s``, DVC passes over stages before the one that is asked for."""


@dataclass(frozen=True, slots=True)
class PipelineResult:
    """What a pipeline left: its part of the run's data, its results, and its locks' texts.

    ``stale`` are the paths that the stages made before, and that count no more; ``params`` what
    params files say otherwise since the run began, as after ``dvc exp run -S``; ``done`` the
    stages that are as their lock says, None where all are.
    """

    data: Mapping[str, DataFile] = field(default_factory=dict)
    outs: Mapping[str, DataFile] = field(default_factory=dict)
    locks: Mapping[str, bytes] = field(default_factory=dict)
    stale: frozenset[str] = frozenset()
    params: Mapping[str, Json] = field(default_factory=dict)
    done: frozenset[str] | None = None


class PipelineWatch:
    """The locks of a project before a run, to be compared with those after it."""

    def __init__(self, project: Project, command: tuple[str, ...]) -> None:
        self._project = project
        self._is_asked = reproduces(command)
        self._is_partial = any(map(_leaves_out, command))
        self._is_whole = self._is_asked and not self._is_partial and not _names_stages(command)
        self._before = _texts(project)
        self._params = file_params(project, []) if self._is_asked else {}

    def _as_made(
        self, data: Mapping[str, DataFile], began: Mapping[str, DataFile]
    ) -> dict[str, DataFile]:
        """Mark what the run made itself: what it changed, and what DVC held against its sources."""
        held = self._is_asked and not self._is_partial
        frozen = frozen_outs(self._project.pipelines()) if held else frozenset()
        return {
            path: replace(
                file,
                is_made=(held and path not in frozen)
                or path not in began
                or began[path].identity != file.identity,
            )
            for path, file in data.items()
        }

    def left(
        self, began: Mapping[str, DataFile], *, is_finished: bool = True
    ) -> PipelineResult | None:
        """Read what the pipelines left; None where the run was none of theirs.

        Where the run did not come to its end, or was of some stages only, the lock says of others
        what they left before it: what the disk does not bear out is then no result of this run.

        Args:
            began: the data as the run began.
            is_finished: whether the run came to a good end.
        """
        after = _texts(self._project)
        if not after or (after == self._before and not self._is_asked):
            return None
        found = self._project.survey()
        made = {out.path for out in found.outs if out.is_made}
        data, done = self._project.data_inputs(found), None
        if not (is_finished and self._is_whole):
            done = self._as_locked(after)
            data = self._on_disk(data, made, {path for stage, path in found.needs if stage in done})
            found.outs = [out for out in found.outs if not out.stage or out.stage in done]
        read = {path for _, path in found.needs}
        given = {p: file for p, file in data.items() if p in began and p in read and p not in made}
        return PipelineResult(
            data={
                **looked_at(self._project, given),  # the run itself may have changed it before
                **self._as_made({p: file for p, file in data.items() if p in made}, began),
            },
            outs=self._project.pipeline_outs(found),
            locks=after,
            stale=frozenset(made),
            params=self._set_since(),
            done=done,
        )

    def _as_locked(self, locks: Mapping[str, bytes]) -> frozenset[str]:
        pipelines, look = self._project.pipelines(), partial(looked_at, self._project)
        return frozenset(stages_as_locked(self._project.top, locks, pipelines, look))

    def _on_disk(
        self, data: Mapping[str, DataFile], made: Collection[str], read: Collection[str]
    ) -> dict[str, DataFile]:
        """Leave out what stages made that is there no more, unless one that is done has read it."""
        there = {p: f for p, f in data.items() if p in made and (self._project.top / p).exists()}
        looked = looked_at(self._project, there)
        held = {path for path, file in looked.items() if file.state is None or path in read}
        return {p: looked.get(p, f) for p, f in data.items() if p not in made or p in held}

    def _set_since(self) -> dict[str, Json]:
        now = file_params(self._project, []) if self._is_asked else {}
        return {key: value for key, value in now.items() if self._params.get(key) != value}


def _texts(project: Project) -> dict[str, bytes]:
    return {project.relative(path): path.read_bytes() for path in lock_files(project)}


def reproduces(command: Iterable[str]) -> bool:
    words = [posixpath.basename(word) for word in command]
    return "dvc" in words and any(word in _REPRODUCE for word in words)


def _leaves_out(word: str) -> bool:
    return word in _PARTIAL or (re.fullmatch("-[a-zA-Z]*s[a-zA-Z]*", word) is not None)


def _names_stages(command: Iterable[str]) -> bool:
    """Whether words stand behind ``dvc repro`` that are no options: targets, as far as one knows.

    >>> _names_stages(["dvc", "repro", "-q"]), _names_stages(["dvc", "repro", "train"])
    (False, True)
    >>> _names_stages(["dvc", "repro", "run"]), _names_stages(["dvc", "exp", "run", "-f"])
    (True, False)
    """
    words = dropwhile(lambda word: posixpath.basename(word) != "dvc", command)
    behind = [*dropwhile(lambda word: word not in _REPRODUCE, words)]
    is_exp = behind[:1] in (["exp"], ["experiments"]) and behind[1:2] == ["run"]
    return not behind or any(not word.startswith("-") for word in behind[1 + is_exp :])


def keep_locks(project: Project, run: str, snapshot: Snapshot, left: PipelineResult) -> None:
    """Keep the locks with the code of the run, under its ref, for a version that comes later."""
    git, scratch = project.git, project.room.scratch
    base = git.tree_of(snapshot.commit)
    tree = tree_with(git, scratch, base, left.locks)
    if tree != base:
        message = f"locks of run {run} as it left them\n"
        commit = git.make_commit(tree, [snapshot.commit], message, ours=True)
        git.keep(RUNS + run, commit)


def refuse_overlaps(project: Project, outs: Iterable[str]) -> None:
    """Look, before anything runs, whether DVC could track these outputs, named from the root.

    Raises:
        BadValue: one is part of what DVC tracks already, or holds it.
    """
    made = project.stage_outs()
    tracked = {out.path: out.said_by for out in project.survey().outs if not out.is_made}
    for out in outs:
        path = project.relative(project.root / out)
        for other, by in {**tracked, **made}.items():
            if other != path and overlap(other, path):
                what = f"stage {by.partition(':')[2]}" if other in made else by
                raise BadValue(
                    "--out",
                    f"{out} overlaps {other} of {what}, and DVC tracks a file once; "
                    f"name {other} itself, or another place",
                )
