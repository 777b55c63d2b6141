"""A git remote: what it has, and exchanging refs with it.

Refs are sent as object ids, so what is pushed is what was looked at; nothing is ever forced, and a
tag that exists is never moved, on either side.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence

from xvc.core.human_units import few_of
from xvc.errors import BusyError, ConflictError, GitFailed, NotFoundError, error
from xvc.git.commands import Git

_SHOWN = 5
_STAGE = re.compile(r"[^@#]+(@v[0-9]|#)")  # what GTO reads: a version or a stage of a model
_LOCK = re.compile(r"Unable to create '([^']+\.lock)': File exists")


@error("no-git-remote")
class NoUpstream(NotFoundError):
    """git has no remote of that name, or none at all."""

    name: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        return f"git has no remote {self.name!r}" if self.name else "git has no remote"

    @property
    def hint(self) -> str:
        """Names the command that adds one, or those that are there."""
        if self.known:
            return f"There are: {', '.join(self.known)}."
        return "Add one: `git remote add origin URL`."


@error("push-refused")
class Refused(ConflictError):
    """The remote has refused refs; nothing was forced."""

    remote: str
    refs: tuple[str, ...]
    words: str

    def __str__(self) -> str:
        return f"{self.remote} refused {few_of(self.refs, _SHOWN)}: {self.words}"

    @property
    def hint(self) -> str:
        """Says what to do next, which depends on who refused."""
        done = "Nothing was forced, and the data has arrived already."
        if "hidden ref" in self.words:
            return (
                f"{self.remote} hides these refs (git's `transfer.hideRefs`), which its owner can "
                f"change; `xvc push` without `--runs` sends the versions. {done}"
            )
        if any(sign in self.words for sign in ("fetch first", "non-fast-forward", "stale info")):
            return f"`xvc pull` brings what is there; then push again. {done}"
        if "shallow update" in self.words:
            return (
                f"This clone is shallow, and {self.remote} has not what it lacks: `git fetch "
                f"--unshallow URL` brings that from where it was cloned; then push again. {done}"
            )
        return f"The rules of {self.remote} forbid it: push again when they allow it. {done}"


@error("upstream-locked")
class UpstreamLocked(BusyError):
    """A git at work on the remote, or one that was killed there, holds the lock of a ref."""

    remote: str
    lock: str
    says = "{remote} is locked: {lock}"
    way = "Push again. If it stays and no git is at work there, remove that file there."


@error("tags-differ")
class TagsDiffer(ConflictError):
    """Tags of one name mark different commits here and on the remote."""

    remote: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"{few_of(self.names, _SHOWN)}: not the same here and on {self.remote}"

    def _renumbered(self) -> str:
        each = (shlex.quote(name) for name in self.names[:_SHOWN])
        return " && ".join(f"xvc tag patch --run {name} && git tag -d {name}" for name in each)

    @property
    def hint(self) -> str:
        """Says how to keep both."""
        if stages := [shlex.quote(each) for each in self.names if _STAGE.match(each)]:
            return (
                f"Two people have promoted. Take {self.remote}'s, then promote yours again: "
                f"`git tag -d {' '.join(stages)}`, `xvc pull`, and `xvc model promote` of the same "
                "run. Both stay in the history; no tag was moved."
            )
        return (
            f"Give yours another number, then take {self.remote}'s: `{self._renumbered()} && xvc "
            "pull`. No tag was moved."
        )


def upstream_of(git: Git, name: str | None, branch: str | None, *, to_push: bool = False) -> str:
    """Choose a remote: the named one, that of the branch, ``origin``, or the only one.

    To push to, it is first the one that git's settings name for that.

    Raises:
        NoUpstream: there is none.
    """
    known = git.text("remote").splitlines()
    if name is not None:
        if name not in known:
            raise NoUpstream(name, tuple(known))
        return name
    said = [f"branch.{branch}.remote"] if branch else []
    if to_push:
        said = [*([f"branch.{branch}.pushRemote"] if branch else []), "remote.pushDefault", *said]
    named = (git.text("config", key, accept=(0, 1)) for key in said)
    choices = [*named, "origin", *(known if len(known) == 1 else ())]
    for each in choices:
        if each in known:
            return str(each)
    raise NoUpstream("", tuple(known))


def refs_there(
    git: Git, remote: str, notify: Callable[[str], object] | None = None
) -> dict[str, str]:
    """Map the refs of the remote to their objects; tags to the tag objects.

    Raises:
        GitFailed: it refuses.
        NoAnswer: it does not answer.
    """
    words = ("ls-remote", "--refs", "--end-of-options", remote)
    found = git.watched(*words, who=f"git remote {remote}", notify=notify)
    lines = found.decode("utf-8", "surrogateescape").splitlines()
    return {ref: name for name, _, ref in (line.partition("\t") for line in lines)}


def refuse_other_tags(remote: str, here: Mapping[str, str], there: Mapping[str, str]) -> None:
    """Look whether tags agree.

    Raises:
        TagsDiffer: some do not.
    """
    shared = (ref for ref in here if ref.startswith("refs/tags/") and ref in there)
    names = tuple(ref.removeprefix("refs/tags/") for ref in shared if here[ref] != there[ref])
    if names:
        raise TagsDiffer(remote, names)


def send(
    git: Git, remote: str, refs: Mapping[str, str], notify: Callable[[str], object] | None = None
) -> None:
    """Push refs, each as the object given; what another has pushed meanwhile is no failure.

    Raises:
        Refused: the remote has something else there, or its rules forbid it.
        UpstreamLocked: a git is at work there, or was killed there.
        GitFailed: it refuses otherwise.
        NoAnswer: it does not answer.
    """
    lines = [f"{name}:{ref}" for ref, name in refs.items()]
    try:
        _transfer(git, notify, "push", "--no-follow-tags", then=(remote, *lines))
    except GitFailed as err:
        there = refs_there(git, remote, notify)
        left = tuple(ref for ref, name in refs.items() if there.get(ref) != name)
        lock = _LOCK.search(err.words)
        if left and lock is not None:
            raise UpstreamLocked(remote, lock[1]) from err
        if left:
            raise Refused(remote, left, _reason(err.words)) from err


def _reason(words: str) -> str:
    r"""What the other side said, and git's own word for it; all of git's words without either.

    >>> _reason("remote: no pushes on Sunday\n ! [remote rejected] main -> main (hook declined)")
    'no pushes on Sunday (hook declined)'
    """
    lines = [line.strip() for line in words.splitlines()]
    said = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
    named = [line[line.rfind("(") :] for line in lines if line.startswith("!") and "(" in line]
    found = [line for line in [*said, *named] if line]
    return " ".join(dict.fromkeys(found)) or " ".join(words.split()) or "it gave no reason"


def fetch(
    git: Git,
    remote: str,
    specs: Iterable[str],
    notify: Callable[[str], object] | None = None,
) -> None:
    """Fetch the remote's branches, as its settings say, and the refs of *specs*.

    Raises:
        GitFailed: it refuses.
        NoAnswer: it does not answer.
    """
    words = ("--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")
    usual = git.text("config", "--get-all", f"remote.{remote}.fetch", accept=(0, 1)).splitlines()
    _transfer(git, notify, "fetch", *words, then=(remote, *usual, *specs))


def _transfer(
    git: Git, notify: Callable[[str], object] | None, *words: str, then: Sequence[str]
) -> None:
    """Fetch from or push to a remote, and report progress to *notify*."""
    who = f"git remote {then[0]}"
    if notify is None:
        git.watched(*words, "--quiet", "--end-of-options", *then, who=who)
        return
    from xvc.git.reading import listener  # late: loads GitPython

    hear = listener(notify)
    git.watched(*words, "--progress", "--end-of-options", *then, who=who, hear=hear, notify=notify)
