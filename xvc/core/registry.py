"""What packages add to xvc by name: xvc's own come first, then those of installed packages.

Each registry has a group of entry points (``xvc.executors``): a name, and the module and name of
what is registered. A name of xvc's own cannot be taken. Nothing is loaded until it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry(Generic[Entry]):
    """What is registered in one group of entry points.

    ``own`` maps xvc's names to ``module:name``; ``accepts`` tells whether what was loaded can be
    used, and ``wanted`` names what it has to be.

    >>> jsons = Registry(
    ...     group="x.y", own={"dumps": "json:dumps"}, accepts=callable, wanted="function"
    ... )
    >>> jsons.names()
    ('dumps',)
    >>> jsons.load("dumps", KeyError)([1])
    '[1]'
    """

    group: str
    own: Mapping[str, str]
    accepts: Callable[[object], bool]
    wanted: str

    def names(self) -> tuple[str, ...]:
        """List all names, those of xvc first."""
        others = (each.name for each in _installed(self.group))
        return tuple(dict.fromkeys((*self.own, *others)))

    def has(self, name: str) -> bool:
        """Whether the name is registered, be it loadable or not."""
        return self._found(name) is not None

    def load(self, name: str, unusable: Callable[[str], Exception]) -> Entry:
        """Load what is registered under a name.

        Args:
            name: which.
            unusable: makes the error that is raised when it cannot be used, out of the reason.
        """
        found = self._found(name)
        if found is None:
            raise unusable(f"no installed package has it; there are {', '.join(self.names())}")
        try:
            entry = found.load()
        except Exception as err:  # code of others, and whatever it does at import
            raise unusable(reason(err)) from err
        if not self.accepts(entry):
            raise unusable(f"{found.value} is no {self.wanted}")
        return cast("Entry", entry)

    def _found(self, name: str) -> _Registered | None:
        if name in self.own:  # looking at what is installed takes milliseconds
            return _Registered(self.own[name], partial(_loaded, self.own[name]))
        other = next(iter(_installed(self.group).select(name=name)), None)
        return None if other is None else _Registered(other.value, other.load)


@dataclass(frozen=True, slots=True)
class _Registered:
    value: str
    load: Callable[[], object]


def _installed(group: str) -> EntryPoints:
    from importlib.metadata import entry_points  # late: a run asks for xvc's own alone

    return entry_points(group=group)


def _loaded(value: str) -> object:
    module, _, name = value.partition(":")
    return getattr(import_module(module), name)


def reason(err: Exception) -> str:
    r"""Say on one line, and without a full stop, what code of others did.

    >>> reason(ImportError("no module x.\nReally."))
    'no module x. Really'
    >>> reason(KeyError())
    'KeyError'
    """
    return " ".join(str(err).split()).removesuffix(".") or type(err).__name__
