"""xvc: experiment history in git you can trust.

>>> from xvc import Tracker  # doctest: +SKIP

Names are resolved on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xvc import errors
    from xvc.api import OpenProject
    from xvc.api import open_project as open  # noqa: A004  # `xvc.open`, as `gzip.open`
    from xvc.errors import XvcError
    from xvc.tracking.copying import copy
    from xvc.tracking.file import File
    from xvc.tracking.reader import Reader
    from xvc.tracking.tracker import Tracker

__version__ = "0.1.0"
__all__ = [
    "File",
    "OpenProject",
    "Reader",
    "Tracker",
    "XvcError",
    "__version__",
    "copy",
    "errors",
    "open",
]

_HOMES = {
    "File": "xvc.tracking.file:File",
    "OpenProject": "xvc.api:OpenProject",
    "Reader": "xvc.tracking.reader:Reader",
    "Tracker": "xvc.tracking.tracker:Tracker",
    "XvcError": "xvc.errors:XvcError",
    "copy": "xvc.tracking.copying:copy",
    "errors": "xvc.errors:",
    "open": "xvc.api:open_project",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'xvc' has no attribute {name!r}")
    module, _, part = home.partition(":")
    found = import_module(module)
    return getattr(found, part) if part else found


def __dir__() -> list[str]:
    return __all__
