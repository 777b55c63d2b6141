"""``xvc db top``."""

from __future__ import annotations

from xvc.cli.grid import Rows
from xvc.cli.row_commands import extremes_of_key

Data = Rows

HELP = """Show the rows with the largest values of a key; NaN is none of them.

Example: xvc db top accuracy -n 3
"""
command = extremes_of_key("top", HELP)
