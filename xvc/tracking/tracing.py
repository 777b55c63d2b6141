"""One walk through all that a function reaches: a graph of names and their targets.

Each name, attribute, cell, default, base class and decorator is noted with what it leads to: the
user's own code by content, installed packages by name and version, Python's by its version, plain
values as they are. Told from the code objects that will run, not from source files, which may be
newer than what was imported. What can be neither followed nor told by its content is refused:
`Unkeyable`, with the name that led there.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Mapping, Sized
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from types import FunctionType, ModuleType
from typing import Any

from xvc.system.distributions import Homes
from xvc.tracking.bytecode import Chain, Import, Read, Reads, counters, form, reads
from xvc.tracking.canonical import Encoder, Unkeyable, name_of
from xvc.tracking.members import (
    MISSING,
    content_of,
    is_derived,
    is_fixed,
    kind_and_functions,
    registered,
    shown,
    told,
)
from xvc.tracking.origins import home_of, is_code, label_of

_RUNNING_TEXT = ("builtins.exec", "builtins.eval", "builtins.compile")
_BRINGING = ("builtins.__import__", "importlib.import_module", "importlib.__import__")
_LOADING = ("load", "loads", "Unpickler")
_REFUSED = {
    *_RUNNING_TEXT,
    *_BRINGING,
    "builtins.globals",
    "sys._getframe",
    "sys._current_frames",
    "inspect.currentframe",
    "inspect.stack",
    "inspect.trace",
    "inspect.getmodule",
    "inspect.getsource",
    "inspect.getsourcelines",
    "inspect.findsource",
    "inspect.getcomments",
    *(f"{module}.{name}" for module in ("pickle", "cloudpickle", "dill") for name in _LOADING),
    "joblib.load",
    "_pickle.load",
    "_pickle.loads",
    "_pickle.Unpickler",
    "pickle._load",
    "pickle._loads",
    "pickle._Unpickler",
    "shelve.open",
    "cloudpickle.load",
    "cloudpickle.loads",
    "dill._dill.load",
    "dill._dill.loads",
    "joblib.numpy_pickle.load",
    "pandas.read_pickle",
    "pandas.io.pickle.read_pickle",
    "runpy.run_path",
    "runpy.run_module",
    "importlib.reload",
    "pkgutil.resolve_name",
    "pydoc.locate",
    "gc.get_objects",
    "sys.modules",
    "module importlib",
    "module builtins",
    "module runpy",
}
_BY_MODULE = {"importlib", "builtins", "runpy", "pickle", "cloudpickle", "dill", "joblib"}
_INTO_SPACES = {"__globals__", "f_globals"}
_ABOUT_DOCS = {"__doc__", "getdoc", "help", "getsource", "getsourcelines", "signature"}
_ABOUT_NAMES = {"query", "eval", "sql", "execute"}  # of pandas and DuckDB: texts that name globals
_FRAMES = {
    "pandas": ("DataFrame", "Series", "Index"),
    "polars": ("DataFrame", "LazyFrame", "Series", "Expr"),
    "xarray": ("Dataset", "DataArray"),
}
_MADE = {
    "__builtins__",
    "__cached__",
    "__doc__",
    "__file__",
    "__loader__",
    "__spec__",
    "__package__",
    "__path__",
    "__name__",
    "__annotations__",
    "__annotate__",
    "__conditional_annotations__",
}


class Moved(Exception):
    """A value leads to code that was not there when it was traced."""


@dataclass(slots=True)
class ReachedCode:
    """All that a function reaches: digests by name, values to look at, and how to see a change."""

    root: object
    parts: dict[str, bytes] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    live: list[tuple[str, object]] = field(default_factory=list)
    labels: dict[int, str] = field(default_factory=dict)
    reached: list[object] = field(default_factory=list)  # kept, so that no other has their ids
    names: list[tuple[Mapping[str, object], str, object]] = field(default_factory=list)
    sizes: list[tuple[Sized, int]] = field(default_factory=list)
    bodies: list[tuple[FunctionType, object, object, object, int]] = field(default_factory=list)
    cells: list[tuple[Any, object]] = field(default_factory=list)
    digest: bytes = b""

    def is_current(self) -> bool:
        """Whether every name still leads to what it led to."""
        for namespace, name, value in self.names:
            if namespace.get(name, MISSING) is not value:
                return False
        for body, code, defaults, others, count in self.bodies:
            if (
                body.__code__ is not code
                or body.__defaults__ is not defaults
                or body.__kwdefaults__ is not others
                or len(body.__dict__) != count
            ):
                return False
        for sized, size in self.sizes:
            if len(sized) != size:
                return False
        return all(content_of(cell) is value for cell, value in self.cells)

    def label(self, code: object) -> bytes | None:
        """Return the label of code that a value leads to; None for what has content."""
        found = self.labels.get(id(code))
        if found is None:
            if not is_code(code):
                return None
            raise Moved
        return found.encode()

    def contents(self) -> dict[str, bytes]:
        """Look at the values that may have changed in place.

        Raises:
            Unkeyable: one of them has no content.
            Moved: one of them leads to other code than before.
        """
        return {name: _encoded(name, value, self.label) for name, value in self.live}


@dataclass(frozen=True, slots=True)
class _Below:
    """The classes right below one, of which only the number is looked at."""

    kind: type

    def __len__(self) -> int:
        return len(type.__subclasses__(self.kind))


class Tracer:
    """One walk through all that a function reaches, nearest first."""

    def __init__(self, homes: Homes, root: object) -> None:
        self.found = ReachedCode(root)
        self._homes, self._root = homes, root
        self._queue: deque[tuple[str, Any]] = deque()
        self._taken: dict[str, int] = {}
        self._docs: dict[str, str] = {}
        self._words: set[str] = set()
        self._kinds: dict[str, type] = {}

    def walk(self) -> ReachedCode:
        self._visit(name_of(self._root), self._root)
        while self._queue:
            self._expand(*self._queue.popleft())
            if not self._queue and "__subclasses__" in self._words:
                self._below()
        if not self._words.isdisjoint(_ABOUT_DOCS):
            for label, text in self._docs.items():
                self._part(f"{label}.__doc__", text)
        self._note_twins()
        self.found.digest = digest_of(self.found.parts)
        return self.found

    def _note_twins(self) -> None:
        """Note which names lead to one object: what changes under one changes under the other."""
        names: dict[int, list[str]] = {}
        for name, value in self.found.live:
            names.setdefault(id(value), []).append(name)
        for twins in names.values():
            for other in twins[1:]:
                self._part(f"one object {other}", twins[0])

    def _below(self) -> None:
        """Follow the classes that code finds by asking a class for those below it."""
        for label, kind in list(self._kinds.items()):
            below: list[type] = type.__subclasses__(kind)
            self.found.sizes.append((_Below(kind), len(below)))
            for each in below:
                self._visit(f"{label} below {name_of(each)}", each)
        self._kinds.clear()

    def _part(self, name: str, value: object) -> None:
        self.found.parts[name] = sha256(Encoder(self._reference).encode(value)).digest()

    def _visit(self, name: str, value: Any) -> None:
        """Note what a name leads to."""
        reference = self._reference(value)
        if reference is not None:
            self.found.parts[f"name {name}"] = sha256(reference).digest()
            self.found.texts[f"name {name}"] = reference.decode()
        elif is_fixed(value):
            self._part(f"name {name}", value)
            self.found.texts[f"name {name}"] = shown(name, value)
        elif not type(value).__module__.startswith("xvc."):  # not a tracker: each row changes it
            self._look(name, value)

    def _look(self, name: str, value: object) -> None:
        label = f"value {name}"
        _encoded(label, value, self._reference)
        self.found.live.append((label, value))

    def _reference(self, value: Any) -> bytes | None:
        """Return the label of code, which is then followed; None for what has content."""
        found = self.found
        label = found.labels.get(id(value))
        if label is not None:
            return label.encode()
        home = home_of(value, self._homes)
        if home is None and not is_code(value):
            return None
        label = label_of(value)
        if label in _REFUSED:
            raise Unkeyable(label, "what it leads to")
        if home is not None:
            found.parts[f"package {home.partition(' ')[0]}"] = sha256(home.encode()).digest()
            found.texts[f"package {home.partition(' ')[0]}"] = home.partition(" ")[2]
            if isinstance(value, type):
                self._replaced(label, value)
        else:
            count = self._taken[label] = self._taken.get(label, 0) + 1
            label = f"{label}#{count}" if count > 1 else label
            self._queue.append((label, value))
        found.labels[id(value)] = label
        found.reached.append(value)
        return label.encode()

    def _replaced(self, label: str, kind: type) -> None:
        """Follow the methods that a user has given to the class of a package."""
        for name, member in list(vars(kind).items()):
            if not isinstance(member, FunctionType) or member.__module__ == kind.__module__:
                continue
            if self._is_own(member):
                self.found.names.append((vars(kind), name, member))
                self._visit(f"{label}.{name}", member)

    def _expand(self, label: str, value: Any) -> None:
        if isinstance(value, FunctionType):
            self._function(label, value)
        elif isinstance(value, type):
            self._class(label, value)
        elif isinstance(value, ModuleType):
            self._module(label, value)
        else:  # made by `functools.lru_cache`, or written in C by the user
            self._part(label, getattr(value, "cache_parameters", dict)())
            for name, member in vars(value).items() if hasattr(value, "__dict__") else ():
                self._visit(f"{label}.{name}", member)

    def _function(self, label: str, function: FunctionType) -> None:
        code, space = function.__code__, function.__globals__
        home = self._home_of_space(space)
        self.found.parts[label] = sha256(form(code)).digest()
        facts = (function.__defaults__, function.__kwdefaults__, len(function.__dict__))
        self.found.bodies.append((function, code, *facts))
        if home is not None and home.startswith("xvc "):  # a tracked function: the one in it
            self._visit(f"{label}.__wrapped__", function.__dict__.get("__wrapped__", MISSING))
            return
        self._docs[label] = function.__doc__ or ""
        self._part(f"annotations {label}", function.__annotations__)
        registry = registered(function)
        if registry is not None:  # beside it there is only what keeps track of it
            self._look(f"{label}.registry", registry)
            return
        for name, member in function.__dict__.items():
            self.found.names.append((function.__dict__, name, member))
            self._visit(f"{label}.{name}", member)
        self._inside(label, function)
        if home is None:
            for each in reads(code):
                if not _INTO_SPACES.isdisjoint(each.words | each.texts):
                    raise Unkeyable(f"{label} __globals__", "what it leads to")
                self._follow_all(label, space, each)

    def _inside(self, label: str, function: FunctionType) -> None:
        """Defaults, and what is closed over."""
        code = function.__code__
        named = code.co_varnames[: code.co_argcount][::-1]
        defaults = dict(zip(named, (function.__defaults__ or ())[::-1], strict=False))
        for name, value in {**defaults, **(function.__kwdefaults__ or {})}.items():
            self._visit(f"{label}({name})", value)
        counted = counters(code)
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            value = content_of(cell)
            if name in counted and _is_number(value):
                continue
            self.found.cells.append((cell, value))
            if value is not MISSING:
                self._visit(f"{label}:{name}", value)

    def _class(self, label: str, kind: type) -> None:
        space = vars(kind)
        if not issubclass(kind, type):
            self._kinds[label] = kind
        members = {
            name: (member, *kind_and_functions(member))
            for name, member in list(space.items())
            if not is_derived(kind, name, member)
        }
        self.found.sizes.append((space, len(space)))
        self._part(label, [(name, what) for name, (_, what, _) in members.items()])
        self._docs[label] = kind.__doc__ or ""
        for place, base in enumerate((type(kind), *kind.__bases__)):
            self._visit(f"{label}<{place}>", base)
            home = self._homes.of(base.__module__) or "python"
            if not home.startswith("python"):  # as models do, which tell their text to others
                self._part(f"{label}.__doc__", kind.__doc__)
        registry = registered(kind)
        if registry:
            self._part(f"{label}.register", registry)
        for name, (member, _, functions) in members.items():
            self.found.names.append((space, name, member))
            for each in functions:
                self._visit(f"{label}.{name}", each)
            if not functions:
                self._member(f"{label}.{name}", member)

    def _member(self, name: str, member: object) -> None:
        """A value of a class; what stands between underscores is not changed in place."""
        if name.endswith("__") and self._reference(member) is None:
            try:
                self._part(f"name {name}", told(name, member))
            except Unkeyable as err:
                raise err.inside(name) from None
        else:
            self._visit(name, member)

    def _module(self, label: str, module: ModuleType) -> None:
        space = vars(module)
        names = [name for name in list(space) if name not in _MADE]
        self.found.sizes.append((space, len(space)))
        self._part(label, sorted(names))
        for name in names:
            self.found.names.append((space, name, space[name]))
            self._visit(f"{module.__name__}.{name}", space[name])

    def _follow_all(self, label: str, space: Mapping[str, Any], found: Reads) -> None:
        self._words |= found.words
        modules: dict[str, ModuleType] = {}
        for wanted in found.imports:
            self._refuse_taken(label, wanted, found)
            bound = self._import(label, space, wanted)
            if bound is not None and wanted.local and wanted.local not in found.given:
                modules[wanted.local] = bound
            elif bound is not None:
                self._visit(f"{label} {wanted.bound}", bound)
        for read in found.globals:
            if read.chain[0] in found.counters and _is_number(space.get(read.chain[0])):
                continue
            end = self._resolve(space, read.chain)
            self._target(label, space, read, *end)
        for local, module in modules.items():
            for chain in found.attributes.get(local, ()):
                self._visit_end(*self._resolve(vars(module), chain))
        if not found.words.isdisjoint(_ABOUT_NAMES):
            for name in found.texts & space.keys():
                self._visit_end(*self._resolve(space, (name,)))
        self._given_to_frames(found.words)

    def _given_to_frames(self, words: set[str]) -> None:
        """Follow what a user has given to the classes of frames, which come without their names."""
        for package, kinds in _FRAMES.items():
            module = sys.modules.get(package)
            found = [vars(module).get(name) for name in kinds] if module else []
            for kind in [each for each in found if isinstance(each, type)]:
                members = vars(kind)
                for word in members.keys() & words:
                    member = members[word]
                    known = [member, *getattr(member, "__dict__", {}).values()]  # of an accessor
                    for each in known:
                        if isinstance(each, FunctionType | type) and self._is_own(each):
                            self.found.names.append((members, word, member))
                            self._visit(f"{package}.{kind.__name__}.{word}", each)

    def _is_own(self, value: FunctionType | type) -> bool:
        """Whether the user has written a function or class."""
        return value.__module__ in sys.modules and self._homes.of(value.__module__) is None

    def _refuse_taken(self, label: str, wanted: Import, found: Reads) -> None:
        """Refuse what an import inside takes from a package and leads anywhere."""
        chains = found.attributes.get(wanted.local, ())
        taken = {f"{wanted.module}.{name}" for name in wanted.names}
        taken |= {f"{wanted.bound}.{'.'.join(chain)}" for chain in chains}
        known = taken & _REFUSED
        if not wanted.names and wanted.bound in _BY_MODULE and wanted.local in found.given:
            known = {wanted.bound}
        if known:
            raise Unkeyable(f"{label} {min(known)}", "what it leads to")

    def _resolve(self, space: Mapping[str, Any], chain: Chain) -> tuple[str, object]:
        """Look a dotted name up: through modules, up to what is no module or is used whole."""
        owner, builtins = str(space.get("__name__", "?")), space.get("__builtins__", {})
        value: object = MISSING
        for place, name in enumerate(chain):
            value = space.get(name, MISSING)
            self.found.names.append((space, name, value))
            if value is MISSING and place == 0:
                known = builtins if isinstance(builtins, dict) else vars(builtins)
                value = known.get(name, MISSING)
            elif value is MISSING and "__getattr__" in space:
                self._visit(f"{owner}.__getattr__", space["__getattr__"])
                value = getattr(sys.modules.get(owner), name, MISSING)
            elif value is MISSING:
                value = self._computed(owner, name)
            is_way = isinstance(value, ModuleType) and place + 1 < len(chain)
            if not is_way or chain[place + 1] == "__dict__":
                break
            owner, space = value.__name__, vars(value)  # type: ignore[attr-defined]
        if isinstance(value, type) and place + 1 < len(chain):
            self._taken_from(value, chain[place + 1])
        return f"{owner}.{name}", value

    def _computed(self, owner: str, name: str) -> object:
        """What a module of a class of the user's own says under a name."""
        module = sys.modules.get(owner)
        if module is None or type(module) is ModuleType:
            return MISSING
        self._visit(f"{owner}.__class__", type(module))
        return getattr(module, name, MISSING)

    def _taken_from(self, kind: type, name: str) -> None:
        """Note a plain value that is taken from the class of a package."""
        member = vars(kind).get(name, MISSING)
        if is_fixed(member) and home_of(kind, self._homes) is not None:
            self.found.names.append((vars(kind), name, member))
            self._part(f"name {name_of(kind)}.{name}", member)

    def _visit_end(self, name: str, value: object) -> None:
        if value is sys.modules:
            raise Unkeyable("sys.modules", "what it leads to")
        home = self._homes.of(name.rpartition(".")[0]) if "." in name else None
        if value is MISSING:
            self.found.parts[f"name {name}"] = b""
        elif home is None or self._is_followed(value):
            self._visit(name, value)
        else:  # a package's own value, such as `os.environ`
            self.found.parts[f"package {home.partition(' ')[0]}"] = sha256(home.encode()).digest()
            if is_fixed(value):
                self._part(f"name {name}", value)

    def _is_followed(self, value: object) -> bool:
        return is_code(value) or home_of(value, self._homes) is not None

    def _target(
        self, label: str, space: Mapping[str, Any], read: Read, name: str, value: object
    ) -> None:
        """Note what a global name leads to, and what a text leads to that is given to it."""
        known = name_of(value) if callable(value) else ""
        is_own = value is sys.modules and read.argument == "__name__"
        if known == "builtins.globals" or is_own:
            self._visit_own(label, space)
        elif value is sys.modules and read.argument in sys.modules:
            self._visit(f"{label} {read.argument}", sys.modules[read.argument])
        elif known in _BRINGING and read.argument not in (None, "__name__"):
            self._bring(label, space, str(read.argument))
        elif known in _RUNNING_TEXT and read.argument not in (None, "__name__"):
            self._run_text(label, space, str(read.argument))
        else:
            self._visit_end(name, value)

    def _visit_own(self, label: str, space: Mapping[str, Any]) -> None:
        module = sys.modules.get(str(space.get("__name__")))
        if module is None or vars(module) is not space:
            raise Unkeyable(f"{label} globals()", "what it leads to")
        self._visit(f"{label} globals()", module)

    def _bring(self, label: str, space: Mapping[str, Any], name: str) -> None:
        if name.startswith("."):  # of a package that another argument names
            raise Unkeyable(f"{label} {name}", "what it leads to")
        module = self._import(label, space, Import(name, 0, (), name))
        if module is not None:
            self._visit(f"{label} {name}", module)

    def _run_text(self, label: str, space: Mapping[str, Any], text: str) -> None:
        try:
            code = compile(text, "", "exec")
        except SyntaxError:
            return  # the call says so itself
        for each in reads(code):
            self._follow_all(label, space, each)

    def _import(self, label: str, space: Mapping[str, Any], wanted: Import) -> ModuleType | None:
        """Follow an import inside a function; one that fails is the function's own failure."""
        from importlib import import_module
        from importlib.util import resolve_name

        package = str(space.get("__package__") or "")
        try:
            target = resolve_name(f"{'.' * wanted.level}{wanted.module}", package or None)
        except ImportError:
            return None
        home = self._homes.of(target)
        if home is not None:
            self.found.parts[f"package {home.partition(' ')[0]}"] = sha256(home.encode()).digest()
            return None
        try:
            module = import_module(target)
        except ImportError:
            self.found.parts[f"name {label} {target}"] = b""
            return None
        for name in wanted.names:
            if name not in vars(module):
                with suppress(ImportError):
                    import_module(f"{target}.{name}")
            self._visit_end(*self._resolve(vars(module), (name,)))
        return None if wanted.names else sys.modules.get(wanted.bound, module)

    def _home_of_space(self, space: Mapping[str, Any]) -> str | None:
        """Whose a namespace is; one that is no module's is the user's."""
        name = str(space.get("__name__"))
        module = sys.modules.get(name)
        return self._homes.of(name) if module is not None and vars(module) is space else None


def _encoded(name: str, value: object, of_code: Callable[[object], bytes | None]) -> bytes:
    try:
        return sha256(Encoder(of_code).encode(value)).digest()
    except Unkeyable as err:
        raise err.inside(name.partition(" ")[2] or name) from None


def digest_of(parts: Mapping[str, bytes]) -> bytes:
    whole = sha256()
    for label in sorted(parts):
        encoded = label.encode("utf-8", "surrogatepass")
        whole.update(b"%d:" % len(encoded) + encoded + b"%d:" % len(parts[label]) + parts[label])
    return whole.digest()


def _is_number(value: object) -> bool:
    return type(value) in (int, float)
