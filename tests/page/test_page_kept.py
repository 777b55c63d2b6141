"""What a run kept is shown as what its bytes are."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from served_page import Looked, Served, serving
from surroundings import private_environment
from xvc.page.run_files import media_type
from xvc.tracking.tracker import Tracker

_DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg=="
)
_HOSTILE = (
    "<svg xmlns='http://www.w3.org/2000/svg' onload='window.taken=1'><script>taken=1</script></svg>"
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A run that kept a picture, a table, and markup under the names of pictures."""
    folder = tmp_path_factory.mktemp("kept")
    before = dict(os.environ)
    os.environ.update(private_environment(folder / "home"))
    came_from = Path.cwd()
    os.chdir(folder)
    try:
        contents = {
            "dot.png": _DOT,
            "rows.csv": b"name,score\n<b>one</b>,0.5\n",
            "no.png": _HOSTILE.encode(),
            "figure.svg": _HOSTILE.encode(),
        }
        tracker = Tracker("runs.duckdb", params={"lr": 0.1})
        for name, content in contents.items():
            (folder / name).write_bytes(content)
            tracker.log_artifact(folder / name)
        tracker.log({"loss": 0.5})
        tracker.close()
        (folder / "xvc.yaml").write_text("database: runs.duckdb\n")
        with serving(folder) as found:
            yield found
    finally:
        os.chdir(came_from)
        os.environ.clear()
        os.environ.update(before)


def test_a_picture_is_shown_and_markup_is_text(served: Served, look: Callable[..., Looked]) -> None:
    """The picture has its size, the table its cells; what only is called a picture stays text."""
    looked = look()
    page = looked.open(served.address, until=".ag-row")
    page.goto(f"{served.place}#/run?id=@")
    page.wait_for_selector(".kept img")

    assert page.evaluate("document.querySelector('.kept img').naturalWidth") == 1
    assert page.locator(".kept img").count() == 1
    assert page.inner_text(".kept table td >> nth=0") == "<b>one</b>"
    assert page.locator(".kept pre:has-text('onload')").count() == 2
    assert page.evaluate("'taken' in window") is False
    assert looked.complaints == []


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (_DOT, "image/png"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"<html>", None),
        (b"", None),
        (b"RIFF", None),
    ],
)
def test_bytes_say_what_they_are(content: bytes, found: str | None) -> None:
    """A name is no evidence."""
    kind = media_type(content)

    assert kind == found
