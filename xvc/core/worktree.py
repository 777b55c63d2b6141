"""Work trees for experiments: how they are named, what is remembered of one, what removing costs.

Pure values: no git, no files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum

from xvc.core.human_units import few_of
from xvc.errors import BadValue
from xvc.types import Json

PREFIX = "exp"
_NAMED = 10  # of each kind, so that a person sees what would be lost
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_name(name: str) -> str:
    """Return *name* when it can be one part of a branch's and of a folder's name.

    >>> check_name("deeper-net")
    'deeper-net'

    Raises:
        BadValue: it cannot.
    """
    is_shaped = _NAME.fullmatch(name) and ".." not in name and not name.endswith((".", ".lock"))
    if not is_shaped:
        reason = "letters, digits, '-', '_' and '.' only, a letter or digit first, at most 100"
        raise BadValue("the name of a work tree", f"{name!r} is none ({reason})")
    return name


def branch_of(name: str) -> str:
    """Name the branch of an experiment's tree.

    >>> branch_of("deeper"), folder_of("deeper")
    ('exp/deeper', 'exp-deeper')
    """
    return f"{PREFIX}/{name}"


def folder_of(name: str) -> str:
    """Name the folder of an experiment's tree, beside the main one."""
    return f"{PREFIX}-{name}"


class SetupStage(StrEnum):
    """How far a tree is: what a kill leaves behind is told by it."""

    MAKING = "making"
    READY = "ready"
    REMOVING = "removing"


@dataclass(frozen=True, slots=True)
class Record:
    """What is remembered of a tree that xvc made or adopted.

    ``base`` is the commit it began at; ``made_branch`` tells that the branch is xvc's to remove;
    ``tree`` is git's own name for it, empty before git has given one; ``is_disposable`` tells that
    it was made to look at something, and may go when nothing was done in it.
    """

    name: str
    path: str
    base: str
    branch: str | None = None
    made_branch: bool = False
    stage: SetupStage = SetupStage.MAKING
    since: int = 0
    tree: str = ""
    is_disposable: bool = False

    @property
    def facts(self) -> dict[str, Json]:
        """The same as JSON."""
        return {**asdict(self), "stage": self.stage.value}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Json]) -> Record:
        """Read what `facts` wrote; keys of a later xvc are passed over.

        Raises:
            KeyError: a key is missing.
            ValueError: the stage is unknown.
        """
        facts = {"is_disposable": False, **facts}  # an older note does not say it
        known = {each.name: facts[each.name] for each in fields(cls)}
        return cls(**{**known, "stage": SetupStage(str(known["stage"]))})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Losses:
    """What would be gone without a tree, each a list of names; a tag keeps its version."""

    rows: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """One sentence for each kind.

        >>> Losses(commits=("1a2b3c",), files=("a.py", "b.py")).sentences
        ('commits on no branch: 1a2b3c', 'uncommitted files: a.py, b.py')
        """
        kinds = {
            "rows in no version": self.rows,
            "stores that xvc did not leave so": self.stores,
            "commits on no branch": self.commits,
            "uncommitted files": self.files,
            "changed outputs that DVC does not hold": self.outputs,
        }
        return tuple(f"{kind}: {few_of(names, _NAMED)}" for kind, names in kinds.items() if names)

    def __bool__(self) -> bool:
        return bool(self.sentences)
