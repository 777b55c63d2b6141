"""Repositories whose main tree is not where git lists it: bare ones, and submodules."""

from __future__ import annotations

from pathlib import Path

import pytest

from surroundings import Calling, git
from xvc.dvc.repository import Dvc, pointer_of


@pytest.fixture
def hub(project: Path, tmp_path: Path) -> Path:
    """The folder that holds ``.bare`` and the tree ``main``, in which DVC has brought the data."""
    (project / "d.csv").write_text("data\n")
    dvc = Dvc(project, {})
    pointer = dvc.pointer_text(project / "d.csv", dvc.keep(project / "d.csv"))
    pointer_of(project / "d.csv").write_bytes(pointer)
    with (project / ".gitignore").open("a") as ignored:
        ignored.write("/d.csv\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "data")
    hub = tmp_path / "hub"
    git(tmp_path, "clone", "-q", "--bare", str(project), str(hub / ".bare"))
    (hub / ".git").write_text("gitdir: ./.bare\n")
    git(hub, "worktree", "add", "-q", "main", "main")
    Dvc(hub / "main", {}).keep_file(project / "d.csv")  # as `dvc pull` does
    (hub / "main" / "d.csv").write_text("data\n")
    return hub


def test_sibling_trees_share_one_cache_and_each_other_s_versions(
    hub: Path, call_xvc: Calling
) -> None:
    """Add, adopt, tag, merge: no tree lacks an object, and no tree's removal loses one."""
    main, idea, feat = hub / "main", hub / "exp-idea", hub / "feat"

    first = call_xvc("run", "--tag", "minor", "--", "python", "train.py", cwd=main)
    added = call_xvc("worktree", "add", "idea", cwd=main)
    git(main, "worktree", "add", "-q", "-b", "feat", str(feat))
    adopted = call_xvc("worktree", "adopt", str(feat), cwd=main)
    there = [
        call_xvc("run", "--tag", "minor", "--", "python", "train.py", "--lr", lr, cwd=tree)
        for tree, lr in ((idea, "0.2"), (feat, "0.3"))
    ]
    merged = call_xvc("worktree", "merge", "feat", cwd=main)
    git(hub, "worktree", "remove", "--force", str(main))
    left = call_xvc("get", "e0.1.0", "d.csv", "-o", str(hub / "d.csv"), cwd=idea)

    codes = [each.code for each in (first, added, adopted, *there, merged, left)]
    assert codes == [0] * len(codes), [first.err, merged.err, left.err]
    assert "not in the DVC cache" not in added.err + adopted.err + merged.err
    assert (idea / "d.csv").read_text() == (hub / "d.csv").read_text() == "data\n"
    assert {Dvc(tree, {}).cache for tree in (idea, feat)} == {hub / ".bare" / "xvc" / "dvc-cache"}
    assert git(hub / ".bare", "symbolic-ref", "HEAD") == "refs/heads/main"


def test_a_submodule_s_trees_lie_beside_it_and_share_its_cache(
    project: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """git lists a submodule's own folder in the outer repository as the main tree."""
    outer = tmp_path / "outer"
    git(tmp_path, "init", "-q", str(outer))
    git(
        outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(project), "in"
    )

    first = call_xvc("run", "--tag", "minor", "--", "python", "train.py", cwd=outer / "in")
    added = call_xvc("worktree", "add", "side", cwd=outer / "in")
    listed = call_xvc("ls", cwd=outer / "exp-side")

    assert (first.code, added.code, listed.code) == (0, 0, 0), added.err
    assert "e0.1.0" in listed.out
    assert Dvc(outer / "exp-side", {}).cache == outer / "in" / ".dvc" / "cache"
