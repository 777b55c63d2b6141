"""The command table, and what happens around every command: surroundings, errors, exit codes."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from xvc import __version__
from xvc.cli.context import Context, may_colour
from xvc.cli.global_options import let_follow, settle
from xvc.cli.output import Manner, approximate, show_error
from xvc.cli.shell_words import bash_words
from xvc.core.foreign_text import visible
from xvc.errors import ExternalError, UsageError, XvcError, error
from xvc.system.signal_pipe import PASSING, STOPPING
from xvc.system.standard_streams import replace_missing, speak_utf8

if TYPE_CHECKING:  # Typer brings its own click
    from typer._click.core import Command
    from typer._click.core import Context as _Calling
    from typer._click.formatting import HelpFormatter
    from typer._click.shell_completion import CompletionItem

COMMANDS = (
    *(
        "init",
        "run",
        "tag",
        "ls",
        "log",
        "show",
        "logs",
        "compare",
        "merge",
        "status",
        "doctor",
        "undo",
    ),
    *("merge data", "rebase", "rebase data"),
    *("tried", "note", "keep", "discard"),
    *(
        "get",
        "checkout",
        "cleanup",
        "push",
        "pull",
        "gc",
        "scrub",
        "leaderboard",
        "validate",
        "gate",
        "report",
        "rerun",
    ),
    *(f"db {verb}" for verb in ("ls", "columns", "head", "tail", "top", "bottom", "describe")),
    *(f"db {verb}" for verb in ("sql", "plot", "set", "delete", "copy")),
    *(f"assets {verb}" for verb in ("ls", "export", "delete")),
    *(f"cache {verb}" for verb in ("ls", "stats", "explain", "delete")),
    *(f"model {verb}" for verb in ("list", "info", "add", "get")),
    *(f"model {verb}" for verb in ("promote", "rollback", "history", "prune")),
    *(f"worktree {verb}" for verb in ("add", "list", "adopt", "merge", "remove")),
    *(f"skills {verb}" for verb in ("list", "install")),
    "sweep",
    *(f"sweep {verb}" for verb in ("status", "resume", "retry", "stop", "show")),
    *("export run", "diff", "mirror"),
    *("trust", "brief", "ui", "schema"),
)
"""Every command, in the order in which they are met; each has a module of its name.

One of two words, ``db head``, is the module ``db.head``; the docstring of ``db`` is the help of all
that begin so. Where the first word is a command of its own, as in ``sweep stop``, the package of
that name holds both.
"""

HEADINGS = {
    "Run and version": ("init", "run", "tag", "log", "status", "trust", "doctor", "undo"),
    "Remember": ("tried", "note", "keep", "discard"),
    "Many params": ("sweep",),
    "Look, compare, report": (
        *("brief", "ls", "show", "logs", "compare", "leaderboard", "ui"),
        *("validate", "report", "db"),
    ),
    "For continuous integration": ("gate", "rerun", "export", "diff"),
    "Bring together": ("merge", "rebase", "worktree"),
    "Get back what was": ("get", "checkout", "cleanup"),
    "Models, objects, cached calls": ("model", "assets", "cache"),
    "Share, and make room": ("push", "pull", "gc", "scrub", "mirror"),
    "For coding agents": ("schema", "skills"),
}
"""The first words of all commands, as `xvc --help` lists them; those behind them are in theirs."""

_PASSING = ("run", "sweep", "tried")
"""Commands that wrap another one: the words behind its first are its own, options included."""

_LIKE_BRANCHES = ("xvc merge data", "xvc rebase data")
"""Commands whose last word may be the name of a branch that is meant."""

HIDDEN = ("merge-driver", "follow-pointer")
"""Commands that git calls, not people: no list and no reference names them."""

_BEFORE = {"-q": 1, "--quiet": 1, "-v": 1, "--verbose": 1, "-C": 2}
"""The options that may stand before a command, and how many words each takes."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"xvc {__version__} (xvc-experiments)")
        raise typer.Exit


def root(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option("-C", help="Work as if started in this folder.")
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say only what was asked for.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show where an unexpected error arose.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Experiment history in git you can trust."""
    if isinstance(context.obj, Context):
        settle(context.obj, folder=folder, quiet=quiet, verbose=verbose)


class _Root(TyperGroup):
    """All commands; two words make one where the first is a command, too, and shells see one."""

    def resolve_command(
        self, ctx: _Calling, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        return super().resolve_command(ctx, _joined(args))

    def format_commands(self, ctx: _Calling, formatter: HelpFormatter) -> None:
        """List the commands under headings, by what one wants to do."""
        held = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        shown = {n: c for n, c in held.items() if c and not c.hidden and " " not in n}
        width = formatter.width - 6 - max(map(len, shown), default=0)
        for heading, names in HEADINGS.items():
            rows = [(n, shown[n].get_short_help_str(width)) for n in names if n in shown]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def shell_complete(self, ctx: _Calling, incomplete: str) -> list[CompletionItem]:
        found = super().shell_complete(ctx, incomplete)
        return [item for item in found if " " not in item.value]


class _Command(TyperCommand):
    """A command that refuses an option given twice where one counts: nothing said is dropped."""

    def parse_args(self, ctx: _Calling, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing and (args or not self.no_args_is_help):
            _, _, order = self.make_parser(ctx).parse_args(args=list(args))
            for each in dict.fromkeys(order):
                is_single = isinstance(each, TyperOption) and not (each.multiple or each.is_flag)
                if is_single and order.count(each) > 1:
                    ctx.fail(
                        f"{' or '.join(each.opts)} is given {order.count(each)} times; say one"
                    )
        return super().parse_args(ctx, args)


def application(names: Sequence[str] = COMMANDS) -> typer.Typer:
    """Make the command line with these commands; a call needs only its own."""
    app = typer.Typer(
        name="xvc",
        cls=_Root,
        help="Experiment history in git you can trust: runs, versions, data and results.",
        epilog="Start with `xvc init`, then `xvc run --tag minor -- python train.py`.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    groups: dict[str, typer.Typer] = {"": app}
    for name in names:
        parsing = {"allow_interspersed_args": name not in _PASSING}
        command = import_module(module_of(name)).command
        group, _, last = name.rpartition(" ")
        if group in COMMANDS:
            group, last = "", name
        if group not in groups:
            groups[group] = _group(app, group)
        groups[group].command(
            last,
            cls=_Command,
            context_settings=parsing,
            hidden=name in HIDDEN,
            epilog=_beside(name),
        )(command)
    return app


def module_of(name: str) -> str:
    """Name the module of a command."""
    return "xvc.cli.commands." + name.replace(" ", ".").replace("-", "_")


def _beside(name: str) -> str | None:
    """Say in the help of a command that it has verbs; a call of it alone does not load them."""
    verbs = verbs_of(name)
    return f"Also: {', '.join(f'xvc {name} {verb}' for verb in verbs)}." if verbs else None


def verbs_of(name: str) -> list[str]:
    """List the second words that may follow the first word of a command.

    >>> verbs_of("rebase"), verbs_of("ls")
    (['data'], [])
    """
    return [
        verb for first, _, verb in (c.partition(" ") for c in COMMANDS) if first == name and verb
    ]


def _group(app: typer.Typer, name: str) -> typer.Typer:
    group = typer.Typer(
        help=import_module(f"xvc.cli.commands.{name}").__doc__,
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    app.add_typer(group, name=name)
    return group


def _needed(words: Sequence[str]) -> Sequence[str]:
    """The one command of a plain call; all of them for help, completion and mistakes."""
    known = (*COMMANDS, *HIDDEN)
    rest = words[_start_of(words) :]
    whole = [name for name in known if name in rest[:1]]
    called = [name for name in known if name.split() == list(rest[: name.count(" ") + 1])]
    return whole or called or COMMANDS


def _joined(words: Sequence[str]) -> list[str]:
    """Make one word of a command of two, where the first is a command, too.

    >>> _joined(["-C", "there", "sweep", "stop", "a"])
    ['-C', 'there', 'sweep stop', 'a']
    >>> _joined(["merge", "side"]), _joined(["db", "head"])
    (['merge', 'side'], ['db', 'head'])
    """
    at = _start_of(words)
    both = " ".join(words[at : at + 2])
    is_one = both in COMMANDS and words[at] in COMMANDS
    return [*words[:at], both, *words[at + 2 :]] if is_one else list(words)


def _start_of(words: Sequence[str]) -> int:
    """Where the command stands, behind the options of them all."""
    at = 0
    while at < len(words) and words[at] in _BEFORE:
        at += _BEFORE[words[at]]
    return at


@error("bad-call")
class BadCall(UsageError):
    """The words of a call do not fit the command."""

    words: str
    command: str
    says = "{words}"

    @property
    def hint(self) -> str:
        """Names the command's help, and a branch that the command's own word hides."""
        see = f"See `{self.command} --help`."
        if self.command not in _LIKE_BRANCHES:
            return see
        whole, _, branch = self.command.rpartition(" ")
        return f"{see} A branch of that name is `{whole} refs/heads/{branch}`."


@error("system-refused")
class SystemRefused(ExternalError):
    """A file could not be read or written: a full disk, a missing right."""

    path: str
    reason: str
    barred: str = ""
    says = "{path:-the system}: {reason}"

    @property
    def hint(self) -> str:
        """Names the file or folder whose rights bar the way."""
        kept = "Nothing that was recorded is lost; try again when that is mended."
        return f"`ls -ld {shlex.quote(self.barred)}` shows who may. {kept}" if self.barred else kept


@error("internal")
class Unexpected(ExternalError):
    """An unexpected failure: a mistake in xvc."""

    kind: str
    reason: str
    place: str
    says = "{kind}: {reason:-no message} ({place})"
    way = "Nothing that was recorded is lost. Report what `-v` before the command shows."


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    if arguments is None:
        gc.set_threshold(50_000)  # else loading modules looks for garbage dozens of times: 10 ms
        speak_utf8()
    words = sys.argv[1:] if arguments is None else arguments
    replace_missing()
    approximate()
    with contextlib.ExitStack() as held:
        code = _call(words, held)
        for number in PASSING | STOPPING:
            signal.signal(number, signal.SIG_IGN)  # the answer is given; only leaving is left
    if arguments is None:
        _leave(code)
    sys.exit(code)


def _leave(code: int) -> None:
    """End the process at once, where nothing of ours still works or can fail to be written.

    The interpreter would take all apart that DuckDB and others have loaded: 50 ms of a call.
    """
    if threading.active_count() > 1:
        return
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # the interpreter says it as for any other program
        if not code:  # else it is said
            return
    os._exit(code)


def call(words: list[str]) -> int:
    """Run one command and return its exit code."""
    with contextlib.ExitStack() as held:
        return _call(words, held)


def _refused(err: OSError) -> SystemRefused:
    from xvc.system.files import barred_at  # late: most commands are refused nothing

    name = str(err.filename or "")
    barred = str(barred_at(Path(name))) if name and isinstance(err, PermissionError) else ""
    return SystemRefused(name, err.strerror or str(err), barred)


def _call(words: list[str], held: contextlib.ExitStack) -> int:
    """Run one command; what it hands to *held* stays when it has answered."""
    before = words[: words.index("--")] if "--" in words else words
    manner = Manner(as_json="--json" in before, colour=may_colour())
    try:
        surroundings = Context(manner=manner, words=tuple(words), held=held)
        program = typer.main.get_command(application(_needed(_joined(words))))
        let_follow(program)
        with bash_words(os.environ):
            code = program(words, standalone_mode=False, obj=surroundings, prog_name="xvc")
    except XvcError as err:
        show_error(err, manner)
        return err.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:
        return 0
    except OSError as err:
        show_error(_refused(err), manner)
        return SystemRefused.exit_code
    except typer.Exit as err:
        return err.exit_code
    except _refusals() as err:
        words_of = getattr(err, "format_message", err.__str__)
        if type(err).__name__ == "NoArgsIsHelpError":  # `xvc` or `xvc db` alone: the help is meant
            typer.echo(words_of())
            return 0
        at = getattr(getattr(err, "ctx", None), "command_path", "xvc")
        show_error(BadCall(words_of(), at), manner)
        return 2
    except Exception as err:  # noqa: BLE001 - a mistake of ours is told as any refusal is
        if manner.verbose:
            import traceback  # late: as in `_unexpected`

            sys.stderr.write(visible("".join(traceback.format_exception(err))))
        show_error(_unexpected(err), manner)
        return Unexpected.exit_code
    return code if isinstance(code, int) else 0


def _unexpected(err: Exception) -> Unexpected:
    import traceback  # late: a mistake of ours alone needs it

    frame = traceback.extract_tb(err.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
    return Unexpected(type(err).__name__, str(err), place)


def _refusals() -> tuple[type[Exception], ...]:
    """The errors of the argument parser: Typer may bring its own click, so they are found by it."""
    return tuple(
        kind
        for kind in typer.BadParameter.__mro__
        if kind.__name__ == "ClickException" and issubclass(kind, Exception)
    )
