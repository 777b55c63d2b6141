"""Two projects in one git repository: each has versions, numbers and objects of its own."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from surroundings import Begun, Calling, dvc, git
from xvc.project import Project
from xvc.sharing.gc import gc

_TRAIN = """\
import json
import sys
from pathlib import Path

Path("m.bin").write_text(f"model of {Path.cwd().name} {sys.argv[1]}")
json.dump({"accuracy": float(sys.argv[1])}, open("metrics.json", "w"))
"""


@pytest.fixture
def both(tmp_path: Path, call_xvc: Calling, begun: Begun) -> Path:
    """A repository with the projects ``a`` and ``b``, each in a DVC repository of its own."""
    top = tmp_path / "both"

    def projects() -> None:
        for name in ("a", "b"):
            (top / name).mkdir(parents=True)
            (top / name / "train.py").write_text(_TRAIN)
            (top / name / ".gitignore").write_text("metrics.json\n" if name == "a" else "")
            (top / name / "metrics.json").write_text("{}\n")
        git(top, "init", "-q")
        for name in ("a", "b"):
            dvc(top / name, "init", "-q", "--subdir")
        git(top, "add", "-A")
        git(top, "commit", "-qm", "code")
        for name in ("a", "b"):
            assert call_xvc("init", cwd=top / name).code == 0
        (top / "b" / "xvc.yaml").write_text("metrics: {files: [metrics.json]}\n")
        git(top, "commit", "-qam", "b keeps its metrics in git")

    begun(top, projects)
    return top


def trained(call_xvc: Calling, folder: Path, value: str, *flags: str) -> str:
    """Run and return the version that it got, or the run."""
    words = ("run", "--json", *flags, "--", "python", "train.py", value)
    data = call_xvc(*words, cwd=folder).data
    return str(data["version"] or data["run"])


def make_old(top: Path, name: str) -> None:
    """Have a tag say what an older xvc says: no project."""
    text = git(top, "tag", "-l", "--format=%(contents)", name)
    old = "\n".join(line for line in text.splitlines() if "Xvc-Project" not in line)
    git(top, "tag", "-f", "--cleanup=verbatim", "-m", old, name, f"{name}^{{}}")


def listed(call_xvc: Calling, folder: Path) -> list[str]:
    return [each["version"] for each in call_xvc("log", "--json", cwd=folder).data["versions"]]


def test_each_project_numbers_and_lists_its_own_versions(both: Path, call_xvc: Calling) -> None:
    """A number that the other project has is passed over, which is said; nothing is missing."""
    a, b = both / "a", both / "b"
    made = [trained(call_xvc, a, "0.1", "--tag", "minor")]
    run = trained(call_xvc, b, "0.2")
    tagged = call_xvc("tag", "minor", cwd=b)
    made += [trained(call_xvc, a, "0.3", "--tag", "patch")]
    made += [trained(call_xvc, a, "0.4", "--tag", "minor")]

    assert made == ["e0.1.0", "e0.1.1", "e0.3.0"]
    assert "e0.2.0" in tagged.out
    assert "e0.1.0: taken by another project" in tagged.err
    assert listed(call_xvc, a) == ["e0.3.0", "e0.1.1", "e0.1.0"]
    assert listed(call_xvc, b) == ["e0.2.0"]
    for folder in (a, b):
        looked = call_xvc("doctor", cwd=folder)
        assert "missing runs" not in looked.out
        assert "in the cache again" not in looked.out
        assert "missing" not in call_xvc("status", cwd=folder).out
    absent = call_xvc("show", "e0.1.0", cwd=b)
    assert absent.code == 1
    assert "one of the project in a" in absent.err
    taken = call_xvc("tag", "e0.1.0", "--run", run, "--dry-run", cwd=b)
    assert taken.code == 4


def test_what_one_project_records_is_no_code_of_the_other(both: Path, call_xvc: Calling) -> None:
    """A run of ``a`` gets its version after one of ``b`` was made, and is a repeat afterwards."""
    a, b = both / "a", both / "b"
    run = trained(call_xvc, a, "0.1")
    trained(call_xvc, b, "0.2", "--tag", "minor", "--model", "m.bin:net")

    tagged = call_xvc("tag", "minor", cwd=a)
    again = call_xvc("run", "--tag", "patch", "--", "python", "train.py", "0.1", cwd=a)

    assert tagged.code == 0, tagged.err
    assert f"ran before: {run}" in again.err
    compared = call_xvc("compare", "e0.2.0", "@", cwd=a)
    assert "b/" not in compared.out


def test_models_of_two_projects_share_names_and_no_stage(both: Path, call_xvc: Calling) -> None:
    """Each has its own model in production; the numbers of the tags go on."""
    a, b = both / "a", both / "b"
    trained(call_xvc, a, "0.1", "--tag", "minor", "--model", "m.bin:net")
    trained(call_xvc, b, "0.2", "--tag", "minor", "--model", "m.bin:net")

    promoted = [call_xvc("model", "promote", "@", cwd=folder) for folder in (a, b)]

    assert [each.code for each in promoted] == [0, 0], promoted[1].err
    assert "net#production#2" in promoted[1].out
    for folder, version in ((a, "e0.1.0"), (b, "e0.2.0")):
        models = call_xvc("model", "list", "--json", cwd=folder).data["models"]
        assert [(each["version"], each["stages"]) for each in models] == [(version, ["production"])]


def test_dvc_gets_a_model_of_a_project_in_a_folder(both: Path, call_xvc: Calling) -> None:
    """Its tags name the folder, as DVC and GTO want it; tags of before, without it, count too."""
    for name, lr in (("a", "0.1"), ("b", "0.2")):
        trained(call_xvc, both / name, lr, "--tag", "minor", "--model", "m.bin:net")
        call_xvc("model", "promote", "@", cwd=both / name)
    old = git(both, "tag", "-l", "--format=%(contents)", "a=net#production#1")
    git(both, "tag", "--cleanup=verbatim", "-m", old, "net#production#1", "a=net@v0.1.0^{}")

    got = [both / f"got-{name}" for name in ("a", "b")]
    wanted = (["--stage", "production"], ["--rev", "v0.2.0"])
    for place, asked in zip(got, wanted, strict=True):
        model = f"{place.name[-1]}:net"
        dvc(both, "artifacts", "get", str(both), model, *asked, "-o", str(place))
    git(both, "tag", "-d", "a=net#production#1", "a=net@v0.1.0")

    assert [(each / "m.bin").read_text() for each in got] == ["model of a 0.1", "model of b 0.2"]
    for name in ("a", "b"):
        (model,) = call_xvc("model", "list", "--json", cwd=both / name).data["models"]
        assert model["stages"] == ["production"]


def test_a_version_that_says_no_project_belongs_to_the_store_that_it_holds(
    both: Path, call_xvc: Calling
) -> None:
    """Tags of an older xvc name a store, and the pointer at their commit says whose it is."""
    a, b = both / "a", both / "b"
    for folder in (a, b):
        trained(call_xvc, folder, "0.1", "--tag", "minor")
    for name in ("e0.1.0", "e0.2.0"):
        make_old(both, name)

    found = [listed(call_xvc, folder) for folder in (a, b)]

    assert found == [["e0.1.0"], ["e0.2.0"]]


@pytest.mark.parametrize("is_old", [False, True])
def test_a_project_that_moved_keeps_its_versions(
    both: Path, call_xvc: Calling, is_old: bool
) -> None:
    """Of a folder that no branch has any more, the versions and stages are everybody's."""
    trained(call_xvc, both / "a", "0.1", "--tag", "minor", "--model", "m.bin:net")
    assert call_xvc("model", "promote", "@", cwd=both / "a").code == 0
    if is_old:
        make_old(both, "e0.1.0")
    shutil.rmtree(both / "b")
    git(both, "add", "-A")
    git(both, "mv", "a", "c")
    git(both, "commit", "-qm", "renamed")
    if (both / "a").exists():
        shutil.copytree(both / "a", both / "c", dirs_exist_ok=True)
        shutil.rmtree(both / "a")

    made = trained(call_xvc, both / "c", "0.2", "--tag", "minor")

    assert made == "e0.2.0"
    assert listed(call_xvc, both / "c") == ["e0.2.0", "e0.1.0"]
    models = call_xvc("model", "list", "--json", cwd=both / "c").data["models"]
    assert [each["stages"] for each in models if each["version"] == "e0.1.0"] == [["production"]]


def test_gc_keeps_what_the_versions_of_both_projects_need(both: Path, call_xvc: Calling) -> None:
    """In caches of their own and in one that they share; objects of the other stop nothing."""
    a, b = both / "a", both / "b"
    for number, folder in enumerate((a, b)):
        trained(call_xvc, folder, f"0.{number}", "--tag", "minor", "--model", "m.bin:net")
    apart = [call_xvc("gc", "--json", cwd=folder) for folder in (a, b)]
    assert [each.code for each in apart] == [0, 0]
    assert [each.data["marked"]["objects"] for each in apart] == [0, 0]
    held = {path for path in (a / ".dvc" / "cache").rglob("*") if path.is_file()}
    for path in (b / ".dvc" / "cache" / "files").rglob("*"):
        place = a / ".dvc" / "cache" / "files" / path.relative_to(b / ".dvc" / "cache" / "files")
        if path.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    dvc(b, "config", "--local", "cache.dir", str(a / ".dvc" / "cache"))
    everything = {path for path in (a / ".dvc" / "cache" / "files").rglob("*") if path.is_file()}
    assert everything > held

    for folder in (a, b):
        for _ in range(2):
            gc(Project.find(folder, {}), grace=0, does_delete=True)
            time.sleep(0.01)

    left = {path for path in (a / ".dvc" / "cache" / "files").rglob("*") if path.is_file()}
    assert left == everything


def test_each_project_pushes_and_pulls_its_own(
    both: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """With DVC remotes of their own: what the other pushes is said, and a clone gets each."""
    git(tmp_path, "init", "-q", "--bare", "remote.git")
    git(both, "remote", "add", "origin", str(tmp_path / "remote.git"))
    for name in ("a", "b"):
        dvc(both / name, "remote", "add", "-q", "-d", "r", str(tmp_path / f"objects-{name}"))
        git(both, "commit", "-qam", f"remote of {name}")
        trained(call_xvc, both / name, "0.1", "--tag", "minor", "--model", "m.bin:net")

    pushed = [call_xvc("push", cwd=both / name) for name in ("a", "b")]
    git(tmp_path, "clone", "-q", "remote.git", "clone")
    clone = tmp_path / "clone"
    pulled = [call_xvc("pull", cwd=clone / name) for name in ("a", "b")]

    assert [each.code for each in (*pushed, *pulled)] == [0] * 4, pulled[0].err + pulled[1].err
    assert "tags/e0.1.0" in pushed[0].out
    assert "e0.2.0" not in pushed[0].out
    assert f"xvc -C {both / 'b'} push" in pushed[0].err
    for name, version in (("a", "e0.1.0"), ("b", "e0.2.0")):
        assert listed(call_xvc, clone / name) == [version]
        runs = call_xvc("ls", "--json", cwd=clone / name).data["runs"]
        assert [run["version"] for run in runs] == [version]
        got = call_xvc("get", version, "model:net", "-o", "got", cwd=clone / name)
        assert got.code == 0, got.err


def test_projects_in_one_dvc_repository_share_its_objects_only(
    tmp_path: Path, call_xvc: Calling
) -> None:
    """One DVC repository at the top, two folders with settings: versions are still their own."""
    top = tmp_path / "one"
    for name in ("a", "b"):
        (top / name).mkdir(parents=True)
        (top / name / "train.py").write_text(_TRAIN)
        (top / name / "xvc.yaml").write_text("")
    git(top, "init", "-q")
    dvc(top, "init", "-q")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "code")
    for name in ("a", "b"):
        assert call_xvc("init", cwd=top / name).code == 0
    made = [trained(call_xvc, top / name, "0.1", "--tag", "minor") for name in ("a", "b")]
    git(tmp_path, "init", "-q", "--bare", "remote.git")
    git(top, "remote", "add", "origin", str(tmp_path / "remote.git"))
    dvc(top, "remote", "add", "-q", "-d", "r", str(tmp_path / "objects"))
    git(top, "commit", "-qam", "remote")

    pushed = call_xvc("push", cwd=top / "b")
    git(tmp_path, "clone", "-q", "remote.git", "clone")
    pulled = call_xvc("pull", cwd=tmp_path / "clone" / "b")

    assert made == ["e0.1.0", "e0.2.0"]
    assert (pushed.code, pulled.code) == (0, 0), pushed.err + pulled.err
    assert git(tmp_path / "clone", "tag").split() == ["e0.2.0"]
    assert listed(call_xvc, tmp_path / "clone" / "b") == ["e0.2.0"]
    assert call_xvc("gc", cwd=top / "a").code == 0
    assert json.loads((top / ".git" / "xvc" / "gc" / "marks.json").read_text()) == {}


@pytest.mark.parametrize("is_cache_gone", [False, True])
def test_second_names_of_an_older_xvc_go_to_their_project(
    both: Path, call_xvc: Calling, *, is_cache_gone: bool
) -> None:
    """An older xvc kept the second names of all projects in one folder: each takes its own."""
    kept = both / ".git/xvc/stores-kept"
    for name in ("a", "b"):
        trained(call_xvc, both / name, "0.5", "--tag", "minor")
    names = {name: {path.name for path in (kept / f"+{name}").iterdir()} for name in ("a", "b")}
    for path in [*kept.glob("+*/*")]:
        path.rename(kept / path.name)
    for folder in kept.glob("+*"):
        folder.rmdir()
    if is_cache_gone:
        for name in ("a", "b"):
            shutil.rmtree(both / name / ".dvc/cache")

    answers = [call_xvc("ls", "--json", cwd=both / name).data["total"] for name in ("a", "b")]
    again = [call_xvc("doctor", "--json", cwd=both / name).data["healthy"] for name in ("a", "b")]

    assert (answers, again) == ([1, 1], [True, True])
    for name in ("a", "b"):
        assert names[name] <= {path.name for path in (kept / f"+{name}").iterdir()}
    assert [path for path in kept.iterdir() if path.is_file()] == []
