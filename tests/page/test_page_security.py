"""Who may speak to the page: judged from the words of a request alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from xvc.page.security import HEADER, Request, Terms, brings_token, judge

TERMS = Terms(token="k" * 32, cookie="xvc-1")
LOOK = Request(
    "GET", "/api/runs", "", {"host": "localhost:1", "cookie": f"a=b; xvc-1={TERMS.token}"}
)
CHANGE = replace(
    LOOK,
    method="POST",
    headers={**LOOK.headers, "origin": "http://localhost:1", HEADER: "1"},
)


def but(request: Request, **headers: str | None) -> Request:
    """The same request with other headers; None takes one away."""
    wanted = {**request.headers, **{name.replace("_", "-"): v for name, v in headers.items()}}
    return replace(request, headers={name: v for name, v in wanted.items() if v is not None})


def test_the_page_itself_may_look_and_change() -> None:
    """What the page sends passes."""
    assert [judge(LOOK, TERMS), judge(CHANGE, TERMS)] == [None, None]


@pytest.mark.parametrize(
    "request_",
    [
        but(LOOK, host="evil.example"),
        but(LOOK, host="localhost.evil.example:1"),
        but(LOOK, host=""),
        but(LOOK, host="localhost:1 evil.example"),
        but(LOOK, cookie=None),
        but(LOOK, cookie="xvc-1=wrong"),
        but(LOOK, cookie=f"xvc-2={TERMS.token}"),
        but(LOOK, cookie="\x00;;=;"),
        but(LOOK, origin="http://evil.example"),
        but(LOOK, origin="null"),
        but(CHANGE, origin=None),
        but(CHANGE, origin="http://localhost:2"),
        but(CHANGE, origin="file://localhost:1"),
        but(CHANGE, x_xvc=None),
        replace(CHANGE, method="PUT"),
        replace(LOOK, query=f"token={TERMS.token}", headers={"host": "localhost:1"}),
    ],
)
def test_others_are_refused(request_: Request) -> None:
    """Another host or origin, no key or a wrong one, a change without its header: refused."""
    assert judge(request_, TERMS) is not None


def test_a_page_for_reading_changes_nothing() -> None:
    """With --read-only a change is refused, whoever asks."""
    refused = judge(CHANGE, replace(TERMS, is_read_only=True))

    assert refused is not None
    assert "--read-only" in refused.words


def test_the_key_opens_the_page_only_at_a_known_host() -> None:
    """A name that somebody else's DNS points here gets no cookie."""
    first = replace(LOOK, path="/", query=f"token={TERMS.token}", headers={"host": "127.0.0.1:9"})

    assert brings_token(first, TERMS)
    assert not brings_token(but(first, host="evil.example"), TERMS)
    assert not brings_token(replace(first, query="token=é"), TERMS)
