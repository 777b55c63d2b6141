"""`xvc compare --table TABLE --key KEY`: what each input gained, not how inputs differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from surroundings import Calling, git

_BENCH = """\
import sys
from xvc import Tracker
bias, inputs = float(sys.argv[1]), int(sys.argv[2])
with Tracker(table="predictions", params={"bias": bias}) as tracker:
    tracker.log_batch([
        {"input_id": i, "score": 10.0 * i + bias + i % 3 / 100, "right": i % 4 > 0 or bias > 0}
        for i in range(inputs)
    ])
"""


@pytest.fixture
def benches(project: Path, call_xvc: Calling) -> Path:
    """Two versions: of 24 inputs, and of 25 with every score 0.1 higher and none wrong."""
    (project / "bench.py").write_text(_BENCH)
    git(project, "add", ".")
    git(project, "commit", "-qm", "bench")
    for words in (("0", "24"), ("0.1", "25")):
        done = call_xvc("run", "--tag", "minor", "--", "python", "bench.py", *words)
        assert done.code == 0, done.err
    return project


def test_rows_are_paired_by_their_key(benches: Path, call_xvc: Calling) -> None:
    """Inputs differ by hundreds, and a gain of 0.1 each is seen; a score may be SQL."""
    words = ("compare", "e0.1.0", "e0.2.0", "--table", "predictions", "--key", "input_id")
    scores = ("--score", "score:max", "--score", "score / 10:min", "--score", "right:max")

    found = call_xvc(*words, *scores, "--json")
    every = call_xvc(*words)

    assert found.code == 0, found.out
    (rows,) = found.data["rows"]
    told = [(row["metric"], row["verdict"], row["baseline"]["count"]) for row in rows]
    assert told == [("score", "better", 24), ("score / 10", "worse", 24), ("right", "better", 24)]
    assert rows[0]["difference"] == pytest.approx(0.1)
    assert rows[2]["baseline"]["mean"] == pytest.approx(0.75)
    assert found.data["verdicts"] == []
    assert any("1 value of input_id in rows of one side" in w for w in found.json["warnings"])
    assert any("of other seeds" in w for w in found.json["warnings"])
    assert "score of a row" in every.out


def test_rows_that_cannot_be_paired_are_refused(benches: Path, call_xvc: Calling) -> None:
    """What is missing is named: the key, the table, the column, inputs on both sides."""
    pairing = ("--table", "predictions", "--key")
    asked = [
        (("--table", "predictions"), "bad-value"),
        (("--score", "score"), "bad-value"),
        (("--table", "nothing", "--key", "input_id"), "no-table"),
        ((*pairing, "nothing"), "no-column"),
        ((*pairing, "input_id", "--score", "nothing"), "bad-query"),
        ((*pairing, "track_id", "--score", "score"), "bad-value"),
    ]

    done = [call_xvc("compare", "e0.1.0", "e0.2.0", "--json", *words) for words, _ in asked]

    assert [each.json["error"]["code"] for each in done] == [code for _, code in asked]
