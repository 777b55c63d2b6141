"""How often the kernel killed for memory around us, from the control group's own counters.

Version 1 and version 2 files; nothing is written and no group is changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def oom_kills(proc: Path = Path("/proc"), mounted: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return how many processes of our control group the kernel has killed for memory.

    None where no counter can be read, as on macOS. In the root group, which has no counter of
    its own, the machine's counts.
    """
    for path in _counters(proc, mounted):
        found = _read_count(path)
        if found is not None:
            return found
    return None


def _counters(proc: Path, mounted: Path) -> Iterator[Path]:
    try:
        memberships = (proc / "self/cgroup").read_text().splitlines()
    except OSError:
        memberships = []
    # A container may show a path that its own mount does not have: then the mount's root is ours.
    for line in sorted(memberships, reverse=True):
        _, controllers, group = line.split(":", 2)
        if "memory" in controllers.split(","):
            yield mounted / "memory" / group.lstrip("/") / "memory.oom_control"
            yield mounted / "memory/memory.oom_control"
        elif not controllers:
            yield mounted / group.lstrip("/") / "memory.events"
            yield mounted / "memory.events"
    yield proc / "vmstat"


def _read_count(path: Path) -> int | None:
    try:
        for line in path.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    except (OSError, ValueError):
        return None
    return None
