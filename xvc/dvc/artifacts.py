"""The ``artifacts:`` section of dvc.yaml, changed so that all else stays as it was written."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from typing import Any

from xvc.dvc.pipeline import FILE, load
from xvc.errors import ConflictError, XvcError, error
from xvc.system.yaml_text import edit_yaml
from xvc.types import Json


@error("artifacts-by-hand")
class ArtifactsByHand(ConflictError):
    """The artifacts of dvc.yaml are written in a way that xvc does not change."""

    name: str
    path: str
    says = "dvc.yaml has artifacts in a form in which {name} cannot be put"
    way = (
        "Write it by hand and commit it: `artifacts:`, below it `{name}:`, below that `path: "
        "{path}` and `type: model`, each on a line of its own."
    )


def without_artifacts(content: bytes) -> bytes:
    """Return what dvc.yaml says beside its artifacts, as JSON; nothing where that is all.

    What is no YAML stays as it is.

    >>> without_artifacts(b"artifacts: {net: {path: models/production/net}}")
    b''
    """
    try:
        held = load(content, FILE)
    except XvcError:
        return content
    if not isinstance(held, dict):
        return content
    rest = {key: value for key, value in held.items() if key != "artifacts"}
    return json.dumps(rest, sort_keys=True, default=str).encode() if rest else b""


def with_artifact(text: str, name: str, path: str) -> str:
    """Return dvc.yaml with an artifact of that path; other keys of it, and the rest, stay.

    >>> print(with_artifact("", "digits", "models/production/digits"), end="")
    artifacts:
      digits:
        path: models/production/digits
        type: model

    Raises:
        ArtifactsByHand: the section is no mapping of names.
        PointerCorrupt: the file is no YAML.
        Unresolved: it holds merge marks.
    """
    artifacts = _held(text).get("artifacts") or {}
    known = artifacts.get(name) if isinstance(artifacts, dict) else None
    if isinstance(known, dict) and known.get("path") == path:
        return text
    if not isinstance(artifacts, dict):
        raise ArtifactsByHand(name, path)

    def change(held: MutableMapping[str, Any]) -> None:
        if not held.get("artifacts"):
            held["artifacts"] = {}
        entry = held["artifacts"].get(name)
        if isinstance(entry, dict):
            entry["path"] = path
        else:
            held["artifacts"][name] = {"path": path, "type": "model"}

    return edit_yaml(text, change)


def is_same_pipeline(old: bytes | None, new: bytes | None) -> bool:
    """Whether two texts of dvc.yaml differ in their artifacts only.

    >>> is_same_pipeline(None, b"artifacts: {digits: {path: models/production/digits}}")
    True
    """
    pair = [_held(text or b"") for text in (old, new)]
    one, other = ({k: v for k, v in held.items() if k != "artifacts"} for held in pair)
    return one == other


def _held(text: str | bytes) -> dict[str, Json]:
    held = load(text, FILE)
    return held if isinstance(held, dict) else {}
