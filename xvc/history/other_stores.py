"""Runs that are not in this tree's store: in those of other branches, versions, and work trees.

A run is gone only when somebody deletes it. Reads only; a store that is not at hand is passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.run import Environment, RunRecord
from xvc.dvc.pointers import parse_pointer
from xvc.dvc.repository import pointer_of
from xvc.errors import ConflictError, XvcError, error
from xvc.git.snapshot import STORES
from xvc.git.worktrees import living_trees, trees
from xvc.journal.folders import every_journal, left_behind, name_of, words_of
from xvc.project import Project
from xvc.store import db, query
from xvc.store.orphan_journals import opened_journals
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PREFIXES = ("refs/heads/", "refs/remotes/", "refs/tags/", STORES)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A run in another store: where that is, in words, and what `xvc merge` is to bring here."""

    record: RunRecord
    environment: Environment | None
    where: str
    source: str

    @property
    def warning(self) -> str:
        """Say where it is."""
        return f"run {self.record.id} is not in this tree's store; it is in that of {self.where}"


@error("run-elsewhere")
class RunElsewhere(ConflictError):
    """What changes a run needs it in this tree's store, and it is in another."""

    run: str
    where: str
    source: str
    says = "run {run} is not in this tree's store; it is in that of {where}"
    way = "`xvc merge {source}` brings it here."


@dataclass(frozen=True, slots=True)
class OtherStore:
    """A store that is open: where it is, in words, and as `xvc merge` takes it."""

    where: str
    source: str
    connection: DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Store:
    """A store that a ref leads to: a cache object, the ref, and its short name."""

    name: str
    ref: str
    place: Path
    is_version: bool


def stores(project: Project, *, versions: bool = True) -> list[Store]:
    """List the stores that refs lead to, each once, branches before versions."""
    dvc = project.dvc
    if project.place is None or dvc is None:
        return []
    found: dict[str, Store] = {}
    for name, digest in store_digests(project):
        is_version = name.startswith("refs/tags/")
        if digest not in found and dvc.holds(digest) and (versions or not is_version):
            found[digest] = Store(_short(name), name, dvc.place(digest), is_version)
    own = project.keeper.pointer
    return [store for digest, store in found.items() if own is None or digest != own.digest]


def store_digests(project: Project) -> Iterator[tuple[str, str]]:
    """List the refs whose commit has a pointer to a store, each with the digest that it names."""
    git, path = project.git, project.relative(pointer_of(project.own_store_path))
    refs = [ref for prefix in _PREFIXES for ref in git.refs(prefix)]
    for ref, content in git.read_each([f"{ref}:{path}" for ref in refs]).items():
        if content is not None:
            with suppress(XvcError):
                yield ref.partition(":")[0], parse_pointer(content, path).digest


def _short(ref: str) -> str:
    for prefix in _PREFIXES:
        if ref.startswith(prefix):
            name = ref.removeprefix(prefix)
            return f"{name.partition('%')[0]} (deleted)" if prefix == STORES else name
    return ref


def find_elsewhere(project: Project, name: str, gone: Collection[RunId]) -> Elsewhere | None:
    """Find a run by its id, a prefix of at least four letters, or its name, anywhere else.

    *gone* are runs that somebody deleted here: an older store may still have them.
    """
    if len(name) < 4:
        return None
    for other in other_stores(project):
        record = _named(other.connection, name)
        if record is not None and record.id not in gone:
            environment = query.environment(other.connection, record.environment)
            return Elsewhere(record, environment, other.where, other.source)
    return None


def _named(connection: DuckDBPyConnection, name: str) -> RunRecord | None:
    fitting = query.by_prefix(connection, name)
    if len(fitting) == 1 or RunId(name) in fitting:
        return query.by_id(connection, RunId(name) if RunId(name) in fitting else fitting[0])
    return None if fitting else query.by_given_name(connection, name)


def other_stores(project: Project) -> Iterator[OtherStore]:
    """Open one store after the other: other work trees, journals of those gone, then refs."""
    if project.place is None:
        return
    listed = trees(project.git)
    for tree in listed:
        if tree.is_bare or tree.path == project.git.place.top or not tree.path.is_dir():
            continue
        below = tree.path / project.root.relative_to(project.git.place.top)
        there = Project.find(below if below.is_dir() else tree.path, project.environment)
        with suppress(XvcError), there.keeper.view() as connection:
            name = tree.folder.name if tree.folder else "main"
            yield OtherStore(f"work tree {tree.path}", f"worktree:{name}", connection)
    living = living_trees(listed)
    for folder in left_behind(project.room, living):
        with suppress(XvcError, OSError), opened_journals(every_journal(folder)) as connection:
            words, name = words_of(project.room, folder), name_of(project.room, folder)
            yield OtherStore(words, f"worktree:{name}", connection)
    for store in stores(project):
        with suppress(XvcError), db.reading(store.place) as connection:
            is_deleted = store.ref.startswith(STORES)
            yield OtherStore(store.name, store.ref if is_deleted else store.name, connection)
