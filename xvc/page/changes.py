"""What the page changes, by the functions of the commands that do; each can be undone as there."""

from __future__ import annotations

from collections.abc import Callable

from xvc.core.run import DISCARDED, KEPT
from xvc.errors import BadValue
from xvc.page.answers import Answers, Asked
from xvc.page.subjects import CHANGES


class Changes:
    """The changes that a visitor may ask for, by name."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._known: dict[str, Callable[[Asked], object]] = {
            "tag": self._tag,
            "undo": self._undo,
            "note": self._note,
            "keep": lambda asked: self._decide(asked, KEPT),
            "discard": lambda asked: self._decide(asked, DISCARDED),
        }

    def named(self, name: str) -> Callable[[Asked], object]:
        """Find a change; one that does not exist refuses when it is called."""
        if name in CHANGES:
            return lambda asked: CHANGES[name](self._answers.project(), asked)
        return self._known.get(name, lambda asked: _unknown(name))

    def _tag(self, asked: Asked) -> object:
        from xvc.versions.tag import TagRequest, tag  # late: a page that only looks needs none

        request = TagRequest.named(
            asked.get("version", "patch"), run=asked.get("run"), text=asked.get("message") or None
        )
        return {"version": str(tag(self._answers.project(), request).name)}

    def _note(self, asked: Asked) -> object:
        from xvc.database.annotate import Saying, say  # late: as above

        said = say(self._answers.project(), _runs(asked), Saying(note=asked.get("note", "")))
        return {"runs": len(said.runs), "operation": said.operation}

    def _decide(self, asked: Asked, what: str) -> object:
        from xvc.database.annotate import decide  # late: as above

        said = decide(self._answers.project(), _runs(asked), what, asked.get("reason") or None)
        return {"runs": len(said.runs), "operation": said.operation}

    def _undo(self, asked: Asked) -> object:
        from xvc.recovery.undo import undo  # late: as above

        done = undo(self._answers.project(), only=asked.get("operation") or None)
        return {"command": done.command, "what": done.what}


def _runs(asked: Asked) -> list[str]:
    return [run for run in asked.get("runs", "").split(",") if run]


def _unknown(name: str) -> object:
    raise BadValue("change", f"there is no change {name!r}")
