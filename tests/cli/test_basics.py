"""The four commands of the first page."""

from __future__ import annotations

from pathlib import Path

from surroundings import Calling, git


def test_four_commands(project: Path, call_xvc: Calling) -> None:
    """Two tagged runs, and a comparison that says what differs."""
    first = call_xvc("run", "--tag", "minor", "--", "python", "train.py", "--lr", "0.1")
    second = call_xvc("run", "--tag", "minor", "--", "python", "train.py", "--lr", "0.01")
    compared = call_xvc("compare", "e0.1.0", "e0.2.0")

    assert (first.code, second.code, compared.code) == (0, 0, 0)
    assert "accuracy" in compared.out
    assert git(project, "tag") == "e0.1.0\ne0.2.0"
    assert git(project, "status", "--porcelain") == ""
    print(first, second, compared.out, compared.err)
