"""What lists and comparisons answer: in words, in JSON, in every coat, with honest exit codes."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from surroundings import Called, Calling, copied, dvc, forked, git, private_environment
from xvc.cli.output import table
from xvc.core.run import RunRecord
from xvc.store import runs as run_rows

QUESTIONS = ("ls", "log", "show", "status", "doctor")


@pytest.fixture(scope="module")
def _three(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied(_template, tmp_path_factory.mktemp("three") / "project")
    environment = private_environment(folder.parent / "home")
    for lr in ("0.5", "0.1", "0.2", "9"):
        command = ["python", "train.py", "--lr", lr] if lr != "9" else ["false"]
        options = ["-P", "model=svm", "--name", f"lr {lr}", "--tag", "minor"] if lr != "9" else []
        words = ("xvc", "run", "-P", f"lr={lr}", *options, "--", *command)
        forked(*words, cwd=folder, env=environment)
    return folder


@pytest.fixture
def three(_three: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three versions: lr 0.5, 0.1 and 0.2, and a failed run behind them."""
    folder = copied(_three, tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder


def ids(call_xvc: Calling, *words: str) -> list[str]:
    return [run["id"] for run in call_xvc("ls", "--json", *words).data["runs"]]


def rates(call_xvc: Calling, *words: str) -> list[float]:
    """The learning rates of the runs in a list, in its order."""
    return [run["params"]["lr"] for run in call_xvc("ls", "--json", *words).data["runs"]]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], [9, 0.2, 0.1, 0.5]),
        (["--sort", "accuracy"], [0.1, 0.2, 0.5, 9]),
        (["--sort", "accuracy:asc"], [0.5, 0.2, 0.1, 9]),
        (["--sort", "lr:asc"], [0.1, 0.2, 0.5, 9]),
        (["--sort", "lr:desc"], [9, 0.5, 0.2, 0.1]),
        (["--sort", "started:asc"], [0.5, 0.1, 0.2, 9]),
        (["--sort", "seconds"], None),
        (["-n", "2"], [9, 0.2]),
        (["-n", "0"], [9, 0.2, 0.1, 0.5]),
        (["--where", "lr < 0.3"], [0.2, 0.1]),
        (["--where", "status == 'failed'"], [9]),
        (["--where", "accuracy > 0.8 and model == 'svm'", "--sort", "lr:asc"], [0.1, 0.2]),
        (["--where", "lr < 0.3", "-n", "1"], [0.2]),
        (["--where", "version"], [0.2, 0.1, 0.5]),
        (["--where", "lr > 100"], []),
    ],
    ids=str,
)
def test_a_list_is_ordered_and_filtered(
    three: Path, call_xvc: Calling, words: list[str], found: list[float] | None
) -> None:
    """Sort, filter and limit do what they say; runs without a value come last."""
    listed = rates(call_xvc, *words)

    assert listed == found if found is not None else sorted(listed) == [0.1, 0.2, 0.5, 9]


def test_a_limit_says_how_many_there_are(three: Path, call_xvc: Calling) -> None:
    """A cut list tells the total and how to see all."""
    answer = call_xvc("ls", "-n", "1")
    document = call_xvc("ls", "-n", "1", "--json")

    assert "3 more" in answer.out
    assert document.data["total"] == 4


def test_a_long_value_makes_no_other_line_long() -> None:
    """One value of megabytes costs its own line only, whole, however many there are beside it."""
    rows = [["a", "x" * 10_000, "1"], *([["b", "y", "2"]] * 100)]

    first, *others = table(["run", "text", "n"], rows, right=[2]).splitlines()[1:]

    assert "x" * 10_000 in first
    assert max(map(len, others)) < 300


def test_a_limit_may_be_any_number(three: Path, call_xvc: Calling) -> None:
    """A limit beyond what SQL can count is no limit."""
    for words in (["ls"], ["log"], ["db", "ls"]):
        assert call_xvc(*words, "--limit", "9" * 30).code == 0


@pytest.mark.parametrize("command", ["ls", "log"])
def test_an_unknown_sort_key(three: Path, call_xvc: Calling, command: str) -> None:
    """A mistyped key is a usage error that offers the right one."""
    answer = call_xvc(command, "--sort", "acuracy", "--json")

    assert answer.code == 2
    assert "did you mean 'accuracy'" in answer.json["error"]["message"]


@pytest.mark.parametrize("words", [["--where", "acuracy > 0.5"], ["--group", "modle"]])
def test_an_unknown_key_elsewhere(three: Path, call_xvc: Calling, words: list[str]) -> None:
    """A key that no run has is not answered with silence."""
    answer = call_xvc("ls", *words)

    assert answer.code == 2
    assert "did you mean" in answer.err


def test_a_filter_that_fits_nothing(three: Path, call_xvc: Calling) -> None:
    """It says that no run fits, not that there are none."""
    answer = call_xvc("ls", "--where", "lr > 100")

    assert answer.code == 0
    assert "no run fits" in answer.out


def test_a_filter_that_cannot_be_read(three: Path, call_xvc: Calling) -> None:
    """The place is named."""
    answer = call_xvc("ls", "--where", "lr >>> 3")

    assert answer.code == 2
    assert "character" in answer.err


def test_groups(three: Path, call_xvc: Calling) -> None:
    """One line a value, with count, mean and best of the main metric."""
    answer = call_xvc("ls", "--group", "model", "--json")
    (svm,) = [group for group in answer.data["groups"] if group["value"] == "svm"]

    assert svm["runs"] == 3
    assert (svm["metric"], svm["best"]) == ("accuracy", 0.95)
    assert svm["mean"] == pytest.approx(0.8666, abs=1e-3)
    assert "svm" in call_xvc("ls", "--group", "model").out


def test_groups_of_a_filter_read_only_what_fits(
    three: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A narrow filter costs what it leaves, however many runs there are; the groups are of that."""
    read: list[str] = []
    load = run_rows.load

    def watched(*words: Any, **more: Any) -> list[RunRecord]:
        found = load(*words, **more)
        read.extend(run.name or "" for run in found)
        return found

    monkeypatch.setattr(run_rows, "load", watched)
    answer = call_xvc("ls", "--group", "lr", "--where", "lr < 0.15", "--json")

    assert [(group["value"], group["runs"]) for group in answer.data["groups"]] == [(0.1, 1)]
    assert {*read} == {"lr 0.1"}


@pytest.mark.parametrize(
    ("reference", "rate"),
    [
        ("@", 9),
        ("@-1", 0.2),
        ("@-3", 0.5),
        ("best:accuracy", 0.1),
        ("worst:accuracy", 0.5),
        ("main", 9),
        ("worktree:main", 9),
        ("e0.1.0", 0.5),
        ("lr 0.2", 0.2),
    ],
)
def test_every_reference(three: Path, call_xvc: Calling, reference: str, rate: float) -> None:
    """Versions, names, branches, trees, the latest and the best all name a run."""
    shown = call_xvc("show", reference, "--json")

    assert shown.data["params"]["lr"] == rate


def test_a_prefix_is_a_reference(three: Path, call_xvc: Calling) -> None:
    """The whole id and its beginning name the run, unless the beginning fits two."""
    whole = ids(call_xvc)[0]

    assert call_xvc("show", whole, "--json").data["id"] == whole
    assert call_xvc("show", whole[:6], "--json").data["id"] == whole


def test_an_ambiguous_prefix(project: Path, call_xvc: Calling) -> None:
    """Two candidates are a conflict that lists them."""
    from xvc.core.record import RecordKind
    from xvc.journal.writer import Journal
    from xvc.types import RunId

    journal = Journal(project / ".git/xvc/journals/main", {})
    for name in ("kkkkkkkkkkk2", "kkkkkkkkkkk3"):
        journal.note(RecordKind.BEGIN, RunId(name), {"command": ["x"], "started": 1})
        journal.note(RecordKind.END, RunId(name), {"status": "finished", "finished": 2})
    journal.close()
    answer = call_xvc("show", "kkkk", "--json")

    assert answer.code == 4
    assert "kkkkkkkkkkk2, kkkkkkkkkkk3" in answer.json["error"]["message"]
    assert call_xvc("show", "kkkkkkkkkkk3").code == 0


@pytest.mark.parametrize(
    ("reference", "code", "error"),
    [
        ("@-9", 1, "no-run"),
        ("nothing", 1, "no-run"),
        ("e9.9.9", 1, "no-version"),
        ("best:nothing", 2, "bad-reference"),
        ("best:", 2, "bad-reference"),
        ("@+1", 2, "bad-reference"),
        ("worktree:nowhere", 1, "no-run"),
        ("", 2, "bad-reference"),
    ],
)
def test_a_reference_to_nothing(
    three: Path, call_xvc: Calling, reference: str, code: int, error: str
) -> None:
    """What names nothing is said with the right code and a hint."""
    answer = call_xvc("show", reference, "--json")

    assert answer.code == code
    assert answer.json["error"]["code"] == error
    assert answer.json["error"]["hint"]


@pytest.mark.parametrize("command", QUESTIONS)
def test_the_document_has_one_shape(three: Path, call_xvc: Calling, command: str) -> None:
    """Every answer in JSON has the same envelope, and nothing else is on stdout."""
    answer = call_xvc(command, "--json")

    assert answer.code == 0
    assert set(answer.json) == {"schema", "command", "ok", "data", "warnings", "next"}
    assert (answer.json["command"], answer.json["ok"]) == (command, True)


@pytest.mark.parametrize(
    "words",
    [
        ["ls", "--no-such-option"],
        ["nonsense"],
        ["show", "a", "b"],
        ["compare", "@"],
        ["compare"],
        ["ls", "--limit", "many"],
        ["ls", "--limit", "-1"],
        ["compare", "@", "@-1", "--format", "pdf"],
        ["-C", "nowhere", "ls"],
        ["run"],
        ["tag", "nonsense"],
    ],
    ids=" ".join,
)
def test_a_wrong_call(three: Path, call_xvc: Calling, words: list[str]) -> None:
    """A wrong call exits 2; in JSON with code, message and hint, in words on stderr only."""
    words = [*words, "--json"] if words[0] != "run" else ["run", "--json"]
    answer = call_xvc(*words)
    spoken = call_xvc(*(word for word in words if word != "--json"))

    assert (answer.code, spoken.code) == (2, 2)
    assert answer.json["ok"] is False
    assert set(answer.json["error"]) == {"code", "message", "hint", "retryable"}
    assert answer.json["error"]["message"]
    assert spoken.out == ""
    assert spoken.err.startswith("error[")


def test_bad_settings_are_all_named(project: Path, call_xvc: Calling) -> None:
    """Every mistake in xvc.yaml is in one answer, with what was meant."""
    (project / "xvc.yaml").write_text("tag: {prefx: a}\nmetrics: {direction: {f: up}}\nx: 1\n")
    answer = call_xvc("ls")

    assert answer.code == 2
    assert "tag.prefix" in answer.err
    assert "'x'" in answer.err


@pytest.mark.parametrize(
    "command", ["ls", "log", "status", "show", "compare @ @-1", "ls --group x", "ls --sort x"]
)
def test_an_empty_project(project: Path, call_xvc: Calling, command: str) -> None:
    """Before the first run lists are empty, and questions about a run say that there is none."""
    answer = call_xvc(*command.split())

    assert answer.code == (1 if command.startswith(("show", "compare")) else 0)
    assert "Traceback" not in answer.err


def test_nothing_at_all(tmp_path: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder every question is answered, and none of them makes a file."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    codes = [call_xvc(command).code for command in ("ls", "log", "status")]

    assert codes == [0, 0, 0]
    assert list(folder.iterdir()) == []


def test_a_comparison_in_words(three: Path, call_xvc: Calling) -> None:
    """Params, metrics with delta and better end, and nothing that is the same."""
    answer = call_xvc("compare", "e0.1.0", "e0.2.0")

    assert "lr" in answer.out
    assert "+0.2 (+26.7%)" in answer.out
    assert "0.95 *" in answer.out
    assert "higher" in answer.out
    assert "svm" not in answer.out
    assert "metrics.json" not in answer.out
    assert answer.err == ""


def test_a_comparison_says_what_code_changed(three: Path, call_xvc: Calling) -> None:
    """Changed code is named by file and lines, whether it was committed or not."""
    (three / "train.py").write_text((three / "train.py").read_text() + "# more\n")
    call_xvc("run", "--", "python", "train.py")
    answer = call_xvc("compare", "e0.1.0", "@", "--json")

    assert answer.data["code"] == [[{"path": "train.py", "added": 1, "removed": 0}]]


def test_a_comparison_says_what_data_changed(project: Path, call_xvc: Calling) -> None:
    """Data that DVC tracks is compared by file, with its sizes."""
    for content in ("1,2\n", "1,2\n3,4\n"):
        (project / "data.csv").write_text(content)
        dvc(Path.cwd(), "add", "-q", "data.csv")
        git(project, "add", ".")
        git(project, "commit", "-q", "-m", "data")
        call_xvc("run", "--tag", "minor", "--", "true")
    answer = call_xvc("compare", "e0.1.0", "e0.2.0")
    data = call_xvc("compare", "e0.1.0", "e0.2.0", "--json").data

    assert "data.csv" in answer.out
    assert "4 B" in answer.out
    assert "8 B" in answer.out
    assert [file["size"] for file in data["data"][0]["files"]] == [4, 8]
    assert data["code"] == [[]]


def test_an_unknown_direction_is_said(project: Path, call_xvc: Calling) -> None:
    """Where no one knows which way is better, no run is called the best."""
    for value in ("1", "2"):
        call_xvc("run", "--capture", "--", "echo", f"METRIC zap={value}")
    answer = call_xvc("compare", "@-1", "@")

    assert "?" in answer.out
    assert "zap" in answer.out
    assert " *" not in answer.out


def test_the_same_run_twice(three: Path, call_xvc: Calling) -> None:
    """There is nothing to compare, and that is said."""
    answer = call_xvc("compare", "@", "@")

    assert answer.code == 0
    assert "name one run" in answer.out


def test_a_comparison_in_csv(three: Path, call_xvc: Calling) -> None:
    """CSV reads back with the values as they are."""
    answer = call_xvc("compare", "e0.1.0", "e0.2.0", "e0.3.0", "-f", "csv")
    rows = list(csv.reader(StringIO(answer.out)))

    assert rows[0] == ["section", "key", "e0.1.0", "e0.2.0", "e0.3.0"]
    assert ["params", "lr", "0.5", "0.1", "0.2"] in rows
    assert ["metrics", "accuracy", "0.75", "0.95", "0.9"] in rows


def test_a_comparison_for_documents(three: Path, call_xvc: Calling) -> None:
    """Markdown has tables of equal width, and HTML is a page in which nothing is code."""
    call_xvc("run", "-P", "x=<script>|", "--", "true")
    markdown = call_xvc("compare", "e0.1.0", "@", "-f", "markdown").out
    page = call_xvc("compare", "e0.1.0", "@", "-f", "html").out
    lines = [line for line in markdown.splitlines() if line.startswith("| x ")]

    assert lines == ["| x | (none) | &lt;script&gt;\\| |"]
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_closed_pipe(three: Path) -> None:
    """`xvc ls | head -1` says nothing about it."""
    words = f"{sys.executable} -m xvc ls --json; {sys.executable} -m xvc ls | head -1"
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=True)
    early = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m xvc log | true"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stderr == ""
    assert early.stderr == ""


@pytest.mark.parametrize(
    ("variables", "is_coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"NO_COLOR": "1"}, False)],
)
def test_colours(
    project: Path, run_xvc: Calling, variables: dict[str, str], is_coloured: bool
) -> None:
    """No colour in a pipe or with NO_COLOR, colour where it is forced."""
    answer: Called = run_xvc("show", "nothing", env=variables)

    assert ("\x1b[" in answer.err) is is_coloured


def test_versions_are_read_from_tags_alone(three: Path) -> None:
    """`xvc log` works without DuckDB, pandas or DVC, and lists the newest first."""
    code = (
        "import sys, json; from xvc.cli.app import call; code = call(['log', '--json']); "
        "print([n for n in ('duckdb', 'pandas', 'dvc') if n in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr.strip() == "[]"
    versions = json.loads(done.stdout)["data"]["versions"]
    assert [found["version"] for found in versions] == ["e0.3.0", "e0.2.0", "e0.1.0"]


def test_versions_are_sorted_and_filtered(three: Path, call_xvc: Calling) -> None:
    """The list of versions takes the same questions as that of runs."""
    best = call_xvc("log", "--sort", "accuracy", "-n", "1", "--json")
    low = call_xvc("log", "--where", "lr > 0.3", "--json")

    assert [found["version"] for found in best.data["versions"]] == ["e0.2.0"]
    assert best.data["total"] == 3
    assert [found["version"] for found in low.data["versions"]] == ["e0.1.0"]


def test_status(three: Path, call_xvc: Calling) -> None:
    """Runs, versions and what no version holds yet."""
    found = call_xvc("status", "--json")

    assert (found.data["runs"], found.data["versions"]) == (4, 3)
    assert found.data["latest_version"] == "e0.3.0"
    assert found.data["unsaved"] == ids(call_xvc)[:1]
    assert found.data["waiting_journals"] == 0


def test_doctor(three: Path, call_xvc: Calling) -> None:
    """A sound project is healthy; a missing object is wrong, exit 3, with the way out."""
    sound = call_xvc("doctor", "--json")
    for path in (three / ".dvc/cache/files/md5").glob("*/*"):
        path.unlink()
    shutil.rmtree(three / ".git/xvc/stores-kept")
    ill = call_xvc("doctor", "--json")

    assert (sound.code, sound.data["healthy"]) == (0, True)
    assert (ill.code, ill.data["healthy"]) == (3, False)
    assert any("DVC remote" in finding["hint"] for finding in ill.data["findings"])


def test_help(call_xvc: Calling) -> None:
    """Help is data: on stdout, with exit code 0, for every command and each of its options."""
    whole = call_xvc("--help")

    assert whole.code == 0
    for command in ("init", "run", "tag", "compare", *QUESTIONS):
        assert command in whole.out
        answer = call_xvc(command, "--help")
        assert answer.code == 0
        assert "Example" in answer.out
