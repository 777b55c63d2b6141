"""Many runs: what is asked of all of them is answered without reading each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from xvc.core.direction import Direction
from xvc.core.filter import evaluate, parse_filter
from xvc.core.objective import Measure
from xvc.core.record import RecordKind, facts_of
from xvc.core.run import DataFile, RunCode, RunRecord, Status
from xvc.errors import BadValue
from xvc.journal.layout import Room
from xvc.journal.writer import Journal
from xvc.project import Project
from xvc.runs.experiment_rule import rule_of
from xvc.runs.groups import groups_in
from xvc.runs.idea_tree import IdeaTree, ideas
from xvc.runs.leaderboard import standing
from xvc.runs.list import FACTS, ListRequest, RunOrder, among, grouped, order_asked, value_of
from xvc.runs.repeats import experiments
from xvc.store import db, fold, query, run_values, runs
from xvc.store.keeper import Keeper
from xvc.store.leading_experiments import Wanted, leading
from xvc.store.run_values import has_key
from xvc.types import Json, Nanoseconds, RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NUMBERS = [0, 1, -0.0, 0.1, math.nan, math.inf, -math.inf, 2**53, 2**53 + 1, 10**30, True]
VALUES: list[Json] = [*NUMBERS, None, "", "a", "1", [1], {"a": 1}]
FILTERS = [
    "loss > 0",
    "metrics.loss <= 1 and not params.loss",
    "loss == 'a' or x == null",
    "status == 'failed' and seconds > 1",
    "command ~ 'train' and dirty == false",
    "started > '2020' and exit_code == 0",
    "`a/b` and name",
]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBPyConnection]:
    store = tmp_path_factory.mktemp("many") / "s.duckdb"
    db.create(store)
    with db.writing(store) as opened:
        yield opened


@st.composite
def some_runs(draw: st.DrawFn) -> list[RunRecord]:
    made = []
    for number in range(draw(st.integers(1, 6))):
        keys = st.dictionaries(st.sampled_from(["loss", "x", "a/b"]), st.sampled_from(VALUES))
        began = draw(st.none() | st.integers(0, 3).map(lambda n: n * 10**15))
        made.append(
            RunRecord(
                RunId(f"b{number:011d}"),
                name=draw(st.sampled_from([None, "one"])),
                status=draw(st.sampled_from([Status.FINISHED, Status.FINISHED, Status.FAILED])),
                params=draw(keys),
                metrics=draw(keys),
                started=None if began is None else Nanoseconds(began),
                finished=draw(st.sampled_from([None, Nanoseconds(4 * 10**15)])),
                exit_code=draw(st.sampled_from([None, 0, 1])),
                command=draw(st.sampled_from([(), ("python", "train.py")])),
            )
        )
    return made


@settings(max_examples=60, deadline=None)
@given(some_runs(), st.booleans())
def test_the_best_is_the_same_as_among_all(
    connection: DuckDBPyConnection, made: list[RunRecord], highest: bool
) -> None:
    """Whatever the numbers: huge, infinite, NaN, equal."""
    connection.execute("DELETE FROM runs")
    runs.save(connection, made)
    measure = Measure("loss", Direction.MAX if highest else Direction.MIN)

    leading = query.foremost(connection, "loss", highest=highest, most=1)

    assert measure.first(leading) == measure.first(query.all_runs(connection))


@settings(max_examples=60, deadline=None)
@given(some_runs(), st.sampled_from(FILTERS))
def test_a_filter_says_of_keys_what_it_says_of_runs(
    connection: DuckDBPyConnection, made: list[RunRecord], text: str
) -> None:
    """Metrics, params and facts, there or not."""
    connection.execute("DELETE FROM runs")
    runs.save(connection, made)
    where, keys = parse_filter(text), ("loss", "x", "a/b")

    found = run_values.fitting(
        connection,
        [*keys, "metrics.loss", "params.loss", *run_values.FACTS],
        lambda look: evaluate(where, look),
        {},
    )

    every = query.all_runs(connection)
    assert found == {run.id for run in every if evaluate(where, lambda k, r=run: value_of(r, k))}


WORDS = [
    *("train.py", "train.py --seed 1", "train.py --seed 2", "train.py -x", "train.py --seed -x"),
    *("train.py --seed -5", "train.py --fold=2", "train.py fold=3", "train.py --r-n-g 7", ""),
    *("train.py --seed", "train.py --seed=", "train.py --é 1", "train.py seed 1 --data/seed 2"),
    *("train.py seed=1,n=2", "train.py seed=2,n=3"),
]


@st.composite
def repeats(draw: st.DrawFn) -> list[RunRecord]:
    """Runs that repeat each other or nearly: seeds as params or words, put in, or none at all."""
    made = []
    params = st.sampled_from(
        [
            *({"lr": 1}, {"lr": 1.0}, {"lr": True}, {"lr": None}, {"lr": math.nan}, {}),
            *({"a": {"b": 1, "c": []}}, {"a": {"c": [], "b": 1}}, {"a": [{"b": 1}]}),
            *({"a": "{}"}, {"a": {}}, {"fold": {"b": {"c": 1}}}),
        ]
    )
    seeds = st.sampled_from([{}, {"seed": 1}, {"seed": 2}, {"seed": None}])
    words = st.sampled_from(WORDS)
    put_in = st.sampled_from([[], ["--seed", "1"], ["\x01"]])
    for number in range(draw(st.integers(1, 12))):
        seed = draw(seeds)
        command = tuple(draw(words).split())
        is_filled = draw(st.booleans()) and seed.get("seed") is not None
        if is_filled:
            command = ("train.py", *draw(put_in), f"--out=s{seed['seed']}")
        flat = st.sampled_from([{"lr": 1, "n": 2}, {"n": 2, "lr": 1}])
        held: dict[str, Json] = {**draw(params | flat), **seed}
        values = st.sampled_from([0.5, 0.25, 3, -1, math.nan, math.inf, 2**60, "x", None])
        made.append(
            RunRecord(
                RunId(f"b{number:011d}"),
                status=draw(st.sampled_from([*[Status.FINISHED] * 4, Status.FAILED])),
                params={**held, "out": f"s{seed['seed']}"} if is_filled else held,
                metrics=draw(st.dictionaries(st.just("loss"), values)),
                started=Nanoseconds(draw(st.integers(0, 9)) * 10**15),
                command=command,
                seeded=(*command[:-1], "--out=s{seed}") if is_filled else None,
                folder=draw(st.sampled_from([None, "sub"])),
                decision=draw(st.sampled_from([None, None, "kept", "discarded: no"])),
                code=RunCode(
                    commit=draw(st.sampled_from(["1", "2", "3"])),
                    unopened=draw(st.sampled_from([{}, {}, {}, {"p.yaml": {"n": 2}}])),
                    contested=draw(st.sampled_from([{}, {}, {}, {}, {"lr": "c.yaml says 3"}])),
                ),
                asked=draw(st.sampled_from([None, ("n",)])),
            )
        )
    return made


def told_code(held: Sequence[RunRecord]) -> dict[RunId, str]:
    """Two commits have the same code, the third is not here."""
    return {run.id: "a" for run in held if run.code.commit in ("1", "2")}


@settings(max_examples=60, deadline=None)
@given(repeats(), st.booleans(), st.integers(1, 4), st.booleans())
def test_the_experiments_that_lead_are_the_same_as_among_all(
    connection: DuckDBPyConnection, made: list[RunRecord], highest: bool, most: int, some: bool
) -> None:
    """Whole, with each seed once, as `experiments` puts them together; and the noise of all."""
    connection.execute("DELETE FROM runs")
    runs.save(connection, made)
    among = {run.id for run in made[::2]} if some else None
    wanted = Wanted("loss", highest=highest, most=most, among=among)
    ours = [
        run
        for run in query.all_runs(connection)
        if not run.is_discarded and (among is None or run.id in among)
    ]
    measure = Measure("loss", Direction.MAX if highest else Direction.MIN)

    found = leading(connection, wanted, rule_of(told_code))
    if found is None:  # it says so where a param of one is an unopened file's of another
        assert any("n" in run.params for run in ours)
        assert any(run.code.unopened for run in ours)
        return

    every = experiments(ours, told_code(ours))
    whole = standing(every, measure, {})
    part = standing(experiments(found.runs, told_code(found.runs)), measure, {})
    first = [(place.run.id, {*place.runs}, place.spread) for place in part.places]
    assert repr(first[:most]) == repr(
        [(place.run.id, {*place.runs}, place.spread) for place in whole.places[:most]]
    )
    if not any(run.metrics.get("loss") in (2**60, math.inf) for run in ours):
        assert found.total == whole.total
        assert found.noise == pytest.approx(whole.noise)


GROUPED_BY = ["lr", "a", "loss", "params.seed", "status", "command", "decision", "dirty", "seconds"]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(repeats(), st.sampled_from(GROUPED_BY), st.booleans(), st.sampled_from([None, "loss", "lr"]))
def test_groups_are_the_same_as_among_all(
    connection: DuckDBPyConnection,
    monkeypatch: pytest.MonkeyPatch,
    project: Path,
    made: list[RunRecord],
    key: str,
    discarded: bool,
    sort: str | None,
) -> None:
    """Their order, counts, spread, best run and the experiment that a group is."""
    place = Project.find(project, {})
    for module in ("groups", "code_fingerprint"):
        monkeypatch.setattr(f"xvc.runs.{module}.fingerprints", lambda _, held: told_code(held))
    connection.execute("DELETE FROM runs")
    runs.save(connection, made)
    request = ListRequest(group=key, sort=sort, limit=None, discarded=discarded)
    asked, descending = order_asked(place, sort)
    assume(all(has_key(connection, name) for name in (key, asked or key) if name not in FACTS))
    names = RunOrder(asked, {}, descending=descending).names(connection)
    every = query.in_turn(connection, names)
    try:
        listed = among(place, every, request, {})
    except BadValue:  # only runs that are left out have the key
        assume(False)

    found = groups_in(place, connection, request)
    if found is None:
        assert any(run.code.unopened for run in made)
        return

    assert repr(found.groups) == repr(grouped(place, listed, key))


def test_runs_like_one_are_found_by_their_params(connection: DuckDBPyConnection) -> None:
    """With others beside them, whatever else differs."""
    connection.execute("DELETE FROM runs")
    params: dict[str, Json] = {"lr": 1e-5, "model": "é", "n": 2**60, "deep": {"a": 1}, "on": True}
    runs.save(
        connection,
        [
            RunRecord(RunId("a"), params={**params, "seed": 1}),
            RunRecord(RunId("b"), params={**params, "seed": 2}),
            RunRecord(RunId("c"), params={**params, "lr": 2e-5}),
            RunRecord(RunId("d"), params=params, folder="other"),
        ],
    )

    found = query.alike(connection, None, params)

    assert {run.id for run in found} == {"a", "b"}


def test_runs_of_ideas_are_read_with_what_they_build_on(connection: DuckDBPyConnection) -> None:
    """And no others; runs that are their own parents, or each other's, end it."""
    connection.execute("DELETE FROM runs")
    said: dict[str, dict[str, str]] = {
        "root": {},
        "between": {"parent": "root"},
        "idea": {"parent": "between", "idea": "wider"},
        "mended": {"fixes": "failed"},
        "failed": {"parent": "nowhere"},
        "own": {"parent": "own", "decision": "kept"},
        "one": {"parent": "two"},
        "two": {"parent": "one", "idea": ""},
        "other": {"parent": "idea"},
    }
    made = [RunRecord(RunId(name), **facts) for name, facts in said.items()]  # type: ignore[arg-type]
    runs.save(connection, made)

    found = {run.id for run in query.of_ideas(connection)}

    assert found == {"root", "between", "idea", "mended", "failed", "own"}


def test_the_first_ideas_are_told_as_among_all(project: Path) -> None:
    """Only their runs are read, and those of what they build on: the change of a metric is told."""
    place = Project.find(project, {})
    journal = Journal(place.room.journals, {})
    for number in range(12):
        run, base = RunId(f"b{number:011d}"), RunId(f"b{number // 2:011d}")
        begun = RunRecord(
            run,
            idea=f"idea {number // 3}",
            parent=base if number else None,
            params={"seed": number % 3},
            started=Nanoseconds(number * 10**9),
        )
        journal.note(RecordKind.BEGIN, run, facts_of(begun))
        journal.note(RecordKind.METRICS, run, {"accuracy": number / 12})
        journal.note(RecordKind.END, run, {"status": "finished", "exit_code": 0})
    journal.close()

    every = ideas(place)

    assert every.total == len(every.ideas) > 4
    assert any(each.change for each in every.ideas[:4])
    assert [ideas(place, most) for most in (1, 4)] == [
        IdeaTree(every.ideas[:most], every.total) for most in (1, 4)
    ]


def test_runs_of_a_command_are_the_newest_of_its_params(connection: DuckDBPyConnection) -> None:
    """Others of the command are left out, however many params are asked for."""
    connection.execute("DELETE FROM runs")
    params: dict[str, Json] = {f"p{n}": n for n in range(12)}
    like = RunRecord(RunId("a"), command=("t.py",), params=params)
    others = [
        RunRecord(RunId("b"), command=("t.py",), params={**params, "p0": 9}),
        RunRecord(RunId("c"), command=("u.py",), params=params),
        RunRecord(RunId("d"), command=("t.py",), params={**params, "more": 1}),
    ]
    runs.save(connection, [like, *others])

    found = [run.id for run in query.of_command(connection, like, params)]
    whole = {run.id for run in query.of_command(connection, like)}

    assert (found, whole) == (["a", "d"], {"a", "b", "d"})
    assert sorted(map(str, query.param_values(connection, "p0"))) == ["0", "9"]


def test_runs_that_may_have_made_a_file_are_found(connection: DuckDBPyConnection) -> None:
    """Those with outputs, and those that went on at that time; no others are read."""
    connection.execute("DELETE FROM runs")
    second = 1_000_000_000

    def run(name: str, started: int, finished: int | None, *outs: str) -> RunRecord:
        files = {out: DataFile("0" * 32) for out in outs}
        at = [each if each is None else Nanoseconds(each * second) for each in (started, finished)]
        return RunRecord(RunId(name), outs=files, started=at[0], finished=at[1])

    runs.save(
        connection,
        [
            run("out", 10, 11, "m.bin"),
            run("before", 10, 11),
            run("within", 20, 40),
            run("running", 20, None),
            run("after", 31, 32),
        ],
    )

    found = query.with_outs_or_at_work(connection, 29 * second, 30 * second)

    assert {each.id for each in found} == {"out", "within", "running"}


def test_runs_near_one_are_the_newest_and_those_like_it(
    connection: DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more runs than are read, an old one of the same command or params is found as well."""
    monkeypatch.setattr(query, "MANY", 3)
    connection.execute("DELETE FROM runs")
    old = {"same_command": ("a",), "same_params": ("b",), "other": ("c",)}
    each = [
        RunRecord(
            RunId(name),
            command=command,
            params={"lr": 1 if name == "same_params" else number},
            started=Nanoseconds(number * 10**9),
        )
        for number, (name, command) in enumerate({**old, "x": (), "y": (), "z": ()}.items(), 2)
    ]
    runs.save(connection, each)

    wanted = RunRecord(RunId("new"), command=("a",))
    found = [run.id for run in query.near(connection, wanted, {"lr": 1})]

    assert found == ["z", "y", "x", "same_params", "same_command"]


def test_a_fold_in_pieces_is_a_fold_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records of several journals, more than are held at once; beginnings in the first."""
    rooms = [Room(tmp_path / "one"), Room(tmp_path / "two")]
    for room in rooms:
        parent, child = Journal(room.journals, {}), Journal(room.journals, {})
        for number in range(40):
            run = RunId(f"b{number:011d}")
            begun = RunRecord(run, note="as begun", started=Nanoseconds(number * 10**9))
            parent.note(RecordKind.BEGIN, run, facts_of(begun))
            child.note(RecordKind.SET, run, {"note": "as changed"})
            child.row(run, "events", {"loss": number / 7})
            parent.note(RecordKind.END, run, {"status": "finished", "exit_code": 0})
        parent.close()
        child.close()
    told = []

    for room, most in zip(rooms, (7, 10_000), strict=True):
        monkeypatch.setattr(fold, "AT_ONCE", most)
        monkeypatch.setattr("xvc.journal.reader._BLOCK", 512)
        keeper = Keeper(room.folder.with_suffix(".duckdb"), room, None)
        with keeper.view() as opened:
            told.append([(r.id, r.note, r.status, r.metrics) for r in query.all_runs(opened)])
            rows = opened.execute("SELECT count(*) FROM events").fetchone()
            assert rows == (40,)

    assert told[0] == told[1]
    assert {note for _, note, _, _ in told[0]} == {"as changed"}
