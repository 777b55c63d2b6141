"""What a store holds is text on the page, wherever it is shown: nothing of it is obeyed."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

import demo_project
from served_page import Looked, Served, serving
from surroundings import private_environment
from xvc.core.record import RecordKind, environment_facts, facts_of
from xvc.core.run import DataFile, Environment, ResourceUsage, RunCode, RunRecord
from xvc.journal.writer import Journal
from xvc.types import Json, Nanoseconds, RunId

BAD = (
    "<img src=x onerror='window.seen=1'>",
    "<script>window.seen=1</script>",
    "</title><svg onload=window.seen=1>",
    "javascript:window.seen=1",
    "{{constructor.constructor('window.seen=1')()}}",
    "{b|rich} {a} <b>bold</b>",
    "\u202eesrever \x1b[31mred\x1b]0;title\x07",
    "a' onmouseover='window.seen=1",
)
"""In each place stand all of them."""
WHOLE = " ".join(BAD)
KEYS = tuple(f"{bad} logged" for bad in BAD)  # those of params are no metrics
RUN = RunId("hostile00000")
BRANCH = "x<img/src=x/onerror=seen=1>"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A project whose folder, branch, keys, values, notes, names, files and output are hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    environment = private_environment(folder / "home")
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        place = folder / "<b>demo"
        project = demo_project.repository(place, environment)
        subprocess.run(["git", "checkout", "-q", "-b", BRANCH], cwd=place, check=True)
        log = project.room.logs / f"{RUN}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("".join(f"{bad}\n" for bad in BAD) + "50%\r100%\n")
        _note(Journal(project.room.journals, {"owner": "t"}), str(log))
        with serving(place) as found:
            yield found
    finally:
        os.environ.clear()
        os.environ.update(before)


def _note(journal: Journal, log: str) -> None:
    held = {bad: DataFile(BAD[0] + "0" * 32, 5, "modified", BAD[1]) for bad in BAD}
    params: dict[str, Json] = {**{bad: bad for bad in BAD}, "nested": {BAD[0]: [BAD[1]]}}
    record = RunRecord(
        RUN,
        name=WHOLE,
        command=("python", *BAD),
        params=params,
        data=held,
        outs=held,
        note=WHOLE,
        host=WHOLE,
        folder=WHOLE,
        code=RunCode(branch=WHOLE, worktree=WHOLE, left_out=BAD, incomplete=BAD, unread=BAD),
        parent=RunId(BAD[0]),
        environment=BAD[0],
        started=Nanoseconds(time.time_ns()),
        usage=ResourceUsage(1.0),
        log=log,
    )
    words = dict.fromkeys(BAD, WHOLE)
    environment = Environment(WHOLE, WHOLE, words, words, words)
    facts: dict[str, Json] = {"digest": BAD[0], "facts": environment_facts(environment)}
    journal.note(RecordKind.ENVIRONMENT, RUN, facts)
    journal.note(RecordKind.BEGIN, RUN, facts_of(record))
    for step in range(5):
        journal.row(RUN, "events", {"step": step, **dict.fromkeys(KEYS, step / 2)})
    journal.note(RecordKind.METRICS, RUN, {**dict.fromkeys(KEYS, 0.5), "text": WHOLE})
    journal.note(RecordKind.END, RUN, {"status": "failed", "reason": WHOLE, "signal": BAD[0]})
    heir = replace(record, id=RunId("hostile00001"), parent=RUN, fixes=RUN)
    journal.note(RecordKind.BEGIN, heir.id, facts_of(heir))
    journal.note(RecordKind.END, heir.id, {"status": "failed"})
    journal.close()


def test_nothing_of_a_store_is_obeyed(served: Served, look: Callable[..., Looked]) -> None:
    """No script of it runs, no element of it appears, and the policy is never broken."""
    looked = look()
    page = looked.open(served.address, until=".ag-row .run-name")
    page.select_option("select", index=1)  # a group by a hostile key
    page.wait_for_selector("table.plain tbody tr")
    page.select_option("select", "series")
    page.wait_for_selector("table.plain tbody tr:has-text('onerror')")
    page.goto(f"{served.place}#/runs?where={BAD[0]}")
    page.wait_for_selector(".told .bad")
    page.click("text=Columns")
    page.wait_for_selector(".choice")
    page.keyboard.press("Escape")
    page.goto(f"{served.place}#/run?id={RUN}")
    page.wait_for_selector(".chart canvas")
    page.wait_for_selector(".log")
    page.wait_for_selector(".lineage a:has-text('onerror')")
    page.hover(".chart canvas")
    page.wait_for_selector(".chart-tip .tip-row")
    shown = page.inner_text("body")
    title = page.title()
    page.goto(f"{served.place}#/curves?by={BAD[4]}")
    page.wait_for_selector(".legend-row")
    page.hover(".chart canvas")
    page.wait_for_selector(".chart-tip .tip-row")
    page.goto(f"{served.place}#/{BAD[0]}?{BAD[1]}={BAD[2]}")
    page.wait_for_timeout(300)

    assert page.evaluate("window.seen") is None
    assert page.evaluate("document.querySelectorAll('b.x, img[onerror], svg[onload]').length") == 0
    assert looked.complaints == []
    assert all(bad in shown for bad in BAD[:6])
    assert "\u202e" not in shown
    assert title.startswith(BAD[0])


def test_output_shows_its_colours_and_only_them(
    served: Served, look: Callable[..., Looked]
) -> None:
    """Escapes of colour colour, all others vanish, and a line written anew shows its last."""
    page = look().open(served.address, until=".ag-row")
    page.goto(f"{served.place}#/run?id={RUN}")
    page.wait_for_selector(".log .ansi-red")

    log = page.inner_text(".log")
    assert page.inner_text(".log .ansi-red").startswith("red")
    assert "\\x202eesrever" in log
    assert "title" not in log.replace("</title>", "")
    assert "50%" not in log


def test_a_line_that_comes_in_pieces_is_as_if_it_came_whole(
    served: Served, look: Callable[..., Looked]
) -> None:
    """Wherever it is cut: a carriage return, a colour, the end of a line; much of it is let go."""
    page = look().open(served.address, until=".ag-row")
    whole = "a\r\nb\x1b[31mred\x1b[0m\r 10%\r100%\r\nend \x1b[1mx\r\r\ny\rz"
    shown = """text => Array.from({ length: text.length }, (_, cut) => {
        const log = new xvc.Log();
        for (const part of [text.slice(0, cut), text.slice(cut)]) log.add(part);
        return log.place.textContent;
    })"""
    long = """() => { const log = new xvc.Log();
        for (let count = 0; count < 200; count += 1) log.add(`${"x".repeat(99)}\n`.repeat(100));
        return log.place.textContent.length; }"""
    found = set(page.evaluate(shown, whole))

    assert {text.replace("\r", "") for text in found} == {"a\n100%\nend x\nz"}
    assert page.evaluate(long) < 600_000
