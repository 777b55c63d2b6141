"""What a function is, for the cache: its code, the helpers it calls, the globals it reads.

Told from the code objects that will run, not from source files, which may be newer than what was
imported; so comments, docstrings and line numbers do not count. Functions and classes of the
user's own modules are followed wherever a name leads; installed packages stand for themselves by
name and version, Python by its version. Values that may change in place are looked at each time.
"""

from __future__ import annotations

import builtins
import dis
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from hashlib import sha256
from importlib import import_module, metadata
from importlib.util import find_spec, resolve_name
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

from xvc.tracking.canonical import ATOMS, Encoder, Unkeyable, name_of

_MISSING = object()
_MANY = 1000
_KEPT = (FunctionType, type)  # a tuple, not a union: half a microsecond of every hit
_INSTALLED = ("site-packages", "dist-packages")


@dataclass(slots=True)
class Code:
    """All that a function reaches: digests by name, values to look at, and how to see a change."""

    parts: dict[str, bytes] = field(default_factory=dict)
    live: list[tuple[str, object]] = field(default_factory=list)
    names: list[tuple[Mapping[str, object], str, object]] = field(default_factory=list)
    bodies: list[tuple[FunctionType, CodeType, object, object]] = field(default_factory=list)
    cells: list[tuple[Any, object]] = field(default_factory=list)
    digest: bytes = b""

    def is_current(self) -> bool:
        """Whether every name still leads to what it led to."""
        for namespace, name, value in self.names:
            if namespace.get(name, _MISSING) is not value:
                return False
        for body, code, defaults, others in self.bodies:
            if (
                body.__code__ is not code
                or body.__defaults__ is not defaults
                or body.__kwdefaults__ is not others
            ):
                return False
        return all(_content(cell) is value for cell, value in self.cells)


class CodeKeys:
    """Identities of functions, kept as long as what they reach stays the same."""

    def __init__(self) -> None:
        self._known: dict[object, Code] = {}
        self._homes: dict[str, str | None] = {}

    def digest(self, function: object, above: tuple[object, ...] = ()) -> bytes:
        """Return 32 bytes that change with the code of *function* and of what it calls."""
        code = self._known.get(function) if isinstance(function, _KEPT) else None
        if code is None or not code.is_current():
            code = self._trace(function)
        if not code.live:
            return code.digest
        return _digest({**code.parts, **self._live(code, (*above, function))})

    def parts(self, function: object) -> dict[str, str]:
        """Return a short digest of everything that the identity of *function* is made of."""
        code = self._trace(function)
        found = {**code.parts, **self._live(code, (function,))}
        return {name: part.hex()[:12] for name, part in found.items()}

    def encoder(self, above: tuple[object, ...] = ()) -> Encoder:
        """Make an encoder to which a class or function is more than its name."""
        if not above:
            return Encoder(self._part)
        return Encoder(lambda code: self._part(code, above))

    def _part(self, code: object, above: tuple[object, ...] = ()) -> bytes:
        return b"c%d:" % above.index(code) if code in above else self.digest(code, above)

    def _live(self, code: Code, above: tuple[object, ...]) -> dict[str, bytes]:
        found = {}
        for label, value in code.live:
            try:
                content = self.encoder(above).encode(value)
            except Unkeyable:  # a client, a lock: that it is one is all that can be said
                content = name_of(type(value)).encode()
            found[label] = sha256(content).digest()
        return found

    def _trace(self, function: object) -> Code:
        tracer = _Tracer(self._homes)
        tracer.visit(name_of(function), function)
        code = tracer.found
        code.parts.setdefault(name_of(function), b"")  # of a package: all that tells it from others
        code.digest = _digest(code.parts)
        if isinstance(function, _KEPT):
            if len(self._known) >= _MANY:  # of functions made in a loop
                self._known.clear()
            self._known[function] = code
        return code


class _Tracer:
    """One walk through all that a function reaches, in the order in which it is named."""

    def __init__(self, homes: dict[str, str | None]) -> None:
        self.found = Code()
        self._homes = homes
        self._seen: set[int] = set()

    def visit(self, label: str, value: Any) -> None:
        if id(value) in self._seen:
            return
        if _is_code(value):
            self._code(label, value)
        elif type(value) in ATOMS and type(value) is not bytearray:
            self.found.parts[label] = _hash(Encoder().encode(value))
        elif value is not _MISSING and not type(value).__module__.startswith("xvc."):
            self.found.live.append((label, value))  # not a tracker: it changes with every row

    def _code(self, label: str, value: Any) -> None:
        home = self._home(_module_of(value))
        if home is not None:
            self.found.parts[home.partition(" ")[0]] = _hash(home.encode())
        elif isinstance(value, FunctionType):
            self._function(value)
        elif isinstance(value, type):
            self._class(value)
        elif not isinstance(value, ModuleType | BuiltinFunctionType):
            self.visit(label, value.__wrapped__)

    def _function(self, function: FunctionType) -> None:
        label = self._take(function)
        code = function.__code__
        self.found.parts[label] = _hash(_form(code))
        self.found.bodies.append((function, code, function.__defaults__, function.__kwdefaults__))
        named = code.co_varnames[: code.co_argcount][::-1]
        defaults = dict(zip(named, (function.__defaults__ or ())[::-1], strict=False))
        for name, value in {**defaults, **(function.__kwdefaults__ or {})}.items():
            self.visit(f"{label}({name})", value)
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            self.found.cells.append((cell, _content(cell)))
            self.visit(f"{label}:{name}", _content(cell))
        for chain in _chains(code):
            self._follow(function.__globals__, chain)
        for target, names in _imports(code, function.__globals__):
            self._import(target, names)

    def _class(self, kind: type) -> None:
        label = self._take(kind)
        self.found.parts[label] = _hash(label.encode())
        for base in kind.__bases__:
            self.visit(name_of(base), base)
        if issubclass(kind, Enum):
            self.found.live.append((label, [(each.name, each.value) for each in kind]))
        for name, member in list(vars(kind).items()):
            bare = _bare(member)
            if name.startswith("__") and not isinstance(bare[0], FunctionType):
                continue
            if isinstance(member, MemberDescriptorType) or name.startswith("_abc_"):
                continue
            self.found.names.append((vars(kind), name, member))
            for each in bare if not issubclass(kind, Enum) else _functions(bare):
                self.visit(f"{label}.{name}", each)

    def _take(self, code: FunctionType | type) -> str:
        self._seen.add(id(code))
        label = name_of(code)
        taken = sum(each.partition("#")[0] == label for each in self.found.parts)
        return f"{label}#{taken + 1}" if taken else label

    def _follow(self, namespace: Mapping[str, object], chain: tuple[str, ...]) -> None:
        """Look a dotted name up: through modules of the user's, up to what is no module."""
        owner = str(namespace.get("__name__", "?"))
        for name in chain:
            value = namespace.get(name, _MISSING)
            self.found.names.append((namespace, name, value))
            if value is _MISSING and not hasattr(builtins, name):
                self.found.parts[f"{owner}.{name}"] = _hash(b"")
            if not isinstance(value, ModuleType) or self._home(value.__name__) is not None:
                break
            namespace, owner = vars(value), value.__name__
        self.visit(f"{owner}.{name}", value)

    def _import(self, target: str, names: tuple[str, ...]) -> None:
        """Follow an import inside a function; one that fails is the function's own failure."""
        home = self._home(target)
        if home is not None:
            self.found.parts[home.partition(" ")[0]] = _hash(home.encode())
            return
        try:
            module = import_module(target)
        except ImportError:
            return
        for name in names:
            if name in vars(module):
                self._follow(vars(module), (name,))

    def _home(self, module: str) -> str | None:
        """The package and version of a module that is not the user's."""
        top = module.partition(".")[0]
        if top not in self._homes:
            self._homes[top] = _home_of(top)
        return self._homes[top]


def _home_of(top: str) -> str | None:
    if top == "__main__":
        return None
    if top in sys.stdlib_module_names:
        return f"python {sys.version_info.major}.{sys.version_info.minor}"
    module = sys.modules.get(top)
    place = getattr(module, "__file__", None) or ""
    if not place:
        try:
            spec = find_spec(top)
        except (ValueError, ImportError):
            spec = None
        place = str((spec and (spec.origin or spec.submodule_search_locations)) or "")
    if top != "xvc" and not any(name in place for name in _INSTALLED):
        return None
    version = getattr(module, "__version__", None)
    if not isinstance(version, str):
        try:
            version = metadata.version(top)
        except metadata.PackageNotFoundError:
            version = "?"
    return f"{top} {version}"


def _is_code(value: object) -> bool:
    """Whether something is known by its code; an object that can be called has content as well."""
    kinds = ModuleType | type | FunctionType | BuiltinFunctionType
    return isinstance(value, kinds) or callable(getattr(value, "__wrapped__", None))


def _module_of(value: object) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    return str(getattr(value, "__module__", None) or type(value).__module__)


def _form(code: CodeType) -> bytes:
    """Write down what a code object does: its instructions, with what they load."""
    encoder = Encoder()
    head = (code.co_name, code.co_flags, code.co_argcount, code.co_posonlyargcount)
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    parts = [encoder.encode((*head, arguments, code.co_exceptiontable))]
    for step in dis.get_instructions(code):
        loaded = step.argval
        inner = _form(loaded) if isinstance(loaded, CodeType) else loaded
        parts.append(encoder.encode((step.opname, inner)))
    return b"".join(parts)


def _steps(code: CodeType) -> Iterator[list[dis.Instruction]]:
    """The instructions of a code object and of those inside it."""
    steps = [step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG"]
    yield steps
    for step in steps:
        if isinstance(step.argval, CodeType):
            yield from _steps(step.argval)


def _chains(code: CodeType) -> list[tuple[str, ...]]:
    """Every global name that is read, with the attributes that are taken from it: ``a.b.c``."""
    found: dict[tuple[str, ...], None] = {}
    for steps in _steps(code):
        chain: tuple[str, ...] = ()
        for step in steps:
            if step.opname.startswith(("LOAD_GLOBAL", "LOAD_NAME")):
                found[chain] = None
                chain = (step.argval,)
            elif chain and step.opname.startswith(("LOAD_ATTR", "LOAD_METHOD")):
                chain = (*chain, step.argval)
            else:
                found[chain] = None
                chain = ()
    return [chain for chain in found if chain]


def _imports(
    code: CodeType, namespace: Mapping[str, object]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every module that is imported inside, with the names that may be taken from it."""
    for steps in _steps(code):
        taken = tuple(
            {str(each.argval) for each in steps if each.opname in _TAKING} if steps else ()
        )
        for place, step in enumerate(steps):
            if step.opname == "IMPORT_NAME":
                level = steps[place - 2].argval if place >= 2 else 0
                package = str(namespace.get("__package__") or "")
                dotted = f"{'.' * level}{step.argval}" if isinstance(level, int) else step.argval
                if dotted.startswith(".") and not package:
                    continue
                yield resolve_name(dotted, package or None), tuple(sorted(taken))


_TAKING = ("IMPORT_FROM", "LOAD_ATTR", "LOAD_METHOD")


def _bare(member: object) -> tuple[object, ...]:
    """The functions behind a member of a class, or the member itself."""
    if isinstance(member, property):
        return tuple(each for each in (member.fget, member.fset, member.fdel) if each) or (None,)
    if isinstance(member, staticmethod | classmethod | MethodType):
        return (member.__func__,)
    return (member.func,) if isinstance(member, cached_property) else (member,)


def _functions(members: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(each for each in members if isinstance(each, FunctionType))


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # a name that is not bound yet
        return _MISSING


def _hash(content: bytes) -> bytes:
    return sha256(content).digest()


def _digest(parts: Mapping[str, bytes]) -> bytes:
    whole = sha256()
    for label, part in parts.items():
        whole.update(b"%d:" % len(label.encode()) + label.encode() + part)
    return whole.digest()
