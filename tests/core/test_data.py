"""Inputs: which files count, and the short hash that names them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.run import DataFile
from xvc.core.run_inputs import Made, data_hash, inputs, results

DIGESTS = st.text("0123456789abcdef", min_size=32, max_size=32)
FILES = st.dictionaries(st.text(), st.builds(DataFile, DIGESTS, st.none() | st.integers(0)))
MADE = {
    "data/ready": Made("prepare", DataFile("c" * 32 + ".dir", 7)),
    "model.pkl": Made("train", DataFile("f" * 32)),
    "metrics.json": Made("train", DataFile("0")),
}
NEEDS = [
    ("prepare", "data/raw.csv"),
    ("prepare", "prepare.py"),
    ("train", "data/ready/train.csv"),
    ("train", "train.py"),
]


@given(FILES)
def test_the_hash_forgets_order_and_size(files: dict[str, DataFile]) -> None:
    """The same paths with the same digests have one hash, however they were found."""
    turned = {path: DataFile(files[path].digest) for path in reversed(files)}
    short = data_hash(files)

    assert short == data_hash(turned)
    assert short is None or len(short) == 6


@given(FILES.filter(bool), st.data())
def test_the_hash_sees_a_change(files: dict[str, DataFile], choose: st.DataObject) -> None:
    """Another digest under any path is another hash."""
    path = choose.draw(st.sampled_from(sorted(files)))
    digest = files[path].digest
    changed = {**files, path: DataFile(("0" if digest[0] != "0" else "1") + digest[1:])}
    short = data_hash(changed)

    assert short != data_hash(files)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"a.csv": DataFile("3a2f1b90")}, "3a2f1b"),
        ({"b": DataFile("2"), "a": DataFile("1")}, "f626eb"),
    ],
)
def test_the_hash_is_for_good(files: dict[str, DataFile], expected: str | None) -> None:
    """Tags hold it, so it may never change: none, one digest, or the md5 of sorted lines."""
    short = data_hash(files)

    assert short == expected


def test_inputs_are_pointers_and_what_stages_hand_on() -> None:
    """Models and metrics are results, scripts are code, prepared data is an input."""
    pointers = {"data/raw.csv": DataFile("a" * 32, 5), "results/x.duckdb": DataFile("9")}
    found = inputs(pointers, MADE, NEEDS, excluded=["results"])

    assert found == {
        "data/raw.csv": DataFile("a" * 32, 5),
        "data/ready": DataFile("c" * 32 + ".dir", 7),
    }


def test_exclusion_goes_by_folders_not_by_letters() -> None:
    """Excluding `models` leaves `models2` alone."""
    pointers = {"models/a": DataFile("1"), "models": DataFile("2"), "models2": DataFile("3")}
    found = inputs(pointers, {}, [], excluded=["models/"])

    assert found == {"models2": DataFile("3")}


def test_results_are_what_no_other_stage_needs() -> None:
    """A model and a metric are what the pipeline is for; prepared data is not."""
    found = results(MADE, NEEDS, excluded=["metrics.json"])

    assert found == {"model.pkl": DataFile("f" * 32)}
