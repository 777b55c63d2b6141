"""Recorded data and outputs that the DVC cache lacks: in the tree, on a remote, or nowhere.

What only the tree has is put into the cache. Remotes are asked where something is missing, and
nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from shlex import quote

from xvc.core.best_effort import in_words
from xvc.core.human_units import counted, few_of
from xvc.core.run import MODIFIED, DataFile
from xvc.dvc.commit_outputs import Pointers
from xvc.dvc.outputs import digests_of, object_of
from xvc.dvc.pointers import Out
from xvc.dvc.remote import Remote
from xvc.dvc.repository import Dvc
from xvc.errors import CorruptError, NoObject, XvcError
from xvc.history.find import versions
from xvc.project import Project
from xvc.recording.begin_run import looked_at
from xvc.setup.health import Diagnosis, Health
from xvc.store import query
from xvc.system.path_containment import is_inside

_FEW = 5
_ANEW = "`xvc rerun REFERENCE` makes the outputs of a run anew."
NOWHERE = "Only a clone whose cache has them can bring them back: `xvc push` there."
NO_REMOTE = (
    "There is no DVC remote: only another clone's cache can have them. "
    "`dvc remote add -d storage URL` and `xvc push` keep the next ones."
)


@dataclass(frozen=True, slots=True)
class Named:
    """A recorded file or folder, and the newest version or run that names it."""

    out: Out
    by: str

    @property
    def words(self) -> str:
        """What a person calls it."""
        return f"{self.out.path} of {self.by}"


@dataclass(slots=True)
class Whereabouts:
    """Which remote has which digest, and why others did not say."""

    remotes: list[str]
    there: dict[str, str] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)

    @property
    def on(self) -> str:
        """The remotes that have any of it."""
        return ", ".join(sorted(set(self.there.values())))


def whereabouts(dvc: Dvc, digests: Collection[str]) -> Whereabouts:
    """Ask each remote which of these objects it has."""
    found = Whereabouts(dvc.remotes())
    for name in found.remotes if digests else ():
        left = set(digests) - found.there.keys()
        try:
            there = Remote.open(dvc, name).entries(left) if left else {}
        except (XvcError, OSError) as err:
            found.silent.append(f"remote {name} does not say: {in_words(err)}")
        else:
            found.there |= dict.fromkeys(there, name)
    return found


def look_at_data(project: Project) -> Iterator[Diagnosis]:
    """Look for the bytes of every output and datum that a version or a run names."""
    dvc = project.dvc
    if dvc is None or project.place is None:
        return
    missing: dict[str, Named] = {}
    problems: list[str] = []
    count = 0
    for named in _recorded(project, dvc, problems):
        count += 1
        away = _away(dvc, named.out, problems)
        missing |= {digest: named for digest in away if digest not in missing}
    yield from (Diagnosis("data", Health.WRONG, each) for each in problems)
    kept = [each for each in _distinct(missing.values()) if _keep_from_tree(project, dvc, each)]
    if kept:
        detail = f"only the tree had {_names(kept)}: the cache has it, too, now"
        yield Diagnosis("data", Health.MENDED, detail)
    missing = {digest: each for digest, each in missing.items() if each not in kept}
    yield from _told(dvc, missing)
    if not missing:
        outputs = counted(count, "output")
        yield Diagnosis("data", Health.GOOD, f"the cache has {outputs} of versions and runs")


def _told(dvc: Dvc, missing: dict[str, Named]) -> Iterator[Diagnosis]:
    if not missing:
        return
    found = whereabouts(dvc, missing.keys())
    lost = _distinct(each for digest, each in missing.items() if digest not in found.there)
    away = [each for each in _distinct(missing.values()) if each not in lost]
    if away:
        first = away[0]
        detail = f"not in this clone's cache, but on remote {found.on}: {_names(away)}"
        way = f"`xvc get {first.by} {quote(first.out.path)} -o FILE` brings the first."
        yield Diagnosis("data", Health.GOOD, detail, way)
    if not lost:
        return
    detail = f"neither in the tree nor in the cache: {_names(lost)}"
    if not found.remotes:
        yield Diagnosis("data", Health.WRONG, detail, f"{NO_REMOTE} {_ANEW}")
    elif found.silent:
        yield Diagnosis("data", Health.GOOD, f"{detail}; {'; '.join(found.silent)}")
    else:
        on = f"{detail}; nor on remote {', '.join(found.remotes)}"
        yield Diagnosis("data", Health.WRONG, on, f"{NOWHERE} {_ANEW}")


def _recorded(project: Project, dvc: Dvc, problems: list[str]) -> Iterator[Named]:
    """Name what versions and runs name, the newest first; the store of each is looked at apart."""
    store = project.relative(project.own_store_path)
    pointers = Pointers(project.git, project.relative(dvc.root))
    done, private = set[str](), set[str]()
    for info in reversed(versions(project)):
        try:
            outs = pointers.outs_of([info.commit])[info.commit]
        except CorruptError as err:
            problems.append(f"{info.name}: {in_words(err)}")
            continue
        private |= {str(out.digest) for out in outs if not out.is_pushed or out.is_imported}
        for out in outs:
            if out.path != store and out.digest not in done | private:
                done.add(str(out.digest))
                yield Named(out, info.name)
    with project.keeper.view() as connection:
        files = query.recorded_files(connection)
    for file in files:
        if file.digest not in done | private and file.state != MODIFIED:
            done.add(file.digest)
            path = file.path if not file.is_output else project.relative(project.root / file.path)
            yield Named(Out(path, file.digest, f"run {file.run}", file.size), file.run)


def _away(dvc: Dvc, out: Out, problems: list[str]) -> set[str]:
    """Name the objects of an output that the cache lacks; of a folder without list, the list."""
    try:
        digests = digests_of(dvc, out).values()
    except NoObject:
        return {str(out.digest)}
    except CorruptError as err:
        problems.append(f"{out.path}: {in_words(err)}")
        return set()
    return {digest for digest in digests if not object_of(dvc, digest, out).is_file()}


def _keep_from_tree(project: Project, dvc: Dvc, named: Named) -> bool:
    """Put what lies in the tree under its name into the cache, if it is what was recorded."""
    out, place = named.out, project.top / named.out.path
    if out.is_old or not place.exists() or not is_inside(place, project.top):
        return False
    found = looked_at(project, {out.path: DataFile(out.digest, out.size)})[out.path]
    return found.state is None and dvc.keep(place).digest == out.digest


def _distinct(found: Iterable[Named]) -> list[Named]:
    return list(dict.fromkeys(found))


def _names(found: Iterable[Named]) -> str:
    return few_of([each.words for each in found], _FEW)
