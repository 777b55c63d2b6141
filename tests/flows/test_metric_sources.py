"""A package can read the metrics files of an ending; what it does wrong costs a warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from surroundings import Calling

_PACKAGE = """\
def last_row(path):
    head, *rows = [line.split(",") for line in path.read_text().splitlines()]
    return dict(zip(head, map(float, rows[-1])))


def fails(path):
    raise LookupError("no such column")
"""
_POINTS = """\
[xvc.metrics]
csv = elsewhere_metrics:last_row
bad = elsewhere_metrics:fails
gone = elsewhere_metrics_gone:fails
json = elsewhere_metrics:fails
"""
_SCRIPT = """\
open("m.csv", "w").write("epoch,recall\\n1,0.5\\n2,0.75\\n")
open("metrics.json", "w").write('{"accuracy": 0.9}')
for name in ("m.bad", "m.gone"):
    open(name, "w").write("x")
open("m.txt", "w").write("plain: 3")
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A package with metric sources, installed as pip would."""
    folder = tmp_path / "shelf"
    about = folder / "elsewhere-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(_POINTS)
    (folder / "elsewhere_metrics.py").write_text(_PACKAGE)
    return folder


def test_a_source_of_another_package_reads_its_files(
    project: Path, shelf: Path, run_xvc: Calling
) -> None:
    """By the ending; xvc's own endings stay its own, one that fails is named and stops nothing."""
    names = "[metrics.json, m.csv, m.bad, m.gone, m.txt]"
    (project / "xvc.yaml").write_text(f"metrics:\n  files: {names}\n")
    (project / "write.py").write_text(_SCRIPT)
    done = run_xvc("run", "--", "python", "write.py", env={"PYTHONPATH": str(shelf)})
    metrics = run_xvc("show", "--json").data["metrics"]

    assert done.code == 0
    assert metrics == {"accuracy": 0.9, "epoch": 2.0, "recall": 0.75, "plain": 3}
    assert "the metrics in m.bad cannot be read: no such column" in done.err
    assert "the metrics in m.gone cannot be read" in done.err
