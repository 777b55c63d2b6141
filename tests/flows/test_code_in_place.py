"""Code that is installed where it lies changes under one version: a run tells which it had."""

from __future__ import annotations

import os
import venv
from pathlib import Path

import pytest

from surroundings import Calling, git

NOTE = '{{"dir_info": {{"editable": true}}, "url": "file://{}"}}'


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The interpreter of an environment of its own, first on the path."""
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    monkeypatch.setenv("PATH", f"{tmp_path}/env/bin:{os.environ['PATH']}")
    return tmp_path / "env/bin/python"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A project beside, with one commit."""
    lib = tmp_path / "lib"
    (lib / "src").mkdir(parents=True)
    (lib / "src/beside.py").write_text("rate = 1\n")
    git(lib, "init", "-q")
    git(lib, "add", ".")
    git(lib, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")
    return lib


def installed(python: Path, lib: Path, *, by_note: bool) -> str:
    """Install it in place as pip does, or by a file that names its folder; return its name."""
    (site,) = python.parents[1].glob("lib/python3*/site-packages")
    (site / "beside.pth").write_text(f"{lib}/src\n")
    if by_note:
        (site / "Be_side-0.1.dist-info").mkdir()
        (site / "Be_side-0.1.dist-info/direct_url.json").write_text(NOTE.format(lib))
    return "be-side" if by_note else "beside.pth"


def packages(call_xvc: Calling, run: str) -> dict[str, str]:
    found: dict[str, str] = call_xvc("show", run, "--json").data["environment"]["packages"]
    return found


@pytest.mark.parametrize("by_note", [True, False])
def test_each_state_of_code_in_place_is_another(
    python: Path, library: Path, project: Path, call_xvc: Calling, *, by_note: bool
) -> None:
    """A commit and each edit without one; `show`, `compare` and a rerun tell them apart."""
    name = installed(python, library, by_note=by_note)
    words = ("run", "--json", "--", "python", "-c", "import beside; print(beside.rate)")
    commit = git(library, "rev-parse", "HEAD").strip()[:10]
    runs = [call_xvc(*words).data["run"]]
    for rate in (2, 3):
        (library / "src/beside.py").write_text(f"rate = {rate}\n")
        runs.append(call_xvc(*words).data["run"])
    (library / "src/more.py").write_text("")
    runs.append(call_xvc(*words).data["run"])
    said = [packages(call_xvc, run)[name] for run in runs]
    shown = call_xvc("show", runs[-1])
    compared = call_xvc("compare", runs[1], runs[2], "--json").data["packages"]
    again = call_xvc("rerun", runs[0], "--verify")

    version = "0.1 " if by_note else ""
    assert said[0] == f"{version}at {commit}"
    assert all(each.startswith(f"{said[0]}, changed ") for each in said[1:])
    assert len({*said}) == len(said)
    assert f"{name} {said[-1]}" in shown.out
    assert [row["key"] for row in compared if not row.get("same")] == [name]
    assert name in again.err


def test_code_in_place_without_git_is_told_by_its_content(
    python: Path, library: Path, project: Path, call_xvc: Calling
) -> None:
    """Equal sources are equal, whatever else lies there; another source is another."""
    name = installed(python, library, by_note=True)
    (library / ".git").rename(library.parent / "gone")
    states = []
    for path, text in (("src/a.py", ""), ("src/log.bin", "x"), ("src/a.py", "1")):
        (library / path).write_text(text)
        run = call_xvc("run", "--json", "--", "python", "-c", "").data["run"]
        states.append(packages(call_xvc, run)[name])

    assert states[0].startswith("0.1 code ")
    assert states[0] == states[1] != states[2]


def test_code_in_place_in_the_tree_is_of_the_snapshot(
    python: Path, project: Path, call_xvc: Calling
) -> None:
    """The project's own package counts by its version: the snapshot holds it."""
    (project / "src").mkdir()
    (project / "src/beside.py").write_text("")
    name = installed(python, project, by_note=True)
    run = call_xvc("run", "--json", "--", "python", "-c", "").data["run"]
    found = packages(call_xvc, run)

    assert found == {name: "0.1"}
