"""Params in a Python file, as DVC has them: what is assigned as it is written down. Runs nothing.

Names of the module, of its classes, and attributes that ``__init__`` gives to ``self``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

_Place = tuple[int, int]
"""Where a value begins and ends, in characters."""


def python_values(text: str) -> dict[str, object]:
    r"""Read what a Python file assigns, by name; classes hold what is assigned in them.

    >>> python_values("LR = 1e-3\nclass Train:\n    EPOCHS: int = 3\nx = open('f')\n")
    {'LR': 0.001, 'Train': {'EPOCHS': 3}}

    Raises:
        ValueError: it is no Python.
    """
    found: dict[str, object] = {}
    for path, value in _assigned(_body(text), ()):
        place = found
        for name in path[:-1]:
            inner = place.setdefault(name, {})
            place = inner if isinstance(inner, dict) else place
        place[path[-1]] = ast.literal_eval(value)
    return found


def places_of(text: str, key: str) -> list[_Place]:
    """Find where the values stand that a dotted key names; parts of dicts and lists count, too.

    Raises:
        ValueError: it is no Python.
    """
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    lines = text.splitlines(keepends=True)

    def at(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    return [
        (at(node.lineno, node.col_offset), at(node.end_lineno or 0, node.end_col_offset or 0))
        for path, value in _assigned(_body(text), ())
        for node in _within(value, key, ".".join(path))
    ]


def _within(node: ast.expr, key: str, name: str) -> Iterator[ast.expr]:
    if name == key:
        yield node
    elif key.startswith(f"{name}."):
        parts: Mapping[str, ast.expr] = {}
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            parts = {str(k.value): v for k, v in pairs if isinstance(k, ast.Constant)}
        elif isinstance(node, ast.List | ast.Tuple):
            parts = {str(number): part for number, part in enumerate(node.elts)}
        for part_name, part in parts.items():
            yield from _within(part, key, f"{name}.{part_name}")


def _body(text: str) -> Sequence[ast.stmt]:
    try:
        return ast.parse(text).body
    except SyntaxError as err:
        raise ValueError(f"line {err.lineno}: {err.msg}") from err


def _assigned(
    body: Sequence[ast.stmt], above: tuple[str, ...], *, to_self: bool = False
) -> Iterator[tuple[tuple[str, ...], ast.expr]]:
    for node in body:
        if isinstance(node, ast.ClassDef) and not to_self:
            yield from _assigned(node.body, (*above, node.name))
        elif isinstance(node, ast.FunctionDef) and node.name == "__init__" and above:
            yield from _assigned(node.body, above, to_self=True)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            name = _name(targets[0], to_self=to_self) if len(targets) == 1 else None
            if name is not None and node.value is not None and _is_literal(node.value):
                yield (*above, name), node.value


def _name(target: ast.expr, *, to_self: bool) -> str | None:
    if isinstance(target, ast.Name) and not to_self:
        return target.id
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and to_self:
        return target.attr if target.value.id == "self" else None
    return None


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
