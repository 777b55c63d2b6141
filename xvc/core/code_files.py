"""Which files that git does not track count as code of a run, and how those left out are told.

Pure, by names, sizes and times. Refuses to look into files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from xvc.core.human_units import counted
from xvc.core.late_pattern import late
from xvc.core.name_words import word_table

_JUNK = late(
    r"__pycache__|.*\.py[co]|\.?venv|\.?env|node_modules|\.(?:pytest|mypy|ruff)_cache|\.tox|\.nox"
    r"|\.ipynb_checkpoints|\.DS_Store|\.idea|\.vscode|.*\.egg-info|\.eggs|\.hypothesis|\.coverage"
    r"|\.git|\.cache|.*~|.*\.sw[op]"
)
_RECORDS = frozenset(
    ("mlruns", "wandb", ".aim", ".neptune", "lightning_logs", "tb_logs", "catboost_info", ".trash")
)
_GENERATED = late(r"_version\.py|.*_pb2(_grpc)?\.py")
_SOURCES = word_table(
    ".py .pyi .pyx .pxd .ipynb .sh .bash .zsh .r .rmd .jl .c .cc .cpp .cxx .cu .cuh .h .hpp .rs "
    ".go .java .scala .kt .js .ts .lua .m .sql .rb .pl .f90 "
    ".dvc .gitignore .gitattributes .dvcignore"
)
_NAMES = word_table("makefile dockerfile snakefile dvc.lock dvc.yaml xvc.yaml params.yaml")
_INSTALLED = "pyvenv.cfg"
_PACKAGES = "node_modules"
_MOST = 0.8  # the share of a folder that one folder in it has to have to be meant by it
_NAMED_APART = 5
MANY_FILES = 100
"""Of so many files of one folder the folder is looked at, and not each."""


def is_source(path: str) -> bool:
    """Whether a file is written by people: a script, or what tells git or DVC what to do.

    >>> is_source("lib/net.py"), is_source("Makefile"), is_source("out/model.pt")
    (True, True, False)
    """
    name = path.lower().rpartition("/")[2]
    _, dot, ending = name.rpartition(".")
    return name in _NAMES or (bool(dot) and dot + ending in _SOURCES)


def is_junk(path: str) -> bool:
    """Whether a path lies in what git ignores everywhere and no training reads.

    >>> is_junk("a/__pycache__/m.pyc"), is_junk("venv/"), is_junk("data/a.csv")
    (True, True, False)
    """
    return any(_JUNK.fullmatch(part) for part in path.split("/"))


def is_record(path: str) -> bool:
    """Whether a path lies in what another tracker keeps of its own runs.

    >>> is_record("mlruns/0/meta.yaml"), is_record("data/a.csv")
    (True, False)
    """
    return not _RECORDS.isdisjoint(path.split("/"))


def is_document(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path, or its last part, fits one of the patterns of the setting tag.ignore.

    >>> is_document("notes/RESULTS.md", ["*.md"]), is_document("train.py", ["*.md"])
    (True, False)
    """
    from fnmatch import fnmatchcase  # late: asked of few files

    names = (path, path.rpartition("/")[2])
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def is_generated(path: str) -> bool:
    """Whether a source file is made of others by a build: the version, messages of a protocol.

    >>> is_generated("pkg/_version.py"), is_generated("pkg/model.py")
    (True, False)
    """
    return _GENERATED.fullmatch(path.rpartition("/")[2]) is not None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much untracked code a snapshot takes: bytes a file, bytes and files in all.

    ``allowed`` are patterns of files that look like secrets and are none.
    """

    file_bytes: int
    total_bytes: int
    files: int
    allowed: tuple[str, ...] = ()


def installed_folders(paths: Iterable[str]) -> tuple[str, ...]:
    """List the folders that a package manager filled: virtual environments and node_modules.

    >>> installed_folders(["env/pyvenv.cfg", "env/bin/python", "a/node_modules/x/y.js"])
    ('a/node_modules/', 'env/')
    """
    found: set[str] = set()
    for path in paths:
        parts = path.split("/")
        if parts[-1] == _INSTALLED and len(parts) > 1:
            found.add("/".join(parts[:-1]) + "/")
        elif _PACKAGES in parts[:-1]:
            found.add("/".join(parts[: parts.index(_PACKAGES) + 1]) + "/")
    return tuple(sorted(found))


def that_fit(sizes: Mapping[str, int], limits: Limits) -> set[str]:
    """Choose the files that stay within the totals; folders that hold most of the rest go whole.

    >>> sizes = {"a.txt": 1} | {f"data/img/{n}.jpg": 9 for n in range(30)}
    >>> that_fit(sizes, Limits(100, 100, 10))
    {'a.txt'}
    """
    kept = dict(sizes)
    while len(kept) > limits.files or sum(kept.values()) > limits.total_bytes:
        weights = _weights(kept, limits)
        heavy = _heaviest(weights)
        kept = {path: size for path, size in kept.items() if not _is_in(path, heavy)}
    return set(kept)


def _weights(sizes: Mapping[str, int], limits: Limits) -> dict[str, float]:
    """Weigh every folder and file; the root is the empty name, folders end with a slash."""
    found: dict[str, float] = {}
    for path, size in sizes.items():
        weight = size / max(limits.total_bytes, 1) + 1 / max(limits.files, 1)
        for name in ("", *_folders(path), path):
            found[name] = found.get(name, 0.0) + weight
    return found


def _folders(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: n + 1]) + "/" for n in range(len(parts))]


def _heaviest(weights: Mapping[str, float]) -> str:
    """Descend to the folder that is meant: while one part of it has most of it, into that part."""
    inside: dict[str, list[str]] = {}
    for name in weights:
        if name:
            inside.setdefault(name.rstrip("/").rpartition("/")[0] + "/", []).append(name)
    at, parts = "", inside.get("/", [])
    while parts:
        part = max(parts, key=lambda name: (weights[name], name))
        if at and weights[part] < _MOST * weights[at]:
            return at
        at, parts = part, inside.get(part, [])
    return at


def _is_in(path: str, name: str) -> bool:
    return path == name or (name.endswith("/") and path.startswith(name))


def in_short(paths: Collection[str]) -> tuple[str, ...]:
    """Name files, and folders in place of many files in them.

    >>> in_short(["a.bin", *(f"d/{n}.jpg" for n in range(20))])
    ('a.bin', 'd/ (20 files)')
    """
    by_folder: dict[str, list[str]] = {}
    for path in sorted(paths):
        by_folder.setdefault(path.rpartition("/")[0], []).append(path)
    if len(by_folder) > 4 * _NAMED_APART:
        return _by_top(paths)
    found: list[str] = []
    for folder, held in by_folder.items():
        is_many = bool(folder) and len(held) > _NAMED_APART
        found += [f"{folder}/ ({counted(len(held), 'file')})"] if is_many else held
    return tuple(found)


def _by_top(paths: Collection[str]) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for path in paths:
        top, slash, _ = path.partition("/")
        counts[top + slash] = counts.get(top + slash, 0) + 1
    return tuple(
        f"{top} ({counted(count, 'file')})" if top.endswith("/") else top
        for top, count in sorted(counts.items())
    )


def names_once(paths: Iterable[str]) -> dict[str, str]:
    """Map each file to the name under which it is told once: its folder, else itself.

    >>> names_once(["out/a.pt", "b.pt"])
    {'out/a.pt': 'out/', 'b.pt': 'b.pt'}
    """
    return {path: f"{folder}/" if (folder := path.rpartition("/")[0]) else path for path in paths}
