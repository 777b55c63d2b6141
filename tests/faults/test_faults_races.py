"""Commands at the same time: each gets its own version, and none takes from another."""

from __future__ import annotations

from faulty import Repo, check_git, check_rows, check_versions


def test_eight_processes_that_tag_at_once_get_eight_versions(tagged: Repo) -> None:
    """Every caller is told a version of its own, and all are there."""
    assert tagged.run_logging("second").code == 0

    started = [tagged.start("xvc", "tag", "patch", "--json") for _ in range(8)]
    ended = [running.wait() for running in started]

    assert [outcome.code for outcome in ended] == [0] * 8, [outcome.said for outcome in ended]
    names = [outcome.data["version"] for outcome in ended]
    assert sorted(names) == sorted(f"e0.1.{number}" for number in range(1, 9))
    assert set(names) < set(tagged.tags())
    assert tagged.git("status", "--porcelain") == ""
    check_versions(tagged)
    check_git(tagged)


def test_eight_runs_that_tag_at_once_get_eight_versions(tagged: Repo) -> None:
    """Eight runs with ``--tag`` end with eight versions, each naming its own run."""
    started = [
        tagged.start("xvc", "run", "--tag", "patch", "--", *tagged.logging(f"r{number}"))
        for number in range(8)
    ]
    ended = [running.wait() for running in started]

    assert [outcome.code for outcome in ended] == [0] * 8, [outcome.said for outcome in ended]
    said = [line for outcome in ended for line in outcome.err.splitlines() if "warning" in line]
    # whether params.yaml was opened is seen of all that run beside it
    assert [line for line in said if "never opened" not in line] == []
    assert len(tagged.tags()) == 9
    runs = tagged.runs()
    assert len({run["version"] for run in runs}) == 9
    check_rows(tagged, tagged.tokens())
    check_versions(tagged)
    check_git(tagged)
    assert tagged.git("status", "--porcelain") == ""


def test_runs_and_versions_in_two_worktrees_at_once(tagged: Repo) -> None:
    """Two trees of one repository share the numbers and disturb each other in nothing."""
    place = tagged.root.parent / "side"
    tagged.git("worktree", "add", "-q", "-b", "side", str(place))

    started = [
        tagged.start(
            *("xvc", "run", "--tag", "patch", "--", *tagged.logging(f"w{number}")),
            folder=place if number % 2 else tagged.root,
        )
        for number in range(6)
    ]
    ended = [running.wait() for running in started]

    assert [outcome.code for outcome in ended] == [0] * 6, [outcome.said for outcome in ended]
    assert len(tagged.tags()) == 7, [outcome.err for outcome in ended]
    found = tagged.seen() | tagged.seen(place)
    check_rows(tagged, found)
    check_versions(tagged)
    check_git(tagged)
    assert tagged.git("status", "--porcelain") == ""


def test_merges_and_a_rebase_at_once_lose_nothing(tagged: Repo) -> None:
    """Three processes put three branches into one tree: each waits or says busy; all rows come."""
    for name in ("x", "y", "z"):
        tagged.git("checkout", "-q", "-b", name, "main")
        assert tagged.run_logging(name, 2, "--tag", "minor").code == 0
    tagged.git("checkout", "-q", "main")
    assert tagged.run_logging("unsaved", 2).code == 0
    ways = [["merge", "x"], ["rebase", "y", "--on", "token", "--yes"], ["merge", "z"]]

    started = [tagged.start("xvc", *words) for words in ways]
    ended = [running.wait() for running in started]

    assert {outcome.code for outcome in ended} <= {0, 5}, [outcome.said for outcome in ended]
    for words, outcome in zip(ways, ended, strict=True):
        if outcome.code == 5:
            tagged.ran(*words)
    check_rows(tagged, tagged.tokens())
    check_versions(tagged)
    check_git(tagged)


def test_a_rebase_while_rows_are_logged_loses_none(tagged: Repo) -> None:
    """Runs go on beside a rebase: what they log is there when both have ended."""
    tagged.git("checkout", "-q", "-b", "side")
    assert tagged.run_logging("side", 2, "--tag", "minor").code == 0
    tagged.git("checkout", "-q", "main")

    logging = [
        tagged.start("xvc", "run", "--", *tagged.logging(f"r{number}", 4)) for number in range(2)
    ]
    rebased = tagged.start("xvc", "rebase", "side", "--on", "token", "--yes").wait()
    ended = [running.wait() for running in logging]

    assert rebased.code in {0, 5}, rebased.said
    assert [outcome.code for outcome in ended] == [0, 0], [outcome.said for outcome in ended]
    tagged.ran("rebase", "side", "--on", "token", "--yes")
    check_rows(tagged, tagged.tokens())
    check_git(tagged)
