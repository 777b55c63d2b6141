"""``xvc keep``."""

from __future__ import annotations

from typing import Annotated

import typer

from xvc.cli.context import Context
from xvc.cli.deciding import Data, show_decision
from xvc.cli.options import AsJson, References
from xvc.core.run import KEPT

__all__ = ["Data", "command"]


def command(
    context: typer.Context,
    references: References,
    reason: Annotated[
        str | None, typer.Option("--reason", "-m", help="Why, for whoever comes next.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Mark runs as worth keeping; one that was discarded is listed and ranked again.

    Example: xvc keep @ --reason "beats e0.1.0 on every seed"
    """
    here: Context = context.obj
    show_decision(here, "keep", references, KEPT, reason)
