"""How much may be recorded: the limits that are checked before `log` returns.

Each stands for a measurement. A value above `VALUE` belongs into a file, a record above `RECORD`
is longer than what DuckDB reads of a line, and a table of more than `COLUMNS` columns takes more
memory to fold than xvc may have.
"""

from __future__ import annotations

VALUE = 8_000_000
"""Bytes of one value, as the journal writes it."""

RECORD = 16_000_000
"""Bytes of one record: all values of a row, or everything that one note says. DuckDB reads lines
of up to 16,777,216 bytes unless told otherwise, and holds two of that size for each thread."""

KEY = 1_000
"""Characters of one key."""

KEYS = 4_000
"""Keys of one row, of one table in one run, and of the params of a run. A row of 4,000 keys is
folded with 0.2 GB of memory, in 1 s."""

COLUMNS = 8_000
"""Keys of one table of a store, over all runs."""

DEPTH = 100
"""Levels of lists and dicts in one value."""

FILE = 64_000_000
"""Bytes of one file of params or metrics; a larger one is not read."""
