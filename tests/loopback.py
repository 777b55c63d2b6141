"""A SLURM cluster of one node on this machine, as whoever runs the tests; nothing of it stays."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo")
MISSING = [name for name in PROGRAMS if shutil.which(name) is None]

# Neither munge nor cgroups: who may talk to it is settled by where it listens.
_CONF = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/none
CredType=cred/none
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def slurm_cluster() -> Iterator[Path]:
    """Start a controller and a node that takes two jobs; yields what SLURM_CONF is to be."""
    with ExitStack() as held:
        # Not below tmp_path: slurmd has sockets here, and their names may be 107 bytes long.
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="slurm-")))
        conf = folder / "slurm.conf"
        controller, node = _free_ports()
        conf.write_text(
            _CONF.format(
                host=socket.gethostname().partition(".")[0],
                user=pwd.getpwuid(os.getuid()).pw_name,
                folder=folder,
                controller=controller,
                node=node,
            )
        )
        for name in ("state", "spool"):
            (folder / name).mkdir()
        environment = {**os.environ, "SLURM_CONF": str(conf)}
        for daemon in ("slurmctld", "slurmd"):
            held.callback(_end, _started(daemon, folder, environment))
        _wait(folder, environment, ("sinfo", "--noheader", "--format=%T"), "idle")
        held.callback(_empty, folder, environment)
        yield conf


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _started(daemon: str, folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with (folder / f"{daemon}.out").open("wb") as out:
        return subprocess.Popen([daemon, "-D"], env=environment, stdout=out, stderr=out)


def _end(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    daemon.wait(timeout=30)


def _empty(folder: Path, environment: dict[str, str]) -> None:
    subprocess.run(["scancel", "--me"], env=environment, check=False)
    _wait(folder, environment, ("squeue", "--noheader"), "")


def _wait(folder: Path, environment: dict[str, str], words: tuple[str, ...], answer: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        told = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        if told.returncode == 0 and told.stdout.strip() == answer:
            return
        if time.monotonic() > deadline:
            logs = "\n".join(log.read_text() for log in folder.glob("slurm*.log"))
            raise AssertionError(f"{words} said {told.stdout!r} {told.stderr!r}\n{logs}")
        time.sleep(0.1)
