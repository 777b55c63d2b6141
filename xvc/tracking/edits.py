"""Changing what was logged: values set back in time, runs deleted. Shared by Tracker and Reader.

Each change is a record of a journal: it survives a kill as rows do, and nothing logged is lost by
it (`xvc.store.edits`).
"""

from __future__ import annotations

from xvc.core.edit import Edit
from xvc.core.record import RecordKind
from xvc.errors import NoRun
from xvc.journal.edit_builder import setting
from xvc.tracking.rows import Rows
from xvc.types import RunId


class Edits(Rows):
    """The rows of one event table, and how to change them."""

    def set_value(self, key: str, value: object, track_id: str | None = None) -> None:
        """Set a key in every row logged so far, back in time; a number is the run's metric, too.

        Args:
            key: one that rows have, or a new one.
            value: anything that `log` keeps.
            track_id: the run; None is a tracker's own, and for a reader of all runs every run.

        Raises:
            BadValue: the key or the value cannot be kept.
            JournalFailed: the disk refused; nothing was changed.

        >>> import os, tempfile
        >>> from xvc import Tracker
        >>> tracker = Tracker(os.path.join(tempfile.mkdtemp(), "t.duckdb"))
        >>> for loss in (0.5, 0.4):
        ...     _ = tracker.log({"loss": loss})
        >>> tracker.set_value("test_accuracy", 0.9)
        >>> tracker.values("test_accuracy")
        [0.9, 0.9]
        >>> tracker.close()
        """
        self._set(key, value, track_id, None)

    def set_where(
        self,
        key: str,
        value: object,
        where_key: str,
        where_value: object,
        track_id: str | None = None,
    ) -> None:
        """Set a key in the rows logged so far that hold *where_value* under *where_key*.

        Values are compared with their types: 1 is 1.0 and not True, None is a row without the key.

        Raises:
            BadValue: a key or value cannot be kept, or *where_value* is a list or a dict.
            JournalFailed: the disk refused; nothing was changed.
        """
        self._set(key, value, track_id, (where_key, where_value))

    def _set(
        self, key: str, value: object, track_id: str | None, where: tuple[str, object] | None
    ) -> None:
        run = self._own if track_id is None else RunId(track_id)
        edit = setting(self.table, key, value, run, where)
        self._record(edit)
        self._follow(edit, value)

    def delete_run(self, track_id: str, *, force: bool = False) -> None:
        """Take a run and all its rows, of every table, out of sight.

        The code, the versions and the DVC objects of the run stay; `xvc undo` brings back what
        `xvc db delete` took.

        Args:
            track_id: the whole id.
            force: whether a run that goes on, or that a version names, goes as well.

        Raises:
            NoRun: there is none of that id.
            RunGoesOn: it has not ended.
            RunVersioned: a version names it.
            JournalFailed: the disk refused; nothing was changed.
        """
        from xvc.recording.edit_records import (
            refuse_needed,  # late: deleting is rare, and opens DuckDB
        )
        from xvc.store.query import by_id

        project = self._project()
        with project.keeper.view() as connection:
            run = by_id(connection, RunId(track_id))
        if run is None:
            raise NoRun(track_id)
        if not force:
            refuse_needed(project, [run])
        self._record(Edit(RecordKind.DELETE, run=run.id))

    def _record(self, edit: Edit) -> None:
        """Write an edit down; who has a journal of its own writes there."""
        from xvc.recording.edit_records import write_down

        write_down(self._project(), edit)

    def _follow(self, edit: Edit, value: object) -> None:
        """Let what is remembered of the rows follow an edit."""
