"""Recorded data and outputs that the cache lacks: `doctor` and `get` say where they can be had."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from surroundings import Begun, Calling, dvc, git

_LEAVE = "import os; os.makedirs('made', exist_ok=True); open('made/a', 'w').write('made'); "
_LEAVE += "open('m.bin', 'w').write('model')"
RUN = ("run", "--tag", "minor", "--out", "m.bin", "--out", "made", "--")
COMMAND = (sys.executable, "-c", _LEAVE)


@pytest.fixture
def tagged(project: Path, call_xvc: Calling, begun: Begun) -> Path:
    """A project with e0.1.0, which read `raw` and left `m.bin` and `made`; both are gone."""

    def version() -> None:
        (project / "raw").mkdir()
        (project / "raw" / "a.csv").write_text("1\n")
        dvc(project, "add", "-q", "raw")
        git(project, "add", "-A")
        git(project, "commit", "-qm", "data")
        assert call_xvc(*RUN, *COMMAND).code == 0
        (project / "m.bin").unlink()
        shutil.rmtree(project / "made")

    begun(project, version)
    return project


def looked(call_xvc: Calling, what: str = "data") -> list[tuple[str, str, str]]:
    """Return what `doctor` says of the data: health, detail, hint."""
    found = call_xvc("doctor", "--json").data["findings"]
    return [
        (each["health"], each["detail"], each["hint"]) for each in found if each["what"] == what
    ]


def lost(project: Path, *names: str) -> Path:
    """Move objects that begin with these letters out of the cache; returns where to."""
    away = project.parent / "away"
    for name in names:
        (found,) = (project / ".dvc/cache/files/md5" / name[:2]).glob(f"{name[2:]}*")
        (away / name[:2]).mkdir(parents=True, exist_ok=True)
        found.rename(away / name[:2] / found.name)
    return away


def digest(project: Path, pointer: str) -> str:
    """Return what a pointer of the version names."""
    text = git(project, "show", f"e0.1.0:{pointer}")
    return next(line.split()[-1] for line in text.splitlines() if "md5:" in line)


def test_all_is_there(tagged: Path, call_xvc: Calling) -> None:
    """With everything in the cache one line says so."""
    found = looked(call_xvc)

    assert found == [("good", "the cache has 3 outputs of versions and runs", "")]


def test_what_is_nowhere_is_wrong(tagged: Path, call_xvc: Calling) -> None:
    """Of an output that no place has, both commands say so, and no command is advised in vain."""
    lost(tagged, digest(tagged, "m.bin.dvc"))

    (found,) = looked(call_xvc)
    got = call_xvc("get", "e0.1.0", "m.bin", "-o", "new")
    dvc(tagged, "remote", "add", "-q", "other", str(tagged.parent / "remote"))
    (asked,) = looked(call_xvc)
    again = call_xvc("get", "e0.1.0", "m.bin", "-o", "new")

    assert found[:2] == ("wrong", "neither in the tree nor in the cache: m.bin of e0.1.0")
    assert asked[:2] == ("wrong", f"{found[1]}; nor on remote other")
    assert "There is no DVC remote" in found[2]
    assert "There is no DVC remote" in got.err
    assert "nor on remote other" in again.err
    assert not any("`xvc pull`" in said for said in (found[2], asked[2], got.err, again.err))


def test_a_rerun_makes_an_output_anew(tagged: Path, call_xvc: Calling) -> None:
    """What the hint names brings an output back that no place had."""
    lost(tagged, digest(tagged, "m.bin.dvc"))

    hint = looked(call_xvc)[0][2]
    call_xvc("rerun", "e0.1.0")
    (found,) = looked(call_xvc)
    got = call_xvc("get", "e0.1.0", "m.bin", "-o", "new")

    assert "`xvc rerun REFERENCE`" in hint
    assert (found[0], got.code, (tagged / "new").read_text()) == ("good", 0, "model")


def test_what_any_remote_has_is_got_by_the_hint(tagged: Path, call_xvc: Calling) -> None:
    """Also from a remote that is not the default one; the command that the hint names works."""
    (tagged.parent / "first").mkdir()
    dvc(tagged, "remote", "add", "-q", "-d", "first", str(tagged.parent / "first"))
    dvc(tagged, "remote", "add", "-q", "second", str(tagged.parent / "second"))
    dvc(tagged, "push", "-q", "-r", "second", "--all-tags")
    lost(tagged, digest(tagged, "made.dvc"), digest(tagged, "m.bin.dvc"))

    found = looked(call_xvc)
    call = found[0][2].split("`")[1].replace("FILE", "new")
    got = call_xvc(*call.split()[1:])
    rest = looked(call_xvc)

    said = "not in this clone's cache, but on remote second: m.bin of e0.1.0, made of e0.1.0"
    assert [each[:2] for each in found] == [("good", said)]
    assert (got.code, (tagged / "new").read_text()) == (0, "model")
    assert [each[1] for each in rest] == [
        "not in this clone's cache, but on remote second: made of e0.1.0"
    ]


def test_a_remote_that_does_not_answer_is_no_proof(tagged: Path, call_xvc: Calling) -> None:
    """Nothing is called lost that a remote may have."""
    dvc(tagged, "remote", "add", "-q", "-d", "far", "s3://nowhere/x")
    dvc(tagged, "remote", "modify", "-q", "far", "endpointurl", "http://127.0.0.1:9")
    lost(tagged, digest(tagged, "m.bin.dvc"))

    (found,) = looked(call_xvc)

    assert found[0] == "good"
    assert "remote far does not say" in found[1]


@pytest.mark.parametrize("name", ["raw", "raw list"])
def test_what_only_the_tree_has_is_kept(tagged: Path, call_xvc: Calling, name: str) -> None:
    """Bytes of the tree that are what was recorded go into the cache, and `get` has them."""
    object_of = {"raw": "b026324c", "raw list": digest(tagged, "raw.dvc")}
    lost(tagged, object_of[name])

    found = looked(call_xvc)
    got = call_xvc("get", "e0.1.0", "raw/a.csv", "-o", "new")

    assert found[0][:2] == (
        "mended",
        "only the tree had raw of e0.1.0: the cache has it, too, now",
    )
    assert (got.code, (tagged / "new").read_text()) == (0, "1\n")


def test_other_bytes_in_the_tree_are_not_taken(tagged: Path, call_xvc: Calling) -> None:
    """A file of that name with another content does not stand in for what was recorded."""
    lost(tagged, digest(tagged, "m.bin.dvc"))
    (tagged / "m.bin").write_text("other")

    (found,) = looked(call_xvc)

    assert found[:2] == ("wrong", "neither in the tree nor in the cache: m.bin of e0.1.0")


def test_an_output_of_a_run_without_a_version(tagged: Path, call_xvc: Calling) -> None:
    """What only the record of a run names is looked for, too."""
    command = (sys.executable, "-c", "open('u', 'w').write('u')")
    run = call_xvc("run", "--json", "--out", "u", "--", *command).data["run"]
    (tagged / "u").unlink()
    lost(tagged, "7b774eff")

    (found,) = looked(call_xvc)

    assert found[:2] == ("wrong", f"neither in the tree nor in the cache: u of {run}")


def test_a_store_that_is_nowhere_is_wrong(tagged: Path, call_xvc: Calling) -> None:
    """Where a remote is asked in vain for a version's store, no fetch is advised."""
    dvc(tagged, "remote", "add", "-q", "-d", "empty", str(tagged.parent / "remote"))
    shutil.rmtree(tagged / ".git/xvc/stores-kept", ignore_errors=True)
    lost(tagged, digest(tagged, "results/experiments.duckdb.dvc"))

    found = looked(call_xvc, "versions")

    assert found[0][:2] == (
        "wrong",
        "e0.1.0: their stores are not in this clone's cache, nor on remote empty",
    )
    assert "dvc fetch" not in found[0][2]


def test_a_work_tree_without_its_data_names_no_fetch_in_vain(
    tagged: Path, call_xvc: Calling
) -> None:
    """Without a remote, nothing that cannot work is advised for the data of a new tree."""
    lost(tagged, "b026324c")

    added = call_xvc("worktree", "add", "w")

    assert "there is no DVC remote" in added.err
    assert "dvc fetch" not in added.err


def test_no_merge_is_named_for_a_store_that_is_not_here(
    tagged: Path, call_xvc: Calling, tmp_path: Path
) -> None:
    """A clone without a remote is told that its stores are away, and nothing that would fail."""
    git(tmp_path, "clone", "-q", str(tagged), "clone")

    found = call_xvc("doctor", "--json", cwd=tmp_path / "clone").data["findings"]

    wrong = [each["what"] for each in found if each["health"] == "wrong"]
    assert "versions" in wrong
    assert "missing runs" not in wrong
