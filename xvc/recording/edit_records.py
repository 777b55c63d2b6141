"""Changing what was logged: what may be changed, and the record that says so.

Shared by the command line's flows and by Tracker and Reader. Writes records, never the store.
"""

from __future__ import annotations

from collections.abc import Sequence

from xvc.core.edit import Edit, facts_of_edit
from xvc.core.run import RunRecord, Status
from xvc.core.tag_message import TagMessage
from xvc.core.version import Version
from xvc.errors import BadVersion, ConflictError, error
from xvc.project import Project
from xvc.recording.begin_run import open_journal


@error("run-versioned")
class RunVersioned(ConflictError):
    """A run that is to be deleted is what a version stands for."""

    run: str
    version: str
    says = "run {run} is version {version}"
    way = (
        "Insist with --force (`force=True` in Python); {version}, its code and the store it holds "
        "stay as they are."
    )


@error("run-goes-on")
class RunGoesOn(ConflictError):
    """A run that is to be deleted has not ended."""

    run: str
    says = "run {run} still goes on"
    way = "Wait for its end; with --force (`force=True`) what it logs from now on is hidden too."


def refuse_needed(project: Project, runs: Sequence[RunRecord]) -> None:
    """Look whether runs may be deleted.

    Raises:
        RunGoesOn: one has not ended.
        RunVersioned: a version names one.
    """
    for run in runs:
        if run.status is Status.RUNNING:
            raise RunGoesOn(run.id)
    if project.place is None:
        return
    prefix = project.settings.tag_prefix
    ids = {run.id for run in runs}
    for tag in project.git.tags(prefix):
        named = TagMessage.parse(tag.message).run
        if named in ids and _is_version(tag.name, prefix):
            raise RunVersioned(named, tag.name)


def _is_version(name: str, prefix: str) -> bool:
    try:
        Version.parse(name, prefix)
    except BadVersion:
        return False
    return True


def write_down(project: Project, *edits: Edit) -> list[str]:
    """Record edits and put them on the disk; returns their ids.

    Raises:
        JournalFailed: the disk refused.
    """
    journal = open_journal(project)
    try:
        return [str(journal.note(edit.kind, None, facts_of_edit(edit))) for edit in edits]
    finally:
        journal.close()
