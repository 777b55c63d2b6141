"""What a call loads: heavy packages only where they are needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from surroundings import Calling
from xvc.cli.app import COMMANDS, HIDDEN

HEAVY = (
    *("dvc", "git", "pandas", "numpy", "rich", "plotext", "matplotlib"),
    *("diskcache", "cloudpickle", "distributed", "submitit"),
)
_TELL = "print(*{{name.split('.')[0] for name in sys.modules}} & {names!r}, file=sys.stderr)"
_CALL = "import sys; from xvc.cli.app import call; code = call({words!r}); {tell}; sys.exit(code)"


def loaded(program: str, *names: str, cwd: Path) -> tuple[set[str], str]:
    """Which of *names* a fresh interpreter has loaded after *program*, and what it printed."""
    tell = _TELL.format(names=set(names))
    code = program.replace("TELL", tell)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split()), done.stdout


def called(words: list[str], *names: str, cwd: Path) -> tuple[set[str], str]:
    """Which of *names* one call of ``xvc`` has loaded, and what it printed."""
    return loaded(_CALL.format(words=words, tell="TELL"), *names, cwd=cwd)


def test_the_probe_sees_what_is_loaded(tmp_path: Path) -> None:
    """The tests below would notice: a package that is imported is reported."""
    found, _ = loaded("import sys, yaml; TELL", "yaml", "duckdb", cwd=tmp_path)

    assert found == {"yaml"}


def test_importing_the_tracker_is_light(tmp_path: Path) -> None:
    """Who imports Tracker, or opens a project, pays for none of the packages behind it."""
    program = "import sys; from xvc import Reader, Tracker, errors; import xvc; xvc.open(); TELL"

    lighter = ("duckdb", "typer", "yaml", "psutil", "loguru", "polars", "pyarrow")
    found, _ = loaded(program, *lighter, *HEAVY, cwd=tmp_path)

    assert found == set()


def test_tracking_a_function_is_light(tmp_path: Path) -> None:
    """A call without figures of use loads what logging loads, and no more."""
    begin = "import sys; from xvc import Tracker; tracker = Tracker('a.duckdb'); "

    found, _ = loaded(begin + "tracker.log({'a': 1}); TELL", "psutil", *HEAVY, cwd=tmp_path)
    more, _ = loaded(
        begin + "tracker.track(len, ['a']); TELL", "psutil", "pydantic", *HEAVY, cwd=tmp_path
    )

    assert more == found == set()


def test_logging_inside_a_run_is_light(project: Path) -> None:
    """Joining a run and logging into it opens no store and reads no settings."""
    program = "import sys; from xvc import Tracker; Tracker().log({'loss': 0.5}); TELL"
    tell = _TELL.format(names={"duckdb", "typer", "yaml", "cloudpickle", *HEAVY})
    inner = ["run", "--", sys.executable, "-c", program.replace("TELL", tell)]

    done = subprocess.run(
        [sys.executable, "-m", "xvc", "-q", *inner],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_a_run_without_a_model_loads_nothing_of_models(project: Path) -> None:
    """Nor of merges and tables: modules of ours cost as much as those of others."""
    words = ["-q", "run", "--", "true"]
    call = _CALL.format(words=words, tell="print(*sys.modules, file=sys.stderr)")

    done = subprocess.run(
        [sys.executable, "-c", call], cwd=project, capture_output=True, text=True, check=True
    )

    modules = set(done.stderr.split())
    assert "xvc.runs.run" in modules
    assert modules & {"xvc.models.publish_models", "xvc.models.add", "xvc.core.merge"} == set()
    assert modules & {"xvc.core.table_merge", "xvc.history.find", "xvc.versions.tag"} == set()


def test_a_cached_call_is_light(tmp_path: Path) -> None:
    """Looking into the cache loads no array package and no cloudpickle."""
    program = """import sys
from xvc.tracking.caching import Caching
print(Caching("cache").lookup(len, ([1, {"a": 2.5}],), {}, {}, "run").entry.called.function)
TELL"""

    found, text = loaded(program, "pandas", "numpy", "polars", "cloudpickle", cwd=tmp_path)

    assert (found, text) == (set(), "builtins.len\n")


@pytest.mark.parametrize("words", [[], *(name.split() for name in (*COMMANDS, *HIDDEN))])
def test_help_is_light(words: list[str], tmp_path: Path) -> None:
    """Help opens nothing."""
    found, text = called([*words, "--help"], "duckdb", "orjson", *HEAVY, cwd=tmp_path)

    assert found == set()
    assert "Usage: xvc" in text


@pytest.mark.parametrize(
    "words", [["ls"], ["log"], ["show"], ["status"], ["db", "ls"], ["db", "sql", "FROM runs"]]
)
def test_lists_are_light(words: list[str], project: Path, run_xvc: Calling) -> None:
    """Looking at runs loads neither DVC nor pandas."""
    run_xvc("run", "--tag", "minor", "--", "python", "train.py")

    found, _ = called(words, *HEAVY, cwd=project)

    assert found == set()


def test_running_is_light(project: Path) -> None:
    """A run, and a version of it, load neither DVC nor pandas."""
    words = ["run", "--tag", "minor", "--", sys.executable, "-c", "pass"]

    found, _ = called(words, *HEAVY, cwd=project)

    assert found == set()


def test_versions_are_read_from_tags_alone(project: Path) -> None:
    """``xvc log`` does not open DuckDB."""
    found, _ = called(["log"], "duckdb", *HEAVY, cwd=project)

    assert found == set()


def test_options_before_the_command_change_nothing_of_that(tmp_path: Path) -> None:
    """With -q or -C in front, a call still loads its own command alone."""
    words = ["-q", "-C", str(tmp_path), "status"]
    loads = "import xvc.cli.app; print([n for n in sys.modules if 'cli.commands' in n])"
    program = f"import sys; from xvc.cli.app import call; call({words!r}); {loads}; TELL"

    _, told = loaded(program, "duckdb", cwd=tmp_path)

    assert "xvc.cli.commands.status" in told
    assert "xvc.cli.commands.merge" not in told
