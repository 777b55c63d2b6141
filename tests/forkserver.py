"""Starts commands by forking an interpreter that has loaded xvc: a process in 5 ms, not in 300.

Each request comes over the socket on descriptor 0: its length in four bytes together with three
descriptors, then JSON. The descriptors are standard output, standard error, and a pipe that gets
the pid, and at the end the wait status. Where a second argument is the descriptor of a listening
socket, each connection to it is such a request as well (forked.py, `DOOR`): its descriptors are the
three standard streams, and the connection gets the answers.
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
import select
import signal
import socket
import sys
import traceback


def main() -> None:
    _load(sys.argv[1])
    connection = socket.socket(fileno=0)
    listening = [connection, *(socket.socket(fileno=int(each)) for each in sys.argv[2:])]
    while True:
        for ready in select.select(listening, [], [])[0]:
            if ready is connection:
                request, (out, err, report) = _received(connection)
                streams = [os.open(os.devnull, os.O_RDONLY), out, err]
            else:
                guest, _ = ready.accept()
                request, streams = _received(guest)
                report = guest.detach()
            if os.fork() == 0:
                _mind(request, streams, report)
            for descriptor in (*streams, report):
                os.close(descriptor)
        _collect()


def _received(connection: socket.socket) -> tuple[dict, list[int]]:
    size, descriptors, _, _ = socket.recv_fds(connection, 4, 3)
    if not size:
        os._exit(0)  # nothing is torn down that a fork may share
    data = connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
    return json.loads(data), descriptors


def _load(what: str) -> None:
    if what == "dvc":
        _load_dvc()
    else:
        _load_xvc()
    gc.collect()
    gc.freeze()


def _load_xvc() -> None:
    import duckdb

    import xvc

    for found in pkgutil.walk_packages(xvc.__path__, "xvc."):
        if found.name not in ("xvc.__main__", "xvc.store.frames"):
            importlib.import_module(found.name)
    duckdb.connect().close()  # what is loaded late inside it
    importlib.import_module("configobj")  # by what reads DVC's settings
    _compile_patterns()


def _compile_patterns() -> None:
    """Compile what waits for its first use, which each fork would do anew: a tenth of a call."""
    from xvc.core.late_pattern import LatePattern

    for waiting in [each for each in gc.get_objects() if type(each) is LatePattern]:
        for name in ("match", "fullmatch", "search", "finditer", "findall", "split", "sub"):
            getattr(waiting, name)


def _load_dvc() -> None:
    from dvc.cli.parser import get_main_parser

    get_main_parser()  # with all commands
    for name in ("dvc.repo", "dvc.stage", "dvc_data.index", "dvc.scm", "dvc_objects.fs.local"):
        importlib.import_module(name)


def _collect() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _mind(request: dict, streams: list[int], report: int) -> None:
    """Stay with one command and report how it ended; its process group does not include us."""
    pid = os.fork()
    if pid == 0:
        os.close(report)
        _become(request, streams)
    os.write(report, b"%d\n" % pid)
    for descriptor in streams:
        os.close(descriptor)
    while True:
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            break
    os.write(report, b"%d\n" % status)
    os._exit(0)


def _become(request: dict, streams: list[int]) -> None:
    code = 1
    try:
        os.setsid()
        for place, descriptor in enumerate(streams):
            os.dup2(descriptor, place)
        os.closerange(3, 64)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler if number == 2 else signal.SIG_DFL)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        for name, amount in request.get("limits", {}).items():
            resource.setrlimit(getattr(resource, name), (amount, resource.RLIM_INFINITY))
        if request.get("user") is not None:
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
    try:
        return _called(words)
    except SystemExit as end:  # of a script, and of what completes words for a shell
        return end.code if isinstance(end.code, int) else int(end.code is not None)


def _called(words: list[str]) -> int:
    if words[0] == "xvc":
        from xvc.cli.app import call

        spec = importlib.util.find_spec("xvc.__main__")
        ours = sys.modules["__main__"]
        ours.__spec__, ours.__file__ = spec, spec.origin  # multiprocessing's children load it again
        sys.argv = [spec.origin, *words[1:]]
        return call(words[1:])
    if words[0] == "dvc":
        from dvc.cli import main

        sys.argv = words
        return int(main(words[1:]))
    sys.argv = words
    runpy.run_path(words[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    main()
