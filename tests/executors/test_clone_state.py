"""A clone is used again only when it holds what it was made with, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from xvc.executors.clone_state import clean, save_state

KEPT = ("code.py", "data/x.csv", "data/deep/y.csv")


def _replace(top: Path) -> None:
    (top / "data/x.csv").unlink()
    (top / "data/x.csv").write_text("data/x.csv")


@pytest.mark.parametrize(
    ("job", "is_clean"),
    [
        (lambda top: (top / "ckpt.pt").write_text("left"), True),
        (lambda top: (top / "data/deep/z.csv").write_text("left"), True),
        (lambda top: (top / "runs").mkdir(), True),
        (lambda top: (top / "link").symlink_to(top / "data"), True),
        (lambda top: (top / ".dvc/tmp/lock").write_text("other"), True),
        (lambda top: (top / "data/x.csv").write_text("changed"), False),
        (lambda top: (top / "data/x.csv").chmod(0o400), False),
        (lambda top: (top / "data/deep/y.csv").unlink(), False),
        (_replace, False),
    ],
)
def test_what_a_job_leaves_is_removed_or_told(
    tmp_path: Path, job: Callable[[Path], object], is_clean: bool
) -> None:
    """New files go; a file of the clone that is gone or changed makes it unclean."""
    top, saved = tmp_path / "top", tmp_path / "state.json"
    for path in (*KEPT, ".dvc/tmp/lock", ".git/HEAD"):
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(path)
    save_state(top, [".dvc/tmp"], saved)
    before = {p for p in top.rglob("*") if ".dvc/tmp" not in str(p)}

    job(top)
    found = clean(top, [".dvc/tmp"], saved)

    assert found is is_clean
    assert {p for p in top.rglob("*") if ".dvc/tmp" not in str(p)} <= before
