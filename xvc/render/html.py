"""A report as one web page that stands on its own: no script, nothing fetched, works offline.

Pure: the same report is the same text. Whatever keys and values contain is text in it.
"""

from __future__ import annotations

import html

from xvc.core.commit_subject import one_line
from xvc.render.document import Block, Commands, Curves, DocumentTable, Report, Section, Text
from xvc.render.svg import svg

_STYLE = """\
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:.25rem .75rem;text-align:left;border-bottom:1px solid #8886}
.n{text-align:right}
pre{padding:.75rem;background:#8882;overflow-x:auto}
figure{margin:1rem 0}
svg{max-width:100%;height:auto;font:12px system-ui,sans-serif;fill:currentColor}
polyline{fill:none;stroke-width:1.5}
.axis{fill:none;stroke:currentColor;stroke-opacity:.4}
.small{font-size:.875rem;opacity:.8}"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(report: Report) -> str:
    """Return the document."""
    title = _safe(report.title)
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{title}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<main>",
            f"<h1>{title}</h1>\n<p>{_safe(report.lead)}</p>",
            *map(_section, report.sections),
            "</main>\n</body>\n</html>\n",
        ]
    )


def _section(section: Section) -> str:
    blocks = "\n".join(map(_block, section.blocks))
    return f"<section>\n<h2>{_safe(section.title)}</h2>\n{blocks}\n</section>"


def _block(block: Block) -> str:
    match block:
        case Text(text):
            return f"<p>{_safe(text)}</p>"
        case Commands(lines):
            code = "\n".join(map(_safe, lines))
            return f"<pre>{code}</pre>"
        case DocumentTable():
            return _titled(block.title) + table(block)
        case Curves(plot):
            return f"{_titled(plot.title)}<figure>\n{svg(plot)}\n</figure>"


def _titled(title: str) -> str:
    return f"<h3>{_safe(title)}</h3>\n" if title else ""


def table(block: DocumentTable) -> str:
    """Write a table, and below it what was cut."""
    head = "".join(_cell("th", place, cell, block) for place, cell in enumerate(block.head))
    rows = "\n".join(
        f"<tr>{''.join(_cell('td', place, cell, block) for place, cell in enumerate(row))}</tr>"
        for row in block.rows
    )
    remark = f'\n<p class="small">{block.remark}</p>' if block.remark else ""
    body = f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>"
    return f'<div class="wide"><table>\n{body}\n</table></div>{remark}'


def _cell(tag: str, place: int, text: str, block: DocumentTable) -> str:
    kind = ' class="n"' if place in block.right else ""
    return f"<{tag}{kind}>{_safe(text)}</{tag}>"


def _safe(text: str) -> str:
    return html.escape(one_line(text))
