"""``python -m xvc``."""

from __future__ import annotations

from xvc.cli.app import main

main()
