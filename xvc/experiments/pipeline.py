"""Pipelines: stages in order, each a run of its own with its own metrics."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from xvc.errors import BadValue
from xvc.experiments.experiment import HOME, Experiment, begin
from xvc.system.files import write_durably


@dataclass(frozen=True)
class Stage:
    """A stage that has ended: its name, what came before it, its run, how it went."""

    name: str
    after: tuple[str, ...]
    run: str
    status: str
    seconds: float


class ExperimentPipeline:
    """A pipeline of stages; each is a run called ``<pipeline>/<stage>``.

    The order is kept in ``pipeline.json`` in the folder of the pipeline, and in each stage's
    params: ``pipeline``, ``stage``, ``stage_number`` and ``after``.

    Args:
        name: what to call it.
        folder: holds the folders of pipelines and series.

    >>> import os, tempfile
    >>> os.chdir(tempfile.mkdtemp())
    >>> pipeline = ExperimentPipeline("recommend")
    >>> with pipeline.stage("features") as stage:
    ...     stage.log_metric("num_features", 12)
    >>> with pipeline.stage("training") as stage:
    ...     stage.log_metric("accuracy", 0.9)
    >>> [(each.name, each.after, each.status) for each in pipeline.stages]
    [('features', (), 'finished'), ('training', ('features',), 'finished')]
    """

    def __init__(self, name: str, *, folder: str | Path | None = None) -> None:
        self.name, self._folder = name, folder
        self._stages: list[Stage] = []

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that have ended, in the order in which they began."""
        return tuple(self._stages)

    @contextmanager
    def stage(self, name: str, after: str | Sequence[str] | None = None) -> Iterator[Experiment]:
        """Run a stage: what happens in the ``with`` block is one run.

        Args:
            name: what to call it.
            after: the stages that it needs; the one before it unless given.

        Raises:
            BadValue: *after* names no stage that has ended, or *name* was used before.
        """
        known = [each.name for each in self._stages]
        if name in known:
            raise BadValue("stage", f"{name!r} has run already in this pipeline")
        given = (after,) if isinstance(after, str) else after
        needed = tuple(known[-1:] if given is None else given)
        unknown = [each for each in needed if each not in known]
        if unknown:
            raise BadValue("after", f"names {unknown[0]!r}, which is no stage that has ended")
        made, began = begin(name, self.name, self._folder), time.time()
        order = {"pipeline": self.name, "stage": name, "stage_number": len(known) + 1}
        made.log_params({**order, "after": ", ".join(needed) or None})
        try:
            yield made
        except BaseException as err:
            made.end(err)
            raise
        else:
            made.end()
        finally:
            self._note(
                Stage(
                    name=name,
                    after=needed,
                    run=made.run_id,
                    status=made.status,
                    seconds=time.time() - began,
                )
            )

    def _note(self, stage: Stage) -> None:
        self._stages.append(stage)
        facts = [asdict(each) for each in self._stages]
        home = (Path(self._folder) if self._folder else HOME) / self.name
        text = json.dumps({"pipeline": self.name, "stages": facts}, indent=2)
        write_durably(home / "pipeline.json", text.encode())
