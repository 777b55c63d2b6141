"""``xvc keep``."""

from __future__ import annotations

from xvc.cli.decision_view import Data, deciding
from xvc.core.run import KEPT

__all__ = ["Data", "command"]

command = deciding(
    "keep",
    KEPT,
    """Mark runs as worth keeping; one that was discarded is listed and ranked again.

    Example: xvc keep @ --reason "beats e0.1.0 on every seed"
    """,
)
