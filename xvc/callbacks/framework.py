"""Base classes of frameworks; for one that is not installed, a class whose use says so."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from xvc.errors import NotFoundError, error


@error("framework-missing")
class FrameworkMissing(NotFoundError, ImportError):
    """The framework of a callback is not installed."""

    package: str
    says = "{package} is not installed, so its callback cannot be made"
    way = "Install {package} in the environment that trains."


def base_of(module: str, name: str) -> Any:
    """Return a class of a framework; a class that cannot be made where it is not installed."""
    try:
        return getattr(import_module(module), name)
    except ImportError:
        return _missing(module.partition(".")[0])


def _missing(package: str) -> type:
    class UninstalledFramework:
        def __init__(self, *_: object, **__: object) -> None:
            raise FrameworkMissing(package)

    return UninstalledFramework
