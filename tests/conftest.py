"""What every test stands on: a fresh home, no outer git, a project, and ways to call xvc.

Nothing that a machine happens to have reaches a test: HOME, XDG folders and DVC's site folder are
private, ``GIT_*`` and ``XVC_*`` are gone, and ``python`` is the interpreter that runs the tests.

Properties try the same examples at each run, so that a red suite is always the change's own doing;
the sweeps (``scripts/test --sweep``) go by the profile ``searching`` and try new ones each time.
How fast a machine is decides nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from surroundings import (
    TRAIN,
    Begun,
    Called,
    Calling,
    copied,
    end_forks,
    forks,
    private_environment,
)

_ANY_SPEED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("searching", _ANY_SPEED)
settings.register_profile("steady", _ANY_SPEED, derandomize=True, database=None)
settings.load_profile("steady")


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


@pytest.fixture(scope="session", autouse=True)
def _forks_end() -> Iterator[None]:
    yield
    end_forks()


@pytest.fixture
def run_xvc() -> Calling:
    """Call ``xvc`` in a process of its own; *env* is added to the test's environment.

    ``run_xvc("ls", "--json", cwd=folder)``; without *cwd*, in the current folder. It is forked,
    unless it has *stdin*, or its environment changes how Python starts.
    """

    def run(
        *words: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        timeout: float = 600,
    ) -> Called:
        server, environment = forks("xvc"), {**os.environ, **(env or {})}
        if not stdin and server.fits(environment):
            running = server.start(["xvc", *words], cwd or Path.cwd(), environment=environment)
            ended = running.wait(timeout)
            return Called(ended.code, _lines(ended.out), _lines(ended.err))
        done = subprocess.run(
            [sys.executable, "-m", "xvc", *words],
            cwd=cwd,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        return Called(done.returncode, done.stdout, done.stderr)

    return run


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.fixture
def call_xvc(capfd: pytest.CaptureFixture[str]) -> Calling:
    """Call ``xvc`` within this process, which saves its start; *cwd* is as for `cd`."""
    from xvc.cli.app import call

    def within(*words: str, cwd: Path | None = None) -> Called:
        capfd.readouterr()
        with chdir(cwd) if cwd else nullcontext():
            code = call(list(words))
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
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without git."""
    folder = tmp_path / "plain"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def project(_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository on ``main`` with a train.py, where ``xvc init`` was called; we are in it.

    ``train.py --lr X`` writes ``accuracy`` into metrics.json, which the settings name.
    """
    folder = copied(_template, tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def _beginnings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder where `begun` keeps what was made, and what came of each making, by name."""
    return tmp_path_factory.mktemp("beginnings"), {}


@pytest.fixture
def begun(_beginnings: tuple[Path, dict[str, Any]]) -> Begun:
    """Bring a folder to where several tests begin: ``begun(folder, make)`` returns what *make* did.

    *make* is called in the first test of a session that wants it, and writes into the folder
    alone. Each test, that first one too, goes on in a copy of what it left. What *make* returned
    belongs to all of them.
    """
    place, results = _beginnings

    def bring(folder: Path, make: Callable[[], Any]) -> Any:
        here, name = Path.cwd(), f"{make.__module__}.{make.__qualname__}"
        if name not in results:
            result = make()
            shutil.move(folder, place / name)
            results[name] = (folder, result)
        was, result = results[name]
        if folder.exists():
            shutil.rmtree(folder)
        copied(place / name, folder, made_in=was)
        os.chdir(here)
        return result

    return bring
