"""Stands for xvc in a process of its own: runs one launch, given as JSON, and reports as JSON."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import termios
from dataclasses import asdict
from pathlib import Path

from xvc.system.process import Ladder, Launch, run


def main() -> None:
    ask = json.loads(sys.argv[1])
    if ask["takes_terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    if ask["group"]:
        (Path(ask["group"]) / "cgroup.procs").write_text(str(os.getpid()))
    # A suite started by nohup hands its ignored HUP down.
    signal.signal(signal.SIGHUP, signal.SIG_IGN if ask["ignores_hup"] else signal.SIG_DFL)
    launch = Launch(
        tuple(ask["argv"]),
        Path(ask["folder"]),
        dict(os.environ),
        timeout=ask["timeout"],
        ladder=Ladder(*ask["ladder"]),
    )
    ending = run(launch, sink=write)
    facts = {**asdict(ending), "shell_code": ending.shell_code, "psutil": "psutil" in sys.modules}
    Path(ask["report"]).write_text(json.dumps(facts))


def write(fd: int, chunk: bytes) -> None:
    while chunk:
        chunk = chunk[os.write(fd, chunk) :]


if __name__ == "__main__":
    main()
