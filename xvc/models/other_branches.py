"""Which candidates other branches have and this tree has not: their pointers, as git holds them.

Reads trees of git only. What was on a branch once and is there no more is not looked for.
"""

from __future__ import annotations

from xvc.core.model import CANDIDATES, ROOT, candidate_of
from xvc.dvc.pointers import SUFFIX
from xvc.git.tree_objects import read_trees
from xvc.models.list import candidates_here
from xvc.project import Project
from xvc.types import RunId

_PREFIXES = ("refs/heads/", "refs/remotes/")

Held = frozenset[tuple[str, RunId]]


def on_other_branches(project: Project, name: str | None = None) -> dict[str, Held]:
    """Map branches to their candidates, by name and run, that this tree has not; of one *name*.

    Each candidate is named by one branch: the first of those with it, a branch of this clone first.

    Raises:
        NoProject: no git or no DVC here.
    """
    project.needed_dvc()
    git = project.git
    folder = project.relative(project.root / ROOT / CANDIDATES)
    refs = {ref: None for prefix in _PREFIXES for ref in git.refs(prefix)}
    asked = "".join(f"{ref}:{folder}\n" for ref in refs).encode("utf-8", "surrogateescape")
    lines = git.call("cat-file", "--batch-check", stdin=asked).splitlines() if refs else []
    trees = {
        ref: parts[0].decode()
        for ref, line in zip(refs, lines, strict=True)
        if (parts := line.split())[1:2] == [b"tree"]
    }
    entries = read_trees(git, trees.values())
    found: dict[str, Held] = {}
    seen = candidates_here(project)
    for ref, tree in trees.items():
        paths = [
            f"{ROOT}/{CANDIDATES}/{model.name}/{each.name.removesuffix(SUFFIX)}"
            for model in entries.get(tree, ())
            for each in entries.get(model.object, ())
            if each.name.endswith(SUFFIX) and name in (None, model.name)
        ]
        held = {which for path in paths if (which := candidate_of(path)) is not None}
        if fresh := frozenset(held - seen):
            seen |= fresh
            found[ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")] = fresh
    return found
