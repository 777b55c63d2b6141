"""What belongs to a class or function beside its code, for the key of a cached call."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import cached_property
from reprlib import Repr
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any, Final

from xvc.core.secrets import mask_values
from xvc.tracking.canonical import ATOMS, name_of

MISSING: Final = object()
"""A name that leads nowhere, a cell that is not bound yet."""

_SHOWN = 60
_COMPUTED = {  # from the rest of the class, some only when somebody asks
    "__dict__",
    "__weakref__",
    "__module__",
    "__doc__",
    "__slotnames__",
    "__firstlineno__",
    "__static_attributes__",
    "__signature__",
    "__pydantic_core_schema__",
    "__annotations_cache__",
    "__pydantic_validator__",
    "__pydantic_serializer__",
    "__pydantic_parent_namespace__",
    "__pydantic_complete__",
    "__pydantic_fields_complete__",
    "__annotate_func__",
    "__abstractmethods__",
    "__pydantic_generic_metadata__",
}


def is_fixed(value: object) -> bool:
    """Whether a value is plain and cannot change in place.

    >>> is_fixed((1, "a")), is_fixed((1, []))
    (True, False)
    """
    kind = type(value)
    if kind is tuple or kind is frozenset:
        return all(map(is_fixed, value))  # type: ignore[call-overload]
    return kind in ATOMS and kind is not bytearray


def content_of(cell: Any) -> object:
    """Return what a cell holds."""
    try:
        return cell.cell_contents
    except ValueError:  # a name that is not bound yet
        return MISSING


def is_derived(kind: type, name: str, member: object) -> bool:
    """Whether a member of a class says nothing that the others do not say."""
    if isinstance(member, MemberDescriptorType | GetSetDescriptorType):
        return True
    if name in _COMPUTED or name.startswith("_abc_") or (name == "__annotations__" and not member):
        return True
    return issubclass(kind, Enum) and name in ("_value2member_map_", "_member_names_")


def kind_and_functions(member: object) -> tuple[str, tuple[object, ...]]:
    """Return how a member of a class is bound, and the functions behind it.

    >>> kind_and_functions(staticmethod(len))
    ('builtins.staticmethod', (<built-in function len>,))
    """
    if isinstance(member, property):
        functions = (member.fget, member.fset, member.fdel)
        have = "".join(name for name, each in zip("gsd", functions, strict=True) if each)
        return f"{name_of(type(member))} {have}", tuple(each for each in functions if each)
    if isinstance(member, staticmethod | classmethod):
        return name_of(type(member)), (member.__func__,)
    if isinstance(member, cached_property):
        return name_of(type(member)), (member.func,)
    return ("", (member,)) if isinstance(member, FunctionType) else ("", ())


def told(name: str, member: Any) -> object:
    """Return what a value of a class says, without what is another in each process."""
    if not name.endswith(".__pydantic_decorators__"):
        return member
    groups = {group: getattr(member, group) for group in type(member).__dataclass_fields__}
    return [
        (group, one, getattr(decorator, "info", None))
        for group, decorators in groups.items()
        for one, decorator in decorators.items()
    ]


def registered(value: Any) -> Mapping[Any, object] | None:
    """Return what is registered with a function of `functools.singledispatch` or an abstract class.

    None for any other function.
    """
    if isinstance(value, type):
        if not hasattr(value, "_abc_impl"):
            return None
        import _abc  # type: ignore[import-not-found]  # late: few classes are abstract

        kinds = filter(None, (kept() for kept in _abc._get_dump(value)[0]))
        return {name_of(kind): kind for kind in sorted(kinds, key=name_of)}
    if getattr(value.__code__, "co_qualname", "") != "singledispatch.<locals>.wrapper":
        return None
    registry: Mapping[object, object] = value.registry
    return registry


def shown(name: str, value: object) -> str:
    """Return how a value looks, cut short; that of a name which tells a secret is masked."""
    brief = Repr()
    brief.maxstring = brief.maxother = brief.maxlong = _SHOWN
    text = " ".join(brief.repr(value).split())[:_SHOWN]
    last = name.rpartition(".")[2]
    return str(mask_values({last: text})[last])
