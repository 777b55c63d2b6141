"""A line that is rewritten while something long runs, on a terminal; the only door to rich."""

from __future__ import annotations

from types import TracebackType

from xvc.core.foreign_text import visible


class LiveLine:
    """One line on stderr for the time of a ``with``; what is printed above it stays."""

    def __init__(self, *, colour: bool) -> None:
        from rich.console import Console  # late: only for a terminal that watches
        from rich.live import Live
        from rich.text import Text

        console = Console(stderr=True, no_color=not colour, highlight=False)
        self._text = Text
        self._live = Live(Text(""), console=console, transient=True, auto_refresh=False)

    def __enter__(self) -> LiveLine:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, *texts: str, above: str | None = None) -> None:
        """Rewrite the line with the first text that fits, else the last; print another above it."""
        if above is not None:
            self._live.console.print(self._text(visible(above)))
        made = [self._text(visible(text), overflow="ellipsis", no_wrap=True) for text in texts]
        width = self._live.console.width
        text = next((each for each in made if each.cell_len <= width), made[-1])
        self._live.update(text, refresh=True)
