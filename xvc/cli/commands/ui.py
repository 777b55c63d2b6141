"""``xvc ui``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, show
from xvc.core.human_units import counted

if TYPE_CHECKING:
    from xvc.page.serve import Served


class Data(TypedDict):
    """Where the page is; with --export, the folder that it was written into."""

    address: Annotated[str | None, "With the key that opens it: for the eyes of its user alone."]
    port: int | None
    read_only: bool
    folder: str | None
    runs: Annotated[int | None, "With --export: the runs whose own pages are in it."]


def command(
    context: typer.Context,
    port: Annotated[
        int | None,
        typer.Option("--port", "-p", min=0, max=65535, help="The port; without it a free one."),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="The address to listen at; this machine alone by default.")
    ] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", help="A name by which a proxy reaches the page."),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Show everything, change nothing.")
    ] = False,
    into: Annotated[
        Path | None,
        typer.Option("--export", help="Write it into this folder, to open without a server."),
    ] = None,
    opened: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the project in a browser: runs, curves, code, data, versions, models.

    The address that is printed holds a key; who has it can see the project, and change it unless
    --read-only. Runs until Ctrl-C. A page that is left open costs next to nothing.

    Example: xvc ui --open
    """
    from xvc.page.serve import ServeRequest, serve  # late: only a page needs a server

    here: Context = context.obj
    if into is not None:
        _write(here, here.folder / into)
        return
    request = ServeRequest(
        host=host, port=port, hosts=tuple(allow_host or ()), is_read_only=read_only
    )

    def tell(served: Served) -> None:
        data: Data = {
            "address": served.address,
            "port": served.port,
            "read_only": served.is_read_only,
            "folder": None,
            "runs": None,
        }
        show(Answer("ui", data, f"{served.address}\nCtrl-C ends it"), here.manner)
        if opened:
            import webbrowser  # late: only for --open

            webbrowser.open(served.address)

    serve(here.folder, here.environment, request, tell)


def _write(here: Context, into: Path) -> None:
    from xvc.page.export import export  # late: it opens DuckDB

    made = export(here.folder, here.environment, into)
    data: Data = {
        "address": None,
        "port": None,
        "read_only": True,
        "folder": str(made.folder),
        "runs": made.runs,
    }
    share = f"{made.runs} of {counted(made.total, 'run')}"
    text = f"wrote {made.folder / 'index.html'}, with the pages of {share}"
    show(Answer("ui", data, text), here.manner)
