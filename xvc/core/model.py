"""Models by name: where candidates and stages lie, and how their tags are called.

Pure values. Names follow the grammar of GTO's tags, so that its tools read ours; what could not
stand in a tag or as a folder is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from xvc.core.ids import is_run_id
from xvc.core.late_pattern import late
from xvc.core.version import Version
from xvc.errors import BadValue
from xvc.types import RunId

ROOT = "models"
CANDIDATES = "candidates"
PRODUCTION = "production"
RESULTS = (f"{ROOT}/{CANDIDATES}/", f"{ROOT}/{PRODUCTION}/")
"""What lies here is never code of a run, nor data that it reads."""
TABLE = "models"
"""The table of the store that has a row for each promotion and rollback."""

_NAME = late(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
_UNFIT = late(r"[^A-Za-z0-9_-]+")
_LONGEST = 100
_FOLDER = late(
    r"(?!.*(?:\.\.|\.(?:lock)?(?:/|$)))[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*"
)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """What a run leaves as a model: the path as it was typed, and the model's name."""

    path: str
    name: str

    @classmethod
    def parse(cls, text: str) -> ModelFile:
        """Read ``PATH[:NAME]``; without a name the file's own counts.

        >>> ModelFile.parse("out/model.pkl:digits"), ModelFile.parse("out/my net.onnx").name
        (ModelFile(path='out/model.pkl', name='digits'), 'my-net')

        Raises:
            BadValue: there is no path, or the name is none.
        """
        path, colon, name = text.rpartition(":")
        if not colon or "/" in name:
            path, name = text, ""
        if not path:
            raise BadValue("--model", f"{text!r} is not PATH or PATH:NAME")
        return cls(path, check_name(name or name_of(path)))


def name_of(path: str) -> str:
    """Make a model's name from its path.

    >>> name_of("out/resnet_50.v2.onnx")
    'resnet_50-v2'
    """
    return _UNFIT.sub("-", PurePosixPath(path).stem).strip("-_")


def check_name(name: str, what: str = "NAME") -> str:
    """Return the name of a model or stage.

    Raises:
        BadValue: it does not begin and end with a letter or digit, with ``-`` and ``_`` between.
    """
    if _NAME.fullmatch(name) is None or len(name) > _LONGEST:
        raise BadValue(what, f"{name!r} is not letters, digits, - and _, as in resnet-50")
    return name


def check_stage(stage: str) -> str:
    """Return the name of a stage.

    Raises:
        BadValue: it is no name, or the one that candidates have.
    """
    if stage == CANDIDATES:
        raise BadValue("--stage", "candidates is where models are before they are in any stage")
    return check_name(stage, "--stage")


def candidate_path(name: str, run: RunId) -> str:
    """Name the folder of a candidate, from the project's root.

    >>> candidate_path("digits", RunId("k7f3m2q9x1b4"))
    'models/candidates/digits/k7f3m2q9x1b4'
    """
    return f"{ROOT}/{CANDIDATES}/{name}/{run}"


def stage_path(stage: str, name: str) -> str:
    """Name the folder of the model that is in a stage.

    >>> stage_path("production", "digits")
    'models/production/digits'
    """
    return f"{ROOT}/{stage}/{name}"


def candidate_of(path: str) -> tuple[str, RunId] | None:
    """Read a candidate's name and run from its folder; None for any other path."""
    parts = path.split("/")
    if len(parts) != 4 or parts[:2] != [ROOT, CANDIDATES] or not is_run_id(parts[3]):
        return None
    return (parts[2], RunId(parts[3])) if _NAME.fullmatch(parts[2]) else None


def ignore_file(path: str) -> tuple[str, bytes]:
    """Name the file by which git ignores a model's folder, and what it says: never its pointer.

    It says the same for all models, so that two branches that add models do not conflict. DVC
    looks for pointers by an ignore library that reads ``/*/*/`` as the folder above, too.
    """
    return f"{PurePosixPath(path).parent}/.gitignore", b"/*/\n"


def tag_folder(folder: str) -> str:
    """Return the folder of a dvc.yaml, from the top, as tags of its models name it.

    It is empty at the top, and for a folder that neither GTO nor a tag can name.

    >>> tag_folder("."), tag_folder("nets/vision"), tag_folder("my nets")
    ('', 'nets/vision', '')
    """
    return folder if _FOLDER.fullmatch(folder) else ""


def version_tag(name: str, version: Version, folder: str = "") -> str:
    """Name the tag by which GTO knows a version of a model, below a *folder* or at the top.

    >>> version_tag("digits", Version(1, 4, 0)), version_tag("digits", Version(1, 4, 0), "nets")
    ('digits@v1.4.0', 'nets=digits@v1.4.0')
    """
    return f"{_prefix(folder)}{name}@{version.name('v')}"


def stage_tag(
    name: str, stage: str, number: int, folder: str = "", *, is_away: bool = False
) -> str:
    """Name the tag that puts a model into a stage, or takes it out.

    >>> stage_tag("digits", "production", 3), stage_tag("digits", "production", 3, "nets")
    ('digits#production#3', 'nets=digits#production#3')
    """
    return f"{_prefix(folder)}{name}#{stage}{'!' * is_away}#{number}"


def _prefix(folder: str) -> str:
    return f"{folder}=" if folder else ""
