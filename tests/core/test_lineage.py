"""What a run came from and what came of it."""

from __future__ import annotations

from xvc.core.run import DataFile, RunRecord
from xvc.runs.lineage import lineage
from xvc.types import RunId


def _run(name: str, **facts: object) -> RunRecord:
    return RunRecord(RunId(name), **facts)  # type: ignore[arg-type]


def test_files_lead_from_the_run_that_left_them_to_those_that_read_them() -> None:
    """What has the same digest is the same file, whatever it is called; an absent one is none."""
    bytes_of, gone = DataFile("d1"), DataFile("", state="absent")
    made = _run("made", outs={"clean.csv": bytes_of, "lost.csv": gone})
    read = _run("read", data={"data/train.csv": bytes_of, "gone.csv": gone})

    below, above = lineage(made, [made, read]), lineage(read, [made, read])

    assert below.used_by == {"clean.csv": (read,)}
    assert above.made_by == {"data/train.csv": (made,)}
    assert above.used_by == {}


def test_parents_are_named_upwards_and_a_circle_ends() -> None:
    """The nearest parent comes first, and records that point at each other are read once."""
    first = _run("first", parent="third")
    second = _run("second", parent="first", fixes="first")
    third = _run("third", parent="second")
    runs = [first, second, third]

    assert [each.id for each in lineage(third, runs).parents] == ["second", "first"]
    assert lineage(first, runs).children == (second,)
    assert lineage(first, runs).fixed_by == (second,)
    assert lineage(second, runs).fixes == first
