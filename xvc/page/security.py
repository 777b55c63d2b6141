"""Who may speak to the page: a key in the first address, a cookie after; hosts and origins checked.

Stands in front of everything, static files too. Refuses whatever it does not know; keeps nothing
of a visitor.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from xvc.page.files import POLICY

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN = "token"  # noqa: S105 - the name of it
HEADER = "x-xvc"
"""What a change has to send: a page elsewhere cannot without our leave, and we give none."""

_HEADERS = {
    "content-security-policy": f"{POLICY}; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.IGNORECASE)
LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a visitor has to bring: the token, the cookie's name, the hosts, may anything change."""

    token: str
    cookie: str
    hosts: frozenset[str] = LOCAL
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered, in words for whoever opened the address."""

    status: int
    words: str


@dataclass(frozen=True, slots=True)
class Request:
    """What of a request decides: method, path, query and the headers, names in small letters."""

    method: str
    path: str
    query: str
    headers: dict[str, str]


def judge(request: Request, terms: Terms) -> Refusal | None:
    """Say why a request is refused; None where it may pass.

    The token in the address counts for nothing here: it is exchanged for the cookie before.
    """
    host = request.headers.get("host", "")
    if not is_known(host, terms.hosts):
        return Refusal(403, f"The host {host!r} is not one of this page: see `--allow-host`.")
    if request.method not in ("GET", "HEAD", "POST"):
        return Refusal(405, "Only GET and POST are answered.")
    origin = request.headers.get("origin")
    if origin is not None and not _is_same(origin, host):
        return Refusal(403, "This page answers no other page.")
    if not holds_key(request, terms):
        return Refusal(403, "Open the address that `xvc ui` printed: it has the key to this page.")
    if request.method != "POST":
        return None
    if terms.is_read_only:
        return Refusal(403, "The page was started with --read-only: nothing can be changed.")
    if origin is None or HEADER not in request.headers:
        return Refusal(403, "A change comes from the page itself, with its header.")
    return None


def is_known(host: str, hosts: Collection[str]) -> bool:
    """Whether a Host header names one of these hosts, at any port.

    >>> is_known("localhost:8080", LOCAL), is_known("evil.example", LOCAL)
    (True, False)
    """
    found = _HOST.fullmatch(host)
    return found is not None and found[1].lower() in hosts


def _is_same(origin: str, host: str) -> bool:
    scheme, _, rest = origin.partition("://")
    return scheme in ("http", "https") and rest.lower() == host.lower()


def holds_key(request: Request, terms: Terms) -> bool:
    """Whether the cookie of the page came along."""
    try:
        found = SimpleCookie(request.headers.get("cookie", "")).get(terms.cookie)
    except CookieError:
        return False
    return found is not None and _is_equal(found.value, terms.token)


def brings_token(request: Request, terms: Terms) -> bool:
    """Whether the first address was opened: the token is in it, and it is the page's own."""
    if request.method != "GET" or not is_known(request.headers.get("host", ""), terms.hosts):
        return False
    given = dict(parse_qsl(request.query)).get(TOKEN)
    return given is not None and _is_equal(given, terms.token)


def _is_equal(given: str, token: str) -> bool:
    return compare_digest(given.encode(), token.encode())


def without_token(query: str) -> str:
    """Take the token out of a query.

    >>> without_token("token=abc&a=1"), without_token("token=abc")
    ('?a=1', '')
    """
    kept = [(name, value) for name, value in parse_qsl(query) if name != TOKEN]
    return f"?{urlencode(kept)}" if kept else ""


class Guard:
    """The application with `judge` in front of it, and the headers of safety on every answer."""

    def __init__(self, inner: ASGIApp, terms: Terms) -> None:
        self._inner, self._terms = inner, terms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # nothing here speaks websockets; the server closes them
        request = _read(scope)
        if brings_token(request, self._terms):
            await self._let_in(request, send)
        elif (refusal := judge(request, self._terms)) is not None:
            await _say(send, refusal.status, refusal.words)
        else:
            await self._inner(scope, receive, _secured(send))

    async def _let_in(self, request: Request, send: Send) -> None:
        """Put the token into the cookie, and out of the address: it is in no history then."""
        name = request.path.rpartition("/")[2]
        headers = {
            "location": f"./{name}{without_token(request.query)}",
            # No Path: behind a proxy the page lies below one that only the browser knows.
            "set-cookie": f"{self._terms.cookie}={self._terms.token}; HttpOnly; SameSite=Strict",
        }
        await _say(send, 303, "", headers)


def _read(scope: Scope) -> Request:
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}; {text}" if key in headers else text
    query = scope["query_string"].decode("latin-1")
    return Request(scope["method"], scope["path"], query, headers)


def _secured(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name for name, _ in message["headers"]}
            message = {
                **message,
                "headers": [
                    *message["headers"],
                    *(pair for pair in _encoded(_HEADERS.items()) if pair[0] not in own),
                ],
            }
        await send(message)

    return sending


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


async def _say(send: Send, status: int, words: str, more: dict[str, str] | None = None) -> None:
    body = f"{words}\n".encode()
    headers = {
        **_HEADERS,
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(body)),
        **(more or {}),
    }
    start = {"type": "http.response.start", "status": status, "headers": _encoded(headers.items())}
    await send(start)
    await send({"type": "http.response.body", "body": body})
