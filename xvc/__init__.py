"""xvc: experiment history in git you can trust.

>>> from xvc import Tracker  # doctest: +SKIP

Names are resolved on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xvc.errors import XvcError
    from xvc.tracking.copying import copy
    from xvc.tracking.file import File
    from xvc.tracking.reader import Reader
    from xvc.tracking.tracker import Tracker

__version__ = "0.1.0"
__all__ = ["File", "Reader", "Tracker", "XvcError", "__version__", "copy"]

_HOMES = {
    "File": "xvc.tracking.file",
    "Reader": "xvc.tracking.reader",
    "Tracker": "xvc.tracking.tracker",
    "XvcError": "xvc.errors",
    "copy": "xvc.tracking.copying",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'xvc' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return __all__
