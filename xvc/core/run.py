"""A run: what it was made of, how it ended, and how records add up to it.

Pure values: no clock, no git, no files. Refuses nothing: a record that says less changes less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum

from xvc.types import Json, Nanoseconds, RunId


class Status(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    KILLED = "killed"
    OUT_OF_MEMORY = "out-of-memory"
    TIMED_OUT = "timed-out"
    INTERRUPTED = "interrupted"
    LOST = "lost"

    @property
    def is_final(self) -> bool:
        """Whether the run itself said how it ended."""
        return self not in (Status.RUNNING, Status.LOST)


KEPT, DISCARDED = "kept", "discarded"
"""What people decide about a run."""


def decided(what: str, reason: str | None) -> str:
    """Write a decision with its reason: one value, so that a merge never mixes two.

    >>> decided(DISCARDED, "it saw the test set"), decided(KEPT, None)
    ('discarded: it saw the test set', 'kept')
    """
    return f"{what}: {reason}" if reason else what


MODIFIED, ABSENT = "modified", "absent"
"""How data was found that is not what its pointer names."""

OUTSIDE = "outside"
"""How data was found behind a link that leads out of the project: its bytes are on no record."""

UNTRACKED = "untracked"
"""How data was found in the tree that neither git nor DVC holds: its bytes are on no record."""


DOUBT = "?"
"""Stands behind the value of a param of which something else that the command read says another."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """One input as a run saw it: its digest and its size in bytes.

    ``state`` says where it was not what its pointer names: ``modified``, then ``digest`` is that of
    the bytes that were there and ``tracked`` the pointer's, or ``absent``. Of what lies ``outside``
    or is ``untracked``, ``digest`` only tells whether it is as another run found it.
    ``is_made`` tells what a pipeline made of the rest in the run itself: it follows from code,
    params and other data.
    ``left_at`` is where a run left a model, from the project's root.
    """

    digest: str
    size: int | None = None
    state: str | None = None
    tracked: str | None = None
    is_made: bool = False
    left_at: str | None = None

    @property
    def facts(self) -> dict[str, str | int]:
        """What there is to say of it, by field.

        >>> DataFile("3a2f1b", 0).facts
        {'digest': '3a2f1b', 'size': 0}
        """
        said = asdict(self)
        return {key: part for key, part in said.items() if part is not None and part is not False}

    @property
    def is_unkept(self) -> bool:
        """Whether nothing keeps its bytes: it lies outside of the project, or nothing tracks it.

        >>> DataFile("outside:3a2f1b", state=OUTSIDE).is_unkept
        True
        """
        return self.state in (OUTSIDE, UNTRACKED)

    @property
    def is_unread(self) -> bool:
        """Whether only its times tell it: where they differ, nothing is known.

        >>> DataFile("untracked:3a2f1b", 3, UNTRACKED).is_unread
        False
        """
        return self.is_unkept and (self.state == OUTSIDE or self.size is None)

    @property
    def short(self) -> str:
        """Its digest as people are shown it; of what nothing keeps also why that is.

        >>> DataFile("3a2f1b90c4d5e6f7").short, DataFile("outside:3a2f1b", state=OUTSIDE).short
        ('3a2f1b90c4', 'outside 3a2f1b')
        """
        return self.digest.replace(":", " ")[:20] if self.is_unkept else self.digest[:10]

    @property
    def identity(self) -> str:
        """What two runs have to share to have read the same."""
        return ABSENT if self.state == ABSENT else self.digest


@dataclass(frozen=True, slots=True)
class RunCode:
    """The code of a run.

    ``commit`` is HEAD (None on an unborn branch), ``snapshot`` the commit that holds the tree as
    it was, ``is_dirty`` whether the two trees differ, ``left_out`` the paths that the snapshot
    does not hold although git does not ignore them, ``incomplete`` those among what ran that could
    not be held. ``unread`` are params files, from the top, that say more than the run's params;
    ``unopened`` those that the command never opened, with what they say: no params of the run.
    ``unheld`` tells what of the ``incomplete`` was there, by digests, where that is known, and in
    which state packages were that are installed in place.
    ``contested`` are params of which something else that the command read says another value, and
    what: either may have been used.
    """

    commit: str | None = None
    snapshot: str | None = None
    is_dirty: bool = False
    branch: str | None = None
    worktree: str | None = None
    left_out: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    unopened: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    unheld: Mapping[str, str] = field(default_factory=dict)
    contested: Mapping[str, str] = field(default_factory=dict)

    @property
    def beside(self) -> str | None:
        """Tell the code that the snapshot lacks from other such code; None where it is not known.

        >>> RunCode(incomplete=("a.py",)).beside is None, RunCode().beside
        (True, '')
        """
        if any(path not in self.unheld for path in self.incomplete):
            return None
        return "".join(f"{path} {said}\n" for path, said in sorted(self.unheld.items()))


@dataclass(frozen=True, slots=True)
class Environment:
    """What the code ran on: interpreter, platform, tools and packages (name to version)."""

    python: str = ""
    platform: str = ""
    tools: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def in_place(self) -> dict[str, str]:
        """The packages whose code lies elsewhere: their version and state, which has a blank."""
        return {name: said for name, said in self.packages.items() if " " in said}


@dataclass(frozen=True, slots=True)
class ResourceUsage:
    """What a run used: seconds of CPU, peak resident bytes, bytes read and written, GPU peaks."""

    cpu_seconds: float | None = None
    peak_memory: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    gpu_memory: int | None = None
    gpu_percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a run comes from: the run that it builds on, what it tries, what it puts right."""

    parent: RunId | None = None
    idea: str | None = None
    fixes: RunId | None = None
    labels: tuple[str, ...] = ()


def series_in(name: str | None) -> str | None:
    """Read which series a run's name says it is of; None where it says none.

    >>> series_in("0042/boosted"), series_in("boosted")
    ('0042', None)
    """
    series, slash, _ = (name or "").partition("/")
    return series if series and slash else None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything known of one run.

    ``outs`` are the declared outputs as the run left them, already in the DVC cache;
    ``metrics`` maps each key to its last value, ``metric_times`` to when that value was logged
    (microseconds since the epoch), ``touched`` each tracked file that changed during the run to
    its blob afterwards (None: deleted). ``idea`` is what it tries, ``fixes`` the run that failed
    and that it puts right, ``decision`` what people came to think of it: `decided` writes it.
    ``asked`` names the params that whoever began it asked for; all others its files, its command
    or the script said. None is a run of an older xvc. ``unused`` are those among them that
    nothing has taken up, as far as is known. ``seeded`` is the command with ``{seed}`` where a seed
    was put into it; None where none was.
    """

    id: RunId
    name: str | None = None
    status: Status = Status.RUNNING
    parent: RunId | None = None
    code: RunCode = field(default_factory=RunCode)
    data: Mapping[str, DataFile] = field(default_factory=dict)
    outs: Mapping[str, DataFile] = field(default_factory=dict)
    touched: Mapping[str, str | None] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    folder: str | None = None
    params: Mapping[str, Json] = field(default_factory=dict)
    metrics: Mapping[str, Json] = field(default_factory=dict)
    metric_times: Mapping[str, int] = field(default_factory=dict)
    started: Nanoseconds | None = None
    finished: Nanoseconds | None = None
    exit_code: int | None = None
    signal: str | None = None
    reason: str | None = None
    host: str | None = None
    owner: str | None = None
    environment: str | None = None
    usage: ResourceUsage = field(default_factory=ResourceUsage)
    log: str | None = None
    note: str | None = None
    labels: tuple[str, ...] = ()
    idea: str | None = None
    fixes: RunId | None = None
    decision: str | None = None
    asked: tuple[str, ...] | None = None
    seeded: tuple[str, ...] | None = None
    unused: tuple[str, ...] = ()

    @property
    def passed_over(self) -> frozenset[str]:
        """The keys of params files that the command never opened: they had no say in it."""
        return frozenset(key for said in self.code.unopened.values() for key in said)

    @property
    def params_around(self) -> dict[str, Json]:
        """Its params, and beside them what params files say that the command never opened.

        What something else says, that the command read, is not among it.
        """
        said = (each for says in self.code.unopened.values() for each in says.items())
        apart = {key: value for key, value in said if key not in self.code.contested}
        return {**apart, **self.params}

    def doubt(self, key: str) -> str:
        """Return what is put behind the value of a param that may be overruled, else nothing.

        >>> doubted = RunCode(contested={"lr": "$LR says 0.9"})
        >>> RunRecord(RunId("a"), code=doubted, params={"lr": 0.1}).doubt("lr")
        '?'
        """
        return DOUBT if key in self.code.contested and key in self.params else ""

    @property
    def is_discarded(self) -> bool:
        """Whether people have discarded it: kept, and neither listed nor ranked.

        >>> RunRecord(RunId("a"), decision="discarded: it saw the test set").is_discarded
        True
        """
        return (self.decision or "").partition(":")[0] == DISCARDED

    @property
    def seconds(self) -> float | None:
        """How long the run took, when both ends are known."""
        if self.started is None or self.finished is None:
            return None
        return max(0.0, (self.finished - self.started) / 1e9)

    def with_metrics(self, values: Mapping[str, Json], at: Mapping[str, int]) -> RunRecord:
        """Take the later value of each key.

        >>> run = RunRecord(RunId("a")).with_metrics({"loss": 1}, {"loss": 5})
        >>> run.with_metrics({"loss": 2}, {"loss": 4}).metrics["loss"]
        1
        """
        metrics, times = dict(self.metrics), dict(self.metric_times)
        for key, value in values.items():
            if at[key] >= times.get(key, -1):
                metrics[key], times[key] = value, at[key]
        return replace(self, metrics=metrics, metric_times=times)

    def ended(self, status: Status, **facts: object) -> RunRecord:
        """Note an ending; what the run itself said is never replaced by a guess.

        >>> run = RunRecord(RunId("a")).ended(Status.FAILED, exit_code=1)
        >>> run.ended(Status.LOST).status.value
        'failed'
        """
        if self.status.is_final and not status.is_final:
            return self
        return replace(self, status=status, **facts)  # type: ignore[arg-type]
