"""What ``xvc merge data`` and ``xvc rebase data`` share: options, the order, the account."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import listed
from xvc.cli.output import Answer, few, say, show, table
from xvc.core.table_merge import FolderKept, Order, Style
from xvc.errors import BadValue

Base = Annotated[Path, typer.Argument(help="The Parquet file, or folder of some, to merge into.")]
Sources = Annotated[list[Path], typer.Argument(help="Parquet files, or folders of some.")]
On = Annotated[
    str | None, typer.Option("--on", help="The columns that tell rows apart, commas between.")
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="The file to write; without it BASE itself.")
]
Keys = Annotated[
    str, typer.Option("--on", help="The columns that tell rows apart, commas between.")
]
Mapped = Annotated[
    list[str] | None,
    typer.Option("--map", help="Give a column another type: COLUMN=DECIMAL(20,0)."),
]
Codec = Annotated[
    str | None, typer.Option("--compression", help="zstd, snappy, …; without it as BASE has it.")
]
GroupRows = Annotated[
    int | None,
    typer.Option(
        "--row-group-size",
        min=1,
        metavar="N",
        help="Rows of a row group; without it as BASE has it.",
    ),
]
Memory = Annotated[
    str, typer.Option("--memory-limit", help="What it may take before it spills to the disk.")
]
AgreeData = Annotated[
    bool, typer.Option("--yes", "-y", help="Do it, also where rows or another file are replaced.")
]


class Combined(TypedDict):
    """Which files became which, and what became of every row."""

    base: str
    sources: list[str]
    out: str
    on: list[str]
    rows: Annotated[Mapping[str, int], "Of the base, kept and replaced; incoming; the result."]
    new_columns: Annotated[list[str], "The first twenty."]
    new_columns_total: int
    changed: bool
    digest: str | None
    dry_run: bool


def style_of(mapped: list[str] | None, codec: str | None, rows: int | None, memory: str) -> Style:
    """Read how the file is to be written.

    Raises:
        BadValue: a --map is not COLUMN=TYPE.
    """
    types = {}
    for text in mapped or []:
        name, sign, kind = text.rpartition("=")
        if not name or not sign:
            raise BadValue("--map", f"{text!r} is not COLUMN=TYPE")
        types[name] = kind.strip().upper()
    return Style(codec.lower() if codec else None, rows, types, memory)


def order_of(
    here: Context, base: Path, sources: list[Path], out: Path | None, on: str | None
) -> Order:
    """Name the files as seen from the folder.

    Raises:
        FolderKept: the base is a folder, and no file to write is named.
    """
    target = here.folder / (base if out is None else out)
    if out is None and target.is_dir():
        raise FolderKept(str(base))
    places = tuple(here.folder / source for source in sources)
    return Order(here.folder / base, places, target, listed(on))


def carry_out(here: Context, command: str, order: Order, *, dry_run: bool, agreed: bool) -> None:
    """Do it with ``--yes``, else show the plan and exit 4."""
    from xvc.merging.parquet import merge_tables  # late: it opens DuckDB

    done = merge_tables(
        here.project(),
        order,
        dry_run=dry_run,
        agreed=agreed,
        tell=lambda text: say(text, here.manner),
    )
    account = done.account
    counts = {
        "base": account.ours,
        "kept": account.kept,
        "replaced": account.replaced,
        "incoming": account.theirs,
        "equal": account.equal,
        "added": account.taken,
        "replacing": account.replacing,
        "dropped": account.dropped,
        "result": account.result,
    }
    data: Combined = {
        "base": str(order.base),
        "sources": [str(source) for source in order.sources],
        "out": str(done.order.out),
        "on": list(order.keys),
        "rows": counts,
        "new_columns": few(done.new_columns),
        "new_columns_total": len(done.new_columns),
        "changed": done.is_done and done.has_changed,
        "digest": done.digest,
        "dry_run": not done.is_done,
    }
    text = table([*counts], [[f"{count:,}" for count in counts.values()]], right=range(9))
    if done.new_columns:
        text += f"\nnew columns: {', '.join(done.new_columns)}"
    warnings, code = done.warnings, 0
    steps = (here.again("--yes"),) if not done.is_done and done.has_changed else ()
    if done.is_done:
        text += (
            f"\nwrote {order.out}" if done.has_changed else "\nnothing new: the file has all of it"
        )
    elif dry_run:
        text += "\nnothing was changed (--dry-run)"
    else:
        warnings, code = (*warnings, "nothing was changed; add --yes to do it"), 4
    show(Answer(command, data, text, warnings, steps, code), here.manner)
    if code:
        raise typer.Exit(code)
