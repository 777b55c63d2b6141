"""The page's own files, read once: what a browser asks for, its scripts joined into one.

A first visit asks for two dozen small scripts otherwise, one after the other. Nothing else is
handed out: a path that is not in the folder has no answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""Nothing from elsewhere, no script or style in the text of a page, nothing evaluated."""

STATIC = Path(__file__).parent / "static"
SCRIPT = "page.js"
_ORDER = (
    *("dom", "values", "ask", "libraries", "theme", "live", "charts", "picture", "grid", "text"),
    *("keys", "runs", "run", "curves", "compare", "sweeps", "versions", "models", "trees", "main"),
)
"""Each may use what is before it as it is read; `main` begins."""
_MEDIA = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file as it is sent: ``tag`` changes with its content."""

    content: bytes
    media: str
    tag: str


@cache
def page_files() -> dict[str, PageFile]:
    """Read the files, by their paths below ``static``; `SCRIPT` is made of the small ones."""
    return {path: _file(path, content) for path, content in _contents()}


def index(*, is_frozen: bool = False) -> str:
    """Return the page itself; an exported one expects no server, and names all that it loads."""
    text = (STATIC / "index.html").read_text(encoding="utf-8")
    if not is_frozen:
        return text
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    text = text.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n{policy}')
    return text.replace('<html lang="en">', '<html lang="en" data-frozen>')


def _contents() -> Iterator[tuple[str, bytes]]:
    scripts = STATIC / "js"
    yield SCRIPT, b"\n".join((scripts / f"{name}.js").read_bytes() for name in _ORDER)
    for path in sorted(STATIC.rglob("*")):
        if path.is_file() and scripts not in path.parents and path.name != "index.html":
            yield path.relative_to(STATIC).as_posix(), path.read_bytes()


def _file(path: str, content: bytes) -> PageFile:
    media = _MEDIA.get(Path(path).suffix, "text/plain")
    return PageFile(content, media, f'"{blake2b(content, digest_size=12).hexdigest()}"')
