"""Options that several commands share, with one wording."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Sort = Annotated[
    str | None,
    typer.Option(
        "--sort", help="A metric, param or column; better end first, or KEY:asc, KEY:desc."
    ),
]
Where = Annotated[
    str | None,
    typer.Option("--where", help="A filter: \"accuracy > 0.9 and model == 'svm'\"."),
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=0, help="How many at most; 0 is all.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")]
