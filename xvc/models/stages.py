"""Which model was in which stage when: one annotated tag for each change, with its evidence.

Pure: text in, text out. A tag that GTO or a person made has no evidence and counts all the same;
a damaged line counts as absent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields

from xvc.core.commit_subject import headline
from xvc.core.json_values import from_plain, to_plain
from xvc.core.model import stage_tag
from xvc.types import Json

_TAG = re.compile(
    r"(?:(?P<folder>[A-Za-z0-9_./-]+)=)?"
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9_/-]*)#(?P<stage>[A-Za-z0-9][A-Za-z0-9_/-]*)"
    r"(?P<away>!?)(?:#(?P<number>[0-9]{1,18}))"
)
_TRAILER = re.compile(r"Xvc-([A-Za-z]+): (.*)")
ROLLBACK = "rollback"
PROMOTE = "promote"


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition of a promotion: as it was asked, what was found, whether it held."""

    asked: str
    found: str
    is_met: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a model is in a stage.

    ``previous`` is the version that was there before, ``by`` who put this one there, ``digest`` and
    ``size`` (bytes) those of the model's folder.
    """

    model: str = ""
    stage: str = ""
    action: str = ""
    version: str = ""
    run: str = ""
    digest: str = ""
    size: int = 0
    previous: str = ""
    by: str = ""
    metrics: Mapping[str, Json] = field(default_factory=dict)
    gates: tuple[Gate, ...] = ()

    def render(self, line: str = "") -> str:
        """Return the tag's message: *line* for people, the facts for xvc.

        >>> told = Evidence(model="digits", stage="production", action="promote", version="e1.4.0")
        >>> print(told.render("acc=0.9"))
        digits e1.4.0 into production | acc=0.9
        <BLANKLINE>
        Xvc-Model: "digits"
        Xvc-Stage: "production"
        Xvc-Action: "promote"
        Xvc-Version: "e1.4.0"
        <BLANKLINE>
        """
        how = "back into" if self.action == ROLLBACK else "into"
        said = headline(f"{self.model} {self.version} {how} {self.stage}{' | ' * bool(line)}{line}")
        facts = {name: fact for name, fact in asdict(self).items() if fact}
        lines = [f"Xvc-{name.capitalize()}: {_written(fact)}" for name, fact in facts.items()]
        return "\n".join([said, "", *lines, ""])

    @classmethod
    def parse(cls, message: str) -> Evidence:
        """Read a tag's message; total."""
        known = {part.name: type(getattr(cls(), part.name)) for part in fields(cls)}
        facts: dict[str, object] = {}
        for line in message.splitlines():
            found = _TRAILER.fullmatch(line)
            if found is None or (name := found[1].lower()) not in known:
                continue
            value = _read(found[2])
            kept = _gates(value) if name == "gates" else value
            if isinstance(kept, known[name]):
                facts.setdefault(name, kept)
        return cls(**facts)  # type: ignore[arg-type]


def _written(fact: object) -> str:
    return json.dumps(to_plain(fact), sort_keys=True, allow_nan=False)  # ASCII: it stays a line


def _read(text: str) -> object:
    try:
        return from_plain(json.loads(text))
    except (ValueError, TypeError, RecursionError):  # edited by hand
        return None


def _gates(value: object) -> tuple[Gate, ...]:
    listed = value if isinstance(value, list) else []
    return tuple(
        Gate(str(each["asked"]), str(each["found"]), each["is_met"] is True)
        for each in listed
        if isinstance(each, dict) and {"asked", "found", "is_met"} <= each.keys()
    )


@dataclass(frozen=True, slots=True)
class Assignment:
    """One change of a stage, the *number*-th of its model; ``at`` in seconds since the epoch.

    ``is_away`` tells that nothing was put in the stage: the model was taken out. ``folder`` is that
    of the dvc.yaml that names the model, as the tag says it.
    """

    name: str
    stage: str
    number: int
    commit: str
    at: int
    evidence: Evidence
    is_away: bool = False
    folder: str = ""

    @property
    def tag(self) -> str:
        """The tag's name."""
        return stage_tag(self.name, self.stage, self.number, self.folder, is_away=self.is_away)


def read_assignment(tag: str, commit: str, at: int, message: str) -> Assignment | None:
    """Read a tag; None when it is no change of a stage.

    >>> read_assignment("digits#production#3", "c0ffee", 0, "by hand").stage
    'production'
    """
    found = _TAG.fullmatch(tag)
    if found is None:
        return None
    name, stage, number = found["name"], found["stage"], int(found["number"])
    evidence = Evidence.parse(message)
    return Assignment(
        name=name,
        stage=stage,
        number=number,
        commit=commit,
        at=at,
        evidence=evidence,
        is_away=bool(found["away"]),
        folder=found["folder"] or "",
    )


def current(history: Iterable[Assignment], name: str, stage: str) -> Assignment | None:
    """Return what is in a stage now; None when nothing is."""
    of_stage = [each for each in history if (each.name, each.stage) == (name, stage)]
    last = max(of_stage, key=lambda each: each.number, default=None)
    return None if last is None or last.is_away else last


def next_number(history: Iterable[Assignment], name: str) -> int:
    """Return the number of a model's next change, whatever the stage."""
    return max((each.number for each in history if each.name == name), default=0) + 1


def before_current(history: Iterable[Assignment], name: str, stage: str) -> Assignment | None:
    """Return what a rollback brings back; each rollback goes one further back.

    So after a, b, c and a rollback to b, the next one brings a, not the c that was a mistake.
    """
    stack: list[Assignment] = []
    of_stage = [each for each in history if (each.name, each.stage) == (name, stage)]
    for each in sorted(of_stage, key=lambda each: each.number):
        if each.is_away:
            continue
        known = [place for place, held in enumerate(stack) if _is_same(held, each)]
        if each.evidence.action == ROLLBACK and known:
            del stack[known[-1] + 1 :]
        elif not stack or not _is_same(stack[-1], each):
            stack.append(each)
    return stack[-2] if len(stack) > 1 else None


def _is_same(one: Assignment, other: Assignment) -> bool:
    if one.evidence.digest and other.evidence.digest:
        return one.evidence.digest == other.evidence.digest
    return one.commit == other.commit


def of_model(history: Sequence[Assignment], name: str) -> list[Assignment]:
    """List the changes of a model's stages, newest first."""
    found = [each for each in history if each.name == name]
    return sorted(found, key=lambda each: each.number, reverse=True)
