"""What every test stands on: a fresh home, no outer git, a project, and ways to call xvc.

Nothing that a machine happens to have reaches a test: HOME, XDG folders and DVC's site folder are
private, ``GIT_*`` and ``XVC_*`` are gone, and ``python`` is the interpreter that runs the tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from surroundings import TRAIN, Called, Calling, git

_GITCONFIG = """\
[user]
\tname = Ada Tester
\temail = ada@example.org
[init]
\tdefaultBranch = main
[commit]
\tgpgSign = false
[tag]
\tgpgSign = false
[gc]
\tauto = 0
"""
_DROPPED = ("GIT_", "XVC_", "DVC_", "XDG_")
_DROPPED_NAMES = ("FORCE_COLOR", "CLICOLOR_FORCE", "NO_COLOR", "PYTHONPATH", "PYTHONWARNINGS")


def private_environment(home: Path) -> dict[str, str]:
    """The process environment with everything of this machine's user taken out."""
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitconfig").write_text(_GITCONFIG)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_DROPPED) and name not in _DROPPED_NAMES
    }
    return {
        **kept,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site"),
        "DVC_NO_ANALYTICS": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")]),
    }


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home, in force for the whole test; returns its folder."""
    folder = tmp_path_factory.mktemp("home")
    wanted = private_environment(folder)
    for name in set(os.environ) - set(wanted) - {"PYTEST_CURRENT_TEST"}:
        monkeypatch.delenv(name)
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def run_xvc() -> Calling:
    """Call ``xvc`` in a process of its own; *env* is added to the test's environment.

    ``run_xvc("ls", "--json", cwd=folder)``; without *cwd*, in the current folder.
    """

    def run(
        *words: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        timeout: float = 120,
    ) -> Called:
        done = subprocess.run(
            [sys.executable, "-m", "xvc", *words],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        return Called(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def call_xvc(capfd: pytest.CaptureFixture[str]) -> Calling:
    """Call ``xvc`` within this process, which saves its start; without *cwd*, where we are."""
    from xvc.cli.app import call

    def within(*words: str, cwd: Path | None = None) -> Called:
        capfd.readouterr()
        code = call([*(["-C", str(cwd)] if cwd else []), *words])
        out, err = capfd.readouterr()
        return Called(code, out, err)

    return within


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One project, made once a session; `project` copies it."""
    folder = tmp_path_factory.mktemp("template") / "project"
    folder.mkdir()
    environment = private_environment(folder.parent / "home")
    (folder / "train.py").write_text(TRAIN)
    (folder / ".gitignore").write_text("metrics.json\n")
    (folder / "xvc.yaml").write_text("metrics:\n  files: [metrics.json]\n")
    for words in (
        ["git", "init", "-q"],
        ["git", "add", "."],
        ["git", "commit", "-q", "-m", "begin"],
        [sys.executable, "-m", "xvc", "init"],
    ):
        done = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def project(_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository on ``main`` with a train.py, where ``xvc init`` was called; we are in it.

    ``train.py --lr X`` writes ``accuracy`` into metrics.json, which the settings name.
    """
    folder = tmp_path / "project"
    shutil.copytree(_template, folder, symlinks=True)
    settings = folder / ".dvc" / "config.local"  # it names DVC's site folder in full
    settings.write_text(settings.read_text().replace(str(_template), str(folder)))
    git(folder, "update-index", "-q", "--refresh")
    monkeypatch.chdir(folder)
    return folder
