"""Write the references that skills and people read, from the code that they describe.

``scripts/docs`` calls it. Facts come from the command line's own parser, the error classes and
the settings' metadata, so that the pages cannot say anything else. So do README's tables of
commands; those of the skills come from their ``decisions.yaml``.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
import sys
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
import yaml
from api import page, pages

import xvc
from xvc.cli.app import COMMANDS, HEADINGS, application
from xvc.config import KEYS, Settings
from xvc.errors import ConflictError, XvcError

ROOT = Path(__file__).parent.parent
SKILLS = ROOT / "skills"
FOLDER = SKILLS / "xvc" / "references"
_MADE = "<!-- Written by scripts/docs; change the code, not this page. -->\n"
_GLOBAL = """\
Options before the command, all but the last also behind it, work with every one of them:

{options}

Data goes to stdout, all else to stderr. `--json` prints one document:
`{{schema, command, ok, data, warnings, next}}`, or
`{{schema, ok: false, error: {{code, message, hint, retryable}}}}`. A reference to a run is a
version (`e1.4.0`), a run id or the beginning of one, a branch, `@` (the latest), `@-2` (two before
it), `best:METRIC` or `worst:METRIC`.
"""
_EXITS = """\
| exit | meaning |
|---|---|
| 0 | done |
| 1 | failed |
| 2 | the call is wrong |
| 3 | a negative answer |
| 4 | needs a decision |
| 5 | busy: try again |
| 6 | corrupt |
| 126, 127 | the command of `xvc run` cannot be started |
| 130 | interrupted |

`xvc run` leaves with the exit code of its command.
"""
_LAYERS = """\
In `xvc.yaml` at the project's root, or in `[tool.xvc]` of pyproject.toml when there is no
xvc.yaml. A dot is a level: `tag.prefix` is `prefix:` below `tag:`. Later layers win: defaults,
`~/.config/xvc/config.yaml`, the project's file, environment variables (their values are read as
YAML). A mistake stops the command and names every wrong key.
"""


def cli() -> str:
    """The page of what all commands share, and of where each is told."""
    root = typer.main.get_command(application())
    options = _parameters(root.params)
    parts = ["# Commands", _MADE, _GLOBAL.format(options=options), "## Exit codes", "", _EXITS]
    rows = [
        (f"[{heading}]({_page_of(heading)})", ", ".join(f"`{name}`" for name in _named(words)))
        for heading, words in HEADINGS.items()
    ]
    parts += ["## Each command, by what it is for", "", _table(("wanted", "commands"), rows)]
    return "\n".join(parts).rstrip() + "\n"


_SMALL = ("and", "what", "for", "was", "coding")


def _page_of(heading: str) -> str:
    words = re.findall("[a-z]+", heading.lower())
    told = [word for word in words if word not in _SMALL]
    return f"cli-{'-'.join(told)}.md"


def _named(first: Sequence[str]) -> list[str]:
    return [name for name in COMMANDS if name.split()[0] in first]


def subject(heading: str) -> str:
    """The page of the commands of one heading."""
    root = typer.main.get_command(application())
    parts = [f"# {heading}", _MADE]
    parts += ["What all commands share, and exit codes: [cli.md](cli.md).", ""]
    for name in _named(HEADINGS[heading]):
        command = _command(root, name)
        parts += [f"## xvc {name}", "", inspect.cleandoc(command.help), ""]
        parts += [_parameters(command.params), ""]
    return "\n".join(parts).rstrip() + "\n"


def _parameters(parameters: Iterable[Any]) -> str:
    rows = [row for each in parameters if (row := _parameter(each))]
    return _table(("argument or option", "default", "meaning"), rows)


def _parameter(each: Any) -> tuple[str, str, str] | None:
    if "completion" in (each.name or ""):
        return None  # Typer's own; the words of its help change with its version
    meaning = getattr(each, "help", None) or ""
    if each.param_type_name == "argument":
        shown = each.metavar or each.name.upper()
        return f"`{shown}`", _default(each), meaning
    names = ", ".join(f"`{name}`" for name in [*each.opts, *each.secondary_opts])
    value = "" if each.is_flag else f" `{(each.metavar or _kind(each)).upper()}`"
    return f"{names}{value}", _default(each), meaning


def _kind(each: Any) -> str:
    name = str(each.type.name)
    return {"str": "TEXT", "text": "TEXT"}.get(name, "NUMBER" if "int" in name else name)


def _default(each: Any) -> str:
    if each.required:
        return "required"
    if each.default is None or each.default is False:
        return ""
    return f"`{each.opts[0] if each.default is True else each.default}`"


def errors() -> str:
    """The page of errors, but for those that have a page of their own."""
    begin = "Every refusal has a code (in `--json`: `error.code`), one sentence and a hint."
    others = [branch for branch in XvcError.__subclasses__() if branch is not ConflictError]
    return _errors("# Errors", f"{begin} Of exit 4: [conflicts](errors-conflict.md).", others)


def conflicts() -> str:
    """The page of the branch that has the most errors."""
    return _errors("# Conflicts", "All other errors: [errors](errors.md).", [ConflictError])


def _errors(title: str, begin: str, branches: Iterable[type[XvcError]]) -> str:
    for module in pkgutil.walk_packages(xvc.__path__, "xvc."):
        if module.name != "xvc.__main__":
            import_module(module.name)
    parts = [title, _MADE, begin, ""]
    for branch in branches:
        parts += [f"## {branch.code}, exit {branch.exit_code}: {_meaning(branch)}", ""]
        rows = [
            (f"`{kind.code}`", _meaning(kind) + _exit_of(kind, branch), _hint(kind))
            for kind in sorted(set(_below(branch)), key=lambda kind: kind.code)
            if "code" in vars(kind)
        ]
        parts += [_table(("code", "meaning", "hint"), rows), ""]
    return "\n".join(parts).rstrip() + "\n"


def _below(kind: type[XvcError]) -> Iterator[type[XvcError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _exit_of(kind: type[XvcError], branch: type[XvcError]) -> str:
    return "" if kind.exit_code == branch.exit_code else f" Exit {kind.exit_code}."


def _meaning(kind: type[XvcError]) -> str:
    return inspect.cleandoc(kind.__doc__ or "").splitlines()[0].replace("``", "`")


def _hint(kind: type[XvcError]) -> str:
    """The hint of an instance whose facts are the names of its arguments."""
    if kind.__init__ is Exception.__init__:
        return kind().hint
    hints = typing.get_type_hints(kind.__init__)
    facts: list[object] = []
    for name in inspect.signature(kind).parameters:
        shown = name.upper()
        facts.append({str: shown, int: 0}.get(hints[name], (shown,)))
    return kind(*facts).hint


def config() -> str:
    """The page of settings."""
    defaults = Settings()
    rows = []
    for key, part in KEYS.items():
        value = getattr(defaults, part.name)
        shown = f"`{list(value) if isinstance(value, tuple) else value}`" if value else ""
        variable = f"XVC_{key.upper().replace('.', '__')}"
        rows.append((f"`{key}`", shown, part.metadata["option"].doc, f"`{variable}`"))
    table = _table(("setting", "default", "meaning", "environment"), rows)
    return f"# Settings\n{_MADE}\n{_LAYERS}\n{table}\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], rule: str = " --- ") -> str:
    lines = [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"
        for line in (head, *rows)
    ]
    return "\n".join([lines[0], f"|{'|'.join(rule for _ in head)}|", *lines[1:]])


def readme() -> str:
    """README.md with its tables of commands: the first line of each one's help."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    root = typer.main.get_command(application())
    parts = []
    for heading, words in HEADINGS.items():
        rows = [(f"`xvc {name}`", _gist(_command(root, name))) for name in _named(words)]
        parts += [f"**{heading}**", "", _table(("command", "what it does"), rows, "---"), ""]
    before, begin, rest = text.partition("\n## Commands\n\n")
    _, end, after = rest.partition("\nA run is named by ")
    return "".join((before, begin, "\n".join(parts), end, after))


def _command(root: Any, name: str) -> Any:
    command = root
    for word in [name] if name in root.commands else name.split():
        command = command.commands[word]
    return command


def _gist(command: Any) -> str:
    """The first line of a command's help, as a part of a sentence."""
    line = inspect.cleandoc(command.help).splitlines()[0].removesuffix(".")
    return line[0].lower() + line[1:]


_TABLES = {
    ("git-versioning", "workflows"): ("the experiments", "workflow"),
    ("git-versioning", "together"): ("when work comes together", "do"),
    ("xvc", "commands"): ("wanted", "command"),
    ("xvc", "rarely"): ("wanted", "command"),
    ("benchmark", "ways"): ("situation", "do"),
}
"""The tables of ``decisions.yaml``, by skill and name, and their heads."""


def decisions(skill: str, file: Path) -> str:
    """A page of a skill with the tables that stand in it, as ``decisions.yaml`` says them."""
    rows = yaml.safe_load((SKILLS / skill / "assets" / "decisions.yaml").read_text("utf-8"))
    text = file.read_text(encoding="utf-8")
    for (owner, name), head in _TABLES.items():
        if owner == skill and (name == "rarely") == (file.name == "rarely.md"):
            written = _table(head, [(row["situation"], row["do"]) for row in rows[name]], "---")
            begin = written.splitlines()[0]
            old = re.escape(begin) + r"\n(?:\|.*\n)*"
            text = re.sub(old, lambda _, new=f"{written}\n": new, text)
    return text


REFERENCES: dict[str, Callable[[], str]] = {
    "cli.md": cli,
    **{_page_of(heading): partial(subject, heading) for heading in HEADINGS},
    "errors.md": errors,
    "errors-conflict.md": conflicts,
    "config.md": config,
    **{name: partial(page, name) for name in pages()},
}
_SKILL_PAGES = [*sorted(SKILLS.glob("*/SKILL.md")), FOLDER / "rarely.md"]
PAGES: dict[Path, Callable[[], str]] = {
    ROOT / "README.md": readme,
    **{FOLDER / name: write for name, write in REFERENCES.items()},
    **{file: partial(decisions, file.relative_to(SKILLS).parts[0], file) for file in _SKILL_PAGES},
}


def main(words: list[str]) -> int:
    """Write the pages, or with ``--check`` tell which of them would change."""
    if words not in ([], ["--check"]):
        print("usage: scripts/docs [--check]", file=sys.stderr)
        return 2
    stale = []
    for file, write in PAGES.items():
        text = write()
        held = file.read_text(encoding="utf-8") if file.exists() else ""
        if text != held:
            stale.append(str(file.relative_to(ROOT)))
            if not words:
                FOLDER.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
    gone = [
        file
        for pattern in ("cli*.md", "python*.md")
        for file in FOLDER.glob(pattern)
        if file.name not in REFERENCES
    ]
    stale += [str(file.relative_to(ROOT)) for file in gone]
    if not words:
        for file in gone:
            file.unlink()
    if words and stale:
        print(f"not up to date: {', '.join(stale)}; run scripts/docs", file=sys.stderr)
        return 1
    print(f"references: {'wrote ' + ', '.join(stale) if stale else 'up to date'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
