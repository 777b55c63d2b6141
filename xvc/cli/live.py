"""A line that is rewritten while something long runs, on a terminal; the only door to rich."""

from __future__ import annotations

from types import TracebackType


class Line:
    """One line on stderr for the time of a ``with``; what is printed above it stays."""

    def __init__(self, *, colour: bool) -> None:
        from rich.console import Console  # late: only for a terminal that watches
        from rich.live import Live
        from rich.text import Text

        console = Console(stderr=True, no_color=not colour, highlight=False)
        self._text = Text
        self._live = Live(Text(""), console=console, transient=True, auto_refresh=False)

    def __enter__(self) -> Line:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, text: str, above: str | None = None) -> None:
        """Rewrite the line; print another one above it when there is one."""
        if above is not None:
            self._live.console.print(self._text(above))
        self._live.update(self._text(text, overflow="ellipsis", no_wrap=True), refresh=True)
