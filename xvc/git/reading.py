"""Commits and their differences as text, and the progress of git's transfers, through GitPython.

Its import takes 50 ms, so nothing on a hot path comes here; it never writes: its index lost commits
that it had acknowledged, where several processes wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from git import GitCommandError, RemoteProgress, Repo
from git.diff import Diff

from xvc.errors import GitFailed
from xvc.git.commands import Git

_STAGES = {
    RemoteProgress.COUNTING: "counting objects",
    RemoteProgress.COMPRESSING: "compressing objects",
    RemoteProgress.WRITING: "sending objects",
    RemoteProgress.RECEIVING: "receiving objects",
    RemoteProgress.RESOLVING: "resolving deltas",
    RemoteProgress.FINDING_SOURCES: "finding sources",
    RemoteProgress.CHECKING_OUT: "checking out files",
}


def patch(git: Git, old: str, new: str, paths: Sequence[str] = ()) -> str:
    """Write what changed between two commits as a unified diff; empty where nothing did.

    Args:
        git: the repository.
        old: the id of the first commit.
        new: the id of the other.
        paths: only these files, from the top; all without any.

    Raises:
        GitFailed: a commit is not in this repository.
    """
    place = git.place
    with Repo(place.top) as repo:
        # GitPython hands on our environment, in which a hook's git may name another repository.
        repo.git.update_environment(GIT_DIR=str(place.folder), GIT_WORK_TREE=str(place.top))
        try:
            found = repo.commit(old).diff(
                repo.commit(new), paths=list(paths) or None, create_patch=True
            )
        except (GitCommandError, ValueError, OSError) as err:
            raise GitFailed(("diff", old, new), 128, str(err)) from err
        return "".join(_written(each) for each in found)


def _written(change: Diff) -> str:
    old = "/dev/null" if change.new_file else f"a/{change.a_path}"
    new = "/dev/null" if change.deleted_file else f"b/{change.b_path}"
    text = change.diff or b""
    body = text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else text
    return f"--- {old}\n+++ {new}\n{body}" + ("" if body.endswith("\n") or not body else "\n")


def listener(notify: Callable[[str], object]) -> Callable[[str], None]:
    """Make a listener for git's progress lines that says how far a transfer is, in words."""
    return _Progress(notify).new_message_handler()


class _Progress(RemoteProgress):
    def __init__(self, notify: Callable[[str], object]) -> None:
        super().__init__()
        self._notify = notify

    def update(
        self,
        op_code: int,
        cur_count: str | float,
        max_count: str | float | None = None,
        message: str = "",
    ) -> None:
        stage = _STAGES.get(op_code & self.OP_MASK, "working")
        of = f" of {max_count:.0f}" if isinstance(max_count, float) else ""
        count = f"{cur_count:.0f}" if isinstance(cur_count, float) else str(cur_count)
        self._notify(f"{stage}: {count}{of}{f', {message}' if message else ''}")
