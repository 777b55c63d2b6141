"""The ``artifacts:`` section of dvc.yaml, changed as text so that all else stays as it was written.

What was changed is read back: a file whose shape is another than blocks of lines is refused, not
rewritten.
"""

from __future__ import annotations

import re

from xvc.dvc.repository import load_yaml
from xvc.errors import ConflictError
from xvc.types import Json

FILE = "dvc.yaml"
_SECTION = re.compile(r"^artifacts:[ \t]*(?:#.*)?$", re.MULTILINE)


class ArtifactsByHand(ConflictError):
    """The artifacts of dvc.yaml are written in a way that xvc does not change."""

    code = "artifacts-by-hand"

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name, path)
        self.name, self.path = name, path

    def __str__(self) -> str:
        return f"dvc.yaml has artifacts in a form in which {self.name} cannot be put"

    @property
    def hint(self) -> str:
        """Says what to write."""
        return (
            f"Write it by hand and commit it: `artifacts:`, below it `{self.name}:`, below that "
            f"`path: {self.path}` and `type: model`, each on a line of its own."
        )


def with_artifact(text: str, name: str, path: str) -> str:
    """Return dvc.yaml with an artifact of that path; other keys of it, and the rest, stay.

    >>> print(with_artifact("", "digits", "models/production/digits"), end="")
    artifacts:
      digits:
        path: models/production/digits
        type: model

    Raises:
        ArtifactsByHand: the section has another shape than lines.
        PointerCorrupt: the file is no YAML.
        Unresolved: it holds merge marks.
    """
    before = _held(text)
    artifacts = before.get("artifacts") or {}
    known = artifacts.get(name) if isinstance(artifacts, dict) else None
    if isinstance(known, dict) and known.get("path") == path:
        return text
    fresh = _changed(text, name, path, is_known=known is not None)
    entry = {**(known if isinstance(known, dict) else {"type": "model"}), "path": path}
    if not isinstance(artifacts, dict) or _held(fresh) != {
        **before,
        "artifacts": {**artifacts, name: entry},
    }:
        raise ArtifactsByHand(name, path)
    return fresh


def is_same_pipeline(old: bytes | None, new: bytes | None) -> bool:
    """Whether two texts of dvc.yaml differ in their artifacts only.

    >>> is_same_pipeline(None, b"artifacts: {digits: {path: models/production/digits}}")
    True
    """
    pair = [_held((text or b"").decode("utf-8", "replace")) for text in (old, new)]
    one, other = ({k: v for k, v in held.items() if k != "artifacts"} for held in pair)
    return one == other


def _held(text: str) -> dict[str, Json]:
    held = load_yaml(text, FILE)
    return held if isinstance(held, dict) else {}


def _changed(text: str, name: str, path: str, *, is_known: bool) -> str:
    section = _SECTION.search(text)
    if section is None:
        joint = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{joint}artifacts:\n{_entry('  ', name, path)}"
    head, rest = text[: section.end()], text[section.end() :]
    if is_known:
        own = re.compile(
            rf"(^[ ]+['\"]?{re.escape(name)}['\"]?:[ ]*\n(?:[ ]+.*\n)*?[ ]+path:[ ]*).*$", re.M
        )
        return head + own.sub(lambda found: found[1] + path, rest, count=1)
    indent = re.match(r"(?:\s*(?:#.*)?\n)*([ ]+)", rest)
    rest = rest.removeprefix("\n")
    return f"{head}\n{_entry(indent[1] if indent else '  ', name, path)}{rest}"


def _entry(indent: str, name: str, path: str) -> str:
    return f"{indent}{name}:\n{indent * 2}path: {path}\n{indent * 2}type: model\n"
