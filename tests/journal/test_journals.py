"""A journal is read back as it was written, in any pieces; what is damaged is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xvc.core.record import RecordKind
from xvc.errors import BadValue, JournalFailed, TooNew
from xvc.journal.codec import decode_name, encode_key, encode_value
from xvc.journal.reader import ReadPosition, is_written, journals, read_new
from xvc.journal.writer import Journal
from xvc.types import RunId

RUN = RunId("bzk3nzk3r8d7")
keys = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)


def whole(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@given(keys, keys)
def test_keys_never_meet(one: str, other: str) -> None:
    """Two keys have one name in the file, case ignored as DuckDB does, only if they are one."""
    names = [encode_key(key).translate({c: c + 32 for c in range(65, 91)}) for key in (one, other)]

    assert (names[0] == names[1]) is (one == other)
    assert decode_name(f"f:{encode_key(one)}") == ("f", one)


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        (1, "i"),
        (1 << 63, "h"),
        (1 << 127, "g"),
        (True, "b"),
        (1.0, "f"),
        (float("nan"), "f"),
        ("", "s"),
        (b"", "x"),
        (None, "n"),
        ([], "j"),
        ({}, "j"),
    ],
)
def test_a_value_names_its_type(value: object, tag: str) -> None:
    """The type of a value is in its name, so that it can be read back as itself."""
    assert encode_value("k", value)[0] == tag


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=12), st.data())
def test_pieces_add_up(
    tmp_path_factory: pytest.TempPathFactory, plan: list[int], data: st.DataObject
) -> None:
    """Read from mark to mark at any moments, every record comes once and in order."""
    journal = Journal(tmp_path_factory.mktemp("j"), {})
    mark, seen = ReadPosition(), b""
    for number, rows in enumerate(plan):
        for row in range(rows):
            journal.row(RUN, "events", {f"k{row}": number})
        part = read_new(journal.path, mark) if data.draw(st.booleans()) else None
        if part is not None:
            seen += journal.path.read_bytes()[mark.position : part.mark.position]
            mark = part.mark
    journal.close()
    part = read_new(journal.path, mark)
    assert part is not None
    seen += journal.path.read_bytes()[mark.position : part.mark.position]

    assert seen == journal.path.read_bytes()
    assert [record["n"] for record in whole(journal.path)] == list(range(1, part.mark.sequence + 1))
    assert read_new(journal.path, part.mark) is None


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1))
def test_a_torn_tail_is_passed_over(
    tmp_path_factory: pytest.TempPathFactory, part_kept: float
) -> None:
    """Cut anywhere, a journal still gives every whole record, and calls none of them damaged."""
    journal = Journal(tmp_path_factory.mktemp("j"), {})
    for number in range(5):
        journal.row(RUN, "events", {"n": number, "text": "a\nb"})
    whole_bytes = journal.path.read_bytes()
    cut = int(part_kept * len(whole_bytes))
    journal.path.write_bytes(whole_bytes[:cut])
    part = read_new(journal.path, ReadPosition())

    assert (part.mark.position if part else 0) == whole_bytes.rfind(b"\n", 0, cut) + 1
    assert part is None or part.damaged == ()


def test_a_newer_journal_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal of a newer schema is not guessed at."""
    for module in ("codec", "writer"):
        monkeypatch.setattr(f"xvc.journal.{module}.SCHEMA", 9)
    journal = Journal(tmp_path, {})
    journal.row(RUN, "events", {"n": 1})
    journal.close()

    with pytest.raises(TooNew) as caught:
        read_new(journal.path, ReadPosition())
    assert caught.value.found == 9


def test_a_row_without_keys_is_a_row(tmp_path: Path) -> None:
    """Even the first row of a table may be empty: its table is declared all the same."""
    journal = Journal(tmp_path, {})
    journal.row(RUN, "events", {})
    part = read_new(journal.path, ReadPosition())

    assert part is not None
    assert dict(part.mark.names) == {"events": ()}


def test_a_key_is_declared_once(tmp_path: Path) -> None:
    """A key is declared before its first row, and again only with another type."""
    journal = Journal(tmp_path, {})
    for value in (1, 2, 2.5, 3, None, "x"):
        journal.row(RUN, "events", {"k": value})
    declared = [record["f"] for record in whole(journal.path) if record.get("k") == RecordKind.KEYS]

    assert declared == [["i:k"], ["f:k"], ["n:k"], ["s:k"]]


def test_a_refused_row_writes_nothing(tmp_path: Path) -> None:
    """The file has not grown by a byte."""
    journal = Journal(tmp_path, {})
    before = journal.path.read_bytes()
    with pytest.raises(BadValue):
        journal.row(RUN, "events", {"good": 1, "bad": object()})

    assert journal.path.read_bytes() == before


def test_a_child_writes_its_own(tmp_path: Path) -> None:
    """After a fork the parent's file has the parent's records only."""
    journal = Journal(tmp_path, {})
    journal.row(RUN, "events", {"n": 1})
    child = os.fork()
    if child == 0:
        journal.row(RUN, "events", {"n": 2})
        journal.close()
        os._exit(0)
    os.waitpid(child, 0)
    journal.row(RUN, "events", {"n": 3})
    journal.close()
    found = {path: [r["d"]["i:n"] for r in whole(path) if "d" in r] for path in journals(tmp_path)}

    assert sorted(found.values()) == [[1, 3], [2]]
    assert found[journal.path] == [1, 3]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """Where nothing can be written, the refusal names the file."""
    (tmp_path / "file").write_text("")

    with pytest.raises(JournalFailed, match="file"):
        Journal(tmp_path / "file" / "j", {})


_LOOKING = """\
import sys
from pathlib import Path
from xvc.journal.reader import is_written, journals
folder, stop, lost = Path(sys.argv[1]), Path(sys.argv[2]), set()
print("looking", flush=True)
while not stop.exists():
    lost |= {path.name for path in journals(folder) if not is_written(path)}
print(len(lost))
"""


def test_a_journal_is_never_seen_without_its_writer(tmp_path: Path) -> None:
    """Who looks at that moment would move it away, and what is logged later would be lost."""
    folder, stop = tmp_path / "journals", tmp_path / "stop"
    folder.mkdir()
    asked = [sys.executable, "-c", _LOOKING, str(folder), str(stop)]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) as looking:
        assert looking.stdout is not None
        looking.stdout.readline()
        written = [Journal(folder, {}) for _ in range(100)]
        stop.touch()
        lost = looking.stdout.read()

    held = [is_written(each.path) for each in written]
    for each in written:
        each.close()
    assert lost.strip() == "0"
    assert all(held)
    assert [path.suffix for path in folder.iterdir()] == [".jsonl"] * 100
