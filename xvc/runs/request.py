"""What a run is asked for; the options of ``xvc run`` are declared here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from xvc.core.option import option
from xvc.core.typed_value import TypedValue
from xvc.core.version import Bump
from xvc.errors import BadValue


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What ``xvc run`` was asked for; ``timeout`` in seconds.

    ``within`` is a version whose next patch ``tag`` makes, ``version`` the name of the one to make.
    ``untaggable`` says why none can be made. ``parent`` and ``fixes`` are references.
    ``looks_back`` asks for a word when the same has run before; ``in_command`` are the params whose
    values were put into the command, ``seeded`` is the command with its seeds in braces.
    """

    command: tuple[str, ...]
    folder: Path
    params: Mapping[str, TypedValue] = field(default_factory=dict)
    name: str | None = option(None, "What to call the run.", "--name")
    note: str | None = option(None, "A line about it.", "--note", "-m")
    parent: str | None = option(None, "The run that it builds on.", "--parent", metavar="REF")
    idea: str | None = option(None, "What it tries; `xvc log --ideas` tells them.", "--idea")
    fixes: str | None = option(None, "The failed run it puts right.", "--fixes", metavar="REF")
    labels: tuple[str, ...] = option((), "A label; again for more.", "--label")
    outs: tuple[str, ...] = option(
        (), "An output that DVC keeps with the version.", "--out", metavar="PATH"
    )
    models: tuple[str, ...] = option(
        (), "A model it leaves; kept as a candidate.", "--model", metavar="PATH[:NAME]"
    )
    capture: bool = option(
        False, "Read metrics from what it prints: names with numbers, tables, dicts.", "--capture"
    )
    capture_patterns: tuple[str, ...] = option(
        (),
        "How metrics are printed, by groups: '(?P<loss>[0-9.]+) nats'; implies --capture.",
        "--capture-pattern",
        metavar="REGEX",
    )
    write_params: bool = option(
        False,
        "Put the params into a copy of the params file: {params} in the command, and "
        "XVC_PARAMS_FILE.",
        "--params-copy",
    )
    edit_params: bool = option(
        False,
        "Set the params in the params file that says them, here; nothing else in it changes. A "
        "sweep does so in trees of its own.",
        "--params-edit",
    )
    must_use: tuple[str, ...] = option(
        (),
        "Let the run fail when nothing takes this param up; a sweep says so.",
        "--must-use",
        metavar="KEY",
    )
    timeout: float | None = option(None, "Stop it after so long.", "--timeout", metavar="SECONDS")
    tag: Bump | None = None
    version: str | None = None
    within: str | None = None
    tag_optional: bool = option(
        False, "With --tag: a version not made is no failure.", "--tag-optional"
    )
    incomplete: bool = False
    keeps_data: bool = option(
        False, "Keep data that was changed by hand in the DVC cache.", "--keep-data"
    )
    fold: bool = option(
        True,
        "Bring the store up to date at the end; without it the next command does, and --json has "
        "no metrics of a Tracker.",
        "--fold/--no-fold",
    )
    untaggable: str | None = None
    sinks: tuple[str, ...] = option(
        (), "Mirror it to mlflow, wandb, tensorboard …", "--sink", metavar="NAME"
    )
    looks_back: bool = False
    in_command: frozenset[str] = frozenset()
    seeded: tuple[str, ...] | None = None

    @property
    def captures(self) -> bool:
        """Whether metrics are read from what the command prints."""
        return self.capture or bool(self.capture_patterns)

    def tagged_as(self, words: str | None) -> RunRequest:
        """Ask for a version, too: ``major``, ``minor`` or ``patch``, or one like ``e0.2.1``.

        Raises:
            BadValue: none is asked for, and yet it is said that it may not be made.
        """
        if words is None:
            if self.tag_optional:
                raise BadValue("--tag-optional", "it needs --tag")
            return self
        bump = Bump.named(words)
        return replace(self, tag=bump or Bump.PATCH, version=None if bump else words)
