"""Projects that DVC 2 began: text hashed with the line ends of Unix, objects in older places."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from remotes import use_remote
from surroundings import Calling, git
from xvc.core.run_inputs import is_digest
from xvc.dvc.pointers import tracked_outs
from xvc.dvc.repository import Dvc
from xvc.errors import ObjectCorrupt

_TABLE, _PARTS = b"x,y\r\n1,2\r\n", {"a.csv": b"a\r\n", "b/c.bin": b"\0\r\n"}


def _keep(project: Path, content: bytes) -> str:
    """Put bytes into the cache as DVC 2 did; returns their name."""
    hashed = content if b"\0" in content else content.replace(b"\r\n", b"\n")
    name = hashlib.md5(hashed).hexdigest()
    place = project / ".dvc" / "cache" / name[:2] / name[2:]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return name


@pytest.fixture
def old(project: Path) -> Path:
    """A file and a folder with CRLF text, tracked by DVC 2; a run of them has a version."""
    (project / "data").mkdir()
    (project / "table.csv").write_bytes(_TABLE)
    md5 = _keep(project, _TABLE)
    size = len(_TABLE)
    pointer = f"outs:\n- md5: {md5}\n  size: {size}\n  path: table.csv\n"
    (project / "table.csv.dvc").write_text(pointer)
    listed = []
    for name, content in _PARTS.items():
        (project / "data" / name).parent.mkdir(exist_ok=True)
        (project / "data" / name).write_bytes(content)
        listed.append({"md5": _keep(project, content), "relpath": name})
    listing = _keep(project, json.dumps(listed, sort_keys=True).encode())
    cache = project / ".dvc" / "cache" / listing[:2]
    (cache / listing[2:]).rename(cache / f"{listing[2:]}.dir")
    size = sum(map(len, _PARTS.values()))
    pointer = f"outs:\n- md5: {listing}.dir\n  size: {size}\n  nfiles: 2\n  path: data\n"
    (project / "data.dvc").write_text(pointer)
    with (project / ".gitignore").open("a") as ignored:
        ignored.write("/table.csv\n/data\n")
    use_remote(project, {"url": str(project.parent / "shelf")})
    git(project, "add", "-A")
    git(project, "commit", "-qm", "as DVC 2 left it")
    return project


def _bytes(folder: Path) -> dict[str, bytes]:
    names = ("table.csv", *(f"data/{name}" for name in _PARTS))
    return {name: (folder / name).read_bytes() for name in names if (folder / name).exists()}


def test_old_objects_travel_with_their_bytes(old: Path, call_xvc: Calling) -> None:
    """get, worktree, push, a clone's pull: the bytes are DVC's, in the places DVC looks into."""
    wanted = _bytes(old)
    git(old.parent, "init", "-q", "--bare", "origin.git")
    git(old, "remote", "add", "origin", str(old.parent / "origin.git"))

    ran = call_xvc("run", "--tag", "minor", "--", "true", cwd=old)
    got = [
        call_xvc("get", "e0.1.0", name, "-o", str(old.parent / "got" / name), cwd=old).code
        for name in ("table.csv", "data")
    ]
    added = call_xvc("worktree", "add", "side", cwd=old)
    of_tree = _bytes(old.parent / "exp-side")
    removed = call_xvc("worktree", "remove", "side", cwd=old)
    pushed = call_xvc("push", "--json", cwd=old)
    again = call_xvc("push", "--json", cwd=old)
    git(old.parent, "clone", "-q", "origin.git", "clone")
    clone = old.parent / "clone"
    call_xvc("init", cwd=clone)
    use_remote(clone, {"url": str(old.parent / "shelf")})
    pulled = call_xvc("pull", cwd=clone)

    assert (ran.code, got, added.code, pushed.code, pulled.code) == (0, [0, 0], 0, 0, 0)
    assert "data modified" not in ran.err
    assert removed.code == 0, removed.err
    assert of_tree == _bytes(old.parent / "got") == _bytes(clone) == wanted
    assert (pushed.data["objects_sent"], again.data["objects_sent"]) == (5, 0)
    old_places = {path.name for path in (old.parent / "shelf").iterdir() if len(path.name) == 2}
    outs = tracked_outs(clone, ["table.csv.dvc", "data.dvc"])
    assert old_places >= {out.digest[:2] for out in outs}
    assert all(Dvc(clone, {}).old_place(out.digest).is_file() for out in outs)


def test_lf_and_crlf_forms_of_a_text_are_two_objects(old: Path, call_xvc: Calling) -> None:
    """DVC 2 gave both one name: each output gets the bytes of its own place."""
    (old / "unix.csv").write_bytes(_TABLE.replace(b"\r\n", b"\n"))
    dvc = Dvc(old, {})
    kept = dvc.keep(old / "unix.csv")
    (old / "unix.csv.dvc").write_bytes(dvc.pointer_text(old / "unix.csv", kept))
    with (old / ".gitignore").open("a") as ignored:
        ignored.write("/unix.csv\n")
    call_xvc("run", "--tag", "minor", "--", "true", cwd=old)

    for name in ("unix.csv", "table.csv"):
        call_xvc("get", "e0.1.0", name, "-o", str(old.parent / name), cwd=old)

    assert is_digest(kept.digest)
    assert (old.parent / "unix.csv").read_bytes() == (old / "unix.csv").read_bytes()
    assert (old.parent / "table.csv").read_bytes() == _TABLE


def test_nobody_is_told_to_delete_an_object() -> None:
    """An object that is not what its name says may be the only copy there is."""
    hint = ObjectCorrupt("ab" * 16, "cd" * 16).hint

    assert "remove" not in hint.lower()
    assert "keep it" in hint


def test_gc_counts_old_objects_apart(old: Path, call_xvc: Calling) -> None:
    """They stay, needed or not, and gc does not pass them over in silence."""
    unneeded = _keep(old, b"nothing names this")

    answer = call_xvc("gc", "--json", cwd=old).data
    said = call_xvc("gc", cwd=old).out

    sizes = [path.stat().st_size for path in (old / ".dvc/cache").glob("??/*")]
    assert answer["of_dvc_2"] == {"objects": len(sizes), "bytes": sum(sizes)}
    assert len(sizes) == len(_PARTS) + 3
    assert f"not looked at: {len(sizes)} objects" in said
    assert "something needs every object" not in said
    assert Dvc(old, {}).old_place(unneeded).is_file()
