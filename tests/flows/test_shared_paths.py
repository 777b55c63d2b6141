"""What trials write outside of their trees is found where code puts the paths together."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from xvc.git.commands import Git, find
from xvc.sweeps.shared_paths import SharedPaths

PLACES = {
    "f'{AWAY}/net-{a}.pt'": "away/net-1.pt",
    "pathlib.Path('AWAY') / f'{a}.pt'": "away/1.pt",
    "os.path.join('..', 'best.pt')": "best.pt",
    "'../best.pt'": "best.pt",
    "pathlib.Path(__file__).resolve().parent.parent / f'net_{a}.pt'": "net_1.pt",
    "pathlib.Path.home() / 'best.pt'": "home/best.pt",
    "os.path.join(os.environ['HOME'], f'x{a}.pt')": "home/x1.pt",
    "os.path.join(tempfile.gettempdir(), 'xvc-test-best.pt')": "tmp/xvc-test-best.pt",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_path_that_is_put_together_outside_of_the_trees_is_found(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Its folder, or the name that it ends in, stands in the code; what others write is not it."""
    for name in ("away", "home", "tmp"):
        (tmp_path / name).mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    text = place.replace("{AWAY}", str(tmp_path / "away")).replace("AWAY", str(tmp_path / "away"))
    (project / "step.py").write_text(f"import os, pathlib, tempfile\na = 1\nopen({text}, 'w')\n")
    place_of = find(project)
    assert place_of is not None
    looked = SharedPaths(Git(place_of, os.environ), ("python", "step.py"), project)
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    subprocess.run(["python", "step.py"], cwd=project, env=environment, check=True)
    for folder in ("home", "tmp", "."):
        (tmp_path / folder / "others.log").touch()

    where = project.parent if ".." in place or "parent" in place else tmp_path
    assert looked.changed() == [str(where / PLACES[place])]
