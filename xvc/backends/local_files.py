"""Runs as folders of JSON files: no server, no package.

``<output_dir>/<project>/<run>/`` has metadata.json, params.json, metrics.json, artifacts.json,
final_state.json and the copies of the artifacts. Metrics and params are written when the run ends;
in a project of xvc each of them is in its store at once.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xvc.backends.base import FINISHED, ExperimentTracker, TrackingConfig
from xvc.errors import BadValue, NotFoundError, error
from xvc.system.files import write_durably

_PARTS = ("metadata", "metrics", "params", "artifacts", "final_state")


@error("run-folder-missing")
class RunFolderMissing(NotFoundError, FileNotFoundError):
    """No run of that name lies in the folder of the project."""

    run: str
    folder: str
    says = "Run not found: {run} is not in {folder}"
    way = "`list_runs()` names those that are there."


class LocalFileTracker(ExperimentTracker):
    """Writes each run into a folder of its own.

    Args:
        output_dir: holds a folder for each project.
        config: the project, and the name of a run that is given none.
    """

    _of_a_run = (*ExperimentTracker._of_a_run, "_metadata", "_metrics", "_params", "_artifacts")

    def __init__(
        self, output_dir: str | Path = "./experiments", config: TrackingConfig | None = None
    ) -> None:
        super().__init__(config)
        self.output_dir = Path(output_dir)
        self._metadata: dict[str, object] = {}
        self._metrics: list[dict[str, object]] = []
        self._params: dict[str, object] = {}
        self._artifacts: list[dict[str, object]] = []

    def start_run(
        self, run_name: str | None = None, run_id: str | None = None, nested: bool = False
    ) -> str:
        """Begin a run, or go on with the one that has *run_id*.

        The name of a run that is there gets a number: nothing is overwritten.

        Raises:
            BadValue: the name is no name of a folder.
        """
        self._end_open(nested=nested)
        name = run_name or self.config.experiment_name or f"{datetime.now():%Y%m%d_%H%M%S}"
        chosen = _folder_name(run_id) if run_id else self._free(_folder_name(name))
        self._place(chosen).mkdir(parents=True, exist_ok=True)
        earlier: dict[str, Any] = self.load_run(chosen)
        metadata = {
            "run_id": chosen,
            "run_name": name,
            "project": self.config.project,
            "experiment_name": self.config.experiment_name,
            "tags": list(self.config.tags),
            "notes": self.config.notes,
            "parent": self._run_id if self._run_active else None,
            "started_at": earlier.get("metadata", {}).get("started_at") or _now(),
            "status": "running",
        }
        self._write("metadata", metadata, chosen)
        self._begin(chosen, earlier.get("final_state", {}).get("total_steps", 0))
        self._metadata, self._metrics = metadata, earlier.get("metrics", [])
        self._params, self._artifacts = earlier.get("params", {}), earlier.get("artifacts", [])
        return chosen

    def end_run(self, status: str = FINISHED) -> None:
        """End the run and write its files; without a run nothing happens."""
        if not self._run_active or self._run_id is None:
            return
        end = {"status": status, "ended_at": _now()}
        counts = {"total_steps": self._step, "metrics_count": len(self._metrics)}
        for part, value in (
            ("metrics", self._metrics),
            ("params", self._params),
            ("artifacts", self._artifacts),
            ("final_state", end | counts),
            ("metadata", self._metadata | end),
        ):
            self._write(part, value, self._run_id)
        self._finish(status)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers; without *step* the tracker counts.

        Raises:
            NoActiveRun: no run was begun.
        """
        self._expect_named("log_metrics", metrics)
        at = self._next_step(step)
        row = {"metrics": dict(metrics), "step": at, "timestamp": _now()}
        self._metrics.append(row)
        self._record_row(metrics, at)

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log params; a later value of a name takes the place of an earlier one.

        Raises:
            NoActiveRun: no run was begun.
        """
        self._expect_named("log_params", params)
        self._params.update(params)
        self._record_params(params)

    def log_artifact(
        self,
        artifact_path: str,
        artifact_name: str | None = None,
        artifact_type: str | None = None,
    ) -> None:
        """Copy a file or a folder into the run, as *artifact_name* where that is given.

        Raises:
            NoActiveRun: no run was begun.
            BadValue: the name leads out of the run.
            FileNotFoundError: nothing is at the path.
        """
        self._expect_run()
        source = Path(artifact_path)
        name = artifact_name or source.name or "artifact"
        target = _free_path(self._place(self._run_id or "") / "artifacts" / _inside(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
        self._artifacts.append(
            {
                "name": name,
                "type": artifact_type or "file",
                "path": str(target),
                "original_path": str(artifact_path),
                "timestamp": _now(),
            }
        )
        self._record_artifact(str(source), name)

    def load_run(self, run_id: str) -> dict[str, object]:
        """Read a run: what is there of metadata, metrics, params, artifacts and final_state.

        Raises:
            RunFolderMissing: there is no such run.
        """
        folder = self._place(_folder_name(run_id))
        if not folder.is_dir():
            raise RunFolderMissing(run_id, str(folder.parent))
        files = {part: folder / f"{part}.json" for part in _PARTS}
        return {
            part: json.loads(file.read_text(encoding="utf-8"))
            for part, file in files.items()
            if file.exists()
        }

    def list_runs(self) -> list[str]:
        """Name the runs of the project, in the order of their names."""
        home = self.output_dir / self.config.project
        return sorted(p.name for p in home.iterdir() if p.is_dir()) if home.is_dir() else []

    def _place(self, run_id: str) -> Path:
        return self.output_dir / self.config.project / run_id

    def _free(self, name: str) -> str:
        return _free_path(self._place(name)).name

    def _write(self, part: str, value: object, run_id: str) -> None:
        text = json.dumps(value, indent=2, default=str, ensure_ascii=False)
        write_durably(self._place(run_id) / f"{part}.json", text.encode(errors="backslashreplace"))


def _folder_name(name: str) -> str:
    if name in ("", ".", "..") or os.sep in name or "\0" in name:
        raise BadValue(name, "is no name of a folder; it may have no slash")
    return name


def _inside(name: str) -> Path:
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise BadValue(name, "leads out of the run's artifacts; give a name without `..`")
    return path


def _free_path(path: Path) -> Path:
    found, number = path, 1
    while found.exists():
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat()
