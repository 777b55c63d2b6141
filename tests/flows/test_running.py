"""`xvc run`: what goes in is recorded, what comes out passes through, the code is the child's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from surroundings import Called, Calling, dvc, git
from xvc import Tracker

PRINT = "import os,sys,json; print(json.dumps({k: v for k, v in os.environ.items()}))"


def record(call_xvc: Calling, reference: str = "@") -> Any:
    """Everything that is known of a run."""
    return call_xvc("show", reference, "--json").data


def write_metrics(name: str, text: str) -> list[str]:
    return ["python", "-c", f"open({name!r}, 'w').write({text!r})"]


def test_params_come_from_file_and_call(project: Path, call_xvc: Calling) -> None:
    """Those of a file have dotted keys, those of `-P` their type beside them."""
    (project / "params.yaml").write_text(
        "lr: 1e-3\nmodel: {name: svm, layers: [1, 2]}\nnote: 'yes'\nn: 3\n"
    )
    call_xvc("run", "-P", "flag=true", "--", "true")

    assert record(call_xvc)["params"] == {
        "lr": 0.001,
        "model.name": "svm",
        "model.layers": [1, 2],
        "note": "yes",
        "n": 3,
        "flag": True,
    }


@pytest.mark.parametrize(
    ("written", "value", "variable"),
    [
        ("0.10", "0.10", "0.10"),
        ("1e-3", 0.001, "1e-3"),
        ("3", 3, "3"),
        ("true", True, "true"),
        ("null", None, "null"),
        ("'3'", "3", "3"),
        ("a b", "a b", "a b"),
        ("[1, 2]", [1, 2], "[1, 2]"),
        ("{a: 1}", {"a": 1}, "{a: 1}"),
        ("a=b", "a=b", "a=b"),
        ("", "", ""),
        ("1_000", "1_000", "1_000"),
        ("007", "007", "007"),
        ("yes", "yes", "yes"),
        ("2020-01-01", "2020-01-01", "2020-01-01"),
        ("a: b: c", "a: b: c", "a: b: c"),
    ],
)
def test_a_param_reaches_record_and_child(
    project: Path, call_xvc: Calling, written: str, value: Any, variable: str
) -> None:
    """A value keeps its type in the record, and reaches the child as XVC_PARAM_NAME."""
    ran = call_xvc("run", "-P", f"some.key={written}", "--", "python", "-c", PRINT)

    assert json.loads(ran.out)["XVC_PARAM_SOME_KEY"] == variable
    found = record(call_xvc)["params"]["some.key"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("name", ["params.yaml", "params.json"])
def test_a_copy_of_the_params_file(project: Path, call_xvc: Calling, name: str) -> None:
    """With --params-copy the child reads the replaced values in its own format; ours stay."""
    (project / "xvc.yaml").write_text(f"params: {{files: [{name}]}}\n")
    (project / name).write_text('{"lr": 0.1, "model": {"depth": 3, "kind": "tree"}}')
    before = (project / name).read_bytes()
    code = "import sys, json, yaml; t = open(sys.argv[1]).read(); "
    code += "read = json.loads if sys.argv[1].endswith('json') else yaml.safe_load; "
    code += "print(json.dumps(read(t)))"
    ran = call_xvc(
        *("run", "--params-copy", "-P", "model.depth=5", "-P", "new=1"),
        *("--", "python", "-c", code, "{params}"),
    )

    assert json.loads(ran.out) == {"lr": 0.1, "model": {"depth": 5, "kind": "tree"}, "new": 1}
    assert (project / name).read_bytes() == before


def test_a_copy_with_another_element_of_a_list(project: Path, call_xvc: Calling) -> None:
    """The list on record is the list of the copy, which the command read, not the one of ours."""
    (project / "params.yaml").write_text("sizes: [8, 4, 2]\nlayers: [{n: 1}, {n: 2}]\nlr: 0.1\n")
    call_xvc(
        *("run", "--params-copy", "-P", "sizes.1=9", "-P", "layers.0.n=5"),
        *("--", "cat", "{params}"),
    )

    found = record(call_xvc)["params"]
    assert (found["sizes"], found["layers"], found["lr"]) == ([8, 9, 2], [{"n": 5}, {"n": 2}], 0.1)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("m=5", {"m": 5, "lr": 0.1, "n": 1}),
        ('n={"a": 7}', {"m.a": 1, "m.b": 2, "lr": 0.1, "n.a": 7}),
        ('m={"c": 7}', {"m.c": 7, "lr": 0.1, "n": 1}),
    ],
)
def test_a_copy_with_another_shape(
    project: Path, call_xvc: Calling, asked: str, found: dict[str, object]
) -> None:
    """What a mapping held that is a number in the copy is on record no more."""
    (project / "params.yaml").write_text("m:\n  a: 1\n  b: 2\nlr: 0.1\nn: 1\n")
    ran = call_xvc("run", "--params-copy", "-P", asked, "--", "cat", "{params}")

    assert record(call_xvc)["params"] == found, ran.out


def test_a_copy_that_no_command_gets(project: Path, call_xvc: Calling) -> None:
    """A command that reads our file is on record with the list of that file, whatever was asked."""
    (project / "params.yaml").write_text("sizes: [8, 4, 2]\n")
    ran = call_xvc("run", "--params-copy", "-P", "sizes.1=9", "--", "cat", "params.yaml")

    assert record(call_xvc)["params"]["sizes"] == [8, 4, 2]
    assert "sizes.1: 9 was asked for, and the command read params.yaml, not the copy" in ran.err


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        (
            "m.json",
            '{"loss": 1e-05, "deep": {"acc": 0.5}, "tag": "x"}',
            {"loss": 1e-5, "deep.acc": 0.5},
        ),
        ("m.json", '{"a": NaN, "b": Infinity, "n": 3}', {"a": "nan", "b": "inf", "n": 3}),
        ("m.yaml", "loss: 1e-05\nacc: .5\nbig: 1E+3\n", {"loss": 1e-5, "acc": 0.5, "big": 1000.0}),
        ("m.toml", "loss = 1e-05\n[deep]\nacc = 0.5\n", {"loss": 1e-5, "deep.acc": 0.5}),
    ],
)
def test_metric_files(
    project: Path, call_xvc: Calling, name: str, text: str, found: dict[str, float]
) -> None:
    """Numbers in JSON, YAML and TOML files are the run's metrics, whatever way they are written."""
    (project / "xvc.yaml").write_text(f"metrics: {{files: [{name}]}}\n")
    ran = call_xvc("run", "--", *write_metrics(name, text))
    metrics: dict[str, Any] = record(call_xvc)["metrics"]

    assert ran.err.count("warning") == 0
    shown = {key: v["$float"] if isinstance(v, dict) else v for key, v in metrics.items()}
    assert shown == found


def test_a_stale_metric_file_does_not_count(project: Path, call_xvc: Calling) -> None:
    """A metric file that the run did not write speaks of another run."""
    call_xvc("run", "--", "python", "train.py")
    call_xvc("run", "--", "true")

    assert record(call_xvc, "@-1")["metrics"] == {"accuracy": 0.95}
    assert "metrics" not in record(call_xvc)


def test_a_broken_metric_file_is_said(project: Path, call_xvc: Calling) -> None:
    """A metric file that cannot be read costs a warning, not the run."""
    ran = call_xvc("run", "--", *write_metrics("metrics.json", '{"loss": '))

    assert ran.code == 0
    assert "metrics.json" in ran.err
    assert record(call_xvc)["status"] == "finished"


def test_metrics_of_a_pipeline_are_found(project: Path, call_xvc: Calling) -> None:
    """What dvc.yaml calls metrics and params is read without a word in the settings."""
    (project / "xvc.yaml").write_text("")
    (project / "other.yaml").write_text("depth: 3\n")
    (project / "dvc.yaml").write_text(
        "stages:\n  fit:\n    cmd: 'true'\n    params:\n    - other.yaml:\n      - depth\n"
        "    metrics:\n    - out.json:\n        cache: false\n"
    )
    call_xvc("run", "--", *write_metrics("out.json", '{"acc": 0.5}'))
    found = record(call_xvc)

    assert found["metrics"] == {"acc": 0.5}
    assert found["params"] == {"depth": 3}


def test_captured_metrics(project: Path, call_xvc: Calling) -> None:
    """With --capture, printed metrics count, the last value of each; without, they do not."""
    code = "print('METRIC acc=0.5'); print('loss: 2'); print('loss: 1.5'); print('no metric: x')"
    call_xvc("run", "--", "python", "-c", code)
    call_xvc("run", "--capture", "--", "python", "-c", code)

    assert "metrics" not in record(call_xvc, "@-1")
    assert record(call_xvc)["metrics"] == {"acc": 0.5, "loss": 1.5}


def test_what_the_run_logs_itself_counts_and_not_what_it_prints_of_it(
    project: Path, call_xvc: Calling
) -> None:
    """One key has one meaning: printed before or after it is logged, rounded or in per cent."""
    (project / "t.py").write_text(
        "from xvc import Tracker\n"
        "tracker = Tracker()\n"
        "print('accuracy: 11 recall: 0.7', flush=True)\n"
        "for step in range(3):\n"
        "    print(f'step {step} accuracy: {30 + step}%', flush=True)\n"
        "    tracker.log({'step': step, 'accuracy': (30 + step) / 100})\n"
        "    print(f'step {step} loss: {3 - step}', flush=True)\n"
        "print('f1: 0.5')\n"
    )
    ran = call_xvc("run", "--capture", "--", "python", "t.py")
    code = "SELECT accuracy FROM events WHERE accuracy IS NOT NULL ORDER BY accuracy"
    rows = call_xvc("db", "sql", code, "--json").data["rows"]

    assert record(call_xvc)["metrics"] == {
        "step": 2,
        "accuracy": 0.32,
        "loss": 1,
        "recall": 0.7,
        "f1": 0.5,
    }
    assert [list(row.values()) if isinstance(row, dict) else row for row in rows] == [
        [0.3],
        [0.31],
        [0.32],
    ]
    assert "the run logs accuracy itself, so what it prints of that is not recorded" in ran.err


def test_a_run_is_called_and_described(project: Path, call_xvc: Calling) -> None:
    """Name and note are kept, and the name is a reference."""
    call_xvc("run", "--name", "first try", "--note", "a | line", "--", "true")
    found = record(call_xvc, "first try")

    assert (found["name"], found["note"]) == ("first try", "a | line")


def test_a_param_is_put_into_its_place_in_the_command(project: Path, call_xvc: Calling) -> None:
    """``{key}`` of a param that is asked for gets its text; all other braces are the command's."""
    words = ("--lr={lr}", "{lr}", "a {lr} b", "{{lr}}", "{{x}}", "{x}", "${lr}")
    ran = call_xvc("run", "-P", "lr=1e-03", "--", "echo", *words)
    found = record(call_xvc)

    assert ran.out == "--lr=1e-03 1e-03 a 1e-03 b {lr} {{x}} {x} ${lr}\n"
    assert found["params"]["lr"] == "1e-03"
    assert "taken" not in ran.err


@pytest.mark.parametrize("code", [0, 1, 3, 127, 255])
def test_the_exit_code_is_the_childs(project: Path, call_xvc: Calling, code: int) -> None:
    """Whatever the command says is what `xvc run` says, and what is recorded."""
    ran = call_xvc("run", "--", "sh", "-c", f"exit {code}")
    found = record(call_xvc)

    assert ran.code == code
    assert found["exit_code"] == code
    assert found["status"] == ("failed" if code else "finished")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_a_killed_child(project: Path, call_xvc: Calling, number: signal.Signals) -> None:
    """A signal is recorded by name and answered as a shell does: 128 and its number."""
    ran = call_xvc("run", "--tag", "minor", "--", "sh", "-c", f"kill -{int(number)} $$")
    found = record(call_xvc)

    assert ran.code == 128 + number
    assert (found["status"], found["signal"]) == ("killed", number.name)
    assert "no version was made: the run is killed" in ran.err
    assert git(project, "tag") == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_child_that_was_told_to_stop_and_ends_well(
    project: Path, call_xvc: Calling, number: signal.Signals
) -> None:
    """Its exit code is 0, and the run is interrupted all the same: it did not do all it had to."""
    code = (
        "import os, signal, sys, time\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(0))\n"
        "os.kill(os.getppid(), int(sys.argv[1]))\n"
        "time.sleep(30)\n"
    )
    words = [sys.executable, "-m", "xvc", "run", "--tag", "minor", "--"]
    words += [sys.executable, "-c", code, str(int(number))]
    ran = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
    found = record(call_xvc)

    assert "no version was made: the run is interrupted" in ran.stderr
    assert (found["status"], found["exit_code"]) == ("interrupted", 0)


def test_a_command_that_is_not_there(project: Path, call_xvc: Calling) -> None:
    """127, a hint, and the run is kept as failed with the reason."""
    ran = call_xvc("run", "--", "no-such-program", "x")
    found = record(call_xvc)

    assert ran.code == 127
    assert "no-such-program" in ran.err
    assert found["status"] == "failed"
    assert "not found" in found["reason"]


def test_output_is_byte_exact(project: Path) -> None:
    """Binary output, without a last newline and larger than any pipe, passes as it is, apart."""
    code = "import sys; b = bytes(range(256)) * 20000; "
    code += "sys.stdout.buffer.write(b); sys.stderr.buffer.write(b'\\xff\\0err')"
    done = subprocess.run(
        [sys.executable, "-m", "xvc", "-q", "run", "--", sys.executable, "-c", code],
        capture_output=True,
        check=True,
    )

    assert done.stdout == bytes(range(256)) * 20000
    assert done.stderr == b"\xff\0err"


def test_output_is_kept(project: Path, call_xvc: Calling) -> None:
    """The log of a run has what it printed, both channels."""
    call_xvc("run", "--", "sh", "-c", "echo out; echo err >&2")
    log = Path(record(call_xvc)["log"])

    assert sorted(log.read_text().split()) == ["err", "out"]


def test_a_run_inside_a_run(project: Path, call_xvc: Calling) -> None:
    """A nested `xvc run` is a run of its own whose parent is the outer one."""
    inner = [sys.executable, "-m", "xvc", "run", "--name", "inner", "--", "sh", "-c", "exit 5"]
    ran = call_xvc("run", "--name", "outer", "--", *inner)
    outer, nested = record(call_xvc, "outer"), record(call_xvc, "inner")

    assert ran.code == 5
    assert nested["parent"] == outer["id"]
    assert (outer["exit_code"], nested["exit_code"]) == (5, 5)


def test_a_run_from_a_folder_below(
    project: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command runs where it was called; project, params and store are the root's."""
    (project / "params.yaml").write_text("lr: 0.5\n")
    (project / "src").mkdir()
    monkeypatch.chdir(project / "src")
    ran = call_xvc("run", "--out", "model.bin", "--", "sh", "-c", "pwd; echo x > model.bin")
    found = record(call_xvc)

    assert ran.out.strip() == str(project / "src")
    assert found["folder"] == "src"
    assert found["params"] == {"lr": 0.5}
    assert list(found["outs"]) == ["src/model.bin"]
    assert (project / "results/experiments.duckdb").is_file()


def test_work_in_another_folder(project: Path, call_xvc: Calling, tmp_path: Path) -> None:
    """-C works as if we had gone there; a folder that is not there is a usage error."""
    os.chdir(tmp_path)
    ran = call_xvc("-C", str(project), "run", "--", "pwd")
    missing = call_xvc("-C", "nowhere", "ls")

    assert ran.out.strip() == str(project)
    assert missing.code == 2
    assert "nowhere" in missing.err


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_an_output_goes_with_the_version(project: Path, call_xvc: Calling, kind: str) -> None:
    """--out PATH: pointer in the version, object in the cache, git ignores the thing itself."""
    path = "model" if kind == "folder" else "model.bin"
    place = "model/a/b" if kind == "folder" else "model.bin"
    make = f"mkdir -p model/a && echo {{0}} > {place}"
    for number in ("1", "2"):
        words = ["--out", path, "--", "sh", "-c", make.format(number)]
        assert call_xvc("run", "--tag", "minor", *words).code == 0

    assert git(project, "status", "--porcelain") == ""
    for version, content in (("e0.1.0", "1"), ("e0.2.0", "2")):
        git(project, "checkout", "-q", version)
        dvc(Path.cwd(), "checkout", "-q", "--force")
        assert (project / place).read_text().strip() == content
    status = dvc(Path.cwd(), "status")
    assert "up to date" in status


def test_an_older_runs_output_is_its_own(project: Path, call_xvc: Calling) -> None:
    """Tagging an older run points at what that run left, not at what lies there now."""
    for number in ("1", "2"):
        call_xvc("run", "--out", "model.bin", "--", "sh", "-c", f"echo {number} > model.bin")
    tagged = call_xvc("tag", "minor", "--run", "@-1")
    git(project, "checkout", "-q", "e0.1.0")
    dvc(Path.cwd(), "checkout", "-q", "--force")

    assert tagged.code == 0
    assert (project / "model.bin").read_text() == "1\n"


def test_an_output_that_never_came(project: Path, call_xvc: Calling) -> None:
    """A declared output that is missing is said, and the run is kept."""
    ran = call_xvc("run", "--out", "model.bin", "--tag", "minor", "--", "true")

    assert ran.code == 0
    assert "model.bin" in ran.err
    assert git(project, "tag") == "e0.1.0"


def test_an_output_outside_the_project(project: Path, call_xvc: Calling, tmp_path: Path) -> None:
    """An output that no version can hold is refused before anything runs."""
    for out in (str(tmp_path / "model.bin"), "../model.bin"):
        ran = call_xvc("run", "--out", out, "--", "sh", "-c", "echo x > started")
        assert ran.code == 2
        assert "outside" in ran.err

    assert not (project / "started").exists()


def test_an_output_that_git_tracks(project: Path, call_xvc: Calling) -> None:
    """One file is git's or DVC's: an output in git is refused before anything runs, with a way."""
    ran = call_xvc("run", "--out", "train.py", "--", "sh", "-c", "echo x > started")

    assert ran.code == 2
    assert "git rm --cached train.py" in ran.err
    assert not (project / "started").exists()


def test_the_snapshot_holds_what_ran(project: Path, call_xvc: Calling) -> None:
    """Untracked and changed files are in the run's snapshot, secrets and ignored ones are not."""
    (project / "new file.py").write_text("1")
    (project / "train.py").write_text("2")
    (project / ".env").write_text("TOKEN=1")
    before = git(project, "status", "--porcelain"), git(project, "stash", "list")
    call_xvc("run", "--", "true")
    found = record(call_xvc)
    names = git(project, "ls-tree", "-r", "--name-only", found["code"]["snapshot"]).splitlines()

    assert '"new file.py"' in names or "new file.py" in names
    assert ".env" not in names
    assert found["code"]["left_out"] == [".env"]
    assert git(project, "show", f"{found['code']['snapshot']}:train.py") == "2"
    assert (git(project, "status", "--porcelain"), git(project, "stash", "list")) == before


def test_a_tracker_joins(project: Path, call_xvc: Calling) -> None:
    """`Tracker()` in the script logs into the run that started it, from any process."""
    (project / "fit.py").write_text(
        "import subprocess, sys\nfrom xvc import Tracker\nt = Tracker()\n"
        "print(t.track_id)\nt.log({'loss': 0.5})\n"
        "if len(sys.argv) == 1: subprocess.run([sys.executable, __file__, 'x'], check=True)\n"
    )
    ran = call_xvc("run", "--", "python", "fit.py")
    found = record(call_xvc)

    assert ran.out.split() == [found["id"]] * 2
    assert found["metrics"] == {"loss": 0.5}
    assert call_xvc("status", "--json").data["rows"] == {"events": 2}
    assert call_xvc("ls", "--json").data["total"] == 1


def test_a_timeout(project: Path, call_xvc: Calling) -> None:
    """--timeout stops the command and says so."""
    ran = call_xvc("run", "--timeout", "0.3", "--", "sleep", "30")

    assert ran.code != 0
    assert record(call_xvc)["status"] == "timed-out"


def test_json_of_a_run(project: Path, call_xvc: Calling) -> None:
    """With --json, stdout is one document; what the command prints goes to stderr."""
    ran = call_xvc("run", "--json", "--tag", "minor", "--", "sh", "-c", "echo hello; exit 0")

    assert ran.json["ok"] is True
    assert ran.data["version"] == "e0.1.0"
    assert ran.data["exit_code"] == 0
    assert "hello" in ran.err


def test_json_of_a_failed_run(project: Path, call_xvc: Calling) -> None:
    """A command that fails is no error of xvc's: the document says ok false and its code."""
    ran = call_xvc("run", "--json", "--", "sh", "-c", "exit 4")

    assert (ran.code, ran.json["ok"], ran.data["exit_code"]) == (4, False, 4)
    assert ran.data["status"] == "failed"


def test_a_command_without_the_dashes(project: Path, call_xvc: Calling) -> None:
    """What stands behind the command's name belongs to the command, with or without `--`."""
    ran = call_xvc("run", "--name", "x", "python", "train.py", "--lr", "0.5")

    assert ran.code == 0
    assert ran.out == "trained with 0.5\n"


def test_no_command(project: Path, call_xvc: Calling) -> None:
    """A call without a command is a usage error, and leaves no run."""
    ran = call_xvc("run", "--")

    assert ran.code == 2
    assert call_xvc("ls", "--json").data["total"] == 0


@pytest.mark.parametrize("words", [["-P", "x"], ["-P", "=1"], ["--tag", "huge"]])
def test_bad_options(project: Path, call_xvc: Calling, words: list[str]) -> None:
    """A bad option is said before anything runs."""
    ran = call_xvc("run", *words, "--", "touch", "started")

    assert ran.code == 2
    assert not (project / "started").exists()


def test_outside_any_repository(
    tmp_path: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without git a run is kept too, in a store beside it; a version is refused with the way on."""
    folder = tmp_path / "plain"
    folder.mkdir()
    monkeypatch.chdir(folder)
    ran = call_xvc("run", "--", "sh", "-c", "exit 3")
    listed = call_xvc("ls", "--json")
    tagged = call_xvc("tag", "minor")

    assert ran.code == 3
    assert listed.data["total"] == 1
    assert tagged.code == 1
    assert "xvc init" in tagged.err


def test_a_tracker_of_another_store_is_apart(project: Path, call_xvc: Calling) -> None:
    """`Tracker("file.duckdb")` in the project mixes into neither its store nor its snapshots."""
    with Tracker(project / "own.duckdb") as tracker:
        tracker.log({"loss": 1.0})
        rows = len(tracker)
    ran: Called = call_xvc("ls", "--json")

    assert rows == 1
    assert ran.data["total"] == 0
    assert "journals" not in git(project, "status", "--porcelain", "--untracked-files=all")


def test_a_version_that_could_not_be_made(project: Path, call_xvc: Calling) -> None:
    """When the version fails the run is kept, a decision is wanted, and the way on is said."""
    git(project, "config", "user.name", "")
    ran = call_xvc("run", "--tag", "minor", "--", "true")
    run = call_xvc("ls", "--json").data["runs"][0]["id"]
    git(project, "config", "--unset", "user.name")
    later = f"xvc tag minor --run {run}"

    assert ran.code == 4
    assert "git config user.name" in ran.err
    assert later in ran.err
    assert git(project, "status", "--porcelain") == ""
    assert call_xvc(*later.split()[1:]).code == 0
    assert git(project, "tag") == "e0.1.0"


def test_what_is_not_folded_is_in_the_next_answer(project: Path, run_xvc: Calling) -> None:
    """`--no-fold` leaves the store as it is; the run is in its journal, and nothing of it lost."""
    store = project / "results" / "experiments.duckdb"

    done = run_xvc("run", "--no-fold", "--", "python", "train.py")
    was_made = store.exists()

    assert done.code == 0, done.err
    assert not was_made
    (run,) = run_xvc("ls", "--json").data["runs"]
    assert (run["status"], run["metrics"]) == ("finished", {"accuracy": 0.95})


def test_scores_that_were_only_printed_are_told(project: Path, call_xvc: Calling) -> None:
    """A run without metrics says how what its command printed becomes metrics; others do not."""
    (project / "t.py").write_text(
        "print('rows: 3')\nprint('epoch 1 loss: 0.5')\nprint('loss: 0.25')\n"
    )

    silent = call_xvc("run", "--", "python", "-c", "print('rows: 3')")
    told = call_xvc("run", "--", "python", "t.py")
    captured = call_xvc("run", "--capture", "--", "python", "t.py")

    assert "it printed loss=0.25; with --capture what it prints are its metrics" in told.err
    assert "it printed" not in silent.err + captured.err


def test_a_metrics_file_that_no_setting_names_is_told(project: Path, call_xvc: Calling) -> None:
    """A file with a customary name that this run wrote is said where nothing is a metric yet."""
    write = "import json; json.dump({'val': {'acc': 0.5}}, open('scores.json', 'w'))"

    told = call_xvc("run", "--", "python", "-c", write)
    older = call_xvc("run", "--", "true")
    (project / "xvc.yaml").write_text("metrics: {files: [scores.json]}\n")
    named = call_xvc("run", "--", "python", "-c", write)

    assert "it wrote val.acc=0.5 into scores.json; named in `metrics.files`" in told.err
    assert "it wrote" not in older.err + named.err
    assert record(call_xvc)["metrics"] == {"val.acc": 0.5}


def test_an_option_given_twice_is_refused(project: Path, call_xvc: Calling) -> None:
    """A second line of one idea is not dropped; lists, flags and the command's words are free."""
    refused = [
        call_xvc("run", "--note", "a", "-m", "b", "--", "true"),
        call_xvc("tag", "minor", "-m", "a", "-m", "b"),
        call_xvc("ls", "--limit", "3", "-n", "4"),
    ]
    free = call_xvc("run", "-P", "a=1", "-P", "b=2", "--", "echo", "--note", "a", "--note", "b")

    assert {each.code for each in refused} == {2}
    assert "--note or -m is given 2 times" in refused[0].err
    assert free.code == 0, free.err
    assert len(call_xvc("ls", "--json").data["runs"]) == 1


@pytest.mark.parametrize(
    ("words", "used"),
    [
        (("--sizes", "1", "2"), {"sizes": "1 2"}),
        (("--parts", "a", "b", "--lr", "-1"), {"parts": "a b", "lr": -1}),
        (("--fast", "data.csv"), {}),
        (("--no-fast", "data.csv", "--lr=1"), {"lr": 1}),
        (("--lr", "1", "data.csv"), {"lr": 1}),
        (("--lr", "1", "2"), {"lr": 1}),
    ],
)
def test_what_a_script_declares_tells_what_its_options_take(
    project: Path, call_xvc: Calling, words: tuple[str, ...], used: dict[str, object]
) -> None:
    """A flag takes no word behind it, a list takes all of them."""
    (project / "args.py").write_text(
        "import argparse\np = argparse.ArgumentParser()\n"
        "p.add_argument('--sizes', nargs='+', type=int)\n"
        "p.add_argument('--parts', nargs='*', help='names (of parts)')\n"
        "p.add_argument('--fast', help='a flag', action=argparse.BooleanOptionalAction)\n"
        "p.add_argument('--lr', type=float)\np.add_argument('files', nargs='*')\np.parse_args()\n"
    )
    run = call_xvc("run", "--json", "--", "python", "args.py", *words)

    assert run.code == 0, run.err
    assert call_xvc("show", run.data["run"], "--json").data.get("params", {}) == used


def test_a_script_without_an_interpreter_runs_as_in_a_shell(
    project: Path, call_xvc: Calling
) -> None:
    """Shells, env and make read it with sh; its words and its exit code are its own."""
    (project / "run.sh").write_text('echo "$1 $LR"\nexit 3\n')
    (project / "run.sh").chmod(0o755)
    done = call_xvc("run", "-P", "LR=0.1", "--", "./run.sh", "{LR} x")

    assert done.code == 3, done.err
    assert "0.1 x" in done.out
