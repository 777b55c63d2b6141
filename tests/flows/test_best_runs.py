"""Every command that says which run is best, or which runs repeat one, says the same."""

from __future__ import annotations

from pathlib import Path

import xvc
from surroundings import Calling
from xvc import Tracker


def _logged(value: float, *, fails: bool = False) -> str:
    tracker = Tracker(params={"value": value})
    try:
        with tracker:
            tracker.log({"acc": value})
            if fails:
                raise ArithmeticError
    except ArithmeticError:
        pass
    return str(tracker.track_id)


def test_the_best_run_is_finished_and_of_equals_the_first(project: Path, call_xvc: Calling) -> None:
    """References, lists, groups, reports and briefs name one run, infinities and NaN beside it."""
    for value in (0.5, float("nan"), float("-inf")):
        _logged(value)
    first, second = _logged(2**53 + 1), _logged(2**53 + 1)
    _logged(2**53)
    failed = _logged(2**60, fails=True)

    shown = call_xvc("show", "best:acc", "--json").data["id"]
    lists = [
        [run["id"] for run in call_xvc("ls", "--sort", "acc", *words, "--json").data["runs"]]
        for words in ((), ("--all",))
    ]
    said = call_xvc("brief", "--json").data["best"][0]["run"]

    assert shown == said == first
    assert lists[0] == lists[1]
    assert lists[0][:3] == [failed, first, second]
    assert f"| 1 | {first} |" in call_xvc("report").out
    assert call_xvc("show", "worst:acc", "--json").data["metrics"]["acc"] == {"$float": "-inf"}


def test_repeats_are_the_same_for_every_command(project: Path, call_xvc: Calling) -> None:
    """Other code, a seed twice and a failed run count for nothing, and are told apart."""
    for seed, accuracy in ((0, 0.8), (1, 0.9), (0, 0.8)):
        with Tracker(params={"seed": seed, "lr": 1}) as tracker:
            tracker.log({"accuracy": accuracy, "log_loss": 1 - accuracy})
    _logged(0.1, fails=True)
    (project / "NOTES.md").write_text("a document is no code")
    with Tracker(params={"seed": 2, "lr": 1}) as tracker:
        tracker.log({"accuracy": 1.0, "log_loss": 0.0})
    (project / "train.py").write_text("print('other code')")
    with Tracker(params={"seed": 3, "lr": 1}) as tracker:
        tracker.log({"accuracy": 0.7, "log_loss": 0.3})

    (group, other) = call_xvc("ls", "--group", "lr", "--sort", "log_loss", "--json").data["groups"]
    tried = call_xvc("brief", "--json").data["tried"]
    text = call_xvc("report").out
    checked = call_xvc("validate").out
    listed = call_xvc("ls", "--columns", "accuracy,seed").out.splitlines()
    rows = call_xvc("ls", "--csv").out.splitlines()

    assert (group["metric"], group["finished"], group["failed"], group["n"]) == (
        *("log_loss", 5, 0),
        4,
    )
    assert round(group["mean"], 3) == 0.15
    assert (other["finished"], other["failed"], other["n"]) == (0, 1, 0)
    assert [(each["n"], each["again"]) for each in tried] == [(3, 1), (1, 0)]
    assert "Its 3 repeats" in text
    assert "1 run of the same code, params, command and tracked data as another" in checked
    assert listed[0].split() == ["run", "accuracy", "seed"]
    assert rows[0] == "run,version,status,started,seconds,accuracy,log_loss,acc,seed,lr,value,note"
    assert call_xvc("ls", "--columns", "acuracy").code == 2


def test_a_metric_follows_every_edit_of_its_rows(project: Path, call_xvc: Calling) -> None:
    """Set to null, to a text, in a part, by SQL, and taken back: the last number that is there."""
    with Tracker() as tracker:
        for step, value in ((1, 0.5), (2, 0.9)):
            tracker.log({"step": step, "acc": value})

    def metric() -> object:
        return call_xvc("show", "--json").data.get("metrics", {}).get("acc")

    told = []
    for words in (("acc", "null"), ("acc", "oops"), ("step", "7"), ("acc", "0.7")):
        assert call_xvc("db", "set", *words, "--where", "step=2", "--yes").code == 0
        told.append(metric())
        call_xvc("undo", "--yes")
        told.append(metric())
    nothing = call_xvc("db", "set", "acc", "1", "--where", "step=9", "--yes")
    for statement in ("UPDATE events SET acc = 0.1 WHERE step = 2", "DELETE FROM events"):
        assert call_xvc("db", "sql", "--write", statement, "--yes").code == 0
        told.append(metric())

    assert told == [0.5, 0.9, 0.5, 0.9, 0.9, 0.9, 0.7, 0.9, 0.1, None]
    assert (nothing.code, "no row" in nothing.err) == (3, True)


def test_what_is_unsaved_is_counted_in_every_table(project: Path, call_xvc: Calling) -> None:
    """The status and the brief count alike, and name a run that a version would save."""
    kept = _logged(0.5)
    call_xvc("tag", "minor", "--run", kept)
    before = call_xvc("status", "--json")
    with Tracker(params={"value": 1.0}) as tracker:
        tracker.log({"acc": 1.0})
        with Tracker(table="predictions", run=tracker.track_id, resume=True) as other:
            for row in range(3):
                other.log({"row": row})
    finished, _ = str(tracker.track_id), _logged(0.7, fails=True)
    (project / "train.py").write_text("print('changed since')")

    found = call_xvc("status", "--json")
    brief = call_xvc("brief", "--json")
    step = f"xvc tag minor --run {finished}"

    assert (before.data["unsaved_total"], before.data["unsaved_rows"]) == (0, 0)
    assert before.json["next"] == []
    assert (found.data["unsaved_total"], found.data["unsaved_rows"]) == (2, 5)
    assert (brief.data["unsaved_total"], brief.data["unsaved_rows"]) == (2, 5)
    assert found.json["next"] == [step]
    assert step in brief.json["next"]
    assert call_xvc(*step.split()[1:]).code == 0
    assert call_xvc("status", "--json").json["next"] == []


def test_an_unknown_metric_names_the_nearest(project: Path, call_xvc: Calling) -> None:
    """In a reference as in `--sort`; a run without params does not hide the keys of any."""
    with Tracker() as tracker:
        tracker.log({"loss": 1.0})

    for words in (("show", "best:los"), ("ls", "--sort", "los")):
        told = call_xvc(*words, "--json")
        assert told.code == 2
        assert "did you mean 'loss'?" in told.json["error"]["message"]


def test_a_line_is_of_one_run(project: Path, call_xvc: Calling) -> None:
    """Runs are not joined into a zigzag; of many the last twenty are drawn."""
    ids = [_logged(0.1 * n) for n in range(22)]

    drawn = call_xvc("db", "plot", "line", "acc", "--json").data["series"]

    assert [each["label"] for each in drawn] == ids[-20:]


def test_a_list_is_sorted_by_whatever_it_can_show(project: Path, call_xvc: Calling) -> None:
    """Params and metrics by their full names, facts that are no column, versions by number."""
    names = []
    for seed, acc in ((2, 0.5), (3, 0.7), (1, 0.6)):
        with Tracker(params={"seed": seed, "lr": -seed}, name=f"s{seed}") as tracker:
            tracker.log({"acc": acc})
        names.append(str(tracker.track_id))
    for run in (names[1], names[2]):
        call_xvc("tag", "minor", "--run", run)

    def listed(*words: str) -> list[int]:
        runs = call_xvc("ls", *words, "--json").data["runs"]
        return [run["params"]["seed"] for run in runs]

    asked = {
        "params.seed": [3, 2, 1],
        "params.seed:asc": [1, 2, 3],
        "params.lr": [1, 2, 3],
        "metrics.acc": [3, 1, 2],
        "name:asc": [1, 2, 3],
        "version": [1, 3, 2],
        "labels": [1, 3, 2],
    }
    filters: tuple[tuple[str, ...], ...] = ((), ("--all",), ("--where", "seed > 0"), ("-n", "3"))
    for words in filters:
        assert {key: listed("--sort", key, *words) for key in asked} == asked
    here = xvc.open(project)
    for key, order in asked.items():
        assert here.runs(sort=key)["seed"].tolist() == order
    wrong = call_xvc("ls", "--sort", "params.sed")
    assert wrong.code == 2
    assert "params.seed" in wrong.err
