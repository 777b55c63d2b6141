"""Runs in other trackers: Weights & Biases, MLflow, TensorBoard, through their public functions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from xvc.backends.base import FINISHED, BackendMissing, ExperimentTracker, TrackingConfig

_STATES = {"finished": "FINISHED", "failed": "FAILED", "killed": "KILLED"}


def _package(name: str, available: str, extra: str) -> Any:
    """Reach a tool by its name in `xvc.backends`, where somebody may have put another."""
    backends = import_module("xvc.backends")
    if not getattr(backends, available):
        raise BackendMissing(_lacking() if name == "SummaryWriter" else name, extra)
    return getattr(backends, name)


def _lacking() -> str:
    """Name what TensorBoard's writer lacks: TensorBoard alone only reads."""
    return "tensorboard" if find_spec("tensorboard") is None else "tensorboardX beside tensorboard"


class _Hosted(ExperimentTracker):
    """What all of them share: what is logged is recorded first, then handed to the tool."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers; see `ExperimentTracker.log_metrics`."""
        self._expect_named("log_metrics", metrics)
        at = self._next_step(step)
        self._record_row(metrics, at)
        self._send_metrics(metrics, at)

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log params; see `ExperimentTracker.log_params`."""
        self._expect_named("log_params", params)
        self._record_params(params)
        self._send_params(params)

    def log_artifact(
        self,
        artifact_path: str,
        artifact_name: str | None = None,
        artifact_type: str | None = None,
    ) -> None:
        """Hand a file or a folder to the tool; see `ExperimentTracker.log_artifact`."""
        self._expect_run()
        self._record_artifact(artifact_path, artifact_name)
        name = artifact_name or Path(artifact_path).name
        self._send_artifact(artifact_path, name, artifact_type or "file")

    @abstractmethod
    def _send_metrics(self, metrics: Mapping[str, float], step: int) -> None: ...

    @abstractmethod
    def _send_params(self, params: Mapping[str, object]) -> None: ...

    @abstractmethod
    def _send_artifact(self, path: str, name: str, kind: str) -> None: ...


class WandBTracker(_Hosted):
    """Runs in Weights & Biases; with *run_id* one that is there goes on.

    Args:
        project: takes the place of the configuration's.
        entity: the team.
        config: project, name, tags and notes.
        wandb_kwargs: handed to ``wandb.init``, like ``mode="offline"``.

    Raises:
        BackendMissing: wandb is not installed.
    """

    _of_a_run = (*ExperimentTracker._of_a_run, "_run", "_target")

    def __init__(
        self,
        project: str | None = None,
        entity: str | None = None,
        config: TrackingConfig | None = None,
        **wandb_kwargs: object,
    ) -> None:
        self._wandb()
        super().__init__(config)
        if project is not None:
            self.config.project = project
        self.entity, self.wandb_kwargs = entity, wandb_kwargs
        self._run: Any = None
        self._target: Any = None  # what has `log`, `watch` and `finish`: a nested run, or wandb

    @staticmethod
    def _wandb() -> Any:
        return _package("wandb", "WANDB_AVAILABLE", "wandb")

    def start_run(
        self, run_name: str | None = None, run_id: str | None = None, nested: bool = False
    ) -> str:
        """Begin a run; one that is open ends first unless the new one is *nested* in it."""
        self._end_open(nested=nested)
        wanted: dict[str, object] = {
            "project": self.config.project,
            "entity": self.entity,
            "name": run_name or self.config.experiment_name,
            "tags": self.config.tags,
            "notes": self.config.notes,
            **self.wandb_kwargs,
        }
        if run_id is not None:
            wanted |= {"id": run_id, "resume": "allow"}
        is_inner = self._run_active
        if is_inner:
            wanted = {"reinit": "create_new", **wanted}
        wandb = self._wandb()
        begin = vars(wandb).get("xvc_init", wandb.init)  # a configured series would record it, too
        run = begin(**wanted)
        self._begin(str(run.id))
        self._run, self._target = run, run if is_inner else wandb
        return str(run.id)

    def end_run(self, status: str = FINISHED) -> None:
        """End the run; wandb is told 0 for one that finished, else 1."""
        if self._run_active:
            self._target.finish(exit_code=0 if status == FINISHED else 1)
            self._run = None
            self._finish(status)

    def _send_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        self._target.log(dict(metrics), step=step)

    def _send_params(self, params: Mapping[str, object]) -> None:
        self._target.config.update(dict(params))

    def _send_artifact(self, path: str, name: str, kind: str) -> None:
        artifact = self._wandb().Artifact(name, type=kind)
        add = artifact.add_dir if Path(path).is_dir() else artifact.add_file
        add(path)
        self._target.log_artifact(artifact)

    def log_table(
        self,
        table_name: str,
        data: Sequence[Mapping[str, object]],
        columns: Sequence[str] | None = None,
    ) -> None:
        """Log rows as a table; its columns are those of the first row, or *columns*."""
        self._expect_run()
        if not data:
            return
        named = list(columns or data[0])
        table = self._wandb().Table(columns=named)
        for row in data:
            table.add_data(*(row.get(column) for column in named))
        self._target.log({table_name: table})

    def watch_model(self, model: object, log_freq: int = 100) -> None:
        """Have gradients and weights of a model logged at every *log_freq*-th step."""
        self._expect_run()
        self._target.watch(model, log_freq=log_freq)


class MLflowTracker(_Hosted):
    """Runs in MLflow, which keeps params as text.

    Args:
        tracking_uri: where its server or folder is; None is what MLflow itself is told.
        experiment_name: takes the place of the configuration's.
        config: project, name, tags and notes.

    Raises:
        BackendMissing: mlflow is not installed.
    """

    def __init__(
        self,
        tracking_uri: str | None = None,
        experiment_name: str | None = None,
        config: TrackingConfig | None = None,
    ) -> None:
        mlflow = self._mlflow()
        super().__init__(config)
        if experiment_name is not None:
            self.config.experiment_name = experiment_name
        self.tracking_uri = tracking_uri
        self._experiment_id: str | None = None  # by this name insideLLMs' own programs read it
        if tracking_uri is not None:
            mlflow.set_tracking_uri(tracking_uri)

    @property
    def experiment_id(self) -> str | None:
        """MLflow's id of the experiment that the last run was begun in; None before one."""
        return self._experiment_id

    @staticmethod
    def _mlflow() -> Any:
        return _package("mlflow", "MLFLOW_AVAILABLE", "mlflow")

    def start_run(
        self, run_name: str | None = None, run_id: str | None = None, nested: bool = False
    ) -> str:
        """Begin a run in the experiment of the configuration."""
        self._end_open(nested=nested)
        mlflow = self._mlflow()
        mlflow.set_experiment(self.config.experiment_name or self.config.project)
        run = mlflow.start_run(
            run_id=run_id,
            run_name=run_name,
            nested=nested,
            tags=dict.fromkeys(self.config.tags, "true") or None,
            description=self.config.notes,
        )
        self._experiment_id = run.info.experiment_id
        return self._begin(str(run.info.run_id))

    def end_run(self, status: str = FINISHED) -> None:
        """End the run as finished, failed or killed."""
        if self._run_active:
            self._mlflow().end_run(status=_STATES.get(status, "FINISHED"))
            self._finish(status)

    def _send_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        self._mlflow().log_metrics(dict(metrics), step=step)

    def _send_params(self, params: Mapping[str, object]) -> None:
        self._mlflow().log_params({name: str(value) for name, value in params.items()})

    def _send_artifact(self, path: str, name: str, kind: str) -> None:
        self._mlflow().log_artifact(path)  # MLflow keeps it under the name that it has

    def log_model(self, model: object, model_name: str, model_flavor: str = "pyfunc") -> None:
        """Log a model as *model_flavor*: pytorch, tensorflow, sklearn or pyfunc."""
        self._expect_run()
        mlflow = self._mlflow()
        if model_flavor == "pyfunc":
            mlflow.pyfunc.log_model(model_name, python_model=model)
        else:
            getattr(mlflow, model_flavor).log_model(model, model_name)

    def register_model(self, model_uri: str, model_name: str) -> None:
        """Enter a logged model into MLflow's registry."""
        self._mlflow().register_model(model_uri, model_name)


class TensorBoardTracker(_Hosted):
    """Runs as event files that TensorBoard reads, through torch's or tensorboardX's writer.

    Args:
        log_dir: gets a folder for each run.
        config: the name of a run that is given none.

    Raises:
        BackendMissing: neither torch with tensorboard nor tensorboardX is installed.
    """

    _of_a_run = (*ExperimentTracker._of_a_run, "_writer")

    def __init__(
        self, log_dir: str | Path = "./runs", config: TrackingConfig | None = None
    ) -> None:
        self._new_writer()
        super().__init__(config)
        self.log_dir = log_dir
        self._writer: Any = None

    @staticmethod
    def _new_writer() -> Any:
        return _package("SummaryWriter", "TENSORBOARD_AVAILABLE", "tensorboard")

    def start_run(
        self, run_name: str | None = None, run_id: str | None = None, nested: bool = False
    ) -> str:
        """Begin a run in a folder of its name."""
        self._end_open(nested=nested)
        name = run_name or run_id or self.config.experiment_name or datetime.now().isoformat()
        writer = self._new_writer()(log_dir=f"{self.log_dir}/{name}")
        self._begin(name)
        self._writer = writer
        return name

    def end_run(self, status: str = FINISHED) -> None:
        """End the run and close its file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._finish(status)

    def _send_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)

    def _send_params(self, params: Mapping[str, object]) -> None:
        self._writer.add_text("params", "\n".join(f"{k}: {v}" for k, v in params.items()))

    def _send_artifact(self, path: str, name: str, kind: str) -> None:
        self._writer.add_text(f"artifact/{name}", path)  # TensorBoard keeps no files

    def log_histogram(self, tag: str, values: Sequence[float], step: int | None = None) -> None:
        """Log the distribution of values; without *step* at the next one."""
        self._expect_run()
        self._writer.add_histogram(tag, values, self._step if step is None else step)
