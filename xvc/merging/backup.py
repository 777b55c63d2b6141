"""Keeping the store as it is under a tag, before something is done that takes rows away.

``xvc/backup/<day>-<number>`` marks a commit beside the branch, whose pointer names the store with
every row that was recorded, in a version or not. Its object is in the DVC cache and reachable, so
no garbage collection takes it.
"""

from __future__ import annotations

import time
from itertools import count

from xvc.core.run import DataFile
from xvc.dvc.repository import Dvc, pointer_of
from xvc.errors import TagTaken
from xvc.git.branch import noted
from xvc.git.snapshot import tree_with
from xvc.project import Project

PREFIX = "xvc/backup/"


def back_up(project: Project, dvc: Dvc, kept: DataFile, why: str) -> str:
    """Mark a store that is in the cache; returns the name of the tag.

    The caller holds the lock of versions. The user's index, branch and pointer stay.

    Raises:
        NoIdentity: git does not know who tags.
    """
    commit = _commit(project, dvc, kept, why)
    day = time.strftime("%Y-%m-%d", time.gmtime())
    for number in count(1):
        name = f"{PREFIX}{day}-{number}"
        if project.git.commit_of(f"refs/tags/{name}") is not None:
            continue
        try:
            with noted(project.git, project.pending, "", [f"refs/tags/{name}"]):
                project.git.make_tag(name, commit, f"{why}\n")
        except TagTaken:  # by another clone's fetch, just now
            continue
        return name
    raise AssertionError("there is always a next number")


def _commit(project: Project, dvc: Dvc, kept: DataFile, why: str) -> str:
    git, scratch = project.git, project.room.scratch
    head = git.commit_of("HEAD")
    pointer = pointer_of(project.store_path)
    text = dvc.pointer_text(project.store_path, kept)
    base = None if head is None else git.tree_of(head)
    tree = tree_with(git, scratch, base, {project.relative(pointer): text})
    if head is not None and tree == base:
        return head
    return git.make_commit(tree, [head], f"{why}\n", ours=True)
