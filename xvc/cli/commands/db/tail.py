"""``xvc db tail``."""

from __future__ import annotations

from xvc.cli.grid import Rows
from xvc.cli.row_commands import end_of_table

Data = Rows

HELP = """Show the last rows of a table, oldest first.

Example: xvc db tail -n 5 --where "loss < 0.5"
"""
command = end_of_table("tail", HELP)
