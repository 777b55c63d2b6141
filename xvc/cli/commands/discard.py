"""``xvc discard``."""

from __future__ import annotations

from xvc.cli.decision_view import Data, deciding
from xvc.core.run import DISCARDED

__all__ = ["Data", "command"]

command = deciding(
    "discard",
    DISCARDED,
    """Discard runs: they stay for ever, and no list, ranking or `best:` has them.

    `xvc ls --discarded` lists them, `xvc keep` takes it back.

    Example: xvc discard @ --reason "it saw the test set"
    """,
)
