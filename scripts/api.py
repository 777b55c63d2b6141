"""The page of the Python API, from the signatures and docstrings of what ``xvc`` exports."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from typing import Any

import xvc

_SECTIONS = {"Args:": "Arguments:", "Raises:": "Raises:", "Returns:": "Returns:"}
_ENTRY = re.compile(r" {4}(\*{0,2}\w+): (.*)")


_APART = {
    "Tracker": "python-tracker.md",
    "Reader": "python-reader.md",
    "OpenProject": "python-project.md",
}
"""Classes with a page of their own; the other names are told on the first."""


def pages() -> list[str]:
    """Name the pages of the Python API."""
    return ["python.md", *_APART.values()]


def page(name: str) -> str:
    """One page of classes, methods and properties."""
    own = next((kind for kind, file in _APART.items() if file == name), None)
    if own is not None:
        parts = [f"# {own}", "", *list(_class(getattr(xvc, own)))[2:]]
        parts += _answers(xvc.OpenProject) if own == "OpenProject" else []
        return "\n".join(parts).rstrip() + "\n"
    parts = [
        "# Python",
        "",
        "`from xvc import Tracker, Reader`; nothing heavy is loaded by that. `xvc.errors` has the",
        "branches of [all errors](errors.md): catch `xvc.errors.ConflictError`, or `XvcError` for",
        "all of them, and tell them apart by `.code`; `.hint` is what to do next.",
        "",
        "Recording: [Tracker](python-tracker.md). Reading rows: [Reader](python-reader.md). All",
        "that the command line does: `xvc.open()`, [OpenProject](python-project.md).",
        "",
    ]
    for exported_name in xvc.__all__:
        exported = getattr(xvc, exported_name)
        if exported_name in _APART:
            continue
        if inspect.isclass(exported) and not issubclass(exported, Exception):
            parts += _class(exported)
        elif inspect.isfunction(exported):
            parts += _function(exported_name, exported)
    return "\n".join(parts).rstrip() + "\n"


def _function(name: str, described: Any) -> Iterator[str]:
    yield from (f"## xvc.{name}", "", "```python", _signature(name, described), "```", "")
    yield from rendered(described.__doc__ or "")


def _answers(described: type) -> Iterator[str]:
    """What the methods of a class return, field by field."""
    yield from (
        "## Answers",
        "",
        "What the methods of `OpenProject` return; nothing can be set.",
        "",
    )
    homes = _typed_imports(described)
    wanted = {
        name: homes[name]
        for _, member in _members(described)
        for name in re.findall(r"\w+", str(inspect.signature(member).return_annotation))
        if homes.get(name, "").startswith("xvc.")
    }
    for name, home in sorted(wanted.items()):
        answer = getattr(import_module(home), name)
        summary = inspect.cleandoc(answer.__doc__ or "").replace("``", "`")
        yield from (f"### {name}", "", summary, "")
        yield from (f"- `{each.name}`: `{each.type}`" for each in fields(answer))
        yield ""


def _typed_imports(described: type) -> dict[str, str]:
    """Where the types that a module names in its signatures are."""
    tree = ast.parse(inspect.getsource(import_module(described.__module__)))
    return {
        alias.name: node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _class(described: type) -> Iterator[str]:
    yield from (f"## {described.__name__}", "")
    yield from ("```python", _signature(described.__name__, described), "```", "")
    yield from rendered(described.__doc__ or "")
    for name, member in _members(described):
        called = f"{described.__name__}.{name}"
        if isinstance(member, property):
            yield from (f"### {called}", "", *rendered(member.__doc__ or ""))
        else:
            yield from (f"### {called}", "", "```python", _signature(name, member), "```", "")
            yield from rendered(member.__doc__ or "")


def _members(described: type) -> Iterator[tuple[str, Any]]:
    """List what is public, in the order in which it is written; overridden ones once."""
    found: dict[str, Any] = {}
    for kind in described.__mro__[:-1]:
        for name, member in vars(kind).items():
            if not name.startswith("_") and member.__doc__ and not isinstance(member, str):
                found.setdefault(name, member)
    yield from found.items()


class _Bare(str):
    """A text whose ``repr`` is itself: an annotation without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def _signature(name: str, member: Any) -> str:
    found = inspect.signature(inspect.unwrap(getattr(member, "__func__", member)))
    parameters = [
        each.replace(annotation=_bare(each.annotation))
        for each in found.parameters.values()
        if each.name not in ("self", "cls")
    ]
    back = _bare(found.return_annotation)
    text = f"{name}{found.replace(parameters=parameters, return_annotation=back)}"
    if len(text) <= 88:
        return text
    lines = []
    for each in parameters:
        if each.kind is each.KEYWORD_ONLY and "*" not in lines:
            lines.append("*")
        lines.append(str(each))
    inner = ",\n    ".join(lines)
    return f"{name}(\n    {inner},\n) -> {back}"


def _bare(annotation: object) -> object:
    return _Bare(annotation) if isinstance(annotation, str) else annotation


def rendered(docstring: str) -> Iterator[str]:
    """Turn a docstring into Markdown: sections into lists, doctests into blocks of code.

    >>> list(rendered("Add.\\n\\nArgs:\\n    a: one\\n        number.\\n\\n>>> 1\\n1"))[2:]
    ['Arguments:', '', '- `a`: one number.', '', '```python', '>>> 1', '1', '```', '']
    """
    blocks = re.split(r"\n\s*\n", inspect.cleandoc(docstring))
    for block in blocks:
        lines = block.splitlines()
        if lines[0].startswith(">>>"):
            yield from ("```python", *lines, "```", "")
        elif lines[0] in _SECTIONS:
            yield from (_SECTIONS[lines[0]], "", *_entries(lines[1:]), "")
        else:
            yield from (*(line.replace("``", "`") for line in lines), "")


def _entries(lines: list[str]) -> Iterator[str]:
    entries: list[str] = []
    for line in lines:
        found = _ENTRY.fullmatch(line)
        if found:
            entries.append(f"- `{found[1]}`: {found[2]}")
        elif entries:
            entries[-1] += f" {line.strip()}"
        else:
            entries.append(f"- {line.strip()}")
    yield from (entry.replace("``", "`") for entry in entries)
