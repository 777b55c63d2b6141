"""What every test stands on: a fresh home, no outer git, and ways to call xvc.

Nothing that a machine happens to have reaches a test: HOME, XDG folders and DVC's site folder are
private, ``GIT_*`` and ``XVC_*`` are gone, and ``python`` is the interpreter that runs the tests.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

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


@dataclass(frozen=True, slots=True)
class Called:
    """What one call of xvc left: exit code, stdout, stderr."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """stdout as one JSON document."""
        return json.loads(self.stdout)

    @property
    def data(self) -> Any:
        """The ``data`` of a JSON answer."""
        return self.json["data"]


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


def git(folder: Path, *words: str, check: bool = True) -> str:
    """Call git as a user would; returns what it printed, without the last newline."""
    called = subprocess.run(
        ["git", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    if check and called.returncode:
        raise AssertionError(f"git {' '.join(words)} failed: {called.stderr}")
    return called.stdout.rstrip("\n")


def xvc(
    *words: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout: float = 120,
) -> Called:
    """Call ``xvc`` in a process of its own; *env* is added to the test's environment."""
    called = subprocess.run(
        [sys.executable, "-m", "xvc", *words],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        input=stdin if stdin is not None else "",
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    return Called(called.returncode, called.stdout, called.stderr)


@pytest.fixture
def run_xvc() -> Callable[..., Called]:
    """Call ``xvc`` in a process: ``run_xvc("ls", "--json", cwd=project)``."""
    return xvc


@pytest.fixture
def call_xvc(capfd: pytest.CaptureFixture[str]) -> Callable[..., Called]:
    """Call ``xvc`` within this process, 20 times faster: ``call_xvc("ls", cwd=project)``."""
    from xvc.cli.app import call

    def within(*words: str, cwd: Path) -> Called:
        capfd.readouterr()
        code = call(["-C", str(cwd), *words])
        out, err = capfd.readouterr()
        return Called(code, out, err)

    return within


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One project, made once a session: ``git init``, a first commit, ``xvc init``."""
    folder = tmp_path_factory.mktemp("template") / "project"
    folder.mkdir()
    environment = private_environment(folder.parent / "home")
    (folder / "README.md").write_text("# a project\n")
    for words in (
        ["git", "init", "-q"],
        ["git", "add", "README.md"],
        ["git", "commit", "-q", "-m", "begin"],
        [sys.executable, "-m", "xvc", "init"],
    ):
        called = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert called.returncode == 0, called.stderr
    return folder


@pytest.fixture
def project(_template: Path, tmp_path: Path) -> Iterator[Path]:
    """A git repository with one commit and ``xvc init`` done; the branch is ``main``."""
    folder = tmp_path / "project"
    shutil.copytree(_template, folder, symlinks=True)
    for settings in (folder / ".dvc" / "config.local",):  # it names DVC's site folder in full
        settings.write_text(settings.read_text().replace(str(_template), str(folder)))
    git(folder, "update-index", "-q", "--refresh")
    yield folder
