"""What no record holds is not known to be the same: data behind links, code outside of the tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from surroundings import Calling, git
from xvc.git.commands import Git, find
from xvc.project import Project
from xvc.recording.outside_data import outside_data
from xvc.recording.unheld_digests import unheld_now


@pytest.mark.parametrize("target", ["scratch", "scratch/train.csv", "links"])
def test_data_behind_a_link_out_of_the_project(
    project: Path, call_xvc: Calling, tmp_path: Path, target: str
) -> None:
    """Git holds the link alone: the link is named, and the run that only may be of the same."""
    there, links = tmp_path / "scratch", tmp_path / "links"
    there.mkdir()
    links.mkdir()
    (there / "train.csv").write_text("1\n")
    (links / "newest").symlink_to(there)
    (project / "data").symlink_to(tmp_path / target)
    git(project, "add", "data")
    git(project, "commit", "-qm", "data")
    command = ("--", "ls", "-L", "data")
    call_xvc("run", *command)
    first = call_xvc("show", "--json", "@").data["id"]
    (there / "train.csv").write_text("2\n")
    again = call_xvc("run", *command)
    third = call_xvc("run", *command)
    tried = call_xvc("tried", "--json", *command).data
    compared = call_xvc("compare", "@-2", "@-1", "--json").data
    shown = call_xvc("show", "@-1")

    assert "ran before" not in again.err
    assert "data leads out of the project" in again.err
    assert first in again.err
    assert "ran before" in third.err  # nothing has changed there meanwhile
    assert first not in [near["run"] for near in tried["same"]]
    assert first in [near["run"] for near in tried["nearest"]]
    assert [each["path"] for each in compared["data"]] == ["data"]
    assert "leads out of the project" in shown.out


def test_what_says_other_bytes_each_time_is_never_known_to_be_the_same(
    project: Path, tmp_path: Path
) -> None:
    """A device, a pipe, folders without end; links that go round end nothing."""
    found = Project.find(project, {})
    os.mkfifo(tmp_path / "pipe")
    deep = tmp_path / "deep"
    deep.joinpath(*"d" * 900).mkdir(parents=True)
    (tmp_path / "round").mkdir()
    (tmp_path / "round" / "again").symlink_to(tmp_path / "round")
    (tmp_path / "round" / "self").symlink_to("self")
    targets = ["/dev/urandom", "/", tmp_path / "pipe", tmp_path / "round", deep]
    names = [f"link{number}" for number in range(len(targets))]
    for name, target in zip(names, targets, strict=True):
        (project / name).symlink_to(target)

    one, other = (outside_data(found, run, names, ()) for run in ("one", "other"))

    assert [name for name in names if one[name] == other[name]] == names[3:]


def test_a_version_of_a_run_with_data_outside(
    project: Path, call_xvc: Calling, tmp_path: Path
) -> None:
    """It can be made, checked and run again; what is declared to be left there is no data."""
    for name in ("big", "scratch"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("1\n")
        (project / name).symlink_to(tmp_path / name)
    (project / "README.md").symlink_to(tmp_path / "big" / "a.txt")
    git(project, "add", "big", "README.md")
    git(project, "commit", "-qm", "data")

    made = call_xvc("run", "--tag", "minor", "--out", "scratch", "--", "ls", "big/")

    assert made.code == 0, made.err
    assert call_xvc("show", "--json").data["data"].keys() == {"big"}
    assert call_xvc("doctor").code == 0
    assert call_xvc("rerun", "@", "--data-here").code == 0
    assert (tmp_path / "big" / "a.txt").read_text() == "1\n"


def test_a_link_that_stays_in_the_project(project: Path, call_xvc: Calling) -> None:
    """What lies behind it is in the record like all else."""
    (project / "values.txt").write_text("1\n")
    (project / "latest").symlink_to("values.txt")
    call_xvc("run", "--", "cat", "latest")
    again = call_xvc("run", "--", "cat", "latest")

    assert "ran before" in again.err


def test_names_of_a_stranger_are_looked_at_within_bounds(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store may name any file: those outside, and what is too much, are passed over and told."""
    outside = tmp_path / "key.txt"
    outside.write_text("secret")
    (project / "way").symlink_to(outside)
    for name in ("a.py", "b.py"):
        (project / name).write_text("x" * 600)
    monkeypatch.setattr("xvc.recording.unheld_digests._MOST_TOGETHER", 1000)
    place = find(project)
    assert place is not None
    names = [str(outside), "way", "../key.txt", "a.py", "b.py"]

    found, passed_over = unheld_now(Git(place, {}), names, own=[])

    assert (set(found), passed_over) == ({"a.py"}, [*names[:3], "b.py"])
    assert set(unheld_now(Git(place, {}), names, own=[str(outside)])[0]) == {str(outside), "a.py"}
