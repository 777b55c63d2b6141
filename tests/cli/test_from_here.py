"""A command in a hint names files as the user's folder reaches them, and nothing else of it."""

from __future__ import annotations

from pathlib import Path

from xvc.cli.from_here import from_here


def test_the_words_of_the_command_itself_are_no_files(tmp_path: Path) -> None:
    """Also where folders are called like them."""
    for name in (".git", "dvc", "pull", "below", "data"):
        (tmp_path / name).mkdir()

    assert from_here("dvc pull data", tmp_path / "below") == "dvc pull ../data"
    assert from_here("dvc pull", tmp_path / "below") == "dvc pull"
