"""Which params files a command has never opened: what they say is none of its params.

Asks the kernel, not the code: a params.yaml that was forgotten beside a configuration of Hydra
looks like any other. Nothing is known of a file that something opened, be it git or an editor, nor
of one that was replaced meanwhile or that other machines read; DVC reads params for its own stages.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from xvc.core.human_units import few_of
from xvc.recording.unheld_files import CompiledFiles
from xvc.runs.pipeline_runs import reproduces
from xvc.system.file_watch import OPENED, READ, FileWatch, is_local
from xvc.system.written_files import Stamp, stamp_of

_PYTHON = ".py"


class ParamsWatch:
    """Watches params files from its making until it is asked or closed.

    Args:
        command: what is about to run.
        files: params files and where the command finds what they say: there, or in a copy, too;
            our own reading of them has to be done.
        environment: that of the command.
    """

    def __init__(
        self,
        command: Sequence[str],
        files: Mapping[Path, Sequence[Path]],
        environment: Mapping[str, str],
    ) -> None:
        self._stamps: dict[Path, dict[Path, tuple[str, Stamp | None]]] = {}
        self._opened_as: dict[Path, list[str]] = {}
        compiled = CompiledFiles(environment.get("PYTHONPYCACHEPREFIX", ""))
        for path, places in () if reproduces(command) else files.items():
            lies = {place: os.path.realpath(place) for place in places}
            if all(map(is_local, lies.values())):
                self._stamps[path] = {place: (real, stamp_of(real)) for place, real in lies.items()}
                made = compiled.of(Path(lies[path])) if path.suffix == _PYTHON else []
                self._opened_as[path] = [*lies.values(), *made]
        watched = [name for names in self._opened_as.values() for name in names]
        self._watch = FileWatch(watched, OPENED | READ, once=True)

    def unopened(self) -> list[Path]:
        """List the files that nobody opened or read, and end the watching."""
        found = [path for path in self._stamps if self._is_unopened(path)]
        self._watch.close()
        return found

    def _is_unopened(self, path: Path) -> bool:
        is_same = all(
            os.path.realpath(place) == real and stamp_of(real) == stamp
            for place, (real, stamp) in self._stamps[path].items()
        )
        return is_same and all(map(self._watch.saw_nothing, self._opened_as[path]))

    def close(self) -> None:
        """Watch no more."""
        self._stamps.clear()
        self._watch.close()


def without_its_params(name: str, keys: Sequence[str]) -> str:
    """Say that a file was not opened, and what follows."""
    return (
        f"{name}: the command never opened it, so what it says ({few_of(keys)}) is kept apart and "
        "counts as no params of the run"
    )
