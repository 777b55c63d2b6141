"""What a process tree uses of the graphics cards, asked of NVIDIA's library where there is one.

A few functions bound with ctypes, no package. Absent, old or failing, it answers None.
"""

from __future__ import annotations

import ctypes
from collections.abc import Container, Iterator

_UNKNOWN = 2**64 - 1
_MOST_PROCESSES = 256


class _Process(ctypes.Structure):
    _fields_ = (
        ("pid", ctypes.c_uint),
        ("memory", ctypes.c_ulonglong),
        ("gpu_instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    )


class _Utilization(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class Gpus:
    """The cards of this machine; `open` is the only way to one."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._list_processes = _first(
            library,
            "nvmlDeviceGetComputeRunningProcesses_v3",
            "nvmlDeviceGetComputeRunningProcesses_v2",
        )

    @classmethod
    def open(cls, library: str = "libnvidia-ml.so.1") -> Gpus | None:
        """Load and start the library; None where it is absent or has no driver."""
        try:
            loaded = ctypes.CDLL(library)
            return cls(loaded) if loaded.nvmlInit_v2() == 0 else None
        except (OSError, AttributeError):
            return None

    def look(self, pids: Container[int]) -> tuple[int | None, float | None]:
        """Return the bytes that *pids* hold now and the load, in percent, of their busiest card.

        None and None when none of them is on a card, or when the driver numbers processes
        otherwise than we do, as it may inside a container.
        """
        memory: int | None = None
        percent: float | None = None
        for card in self._cards():
            ours = [found.memory for found in self._processes(card) if found.pid in pids]
            if ours:
                memory = (memory or 0) + sum(size for size in ours if size != _UNKNOWN)
                percent = max(percent or 0.0, self._load(card))
        return memory, percent

    def close(self) -> None:
        """Let go of the driver."""
        self._library.nvmlShutdown()

    def _cards(self) -> Iterator[ctypes.c_void_p]:
        count = ctypes.c_uint()
        if self._library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
            return
        for index in range(count.value):
            card = ctypes.c_void_p()
            if self._library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(card)) == 0:
                yield card

    def _processes(self, card: ctypes.c_void_p) -> list[_Process]:
        count, found = ctypes.c_uint(_MOST_PROCESSES), (_Process * _MOST_PROCESSES)()
        if self._list_processes(card, ctypes.byref(count), found) != 0:
            return []
        return list(found[: count.value])

    def _load(self, card: ctypes.c_void_p) -> float:
        load = _Utilization()
        failed = self._library.nvmlDeviceGetUtilizationRates(card, ctypes.byref(load))
        return 0.0 if failed else float(load.gpu)


def _first(library: ctypes.CDLL, *names: str) -> ctypes._NamedFuncPointer:
    for name in names:
        if hasattr(library, name):
            found: ctypes._NamedFuncPointer = getattr(library, name)
            return found
    raise AttributeError(names[0])
