"""A model, and an output, is what its run made: never what another run left in the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from surroundings import Calling

WRITE = "import sys; open('model.txt', 'w').write(sys.argv[1])"


@pytest.fixture
def runs(project: Path, call_xvc: Calling) -> list[str]:
    """Two runs that declared what they wrote to one place, and one that declared nothing."""
    with (project / ".gitignore").open("a") as ignored:
        ignored.write("*.txt\n")
    found = []
    for words in (("--out", "model.txt"), ("--out", "model.txt"), ()):
        number = str(len(found))
        done = call_xvc("run", "--json", *words, "--", "python", "-c", WRITE, number)
        found.append(str(done.data["run"]))
    return found


def add(call_xvc: Calling, run: str, path: str = "model.txt") -> str:
    done = call_xvc("model", "add", path, "--run", run, "--name", run, "--json")
    error = done.json.get("error", {})
    return str(error.get("code", "kept")) + " " + str(error.get("message", ""))


def test_only_what_a_run_made_is_its_model(
    runs: list[str], project: Path, call_xvc: Calling
) -> None:
    """What another wrote is refused and its maker named; an output on record comes back."""
    first, second, third = runs
    of_third = [add(call_xvc, run) for run in runs]
    call_xvc("get", first, "model.txt", "-o", "old.txt")
    of_first = [add(call_xvc, run, "old.txt") for run in runs]
    (project / "by_hand.txt").write_text("by hand")

    assert all(said.startswith("not-of-run") for said in of_third[:2])
    assert all(f"; run {third} made it" in said for said in of_third[:2])
    assert of_third[2] == "kept "
    assert of_first[0] == "kept "
    assert all(f"; run {first} made it" in said for said in of_first[1:])
    assert add(call_xvc, second, "by_hand.txt").startswith("not-of-run")


def test_an_output_that_a_run_did_not_write_is_none_of_it(
    runs: list[str], call_xvc: Calling
) -> None:
    """It lies there from an older run."""
    done = call_xvc("run", "--json", "--out", "model.txt", "--", "true")

    assert "did not write model.txt" in " ".join(done.json["warnings"])
    assert "outs" not in call_xvc("show", done.data["run"], "--json").data
