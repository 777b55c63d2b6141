"""Whose the code is that a value stands for, and what it is called there.

A package's is known by its name, because the package has a version; a function that a package made
for the user (by a decorator, say) has no name there and is told by its parts.
"""

from __future__ import annotations

import sys
from enum import Enum
from types import FunctionType, MethodType, ModuleType
from typing import Any

from xvc.system.distributions import Homes
from xvc.tracking.canonical import is_free, name_of
from xvc.tracking.members import MISSING


def is_code(value: object) -> bool:
    """Whether something is known by its code; an object that can be called has content as well."""
    is_known = isinstance(value, ModuleType | type | FunctionType) or is_free(value)
    return is_known or type(value).__name__ == "_lru_cache_wrapper"


def home_of(value: Any, homes: Homes) -> str | None:
    """The package that has a value under its name, and its version; None when it is the user's."""
    if isinstance(value, ModuleType):
        return homes.of(value.__name__)
    if isinstance(value, Enum):  # up to Python 3.12 one has an __objclass__, as methods have
        return None
    if isinstance(value, type):
        is_c = not value.__flags__ & 1 << 9  # no heap type: written in C
        return homes.of(value.__module__) if is_c or _named(value) is value else None
    if isinstance(value, MethodType) or (callable(value) and hasattr(value, "__self__")):
        return _home_of_bound(value, homes)
    if isinstance(getattr(value, "__objclass__", None), type):  # a method written in C
        return home_of(value.__objclass__, homes)
    if not callable(value) or not hasattr(value, "__qualname__"):
        return None
    home = homes.of(str(getattr(value, "__module__", None) or "builtins"))
    return home if home is not None and _named(value) is value else None


def _home_of_bound(value: Any, homes: Homes) -> str | None:
    """Of what is bound to a module, to a class, or to an object that a package keeps."""
    owner = value.__self__
    if isinstance(owner, ModuleType):
        return homes.of(owner.__name__)
    if isinstance(owner, type) and is_free(value):
        return home_of(owner, homes)
    if owner is None:
        return homes.of(value.__module__ or "builtins")
    module = sys.modules.get(type(owner).__module__)
    is_kept = module is not None and vars(module).get(value.__name__) is value
    return homes.of(type(owner).__module__) if is_kept else None


def _named(value: Any) -> object:
    """What an import would find under the name of *value*."""
    found: object = sys.modules.get(str(getattr(value, "__module__", None) or "builtins"))
    for name in value.__qualname__.split("."):
        found = getattr(found, name, MISSING)
    return found


def label_of(value: Any) -> str:
    if isinstance(value, ModuleType):
        return f"module {value.__name__}"
    owner = getattr(value, "__objclass__", None) or getattr(value, "__self__", None)
    if isinstance(owner, type):
        return f"{name_of(owner)}.{value.__name__}"
    if owner is not None and not isinstance(owner, ModuleType):
        return f"{type(owner).__module__}.{value.__name__}"
    return name_of(value)
