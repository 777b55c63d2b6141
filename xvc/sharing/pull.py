"""Pulling: fetching what other clones have pushed, and the data that belongs to it.

Branches and tags are fetched first, then objects, each of them checked. Only then does the branch
move and do files change. A branch that has diverged does not move; a file whose bytes are in no
object is not replaced. A pull that was interrupted is completed by the next one.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from xvc.core.best_effort import best_effort, in_words
from xvc.core.run import DataFile
from xvc.core.tag_message import VersionInfo
from xvc.dvc.commit_outputs import Pointers
from xvc.dvc.follow_folder import bring_listed
from xvc.dvc.pointers import SUFFIX, Out, tracked_outs
from xvc.dvc.repository import Dvc
from xvc.errors import ConflictError, GitFailed, NoObject, error
from xvc.git import follow_hook as hook
from xvc.git import merge_driver as driver
from xvc.git.remote import fetch, refs_there, refuse_other_tags, upstream_of
from xvc.git.snapshot import LOGS, RUNS
from xvc.git.worktrees import WorkTree, is_ancestor
from xvc.history.find import versions
from xvc.history.missing import missing_versions, warning_of
from xvc.project import Project
from xvc.recording.begin_run import looked_at
from xvc.sharing.fetch_objects import Notify, ObjectFetch
from xvc.sharing.push import branch_of, kept_tags
from xvc.sharing.required_objects import imported, needs_of, remotes_of, sources_of
from xvc.store import query
from xvc.system.lock import FileLock
from xvc.system.path_containment import is_inside
from xvc.worktrees.removal_check import is_changed
from xvc.worktrees.set_up import SetUp, put_data

_TAGS = "refs/tags/"
_LOCK_WAIT = 60.0
_MODELS = "models/"
_TIP = "HEAD"


@error("diverged")
class Diverged(ConflictError):
    """The branch has gone on here and there."""

    branch: str
    upstream: str
    says = "{branch} and {upstream} have both gone on since they parted"
    way = (
        "`git merge {upstream}` merges code and stores, `xvc merge {upstream}` the store alone. "
        "All objects are here already; the branch was not moved."
    )


@error("in-the-way")
class InTheWay(ConflictError):
    """Uncommitted work is in the way of going forward."""

    branch: str
    words: str
    says = "{branch} cannot go forward: {words}"
    way = "Commit or stash it, then pull again. Nothing in the tree was changed."


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What to bring from where; ``everything`` means the data of every version, too."""

    remote: str | None = None
    dvc_remote: str | None = None
    runs: bool = False
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was brought: objects and their bytes, new tags and runs, where the branch went.

    ``is_driver_new`` tells that from now on git merges the stores of branches in this clone;
    ``missing`` names the versions of this branch whose run its store lacks.
    """

    remote: str
    dvc_remote: str | None
    needed: int
    objects: int
    size: int
    tags: tuple[str, ...]
    runs: int
    branch: str | None
    old: str | None
    new: str | None
    files: int
    is_driver_new: bool
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def pull(project: Project, request: PullRequest, notify: Notify) -> Pulled:
    """Bring branches, versions and their objects; go forward if that loses nothing.

    Raises:
        NoProject: no git, or no DVC here.
        NoUpstream: git has no such remote.
        NoRemote: objects are wanted, and DVC has no such remote.
        TagsDiffer: a tag is another one there; nothing was changed.
        UnreadableAt: a pointer cannot be read.
        RemoteCorrupt: an object is not what its name says.
        NoObject: what the branch needs is not on the DVC remote; the branch was not moved.
        Diverged: the branch has commits of its own; the objects are here.
        InTheWay: uncommitted work is in the way; the objects are here.
        DvcFailed: the DVC remote refused.
        GitFailed: git could not.
    """
    git, dvc = project.git, project.needed_dvc()
    branch, old = branch_of(project), git.commit_of("HEAD")
    name = upstream_of(git, request.remote, branch)
    notify(f"fetching from {name}")
    tags, runs = _fetch(project, name, notify, runs=request.runs)
    upstream = f"refs/remotes/{name}/{branch}"
    new = git.commit_of(upstream) if branch else None
    is_apart = bool(old and new and not (is_ancestor(git, new, old) or is_ancestor(git, old, new)))
    tip = old if is_apart or new is None or (old and is_ancestor(git, new, old)) else new
    fetching = _bring(project, dvc, request, _wanted(project, name, tip, runs=request.runs), notify)
    warnings: list[str] = []
    is_driver_new = False
    with best_effort(warnings):  # before any merge that a person is now told to make
        is_driver_new = driver.install(git)
        hook.settle(git, wanted=project.settings.git_hook)
    if is_apart:
        raise Diverged(branch or "", f"{name}/{branch}")
    files, told_of_data = _go_forward(project, dvc, branch, old, tip)
    warnings += [each for each in told_of_data if not each.endswith(tuple(fetching.warnings))]
    missing = _missing(project)
    if missing:
        warnings.append(warning_of(missing))
    return Pulled(
        remote=name,
        dvc_remote=fetching.opened.name if fetching.opened else None,
        needed=fetching.needed,
        objects=fetching.objects,
        size=fetching.size,
        tags=tags,
        runs=runs,
        branch=branch,
        old=old,
        new=tip,
        files=files,
        is_driver_new=is_driver_new,
        missing=tuple(info.name for info in missing),
        warnings=(*fetching.warnings, *warnings),
    )


def _missing(project: Project) -> list[VersionInfo]:
    with project.keeper.view() as connection:
        held = query.ids(connection)
    return missing_versions(project, versions(project), held)


def _fetch(
    project: Project, name: str, notify: Notify, *, runs: bool
) -> tuple[tuple[str, ...], int]:
    """Fetch branches and what is new of tags and runs; returns the tags, and how many runs."""
    git = project.git
    there, here = refs_there(git, name, notify), {**git.refs(_TAGS), **git.refs("refs/xvc/")}
    refuse_other_tags(name, here, there)
    prefixes = (_TAGS, RUNS, LOGS) if runs else (_TAGS,)
    fresh = [ref for ref in there if ref.startswith(prefixes) and ref not in here]
    fetch(git, name, [f"{ref}:{ref}" for ref in fresh], notify)
    tags = tuple(ref.removeprefix(_TAGS) for ref in fresh if ref.startswith(_TAGS))
    return tags, sum(ref.startswith(RUNS) for ref in fresh)


def _wanted(project: Project, name: str, tip: str | None, *, runs: bool) -> dict[str, str]:
    """Name the commits whose objects are wanted: of this branch, versions, other branches, runs."""
    git = project.git
    found = {_TIP: tip} if tip else {}
    found |= git.refs(f"refs/remotes/{name}/") | kept_tags(project)
    return found | (git.refs(RUNS) if runs else {})


def _bring(
    project: Project, dvc: Dvc, request: PullRequest, refs: Mapping[str, str], notify: Notify
) -> ObjectFetch:
    own, kept = project.own_pointers(), set[str]()
    pointers, unlisted = Pointers(project.git, project.relative(dvc.root)), list[str]()

    def wants(ref: str, out: Out) -> bool:
        if not out.is_pushed and not dvc.holds(out.digest):
            kept.update([out.path] if ref == _TIP else [])
            return False
        if ref == _TIP or ref.startswith(RUNS) or out.path in own:
            return True
        return ref.startswith(_TAGS) and (request.everything or out.path.startswith(_MODELS))

    fetching = ObjectFetch(
        dvc,
        request.dvc_remote,
        notify,
        elsewhere=lambda: remotes_of(pointers.known()),
        coming=_config_to_come(project, dvc, refs.get(_TIP)),
    )
    needs = needs_of(
        dvc,
        pointers,
        refs,
        fetching.bring_lists,
        wants,
        notify=lambda err: unlisted.append(in_words(err)),
    )
    fetching.warnings += [
        f"{path} is on no remote: its pointer has `push: false`" for path in sorted(kept)
    ]
    fetching.bring(digest for each in needs.values() for digest in each)
    sources = sources_of(dvc, pointers.known()) if fetching.lost else {}
    ours = needs.get(_TIP, {})
    at_source = {each: at for each, at in ours.items() if each in fetching.lost & sources.keys()}
    fetching.warnings += dict.fromkeys(imported(at, sources[d]) for d, at in at_source.items())
    for ref, each in needs.items():
        gone = fetching.lost - at_source.keys()
        lost = {path: digest for digest, path in each.items() if digest in gone}
        if lost and ref == _TIP:
            path = min(lost)
            asked = tuple(dict.fromkeys(fetching.asked))
            raise NoObject(lost[path], path, was_asked=True, remotes=asked)
        if lost:
            short = ref.removeprefix(_TAGS).removeprefix("refs/remotes/")
            fetching.warnings.append(
                f"{short} lacks {', '.join(sorted(lost)[:3])} on the DVC remote"
            )
    fetching.warnings += dict.fromkeys(unlisted)
    return fetching


def _config_to_come(project: Project, dvc: Dvc, tip: str | None) -> str | None:
    """Read DVC's settings as the commit has them that is pulled; None where they are those here."""
    file = dvc.root / ".dvc" / "config"
    held = project.git.read(tip, project.relative(file)) if tip else None
    if held is None or (file.is_file() and file.read_bytes() == held):
        return None
    return held.decode("utf-8", "surrogateescape")


def _go_forward(
    project: Project, dvc: Dvc, branch: str | None, old: str | None, tip: str | None
) -> tuple[int, list[str]]:
    """Move branch and tree, then put the data there; returns the files put and what to say."""
    git = project.git
    warnings: list[str] = []
    pointers = Pointers(git, project.relative(dvc.root))
    before = pointers.outs_of([old])[old] if old else []
    if tip is not None and tip != old and branch is not None:
        with FileLock(project.room.version_lock).held(wait=_LOCK_WAIT, doing="pull"):
            _fast_forward(project, branch, tip)
    outs = {out.path: out for out in (pointers.outs_of([tip])[tip] if tip else [])}
    after = {path: out.digest for path, out in outs.items()}
    top, own = git.place.top, project.own_pointers()
    for out in before:
        if out.path not in own and after.get(out.path, out.digest) != out.digest:
            _make_way(dvc, top, out, warnings)
    _make_way_for_changed(
        project, dvc, [out for out in outs.values() if out.path not in own], warnings
    )
    brought = 0
    with best_effort(warnings):
        brought = bring_listed(dvc, project.assets.folder)
    project.keeper.refresh()
    done = SetUp()
    put_data(project, WorkTree(top, tip, branch), done)
    files = sum(done.linked.values()) + brought
    return files, [*warnings, *done.warnings, *project.keeper.warnings]


def _make_way_for_changed(
    project: Project, dvc: Dvc, outs: Iterable[Out], warnings: list[str]
) -> None:
    """Remove data that is not what its pointer names, as after a `git pull` without its data.

    Pointers with uncommitted changes are the user's: their data stays.
    """
    top = project.git.place.top
    named = {out.path: out for out in outs if (top / out.path).exists()}
    now = looked_at(project, {path: DataFile(o.digest, o.size) for path, o in named.items()})
    changed = {path for path, file in now.items() if file.state is not None}
    ours = {
        out.path
        for out in tracked_outs(top, {named[path].said_by for path in changed})
        if named.get(out.path) and named[out.path].digest != out.digest
    }
    for path in sorted(changed - ours):
        _make_way(dvc, top, named[path], warnings)


def _fast_forward(project: Project, branch: str, tip: str) -> None:
    try:
        project.git.call("merge", "--ff-only", "--no-stat", "--quiet", "--end-of-options", tip)
    except GitFailed as err:
        lines = [line.strip() for line in err.words.splitlines() if line.strip()]
        is_work = any("would be overwritten" in line for line in lines)
        if not is_work:
            raise
        raise InTheWay(branch, " ".join(lines[:6]).removeprefix("error: ")) from err


def _make_way(dvc: Dvc, top: Path, out: Out, warnings: list[str]) -> None:
    """Take away what an output was before, when the cache has every byte of it."""
    place = top / out.path
    if not place.exists():
        return
    if not is_inside(place.parent, top):
        warnings.append(f"{out.path} stays as it is: a link leads out of the tree")
    elif is_changed(dvc, top, out):
        path = quote(out.path)
        keeps = "add" if out.said_by.endswith(SUFFIX) else "commit"
        warnings.append(
            f"{out.path} has bytes that DVC does not hold, so it stays as it is; "
            f"`dvc {keeps} {path}` keeps them, `dvc checkout --force {path}` gives them up"
        )
    elif place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink()
