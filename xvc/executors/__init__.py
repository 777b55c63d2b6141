"""What runs the trials of a sweep, by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from xvc.core.job import Executor
from xvc.core.sweep import Wish
from xvc.executors.local import LocalExecutor
from xvc.executors.shipping import Away
from xvc.types import Json

NAMES = ("local", "dask", "slurm")


def executor_named(
    wish: Wish, folder: Path, environment: Mapping[str, str], away: Away | None = None
) -> Executor:
    """Open the executor that a sweep wishes for.

    Args:
        wish: its ``executor`` is one of `NAMES`; so many places as it has jobs.
        folder: of the sweep, for what an executor keeps on the disk.
        environment: what trials on this machine get.
        away: what machines get that do not share our disk; None when they do.

    Raises:
        NoPackage: what the executor needs is not installed.
        NoScheduler: there is no Dask scheduler at the address.
        NoCluster: SLURM cannot be used from here.
        BadOptions: SLURM has no such option.
    """
    match wish.executor:
        case "dask":
            from xvc.executors.dask import DaskExecutor  # late: local sweeps need nothing of it

            return DaskExecutor(wish.address, wish.jobs, away)
        case "slurm":
            from xvc.executors.slurm import SlurmExecutor  # late: as above

            cluster, options = _cluster(wish)
            return SlurmExecutor(_files(folder), wish.jobs, cluster=cluster, options=options)
        case _:
            return LocalExecutor(wish.jobs, environment)


def check_executor(wish: Wish) -> None:
    """Check that the executor of a sweep can be opened; nothing is, and nothing is left.

    Raises:
        NoPackage: what the executor needs is not installed.
        NoScheduler: there is no Dask scheduler at the address.
        NoCluster: SLURM cannot be used from here.
        BadOptions: SLURM has no such option.
    """
    match wish.executor:
        case "dask":
            from xvc.executors import dask  # late: as above

            dask.check(wish.address)
        case "slurm":
            from xvc.executors import slurm  # late: as above

            slurm.check(*_cluster(wish))


def end_elsewhere(folder: Path) -> None:
    """Have what a cluster was given of a sweep end; what stands in its queue never begins."""
    from xvc.executors.slurm import ask_to_end  # late: as above

    ask_to_end(_files(folder))


def _cluster(wish: Wish) -> tuple[str, dict[str, Json]]:
    options = {key: value for key, value in wish.slurm.items() if key != "cluster"}
    return str(wish.slurm.get("cluster", "slurm")), options


def _files(folder: Path) -> Path:
    return folder / "submitit"
