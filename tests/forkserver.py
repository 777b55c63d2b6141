"""Starts commands by forking an interpreter that has loaded xvc: a process in 5 ms, not in 300.

Each request comes over the socket on descriptor 0: its length in four bytes together with three
descriptors, then JSON. The descriptors are standard output, standard error, and a pipe that gets
the pid, and at the end the wait status.
The processes are real ones: own session, own memory, own git, own locks.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib.util
import json
import os
import pkgutil
import resource
import runpy
import signal
import socket
import sys
import traceback


def main() -> None:
    _load()
    connection = socket.socket(fileno=0)
    while True:
        size, descriptors, _, _ = socket.recv_fds(connection, 4, 3)
        if not size:
            os._exit(0)  # nothing is torn down that a fork may share
        data = connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
        minder = os.fork()
        if minder == 0:
            _mind(json.loads(data), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        _collect()


def _load() -> None:
    import duckdb

    import xvc

    for found in pkgutil.walk_packages(xvc.__path__, "xvc."):
        if found.name not in ("xvc.__main__", "xvc.store.frames"):
            importlib.import_module(found.name)
    duckdb.connect().close()  # what is loaded late inside it
    gc.collect()
    gc.freeze()


def _collect() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _mind(request: dict, descriptors: list[int]) -> None:
    """Stay with one command and report how it ended; its process group does not include us."""
    out, err, report = descriptors
    pid = os.fork()
    if pid == 0:
        os.close(report)
        _become(request, out, err)
    os.write(report, b"%d\n" % pid)
    os.close(out)
    os.close(err)
    while True:
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            break
    os.write(report, b"%d\n" % status)
    os._exit(0)


def _become(request: dict, out: int, err: int) -> None:
    code = 1
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for place, descriptor in enumerate((nothing, out, err)):
            os.dup2(descriptor, place)
        os.closerange(3, 64)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler if number == 2 else signal.SIG_DFL)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        for name, amount in request["limits"].items():
            resource.setrlimit(getattr(resource, name), (amount, resource.RLIM_INFINITY))
        if request["user"] is not None:
            os.setgroups([])
            os.setgid(request["user"])
            os.setuid(request["user"])
        if "FAULT_STATE" in os.environ:
            ctypes.CDLL(None).faultpoint_arm()
        code = _call(request["words"])
    except BaseException:  # noqa: BLE001 - reported, and then this process ends
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _call(words: list[str]) -> int:
    if words[0] == "xvc":
        from xvc.cli.app import call

        spec = importlib.util.find_spec("xvc.__main__")
        ours = sys.modules["__main__"]
        ours.__spec__, ours.__file__ = spec, spec.origin  # multiprocessing's children load it again
        sys.argv = [spec.origin, *words[1:]]
        return call(words[1:])
    sys.argv = words
    try:
        runpy.run_path(words[0], run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    main()
