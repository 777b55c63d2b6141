"""What xvc/ARCHITECTURE.md says of imports, and what the modules do.

Reads the two tables of that page and every import of every module, late ones included, by `ast`
alone: nothing is imported. Says what breaks a rule, one sentence each.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
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
class Floor:
    """One row of the table: its rooms, the steps aside it allows, the floors below it."""

    number: int
    rooms: tuple[str, ...]
    aside: frozenset[tuple[str, str]]
    below: frozenset[int]


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
    def trees(self) -> dict[str, ast.Module]:
        """The syntax of every module."""
        return {name: ast.parse(path.read_bytes()) for name, path in self.modules.items()}

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Every import of every module."""
        return tuple(
            each for name, tree in self.trees.items() for each in self._imports_of(name, tree)
        )

    def _imports_of(self, name: str, tree: ast.Module) -> Iterator[Import]:
        typing_only = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
            for branch in node.body
            for inner in ast.walk(branch)
        }
        for node in ast.walk(tree):
            for target in self._targets(node):
                yield Import(name, target, getattr(node, "lineno", 0), id(node) in typing_only)

    def _targets(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = "." * node.level + (node.module or "")
            for alias in node.names:
                inner = f"{home}.{alias.name}"
                yield inner if inner in self.modules else home

    @cached_property
    def _tables(self) -> tuple[list[list[str]], list[list[str]]]:
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
        return found["floor"], found["package"]

    @cached_property
    def floors(self) -> tuple[Floor, ...]:
        """The first table."""
        return tuple(_floor(cells) for cells in self._tables[0])

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

    def room_of(self, module: str) -> str:
        """The room a module is in: the first name below ``xvc``, or nothing for xvc itself."""
        return module.split(".")[1] if "." in module else ""

    def floor_of(self, room: str) -> Floor | None:
        """The floor of a room; None when the table does not name it."""
        return next((floor for floor in self.floors if room in floor.rooms), None)

    def complaints(self) -> list[str]:
        """Everything that breaks a rule of the page, in words."""
        return [
            *self._homeless(),
            *self._climbing(),
            *self._doorless(),
            *self._idle(),
            *self.cycles(),
        ]

    def _homeless(self) -> Iterator[str]:
        rooms = {self.room_of(name) for name in self.modules} - {""}
        named = {room for floor in self.floors for room in floor.rooms}
        yield from (f"room {room} is on no floor" for room in sorted(rooms - named))
        yield from (f"room {room} does not exist" for room in sorted(named - rooms))

    def _climbing(self) -> Iterator[str]:
        for each in self.imports:
            here, there = self.room_of(each.module), self.room_of(each.target)
            if each.target.startswith("."):
                yield f"{each}: relative imports hide the floor"
            elif not here or not there or not each.target.startswith("xvc.") or here == there:
                continue
            elif not self._may(here, there):
                yield f"{each}: {there} is not below {here}"

    def _may(self, here: str, there: str) -> bool:
        mine, its = self.floor_of(here), self.floor_of(there)
        if mine is None or its is None:
            return False
        return its.number in mine.below or (here, there) in mine.aside

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
        """The import cycles between modules; imports for types only do not count."""
        follows: dict[str, set[str]] = {name: set() for name in self.modules}
        for each in self.imports:
            if each.target in follows and each.target != "xvc" and not each.is_for_types:
                follows[each.module].add(each.target)
        done: set[str] = set()
        return [" → ".join(found) for name in follows if (found := _walk(name, follows, [], done))]

    def functions(self) -> Iterator[tuple[str, int]]:
        """Every function with the number of its lines, its docstring not counted.

        Nor is the signature of a command: it is the table of its options.
        """
        for name, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    is_command = name.startswith("xvc.cli.commands.") and node.name == "command"
                    yield f"{name}.{node.name}", _length(node, with_signature=not is_command)

    def sizes(self) -> dict[str, int]:
        """Every module with the number of its lines."""
        return {name: len(path.read_bytes().splitlines()) for name, path in self.modules.items()}


def _floor(cells: list[str]) -> Floor:
    number, rooms, below = cells
    first, _, last = below.partition("–")
    names: list[str] = []
    aside: set[tuple[str, str]] = set()
    for part in rooms.split(","):
        match _TICKED.findall(part):
            case [room]:
                names.append(room)
            case [room, other]:
                names.append(room)
                aside.add((room, other))
    span = range(int(first), int(last or first) + 1) if first.isdigit() else range(0)
    return Floor(int(number), tuple(dict.fromkeys(names)), frozenset(aside), frozenset(span))


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


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef, *, with_signature: bool) -> int:
    has_docstring = ast.get_docstring(node) is not None
    first = node.body[0].lineno
    after = (node.body[0].end_lineno or first) + 1 if has_docstring else first
    return (node.end_lineno or after) - after + 1 + (first - node.lineno if with_signature else 0)
