"""What tests share beside fixtures: the answer of a call, git, a training script."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from xvc.cli import contract

_GITCONFIG = """\
[user]
\tname = Ada Tester
\temail = ada@example.org
[init]
\tdefaultBranch = main
[commit]
\tgpgSign = false
[tag]
\tgpgSign = false
[gc]
\tauto = 0
"""
_DROPPED = ("GIT_", "XVC_", "DVC_", "XDG_")
_DROPPED_NAMES = ("FORCE_COLOR", "CLICOLOR_FORCE", "NO_COLOR", "PYTHONPATH", "PYTHONWARNINGS")


def private_environment(home: Path) -> dict[str, str]:
    """The process environment with everything of this machine's user taken out."""
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitconfig").write_text(_GITCONFIG)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_DROPPED) and name not in _DROPPED_NAMES
    }
    return {
        **kept,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site"),
        "DVC_NO_ANALYTICS": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")]),
    }


def copied(template: Path, folder: Path) -> Path:
    """Copy a project, which is much faster than to make it; returns the copy's folder."""
    shutil.copytree(template, folder, symlinks=True)
    settings = folder / ".dvc" / "config.local"  # it names DVC's site folder in full
    settings.write_text(settings.read_text().replace(str(template), str(folder)))
    git(folder, "update-index", "-q", "--refresh")
    return folder


TRAIN = """\
import json
import sys

lr = float(sys.argv[sys.argv.index("--lr") + 1]) if "--lr" in sys.argv else 0.1
json.dump({"accuracy": round(1 - lr / 2, 4)}, open("metrics.json", "w"))
print("trained with", lr)
"""


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(contract.document(name))


def expected(document: Mapping[str, Any]) -> None:
    """Check a document of ``--json`` against the schema that is published for it.

    Raises:
        jsonschema.ValidationError: it has another shape.
    """
    _validator(document.get("command", contract.ERROR)).validate(document)


@dataclass(frozen=True)
class Called:
    """What a call of xvc left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout; one that is not as its schema says fails the test."""
        document = json.loads(self.out)
        expected(document)
        return document

    @property
    def data(self) -> Any:
        """The data of the document."""
        return self.json["data"]


Calling = Callable[..., Called]


def as_if_written_by(call: Calling, run: str, *files: Path) -> None:
    """Date files into a run, as if it had written them."""
    at = call("show", run, "--json").data["started"]
    for file in files:
        os.utime(file, ns=(at, at))


def dvc(folder: Path, *words: str) -> str:
    """Call DVC and return what it printed."""
    called = [sys.executable, "-m", "dvc", *words]
    done = subprocess.run(called, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def git(folder: Path, *words: str) -> str:
    """Call git and return what it printed."""
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.rstrip("\n")
