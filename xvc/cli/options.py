"""Options that several commands share, with one wording."""

from __future__ import annotations

from typing import Annotated

import typer


def _references(incomplete: str) -> list[str]:
    """Complete a reference: versions, run ids, names."""
    from xvc.cli.context import Context  # late: only when a shell asks
    from xvc.flows.find import suggestions

    return suggestions(Context().project(), incomplete)


Reference = Annotated[
    str,
    typer.Argument(
        help="A version, run id or prefix, branch, @, @-2, best:METRIC.",
        autocompletion=_references,
    ),
]
References = Annotated[
    list[str],
    typer.Argument(help="Versions, run ids, @, best:METRIC …", autocompletion=_references),
]
Run = Annotated[
    str | None,
    typer.Option(
        "--run", help="The run; without it the last that finished.", autocompletion=_references
    ),
]
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
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without it the plan is shown.")]
Digest = Annotated[
    str, typer.Argument(help="The sha256 of the asset, or the first eight letters, or more.")
]
