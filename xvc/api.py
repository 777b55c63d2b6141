"""The verbs of the command line for Python: `open` a project, ask it, change it.

Each verb calls the function that the command of its name calls, and raises the same errors. It
prints nothing, and begins no run: that is for `Tracker` and ``xvc run``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from xvc.core.human_units import instant
from xvc.errors import BadFolder, BadValue

if TYPE_CHECKING:
    from pandas import DataFrame

    from xvc.core.run import RunRecord
    from xvc.core.tag_message import VersionInfo
    from xvc.merging.merge import Merged
    from xvc.merging.rebase import Rebased
    from xvc.models.add import AddedCandidate
    from xvc.models.promote import Promoted
    from xvc.project import Project
    from xvc.recovery.undo import Undone
    from xvc.runs.compare import Compared
    from xvc.setup.status import ProjectStatus
    from xvc.sharing.pull import Pulled
    from xvc.sharing.push import Pushed
    from xvc.store.table_queries import Grid
    from xvc.types import Json
    from xvc.versions.checkout import CheckedOut
    from xvc.versions.get import Got
    from xvc.versions.tag import Tagged
    from xvc.worktrees.list import TreeInfo

StrPath = str | os.PathLike[str]
Side = Literal["ours", "theirs", "newest"]
_FACTS = ("version", "run", "commit", "made", "subject")


def open_project(path: StrPath = ".") -> OpenProject:
    """Open the project that a folder is in, as the command line finds it.

    Args:
        path: a folder of the project.

    Raises:
        BadFolder: there is no such folder, or it is a file.

    >>> import tempfile
    >>> import xvc
    >>> len(xvc.open(tempfile.mkdtemp()).runs())
    0
    """
    return OpenProject(path)


class OpenProject:
    """A project to ask and to change; `xvc.open` makes one.

    Nothing stays open and nothing is remembered: each call reads the project as it is then, while
    others write. Paths are as seen from the folder that was opened. A reference to a run is a
    version, a run id or the beginning of one, a branch, ``@``, ``@-2``, ``best:METRIC`` or
    ``worst:METRIC``. What the command line shows as warnings are Python's warnings here.
    """

    def __init__(self, path: StrPath = ".") -> None:
        self.folder = Path(path).absolute()
        if not self.folder.is_dir():
            raise BadFolder(str(self.folder), is_file=self.folder.exists())

    def __enter__(self) -> OpenProject:
        """Give the project itself: there is nothing to close, and ``with`` does no harm."""
        return self

    def __exit__(self, *ended: object) -> None:
        """Do nothing."""

    def __repr__(self) -> str:
        return f"<OpenProject {str(self.folder)!r}>"

    def runs(
        self,
        where: str | None = None,
        *,
        sort: str | None = None,
        columns: Sequence[str] = (),
        limit: int | None = None,
        everywhere: bool = False,
    ) -> DataFrame:
        """Return the runs as a pandas frame, one row a run, the newest first; as ``xvc ls``.

        ``id`` comes first, then what all runs have, then every metric and param. A key that is
        both is there as ``metrics.key`` and ``params.key``. ``started`` is a time, in UTC.

        Args:
            where: which runs, as in ``accuracy > 0.9 and lr < 0.1``.
            sort: the key that orders them, the better end first; ``lr:asc`` says which way.
            columns: these keys and no others.
            limit: how many at most; None is all.
            everywhere: the runs of all work trees, removed ones too.

        Raises:
            BadExpression: *where* cannot be read.
            BadValue: no run has a key that is named.
        """
        from xvc.runs.list import ListRequest, run_table, runs

        request = ListRequest(
            sort=sort,
            where=where,
            group=None,
            limit=limit,
            everywhere=everywhere,
            columns=tuple(columns),
        )
        with self._project() as project:
            return _frame(run_table(runs(project, request), request.columns), times=("started",))

    def show(self, reference: str = "@") -> RunRecord:
        """Return all that is known of one run; as ``xvc show``.

        Raises:
            NoRun: no run answers to *reference*.
            AmbiguousRun: several do.
        """
        from xvc.history.find import find

        with self._project() as project:
            return find(project, [reference])[0].record

    def compare(self, *references: str) -> Compared:
        """Return how runs differ from the first of them; as ``xvc compare``.

        ``.comparison`` has the params, metrics, data, packages and files of code.

        Raises:
            TooFew: fewer than two were named.
            NoRun: no run answers to one of them.
        """
        from xvc.runs.compare import compare

        with self._project() as project:
            return compare(project, references)

    def versions(
        self, where: str | None = None, *, sort: str | None = None, limit: int | None = None
    ) -> DataFrame:
        """Return the versions as a pandas frame, the newest first; as ``xvc log``.

        Read from the tags alone. After ``version``, ``run``, ``commit``, ``made`` and ``subject``
        come ``metrics.key`` and ``params.key``.

        Raises:
            BadExpression: *where* cannot be read.
            BadValue: no version has the key of *sort*.
        """
        from xvc.runs.list import ListRequest, log

        with self._project() as project:
            found, _ = log(project, ListRequest(sort, where, None, limit))
            return _frame(_version_table(found), times=("made",))

    def models(self, name: str | None = None, *, by: str | None = None) -> DataFrame:
        """Return candidates and what is in which stage as a pandas frame; as ``xvc model list``.

        Args:
            name: only the models of this name.
            by: best first by ``METRIC``, ``METRIC:max`` or ``METRIC:min``.

        Raises:
            NoDirection: nothing says which way the metric is better.
        """
        from xvc.models.list import list_models
        from xvc.store.table_queries import Grid

        with self._project() as project:
            rows = [
                (each.name, each.id, each.version, list(each.stages), each.file.digest)
                for each in list_models(project, name, by)
            ]
            return _frame(Grid(("name", "run", "version", "stages", "digest"), tuple(rows)))

    def sql(self, question: str, *, limit: int | None = None) -> DataFrame:
        """Return the answer to a question in SQL as a pandas frame; as ``xvc db sql``.

        The tables are ``runs``, ``events`` and those that were named in ``Tracker(table=…)``,
        rows that are still in journals included. Nothing can be changed.

        Raises:
            BadQuery: DuckDB cannot run it.
            WriteRefused: it would change something, or is not one question.
        """
        from xvc.database.queries import asked

        with self._project() as project:
            return _frame(asked(project, question, limit))

    def status(self) -> ProjectStatus:
        """Return what is recorded, and what no version holds yet; as ``xvc status``."""
        from xvc.setup.status import status

        with self._project() as project:
            return status(project)

    def tag(
        self,
        version: str = "patch",
        *,
        run: str | None = None,
        message: str | None = None,
        commit: bool = False,
        incomplete: bool = False,
        dry_run: bool = False,
    ) -> Tagged:
        """Give a run a version; as ``xvc tag``.

        Args:
            version: ``major``, ``minor`` or ``patch``, or a version like ``e1.4.0``.
            run: which run; None is the last one that finished.
            message: a line about it.
            commit: whether the run's code goes to the branch first.
            incomplete: whether what no longer is held of the run may be missing.
            dry_run: only say what would be done.

        Raises:
            NoProject: git or DVC is missing here.
            NothingFinished: no run was named, and none has finished.
            TreeDiffers: the code in the tree is not what the run used.
            CodeIncomplete, DataDiffers: not all that the run used is held.
            TagTaken: the version exists.
        """
        from xvc.runs.versioning import tag_run
        from xvc.versions.tag import TagRequest

        request = TagRequest.named(
            version, run=run, text=message, commit=commit, incomplete=incomplete, dry_run=dry_run
        )
        with self._project() as project:
            return tag_run(project, request)

    def get(
        self,
        reference: str,
        path: StrPath,
        out: StrPath | None = None,
        *,
        replace: bool = False,
    ) -> Got:
        """Write a file or folder as a version or run had it; as ``xvc get``.

        Args:
            reference: the version or run.
            path: what it is called in the tree, or ``model:NAME``.
            out: where to; None is the same name, in the folder that was opened.
            replace: whether what is there may go.

        Raises:
            NoFile: it had none of that name.
            NoObject: the bytes are neither in the cache nor on the DVC remote.
        """
        from xvc.versions.get import MODEL, get

        wanted = Path(path)
        target = out or wanted.name.removeprefix(MODEL) or "copy"
        with self._project() as project:
            place = self.folder / target
            return get(project, reference, self.folder / wanted, place, replace=replace)

    def checkout(self, reference: str, *, path: StrPath | None = None) -> CheckedOut:
        """Make a disposable tree of a version or run; as ``xvc checkout``.

        Raises:
            NoRun: no run answers to *reference*.
        """
        from xvc.versions.checkout import checkout

        with self._project() as project:
            return checkout(project, reference, path=None if path is None else self.folder / path)

    def merge(
        self,
        *sources: str,
        missing: bool = False,
        prefer: Side | None = None,
        only: str | None = None,
        dry_run: bool = False,
    ) -> Merged:
        """Merge the stores of branches, work trees or people into this one; as ``xvc merge``.

        Where ``.undecided`` is not 0 the store is as it was, and `xvc merge --continue` waits for
        decisions.

        Args:
            sources: branches, versions, runs, ``worktree:NAME`` or store files.
            missing: merge the versions whose runs this store lacks, and name no source.
            prefer: whose value is taken where both sides changed one.
            only: for which conflicts that holds, as in ``table == 'runs'``.
            dry_run: only say what would be done.

        Raises:
            NoSource: a source has no store.
            MergeUnfinished: an earlier merge waits for decisions.
        """
        from xvc.merging.merge import Policy, merge

        if bool(sources) == missing:
            raise BadValue("merge", "name a source, or missing=True")
        policy = None if prefer is None else Policy.named(prefer, only)
        if policy is None and only is not None:
            raise BadValue("only", "say how: prefer='ours', 'theirs' or 'newest'")
        with self._project() as project:
            return merge(project, sources, policy=policy, dry_run=dry_run)

    def rebase(
        self,
        *sources: str,
        on: Sequence[str],
        table: str | None = None,
        takes_last: bool = False,
        dry_run: bool = False,
    ) -> Rebased:
        """Merge stores, their rows in the place of ours with the same key; as ``xvc rebase``.

        Args:
            sources: branches, versions, runs, ``worktree:NAME`` or store files.
            on: the key columns.
            table: the table; None is every one that has the keys.
            takes_last: whether of several incoming rows with one key the last is taken.
            dry_run: only say what would be done.

        Raises:
            NoSource: a source has no store.
        """
        from xvc.core.rebase import ReplaceRequest
        from xvc.merging.rebase import rebase

        if isinstance(on, str) or not on:
            raise BadValue("on", "name the key columns, as a list")
        wanted = ReplaceRequest(tuple(on), table, takes_last, None)
        with self._project() as project:
            return rebase(project, sources, wanted, dry_run=dry_run)

    def add_model(
        self, path: StrPath, *, run: str = "@", name: str | None = None
    ) -> AddedCandidate:
        """Keep a file or folder as a candidate, a model of a run; as ``xvc model add``.

        Raises:
            NoRun: no run answers to *run*.
        """
        from xvc.models.add import add_model

        with self._project() as project:
            return add_model(project, self.folder / path, run, name)

    def promote(
        self,
        reference: str,
        *,
        name: str | None = None,
        stage: str = "production",
        require: Sequence[str] = (),
        better_than: str | None = None,
        by: str | None = None,
        noise: bool = False,
        margin: float = 0.0,
        repeats: int | None = None,
        dry_run: bool = False,
    ) -> Promoted:
        """Put a run's model into a stage; as ``xvc model promote``.

        Args:
            reference: the version or run.
            name: which model; needed when the run has several.
            stage: where to.
            require: what must hold, as in ``["acc >= 0.9"]``.
            better_than: a stage, version or run that it must beat.
            by: the metric that compares.
            noise: whether better means beyond the noise of the repeats.
            margin: by how much it must be better.
            repeats: how many repeats it must have.
            dry_run: only say what would be done.

        Raises:
            GatesNotMet: a condition does not hold.
            NoModel: the run has no such model.
        """
        from xvc.models.promote import Promotion
        from xvc.runs.gate import promote_gated

        if isinstance(require, str):
            raise BadValue("require", "name the conditions as a list")
        wanted = Promotion(
            reference=reference,
            name=name,
            stage=stage,
            require=tuple(require),
            better_than=better_than,
            by=by,
            dry_run=dry_run,
        )
        with self._project() as project:
            return promote_gated(project, wanted, is_noisy=noise, margin=margin, repeats=repeats)

    def rollback(
        self,
        name: str | None = None,
        *,
        stage: str = "production",
        to: str | None = None,
        dry_run: bool = False,
    ) -> Promoted:
        """Put back what was in a stage before; as ``xvc model rollback``.

        Raises:
            NothingBefore: nothing was there before.
        """
        from xvc.models.rollback import rollback

        with self._project() as project:
            return rollback(project, name, stage=stage, to=to, dry_run=dry_run)

    def push(
        self,
        remote: str | None = None,
        *,
        dvc_remote: str | None = None,
        runs: bool = False,
        dry_run: bool = False,
    ) -> Pushed:
        """Push this branch and all versions, after their data has arrived; as ``xvc push``.

        Args:
            remote: git's; None is the branch's own, or the only one.
            dvc_remote: DVC's; None is the default one.
            runs: whether the code of runs without a version goes, too.
            dry_run: only say what would be done.

        Raises:
            ObjectsNowhere: bytes that a version needs are neither here nor on the remote.
        """
        from xvc.sharing.push import PushRequest, push

        with self._project() as project:
            return push(project, PushRequest(remote, dvc_remote, runs, dry_run), _say_nothing)

    def pull(
        self,
        remote: str | None = None,
        *,
        dvc_remote: str | None = None,
        runs: bool = False,
        everything: bool = False,
    ) -> Pulled:
        """Bring what was pushed: branches, versions, stores, data; as ``xvc pull``.

        Args:
            remote: git's; None is the branch's own, or the only one.
            dvc_remote: DVC's; None is the default one.
            runs: whether the code of runs without a version comes, too.
            everything: the data of every version, not only this branch's.

        Raises:
            Diverged: the branch here and there have parted.
        """
        from xvc.sharing.pull import PullRequest, pull

        with self._project() as project:
            return pull(project, PullRequest(remote, dvc_remote, runs, everything), _say_nothing)

    def worktrees(self) -> list[TreeInfo]:
        """Return the work trees, and what each has that no version holds.

        As ``xvc worktree list``.
        """
        from xvc.worktrees.list import list_trees

        with self._project() as project:
            return list_trees(project)

    def undo(self, *, dry_run: bool = False) -> Undone:
        """Take back the last change of the store; as ``xvc undo --yes``.

        Raises:
            NothingToUndo: nothing was changed.
        """
        from xvc.recovery.undo import undo

        with self._project() as project:
            return undo(project, dry_run=dry_run)

    @contextmanager
    def _project(self) -> Iterator[Project]:
        """Find the project anew; what its store says on the way is warned of."""
        from xvc.project import Project  # late: loads yaml, and the package is imported for less

        project = Project.find(self.folder, os.environ)
        yield project
        for said in vars(project)["keeper"].warnings if "keeper" in vars(project) else ():
            warnings.warn(said, UserWarning, stacklevel=4)


def _say_nothing(text: str) -> None:
    """Take a progress line and drop it."""


def _version_table(found: Sequence[VersionInfo]) -> Grid:
    from xvc.store.table_queries import Grid

    values: list[Mapping[str, Json]] = [
        {
            **{f"metrics.{key}": value for key, value in info.message.metrics.items()},
            **{f"params.{key}": value for key, value in info.message.params.items()},
        }
        for info in found
    ]
    keys = tuple(dict.fromkeys(key for each in values for key in each))
    rows = (
        (*_facts(info), *(each.get(key) for key in keys))
        for info, each in zip(found, values, strict=True)
    )
    return Grid((*_FACTS, *keys), tuple(rows))


def _facts(info: VersionInfo) -> tuple[Json, ...]:
    said = info.message
    return (info.name, said.run, info.commit, instant(info.at * 10**9), said.subject)


def _frame(table: Grid, times: Sequence[str] = ()) -> DataFrame:
    from xvc.store.frames import from_grid

    return from_grid(table.columns, table.rows, times)
