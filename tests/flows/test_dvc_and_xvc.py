"""What DVC pushed xvc can pull, and what xvc pushed DVC can pull: remotes, layouts, directions.

DVC is called as the library that its command line calls: a start of it costs more than its work.
Over HTTP both are programs: what their clients leave open would be another test's warning.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from remotes import http_folder
from surroundings import Called, Calling, dvc, git

if TYPE_CHECKING:
    from dvc.repo import Repo

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

_CRLF = b"x,y\r\n1,2\r\n"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Let DVC log nothing: its handlers keep the standard output of the test that loaded it."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@dataclass
class Layout:
    """What one way of tracking data puts into a project.

    ``left`` are the paths that a pull leaves away, each with a word of the reason; DVC, which
    knows the sources of imports, may bring them.
    """

    outs: list[str]
    left: dict[str, str] = field(default_factory=dict)


Build = Callable[[Path, "Repo"], Layout]


def _repo(folder: Path) -> Repo:
    from dvc.repo import Repo  # late: each worker of the suite reads this module

    return Repo(str(folder))


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _say(file: Path, option: str, value: object) -> None:
    """Give every output of a pointer or pipeline an option."""
    held = yaml.safe_load(file.read_text())
    for out in held.get("outs", ()):
        out[option] = value
    for stage in held.get("stages", {}).values():
        for kind in ("outs", "metrics"):
            if kind in stage:
                stage[kind] = [
                    {name: {**said, option: value}}
                    for each in stage[kind]
                    for name, said in (each if isinstance(each, dict) else {each: {}}).items()
                ]
    file.write_text(yaml.safe_dump(held, sort_keys=False, allow_unicode=True))


def _file(folder: Path, repo: Repo) -> Layout:
    _write(folder, {"table.csv": b"a,b\n1,2\n"})
    repo.add("table.csv")
    return Layout(["table.csv"])


def _folder(folder: Path, repo: Repo) -> Layout:
    _write(folder, {"data/1.csv": b"one\n", "data/deep/2.csv": b"two\n", "data/same": b"one\n"})
    repo.add("data")
    return Layout(["data"])


def _odd_names(folder: Path, repo: Repo) -> Layout:
    names = ("näme é.csv", "a 'b' \"c\".txt", "-dash", "50%20#?&.csv", ".hidden", "true", "x\ny")
    files = {f"in/odd földer #1/{name}": f"{name}\n".encode() for name in names}
    files |= {"in/odd földer #1/deep er/empty": b"", "in/-odd näme.csv": b"odd"}
    _write(folder, files)
    repo.add(["in/odd földer #1", "in/-odd näme.csv"])
    return Layout(["in/odd földer #1", "in/-odd näme.csv"])


def _stage(folder: Path, repo: Repo, kind: str = "outs", **options: object) -> Layout:
    _write(
        folder,
        {
            "make.py": b"import pathlib as p\np.Path('made').mkdir(exist_ok=True)\n"
            b"for n in 'made/1.bin', 'made/2.bin', 'one.bin': p.Path(n).write_text(n)\n"
        },
    )
    outs = [{name: options} if options else name for name in ("made", "one.bin")]
    stage = {"cmd": "python make.py", "deps": ["make.py"], kind: outs}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"make": stage}}))
    repo.reproduce()
    return Layout(["made", "one.bin"])


def _uncached(folder: Path, repo: Repo) -> Layout:
    """In git, as DVC says of such outputs: a clone has them without any pull."""
    return _stage(folder, repo, cache=False)


def _persistent(folder: Path, repo: Repo) -> Layout:
    return _stage(folder, repo, persist=True)


def _unpushed(folder: Path, repo: Repo) -> Layout:
    _write(folder, {"kept.csv": b"kept\n", "kept/1.csv": b"kept, too\n"})
    repo.add(["kept.csv", "kept"])
    for name in ("kept.csv.dvc", "kept.dvc"):
        _say(folder / name, "push", value=False)
    return Layout([], {"kept.csv": "push: false", "kept": "push: false"})


def _unpushed_stage(folder: Path, repo: Repo) -> Layout:
    _stage(folder, repo, push=False)
    return Layout([], {"made": "push: false", "one.bin": "push: false"})


def _imported(folder: Path, repo: Repo) -> Layout:
    """A pointer without md5: what it names was never downloaded."""
    _write(folder.parent, {"source.csv": b"from elsewhere\n"})
    repo.imp_url(str(folder.parent / "source.csv"), out="later.csv", no_download=True)
    return Layout([], {"later.csv": "dvc update"})


def _old_keep(folder: Path, content: bytes, ending: str = "") -> str:
    hashed = content if b"\0" in content else content.replace(b"\r\n", b"\n")
    name = hashlib.md5(hashed).hexdigest() + ending
    _write(folder / ".dvc" / "cache" / name[:2], {name[2:]: content})
    return name


def _dvc_2(folder: Path, repo: Repo) -> Layout:
    """Pointers without `hash: md5`, objects in the places of DVC 2, text with other line ends."""
    parts = {"1.csv": b"a\r\n", "b/c.bin": b"\0\r\n"}
    _write(folder, {"old.csv": _CRLF, **{f"old/{name}": part for name, part in parts.items()}})
    listed = [{"md5": _old_keep(folder, part), "relpath": name} for name, part in parts.items()]
    listing = _old_keep(folder, json.dumps(listed, sort_keys=True).encode(), ".dir")
    table = _old_keep(folder, _CRLF)
    (folder / "old.csv.dvc").write_text(
        f"outs:\n- md5: {table}\n  size: {len(_CRLF)}\n  path: old.csv\n"
    )
    size = sum(map(len, parts.values()))
    (folder / "old.dvc").write_text(
        f"outs:\n- md5: {listing}\n  size: {size}\n  nfiles: 2\n  path: old\n"
    )
    with (folder / ".gitignore").open("a") as ignored:
        ignored.write("/old.csv\n/old\n")
    return Layout(["old.csv", "old"])


LAYOUTS: dict[str, Build] = {
    "file": _file,
    "folder": _folder,
    "odd names": _odd_names,
    "stage": _stage,
    "uncached stage": _uncached,
    "persistent stage": _persistent,
    "push false": _unpushed,
    "stage push false": _unpushed_stage,
    "import without md5": _imported,
    "dvc 2": _dvc_2,
}
"""Each way of tracking data, alone."""

_TOGETHER = ("file", "folder", "odd names", "stage", "push false", "import without md5", "dvc 2")


def _everything(folder: Path, repo: Repo) -> Layout:
    found = [LAYOUTS[name](folder, repo) for name in _TOGETHER]
    left = {path: why for each in found for path, why in each.left.items()}
    return Layout([out for each in found for out in each.outs], left)


_AS_DVC_WROTE_THEM = ("anchor.csv.dvc", "experiments.duckdb.dvc", "later.csv.dvc")
"""Pointers that name no remote; that of an import has a checksum of itself."""

REMOTES = ("folder", "http", "two", "changed")
DIRECTIONS = ("dvc to xvc", "xvc to dvc")


def _configured(folder: Path, options: dict[str, dict[str, str]]) -> None:
    """Commit DVC's settings: the first remote is the usual one."""
    remotes = "".join(
        f"['remote \"{name}\"']\n" + "".join(f"    {key} = {said[key]}\n" for key in said)
        for name, said in options.items()
    )
    (folder / ".dvc" / "config").write_text(
        f"[core]\n    remote = {next(iter(options))}\n{remotes}"
    )
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "remotes")


@contextmanager
def _remote(kind: str, place: Path) -> Iterator[dict[str, dict[str, str]]]:
    """Serve a kind of remote; gives the settings that the pulled commit has of it."""
    if kind == "http":
        (place / "web").mkdir()
        with http_folder(place / "web") as options:
            yield {"storage": options}
        return
    found = {"storage": {"url": "../../new" if kind == "changed" else "../../storage"}}
    yield found | ({"other": {"url": "../../other"}} if kind == "two" else {})


def _tree(folder: Path, outs: list[str]) -> dict[str, bytes]:
    """Map every file of these outputs to its bytes."""
    files = [
        path
        for out in outs
        for path in ([folder / out] if (folder / out).is_file() else (folder / out).rglob("*"))
    ]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.is_file()}


def _unclean(folder: Path) -> list[str]:
    """Name the outputs that `dvc status` has something against, and whatever else it says."""
    with _repo(folder) as repo:
        said = [each for stage in repo.status().values() for each in stage]
    return [
        path
        for each in said
        for path in (each.get("changed outs", [str(each)]) if isinstance(each, dict) else [each])
    ]


@pytest.fixture
def begun(project: Path, tmp_path: Path) -> Path:
    """A project with one tracked file and the git remote `origin`."""
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(project, "remote", "add", "origin", str(tmp_path / "origin.git"))
    _write(project, {"anchor.csv": b"anchor\n"})
    with _repo(project) as repo:
        repo.add("anchor.csv")
    return project


def _clone(project: Path) -> Path:
    there = project.parent / "clone"
    if not there.exists():
        git(project.parent, "clone", "-q", "origin.git", "clone")
    return there


def _laid_out(
    project: Path, remote: str, build: Build, settings: dict[str, dict[str, str]]
) -> Layout:
    with _repo(project) as repo:
        layout = build(project, repo)
    if remote == "two":
        for file in (*project.rglob("*.dvc"), project / "dvc.yaml"):
            if file.is_file() and file.name not in _AS_DVC_WROTE_THEM:
                _say(file, "remote", "other")
    _configured(project, settings)
    return layout


def _begin_elsewhere(project: Path, call_xvc: Calling) -> None:
    """Push all with another remote, and have a clone of it."""
    _configured(project, {"storage": {"url": "../../before"}})
    assert call_xvc("push").code == 0
    assert call_xvc("pull", cwd=_clone(project)).code == 0


def _dvc_push(folder: Path, *, is_apart: bool) -> bool:
    """Have DVC push; tells whether there was anything to send."""
    if is_apart:
        return "Everything is up to date" not in dvc(folder, "push")
    with _repo(folder) as repo:
        return bool(repo.push())


def _dvc_pull(folder: Path, *, is_apart: bool) -> None:
    if is_apart:
        dvc(folder, "pull", "--allow-missing")
        return
    with _repo(folder) as repo:
        repo.pull(allow_missing=True)


def _by_dvc(project: Path, call_xvc: Calling, *, is_apart: bool) -> tuple[Path, Called]:
    assert _dvc_push(project, is_apart=is_apart)
    git(project, "push", "-q", "origin", "main")
    there = _clone(project)
    pulled = call_xvc("pull", "--json", cwd=there)
    assert pulled.code == 0, pulled.out
    assert pulled.data["objects_brought"] <= pulled.data["objects_needed"]
    again = call_xvc("pull", "--json", cwd=there)
    assert (again.data["objects_brought"], again.data["files_put"]) == (0, 0)
    sent = call_xvc("push", "--json")
    assert (sent.code, sent.data["objects_sent"]) == (0, 0)
    return there, pulled


def _by_xvc(project: Path, call_xvc: Calling, *, is_apart: bool) -> tuple[Path, Called]:
    planned = call_xvc("push", "--json", "--dry-run")
    pushed = call_xvc("push", "--json")
    assert pushed.code == 0, pushed.out
    assert 0 < pushed.data["objects_sent"] <= pushed.data["objects_needed"]
    assert pushed.data["objects_sent"] == planned.data["objects_sent"]
    assert not _dvc_push(project, is_apart=is_apart)
    there = _clone(project)
    git(there, "pull", "-q")
    _dvc_pull(there, is_apart=is_apart)
    return there, pushed


def _agree(project: Path, remote: str, build: Build, direction: str, call_xvc: Calling) -> None:
    """Push one way, pull the other, and compare."""
    if remote == "changed":
        _begin_elsewhere(project, call_xvc)
    with _remote(remote, project.parent) as settings:
        layout = _laid_out(project, remote, build, settings)
        go = _by_dvc if direction == "dvc to xvc" else _by_xvc
        there, said = go(project, call_xvc, is_apart=remote == "http")
        outs = ["anchor.csv", *layout.outs]
        assert _tree(there, outs) == _tree(project, outs)
        for path, why in layout.left.items():
            if direction == "dvc to xvc" or why == "push: false":
                assert any(path in each and why in each for each in said.json["warnings"])
                assert not (there / path).exists()
        assert [path for path in _unclean(there) if not path.endswith(tuple(layout.left))] == []
        assert git(there, "status", "--porcelain") == ""


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("remote", ["two", "changed"])
def test_what_one_pushed_the_other_pulls(
    begun: Path, remote: str, direction: str, call_xvc: Calling
) -> None:
    """Every layout in one project: the bytes are equal, and what is left away is told."""
    _agree(begun, remote, _everything, direction, call_xvc)


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("remote", "layout", "direction"), list(itertools.product(REMOTES, LAYOUTS, DIRECTIONS))
)
def test_each_layout_travels_by_each_remote(
    begun: Path, remote: str, layout: str, direction: str, call_xvc: Calling, run_xvc: Calling
) -> None:
    """One layout alone, so that no other hides what it does."""
    calling = run_xvc if remote == "http" else call_xvc
    _agree(begun, remote, LAYOUTS[layout], direction, calling)


@pytest.mark.parametrize("whose", ["usual", "an output's own"])
def test_nothing_is_sent_where_a_remote_keeps_no_objects(
    begun: Path, whose: str, call_xvc: Calling
) -> None:
    """`version_aware`, of the usual remote or of one output's: neither objects nor refs go."""
    plain, versioned = {"url": "../../storage"}, {"url": "../../names", "version_aware": "true"}
    names = {"storage": plain, "other": versioned}
    if whose == "usual":
        names = {"storage": versioned, "other": plain}
    _laid_out(begun, "two", _file, names)

    refused = call_xvc("push", "--json")

    assert refused.json["error"]["code"] == "versioned-remote"
    assert git(begun, "ls-remote", "origin") == ""
    assert not [place for place in ("storage", "names") if (begun.parent / place).exists()]


def test_nothing_is_brought_where_the_pulled_commit_has_such_a_remote(
    begun: Path, call_xvc: Calling
) -> None:
    """A colleague has gone over to `version_aware`: the clone stays where it is, and is told."""
    _begin_elsewhere(begun, call_xvc)
    there = _clone(begun)
    before = git(there, "rev-parse", "HEAD")
    _laid_out(begun, "changed", _file, {"storage": {"url": "../../v", "version_aware": "true"}})
    git(begun, "push", "-q", "origin", "main")

    refused = call_xvc("pull", "--json", cwd=there)

    assert refused.json["error"]["code"] == "versioned-remote"
    assert (git(there, "rev-parse", "HEAD"), git(there, "status", "--porcelain")) == (before, "")


@pytest.fixture
def importing(begun: Path, tmp_path: Path) -> Path:
    """A project whose `imp.csv` and `imp` DVC imports from another repository, pushed by DVC."""
    source = tmp_path / "source"
    source.mkdir()
    git(source, "init", "-q")
    _write(source, {"one.csv": b"one\n", "many/1.csv": b"1\n"})
    with type(_repo(begun)).init(str(source)) as repo:
        repo.add([str(source / "one.csv"), str(source / "many")])
    git(source, "add", "-A")
    git(source, "commit", "-qm", "data")
    _configured(begun, {"storage": {"url": "../../storage"}})
    with _repo(begun) as repo:
        for path, out in (("one.csv", "imp.csv"), ("many", "imp")):
            repo.imp(str(source), path, out=out)
    git(begun, "add", "-A")
    git(begun, "commit", "-qm", "imports")
    assert _dvc_push(begun, is_apart=False)
    git(begun, "push", "-q", "origin", "main")
    return begun


def test_an_import_is_brought_from_its_source(importing: Path, call_xvc: Calling) -> None:
    """DVC sends none: without them the rest is pulled and pushed; each command named helps."""
    there = _clone(importing)
    way = "`dvc pull {}.dvc` brings it from its source"

    pulled = call_xvc("pull", "--json", cwd=there)
    tried = call_xvc(
        *("sweep", "--param", "lr=1", "--", "python", "train.py", "--lr", "{lr}"), cwd=there
    )
    got = call_xvc("get", "@", "imp.csv", "--out", "got.csv", cwd=there)
    git(there, "commit", "-qm", "more", "--allow-empty")
    pushed = call_xvc("push", "--json", cwd=there)
    with _repo(there) as repo:
        repo.pull([str(there / name) for name in ("imp.csv.dvc", "imp.dvc")])

    assert (pulled.code, pushed.code, tried.code) == (0, 0, 0), pulled.out + pushed.out + tried.err
    assert (there / "anchor.csv").read_bytes() == b"anchor\n"
    for said in (pulled.json["warnings"], pushed.json["warnings"]):
        for path in ("imp.csv", "imp"):
            assert sum(way.format(path) in each for each in said) == 1, said
    assert (got.code, "`dvc pull imp.csv.dvc` brings it" in got.err) == (1, True), got.err
    assert f"`dvc pull imp.csv.dvc` in {there} brings it, then start again" in tried.err
    assert _tree(there, ["imp.csv", "imp"]) == {"imp.csv": b"one\n", "imp/1.csv": b"1\n"}
