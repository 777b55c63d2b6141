"""Files of objects: pictures of figures, tables of frames, texts, pickles of anything else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xvc.core.json_values import to_plain
from xvc.errors import BadValue
from xvc.system import pickling
from xvc.system.files import write_durably


def write_artifact(thing: object, target: Path) -> Path:
    """Write *thing* to a file; what the file is called decides how, where there is a choice.

    A path is copied. A figure of matplotlib or plotly, or what has one (axes, a display of
    scikit-learn), becomes a picture (or HTML), a frame CSV or Parquet, text a text file, bytes a
    file of them, plain values JSON where the name says so or YAML; anything else is pickled and
    read back.

    Returns:
        where it lies.

    Raises:
        BadValue: the object cannot be pickled, or not read back.
        FileNotFoundError: *thing* is a path with nothing at it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for is_such, write in _WAYS:
        if is_such(thing, target):
            write(thing, target)
            return target
    _pickle(thing, target)
    return target


def _is_pickle(target: Path) -> bool:
    return target.suffix in (".pkl", ".pickle", ".joblib")


def _figure_of(thing: object) -> Any:
    """Return the figure of matplotlib that it is, or that it has: axes, a display."""
    for found in (thing, getattr(thing, "figure_", None), getattr(thing, "figure", None)):
        if hasattr(found, "savefig"):
            return found
    return None


def _write_figure(thing: object, target: Path) -> None:
    _figure_of(thing).savefig(target, bbox_inches="tight")


def _write_plain(values: object, target: Path) -> None:
    text = json.dumps(to_plain(values), indent=2, ensure_ascii=False, default=str)
    write_durably(target, f"{text}\n".encode(errors="backslashreplace"))  # JSON is YAML, too


def _write_plotly(figure: object, target: Path) -> None:
    if target.suffix in (".html", ".htm"):
        figure.write_html(target)  # type: ignore[attr-defined]
    elif target.suffix == ".json":
        figure.write_json(target)  # type: ignore[attr-defined]
    else:
        figure.write_image(target)  # type: ignore[attr-defined]


def _write_frame(frame: object, target: Path) -> None:
    if hasattr(frame, "write_parquet"):  # polars
        write = frame.write_parquet if target.suffix == ".parquet" else frame.write_csv  # type: ignore[attr-defined]
    else:
        write = frame.to_parquet if target.suffix == ".parquet" else frame.to_csv  # type: ignore[attr-defined]
    write(target)


def _copy(path: object, target: Path) -> None:
    source = Path(str(path))
    if source.resolve() == target.resolve():
        return
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)


def _is_existing(thing: object, target: Path) -> bool:
    """A path object, or the text of a file's name: text of a file is named by no existing one."""
    if isinstance(thing, Path):
        return True
    return isinstance(thing, str) and "\n" not in thing and len(thing) < 1024 and _exists(thing)


def _exists(name: str) -> bool:
    try:
        return Path(name).exists() and name not in ("", ".", "..")
    except (OSError, ValueError):
        return False


def _pickle(thing: object, target: Path) -> None:
    """Pickle an object beside its place, read it back, and give it its name."""
    beside = target.with_name(f".{target.name}.part")
    try:
        with beside.open("wb") as file:
            pickling.dump(thing, file.write)
        with beside.open("rb") as file:
            pickling.load(file)
        beside.replace(target)
    except Exception as err:
        raise BadValue(target.name, f"cannot be kept as a pickle: {err}") from err
    finally:
        beside.unlink(missing_ok=True)


_Way = tuple[Callable[[object, Path], bool], Callable[[object, Path], None]]
_WAYS: tuple[_Way, ...] = (
    (lambda thing, target: _is_pickle(target), _pickle),
    (_is_existing, _copy),
    (
        lambda thing, target: isinstance(thing, str),
        lambda thing, target: write_durably(target, str(thing).encode(errors="surrogateescape")),
    ),
    (
        lambda thing, target: isinstance(thing, bytes),
        lambda thing, target: write_durably(target, thing if isinstance(thing, bytes) else b""),
    ),
    (
        lambda thing, target: (
            target.suffix in (".json", ".yaml", ".yml") and isinstance(thing, dict | list)
        ),
        _write_plain,
    ),
    (lambda thing, target: _figure_of(thing) is not None, _write_figure),
    (lambda thing, target: hasattr(thing, "write_image"), _write_plotly),
    (
        lambda thing, target: (
            target.suffix in (".csv", ".parquet")
            and (hasattr(thing, "to_csv") or hasattr(thing, "write_csv"))
        ),
        _write_frame,
    ),
)
