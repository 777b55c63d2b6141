"""Figures of use that the kernel hands over when a process ends, and how two views combine.

Pure but for the size of a block: what the kernel counts, in the units of `ResourceUsage`.
"""

from __future__ import annotations

import sys
from resource import struct_rusage
from typing import TypeVar

from xvc.core.run import ResourceUsage

_Number = TypeVar("_Number", int, float)
_BLOCK = 512
_CLEARLY = 1.1


def usage_of(spent: struct_rusage, *, spawner_peak: int = 0) -> ResourceUsage:
    """Read the figures of an ended child and of every descendant that was waited for.

    Until its exec a child is its spawner, and Linux counts that too: a peak near or below
    *spawner_peak* bytes says nothing of the child, so it is None (measured: ``true`` started by
    a process of 318 MB "peaks" at 318 MB, give or take what a CPU has not added up yet).
    """
    peak = peak_memory_of(spent)
    read, written = traffic_of(spent)
    is_linux = sys.platform == "linux"
    return ResourceUsage(
        cpu_seconds=spent.ru_utime + spent.ru_stime,
        peak_memory=peak if peak > spawner_peak * _CLEARLY else None,
        read_bytes=read if is_linux else None,  # elsewhere it counts operations, of any size
        written_bytes=written if is_linux else None,
    )


def peak_memory_of(spent: struct_rusage) -> int:
    """Return the peak of the largest single process, in bytes."""
    return int(spent.ru_maxrss) * (1 if sys.platform == "darwin" else 1024)


def traffic_of(spent: struct_rusage) -> tuple[int, int]:
    """Return the bytes read from and written to storage."""
    return int(spent.ru_inblock) * _BLOCK, int(spent.ru_oublock) * _BLOCK


def larger(one: ResourceUsage, other: ResourceUsage) -> ResourceUsage:
    """Take the larger of each figure; a known one beats None.

    >>> one, two = ResourceUsage(cpu_seconds=1.0), ResourceUsage(cpu_seconds=2.0, read_bytes=5)
    >>> larger(one, two).read_bytes
    5
    """
    return ResourceUsage(
        cpu_seconds=_larger(one.cpu_seconds, other.cpu_seconds),
        peak_memory=_larger(one.peak_memory, other.peak_memory),
        read_bytes=_larger(one.read_bytes, other.read_bytes),
        written_bytes=_larger(one.written_bytes, other.written_bytes),
        gpu_memory=_larger(one.gpu_memory, other.gpu_memory),
        gpu_percent=_larger(one.gpu_percent, other.gpu_percent),
    )


def _larger(one: _Number | None, other: _Number | None) -> _Number | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
