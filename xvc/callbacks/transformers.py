"""Hugging Face: what its Trainer logs, at the steps at which it logs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xvc.callbacks.framework import base_of
from xvc.callbacks.training_run import TrainingRun
from xvc.tracking.tracker import Tracker

_Callback: Any = base_of("transformers", "TrainerCallback")


class TransformersCallback(_Callback):  # type: ignore[misc]
    """Logs a row for each of the Trainer's own: its values, ``step`` and ``epoch``.

    The arguments of the training are params of the run, tokens masked; checkpoints are rows. Only
    the first process of all records. Each ``train`` is a run: also each trial of a search. The
    Trainer tells callbacks of no exception: such a run is failed when the process ends.

    Args:
        tracker: one of yours; it stays open. None makes one that ends with the training.
        options: the arguments of `Tracker`.
    """

    def __init__(self, tracker: Tracker | None = None, **options: object) -> None:
        super().__init__()
        self.run = TrainingRun(tracker, options)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Open the run."""
        if not state.is_world_process_zero:
            return
        if self.run.id is not None:
            self.run.end()  # the trial before, or a training that was stopped
        found: dict[str, object] = {}
        with self.run.harmless():
            found = dict(args.to_sanitized_dict())
            found |= state.trial_params or {}
        self.run.begin(found)

    def on_log(
        self,
        args: Any,
        state: Any,
        control: Any,
        logs: Mapping[str, object] | None = None,
        **_: Any,
    ) -> None:
        """Log a copy of what the Trainer logs."""
        if state.is_world_process_zero and logs:
            at = {"step": state.global_step}
            if state.epoch is not None and "epoch" not in logs:
                at["epoch"] = state.epoch
            self.run.log(dict(logs), **at)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Log where a checkpoint lies."""
        if state.is_world_process_zero:
            place = f"{args.output_dir}/checkpoint-{state.global_step}"
            self.run.log({"checkpoint": place}, step=state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """End the run."""
        if state.is_world_process_zero:
            self.run.end()
