"""TensorBoard: a writer in the place of torch's or tensorboardX's that logs the scalars, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xvc.callbacks.event_files import event_writer
from xvc.callbacks.training_run import TrainingRun
from xvc.tracking.tracker import Tracker

_Writer: Any = event_writer()


class SummaryWriter(_Writer):  # type: ignore[misc]
    """Writes event files as ever, and logs scalars and hyperparameters as rows and params.

    Args:
        log_dir: gets the event files.
        tracker: one of yours; it stays open. None makes one that ends with `close`.
        options: the other arguments of the writer it is in the place of.
    """

    def __init__(
        self, log_dir: str | None = None, *args: Any, tracker: Tracker | None = None, **options: Any
    ) -> None:
        self.run = TrainingRun(tracker, {})
        super().__init__(log_dir, *args, **options)

    def add_scalar(
        self, tag: str, scalar_value: Any, global_step: int | None = None, *args: Any, **more: Any
    ) -> Any:
        """Write and log one number."""
        self.run.log({tag: scalar_value}, **_at(global_step))
        return super().add_scalar(tag, scalar_value, global_step, *args, **more)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        *args: Any,
        **more: Any,
    ) -> Any:
        """Write and log several numbers as one row: ``<main>/<tag>``."""
        row = {f"{main_tag}/{tag}": value for tag, value in tag_scalar_dict.items()}
        self.run.log(row, **_at(global_step))
        return super().add_scalars(main_tag, tag_scalar_dict, global_step, *args, **more)

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        *args: Any,
        **more: Any,
    ) -> Any:
        """Write hyperparameters, and add them to the params of the run."""
        self.run.begin(dict(hparam_dict))
        self.run.log(dict(metric_dict))
        return super().add_hparams(hparam_dict, metric_dict, *args, **more)

    def close(self) -> None:
        """Close the file and end the run."""
        super().close()
        self.run.end()


def _at(step: int | None) -> dict[str, object]:
    return {} if step is None else {"step": step}
