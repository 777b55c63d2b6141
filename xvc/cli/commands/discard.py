"""``xvc discard``."""

from __future__ import annotations

from typing import Annotated

import typer

from xvc.cli.context import Context
from xvc.cli.deciding import Data, show_decision
from xvc.cli.options import AsJson, References
from xvc.core.run import DISCARDED

__all__ = ["Data", "command"]


def command(
    context: typer.Context,
    references: References,
    reason: Annotated[
        str | None, typer.Option("--reason", "-m", help="Why, for whoever comes next.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Discard runs: they stay for ever, and no list, ranking or `best:` has them.

    `xvc ls --discarded` lists them, `xvc keep` takes it back.

    Example: xvc discard @ --reason "it saw the test set"
    """
    here: Context = context.obj
    show_decision(here, "discard", references, DISCARDED, reason)
