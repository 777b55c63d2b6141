"""What ``--json`` prints: a schema for each command, the same rules in all, golden answers."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import duckdb
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pages import options_of
from remotes import use_remote
from surroundings import Called, Calling, as_if_written_by, expected, git
from xvc import Tracker
from xvc.cli import contract
from xvc.cli.app import COMMANDS
from xvc.cli.json_schema import schema_of
from xvc.core.json_values import to_plain

GOLDEN = Path(__file__).parent / "golden"
BY_COMMAND = pytest.mark.parametrize("name", COMMANDS)
_FIT = """\
import sys
from xvc import Tracker

def fit(lr):
    return {"fitted": lr * 2}

lr = float(sys.argv[1])
with Tracker(cache=".cache/xvc", params={"lr": lr}) as tracker:
    if lr > 1:
        raise SystemExit(3)
    tracker.track(fit, [lr])
    tracker.log({"step": 1, "loss": 0.5, "model": range(3)})
    tracker.log({"accuracy": 1 - lr})
"""
FIT = ("--", "python", "fit.py")
BETTER = ("--better-than", "production", "--by", "accuracy")
SWEPT = ("--metric", "accuracy:max", *FIT, "{lr}")
STORY: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("init", ("init",)),
    ("run", ("run", "--json", "--tag", "minor", *FIT, "0.1")),
    ("run-failed", ("run", "--json", *FIT, "3")),
    ("run-again", ("run", "--json", *FIT, "0.3")),
    ("tag-dry", ("tag", "minor", "--dry-run")),
    ("tag", ("tag", "minor", "-m", "better")),
    ("tag-merged", ("tag", "--merged", "-m", "all of it", "--dry-run")),
    ("ls", ("ls",)),
    ("ls-group", ("ls", "--group", "lr")),
    ("log", ("log",)),
    ("tried", ("tried", "--json", *FIT, "0.3")),
    ("note", ("note", "e0.1.0", "a warm start", "--label", "slow", "--idea", "start low")),
    ("keep", ("keep", "e0.2.0", "--reason", "better")),
    ("discard", ("discard", "RUN2", "--reason", "diverges")),
    ("log-ideas", ("log", "--ideas")),
    ("show", ("show", "e0.1.0")),
    ("show-failed", ("show", "RUN2")),
    ("logs", ("logs", "e0.1.0")),
    ("leaderboard", ("leaderboard", "accuracy")),
    ("compare", ("compare", "e0.1.0", "e0.2.0")),
    ("status", ("status",)),
    ("brief", ("brief",)),
    ("ui", ("ui", "--export", "../page")),
    ("doctor", ("doctor",)),
    ("trust", ("trust",)),
    ("get", ("get", "e0.1.0", "fit.py", "-o", "old.py")),
    ("checkout", ("checkout", "e0.1.0")),
    ("cleanup-plan", ("cleanup",)),
    ("cleanup", ("cleanup", "--yes")),
    ("db-ls", ("db", "ls")),
    ("db-columns", ("db", "columns")),
    ("db-head", ("db", "head", "-n", "1")),
    ("db-tail", ("db", "tail", "-n", "1")),
    ("db-top", ("db", "top", "accuracy")),
    ("db-bottom", ("db", "bottom", "accuracy")),
    ("db-describe", ("db", "describe", "--columns", "accuracy")),
    ("db-plot", ("db", "plot", "hist", "accuracy")),
    (
        "db-sql",
        ("db", "sql", "SELECT accuracy, 'nan'::DOUBLE AS hole FROM events"),
    ),
    ("db-sql-plan", ("db", "sql", "--write", "DELETE FROM events WHERE loss > 1")),
    ("db-set-plan", ("db", "set", "accuracy", "0.8", "--run", "e0.1.0")),
    ("db-set", ("db", "set", "accuracy", "0.8", "--run", "e0.1.0", "--yes")),
    ("undo", ("undo", "--yes")),
    ("db-delete", ("db", "delete", "RUN2", "--yes")),
    ("db-copy", ("db", "copy", "../other.duckdb", "--yes")),
    ("assets-ls", ("assets", "ls")),
    ("assets-export", ("assets", "export", "ASSET", "model.pkl")),
    ("assets-delete", ("assets", "delete", "ASSET")),
    ("cache-ls", ("cache", "ls")),
    ("cache-stats", ("cache", "stats")),
    ("cache-explain", ("cache", "explain", "fit")),
    ("cache-delete", ("cache", "delete", "--function", "fit")),
    ("worktree-add", ("worktree", "add", "wide")),
    ("worktree-adopt", ("worktree", "adopt", "../exp-wide")),
    ("worktree-list", ("worktree", "list")),
    ("worktree-merge", ("worktree", "merge", "wide", "--dry-run")),
    ("worktree-remove", ("worktree", "remove", "wide")),
    ("merge", ("merge", "e0.1.0", "--dry-run")),
    ("validate", ("validate",)),
    ("gate", ("gate", "e0.2.0", "--metric", "accuracy", "--min", "0.1", "--vs", "e0.1.0")),
    ("export-run-first", ("export", "run", "e0.1.0", "../before")),
    ("export-run", ("export", "run", "e0.2.0", "../artifacts")),
    ("diff", ("diff", "../before", "../artifacts", "--fail-on", "regressions")),
    ("mirror", ("mirror",)),
    ("report", ("report", "--metric", "accuracy", "-o", "../report.md")),
    ("rebase-plan", ("rebase", "../late.duckdb", "--on", "step")),
    ("rebase", ("rebase", "../late.duckdb", "--on", "step", "--yes")),
    ("merge-data", ("merge", "data", "../base.parquet", "../new.parquet", "--on", "id")),
    ("rebase-data", ("rebase", "data", "../new.parquet", "../base.parquet", "--on", "id")),
    ("model-add", ("model", "add", "fit.py", "--run", "e0.1.0", "--name", "fit")),
    ("model-add-second", ("model", "add", "train.py", "--run", "e0.2.0", "--name", "fit")),
    ("model-list", ("model", "list", "--by", "accuracy")),
    ("model-promote", ("model", "promote", "e0.2.0", "--require", "accuracy > 0.5")),
    ("model-promote-plan", ("model", "promote", "e0.1.0", "--dry-run")),
    ("model-promote-unmet", ("model", "promote", "e0.1.0", "--require", "accuracy > 2")),
    ("model-promote-second", ("model", "promote", "e0.1.0", *BETTER)),
    ("model-info", ("model", "info", "fit")),
    ("model-rollback", ("model", "rollback")),
    ("model-history", ("model", "history", "fit")),
    ("model-get", ("model", "get", "fit", "-o", "../served")),
    ("model-prune", ("model", "prune", "--keep", "1", "--by", "accuracy:min")),
    ("push-plan", ("push", "--dry-run")),
    ("push", ("push",)),
    ("pull", ("pull",)),
    ("gc", ("gc", "--dry-run")),
    ("scrub", ("scrub", "--from", ".git/HEAD")),
    ("sweep", ("sweep", "--json", "--param", "lr=0.1,0.2,3", *SWEPT)),
    ("sweep-status", ("sweep", "status")),
    ("sweep-show", ("sweep", "show")),
    ("sweep-retry", ("sweep", "retry")),
    ("sweep-resume", ("sweep", "resume")),
    ("sweep-stop", ("sweep", "stop")),
    ("rerun", ("rerun", "e0.1.0")),
    ("skills-list", ("skills", "list")),
    ("skills-install", ("skills", "install", "--dry-run")),
    ("schema", ("schema", "error")),
    ("error", ("ls", "--no-such")),
)
"""Calls in one project, in order, each with the name of its golden answer."""

_HIDDEN = {
    **dict.fromkeys(("size", "bytes", "bytes_sent", "bytes_brought"), "BYTES"),
    **dict.fromkeys(("seconds", "function_time"), "SECONDS"),
    "usage": "USAGE",
    "environment": "ENVIRONMENT",
    "host": "HOST",
    "owner": "OWNER",
    "unchanged": "COUNT",
    "sweep": "SWEEP",
    "description": "TEXT",
    "detail": "TEXT",
    "packages": "PACKAGES",
    "linked": "LINKS",
    "operation": "OPERATION",
}
"""What differs from machine to machine, or is told elsewhere."""
_CHANGING = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b"), "UUID"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "SHA256"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "COMMIT"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "MD5"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.+]+Z?"), "TIME"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "DAY"),
    (re.compile(r"(?<=sweep )(resume|retry|show) \w+"), r"\1 SWEEP"),
    (
        re.compile(
            r"/\S*/(?=project|exp-wide|skills|(?:base|new).parquet|served|report.md|before|artifacts)"
        ),
        "FOLDER/",
    ),
    (re.compile(r"/\S*\.(?=agents)"), "FOLDER/."),
    (re.compile(r"journals/\S+"), "journals/FILE"),
)


def settled(value: Any, runs: Sequence[str], key: str = "") -> Any:
    """An answer with all replaced that differs from call to call."""
    if hidden := _hidden(key, value):
        return hidden
    if isinstance(value, dict) and value.get("key") == "function_time":
        return {"key": "function_time"}
    if isinstance(value, dict) and value.get("key") == "track_id":
        value = {**value, "min": "RUN", "max": "RUN"}  # ids that are drawn anew
    if isinstance(value, dict):
        return {name: settled(part, runs, name) for name, part in value.items()}
    if isinstance(value, list):
        parts = [settled(part, runs) for part in value]
        by_id = all(isinstance(part, dict) and part.keys() == {"run", "rows"} for part in parts)
        return sorted(parts, key=lambda part: part["run"]) if by_id else parts
    if isinstance(value, int) and value > 10**14:
        return "TIME"
    if not isinstance(value, str):
        return value
    for number, run in enumerate(runs, 1):
        value = value.replace(run, f"RUN{number}")
    for pattern, word in _CHANGING:
        value = pattern.sub(word, value)
    return value


def _hidden(key: str, value: Any) -> str | None:
    if key == "added" and isinstance(value, list):
        return "FILES"
    if key == "key" and re.fullmatch(r"[0-9a-f]{20,}", str(value)):
        return "KEY"
    return _HIDDEN.get(key) if value is not None else None


def as_file(answer: Any) -> str:
    """Write an answer as its golden file has it."""
    return json.dumps(answer, indent=1, ensure_ascii=False) + "\n"


@pytest.fixture
def story(project: Path, call_xvc: Calling) -> Path:
    """A committed script that logs, caches and keeps, and a store beside the project."""
    (project / "fit.py").write_text(_FIT)
    with (project / ".gitignore").open("a") as ignored:
        ignored.write(".cache/\n")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "A script")
    for name, row in (("other", {"accuracy": 0.1}), ("late", {"step": 1, "loss": 0.4})):
        with Tracker(project.parent / f"{name}.duckdb") as tracker:
            tracker.log(row)
        assert call_xvc("db", "ls", "--db", f"../{name}.duckdb").code == 0  # now the file is there
    for name, rows in (("base", "(1, 0.5), (2, 0.6)"), ("new", "(2, 0.6), (3, 0.7)")):
        written = f"(FROM (VALUES {rows}) AS t(id, score)) TO '../{name}.parquet'"
        duckdb.sql(f"COPY {written}")
    git(project.parent, "init", "-q", "--bare", "hub.git")
    git(project, "remote", "add", "origin", str(project.parent / "hub.git"))
    use_remote(project, {"url": str(project.parent / "shelf")})
    return project


def told(story: Path, call_xvc: Calling) -> dict[str, Called]:
    """Every answer of the story, by its name."""
    answers: dict[str, Called] = {}
    words_of: dict[str, str] = {}
    for name, words in STORY:
        asked = [words_of.get(word, word) for word in words]
        if words[:2] == ("model", "add"):
            as_if_written_by(call_xvc, words[4], story / words[2])
        answers[name] = call_xvc(*asked, *([] if "--json" in words else ["--json"]), cwd=None)
        if words[0] == "run":
            words_of[f"RUN{len(words_of) + 1}"] = answers[name].data["run"]
        if name == "assets-ls":
            words_of["ASSET"] = answers[name].data["assets"][0]["digest"]
    return answers


def test_answers_are_the_golden_ones(story: Path, call_xvc: Calling) -> None:
    """Every command's answer, in one project, is word for word what was agreed.

    ``GOLDEN=write`` writes what is; look at the difference before you commit it.
    """
    answers = told(story, call_xvc)
    runs = [answers[name].data["run"] for name in ("run", "run-failed", "run-again")]
    runs += answers["db-copy"].data["runs"]
    runs += [trial["run"] for trial in answers["sweep-show"].data["trials"]]
    runs += [answers["rerun"].data["run"]]
    found = {name: as_file(settled(answer.json, runs)) for name, answer in answers.items()}
    if os.environ.get("GOLDEN") == "write":
        for name, text in found.items():
            (GOLDEN / f"{name}.json").write_text(text, encoding="utf-8")

    held = {path.stem: path.read_text(encoding="utf-8") for path in GOLDEN.glob("*.json")}
    assert found == held
    codes = {name: answer.code for name, answer in answers.items() if answer.code}
    assert codes == {
        "run-failed": 3,
        "gate": 3,
        "diff": 3,
        **dict.fromkeys(("cleanup-plan", "db-sql-plan", "db-set-plan"), 4),
        **dict.fromkeys(
            ("assets-delete", "cache-delete", "rebase-plan", "rebase-data", "model-prune"), 4
        ),
        "model-promote-unmet": 3,
        **dict.fromkeys(("sweep", "sweep-retry", "sweep-resume"), 1),
        "error": 2,
    }


def test_every_command_has_a_golden_answer() -> None:
    """A command that is added is told here, too."""
    shown = {" ".join(words) + " " for _, words in STORY}

    assert [name for name in COMMANDS if not any(s.startswith(f"{name} ") for s in shown)] == []


@BY_COMMAND
def test_every_command_has_a_schema(name: str, call_xvc: Calling) -> None:
    """`xvc schema` prints a valid one for the whole document, with an identity of its own."""
    printed = json.loads(call_xvc("schema", *name.split()).out)

    Draft202012Validator.check_schema(printed)
    assert printed["$id"] == f"urn:xvc:1:{name.replace(' ', ':')}"
    assert printed == contract.document(name)
    assert call_xvc("schema", *name.split(), "--json").data == {"name": name, "document": printed}


def test_schemas_are_listed(call_xvc: Calling) -> None:
    """All commands, then errors; and what is none is refused."""
    listed = call_xvc("schema", "--json").data
    refused = call_xvc("schema", "nothing", "--json")

    assert listed == {"schemas": [*COMMANDS, "error"], "total": len(COMMANDS) + 1}
    assert (refused.code, refused.json["error"]["code"]) == (2, "bad-value")


def shapes_of(name: str) -> list[Mapping[str, Any]]:
    """The shapes that a command's data may have."""
    data: Any = contract.document(name)["properties"]["data"]  # type: ignore[index, call-overload]
    shapes: list[Mapping[str, Any]] = data.get("anyOf", [data])
    return shapes


def keys_of(schema: Any) -> set[str]:
    """Every key that a schema has anywhere."""
    if isinstance(schema, list):
        return {key for part in schema for key in keys_of(part)}
    if not isinstance(schema, dict):
        return set()
    return {*schema.get("properties", ()), *keys_of([*schema.values()])} - {"$float"}


@BY_COMMAND
def test_commands_speak_alike(name: str) -> None:
    """What can be limited says the total, what can be planned whether it was; snake_case."""
    shapes, options = shapes_of(name), options_of(name)

    assert "--json" in options
    assert (
        all("total" in shape["properties"] for shape in shapes)
        or "--limit" not in options
        or (name == "db sql")
    )
    assert any("dry_run" in shape["properties"] for shape in shapes) or "--dry-run" not in options
    wrong = [key for key in keys_of(shapes) if not re.fullmatch(r"[a-z][a-z0-9_]*", key)]
    assert wrong == []


def test_a_plan_says_how_to_do_it(story: Path, call_xvc: Calling) -> None:
    """What a plan names as the next step runs as it stands, and does it."""
    call_xvc(*STORY[1][1])
    plan = call_xvc("db", "set", "note it", "a b", "--run", "@", "--dry-run", "--json").json
    (step,) = plan["next"]

    done = call_xvc(*shlex.split(step)[1:], "--json")

    assert step == "xvc db set 'note it' 'a b' --run @ --yes"
    assert (done.code, done.data["rows"]) == (0, plan["data"]["rows"])
    assert (plan["data"]["dry_run"], done.data["dry_run"]) == (True, False)


def test_next_steps_exist(call_xvc: Calling) -> None:
    """Every command that a golden answer names as the next step is one, with its options."""
    steps = [
        step
        for path in GOLDEN.glob("*.json")
        for step in json.loads(path.read_text()).get("next", ())
        if step.startswith("xvc ")
    ]

    for step in steps:
        words = shlex.split(step)[1:]
        name = max((each for each in COMMANDS if step[4:].startswith(each)), default="", key=len)
        own = words[: words.index("--")] if "--" in words else words
        assert {word for word in own if word.startswith("-")} <= options_of(name), step


@pytest.mark.parametrize(
    "words",
    [
        *(("ls", "--no-such"), ("no-such",), ("db",), (), ("ls", "--limit", "x"), ("run",)),
        *(("-C", "nowhere", "ls"), ("tag", "banana"), ("show", "nobody"), ("schema", "no")),
    ],
)
def test_every_refusal_is_a_document(
    words: tuple[str, ...], project: Path, run_xvc: Calling
) -> None:
    """Usage or not, one document on stdout, nothing beside it, and no question asked."""
    done = run_xvc(*words, "--json")

    assert done.code != 0
    assert (done.json["ok"], done.err) == (False, "")


@pytest.mark.parametrize("before", [(), ("-v",)])
def test_a_mistake_of_ours_is_a_document_too(
    before: tuple[str, ...], project: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 1, its own code, the place in the message; the traceback only with -v."""
    monkeypatch.setattr("xvc.project.Project.find", lambda *_: 1 // 0)
    told = call_xvc(*before, "ls", "--json")

    error = told.json["error"]
    assert (told.code, error["code"]) == (1, "internal")
    assert error["message"].startswith("ZeroDivisionError: ")
    assert "test_contract.py" in error["message"]
    assert ("Traceback" in told.err) == bool(before)


class _Part(TypedDict):
    name: str
    size: NotRequired[int | None]


class _Whole(TypedDict):
    """A whole."""

    value: object
    number: Annotated[float, "In seconds."]
    way: Literal["up", "down"]
    parts: list[_Part]
    counts: Mapping[str, int]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
_PARTS = st.fixed_dictionaries(
    {"name": st.text()}, optional={"size": st.none() | st.integers(0, 9)}
)
_WHOLES = st.fixed_dictionaries(
    {
        "value": _VALUES,
        "number": st.floats(),
        "way": st.sampled_from(["up", "down"]),
        "parts": st.lists(_PARTS),
        "counts": st.dictionaries(st.from_regex(r"[a-z]{2,5}", fullmatch=True), st.integers(0, 9)),
    }
)


_SCHEMA = {**schema_of(_Whole), "$defs": contract.document("error")["$defs"]}


def misfits(value: object) -> list[str]:
    """What a value has otherwise than the schema of its type, when it is printed and read."""
    printed = json.loads(json.dumps(to_plain(value)))
    return [each.message for each in Draft202012Validator(_SCHEMA).iter_errors(printed)]


@given(_WHOLES)
def test_what_fits_the_type_fits_the_schema(whole: dict[str, Any]) -> None:
    """Any value of the declared type, NaN and infinities too, is valid."""
    found = misfits(whole)

    assert found == []


@given(_WHOLES, st.sampled_from(["value", "number", "way", "parts", "counts", "more"]))
def test_what_does_not_fit_is_found(whole: dict[str, Any], key: str) -> None:
    """A key that is missing, one too many, or one of another type is refused."""
    wrong = {**whole, "more": 1} if key == "more" else {k: v for k, v in whole.items() if k != key}

    found = misfits(wrong)
    mistyped = misfits({**whole, "parts": [{"name": 1}]})

    assert [key in message for message in found] == [True]
    assert mistyped == ["1 is not of type 'string'"]


def test_a_type_that_no_answer_has_is_refused() -> None:
    """A schema is never made up."""
    with pytest.raises(TypeError) as refused:
        schema_of(set[int])

    assert str(refused.value) == "set[int]"


def test_an_answer_of_another_shape_is_noticed() -> None:
    """The check that every test's documents go through can fail."""
    answer = {"schema": 1, "command": "schema", "ok": True, "warnings": [], "next": []}
    expected({**answer, "data": {"schemas": [], "total": 0}})

    with pytest.raises(jsonschema.ValidationError) as noticed:
        expected({**answer, "data": {"schemas": [], "sum": 0}})

    assert "given schemas" in noticed.value.message
