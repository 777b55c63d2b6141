"""A notebook's runs end by themselves, each as its own cells did."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from xvc.core.run import Status
from xvc.project import Project
from xvc.recording.command_params import option_values
from xvc.recovery.lost_runs import opened
from xvc.store import query

STAND_IN = '''
"""What IPython does around a cell: it runs it, shows an error, keeps it, and says that it ended."""
import sys, types
from types import SimpleNamespace

class Shell:
    def __init__(self):
        self.space, self.told, self.events = vars(sys.modules["__main__"]), [], self
    def register(self, event, function):
        assert event == "post_run_cell"
        self.told.append(function)
    def run_cell(self, text):
        result = SimpleNamespace(error_before_exec=None, error_in_exec=None)
        try:
            code = compile(text, "<cell>", "exec")
        except SyntaxError as err:
            result.error_before_exec = sys.last_value = err
        else:
            try:
                exec(code, self.space)
            except BaseException as err:
                result.error_in_exec = sys.last_value = err
        for function in self.told:
            function(result)

shell = Shell()
def get_ipython():
    return shell
'''
CELLS = (
    "from xvc import Tracker\ndef begin(name):\n"
    "    t = Tracker(DB, name=name); t.log({'x': 1}); return t",
    "a = begin('before')",
    "b = begin('open')",
    "a_typo_in_a_plot",
    "c = begin('went on')\n1 / 0",
    "c.log({'x': 2})",
    "d = begin('replaced')",
    "d = begin('replacing')",
    "def fit():\n    t = begin('of a function'); raise ValueError('diverged')\nfit()",
    "e = begin('syntax')",
    "x = = 1",
    "with begin('with') as w: pass",
    "f = begin('open beside a closed one')",
    "g = begin('closed'); g.close()",
    "1 / 0",
    "h = begin('twice')",
    "raise ValueError('the first')",
    "1 / 0",
    "i = begin('interrupted')",
    "raise KeyboardInterrupt",
    "j = begin('caught')\ntry: 1 / 0\nexcept ZeroDivisionError: pass",
    "k = begin('went on and failed')\n1 / 0",
    "k.log({'x': 2})",
    "del open_for_ever_undefined",
    "l = begin('in the same cell'); l = begin('in the same cell, last'); 1 / 0",
    "m = begin('last')",
)
FAILED = {
    "open": "NameError: name 'a_typo_in_a_plot' is not defined",
    "of a function": "ValueError: diverged",
    "open beside a closed one": "ZeroDivisionError: division by zero",
    "twice": "ValueError: the first",
    "went on and failed": "NameError: name 'open_for_ever_undefined' is not defined",
    "in the same cell, last": "ZeroDivisionError: division by zero",
}
REAL = "from IPython.core.interactiveshell import InteractiveShell\nshell = InteractiveShell()\n"
REAL += "import IPython; IPython.get_ipython = lambda: shell\nshell.user_ns['DB'] = DB\n"


@pytest.mark.parametrize("kind", ["stand-in", "IPython"])
def test_an_error_in_a_cell_fails_the_run_that_was_open_in_it(tmp_path: Path, kind: str) -> None:
    """Not those after it, nor those that ended well, were replaced, or went on to write."""
    if kind == "stand-in":
        (tmp_path / "IPython.py").write_text(STAND_IN)
    elif find_spec("IPython") is None:
        pytest.skip("IPython is not installed")
    begin = "import IPython\nshell = IPython.get_ipython()\n" if kind == "stand-in" else REAL
    (tmp_path / "kernel.py").write_text(
        f"DB = 't.duckdb'\n{begin}for cell in {CELLS!r}: shell.run_cell(cell)\n"
    )
    subprocess.run(
        [sys.executable, "kernel.py"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )

    project = Project.find(tmp_path, {}, {"database": str(tmp_path / "t.duckdb")})
    with opened(project) as connection:
        runs = query.all_runs(connection)

    failed = {run.name: run.reason for run in runs if run.status is Status.FAILED}
    assert failed == FAILED
    others = {run.name: run.status for run in runs if run.name not in FAILED}
    assert others.pop("interrupted") is Status.INTERRUPTED
    assert set(others.values()) == {Status.FINISHED}
    assert len(others) == 10


@pytest.mark.parametrize(
    "program",
    [
        ["/lib/ipykernel_launcher.py"],
        ["/lib/ipykernel/__main__.py"],
        ["/shell/db_ipykernel_launcher.py"],
        ["/lib/spyder_kernels/console/__main__.py"],
        ["/bin/xpython"],
        ["python", "-m", "spyder_kernels.console"],
        ["/lib/colab_kernel_launcher.py"],
    ],
)
def test_what_starts_a_kernel_is_no_param(program: list[str]) -> None:
    """Nothing of it is the user's, whatever its connection file is called."""
    words = [*program, "-f", "/tmp/a.json", "--HistoryManager.hist_file=:memory:", "--lr=1"]

    assert option_values(words) == {}


@pytest.mark.parametrize("program", ["train_kernel.py", "kernel_ridge.py", "kernels/__main__.py"])
def test_a_program_with_such_a_name_keeps_its_options(program: str) -> None:
    """Kernels are also what machines are trained with."""
    assert option_values([program, "--lr=1"]) == {"lr": "1"}
