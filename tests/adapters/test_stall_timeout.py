"""Remotes that take a call and never answer: said while it lasts, given up after a while."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from remotes import use_remote
from surroundings import Calling, git


@pytest.fixture
def silent() -> Iterator[int]:
    """A port of this machine that takes every call and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds in place of minutes."""
    monkeypatch.setattr("xvc.system.stall_timeout.SAID_EACH", 0.2)
    monkeypatch.setattr("xvc.system.stall_timeout.GIVEN_UP", 0.5)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("verb", ["push", "pull"])
def test_a_git_remote_that_never_answers_is_given_up(
    verb: str, project: Path, silent: int, call_xvc: Calling
) -> None:
    """The wait is said meanwhile, also to who has no terminal, and the call ends."""
    git(project, "remote", "add", "origin", f"http://127.0.0.1:{silent}/repository.git")

    answer = call_xvc(verb)

    assert "error[no-answer]: git remote origin has not answered" in answer.err
    assert "still waiting for git remote origin" in answer.err


@pytest.mark.sweep  # DVC asks ten times; that a wait is told of is held above
@pytest.mark.usefixtures("impatient")
def test_a_dvc_remote_that_never_answers_is_told_of(
    project: Path, tmp_path: Path, silent: int, call_xvc: Calling
) -> None:
    """DVC's own limit of the remote ends the call; until then the wait is said."""
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(project, "remote", "add", "origin", str(tmp_path / "origin.git"))
    assert call_xvc("run", "--tag", "minor", "--", "python", "train.py").code == 0
    address = f"http://127.0.0.1:{silent}/objects"
    use_remote(project, {"url": address, "read_timeout": "1", "connect_timeout": "1"})

    answer = call_xvc("push")

    assert "error[dvc-failed]" in answer.err
    assert "still waiting for DVC remote storage" in answer.err
