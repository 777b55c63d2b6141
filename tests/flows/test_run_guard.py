"""Whatever fails in xvc, the command runs, and its exit code is the answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from surroundings import Calling, git

BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
)
DEEP = '{"a":' * 990 + "1" + "}" * 990


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "params.yaml")
    os.mkfifo(folder / "metrics.json")


def _written(name: str, content: str | bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        raw = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(raw)

    return write


def _foreign_schema(folder: Path) -> None:
    import duckdb

    store = folder / "results/experiments.duckdb"
    store.unlink(missing_ok=True)
    with duckdb.connect(store) as connection:
        connection.execute("CREATE TABLE runs (id INTEGER); CREATE TABLE meta (a BLOB)")


HARM: dict[str, Callable[[Path], None]] = {
    "pipes": _pipe,
    "anchors that multiply": _written("params.yaml", BOMB),
    "an anchor in itself": _written("params.yaml", "a: &a {b: *a}\n"),
    "deep yaml": _written("params.yaml", "a: " + "[" * 5000),
    "deep json": _written("params.json", DEEP),
    "bytes": _written("params.yaml", b"\xff\xfe\x00"),
    "no numbers": _written("params.json", '{"a": NaN, "b": 1e999, "c": 99999999999999999999999}'),
    "broken pipeline": _written("dvc.yaml", "stages:\n\ttrain:\n"),
    "pipe for a pipeline": lambda folder: os.mkfifo(folder / "dvc.yaml"),
    "link for a pipeline": lambda folder: (folder / "dvc.yaml").symlink_to("nowhere"),
    "link for a lock": lambda folder: (folder / "dvc.lock").symlink_to("nowhere"),
    "link for settings": lambda folder: (folder / "pyproject.toml").symlink_to("nowhere"),
    "list for a pipeline": _written("dvc.yaml", "- a\n"),
    "broken settings": _written("xvc.yaml", "tag:\n\tprefix: e\n"),
    "latin-1 settings": _written("xvc.yaml", b"note: \xe9\n"),
    "broken DVC settings": _written(".dvc/config", "[core\nremote"),
    "broken pointer": _written("data.csv.dvc", "outs: ["),
    "foreign store": _foreign_schema,
    "no database": _written("results/experiments.duckdb", b"not a database at all" * 1000),
    "broken pointer of the store": _written("results/experiments.duckdb.dvc", "outs: 3"),
    "broken index": _written(".git/index", b"DIRC no index"),
    "broken HEAD": _written(".git/HEAD", b"\xff\n"),
}


@pytest.fixture(params=sorted(HARM))
def harmed(project: Path, request: pytest.FixtureRequest) -> Path:
    with (project / "xvc.yaml").open("a") as settings:
        settings.write("\n")
    text = (project / "xvc.yaml").read_text()
    files = "params:\n  files: [params.yaml, params.json]\nmetrics:\n  files: [metrics.json]\n"
    (project / "xvc.yaml").write_text(f"{text.split('params:')[0]}{files}")
    HARM[request.param](project)
    return project


def test_nothing_beside_a_command_keeps_it_from_running(harmed: Path, run_xvc: Calling) -> None:
    """Each harm: the command runs, its code is the answer, and its end is in a journal."""
    code = (
        f"open('ran', 'w'); m = open('deep.json', 'w'); m.write({DEEP[:20]!r}); raise SystemExit(7)"
    )
    ran = run_xvc("run", "--", sys.executable, "-c", code, cwd=harmed)
    journals = b"".join(path.read_bytes() for path in (harmed / ".git/xvc").rglob("*.jsonl"))

    assert (ran.code, (harmed / "ran").exists()) == (7, True), ran.err
    assert b'"exit_code":7' in journals
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("name", ["dvc.yaml", "dvc.lock", "data.dvc", "metrics.json", "xvc.yaml"])
def test_a_link_to_nowhere_is_named(project: Path, call_xvc: Calling, name: str) -> None:
    """What a link hides is not taken for nothing: the run goes on and says it once."""
    (project / name).unlink(missing_ok=True)
    (project / name).symlink_to("nowhere")
    git(project, "add", "-Af", name)

    ran = call_xvc("run", "--", "true")

    assert (ran.code, ran.err.count("a link to nowhere")) == (0, 1), ran.err
    assert name in next(line for line in ran.err.splitlines() if "nowhere" in line)


@pytest.mark.parametrize("name", ["dvc.lock", "data.dvc", "params.yaml"])
def test_a_link_to_itself_is_named(project: Path, call_xvc: Calling, name: str) -> None:
    """In words, with the file; what else there is to record is recorded."""
    (project / name).unlink(missing_ok=True)
    (project / name).symlink_to(name)

    ran = call_xvc("run", "--", "true")

    said = [line for line in ran.err.splitlines() if "a link to itself" in line]
    assert (ran.code, len(said), "Errno" in ran.err) == (0, 1, False), ran.err
    assert name in said[0]


def test_a_deep_metrics_file_is_a_warning(project: Path, call_xvc: Calling) -> None:
    """What a run wrote cannot be read: its code stays, and the run is a finished one."""
    (project / "xvc.yaml").write_text("metrics: {files: [m.json, n.json]}\n")
    deep = "[" * 100_000
    code = f"open('m.json', 'w').write({deep!r}); open('n.json', 'w').write('{{\"a\": 1}}')"
    ran = call_xvc("run", "--", sys.executable, "-c", code)
    found = call_xvc("show", "@", "--json").data

    assert (ran.code, found["status"], found["metrics"]) == (0, "finished", {"a": 1})
    assert "m.json: it is nested without end, or too deep" in ran.err


@pytest.mark.parametrize(
    "module", ["duckdb", "yaml", "orjson", "psutil", "dvc", "xvc.runs.run", "xvc.store.db"]
)
def test_a_package_that_cannot_be_loaded(project: Path, tmp_path: Path, module: str) -> None:
    """A broken installation: the command runs all the same, and its code is the answer."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Broken:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            raise ImportError(f'{name} is broken')\n"
        "if sys.argv[-1:] != ['-c']:\n"
        "    sys.meta_path.insert(0, Broken())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    words = [sys.executable, "-m", "xvc", "run", "--", "sh", "-c", "echo ran; exit 7"]
    ran = subprocess.run(words, cwd=project, env=environment, capture_output=True, check=False)

    assert (ran.returncode, ran.stdout) == (7, b"ran\n"), ran.stderr.decode()


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not obey ulimit -v")
@pytest.mark.parametrize("limit", ["-n 5", "-n 8", "-n 12", "-n 20", "-v 200000", "-v 400000"])
def test_small_limits(project: Path, limit: str) -> None:
    """Few descriptors, little memory: the command runs, and its code is the answer."""
    line = f"ulimit {limit}; exec {sys.executable} -m xvc run -- sh -c 'echo ran; exit 7'"
    ran = subprocess.run(["sh", "-c", line], cwd=project, capture_output=True, check=False)

    assert (ran.returncode, ran.stdout) == (7, b"ran\n"), ran.stderr.decode()


def test_a_folder_that_was_removed(project: Path) -> None:
    """Started where there is no folder any more, a command runs as it would without xvc."""
    line = f"mkdir gone; cd gone; rmdir ../gone; exec {sys.executable} -m xvc run -- sh -c 'exit 7'"
    ran = subprocess.run(["sh", "-c", line], cwd=project, capture_output=True, check=False)

    assert ran.returncode == 7, ran.stderr.decode()


def test_a_folder_that_the_command_removes(project: Path, call_xvc: Calling) -> None:
    """The run is recorded and in the store, and the folder that is gone is named."""
    (project / "gone").mkdir()
    words = [sys.executable, "-m", "xvc", "run", "--", "sh", "-c", "rmdir ../gone"]
    ran = subprocess.run(words, cwd=project / "gone", capture_output=True, text=True, check=False)
    listed = call_xvc("ls", "--json").data["runs"]

    assert ran.returncode == 0
    assert [run["status"] for run in listed] == ["finished"]
    assert f"{project / 'gone'}, where the command ran, is not there" in ran.stderr
    assert "working directory" not in ran.stderr


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_a_signal_beside_the_command_does_not_change_its_code(
    project: Path, call_xvc: Calling, number: signal.Signals
) -> None:
    """A signal while what a run left is being kept: its end is on record, with its code."""
    line = "echo $$; exit 0"
    words = [sys.executable, "-m", "xvc", "run", "--", "sh", "-c", line]
    process = subprocess.Popen(words, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    command = int(process.stdout.readline())
    while psutil.pid_exists(command):  # until we know of its end a signal may be for the command
        time.sleep(0.001)
    while process.poll() is None:  # until the last moment, when there is nothing left but to leave
        process.send_signal(number)
        time.sleep(0.01)  # closer ones would keep a loaded machine from forking
    process.communicate()
    found = call_xvc("show", "@", "--json").data

    assert process.returncode == 0
    assert (found["status"], found["exit_code"]) == ("finished", 0)


def test_a_version_that_was_not_made_is_no_success(project: Path, call_xvc: Calling) -> None:
    """`run --tag` without a version ends with 4, keeps the run, and says how to make it."""
    git(project, "config", "user.name", "")
    git(project, "config", "user.email", "")
    git(project, "config", "user.useConfigOnly", "true")
    ran = call_xvc("run", "--tag", "minor", "--json", "--", "true")
    optional = call_xvc("run", "--tag", "minor", "--tag-optional", "--", "true")
    failed = call_xvc("run", "--tag", "minor", "--", "sh", "-c", "exit 9")
    told = json.loads(ran.out)

    assert (ran.code, optional.code, failed.code) == (4, 0, 9)
    assert (told["ok"], told["data"]["version"], told["data"]["status"]) == (
        False,
        None,
        "finished",
    )
    assert "git does not know your name" in told["data"]["untagged"]
    assert told["next"] == [f"xvc tag minor --run {told['data']['run']}"]
    assert "no version was made" in optional.err


def test_bytes_that_are_no_text(project: Path, run_xvc: Calling, tmp_path: Path) -> None:
    """Arguments, params, notes, folders, files and variables in Latin-1: run, recorded, shown."""
    below = Path(os.fsdecode(bytes(project / "d") + b"\xe9"))
    below.mkdir()
    (below / os.fsdecode(b"caf\xe9.py")).write_text("1")
    (project / "xvc.yaml").write_text("environment: {variables: [FOO]}\n")
    cafe = os.fsdecode(b"caf\xe9")
    words = ["run", "--json", "-P", f"name={cafe}", "-m", cafe, "--out", cafe, "--tag", "minor"]
    code = 'printf %s "$0" | od -An -c; printf %s "$XVC_PARAM_NAME" | od -An -c'
    ran = run_xvc(*words, "--", "sh", "-c", code, cafe, cwd=below, env={"FOO": cafe})
    answer = json.loads(ran.out)
    shown = json.loads(run_xvc("show", "@", "--json", cwd=project).out)["data"]

    assert (ran.code, ran.err.count("c   a   f 351")) == (0, 2), ran.err
    assert answer["data"]["version"] == "e0.1.0"
    assert shown["params"]["name"] == shown["note"] == shown["command"][-1] == "$'caf\\xe9'"
    assert shown["folder"] == "$'d\\xe9'"
    for words in (["ls"], ["log"], ["compare", "@", "@"], ["brief"], ["doctor"], ["status"]):
        assert run_xvc(*words, cwd=project).code in (0, 3)


def test_a_project_in_a_folder_that_is_no_text(tmp_path: Path, run_xvc: Calling) -> None:
    """The project's own folder is in Latin-1: its runs are recorded, in a store that opens."""
    folder = Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    git(folder, "init", "-q")
    ran = run_xvc("run", "-P", "lr=1", "--", "sh", "-c", "exit 7", cwd=folder)
    listed = run_xvc("ls", "--json", cwd=folder)

    assert ran.code == 7, ran.err
    assert json.loads(listed.out)["data"]["total"] == 1, listed.err


def test_a_locale_whose_file_names_are_ascii(tmp_path: Path, run_xvc: Calling) -> None:
    """A project whose folder's name is no ASCII works there; what is shown is like it."""
    folder = tmp_path / "größe"
    folder.mkdir()
    git(folder, "init", "-q")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    calls = [["init"], ["run", "-m", "über", "--tag", "minor", "--", "true"], ["ls"], ["doctor"]]
    called = [run_xvc(*words, cwd=folder, env=ascii_only) for words in calls]
    note = json.loads(run_xvc("show", "@", "--json", cwd=folder).out)["data"]["note"]

    assert [each.code for each in called] == [0] * 4, [each.err for each in called]
    assert "uber" in called[2].out
    assert note == "über"


def test_a_tracker_where_file_names_are_ascii(tmp_path: Path, run_xvc: Calling) -> None:
    """A store's name, keys and values of other letters are what they are elsewhere."""
    script = tmp_path / "größe.py"
    script.write_text(
        "from xvc import Reader, Tracker\n"
        "with Tracker('größe.duckdb', params={'naïve': '数据'}) as tracker:\n"
        "    tracker.log({'lö': 0.5, 'wort': 'żółć'})\n"
        "print(ascii(Reader('größe.duckdb').values('lö')))\n",
        encoding="utf-8",
    )
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    ran = subprocess.run(
        [sys.executable, os.fsencode(script)],
        cwd=tmp_path,
        env={**os.environ, **ascii_only},
        capture_output=True,
        check=False,
    )

    assert ran.stdout == b"[0.5]\n", ran.stderr.decode()
    assert (tmp_path / "größe.duckdb").is_file()
    listed = run_xvc("ls", "--json", "--db", "größe.duckdb", cwd=tmp_path)
    assert json.loads(listed.out)["data"]["runs"][0]["params"] == {"naïve": "数据"}


def test_a_folder_that_dvc_cannot_name_is_refused(tmp_path: Path, run_xvc: Calling) -> None:
    """Where the path is no UTF-8, init says so, and makes nothing."""
    folder = Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    git(folder, "init", "-q")

    refused = run_xvc("init", cwd=folder)

    assert refused.code == 2
    assert "error[folder-no-text]" in refused.err
    assert os.listdir(folder) == [".git"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_knows_few_letters(project: Path, run_xvc: Calling, encoding: str) -> None:
    """What it cannot show is shown by something like it; JSON stays exact."""
    run_xvc("run", "-P", "name=größe 数据", "-m", "β…", "--", "true", cwd=project)
    narrow = {"PYTHONIOENCODING": encoding}
    calls = (["ls"], ["show"], ["log"], ["brief"], ["compare", "@", "@"], ["--help"])
    codes = [
        run_xvc(*words, cwd=project, env={"PYTHONIOENCODING": "ascii"}).code for words in calls
    ]
    told = run_xvc("show", "@", "--json", cwd=project, env=narrow)

    assert codes == [0] * len(calls)
    assert json.loads(told.out)["data"]["params"]["name"] == "größe 数据"
