"""Which folders a script adds to the path that its modules are found along.

Its text is read and not executed: texts, ``__file__``, and what ``os.path`` and ``Path`` make of
them; what comes from elsewhere is not known.
"""

from __future__ import annotations

import ast
import os
from pathlib import Path

_SAME = {"abspath", "realpath", "normpath", "resolve", "absolute", "str", "fspath", "Path"}
_DEEPEST = 20


def searched_folders(text: str, file: Path, folder: Path) -> list[Path]:
    """List the folders, of a script *file* that runs in *folder*."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    reading = _Reading(tree, file)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_adding(node)]
    said = [reading.path(call.args[-1]) for call in calls]
    return [Path(os.path.normpath(folder / each)) for each in said if each]


def _is_adding(call: ast.Call) -> bool:
    words = ast.unparse(call.func)
    return bool(call.args) and words in (
        "sys.path.append",
        "sys.path.insert",
        "site.addsitedir",
        "addsitedir",
    )


class _Reading:
    """Reads expressions that make paths, by the names that the script gives them."""

    def __init__(self, tree: ast.AST, file: Path) -> None:
        self._names = {
            node.targets[0].id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        self._file = str(file)

    def path(self, node: ast.AST, depth: int = 0) -> str | None:
        """Return the path that an expression makes; None where that is not known."""
        if depth > _DEEPEST:
            return None
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.Name(id="__file__"):
                return self._file
            case ast.Name(id=name) if name in self._names:
                return self.path(self._names[name], depth + 1)
            case ast.Attribute(value=inner, attr="parent"):
                return self._above(inner, 1, depth)
            case ast.Subscript(ast.Attribute(inner, "parents"), ast.Constant(int(count))):
                return self._above(inner, count + 1, depth)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self._joined([left, right], depth)
            case ast.Call(func=func, args=parts):
                return self._called(func, parts, depth)
        return None

    def _called(self, func: ast.expr, parts: list[ast.expr], depth: int) -> str | None:
        name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        if name == "dirname" and len(parts) == 1:
            return self._above(parts[0], 1, depth)
        if name in ("join", "joinpath", "Path") and len(parts) > 1:
            return self._joined(parts, depth)
        if name == "joinpath" and isinstance(func, ast.Attribute):
            return self._joined([func.value, *parts], depth)
        if name in _SAME and len(parts) < 2:
            inner = parts[0] if parts else func.value if isinstance(func, ast.Attribute) else func
            return self.path(inner, depth + 1)
        return None

    def _joined(self, parts: list[ast.expr], depth: int) -> str | None:
        found = [self.path(part, depth + 1) for part in parts]
        known = [each for each in found if each is not None]
        return os.path.join(*known) if len(known) == len(found) else None

    def _above(self, inner: ast.AST, count: int, depth: int) -> str | None:
        found = self.path(inner, depth + 1)
        return None if found is None else os.path.normpath(os.path.join(found, *[".."] * count))
