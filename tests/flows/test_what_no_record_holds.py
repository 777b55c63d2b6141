"""What no record holds is not known to be the same: data behind links, code outside of the tree."""

from __future__ import annotations

import os
import subprocess
import time
import venv
from pathlib import Path

import pytest

from surroundings import Calling, git
from xvc.core.run import UNTRACKED, DataFile
from xvc.git.commands import Git, find
from xvc.project import Project
from xvc.recording.outside_data import outside_data
from xvc.recording.unheld_digests import unheld_now
from xvc.recording.untracked_data import lying_now


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
    assert "data lies outside of the project" in again.err
    assert first in again.err
    assert "ran before" in third.err  # nothing has changed there meanwhile
    assert first not in [near["run"] for near in tried["same"]]
    assert first in [near["run"] for near in tried["nearest"]]
    assert [each["path"] for each in compared["data"]] == ["data"]
    assert "lies outside of the project" in shown.out


def test_what_says_other_bytes_each_time_is_never_known_to_be_the_same(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device, a pipe, folders without end; links that go round end nothing."""
    monkeypatch.setattr("xvc.recording.outside_data._MOST_SECONDS", 60)
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


_READ = """
import glob, os, sys
for name in sorted(glob.glob("in/**") + glob.glob("*.csv") + glob.glob("link/*")):
    open(name).read()
sys.stdin.read() if "-" in sys.argv else None
for name in sys.argv[1:]:
    open(name).read() if os.path.isfile(name) else None
open("out.bin", "w").write(str(os.getpid()))
open("out.bin").read()
open("log.bin", "a").write("x")
"""


@pytest.mark.parametrize(
    ("ignored", "name", "words"),
    [
        ("", "in/large.bin", []),  # over the limit of a file
        ("", "in/7.bin", []),  # one of too many
        ("in/", "in/large.bin", []),
        ("in/", "in/7.bin", []),
        ("*.csv", "a.csv", []),
        ("link", "../there/a.csv", []),
        ("", "../there/a.csv", ["--data", "../there/a.csv"]),
        ("", "../there/a.csv", ["../there/a.csv"]),
    ],
)
def test_what_a_run_read_that_nothing_tracks(
    project: Path, call_xvc: Calling, ignored: str, name: str, words: list[str]
) -> None:
    """Changed between, it is not the same and no repeat; what was only written does not count."""
    for folder in ("in", "../there"):
        (project / folder).mkdir()
    (project / "link").symlink_to(project.parent / "there")
    (project / "xvc.yaml").write_text("snapshot:\n  limit: 1000\n  files: 20\n")
    (project / ".gitignore").write_text(f"{ignored or 'link'}\nlog.bin\nout.bin\n")
    (project / "t.py").write_text(_READ)
    git(project, "add", "t.py", ".gitignore", "xvc.yaml")
    git(project, "commit", "-qm", "t")
    for number in range(150 if name == "in/7.bin" else 0):
        (project / "in" / f"{number}.bin").write_text("1")
    (project / name).write_text("1" * 2_000)
    command = ("--", "python", "t.py", *words)
    call_xvc("run", *command)
    same = call_xvc("run", *command)
    (project / name).write_text("2" * 2_000)
    tried = call_xvc("tried", "--json", *command).data
    changed = call_xvc("run", "--json", *command)
    again = call_xvc("tried", "--json", *command).data
    compared = call_xvc("compare", "@-1", "@", "--json")
    shown = call_xvc("show", "@")
    tagged = call_xvc("tag", "minor") if not words else None

    assert "ran before" in same.err
    assert tagged is None or "e0.1.0 is without" in tagged.err
    assert (tried["same_total"], again["same_total"]) == (0, 1)
    assert changed.data["same_as"] is None
    assert "repeat" not in str(compared.json["warnings"])
    assert compared.data["data"]
    assert "on no record" in shown.out
    assert "out.bin" not in shown.out


_MAPPED = """
import mmap
with open("in/7.csv") as file:
    mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)[:]
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("open('in/hard.csv').read()", []),
        ("open('in/link.csv').read()", []),
        (_MAPPED, []),  # one of many in its folder
        ("import sys\nopen(sys.argv[1].split(',')[1]).read()", ["t.py,../out.csv"]),
        ("import os, sys\nopen(os.path.expanduser(sys.argv[1][4:])).read()", ["--d=~/home.csv"]),
    ],
)
def test_however_a_file_is_named_and_read(
    project: Path,
    call_xvc: Calling,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    words: list[str],
) -> None:
    """By each of its names, mapped into memory, in a list of names, from the home folder."""
    (project / "in").mkdir()
    (project.parent / "home").mkdir()
    files = [project / "in" / f"{n}.csv" for n in range(150 if text == _MAPPED else 8)]
    files += [project.parent / "out.csv", project.parent / "home" / "home.csv"]
    for file in files:
        file.write_text("1" * 5_000)
    (project / "in" / "hard.csv").hardlink_to(files[7])
    (project / "in" / "link.csv").symlink_to(files[7])
    (project / ".gitignore").write_text("in/\n")
    (project / "t.py").write_text(text)
    git(project, "add", "t.py", ".gitignore")
    git(project, "commit", "-qm", "t")
    monkeypatch.setenv("HOME", str(project.parent / "home"))
    command = ("--json", "--", "python", "t.py", *words)
    first, same = (call_xvc("run", *command).data for _ in range(2))
    for file in files:
        with file.open("r+") as opened:
            opened.write("2")
    changed = call_xvc("run", *command).data

    assert same["same_as"] == first["run"]
    assert changed["same_as"] is None
    assert call_xvc("tried", *command).data["same_total"] == 1


def test_what_a_strangers_runs_say_they_read_is_looked_at_within_bounds(tmp_path: Path) -> None:
    """A path that can be none, a secret, and more folders than there is time for."""
    (tmp_path / "a").write_text("1")
    for number in range(3):
        (tmp_path / f"d{number}").mkdir()
    (tmp_path / "credentials.json").write_text("1")
    paths = ["a", "no\0path", "d0", "d1", "d2", "credentials.json"]
    known = {path: DataFile("untracked:1", state=UNTRACKED) for path in paths}

    found = lying_now(tmp_path, known, [9], time.monotonic() + 60)
    late = [lying_now(tmp_path, known, [1], time.monotonic() - 1) for _ in range(2)]

    assert found["no\0path"].digest == ""
    assert found["a"].size == 1
    assert found["credentials.json"].is_unread  # a digest of what it holds would let one guess it
    assert not any(late[0][path] == late[1][path] for path in ("a", "d0"))


@pytest.mark.parametrize("way", ["<", "|"])
def test_what_a_run_read_from_its_standard_input(project: Path, way: str, tmp_path: Path) -> None:
    """A file is told by its content, a pipe is not known; what is left unread is no input."""
    (project / "t.py").write_text(_READ)
    git(project, "add", "t.py")
    git(project, "commit", "-qm", "t")
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)

    def said(name: str, *words: str) -> bool:
        """Whether it is said that the same ran before."""
        begin, end = (
            ("", f"< {tmp_path / name}") if way == "<" else (f"cat {tmp_path / name} |", "")
        )
        line = f"{begin} xvc run -- python t.py {' '.join(words)} {end}"
        done = subprocess.run(
            ["sh", "-c", line], cwd=project, capture_output=True, text=True, check=True
        )
        return "ran before" in done.stderr

    told = [said("a", "-"), said("a", "-"), said("b", "-"), said("a"), said("b")]

    assert told == [False, way == "<", False, False, True]


def test_a_run_that_failed_before_it_read_stands_for_no_other(
    project: Path, call_xvc: Calling
) -> None:
    """Of those that may be the same the one is named that read what lies there."""
    (project / ".gitignore").write_text("*.csv\n")
    (project / "t.py").write_text("print(open('a.csv').read())\n")
    git(project, "add", "t.py", ".gitignore")
    git(project, "commit", "-qm", "t")
    (project / "a.csv").write_text("1")
    read = call_xvc("run", "--json", "--", "python", "t.py").data["run"]
    (project / "a.csv").rename(project / "b.csv")
    call_xvc("run", "--", "python", "t.py")
    (project / "b.csv").rename(project / "a.csv")

    assert call_xvc("run", "--json", "--", "python", "t.py").data["same_as"] == read


def test_a_checkpoint_that_a_run_goes_on_from(project: Path, call_xvc: Calling) -> None:
    """Two that went on from it are no repeats, nor is the first, which had none."""
    (project / ".gitignore").write_text("*.pt\n")
    (project / "t.py").write_text(
        "import os\n"
        "seen = int(open('a.pt').read()) if os.path.exists('a.pt') else 0\n"
        "open('a.pt', 'w').write(str(seen + 1))\n"
    )
    git(project, "add", "t.py", ".gitignore")
    git(project, "commit", "-qm", "t")
    done = [call_xvc("run", "--json", "--", "python", "t.py") for _ in range(3)]

    assert [each.data["same_as"] for each in done] == [None] * 3
    assert "a.pt: not known to be what run" in str(done[1].json["warnings"])
    assert call_xvc("tried", "--json", "--", "python", "t.py").data["same_total"] == 1


def test_data_of_a_strangers_run_is_looked_at_where_it_is_ours(
    project: Path, call_xvc: Calling
) -> None:
    """What a run of another machine says it read is on no file of this one."""
    (project / ".gitignore").write_text("*.csv\n")
    (project / "a.csv").write_text("1")
    (project / "t.py").write_text("open('a.csv').read()\n")
    git(project, "add", "t.py", ".gitignore")
    git(project, "commit", "-qm", "t")
    call_xvc("run", "--", "python", "t.py")
    call_xvc("db", "sql", "--write", "--yes", "UPDATE runs SET host = 'elsewhere'")

    assert call_xvc("tried", "--json", "--", "python", "t.py").data["same_total"] == 0


def test_a_package_installed_in_place_is_code(
    project: Path, call_xvc: Calling, tmp_path: Path
) -> None:
    """After a change of it outside of the tree a run is not of the same code, and no repeat."""
    venv.create(project / "env", symlinks=True, with_pip=False)
    [site] = (project / "env").glob("lib/python*/site-packages")
    (tmp_path / "lib").mkdir()
    (site / "own.pth").write_text(f"{tmp_path / 'lib'}\n")
    (project / ".gitignore").write_text("env/\n")
    (project / "t.py").write_text("import own\nprint('score:', own.SCORE)\n")
    git(project, "add", "t.py", ".gitignore")
    git(project, "commit", "-qm", "t")
    command = ("--", "env/bin/python", "t.py")
    done = []
    for score in (1, 1, 20):
        (tmp_path / "lib" / "own.py").write_text(f"SCORE = {score}\n")
        done.append(call_xvc("run", "--json", *command).data)
    (tmp_path / "lib" / "own.py").write_text("SCORE = 300\n")
    tried = call_xvc("tried", "--json", *command).data
    ideas = call_xvc("brief", "--json").data["tried_total"]

    assert [each["same_as"] for each in done] == [None, done[0]["run"], None]
    assert (tried["same_total"], ideas) == (0, 2)
