"""The application: addresses to answers, errors to JSON, what changed as server-sent events."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from xvc.core.foreign_text import visible
from xvc.errors import (
    BusyError,
    ConflictError,
    NotFoundError,
    UsageError,
    XvcError,
)
from xvc.page.answers import Answers, Asked
from xvc.page.browser_values import document
from xvc.page.changes import Changes
from xvc.page.file_watch import look_at
from xvc.page.files import index, page_files
from xvc.page.live import Watcher
from xvc.page.security import Guard, Terms
from xvc.page.subjects import QUESTIONS, Answer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

_STATUS: tuple[tuple[type[XvcError], int], ...] = (
    (UsageError, 400),
    (NotFoundError, 404),
    (ConflictError, 409),
    (BusyError, 503),
)
_LARGEST_CHANGE = 1_000_000  # bytes of one change: a note, some ids


def application(answers: Answers, terms: Terms) -> ASGIApp:
    """Make the application of one project, with its guard."""
    # One question at a time: they share one processor with a training, and in one process nobody
    # may read the store's file while somebody has it open, for closing it drops DuckDB's lock.
    asking = threading.Lock()
    project = answers.project()  # where things lie does not change; what is in them is not kept
    watcher = Watcher(lambda: look_at(project, answers.table.held.running()))
    changes = Changes(answers)

    def answering(answer: Callable[[Asked], object]) -> Callable[[Request], object]:
        async def endpoint(request: Request) -> Response:
            asked = dict(request.query_params)
            return await run_in_threadpool(_answered, answer, asked, asking)

        return endpoint

    async def change(request: Request) -> Response:
        body = await request.body()
        if len(body) > _LARGEST_CHANGE:
            return _json({"error": {"code": "too-large", "message": "too much at once"}}, 413)
        name = request.path_params["name"]
        return await run_in_threadpool(_answered, changes.named(name), _words(body), asking)

    async def live(request: Request) -> Response:
        return StreamingResponse(_told(watcher), media_type="text/event-stream")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        watcher.stop()

    asked: dict[str, Callable[[Asked], object]] = {
        "about": answers.about,
        "runs": answers.runs,
        "where": answers.where,
        "groups": answers.groups,
        "run": answers.run,
        "patch": answers.patch,
        "lineage": answers.lineage,
        "log": answers.log,
        "usage": answers.usage,
        "curves": answers.curves,
        "curved": answers.curved,
        **{name: partial(_of_project, answers, answer) for name, answer in QUESTIONS.items()},
    }
    page = index()
    routes = [
        Route("/", lambda request: HTMLResponse(page)),
        *(Route(f"/api/{name}", answering(answer)) for name, answer in asked.items()),
        Route("/api/live", live),
        Route("/api/change/{name}", change, methods=["POST"]),
        Route("/static/{path:path}", _own_file),
    ]
    return Guard(Starlette(routes=routes, lifespan=lifespan), terms)


async def _own_file(request: Request) -> Response:
    """Hand out a file of the page; a browser that has it asks whether it is still the same."""
    found = page_files().get(request.path_params["path"])
    if found is None:
        return Response(status_code=404)
    headers = {"etag": found.tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media, headers=headers)


def _of_project(answers: Answers, answer: Answer, asked: Asked) -> object:
    return answer(answers.project(), asked)


async def _told(watcher: Watcher) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    async for what in watcher.events():
        yield f"data: {what}\n\n" if what else ": here\n\n"


def _words(body: bytes) -> Asked:
    from json import loads

    try:
        found = loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _answered(answer: Callable[[Asked], object], asked: Asked, asking: threading.Lock) -> Response:
    try:
        with asking:
            return _json(answer(asked))
    except XvcError as err:
        status = next((code for kind, code in _STATUS if isinstance(err, kind)), 500)
        return _json({"error": _told_error(err)}, status)
    except Exception as err:  # noqa: BLE001 - a mistake of ours is told as any refusal is
        error = {"code": "internal", "message": f"{type(err).__name__}: {err}", "hint": ""}
        return _json({"error": error}, 500)


def _told_error(err: XvcError) -> dict[str, str]:
    return {"code": err.code, "message": visible(str(err)), "hint": visible(err.hint)}


def _json(value: object, status: int = 200) -> Response:
    return Response(document(value), status, media_type="application/json")
