"""Who holds something: a process, named so that no other ever answers to the name.

A process number alone comes again; together with the start of the machine and of the process it
does not.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from xvc.errors import BadValue
from xvc.system.process_tree import boot_id, started_at


@dataclass(frozen=True, slots=True)
class Owner:
    """One process of one start of one host; ``started`` in a unit of the platform's own."""

    boot: str
    pid: int
    started: int
    host: str

    @classmethod
    def parse(cls, text: str) -> Owner:
        """Read what ``str`` wrote.

        >>> Owner.parse("b1 42 7 lab").pid
        42

        Raises:
            BadValue: *text* has another shape.
        """
        parts = text.split(" ")
        if len(parts) != 4 or not (parts[1].isdecimal() and parts[2].isdecimal()):
            raise BadValue("owner", f"{text!r} is not the record of a process")
        boot, pid, started, host = parts
        return cls("" if boot == "-" else boot, int(pid), int(started), host)

    def __str__(self) -> str:
        return f"{self.boot or '-'} {self.pid} {self.started} {self.host}"


def current_owner() -> Owner:
    """Return the record of this process."""
    pid = os.getpid()
    return Owner(boot_id(), pid, started_at(pid) or 0, _host())


def is_alive(owner: Owner) -> bool | None:
    """Return whether *owner* still runs; None when that cannot be known from here.

    It cannot on another host, nor from another container of this one.
    """
    here = boot_id()
    if owner.host != _host() or not owner.boot or not here:
        return None
    if owner.boot != here:
        is_same_start = owner.boot.partition(".")[0] == here.partition(".")[0]
        return None if is_same_start else False
    return started_at(owner.pid) == owner.started


def _host() -> str:
    return os.uname().nodename.replace(" ", "_") or "-"
