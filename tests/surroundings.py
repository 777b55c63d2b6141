"""What tests share beside fixtures: the answer of a call, git, a training script."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TRAIN = """\
import json
import sys

lr = float(sys.argv[sys.argv.index("--lr") + 1]) if "--lr" in sys.argv else 0.1
json.dump({"accuracy": round(1 - lr / 2, 4)}, open("metrics.json", "w"))
print("trained with", lr)
"""


@dataclass(frozen=True)
class Called:
    """What a call of xvc left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)

    @property
    def data(self) -> Any:
        """The data of the document."""
        return self.json["data"]


Calling = Callable[..., Called]


def git(folder: Path, *words: str) -> str:
    """Call git and return what it printed."""
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.rstrip("\n")
