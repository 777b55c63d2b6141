"""Changing what was logged: values set back in time, runs deleted. Shared by Tracker and Reader."""

from __future__ import annotations

from xvc.tracking.rows import Rows


class Edits(Rows):
    """The rows of one event table, and how to change them."""
