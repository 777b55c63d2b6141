"""Whatever a person puts into a tracker: a typed refusal, or every command answers."""

from __future__ import annotations

import io
import random
import warnings
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest

from surroundings import Calling
from xvc import Tracker
from xvc.core.limits import VALUE
from xvc.errors import XvcError

COMMANDS = (
    *("ls", "ls --json", "show @", "show @ --json", "status", "brief --json", "tag minor", "log"),
    *(
        "compare @ @-1 --json",
        "report",
        "validate --json",
        "doctor",
        "db columns",
        "db head --json",
    ),
    *("db tail --csv", "db describe", "ls --group day", "ls --sort day", "ls --where loss<3"),
    *("ls --all --json", "assets ls --json"),
)
EAST = timezone(timedelta(hours=14))
SCALARS: tuple[Callable[[], object], ...] = (
    *(object, io.StringIO, uuid4, type(None)),
    *(
        (lambda value=value: value)
        for value in (
            *(True, 0, -1, 2**63, -(2**63), 2**127, 10**400, 10**5000, 0.0, -0.0, 1e308, 5e-324),
            *(float("nan"), float("inf"), b"", b"\xff\0", date.min, date.max, time(1, 2)),
            *(datetime.min, datetime.max, datetime.min.replace(tzinfo=EAST), timedelta.max),
            *(Decimal("NaN"), Fraction(1, 3), 1j, Path("a"), int, range(3), slice(1), print),
            *(pd.NaT, pd.NA, pd.Timestamp.max, pd.Timestamp.min, pd.Timedelta("1s")),
            *(pd.Period("2020"), pd.Series([1, None]), pd.DataFrame({"a": [1]})),
            *(np.datetime64("NaT"), np.datetime64(10**18, "s"), np.float16(1), np.longdouble(1)),
            *(np.array(3), np.zeros(5000), np.str_("x"), np.bytes_(b"x"), np.ma.masked),
            *(np.void(b"ab"), np.uint64(2**64 - 1), np.array(["2020"], dtype="M8[ns]")),
            *({"$date": "x"}, {"$float": "nan"}, SimpleNamespace(a=1), "x" * (VALUE + 1)),
        )
    ),
)
LETTERS = "aB\"'\0\n\x1b$|é日\ud800\u202e./ {%"
KEYS = ("loss", "acc", "day", "track_id", "timestamp", "a.b", "Loss", 1, "")


class Drawn:
    """Values by chance, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._by = random.Random(seed)

    def text(self) -> str:
        return "".join(self._by.choices(LETTERS, k=self._by.randint(0, 6)))

    def key(self) -> Any:
        return self._by.choice((*KEYS, self.text()))

    def value(self, above: int = 0) -> Any:
        chance = self._by.random()
        if above > 3 or chance < 0.6:
            return self._by.choice((*SCALARS, self.text))()
        parts = [self.value(above + 1) for _ in range(self._by.randint(0, 3))]
        if chance < 0.8:
            return parts
        keys = (self.key, lambda: None, lambda: 1.5, lambda: (1, 2), lambda: b"x", lambda: "$date")
        return {self._by.choice(keys)(): part for part in parts}

    def row(self) -> dict[Any, Any]:
        return {self.key(): self.value() for _ in range(self._by.randint(1, 4))}


def log_anything(drawn: Drawn) -> None:
    """Log by every way there is; only refusals are passed over."""
    tracker = Tracker(note=drawn.text(), name=drawn.text())
    ways: tuple[Callable[[], object], ...] = (
        lambda: Tracker(params=drawn.row()).close(),
        lambda: tracker.set_params(drawn.row()),
        lambda: tracker.log(drawn.row()),
        lambda: tracker.set_value(drawn.key(), drawn.value()),
        lambda: tracker.set_where("loss", drawn.value(), "acc", drawn.value()),
        lambda: tracker.track(drawn.value),
        lambda: tracker.note(drawn.text()),
        lambda: tracker.log({"loss": 1.0}),
    )
    for way in ways:
        with suppress(XvcError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            way()
    tracker.close()


@pytest.mark.parametrize("seeds", [range(4), pytest.param(range(4, 60), marks=pytest.mark.sweep)])
def test_any_value_is_refused_or_read_for_ever(
    project: Path, call_xvc: Calling, seeds: range
) -> None:
    """No value, key, note or name stops a command, and nothing acknowledged is set aside."""
    for seed in seeds:
        log_anything(Drawn(seed))

    for command in COMMANDS:
        answer = call_xvc(*command.split())
        assert answer.code in (0, 3), (command, answer.err)
        assert "cannot be put" not in answer.err


DEEP = 3000
FILES: dict[str, bytes] = {
    "deep.json": b'{"a": ' + b"[" * DEEP + b"]" * DEEP + b', "b": 1}',
    "deep.yaml": b"a: " + b"{a: " * DEEP + b"1" + b"}" * DEEP,
    "odd.json": b'{"": 1, "\\ud800": "\\udfff", "a\\u0000b": "\\u0000", "x": NaN, "y": -Infinity, '
    b'"big": 1' + b"0" * 5000 + b', "e": 1e400, "DROP TABLE runs; --": "\'; SELECT 1"}',
    "odd.yaml": b"d: 2026-01-01\nt: 2026-01-01T00:00:00.5+23:59\n"
    b"s: !!set {a, b}\nb: !!binary aGk=\n"
    b"1: one\n1.5: x\nnull: y\n? [1, 2]\n: z\ni: .inf\nn: .nan\nh: 0x7fffffffffffffffffff\n"
    b"L: {loss: 1, Loss: 2, LOSS: 3}\n\xc3\xa9: 1\ne\xcc\x81: 2\nm: {<<: {q: 1}}\n",
    "bomb.yaml": b"a: &a [x, x, x, x, x, x, x, x, x]\n"
    + b"".join(
        b"%c: &%c [%s]\n" % (n, n, b", ".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 108)
    ),
    "cycle.yaml": b"a: &a [*a]\nb: &b {b: *b}\n",
    "tags.yaml": b"a: !!python/object/apply:os.system ['touch PWNED']\nb: !x y\nc: !!str 1\n",
    "bytes.yaml": b"caf\xe9: \xff\xfe\n",
    "large.json": b'{"ids": "' + b"x" * 9_000_000 + b'", "a": 1}',
    "many.json": b"{" + b", ".join(b'"k%d": %d' % (n, n) for n in range(5000)) + b"}",
    "odd.toml": b'd = 1979-05-27\nt = 07:32:00\nf = -inf\n"" = "x"\n"a.b" = [[1], ["x"]]\n',
    "list.json": b"[1, 2]",
    "empty.yaml": b"",
    "text.json": b'"x"',
}
ASKED = ("a=[1,{x: 2}]", "a={0: cat}", "=1", "a==", "d=2026-01-01", "x=.nan", "k=\x1b[31m", "a=")
TYPES = (1, 2.5, "x", [1], {"a": 1}, None, True, b"x", date.min, 2**70)


@pytest.mark.parametrize(
    "names",
    [
        ["odd.yaml", "odd.json", "deep.json"],
        pytest.param(list(FILES), marks=[pytest.mark.sweep, pytest.mark.timeout(600)]),
    ],
)
def test_any_file_and_any_option_is_refused_or_read_for_ever(
    project: Path, call_xvc: Calling, names: list[str]
) -> None:
    """Params and metrics files, `-P`, and a key that changes its type: every command answers."""
    for number, name in enumerate(names):
        (project / name).write_bytes(FILES[name])
        (project / "xvc.yaml").write_text(
            f"params: {{files: [{name}]}}\nmetrics: {{files: [m-{name}]}}"
        )
        asked = ["-P", ASKED[number]] if number < len(ASKED) else []
        done = call_xvc("run", *asked, "--", "cp", name, f"m-{name}")
        assert done.code in (0, 2), (name, done.err)
        assert '"internal"' not in done.err
    for value in TYPES:
        with suppress(XvcError), Tracker(params={"flips": value, "day": 1}) as tracker:
            tracker.log({"flips": value, "loss": 1.0})

    for command in COMMANDS:
        answer = call_xvc(*command.split())
        assert answer.code in (0, 3), (command, answer.err)
        assert "cannot be put" not in answer.err
    assert not (project / "PWNED").exists()
