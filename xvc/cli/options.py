"""Options that several commands share, with one wording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from xvc.core.command_places import filled_in_run, placed_keys, with_seed_places
from xvc.errors import BadValue

if TYPE_CHECKING:
    from xvc.core.typed_value import TypedValue


class FilledCommand(NamedTuple):
    """A command with its params in place; ``seeded`` has its seeds in braces, None without one."""

    words: tuple[str, ...]
    seeded: tuple[str, ...] | None
    placed: frozenset[str]


def _references(incomplete: str) -> list[str]:
    """Complete a reference: versions, run ids, names, `best:METRIC`."""
    from xvc.cli.context import Context  # late: only when a shell asks
    from xvc.history.find import suggestions

    return suggestions(Context().project(), incomplete)


def _sortable(incomplete: str) -> list[str]:
    """Complete what a list of runs can be sorted by."""
    from xvc.cli.context import Context  # late: only when a shell asks
    from xvc.store import query

    with Context().project().keeper.view() as connection:
        names = dict.fromkeys((*query.keys(connection), *query.sortable()))
    return [name for name in names if name.startswith(incomplete)]


def complete_bumps(incomplete: str) -> list[str]:
    """Complete which part of the version goes up."""
    return [bump for bump in ("major", "minor", "patch") if bump.startswith(incomplete)]


def complete_files(context: typer.Context, incomplete: str) -> list[str]:
    """Complete a file of the run or version that stands before it."""
    from xvc.cli.context import Context  # late: only when a shell asks
    from xvc.versions.get import file_names

    here = Context()
    found = file_names(here.project(), str(context.params.get("reference")), here.folder)
    return [name for name in found if name.startswith(incomplete)]


def complete_verbs(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the second word of a command whose first is one, too: ``xvc sweep stop``."""
    from xvc.cli.app import verbs_of  # late: it is who imports us

    is_first = not context.params.get("words") and not context.params.get("sources")
    verbs = verbs_of(context.info_name or "") if is_first else []
    return [verb for verb in verbs if verb.startswith(incomplete)]


def complete_sources(context: typer.Context, incomplete: str) -> list[str]:
    """Complete what is merged or rebased on: a reference; as the first word a verb, too."""
    return [*complete_verbs(context, incomplete), *_references(incomplete)]


def complete_tables(context: typer.Context, incomplete: str) -> list[str]:
    """Complete a table of the store."""
    return _of_store(context, incomplete, None)


def _keys(context: typer.Context, incomplete: str) -> list[str]:
    """Complete a logged key; of several with commas between, the last."""
    before, comma, last = incomplete.rpartition(",")
    table = context.params.get("table") or "events"
    return [f"{before}{comma}{name}" for name in _of_store(context, last, str(table))]


def _of_store(context: typer.Context, incomplete: str, table: str | None) -> list[str]:
    from xvc.cli.context import Context  # late: only when a shell asks
    from xvc.database.queries import suggestions

    project = Context().project_of(context.params.get("database"))
    return [name for name in suggestions(project, table) if name.startswith(incomplete)]


def listed(keys: str | None) -> tuple[str, ...]:
    """Read names with commas between.

    >>> listed("loss, accuracy"), listed(None)
    (('loss', 'accuracy'), ())
    """
    return tuple(name.strip() for name in (keys or "").split(",") if name.strip())


def command_with(words: Sequence[str], params: Mapping[str, TypedValue]) -> FilledCommand:
    """Put the text of each param, as typed, into its place ``{key}`` in the command."""
    shown = {key: typed.text for key, typed in params.items()}
    return FilledCommand(
        filled_in_run(words, shown),
        with_seed_places(filled_in_run, words, shown),
        placed_keys(filled_in_run, words, shown),
    )


def params_of(words: Sequence[str]) -> dict[str, TypedValue]:
    """Read params as ``-P KEY=VALUE`` gives them.

    Raises:
        BadValue: one is no KEY=VALUE, or is given twice.
    """
    from xvc.system.value_files import parse_typed  # late: loads yaml

    found: dict[str, TypedValue] = {}
    for word in words:
        key, sign, text = word.partition("=")
        if not sign or not key:
            raise BadValue("-P", f"{word!r} is not KEY=VALUE")
        if key in found:
            raise BadValue("-P", f"{key} is given twice: {found[key].text} and {text}")
        found[key] = parse_typed(text)
    return found


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
        "--run",
        help="The run; without it the last that finished.",
        autocompletion=_references,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Sort = Annotated[
    str | None,
    typer.Option(
        "--sort",
        help="A metric, param or column; better end first, or KEY:asc, KEY:desc.",
        autocompletion=_sortable,
    ),
]
Series = Annotated[
    str | None,
    typer.Option("--series", help="The runs of this series of experiments."),
]
Where = Annotated[
    str | None,
    typer.Option("--where", help="A filter: \"accuracy > 0.9 and model == 'svm'\"."),
]


def _countable(limit: int) -> int:
    """SQL counts in 64 bits; nothing has more rows than that."""
    return min(limit, 1 << 62)


Limit = Annotated[
    int,
    typer.Option(
        "--limit", "-n", min=0, metavar="N", callback=_countable, help="How many at most; 0 is all."
    ),
]
Params = Annotated[
    list[str] | None,
    typer.Option(
        "-P", "--param", metavar="KEY=VALUE", help="A param; {KEY} in the command is its value."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it; without it only the plan is shown.")]
Incomplete = Annotated[
    bool,
    typer.Option(
        "--incomplete", help="Tag it although some of its code or data is known not to be held."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")]
OnDuplicate = Annotated[
    Literal["refuse", "last"],
    typer.Option("--on-duplicate", help="Of several rows of one key: refuse, or take the last."),
]
CacheFolder = Annotated[
    Path | None,
    typer.Option("--cache", help="The cache's folder; without it the setting cache.folder."),
]
Database = Annotated[
    Path | None,
    typer.Option("--db", help="A store of xvc's; without it the one of this project."),
]
Table = Annotated[
    str, typer.Option("--table", "-t", help="The table.", autocompletion=complete_tables)
]
Key = Annotated[str, typer.Argument(help="A logged key.", autocompletion=_keys)]
Keys = Annotated[list[str], typer.Argument(help="Logged keys.", autocompletion=_keys)]
Columns = Annotated[
    str | None,
    typer.Option("--columns", help="These keys only, commas between.", autocompletion=_keys),
]
OfRun = Annotated[
    str | None,
    typer.Option("--run", help="Rows of this run only.", autocompletion=_references),
]
OfRuns = Annotated[
    list[str] | None,
    typer.Option("--run", help="Rows of these runs only.", autocompletion=_references),
]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV, every value in full.")]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="Print a markdown table.")]
Raw = Annotated[
    bool, typer.Option("--raw", help="Leave formulas, HTML and control characters as they are.")
]
Digest = Annotated[
    str, typer.Argument(help="The sha256 of the asset, or the first eight letters, or more.")
]
GitRemote = Annotated[
    str | None,
    typer.Argument(metavar="REMOTE", help="The git remote; without it the branch's, or origin."),
]
DvcRemote = Annotated[
    str | None, typer.Option("--dvc-remote", help="The DVC remote; without it the default one.")
]
Runs = Annotated[
    bool, typer.Option("--runs", help="The code and data of runs that have no version, too.")
]
