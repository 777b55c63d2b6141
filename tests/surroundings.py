"""What tests share beside fixtures: the answer of a call, git, a training script."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from forked import Server
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
    kept = _kept()
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


def _kept() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_DROPPED) and name not in _DROPPED_NAMES
    }


def copied(template: Path, folder: Path, *, made_in: Path | None = None) -> Path:
    """Copy a project, which is much faster than to make it; returns the copy's folder."""
    subprocess.run(["cp", "-a", str(template), str(folder)], check=True)
    settle_in(folder, made_in or template)
    return folder


def settle_in(folder: Path, was: Path) -> None:
    """Let a project that was copied from elsewhere be at home, as if it had been made here.

    xvc and DVC note where the project lies, and xvc which file its store is: else git's hook would
    have each copy looked at by a process of xvc.
    """
    settings = (".git/config", ".dvc/config.local", "*/.dvc/config.local")
    for pattern in (*settings, ".git/xvc/*/*.json", ".git/xvc/*/*.jsonl"):
        for path in folder.glob(pattern):
            path.write_text(path.read_text().replace(str(was), str(folder)))
    for path in folder.glob(".git/xvc/stores/*.json"):
        state = json.loads(path.read_text())
        facts = Path(state["place"]).stat()
        state["stamp"] = [facts.st_ino, facts.st_size, facts.st_mtime_ns]
        path.write_text(json.dumps(state, separators=(",", ":")))
    git(folder, "update-index", "-q", "--refresh")


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


Begun = Callable[[Path, Callable[[], Any]], Any]


def as_if_written_by(call: Calling, run: str, *files: Path) -> None:
    """Date files into a run, as if it had written them."""
    at = call("show", run, "--json").data["started"]
    for file in files:
        os.utime(file, ns=(at, at))


def dvc(folder: Path, *words: str) -> str:
    """Call DVC and return what it printed."""
    done = forked("dvc", *words, cwd=folder)
    assert done.code == 0, done.err
    return done.out


def forked(*words: str, cwd: Path, env: Mapping[str, str] = os.environ) -> Called:
    """Call ``xvc`` or ``dvc`` in a process of its own that is forked: it has no start to wait for.

    An interpreter that starts and loads xvc takes 0.4 s, DVC 0.5 s.
    """
    running = forks(words[0]).start([str(word) for word in words], cwd, environment=env)
    ended = running.wait(600)
    return Called(ended.code, ended.out, ended.err)


_SERVERS: dict[str, Server] = {}


def forks(loaded: str) -> Server:
    """The server that forks processes of ``xvc`` or ``dvc``; `end_forks` ends it."""
    if loaded not in _SERVERS:
        _SERVERS[loaded] = Server(environment=_kept(), loaded=loaded)
    return _SERVERS[loaded]


def end_forks() -> None:
    while _SERVERS:
        _SERVERS.popitem()[1].close()


def git(folder: Path, *words: str) -> str:
    """Call git and return what it printed."""
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.rstrip("\n")
