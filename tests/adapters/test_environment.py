"""What a command runs on is read from names alone, for the interpreter that will run it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import venv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.run import Environment
from xvc.system.environment import describe_environment, environment_digest

PACKAGES = (
    "Foo_Bar.baz-1.2.dist-info",
    "plain-3.0.0rc1+local.5.dist-info",
    "old-0.9-py3.11.egg-info",
    "linked.egg-info",
    "~roken-1.0.dist-info",
    "module.py",
)


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with some packages by name."""
    prefix = tmp_path_factory.mktemp("env") / "venv"
    venv.create(prefix, with_pip=False, symlinks=True)
    (site,) = prefix.glob("lib/python3*/site-packages")
    for name in PACKAGES:
        (site / name).mkdir()
    (prefix / "bin/train").write_text("#!/bin/sh\n")
    (prefix / "bin/train").chmod(0o755)
    return prefix


@pytest.mark.parametrize("program", ["python", "python3", "train"])
def test_a_program_of_an_environment_means_that_environment(prefix: Path, program: str) -> None:
    """Its python and its scripts run with its packages, named as PEP 503 names them."""
    described = describe_environment(program, f"{prefix}/bin:/usr/bin:/bin")

    assert described.packages == {
        "foo-bar-baz": "1.2",
        "linked": "",
        "old": "0.9",
        "plain": "3.0.0rc1+local.5",
    }
    assert described.python == platform.python_version()


def test_a_program_by_its_path_means_its_environment(prefix: Path) -> None:
    """No search is needed for a command that is named in full."""
    described = describe_environment(str(prefix / "bin/python"), "")

    assert "foo-bar-baz" in described.packages


def test_a_script_of_the_system_runs_what_the_search_path_finds(prefix: Path) -> None:
    """A shell script that says ``python`` gets the one of the active environment."""
    described = describe_environment("sh", f"{prefix}/bin:/usr/bin:/bin")

    assert "foo-bar-baz" in described.packages


def test_without_any_python_it_is_ours(tmp_path: Path) -> None:
    """Where the search path tells nothing we describe what we run on ourselves."""
    described = describe_environment("no-such-program", str(tmp_path))

    assert described.python == platform.python_version()
    assert "pytest" in described.packages


def test_our_own_interpreter_is_described_by_our_path() -> None:
    """Started with our python, a command sees what we see."""
    described = describe_environment(sys.executable, os.environ["PATH"])

    assert {"pytest", "psutil", "hypothesis"} <= set(described.packages)


def test_the_first_on_the_path_is_the_one_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a package that is there twice the version is the one that would be imported."""
    for folder, version in (("a", "1"), ("b", "2")):
        (tmp_path / folder / f"twice-{version}.dist-info").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "a"), str(tmp_path / "b")])
    described = describe_environment(None, "")

    assert described.packages == {"twice": "1"}


def test_a_link_into_another_prefix_is_followed(prefix: Path, tmp_path: Path) -> None:
    """A python outside any environment has the packages of where it really lives."""
    real = tmp_path / "opt/python-3.99"
    (real / "bin").mkdir(parents=True)
    (real / "lib/python3.99/site-packages/there-1.0.dist-info").mkdir(parents=True)
    (real / "lib/python3.98/site-packages/elsewhere-1.0.dist-info").mkdir(parents=True)
    shutil.copy("/bin/sh", real / "bin/python3.99")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(real / "bin/python3.99")
    described = describe_environment("python", str(tmp_path / "bin"))

    assert (described.python, described.packages) == ("3.99", {"there": "1.0"})


def test_tools_are_named_when_known(prefix: Path) -> None:
    """DVC is the one that we use; git's version is the caller's to know."""
    path = f"{prefix}/bin"
    known, unknown = (
        describe_environment("python", path, git="2.39.5"),
        describe_environment("python", path),
    )

    assert set(known.tools) == {"git", "dvc"}
    assert (known.tools["git"], "git" in unknown.tools) == ("2.39.5", False)


def names() -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=5)


@given(names())
def test_equal_environments_have_equal_digests(packages: dict[str, str]) -> None:
    """The order in which packages were found does not show."""
    turned = dict(reversed(packages.items()))
    digests = {environment_digest(Environment(packages=each)) for each in (packages, turned)}

    assert len(digests) == 1
    assert all(len(digest) == 16 for digest in digests)


@given(names(), names())
def test_different_environments_have_different_digests(
    one: dict[str, str], other: dict[str, str]
) -> None:
    """Two digests are equal exactly when the packages are."""
    first, second = (environment_digest(Environment(packages=each)) for each in (one, other))

    assert (first == second) == (one == other)
