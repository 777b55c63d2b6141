"""Reading one event table: frames, single columns, counts, SQL. Shared by Tracker and Reader."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.types import RunId

if TYPE_CHECKING:
    from pandas import DataFrame

    from xvc.project import Project
    from xvc.store.keeper import Keeper


class Rows:
    """The rows of one event table of one store."""

    table: str
    track_id: RunId
    _store: Path
    _root: Path

    def _project(self) -> Project:
        from xvc.project import Project  # late: reading is not what logging should pay for

        project = Project.find(self._root, os.environ)
        if project.store_path != self._store:
            project = Project.find(self._root, os.environ, {"database": str(self._store)})
        return project

    @property
    def _keeper(self) -> Keeper:
        return self._project().keeper

    def to_df(self, *, all: bool = False) -> DataFrame:  # noqa: A002 - the word users know
        """Return the rows of this run, or of all runs, as a pandas frame, oldest first."""
        from xvc.frame import to_pandas
        from xvc.store.query import selection

        with self._keeper.view() as connection:
            question = selection(connection, self.table, None if all else self.track_id)
            return to_pandas(connection, *question)

    def __bool__(self) -> bool:
        """True: a tracker without rows is a tracker."""
        return True

    def __len__(self) -> int:
        """How many rows this run has in the table."""
        from xvc.store.query import rows_of

        with self._keeper.view() as connection:
            return rows_of(connection, self.table, self.track_id)

    def __getitem__(self, key: str) -> list[object]:
        """The values of one key in this run's rows, oldest first; None where a row lacks it.

        Raises:
            KeyError: no row has the key.
        """
        from xvc.store.query import values_of

        with self._keeper.view() as connection:
            return values_of(connection, self.table, self.track_id, key)
