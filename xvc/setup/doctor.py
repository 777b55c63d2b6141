"""Looking after a project: git, DVC, locks, the store; mends what is xvc's own, names the rest."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from shlex import quote

from xvc.core.human_units import counted, few_of
from xvc.core.run_inputs import overlap
from xvc.dvc.local_config import keep_settings
from xvc.dvc.repository import Dvc
from xvc.errors import NoIdentity, XvcError
from xvc.git import follow_hook as hook
from xvc.git import merge_driver as driver
from xvc.git.worktrees import moved_trees
from xvc.history.find import versions
from xvc.history.missing import missing_versions
from xvc.journal.reader import is_written, journals
from xvc.project import Project
from xvc.recovery.lost_runs import reap
from xvc.setup.health import Diagnosis, Health
from xvc.setup.recorded_data import NO_REMOTE, NOWHERE, look_at_data, whereabouts
from xvc.store import query
from xvc.system.files import is_shared, md5_of
from xvc.worktrees.known_trees import TreeMoved
from xvc.worktrees.list import TreeRole, list_trees

_SCRATCH_AGE = 24 * 3600.0


def doctor(project: Project, *, retry: bool = False) -> list[Diagnosis]:
    """Look at everything a project stands on; each finding says what was done.

    Args:
        project: the project.
        retry: whether records that the store could not take are tried again.
    """
    found: list[Diagnosis] = []
    if retry:
        project.keeper.retry()
    for name, look in _LOOKS.items():
        try:
            found += list(look(project))
        except XvcError as err:
            found.append(Diagnosis(name, Health.WRONG, str(err), err.hint))
        except OSError as err:
            found.append(Diagnosis(name, Health.WRONG, str(err)))
    return found


def _git(project: Project) -> Iterator[Diagnosis]:
    if project.place is None:
        yield Diagnosis("git", Health.WRONG, "no repository here", "Run `xvc init`.")
        return
    state = project.git.state()
    where = state.branch or "a detached HEAD"
    yield Diagnosis("git", Health.GOOD, f"{project.git.version()}, on {where}")
    try:
        who = project.git.text("var", "GIT_COMMITTER_IDENT").rsplit(">", 1)[0] + ">"
        yield Diagnosis("identity", Health.GOOD, who)
    except NoIdentity as err:
        yield Diagnosis("identity", Health.WRONG, str(err), err.hint)


def _dvc(project: Project) -> Iterator[Diagnosis]:
    if project.dvc is None:
        if project.place is not None and (bare := project.nothing_checked_out()) is not None:
            yield Diagnosis("dvc", Health.WRONG, str(bare), bare.hint)
            return
        yield Diagnosis("dvc", Health.WRONG, "no DVC repository here", "Run `xvc init`.")
        return
    cache = project.dvc.cache
    remotes = ", ".join(project.dvc.remotes()) or "no remote"
    yield Diagnosis("dvc", Health.GOOD, f"cache {cache}, {remotes}")
    yield Diagnosis("links", Health.GOOD, f"the cache's file system offers {_links(cache)}")
    site = project.room.dvc_site
    site.mkdir(parents=True, exist_ok=True, mode=0o700)
    wanted = {"core": {"site_cache_dir": str(site)}}
    if keep_settings(project.dvc.root, wanted, project.dvc_note):
        yield Diagnosis(
            "dvc state", Health.MENDED, f"is now kept in {site}, not in a shared folder"
        )


def _outputs(project: Project) -> Iterator[Diagnosis]:
    """Look at what DVC tracks: each file may be named once, and each pointer has to be readable."""
    if project.dvc is None or project.place is None:
        return
    found = project.survey(project.git.state().untracked)
    made, runs = project.stage_outs(), _runs_outs(project)
    for problem in found.problems:
        yield Diagnosis("outputs", Health.WRONG, str(problem), problem.hint)
    for out in found.outs:
        clash = None if out.is_made else next((p for p in made if overlap(p, out.path)), None)
        if clash is None:
            continue
        stage = made[clash].partition(":")[2]
        if clash == out.path and (out.path, str(out.digest)) in runs:
            (project.place.top / out.said_by).unlink()
            detail = f"removed {out.said_by}: stage {stage} makes {out.path}; commit that"
            yield Diagnosis("outputs", Health.MENDED, detail)
        else:
            detail = f"{out.said_by} and stage {stage} both track {clash}"
            way = f"Keep one: `dvc remove {quote(out.said_by)}`, or take it out of the stage."
            yield Diagnosis("outputs", Health.WRONG, detail, way)
    for each in found.pending:
        if each.is_imported:
            detail = f"{each.path} is not downloaded yet"
            yield Diagnosis(
                "outputs",
                Health.GOOD,
                detail,
                f"`dvc update {quote(each.said_by)}` brings it.",
            )


def _runs_outs(project: Project) -> set[tuple[str, str]]:
    """Name the outputs that runs have declared, with their digests."""
    with project.keeper.view() as connection:
        files = query.recorded_files(connection)
    return {
        (project.relative(project.root / file.path), str(file.digest))
        for file in files
        if file.is_output
    }


def _driver(project: Project) -> Iterator[Diagnosis]:
    if project.place is None or project.dvc is None:
        return
    what = "merge driver"
    project.unhide([project.root / driver.ATTRIBUTES])
    if driver.attach(project.root, project.merged_pointers()):
        detail = f"{driver.ATTRIBUTES} names it now; commit that"
        yield Diagnosis(what, Health.MENDED, detail)
    if driver.install(project.git):
        yield Diagnosis(what, Health.MENDED, "git merges the stores of branches with this xvc now")
    else:
        yield Diagnosis(what, Health.GOOD, "git merges the stores of branches with this xvc")


def _hook(project: Project) -> Iterator[Diagnosis]:
    if project.place is None or project.dvc is None:
        return
    wanted = project.settings.git_hook
    state = hook.settle(project.git, wanted=wanted)
    if state.hindrance:
        way = f"A hook {hook.NAME} of yours may call `{hook.follow_command()}`."
        yield Diagnosis("git hook", Health.GOOD, f"{state.hindrance}: {hook.LATER}", way)
    elif state.is_new:
        now = "git calls xvc now" if wanted else "git no longer calls xvc"
        yield Diagnosis("git hook", Health.MENDED, f"{now} when it has changed a store's pointer")
    elif wanted:
        detail = "git calls xvc when it has changed a store's pointer"
        yield Diagnosis("git hook", Health.GOOD, detail)
    else:
        yield Diagnosis("git hook", Health.GOOD, f"turned off by git.hook: {hook.LATER}")


def _links(cache: Path) -> str:
    """Try what links the file system has; reflinks cannot be tried without a risk."""
    cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=cache, prefix=".xvc-links-"))
    found = ["copies"]
    try:
        (folder / "a").write_bytes(b"a")
        for name, make in (("hardlinks", os.link), ("symlinks", os.symlink)):
            try:
                make(folder / "a", folder / name)
            except OSError:
                continue
            found.append(name)
    finally:
        shutil.rmtree(folder)
    return ", ".join(found)


def _store(project: Project) -> Iterator[Diagnosis]:
    path = project.store_path
    if path.exists() and is_shared(path):
        project.keeper.refresh()
        yield Diagnosis(
            "store link", Health.MENDED, f"{path.name} was a link; it is a file of its own now"
        )
    with project.keeper.view() as connection:
        count = query.count(connection)
    twice = project.settings.said_twice
    yield from (Diagnosis("settings", Health.WRONG, said) for said in twice)
    barred = project.keeper.barred()
    yield from (Diagnosis("journals", Health.WRONG, said) for said in barred)
    known = {*twice, *project.misplaced(), *barred}  # the keeper says them, too
    for warning in (each for each in project.keeper.warnings if each not in known):
        yield Diagnosis("store", Health.MENDED, warning)
    yield Diagnosis("store", Health.GOOD, f"{path} opens, {counted(count, 'run')}")
    wal = path.with_name(path.name + ".wal")
    if wal.exists():
        yield Diagnosis(
            "store", Health.WRONG, f"{wal.name} lies beside it", "Close what has it open."
        )


def _refused(project: Project) -> Iterator[Diagnosis]:
    for place in journals(project.room.refused):
        count = len(place.read_bytes().splitlines())
        detail = f"{count} of journal {place.name} the store could not take: {place}"
        yield Diagnosis("records", Health.WRONG, detail, "`xvc doctor --retry` tries them again.")


def _snapshots(project: Project) -> Iterator[Diagnosis]:
    if project.dvc is None or project.place is None:
        return
    if brought := project.dvc.bring_back(each=True):
        yield Diagnosis("versions", Health.MENDED, f"{brought} stores are in the cache again")
    missing, rotten, held = dict[str, str](), [], 0
    for info in versions(project):
        digest = info.message.store
        if digest is None:
            continue
        place = project.dvc.place(digest)
        if not place.is_file():
            missing[info.name] = str(digest)
        elif md5_of(place) != digest:
            rotten.append(info.name)
        else:
            held += 1
    if rotten:
        yield Diagnosis(
            "versions",
            Health.WRONG,
            f"the cache objects of {', '.join(rotten)} hold other bytes than their names say",
            "Rename these files in the cache, keep them, and `dvc fetch --all-tags`.",
        )
    yield from _stores_away(project.dvc, missing)
    yield Diagnosis(
        "versions", Health.GOOD, f"{counted(held, 'store')} checked against their hashes"
    )


def _stores_away(dvc: Dvc, missing: Mapping[str, str]) -> Iterator[Diagnosis]:
    found = whereabouts(dvc, missing.values())
    away = [name for name, digest in missing.items() if digest in found.there]
    lost = [name for name in missing if name not in away]
    if away:
        detail = (
            f"{few_of(away)}: their stores are not in this clone's cache, but on remote {found.on}"
        )
        way = f"`dvc fetch --all-tags -r {found.on.partition(',')[0]}` brings them."
        yield Diagnosis("versions", Health.GOOD, detail, way)
    if not lost:
        return
    detail = f"{few_of(lost)}: their stores are not in this clone's cache"
    if found.silent:
        yield Diagnosis("versions", Health.GOOD, f"{detail}; {'; '.join(found.silent)}")
    elif found.remotes:
        on = f"{detail}, nor on remote {', '.join(found.remotes)}"
        yield Diagnosis("versions", Health.WRONG, on, NOWHERE)
    else:
        yield Diagnosis("versions", Health.WRONG, detail, NO_REMOTE)


def _missing(project: Project) -> Iterator[Diagnosis]:
    if project.place is None:
        return
    with project.keeper.view() as connection:
        held = query.ids(connection)
    found = [
        info  # the others are named above: no merge can bring what the cache lacks
        for info in missing_versions(project, versions(project), held)
        if project.dvc is not None and info.message.store and project.dvc.holds(info.message.store)
    ]
    if found:
        hint = "`xvc merge --missing` brings them."
        names = few_of([info.name for info in found])
        yield Diagnosis("missing runs", Health.WRONG, f"the store lacks the runs of {names}", hint)


def _locks(project: Project) -> Iterator[Diagnosis]:
    if project.place is not None:
        lock = project.place.folder / "index.lock"
        if lock.exists():
            hint = f"If no git runs, remove {lock}."
            yield Diagnosis("git lock", Health.WRONG, "index.lock is there", hint)
    live = [path for path in journals(project.room.journals) if is_written(path)]
    yield Diagnosis("journals", Health.GOOD, f"{len(live)} being written")
    lost = reap(project)
    if lost:
        yield Diagnosis(
            "runs", Health.MENDED, f"ended: {counted(len(lost), 'lost run')}: {', '.join(lost)}"
        )


def _worktrees(project: Project) -> Iterator[Diagnosis]:
    if project.place is None:
        return
    for said in project.misplaced():
        yield Diagnosis("work trees", Health.WRONG, said)
    for tree in moved_trees(project.git):
        detail = f"{tree} names a repository that is not where it was: one of the two was moved"
        way = f"`git worktree repair {quote(str(tree))}` leads it here."
        yield Diagnosis("work trees", Health.WRONG, detail, way)
    for each in list_trees(project):
        way = f"`xvc worktree remove {each.name}` ends it."
        match each.condition:
            case TreeRole.MISSING:
                moved = TreeMoved(each.name, each.path, each.is_at or "")
                yield Diagnosis("work trees", Health.WRONG, str(moved), moved.hint)
            case TreeRole.MAKING | TreeRole.REMOVING:
                detail = f"{each.name} is {each.condition}"
                yield Diagnosis("work trees", Health.WRONG, detail, way)
            case TreeRole.REMOVED:
                rows = counted(each.unsaved, "row")
                detail = f"{rows} of a removed one in no version: {each.path}"
                yield Diagnosis("work trees", Health.GOOD, detail)


def _scratch(project: Project) -> Iterator[Diagnosis]:
    import time

    folder = project.room.scratch
    if not folder.is_dir():
        return
    old = [path for path in folder.iterdir() if time.time() - path.stat().st_mtime > _SCRATCH_AGE]
    for path in old:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    if old:
        yield Diagnosis(
            "scratch", Health.MENDED, f"removed {counted(len(old), 'file')} that a crash had left"
        )


_LOOKS: dict[str, Callable[[Project], Iterator[Diagnosis]]] = {
    "git": _git,
    "dvc": _dvc,
    "outputs": _outputs,
    "merge driver": _driver,
    "git hook": _hook,
    "locks": _locks,
    "store": _store,
    "records": _refused,
    "versions": _snapshots,
    "data": look_at_data,
    "missing runs": _missing,
    "work trees": _worktrees,
    "scratch": _scratch,
}
