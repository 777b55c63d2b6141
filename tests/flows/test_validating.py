"""``xvc validate``: each kind of finding is found, and none in a project where all is well."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from surroundings import Calling, as_if_written_by, git
from xvc import Tracker
from xvc.runs.renamed_keys import Key, renames

FIT = """\
from xvc import Tracker

with Tracker(table="fits", cache=".cache") as tracker:
    tracker.track(round, [0.5])
"""


def logged(*rows: Mapping[str, object], table: str = "predictions", **params: object) -> str:
    with Tracker(table=table, params=params or None) as tracker:
        tracker.log_batch(rows)
        return tracker.track_id


def checked(call_xvc: Calling, *words: str) -> dict[tuple[str, str | None], dict[str, Any]]:
    """The checks by name and table, after the exit code has said the same as the answer."""
    answer = call_xvc("validate", *words, "--json")
    assert answer.code == (0 if answer.data["valid"] else 3), answer.out
    assert answer.json["ok"] is answer.data["valid"]
    return {(each["check"], each["table"]): each for each in answer.data["checks"]}


def found(check: dict[str, Any]) -> list[tuple[str, int]]:
    return [(each["level"], each["count"]) for each in check["findings"]]


@pytest.fixture
def clean(project: Path, call_xvc: Calling) -> Path:
    """Two models on the same examples, each split apart, repeated with another seed; all well."""
    for seed in (1, 2):
        for model in ("svm", "forest"):
            rows = [
                {
                    "id": i,
                    "split": "test" if i > 7 else "train",
                    "score": i / (seed + 9),
                    "error": "",
                }
                for i in range(10)
            ]
            logged(*rows, model=model, seed=seed)
        assert call_xvc("run", "--", "python", "train.py", "--seed", str(seed)).code == 0
    return project


def test_a_clean_project_is_valid(clean: Path, call_xvc: Calling) -> None:
    """Two models on one test set are no leak, seeds no duplicates; every check looked."""
    checks = checked(call_xvc)

    levels = {level for each in checks.values() for level, _ in found(each)}
    assert levels <= {"note"}
    assert checks["leaks", "predictions"]["outcome"] == "ok"
    assert checks["duplicates", None]["findings"][0]["level"] == "note"
    assert checks["errors", "predictions"]["outcome"] == "ok"
    assert checks["drift", "predictions"]["outcome"] == "ok"
    assert checks["cache", "predictions"]["outcome"] == "not applicable"
    assert checks["cache", "predictions"]["why_not"]


def test_what_xvc_keeps_of_models_is_no_table_to_check(clean: Path, call_xvc: Calling) -> None:
    """A first promotion, which has nothing before it, makes no project wrong."""
    (clean / "model.bin").write_text("weights")
    as_if_written_by(call_xvc, "@", clean / "model.bin")
    for words in (("add", "model.bin", "--name", "net"), ("promote", "@", "--name", "net")):
        done = call_xvc("model", *words)
        assert done.code == 0, done.err

    made = checked(call_xvc)

    assert {table for _, table in made} == {None, "predictions", "events"}


def test_strict_counts_notes(clean: Path, call_xvc: Calling) -> None:
    """The repeats by seed are a note: nothing, unless notes count."""
    assert call_xvc("validate").code == 0
    assert call_xvc("validate", "--strict").code == 3


def test_nothing_recorded_is_no_error(project: Path, call_xvc: Calling) -> None:
    """Each check says why it does not apply."""
    checks = checked(call_xvc)

    assert {each["outcome"] for each in checks.values()} == {"not applicable"}


def test_a_key_in_two_splits_is_a_leak(project: Path, call_xvc: Calling) -> None:
    """The example and its splits are shown, with a question that lists all of them and runs."""
    logged(*({"id": i, "split": split} for i, split in ((1, "train"), (2, "test"), (1, "test"))))

    leak = checked(call_xvc)["leaks", "predictions"]

    assert found(leak) == [("problem", 1)]
    assert leak["findings"][0]["examples"] == ["1: test, train"]
    again = subprocess.run(
        ["bash", "-c", leak["findings"][0]["next"]], capture_output=True, text=True, check=False
    )
    assert again.returncode == 0
    assert "test, train" in again.stdout


def test_the_same_content_in_two_splits_is_a_leak(project: Path, call_xvc: Calling) -> None:
    """Another key does not hide the same input; an input that is always the same tells nothing."""
    rows = [
        {"id": 1, "subset": "train", "prompt": "p", "text": "a"},
        {"id": 2, "subset": "test", "prompt": "p", "text": "a"},
        {"id": 3, "subset": "test", "prompt": "p", "text": "b"},
    ]
    logged(*rows)

    (finding,) = checked(call_xvc)["leaks", "predictions"]["findings"]

    assert finding["count"] == 1
    assert "1 input (text) in more than one subset" in finding["says"]


def test_splits_and_keys_can_be_named(project: Path, call_xvc: Calling) -> None:
    """Names that say nothing to xvc are given; mixed and nested values are compared, too."""
    logged(
        {"part": "a", "who": 1, "what": {"x": [1]}},
        {"part": "b", "who": "1", "what": {"x": [1]}},
        {"part": "b", "who": 1, "what": {"x": [2]}},
    )

    words = ("predictions", "--by", "part", "--key", "who", "--inputs", "what")
    leak = checked(call_xvc, *words)["leaks", "predictions"]

    assert found(leak) == [("problem", 1), ("problem", 1)]


def test_keys_that_differ_by_case_are_told_apart(project: Path, call_xvc: Calling) -> None:
    """The one that is named is meant."""
    logged({"id": 1, "Split": "a", "split": "x"}, {"id": 1, "Split": "b", "split": "x"})

    assert checked(call_xvc)["leaks", "predictions"]["outcome"] == "ok"
    assert checked(call_xvc, "--by", "Split")["leaks", "predictions"]["outcome"] == "found"


def test_each_run_may_split_otherwise(project: Path, call_xvc: Calling) -> None:
    """Another seed puts an example into another split; so does another fold of one run."""
    logged({"id": 1, "split": "train"}, {"id": 2, "split": "test"})
    logged({"id": 1, "split": "test"}, {"id": 2, "split": "train"})
    logged(
        {"id": 1, "split": "train", "fold": 1},
        {"id": 1, "split": "test", "fold": 2},
        {"id": 2, "split": "train", "fold": 2},
    )

    assert checked(call_xvc)["leaks", "predictions"]["outcome"] == "ok"


def test_splits_of_several_runs_are_held_together(project: Path, call_xvc: Calling) -> None:
    """When every run logs one split, an example that two of them have is a leak."""
    logged({"id": 1, "split": "train"}, {"id": 2, "split": "train"})
    logged({"id": 1, "split": "test"})

    assert found(checked(call_xvc)["leaks", "predictions"]) == [("problem", 1)]


def test_an_execution_done_twice_is_found(project: Path, call_xvc: Calling) -> None:
    """Also when a version was made between the two, which commits xvc's own files."""
    for _ in range(2):
        assert (
            call_xvc("run", "--tag", "minor", "--", "python", "train.py", "--lr", "0.1").code == 0
        )

    assert found(checked(call_xvc)["duplicates", None]) == [("problem", 1)]


def test_other_code_is_another_execution(project: Path, call_xvc: Calling) -> None:
    """An edit that is not committed is other code."""
    call_xvc("run", "--", "python", "train.py")
    (project / "train.py").write_text((project / "train.py").read_text() + "# other\n")
    call_xvc("run", "--", "python", "train.py")

    assert checked(call_xvc)["duplicates", None]["outcome"] == "ok"


def test_failures_of_runs_and_rows_are_found(project: Path, call_xvc: Calling) -> None:
    """A run's exit code, and the errors that rows say; an empty error is none."""
    call_xvc("run", "--", "python", "-c", "raise SystemExit(4)")
    logged({"error": ""}, {"error": "ValueError: x"}, {"error": "ValueError: x"}, {"error": None})

    checks = checked(call_xvc)

    assert found(checks["failures", None]) == [("problem", 1)]
    assert "exit code 4" in checks["failures", None]["findings"][0]["examples"][0]
    assert found(checks["errors", "predictions"]) == [("problem", 2)]
    assert "ValueError: x (2 rows" in checks["errors", "predictions"]["findings"][0]["examples"][0]


def test_a_param_that_one_run_lacks_is_found(project: Path, call_xvc: Calling) -> None:
    """The run that forgot it is named."""
    logged({"x": 1}, lr=0.1, bs=2)
    lacking = logged({"x": 2}, lr=0.1)

    check = checked(call_xvc)["params", None]

    assert found(check) == [("problem", 1)]
    assert check["findings"][0]["examples"] == [lacking]


def test_a_renamed_key_is_found(project: Path, call_xvc: Calling) -> None:
    """Its likely new name is said, and the param is then not said to be missing."""
    for name, param in (("acc", "lr"), ("acc", "lr"), ("accuracy", "learning_rate")):
        logged({name: 0.9, "step": 1}, {name: 0.8, "step": 2}, **{param: 0.1})

    checks = checked(call_xvc)

    says = [each["says"] for each in checks["drift", "predictions"]["findings"]]
    assert len(says) == 2
    assert any("'acc' ended where 'accuracy' began" in each for each in says)
    assert any("'lr' ended where 'learning_rate' began" in each for each in says)
    assert "problem" not in {level for level, _ in found(checks["params", None])}


def test_keys_of_other_scripts_are_no_renames(project: Path, call_xvc: Calling) -> None:
    """A new key beside the old one, and one that came back, are none either."""
    logged({"loss": 0.9})
    logged({"loss": 0.8, "val_loss": 0.9})
    logged({"val_loss": 0.7})
    logged({"loss": 0.8})

    assert checked(call_xvc)["drift", "predictions"]["outcome"] == "ok"


def test_columns_without_values_are_found(project: Path, call_xvc: Calling) -> None:
    """Null, NaN and empty throughout are a problem, one value throughout is a note."""
    row = {"none": None, "nan": float("nan"), "text": "", "same": 7}
    logged({**row, "good": 1}, {**row, "good": 2}, lr=0.1)

    check = checked(call_xvc)["columns", "predictions"]

    assert found(check) == [("problem", 3), ("note", 1)]
    assert check["findings"][1]["examples"] == ["same"]


def test_results_of_other_code_are_noted(project: Path, call_xvc: Calling) -> None:
    """A result from the cache is no failure; that it was computed by other code is worth a note."""
    (project / "fit.py").write_text(FIT)
    call_xvc("run", "--", "python", "fit.py")
    call_xvc("run", "--", "python", "fit.py")
    assert checked(call_xvc)["cache", "fits"]["outcome"] == "ok"
    (project / "fit.py").write_text(f"{FIT}# other\n")
    call_xvc("run", "-P", "lr=1", "--", "python", "fit.py")

    (finding,) = checked(call_xvc)["cache", "fits"]["findings"]

    assert (finding["level"], finding["count"]) == ("note", 1)
    assert finding["examples"][0].endswith("other lr, code")


def test_results_of_unknown_runs_are_found(project: Path, call_xvc: Calling) -> None:
    """Neither a null nor an empty text is a hit."""
    logged({"cache": None}, {"cache": ""}, {"cache": "k7f3m2q9x1b4"}, {"cache": "k7f3m2q9x1b4"})

    check = checked(call_xvc)["cache", "predictions"]

    assert found(check) == [("problem", 1)]
    assert "took 2 results of k7f3m2q9x1b4" in check["findings"][0]["examples"][0]


def test_one_table_is_checked_alone(project: Path, call_xvc: Calling) -> None:
    """Other tables, and runs without a row in it, are left out."""
    logged({"x": None}, table="other")
    logged({"x": 1}, {"x": 2})

    checks = checked(call_xvc, "predictions")

    assert {table for _, table in checks} == {None, "predictions"}
    assert checks["params", None]["looked_at"] == "1 run"


@pytest.mark.parametrize(
    ("words", "code", "near"),
    [
        (["predictons"], "no-table", "predictions"),
        (["--by", "splt"], "no-column", "split"),
        (["predictions", "--key", "idd"], "no-column", "id"),
    ],
)
def test_a_wrong_name_is_refused(
    project: Path, call_xvc: Calling, words: list[str], code: str, near: str
) -> None:
    """What is meant is said, and nothing is made."""
    logged({"split": "a", "id": 1})
    call_xvc("db", "ls")
    before = sorted(project.rglob("*"))

    error = call_xvc("validate", *words, "--json").json["error"]

    assert error["code"] == code
    assert repr(near) in error["hint"]
    assert sorted(project.rglob("*")) == before
    assert git(project, "status", "--short") == ""


def test_examples_are_few(project: Path, call_xvc: Calling) -> None:
    """Of many leaks some are shown, and how many more there are."""
    logged(*({"id": i, "split": split} for i in range(20) for split in ("train", "test")))

    leak = checked(call_xvc, "-n", "2")["leaks", "predictions"]["findings"][0]

    assert leak["count"] == 20
    assert leak["examples"] == ["0: test, train", "1: test, train", "… 18 more"]


def test_many_rows_take_seconds(tmp_path: Path, call_xvc: Calling) -> None:
    """A hundred thousand rows, all of them leaks, within five seconds of CPU."""
    with Tracker(tmp_path / "a.duckdb") as tracker:
        for i in range(50_000):
            tracker.log({"id": i, "split": "a", "text": "some text"})
            tracker.log({"id": i, "split": "b", "text": "other text"})
    call_xvc("db", "ls", "--db", str(tmp_path / "a.duckdb"))
    began = time.process_time()

    answer = call_xvc("validate", "--db", str(tmp_path / "a.duckdb"), "--json")

    assert answer.code == 3
    assert time.process_time() - began < 5


def test_what_people_take_for_one_example_leaks(project: Path, call_xvc: Calling) -> None:
    """Ids 1 and "1", texts that differ by case or blanks, one equal input; blank text is none."""
    rows = [
        {"split": "train", "id": 1, "question": "Who  is it?", "text": "", "prompt": "p"},
        {"split": "test", "id": "1", "question": " who is it?", "text": " ", "prompt": "p"},
        {"split": "Test", "id": 2.0, "question": "other", "text": "", "prompt": "p"},
        {"split": "test", "id": 2, "question": "another", "text": None, "prompt": "p"},
    ]
    logged(*rows)

    leaks = checked(call_xvc)["leaks", "predictions"]

    assert [each["says"] for each in leaks["findings"]] == [
        "1 key (id) in more than one split",
        "1 input (question) in more than one split",
    ]


@pytest.mark.parametrize(
    ("one", "other", "is_leak"),
    [
        (float("nan"), float("nan"), False),
        ("a\u00a0b", "a b", True),
        ("caf\u00e9", "cafe\u0301", True),
        (2**53, 2**53 + 1, False),
        ("007", "7", False),
    ],
)
def test_what_is_one_value_and_what_is_none(
    project: Path, call_xvc: Calling, one: object, other: object, is_leak: bool
) -> None:
    """No number is no example; blanks and accents of any spelling are what is read."""
    logged({"split": "train", "id": one, "x": 1}, {"split": "test", "id": other, "x": 2})

    assert bool(checked(call_xvc)["leaks", "predictions"]["findings"]) is is_leak


@pytest.mark.parametrize(
    ("old", "new", "is_renamed"),
    [
        ("mae", "mape", False),
        ("latency_p50", "latency_p99", False),
        ("layer1_norm", "layer2_norm", False),
        ("encoder_norm", "decoder_norm", False),
        ("loss_g", "loss_d", False),
        ("mean_x", "mean_y", False),
        ("kl_loss", "mse_loss", False),
        ("cpu_time", "gpu_time", False),
        ("loss_before", "loss_after", False),
        ("actor_loss", "critic_loss", False),
        ("lr", "lr_decay", False),
        ("acc", "acc_std", False),
        ("loss", "loss_weight", False),
        ("map", "mape", False),
        ("ppv", "npv", False),
        ("f1", "f1_score", True),
        ("auc", "roc_auc", True),
        ("rec", "recall", True),
        ("color_jitter", "colour_jitter", True),
        ("train_acc", "train_accuracy", True),
        ("acc", "accuracy", True),
    ],
)
def test_another_thing_is_no_new_name(old: str, new: str, is_renamed: bool) -> None:
    """Names of other metrics, other percentiles and other layers are no renames."""
    found = renames([Key(old, "number", 0, 1), Key(new, "number", 2, 3)])

    assert bool(found) is is_renamed
