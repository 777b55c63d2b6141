"""What a code object does and what it reads, told from its instructions. Runs nothing.

Comments, docstrings and line numbers are no instructions, so they do not count.
"""

from __future__ import annotations

import dis
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType

from xvc.tracking.canonical import Encoder

Chain = tuple[str, ...]
"""A dotted name: ``a.b.c`` as three."""


@dataclass(frozen=True, slots=True)
class Read:
    """A global name that is read, with the attributes that are taken from it.

    Attributes:
        local: the local variable that it is put into, when that is all that is done with it.
        argument: the text, or ``__name__``, that stands where a call's first argument would.
    """

    chain: Chain
    local: str = ""
    argument: str | None = None


@dataclass(frozen=True, slots=True)
class Import:
    """A module that is imported inside a function, and the names that are taken from it.

    Attributes:
        bound: the module that the name is given to: of ``import a.b`` it is ``a``.
        local: the local variable with that name; empty when it is no local variable.
    """

    module: str
    level: int
    names: tuple[str, ...]
    bound: str = ""
    local: str = ""


@dataclass(slots=True)
class Reads:
    """All that one code object reads from outside, and what it does with its local variables.

    Attributes:
        attributes: what is taken from each local variable.
        words: every name that stands in the instructions.
        texts: every word that stands in a text.
        given: local variables that are also used whole, so anything may be taken from them.
        counters: outer variables that are only counted up or down.
    """

    globals: dict[Read, None] = field(default_factory=dict)
    imports: dict[Import, None] = field(default_factory=dict)
    attributes: dict[str, dict[Chain, None]] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    counters: frozenset[str] = frozenset()


def form(code: CodeType) -> bytes:
    """Write down what a code object does: its instructions, with what they load."""
    encoder = Encoder()
    head = (code.co_name, code.co_flags, code.co_argcount, code.co_posonlyargcount)
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    parts = [encoder.encode((*head, arguments, code.co_exceptiontable))]
    for step in dis.get_instructions(code):
        loaded = step.argval
        inner = form(loaded) if isinstance(loaded, CodeType) else loaded
        parts.append(encoder.encode((step.opname, inner)))
    return b"".join(parts)


def reads(code: CodeType) -> Iterator[Reads]:
    """Say what a code object reads, and each that is inside it.

    >>> [found] = reads(compile("a.b(c)", "", "eval"))
    >>> [read.chain for read in found.globals]
    [('a', 'b'), ('c',)]
    """
    steps = [step for step in dis.get_instructions(code) if step.opname not in _SILENT]
    found = _Reader(steps, set(code.co_cellvars)).read()
    found.counters = counters(code)
    yield found
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from reads(const)


def counters(code: CodeType) -> frozenset[str]:
    """Name the globals and closed-over variables that a function only counts up or down.

    What such a variable held before has no part in what the function returns.

    >>> def tried(x):
    ...     global calls, seen
    ...     calls += 1
    ...     seen += 1
    ...     return x + seen
    >>> sorted(counters(tried.__code__))
    ['calls']
    """
    steps = [step for step in dis.get_instructions(code) if step.opname not in _SILENT]
    counted: set[str] = set()
    otherwise = {name for inner in code.co_consts for name in _named(inner)}
    for at, step in enumerate(steps):
        if step.opname.startswith("LOAD_") and isinstance(step.argval, str):
            known = counted if _is_count(steps[at : at + 4]) else otherwise
            known.add(step.argval)
    return frozenset(counted - otherwise)


def _is_count(steps: list[dis.Instruction]) -> bool:
    """Whether these steps are ``name += constant``, of a name outside the function."""
    if len(steps) < 4:
        return False
    load, constant, operation, store = steps
    return (
        (load.opname, store.opname) in _OUTER
        and load.argval == store.argval
        and constant.opname in ("LOAD_CONST", "LOAD_SMALL_INT")
        and isinstance(constant.argval, int | float)
        and operation.opname == "BINARY_OP"
        and operation.argrepr in ("+=", "-=")
    )


def _named(inner: object) -> Iterator[str]:
    """Names that a code object inside another may read from outside."""
    if isinstance(inner, CodeType):
        yield from (*inner.co_names, *inner.co_freevars)
        for const in inner.co_consts:
            yield from _named(const)


_WORD = re.compile(r"[A-Za-z_]\w*")
_SILENT = ("EXTENDED_ARG", "PUSH_NULL", "PRECALL", "CACHE", "NOP", "RESUME", "COPY_FREE_VARS")
_OUTER = (("LOAD_GLOBAL", "STORE_GLOBAL"), ("LOAD_DEREF", "STORE_DEREF"))
_TAKING = ("LOAD_ATTR", "LOAD_METHOD")
_GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")


class _Reader:
    """Goes through the instructions of one code object once."""

    def __init__(self, steps: list[dis.Instruction], cells: set[str]) -> None:
        self._steps, self._found = steps, Reads(given=cells)

    def read(self) -> Reads:
        for place, step in enumerate(self._steps):
            name = step.opname
            if isinstance(step.argval, str):
                self._found.words.add(step.argval)
                if name == "LOAD_CONST":
                    self._found.texts.update(_WORD.findall(step.argval))
            if name.startswith(_GLOBAL):
                self._global(place)
            elif name == "IMPORT_NAME":
                self._import(place)
            elif "LOAD_FAST" in name:
                self._local(place)
            elif "STORE_DEREF" in name or "STORE_NAME" in name:
                self._found.given.add(str(step.argval))
        return self._found

    def _chain(self, place: int, first: str) -> tuple[Chain, int]:
        """A name and the attributes taken from it one after another, and what comes then."""
        chain: Chain = (first,)
        place += 1
        while place < len(self._steps) and self._steps[place].opname.startswith(_TAKING):
            chain = (*chain, str(self._steps[place].argval))
            place += 1
        return chain, place

    def _global(self, place: int) -> None:
        chain, after = self._chain(place, str(self._steps[place].argval))
        self._found.globals[Read(chain, self._stored(after), self._argument(after))] = None

    def _stored(self, place: int) -> str:
        step = self._steps[place] if place < len(self._steps) else None
        is_store = step is not None and step.opname in ("STORE_FAST", "STORE_DEREF", "STORE_NAME")
        return str(step.argval) if step is not None and is_store else ""

    def _argument(self, place: int) -> str | None:
        step = self._steps[place] if place < len(self._steps) else None
        if step is None:
            return None
        if step.opname == "LOAD_CONST" and isinstance(step.argval, str):
            return step.argval
        is_own = step.opname.startswith(_GLOBAL) and step.argval == "__name__"
        return "__name__" if is_own else None

    def _import(self, place: int) -> None:
        level = self._steps[place - 2].argval if place >= 2 else 0
        wanted = self._steps[place - 1].argval if place >= 1 else None
        names = tuple(wanted) if isinstance(wanted, tuple) else ()
        step = self._steps[place]
        after = place + 1
        while not names and self._is_part(after):  # `import a.b as c` takes b from a
            after += 1
        local = "" if names else self._stored(after)
        plain = level if isinstance(level, int) else 0
        module = str(step.argval)
        bound = module if after > place + 1 else module.partition(".")[0]
        self._found.imports[
            Import(module=module, level=plain, names=names, bound=bound, local=local)
        ] = None

    def _is_part(self, place: int) -> bool:
        name = self._steps[place].opname if place < len(self._steps) else ""
        return name in ("IMPORT_FROM", "SWAP", "ROT_TWO", "POP_TOP")

    def _local(self, place: int) -> None:
        argval = self._steps[place].argval
        names = argval if isinstance(argval, tuple) else (argval,)
        if self._steps[place].opname.startswith("STORE_FAST"):  # one that stores and then loads
            names = names[1:]
        chain, _ = self._chain(place, str(names[-1]) if names else "")
        self._found.given.update(map(str, names if len(chain) == 1 else names[:-1]))
        if len(chain) > 1:
            self._found.attributes.setdefault(chain[0], {})[chain[1:]] = None
