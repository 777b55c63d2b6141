"""Printed metrics: any cut gives the same, only lines that are metrics count."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.runs.printed_metrics import LineMetrics, Printed

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_./-]{0,8}", fullmatch=True)
NUMBERS = st.integers() | st.floats(allow_nan=False)
PRINTED = st.lists(
    st.one_of(
        st.builds(lambda name, number: f"METRIC {name}={number}".encode(), NAMES, NUMBERS),
        st.builds(lambda name, number: f"{name}: {number}".encode(), NAMES, NUMBERS),
        st.sampled_from([b"\n", b"\r\n", b"\r", b"\r\r", b"\x1b[32m", b"METRIC ", b"x" * 5000]),
        st.binary(max_size=6),
    )
).map(b"".join)


def parse_metric_lines(
    lines: bytes, *, loose: bool, patterns: Sequence[re.Pattern[str]] = ()
) -> list[Printed]:
    """What every line of a finished output says, in order."""
    reader = LineMetrics(loose=loose, patterns=patterns)
    return reader.feed(lines) + reader.close()


@given(NAMES, NUMBERS)
def test_a_metric_survives_being_printed(name: str, number: float) -> None:
    """Keys come back exactly, integers as integers."""
    found = parse_metric_lines(f"METRIC {name}={number}\n".encode(), loose=False)

    assert [[(k, type(v), v) for k, v in row.items()] for row in found] == [
        [(name, type(number), number)]
    ]


@given(PRINTED, st.lists(st.integers(0, 6000)), st.booleans())
def test_any_cut_gives_the_same(printed: bytes, cuts: list[int], loose: bool) -> None:
    """Pipes cut where they like; the metrics do not depend on it."""
    reader = LineMetrics(loose=loose)
    edges = [0, *sorted(cuts), len(printed)]
    pieces = [printed[start:end] for start, end in pairwise(edges)]
    fed = [metric for piece in pieces for metric in reader.feed(piece)] + reader.close()

    assert repr(fed) == repr(parse_metric_lines(printed, loose=loose))


@given(PRINTED)
def test_a_reader_keeps_little(printed: bytes) -> None:
    """An endless line costs no memory."""
    reader = LineMetrics(loose=True)
    reader.feed(printed.replace(b"\n", b"\r") * 3 + b"z" * 10**5)

    assert len(reader._rest) < 5000


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"METRIC acc=0.5", [("acc", 0.5)]),
        (b"  METRIC val/loss=1e-3 ", [("val/loss", 0.001)]),
        (b"METRIC a=b=2", [("a=b", 2)]),
        (b"METRIC n=-7", [("n", -7)]),
        (b"METRIC x=inf", [("x", math.inf)]),
        (b"METRIC x=-Infinity", [("x", -math.inf)]),
        (b"\x1b[1;32mMETRIC acc=0.5\x1b[0m", [("acc", 0.5)]),
        (b"10%\r50%\rMETRIC acc=0.5\r", [("acc", 0.5)]),
        (b"METRIC acc=0.5\r60%", []),
        (b"METRIC acc=high", []),
        (b"METRIC acc=0.5 and more", []),
        (b"METRIC =1", []),
        (b"metric acc=1", []),
        (b"METRIC \xff=1", []),
        ("METRIC größe=1".encode(), [("größe", 1)]),
        (b"acc: 0.5", []),
    ],
)
def test_marked_lines(line: bytes, expected: list[tuple[str, float]]) -> None:
    """A marked line is a metric when all of it is; colours and overwritten text do not count."""
    found = parse_metric_lines(line, loose=False)

    assert [pair for row in found for pair in row.items()] == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"acc: 0.5", [("acc", 0.5)]),
        (b"\x1b[2Kval/loss:   3\r\n", [("val/loss", 3)]),
        (b"val loss: 0.3", [("val loss", 0.3)]),
        (b"acc: 93%", [("acc", 93)]),
        (b"acc: 0.5, loss: 0.3", [("acc", 0.5), ("loss", 0.3)]),
        (b"[20]\tvalid_0's l1: 0.43", [("step", 20), ("valid_0's l1", 0.43)]),
        (b"[0]\ttrain-mlogloss:1.60", [("step", 0), ("train-mlogloss", 1.6)]),
        (b"The RMSE of prediction is: 0.445", [("RMSE of prediction", 0.445)]),
        (
            b"The ROC AUC of loaded model's prediction is: 0.79",
            [("ROC AUC of loaded model's prediction", 0.79)],
        ),
        (
            b"Accuracy of the network on the 10000 test images: 55 %",
            [("Accuracy of the network on the 10000 test images", 55)],
        ),
        (b"accuracy on 10000 test images: 93 %", [("accuracy on 10000 test images", 93)]),
        (b"Mean accuracy over 5 folds: 0.91", [("Mean accuracy over 5 folds", 0.91)]),
        (b"accuracy at 95 recall 0.8", []),
        (b"Test accuracy is 0.93.", [("Test accuracy", 0.93)]),
        (b"The MSE is: 1e-3", [("MSE", 0.001)]),
        (b"early stopping since val_loss is 0.5", []),
        (b"The learning rate is 0.1", []),
        (b"loading data is 3", []),
        (
            b"step 10 | loss 3.2300 | step time 12.34ms",
            [("step", 10), ("loss", 3.23), ("step time", 12.34)],
        ),
        (b"Epoch 1/4 - loss: 0.1 - acc: 0.93", [("epoch", 1), ("loss", 0.1), ("acc", 0.93)]),
        ("32/32 ━━━ 0s 2ms/step - loss: 0.11".encode(), [("loss", 0.11)]),
        (b"{'loss': 0.5, 'val': {'acc': 1}}", [("loss", 0.5), ("val.acc", 1)]),
        (b"{'eval_loss': '0.31', 'name': 'x'}", [("eval_loss", 0.31)]),
        (b"accuracy = 0.95", [("accuracy", 0.95)]),
        (b"val/acc=0.97", [("val/acc", 0.97)]),
        (b"loss 0.5", [("loss", 0.5)]),
        (b"train_loss=0.1 val_loss=0.2", [("train_loss", 0.1), ("val_loss", 0.2)]),
        (
            b"Test set: Average loss: 0.0264, Accuracy: 9915/10000 (99%)",
            [("Test set/Average loss", 0.0264), ("Test set/Accuracy", 0.9915)],
        ),
        (
            "Epoch 1: 100%|███| 10/10 [00:01<00:00,  9.1it/s, v_num=0, loss=0.3]".encode(),
            [("epoch", 1), ("loss", 0.3)],
        ),
        ("train: 45%|██  | 9/20 [00:01<?, ?it/s, acc=0.9]".encode(), [("acc", 0.9)]),
        ("loss: 0.5: 100%|███| 1.2k/1.2k [00:01<00:00, 9.1it/s]".encode(), [("loss", 0.5)]),
        ("Downloading: 100%|███| 10/10".encode(), []),
        (b"step 3/9 loss: 0.5 eta: 0:12:33 acc: 93%", [("step", 3), ("loss", 0.5), ("acc", 93)]),
        (b"loss=0.5 time=12.3s", [("loss", 0.5), ("time", 12.3)]),
        (b"eta: 0:12:33 left: 1:10", []),
        ("│  val_loss  │  0.1234  │".encode(), [("val_loss", 0.1234)]),
        (b"RMSE: 0.45 (+/- 0.02)", [("RMSE", 0.45)]),
        (b"Epoch [3/10], Step [5/6], Loss: 0.1", [("epoch", 3), ("step", 5), ("Loss", 0.1)]),
        (b"2026-11-29 12:00:01,123 INFO loaded", []),
        (b"Listening on port 8080", []),
        (b"loaded 3 files", []),
        (b"loss: 1,234", []),
        (b"http://localhost:8080", []),
        (b"12: 30", []),
        (b"12:30", []),
        (b"acc:", []),
        (b"acc: nan?", []),
    ],
)
def test_loose_lines(line: bytes, expected: list[tuple[str, float]]) -> None:
    """What frameworks and people print: names with numbers, steps, tables, dicts; no prose."""
    found = parse_metric_lines(line, loose=True)

    assert [pair for row in found for pair in row.items()] == expected


@pytest.mark.parametrize(
    "pattern", [r"(?P<nats>[0-9.]+) nats", r"(?P<value>[0-9.]+) (?P<name>nats)"]
)
def test_a_pattern_of_the_users_says_how(pattern: str) -> None:
    """By a group for each key, or by the groups name and value; other lines are read as before."""
    found = parse_metric_lines(
        b"after 3 s: 1.25 nats\nloss: 2\n", loose=True, patterns=[re.compile(pattern)]
    )

    assert found == [{"nats": 1.25}, {"loss": 2}]


def test_nan_is_a_value() -> None:
    """A loss that has become NaN is recorded, not skipped."""
    (row, other) = parse_metric_lines(b"METRIC loss=nan\n{'loss': nan}\n", loose=True)

    assert math.isnan(row["loss"])
    assert math.isnan(other["loss"])


_PARTS = st.tuples(
    st.sampled_from(["loss", "Epoch", "step2", "a'b", "iter", " x", "info", "METRIC", "lr.0", "_"]),
    st.sampled_from([": ", "=", ":", " : ", " = ", "  :", " ", ":  ", "\t:"]),
    st.sampled_from(["1", "0.5", "-1e5", "+2", "nan", "1.", "1e", "--1", "5%", "3/4", "-Inf"]),
)


@given(_PARTS)
def test_a_plain_line_says_what_it_says_in_colour(parts: tuple[str, str, str]) -> None:
    """Lines of one name and one number are read by a shorter way, to the same end."""
    line = "".join(parts).encode()

    plain = parse_metric_lines(line, loose=True)

    assert repr(plain) == repr(parse_metric_lines(b"\x1b[1m" + line + b"\x1b[0m", loose=True))


def test_a_line_without_a_number_says_nothing() -> None:
    """It is not even looked at closely, whatever pattern there is."""
    found = parse_metric_lines(b"all is well: yes\n", loose=True, patterns=[re.compile("(?P<a>.)")])

    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "Namespace(lr=0.1, epochs=5, seed=0)",
        "args: Namespace(lr=0.1, epochs=5, seed=0)",
        "  (fc1): Linear(in_features=784, out_features=128, bias=True)",
        "                       random_state=0, verbose=1, warm_start=False)",
        "Pipeline(steps=[('a', B()), ('c', SVC(max_iter=100, tol=0.1, C=2))])",
        "FrozenTrial(number=5, values=[0.9], params={'c': 1.3}, trial_id=5, value=None)",
        "Adam (Parameter Group 0, lr: 0.001, eps: 1e-8, weight_decay: 0)",
        "config {lr: 0.1, depth: 3, n: 2}",
    ],
)
def test_the_text_of_an_object_is_no_metric(line: str) -> None:
    """What stands in brackets are somebody's arguments, also those in the middle."""
    assert parse_metric_lines(line.encode(), loose=True) == []


def test_a_remark_in_brackets_hides_no_metric() -> None:
    """Commas in it part nothing."""
    line = b"Best value: -0.99 (params: {'x': 0.04, 'y': -1}), acc: 0.5 (+/- 0.1)"

    assert parse_metric_lines(line, loose=True) == [{"Best value": -0.99, "acc": 0.5}]
