"""Fixtures of the fault tests: the injector, the fork server, and repositories to hurt."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faulty import HERE, Repo, copy_repo, new_repo
from forked import Server

_SUMMARY = "fault points"


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """The compiled fault injector; None without a C compiler, and where LD_PRELOAD is not known."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    made = tmp_path_factory.mktemp("injector") / "faultpoint.so"
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(made)]
    subprocess.run([*command, str(HERE / "faultpoint.c"), "-ldl"], check=True)
    return made


@pytest.fixture(scope="session")
def server(library: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The fork server, with the injector loaded and asleep."""
    server = Server(tmp_path_factory.mktemp("counter"), library=library)
    yield server
    server.close()


@pytest.fixture
def injector(library: Path | None) -> Path:
    """The injector, for the tests that cannot do without."""
    if library is None:
        pytest.skip("no storage call can be made to fail here: that needs Linux and cc")
    return library


@pytest.fixture(scope="session")
def bare_template(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    place = tmp_path_factory.mktemp("bare")
    return new_repo(place / "repo", place / "aside", server)


@pytest.fixture(scope="session")
def template(bare_template: Repo, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    repo = copy_repo(bare_template, tmp_path_factory.mktemp("set-up"))
    repo.ran("init")
    return repo


@pytest.fixture(scope="session")
def tagged_template(template: Repo, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    repo = copy_repo(template, tmp_path_factory.mktemp("tagged"))
    assert repo.run_logging("first", 3, "--tag", "minor").code == 0
    return repo


@pytest.fixture
def bare(bare_template: Repo, tmp_path: Path) -> Repo:
    """A repository with a script and one commit, without xvc or DVC."""
    return copy_repo(bare_template, tmp_path)


@pytest.fixture
def repo(template: Repo, tmp_path: Path) -> Repo:
    """A repository where ``xvc init`` was called and nothing has run."""
    return copy_repo(template, tmp_path)


@pytest.fixture
def tagged(tagged_template: Repo, tmp_path: Path) -> Repo:
    """A repository with one run of three rows (``first-0`` …), which is version e0.1.0."""
    return copy_repo(tagged_template, tmp_path)


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keeps a line for the summary at the end of the session."""
    return lambda line: request.node.user_properties.append((_SUMMARY, line))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many points were hit, so that the figures can be quoted."""
    reports = [report for held in terminalreporter.stats.values() for report in held]
    kept = [pair for report in reports for pair in getattr(report, "user_properties", ())]
    lines = sorted({line for name, line in kept if name == _SUMMARY})
    if lines:
        terminalreporter.section(_SUMMARY)
        for line in lines:
            terminalreporter.write_line(line)
