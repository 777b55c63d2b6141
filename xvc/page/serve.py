"""Serving the page: a socket of this machine, a key, and the server until it is told to stop."""

from __future__ import annotations

import importlib.util
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xvc.errors import ExternalError, NotFoundError, XvcError, error

FIRST_PORT = 8790
_TRIES = 20


@error("no-page")
class NoPage(NotFoundError):
    """The packages of the page are not installed."""

    package: str
    says = "the page needs {package}, which is not installed"
    way = 'Install it with `pip install "xvc-experiments[ui]"`.'


@error("port-taken")
class PortTaken(ExternalError):
    """Nothing can listen at the wanted address."""

    host: str
    port: int
    reason: str
    says = "cannot listen at {host}:{port}: {reason}"
    way = "Leave `--port` away and a free one is taken."


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeRequest:
    """How to serve: *port* None is a free one, *hosts* are further names that a proxy uses."""

    host: str = "127.0.0.1"
    port: int | None = None
    hosts: tuple[str, ...] = ()
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """Where the page is: *address* holds the key, *place* does not."""

    address: str
    place: str
    host: str
    port: int
    is_read_only: bool


def refuse_incomplete() -> None:
    """Make sure that the packages of the page are there.

    Raises:
        NoPage: one is missing.
    """
    for package in ("starlette", "uvicorn"):
        if importlib.util.find_spec(package) is None:
            raise NoPage(package)


def serve(
    folder: Path,
    environment: Mapping[str, str],
    request: ServeRequest,
    tell: Callable[[Served], None],
) -> None:
    """Serve the page of the project that *folder* is in until the process is told to stop.

    Args:
        folder: a folder of the project.
        environment: the process environment, as a value.
        request: how to serve.
        tell: called once the page can be opened.

    Raises:
        NoPage: its packages are not installed.
        PortTaken: nothing can listen there.
    """
    refuse_incomplete()
    from uvicorn import Config, Server  # late: only a page needs a server

    from xvc.page.answers import Answers
    from xvc.page.app import application
    from xvc.page.security import LOCAL, Terms

    answers = Answers(folder, environment, is_read_only=request.is_read_only)
    answers.project()  # a project that cannot be read refuses before anything listens
    listening = _listen(request)
    port = int(listening.getsockname()[1])
    token = secrets.token_urlsafe(24)
    terms = Terms(
        token=token,
        cookie=f"xvc-{port}",
        hosts=LOCAL | {name.lower() for name in (request.host, *request.hosts)},
        is_read_only=request.is_read_only,
    )
    shown = f"[{request.host}]" if ":" in request.host else request.host
    place = f"http://{'127.0.0.1' if shown == '0.0.0.0' else shown}:{port}/"  # noqa: S104
    served = Served(
        address=f"{place}?token={token}",
        place=place,
        host=request.host,
        port=port,
        is_read_only=request.is_read_only,
    )
    config = Config(
        application(answers, terms),
        log_level="critical",  # it calls a page that is open when it ends an error
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=1,
        server_header=False,
        date_header=False,
    )
    threading.Thread(target=_warm, args=(answers,), daemon=True).start()
    tell(served)
    with suppress(KeyboardInterrupt):
        Server(config).run(sockets=[listening])


def _warm(answers: object) -> None:
    """Read the runs, and lay them out, before the browser asks for them."""
    from xvc.page.answers import Answers

    if isinstance(answers, Answers):
        with suppress(XvcError, OSError):
            answers.runs({"since": "1"})


def _listen(request: ServeRequest) -> socket.socket:
    wanted = [request.port] if request.port is not None else _candidates()
    refused: OSError | None = None
    for port in wanted:
        try:
            return _bound(request.host, port)
        except OSError as err:
            refused = err
    reason = (refused.strerror if refused else None) or "no port is free"
    raise PortTaken(request.host, wanted[0], reason)


def _candidates() -> list[int]:
    return [*range(FIRST_PORT, FIRST_PORT + _TRIES), 0]


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(128)
    except OSError:
        made.close()
        raise
    return made
