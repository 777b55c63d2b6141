"""What xvc/ARCHITECTURE.md says of imports, and what the modules do.

Reads the two tables of that page and every import of every module, late ones included, by `ast`
alone: nothing is imported. Says what breaks a rule, one sentence each.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

HOUSE = Path(__file__).parent.parent / "xvc"
_TICKED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module, as one line of another module names it."""

    module: str
    target: str
    line: int
    is_for_types: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


@dataclass(frozen=True, slots=True)
class Room:
    """One row of the table: a room, its floor, and the rooms of that floor that it may use."""

    name: str
    floor: int
    beside: frozenset[str]


@dataclass(frozen=True, slots=True)
class Module:
    """The imports of one module (home, part, line, for types only), and modules named by texts."""

    imports: tuple[tuple[str, str, int, bool], ...]
    names: frozenset[str]


@cache  # most modules are read again and again: each planted fault is in a copy of the house
def _read(text: bytes) -> Module:
    nodes = list(ast.walk(ast.parse(text)))
    for_types = {
        id(inner)
        for node in nodes
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for branch in node.body
        for inner in ast.walk(branch)
    }
    imports = tuple(
        (home, part, getattr(node, "lineno", 0), id(node) in for_types)
        for node in nodes
        for home, part in _targets(node)
    )
    names = frozenset(
        node.value
        for node in nodes
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("xvc.")
    )
    return Module(imports, names)


def _targets(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        home = "." * node.level + (node.module or "")
        yield from ((home, alias.name) for alias in node.names)


@dataclass(frozen=True)
class House:
    """A folder that holds the package ``xvc`` and its ARCHITECTURE.md."""

    folder: Path = HOUSE

    @cached_property
    def modules(self) -> dict[str, Path]:
        """Every module by its dotted name."""
        return dict(
            sorted((self._name(path), path) for path in self.folder.rglob("*.py")),
        )

    def _name(self, path: Path) -> str:
        parts = path.relative_to(self.folder).with_suffix("").parts
        return ".".join(("xvc", *(part for part in parts if part != "__init__")))

    @cached_property
    def read(self) -> dict[str, Module]:
        """What the text of every module says, by its dotted name."""
        return {name: _read(path.read_bytes()) for name, path in self.modules.items()}

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Every import of every module."""
        return tuple(
            Import(
                name, inner if (inner := f"{home}.{part}") in self.modules else home, line, typed
            )
            for name, module in self.read.items()
            for home, part, line, typed in module.imports
        )

    @cached_property
    def _tables(self) -> tuple[list[list[str]], list[list[str]], list[list[str]]]:
        text = (self.folder / "ARCHITECTURE.md").read_text(encoding="utf-8")
        found: dict[str, list[list[str]]] = {}
        head = ""
        for line in text.splitlines():
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not line.startswith("|"):
                head = ""
            elif not head:
                head = cells[0]
            elif not set(cells[0]) <= {"-", ":"}:
                found.setdefault(head, []).append(cells)
        return found["floor"], found["package"], found["question"]

    @cached_property
    def rooms(self) -> dict[str, Room]:
        """The first table, by the name of the room."""
        found = {}
        for floor, names, _, beside in self._tables[0]:
            for name in _TICKED.findall(names):
                found[name] = Room(name, int(floor), frozenset(_TICKED.findall(beside)))
        return found

    @cached_property
    def doors(self) -> dict[str, tuple[str, ...]]:
        """The second table: third-party package to the modules or rooms that may import it."""
        return {
            package: tuple(
                ".".join(("xvc", *door.removesuffix(".py").split("/")))
                for door in _TICKED.findall(doors)
            )
            for package, doors in self._tables[1]
        }

    def rules(self) -> list[tuple[str, list[str], list[str]]]:
        """The table of rules: a question, the modules of its rule, and those that call it."""
        return [
            (question, self._named_in(rules), self._named_in(callers))
            for question, rules, callers in self._tables[2]
        ]

    def _named_in(self, cell: str) -> list[str]:
        paths = [text for text in _TICKED.findall(cell) if text.endswith(".py")]
        return [".".join(("xvc", *path.removesuffix(".py").split("/"))) for path in paths]

    def room_of(self, module: str) -> str:
        """The room a module is in: the first name below ``xvc``, or nothing for xvc itself."""
        return module.split(".")[1] if "." in module else ""

    def complaints(self) -> list[str]:
        """Everything that breaks a rule of the page, in words."""
        return [
            *self._homeless(),
            *self._climbing(),
            *self._unused(),
            *self._doorless(),
            *self._idle(),
            *self.cycles(),
        ]

    def _homeless(self) -> Iterator[str]:
        rooms = {self.room_of(name) for name in self.modules} - {""}
        named = set(self.rooms)
        yield from (f"room {room} is on no floor" for room in sorted(rooms - named))
        yield from (f"room {room} does not exist" for room in sorted(named - rooms))
        parts = {each.target for each in self.imports} & set(self.modules)
        packages = {name for name in self.modules if self.modules[name].name == "__init__.py"}
        yield from (
            f"{name} is imported by nothing"
            for name in sorted(set(self.modules) - parts - packages)
            if not name.startswith(("xvc.cli.", "xvc.__main__")) and name not in self._by_name
        )

    @cached_property
    def _by_name(self) -> set[str]:
        """The modules that are loaded by a text that names them: in a module, or an entry point."""
        project = tomllib.loads((HOUSE.parent / "pyproject.toml").read_text())["project"]
        points = [each for group in project["entry-points"].values() for each in group.values()]
        texts = [*points, *(text for each in self.read.values() for text in each.names)]
        return {text.partition(":")[0] for text in texts}

    def _climbing(self) -> Iterator[str]:
        for each in self.imports:
            here, there = self.room_of(each.module), self.room_of(each.target)
            if each.target.startswith("."):
                yield f"{each}: relative imports hide the floor"
            elif not here or not there or not each.target.startswith("xvc.") or here == there:
                continue
            elif not self.may_use(here, there):
                yield f"{each}: {here} may not use {there}"

    def may_use(self, here: str, there: str) -> bool:
        """Whether the table lets a room use another."""
        mine, its = self.rooms.get(here), self.rooms.get(there)
        if mine is None or its is None:
            return False
        return its.floor < mine.floor or (its.floor == mine.floor and there in mine.beside)

    def _unused(self) -> Iterator[str]:
        """Permissions between rooms of one floor that no import needs."""
        used = {(self.room_of(each.module), self.room_of(each.target)) for each in self.imports}
        for room in self.rooms.values():
            for other in sorted(room.beside):
                if (room.name, other) not in used:
                    yield f"{room.name} may use {other} and does not"

    def _doorless(self) -> Iterator[str]:
        for each in self.imports:
            package = each.target.split(".")[0]
            if package in {"xvc", "", "__future__"} or package in sys.stdlib_module_names:
                continue
            if package not in self.doors:
                yield f"{each}: {package} has no door"
            elif not each.is_for_types and not self._is_at_door(package, each.module):
                yield f"{each}: not a door of {package}"

    def _is_at_door(self, package: str, module: str) -> bool:
        return any(module == door or module.startswith(f"{door}.") for door in self.doors[package])

    def _idle(self) -> Iterator[str]:
        used = {(each.target.split(".")[0], each.module) for each in self.imports}
        for package, doors in self.doors.items():
            for door in doors:
                if not any(
                    name == package and (module == door or module.startswith(f"{door}."))
                    for name, module in used
                ):
                    yield f"{door} is named as a door of {package} and does not import it"

    def cycles(self) -> list[str]:
        """The import cycles between modules; imports for types count inside a room, too."""
        follows: dict[str, set[str]] = {name: set() for name in self.modules}
        for each in self.imports:
            if each.target in follows and each.target not in ("xvc", each.module):
                follows[each.module].add(each.target)
        done: set[str] = set()
        return [" → ".join(found) for name in follows if (found := _walk(name, follows, [], done))]


def _walk(name: str, follows: dict[str, set[str]], path: list[str], done: set[str]) -> list[str]:
    if name in path:
        return [*path[path.index(name) :], name]
    if name in done:
        return []
    for after in sorted(follows[name]):
        found = _walk(after, follows, [*path, name], done)
        if found:
            return found
    done.add(name)
    return []
