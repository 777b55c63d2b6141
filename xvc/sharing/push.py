"""Pushing: DVC's objects first, looked at on the remote, then the branch, the versions, the runs.

No ref is pushed before every object that its commit names is on the DVC remote. What is there is
not sent; broken off anywhere, the next push completes. Nothing is forced.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from shlex import quote

from xvc.core.human_units import counted
from xvc.core.model import CANDIDATES, ROOT
from xvc.core.run import Status
from xvc.core.run_inputs import is_digest
from xvc.dvc.commit_outputs import Pointers
from xvc.dvc.outputs import object_of
from xvc.dvc.pointers import Out
from xvc.dvc.remote import NoRemote, Remote
from xvc.dvc.repository import Dvc
from xvc.errors import ConflictError, NotFoundError, error
from xvc.git.history import removed_since
from xvc.git.remote import Refused, refs_there, refuse_other_tags, send, upstream_of
from xvc.git.snapshot import LOGS, RUNS, USAGE
from xvc.git.worktrees import is_ancestor
from xvc.history.find import all_versions, versions
from xvc.history.owner import own_versions
from xvc.history.unversioned import unsaved
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.sharing.fetch_objects import Notify, ObjectFetch
from xvc.sharing.required_objects import (
    Needs,
    expanded,
    imported,
    needs_of,
    remotes_of,
    sources_of,
)
from xvc.sharing.run_logs import keep_logs
from xvc.store import query
from xvc.types import Digest, RunId

_HEADS, _TAGS = "refs/heads/", "refs/tags/"
_STAGE = re.compile(r"[^@#]+(@v[0-9]|#)")  # what GTO reads: a version or a stage of a model
_HASHED_AT_ONCE = 4
_SENT_AT_ONCE = 1000


def _short(ref: str) -> str:
    return ref.removeprefix(_TAGS).removeprefix(_HEADS).removeprefix(RUNS)


@error("objects-nowhere")
class ObjectsNowhere(NotFoundError):
    """Objects that a version needs are neither in the cache nor on the DVC remote."""

    ref: str
    paths: tuple[str, ...]

    def __str__(self) -> str:
        names = ", ".join(self.paths[:3]) + (" …" if len(self.paths) > 3 else "")
        where = "neither in the cache nor, whole, on the DVC remote"
        return f"{_short(self.ref)} needs {names}, {where}"

    @property
    def hint(self) -> str:
        """Say how to get the objects, or how to push without them."""
        give_up = (
            f"or give the tag up: `git tag -d {_short(self.ref)}`."
            if self.ref.startswith(_TAGS)
            else "or take what names them out of the branch and commit that."
        )
        way = "Nothing of git was pushed. Bring them from where they are (`dvc fetch -r OTHER`), "
        return way + give_up


@error("behind")
class Behind(ConflictError):
    """The branch on the remote has commits that this one has not."""

    branch: str
    remote: str
    says = "{branch} on {remote} has commits that are not here"
    way = "`xvc pull` brings them; nothing was pushed."


@error("pointer-remote")
class PointerRemote(NotFoundError):
    """A pointer names a DVC remote that the configuration does not have."""

    remote: str
    pointer: str
    says = "{pointer} names DVC remote {remote!r}, which is not set up"
    way = (
        "Set it up: `dvc remote add {remote} URL`; or take `remote:` out of {pointer}. Nothing was "
        "sent."
    )


@dataclass(frozen=True, slots=True)
class PushRequest:
    """What to push where; None chooses the usual remote."""

    remote: str | None = None
    dvc_remote: str | None = None
    runs: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was sent: objects and their bytes, refs in full; ``needed`` counts all objects.

    An object that belongs on two DVC remotes counts on each.

    ``left_out`` are runs whose objects are nowhere, ``unsaved`` counts those in no version.
    """

    remote: str
    dvc_remote: str | None
    needed: int
    objects: int
    size: int
    refs: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    unsaved: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _RefsToPush:
    """What is to be pushed, and what each ref of it needs."""

    refs: dict[str, str]
    there: Mapping[str, str]
    needs: dict[str, Needs] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def digests(self) -> dict[str, str]:
        """Every object that is needed, with a path that it is at."""
        return {digest: path for each in self.needs.values() for digest, path in each.items()}

    @property
    def new(self) -> dict[str, str]:
        """The refs that the remote has not."""
        return {ref: name for ref, name in self.refs.items() if self.there.get(ref) != name}


def push(project: Project, request: PushRequest, notify: Notify) -> Pushed:
    """Push the branch and all versions, after every object that they need.

    Args:
        project: any tree's.
        request: what and where.
        notify: hears how far it is.

    Raises:
        NoProject: no git, or no DVC here.
        NoUpstream: git has no such remote.
        NoRemote: nor has DVC.
        PointerRemote: a pointer names a remote that DVC does not know.
        TagsDiffer: a tag is another one there.
        Behind: the branch has commits there that are not here.
        UnreadableAt: a pointer cannot be read.
        BadListing: a folder's list names a file outside it.
        ObjectCorrupt: an object that is to be sent has rotted in the cache.
        ObjectsNowhere: an object is neither here nor there.
        NotArrived: an object did not arrive; no ref was pushed.
        DvcFailed: the DVC remote refused.
        Refused: the git remote refused.
        UpstreamLocked: a git is at work there, or was killed there.
        GitFailed: git could not.
    """
    git, dvc = project.git, project.needed_dvc()
    branch = branch_of(project)
    name = upstream_of(git, request.remote, branch, to_push=True)
    to_push = _RefsToPush(
        _chosen(project, branch, runs=request.runs), refs_there(git, name, notify)
    )
    refuse_other_tags(name, to_push.refs, to_push.there)
    _refuse_behind(project, branch, to_push, name)
    usual = _remote(dvc, request.dvc_remote, notify)
    pointers = Pointers(git, project.relative(dvc.root))
    fetching = ObjectFetch(
        dvc,
        request.dvc_remote,
        notify,
        opened=usual,
        elsewhere=lambda: remotes_of(pointers.known()),
    )
    bring = fetching.bring_lists if dvc.remotes() else lambda lists: None
    to_push.needs = needs_of(dvc, pointers, to_push.refs, bring, lambda ref, out: out.is_pushed)
    _add_pruned(project, pointers, to_push, branch)
    outs = _add_outs(project, dvc, to_push, pointers) if request.runs else []
    destinations = _destinations(
        dvc, usual or request.dvc_remote, to_push, pointers.known(), outs, notify
    )
    for target in destinations:
        notify(f"looking for {counted(len(target.digests), 'object')} on {target.remote.name}")
        target.held = target.remote.held(target.digests, {*pointers.known(), *outs})
    _leave_out(project, dvc, to_push, destinations, pointers.known())
    absent = [(target, _absent(dvc, to_push, target)) for target in destinations]
    count = sum(len(each) for _, each in absent)
    size = sum(object_of(dvc, digest).stat().st_size for _, each in absent for digest in each)
    if request.runs:
        _add_logs(project, to_push, is_plan=request.dry_run)
    if not request.dry_run:
        for target, each in absent:
            _send_objects(dvc, target.remote, each, notify)
        _send_refs(project, name, branch, to_push, notify)
    if destinations and (said := _uncommitted_config(project, dvc)):
        to_push.warnings.append(said)
    if to_push.new:
        to_push.warnings += _kept_here(pointers.known())
        to_push.warnings += _left_to_other_repositories(
            project, pointers, to_push.refs.get(f"{_HEADS}{branch}")
        )
    return Pushed(
        remote=name,
        dvc_remote=", ".join(target.remote.name for target in destinations)
        or (usual.name if usual else None),
        needed=sum(len(target.digests) for target in destinations),
        objects=count,
        size=size,
        refs=tuple(to_push.new),
        left_out=tuple(to_push.left_out),
        unsaved=_unsaved(project),
        warnings=tuple(to_push.warnings),
    )


@dataclass(slots=True)
class _Destination:
    """A DVC remote, the objects that belong there, and those of them that it has."""

    remote: Remote
    digests: set[str]
    held: set[str] = field(default_factory=set)


def _destinations(
    dvc: Dvc,
    usual: Remote | str | None,
    to_push: _RefsToPush,
    known: Collection[Out],
    outs: Iterable[Out],
    notify: Notify,
) -> list[_Destination]:
    """Say where each object belongs: the remote that its pointer names, else the usual one."""
    name = usual.name if isinstance(usual, Remote) else usual
    elsewhere: dict[str, set[str]] = {}
    common: set[str] = set()
    for out in known:
        if not out.is_pushed:
            continue
        mine = {digest for digest in expanded(dvc, out) if digest in to_push.digests}
        if out.remote in (None, name):
            common |= mine
        else:
            elsewhere.setdefault(out.remote or "", set()).update(mine)
    for out in outs:
        common |= expanded(dvc, out).keys() - set().union(*elsewhere.values())
    placed = common.union(*elsewhere.values())
    common |= to_push.digests.keys() - placed  # what was pruned, whose pointer is in no commit now
    found = []
    if common:
        opened = usual if isinstance(usual, Remote) else Remote.open(dvc, name, notify=notify)
        found.append(_Destination(opened, common))
    for own, digests in sorted(elsewhere.items()):
        if digests and own not in dvc.remotes():
            raise PointerRemote(own, next(out.said_by for out in known if out.remote == own))
        if digests:
            found.append(_Destination(Remote.open(dvc, own, notify=notify), digests))
    return found


def _absent(dvc: Dvc, to_push: _RefsToPush, target: _Destination) -> list[str]:
    """List what is here and belongs there, but is not."""
    return [
        digest
        for digest in target.digests - target.held
        if digest in to_push.digests and _is_here(dvc, digest)
    ]


def _kept_here(outs: Iterable[Out]) -> list[str]:
    """Name the outputs that a clone will not get, because their pointer says so."""
    kept = {out.path: out.said_by for out in outs if not out.is_pushed}
    return [
        f"{path} was not sent: {pointer} has `push: false`"
        for path, pointer in sorted(kept.items())
    ]


def _left_to_other_repositories(
    project: Project, pointers: Pointers, head: str | None
) -> list[str]:
    """Say that the branch names objects of other DVC repositories, which are pushed from there."""
    folders = pointers.others_in(head) if head else []
    return [
        f"the objects of {folder}, which is another DVC repository, were not looked at; "
        f"`xvc -C {quote(str(project.top / folder))} push` pushes them"
        for folder in folders
    ]


def _uncommitted_config(project: Project, dvc: Dvc) -> str | None:
    """Say that a clone will not know the DVC remote, where git has no commit that names it."""
    path = project.relative(dvc.root / ".dvc" / "config")
    if not project.git.text("status", "--porcelain", "--untracked-files=all", "--", path):
        return None
    return (
        f"{path} is not committed as it is, so a clone may not know the DVC remote; "
        f"`git commit -m 'DVC remote' -- {quote(path)}`, then `xvc push` again"
    )


def branch_of(project: Project) -> str | None:
    """Name the branch of this tree; None on a detached HEAD."""
    found = project.git.text("symbolic-ref", "-q", "HEAD", accept=(0, 1))
    return found.removeprefix(_HEADS) if found.startswith(_HEADS) else None


def kept_tags(project: Project) -> dict[str, str]:
    """Map the refs of versions, and of versions and stages of models, to their tags."""
    every = all_versions(project)
    names = {info.name for info in own_versions(project, every)}
    theirs = _models_of(project, {info.name for info in every} - names)
    return {
        ref: name
        for ref, name in project.git.refs(_TAGS).items()
        if (short := ref.removeprefix(_TAGS)) in names
        or (_STAGE.match(short) and short not in theirs)
    }


def _models_of(project: Project, others: Collection[str]) -> set[str]:
    """Name the tags of models that speak of these versions, those of other projects."""
    prefix = project.settings.tag_prefix
    said = [f'Xvc-Version: "{name}"' for name in others]
    return {
        tag.name
        for tag in (project.git.tags("") if others else [])
        if prefix + tag.name.partition("@v")[2] in others
        or any(line in said for line in tag.message.splitlines())
    }


def _unsaved(project: Project) -> int:
    """Count the runs with rows in no version, except those that have a version of their own."""
    named = {info.message.run for info in versions(project)}
    return len(unsaved(project).keys() - named)


def _chosen(project: Project, branch: str | None, *, runs: bool) -> dict[str, str]:
    git = project.git
    head = git.commit_of("HEAD")
    refs = {f"{_HEADS}{branch}": head} if branch and head else {}
    return refs | kept_tags(project) | (git.refs(RUNS) if runs else {})


def _refuse_behind(project: Project, branch: str | None, to_push: _RefsToPush, remote: str) -> None:
    ref = f"{_HEADS}{branch}"
    there = to_push.there.get(ref)
    if branch is None or there is None or ref not in to_push.refs:
        return
    git = project.git
    if git.commit_of(there) is None or not is_ancestor(git, there, to_push.refs[ref]):
        raise Behind(branch, remote)


def _remote(dvc: Dvc, name: str | None, notify: Notify) -> Remote | None:
    """Open the remote; where nothing is to be sent, there need not be one."""
    try:
        return Remote.open(dvc, name, notify=notify)
    except NoRemote:
        if name is not None:
            raise
        return None


def _add_pruned(
    project: Project, pointers: Pointers, to_push: _RefsToPush, branch: str | None
) -> None:
    """Add the candidates that new commits of the branch have pruned: a clone can get them back.

    One whose object no longer exists is skipped; it does not block the push.
    """
    dvc, ref = project.needed_dvc(), f"{_HEADS}{branch}"
    if ref not in to_push.new:
        return
    folder = project.relative(project.root / ROOT / CANDIDATES)
    for path, blob in removed_since(project.git, to_push.refs[ref], folder, to_push.there.get(ref)):
        for out in pointers.outs_of_files(to_push.refs[ref], {path: blob}):
            found = expanded(dvc, out)
            to_push.needs[ref] |= {
                digest: at for digest, at in found.items() if _is_here(dvc, digest)
            }


def _add_outs(project: Project, dvc: Dvc, to_push: _RefsToPush, pointers: Pointers) -> list[Out]:
    """Add what runs have read and left, which their records name and no pointer may."""
    outs = []
    kept = {str(out.digest) for out in pointers.known() if not out.is_pushed}
    with opened(project) as connection:
        found = query.with_files(connection)
    for run in found:
        ref = f"{RUNS}{run.id}"
        if ref not in to_push.refs:
            continue
        for path, file in ({**run.data, **run.outs}).items():
            if (
                file.digest not in kept
                and is_digest(file.digest)
                and (file.state is None or dvc.holds(file.digest))
            ):
                outs.append(Out(path, Digest(file.digest), ref, file.size))
                to_push.needs[ref] |= expanded(dvc, outs[-1])
    return outs


def _add_logs(project: Project, to_push: _RefsToPush, *, is_plan: bool) -> None:
    """Add what the runs that go have printed; a plan adds what is kept already."""
    going = [RunId(ref.removeprefix(RUNS)) for ref in to_push.refs if ref.startswith(RUNS)]
    with opened(project) as connection:
        open_ = {run.id for run in query.with_status(connection, Status.RUNNING)}
    ended = [run for run in going if run not in open_]
    kept = project.git.refs(LOGS) if is_plan else keep_logs(project, ended)
    names = (LOGS + run + end for run in ended for end in ("", USAGE))
    to_push.refs |= {name: kept[name] for name in names if name in kept}


def _is_here(dvc: Dvc, digest: str) -> bool:
    return object_of(dvc, digest).is_file()


def _tags_of_other_tools(project: Project) -> set[str]:
    """Name the refs of models of which xvc has put none into a stage, as those that GTO wrote."""
    held = project.git.tags("")
    ours = {_model_in(tag.name) for tag in held if "Xvc-Model: " in tag.message}
    named = {info.name for info in all_versions(project)}
    return {
        _TAGS + tag.name
        for tag in held
        if _STAGE.match(tag.name) and tag.name not in named and _model_in(tag.name) not in ours
    }


def _model_in(tag: str) -> str:
    return re.split("@v|#", tag, maxsplit=1)[0]


def _leave_out(
    project: Project,
    dvc: Dvc,
    to_push: _RefsToPush,
    destinations: Sequence[_Destination],
    known: Collection[Out],
) -> None:
    """Decide on refs whose objects are missing: leave runs out, name refs that were pushed.

    Tags of another tool's models stay here, too: what they need was never xvc's to keep. Imports
    stop nothing, as DVC sends none of them: whoever wants one has it from its source.
    """
    lacked = set().union(*(target.digests - target.held for target in destinations))
    nowhere = {digest for digest in lacked if not _is_here(dvc, digest)}
    sources = sources_of(dvc, known) if nowhere else {}
    told = {digest: path for digest, path in to_push.digests.items() if digest in nowhere}
    to_push.warnings += dict.fromkeys(
        imported(path, sources[digest]) for digest, path in told.items() if digest in sources
    )
    nowhere -= sources.keys()
    stay = list[str]()
    for ref, needs in list(to_push.needs.items()):
        paths = tuple(sorted({path for digest, path in needs.items() if digest in nowhere}))
        if not paths:
            continue
        short = _short(ref)
        if ref.startswith(RUNS):
            to_push.left_out.append(short)
            del to_push.refs[ref], to_push.needs[ref]
        elif ref in to_push.new and ref in _tags_of_other_tools(project):
            stay.append(short)
            del to_push.refs[ref], to_push.needs[ref]
        elif ref in to_push.new:
            raise ObjectsNowhere(ref, paths)
        else:
            to_push.warnings.append(f"{short} was pushed without {', '.join(paths[:3])}")
    if stay:
        names = ", ".join(stay[:3]) + (" …" if len(stay) > 3 else "")
        to_push.warnings.append(
            f"not pushed: {counted(len(stay), 'tag')} of models that another tool wrote, whose "
            f"objects are neither here nor on the DVC remote: {names}"
        )


def _send_objects(dvc: Dvc, remote: Remote, absent: Collection[str], notify: Notify) -> None:
    """Send files before the lists of their folders: DVC takes a list as proof of its files."""
    if not absent:
        return
    notify(f"checking {counted(len(absent), 'object')}")
    _verify(dvc, absent)
    sent = 0
    for part in _parts(sorted(absent, key=lambda digest: (digest.endswith(".dir"), digest))):
        remote.send(part)
        sent += len(part)
        notify(f"sent {sent} of {counted(len(absent), 'object')} to {remote.name}")


def _parts(digests: Sequence[str]) -> Iterator[Sequence[str]]:
    files = [digest for digest in digests if not digest.endswith(".dir")]
    for some in (files, digests[len(files) :]):
        for start in range(0, len(some), _SENT_AT_ONCE):
            yield some[start : start + _SENT_AT_ONCE]


def _verify(dvc: Dvc, digests: Iterable[str]) -> None:
    def look(digest: str) -> None:
        dvc.refuse_wrong(digest, object_of(dvc, digest))

    with ThreadPoolExecutor(_HASHED_AT_ONCE) as pool:
        list(pool.map(look, digests))


def _send_refs(
    project: Project, remote: str, branch: str | None, to_push: _RefsToPush, notify: Notify
) -> None:
    if not to_push.new:
        return
    notify(f"pushing {counted(len(to_push.new), 'ref')} to {remote}")
    try:
        send(project.git, remote, to_push.new, notify)
    except Refused:
        to_push.there = refs_there(project.git, remote, notify)  # somebody was faster
        refuse_other_tags(remote, to_push.refs, to_push.there)
        _refuse_behind(project, branch, to_push, remote)
        raise
