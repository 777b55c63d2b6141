"""What programs say of themselves, in a file that xvc knows nothing of.

A program calls ``account(used=…, scored=…, read=…, wrote=…)`` as its last act; what xvc says of its
run is compared with that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODULE = '''\
import hashlib, json, os, sys

def account(*, used, scored, read=(), wrote=()):
    """Keep what this process has used, scored (every value, in order), read and written."""
    line = {"used": used, "scored": scored, "read": _digests(read), "wrote": _digests(wrote)}
    with open(os.environ["ACCOUNT"], "a") as out:
        out.write(json.dumps(line) + "\\n")

def _digests(files):
    named = files if isinstance(files, dict) else {name: name for name in files}
    return {name: hashlib.md5(open(path, "rb").read()).hexdigest() for name, path in named.items()}

if __name__ == "__main__":  # a shell script: account.py '{"used": …}'
    account(**json.loads(sys.argv[1]))
'''


@dataclass(frozen=True)
class Account:
    """What one process did: params, each metric's values in order, MD5 of files by name."""

    used: dict[str, Any]
    scored: dict[str, list[float]]
    read: dict[str, str]
    wrote: dict[str, str]


def accounts(file: Path) -> list[Account]:
    """Read what was kept, in the order in which the processes ended."""
    lines = file.read_text().splitlines() if file.exists() else []
    return [Account(**json.loads(line)) for line in lines]
