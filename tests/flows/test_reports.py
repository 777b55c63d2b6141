"""``xvc report``: what it says, that it is the same each time, and where it may be written."""

from __future__ import annotations

import os
import shutil
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from surroundings import Begun, Calling, git
from xvc import Tracker

BEGIN, END = "<!-- xvc:report begin -->", "<!-- xvc:report end -->"
NASTY = "<script>alert('x')</script>|`a`"


@pytest.fixture
def three(project: Path, call_xvc: Calling, begun: Begun) -> Path:
    """Three runs with curves; the second is the best by accuracy and has a version."""

    def curves() -> None:
        for lr, accuracy in ((0.1, 0.8), (0.2, 0.95), (0.3, 0.9)):
            with Tracker(params={"lr": lr, NASTY: f"{NASTY}{lr}"}) as tracker:
                for step in range(5):
                    tracker.log({"step": step, "loss": lr / (step + 1)})
                tracker.log({"accuracy": accuracy, "odd|key": accuracy})
        assert call_xvc("tag", "minor", "--run", "best:accuracy").code == 0

    begun(project, curves)
    return project


def report(call_xvc: Calling, *words: str) -> str:
    answer = call_xvc("report", *words)
    assert answer.code == 0, answer.err
    return answer.out


def refusal(call_xvc: Calling, *words: str) -> tuple[int, str]:
    answer = call_xvc("report", *words, "--json")
    return answer.code, answer.json["error"]["code"]


class Balanced(HTMLParser):
    """Reads a page; every tag that begins has to end."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.seen, self.names = list[str](), list[str](), set[str]()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.names |= {name for name, _ in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_best_run_is_named_with_its_margin(three: Path, call_xvc: Calling) -> None:
    """Metric, direction, who says so, how far ahead of which run."""
    text = report(call_xvc)

    assert "e0.1.0 has the highest accuracy: 0.95. It is 0.05 (5.3%) ahead of" in text
    assert "Higher is better: its name says so." in text
    assert "3 runs on" in text
    assert "| loss | " in text
    assert "### loss by step" in text
    assert "### params" in text
    assert "xvc checkout e0.1.0" in text


def test_another_metric_decides_when_asked(three: Path, call_xvc: Calling) -> None:
    """A direction may be given, also against the name's."""
    assert "has the lowest loss" in report(call_xvc, "--metric", "loss")
    assert "Higher is better: that was asked for." in report(call_xvc, "--metric", "loss:max")


def test_no_run_is_best_when_nothing_says_so(project: Path, call_xvc: Calling) -> None:
    """A metric without a direction ranks nothing; neither does a tie name one winner silently."""
    with Tracker() as tracker:
        tracker.log({"zeal": 3})
    assert "nothing says which way zeal is better" in report(call_xvc)
    for _ in range(2):
        with Tracker() as tracker:
            tracker.log({"accuracy": 0.5})

    assert "It is a tie" in report(call_xvc)


def test_repeats_by_seed_tell_the_spread(project: Path, call_xvc: Calling) -> None:
    """The best of several seeds is not shown without the others."""
    for seed, accuracy in ((1, 0.8), (2, 0.9)):
        with Tracker(params={"seed": seed, "lr": 1}) as tracker:
            tracker.log({"accuracy": accuracy})

    text = report(call_xvc)

    assert "Its 2 repeats (the same code, data, command and params, each seed once) lie " in text
    assert "from 0.8 to 0.9, mean 0.85, sd 0.0707." in text


def test_named_runs_only(three: Path, call_xvc: Calling) -> None:
    """Two runs are reported on, and compared."""
    answer = call_xvc("report", "@-2", "@", "--json")

    assert answer.data["runs"] == 2
    assert answer.data["best"]["value"] == 0.9
    assert answer.data["text"].startswith("# Experiments\n")


def test_the_same_runs_give_the_same_bytes(
    three: Path, call_xvc: Calling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another copy, another time zone and another process, both formats are the same."""
    report(call_xvc, "-f", "both", "-o", "first")
    copy = tmp_path / "copy"
    shutil.copytree(three, copy, symlinks=True)
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    again = call_xvc("report", "-f", "both", "-o", "first", "--yes", cwd=copy)

    assert again.code == 0
    for name in ("first.md", "first.html"):
        assert (copy / name).read_bytes() == (three / name).read_bytes()
        assert os.fsencode(tmp_path) not in (three / name).read_bytes()


def test_the_date_is_that_which_is_given(three: Path, call_xvc: Calling) -> None:
    """Nothing else depends on it."""
    one, other = (report(call_xvc, "--date", day) for day in ("2001-02-03", "2004-05-06"))

    assert one.replace("2001-02-03", "2004-05-06") == other
    assert "As of 2004-05-06." in other


def test_the_page_stands_on_its_own(three: Path, call_xvc: Calling) -> None:
    """Balanced tags, curves drawn, no script, no place that anything is fetched from."""
    report(call_xvc, "-o", "report.html")

    text = (three / "report.html").read_text(encoding="utf-8")
    page = Balanced(text)
    assert page.open == []
    assert page.seen.count("svg") == 1
    assert page.seen.count("polyline") == 3
    assert "script" not in page.seen
    assert page.names.isdisjoint({"src", "href", "srcset", "style", "onload"})
    assert "http:" not in text
    assert "https:" not in text
    assert "&lt;script&gt;" in text


def test_keys_and_values_cannot_break_markdown(three: Path, call_xvc: Calling) -> None:
    """Signs of tables, code and HTML are shown as what they are."""
    text = report(call_xvc)

    assert "<script" not in text
    assert "odd\\|key" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(row.endswith(" |") for row in rows)


def test_a_file_is_not_replaced_unless_told(three: Path, call_xvc: Calling) -> None:
    """Nothing is written when one of two files is there; with --yes both are."""
    (three / "r.html").write_text("mine")

    assert refusal(call_xvc, "-f", "both", "-o", "r.md") == (4, "target-exists")
    assert not (three / "r.md").exists()
    assert (three / "r.html").read_text() == "mine"
    report(call_xvc, "-f", "both", "-o", "r.md", "--yes")
    assert (three / "r.html").read_text().startswith("<!doctype html>")
    assert not list(three.glob(".r.*"))


def test_a_document_keeps_everything_else(three: Path, call_xvc: Calling) -> None:
    """Line ends and mode as well; a second time changes nothing."""
    page = three / "README.md"
    page.write_bytes(f"# Mine\r\n\r\n{BEGIN}\r\nold\r\n{END}\r\nend \xff".encode("latin-1"))
    page.chmod(0o640)

    report(call_xvc, "--into", "README.md", "--title", "Results")

    content = page.read_bytes()
    assert content.startswith(f"# Mine\r\n\r\n{BEGIN}\r\n## Results\r\n".encode())
    assert content.endswith(f"\r\n{END}\r\nend ".encode() + b"\xff")
    assert content.count(b"\n") == content.count(b"\r\n")
    assert page.stat().st_mode & 0o777 == 0o640
    report(call_xvc, "--into", "README.md", "--title", "Results")
    assert page.read_bytes() == content


def test_a_link_to_a_document_stays_a_link(three: Path, call_xvc: Calling) -> None:
    """The file that it leads to is written."""
    (three / "real.md").write_text(f"{BEGIN}\n{END}\n")
    (three / "link.md").symlink_to("real.md")

    report(call_xvc, "--into", "link.md")

    assert (three / "link.md").is_symlink()
    assert "## Experiments" in (three / "real.md").read_text()


def test_marks_are_needed(three: Path, call_xvc: Calling) -> None:
    """Missing ones are added only when told, damaged ones never."""
    page = three / "README.md"
    page.write_text("# Mine\n")

    assert refusal(call_xvc, "--into", "README.md") == (4, "no-marks")
    assert page.read_text() == "# Mine\n"
    report(call_xvc, "--into", "README.md", "--append")
    assert page.read_text().startswith(f"# Mine\n\n{BEGIN}\n## Experiments\n")
    page.write_text(f"{END}{BEGIN}")
    assert refusal(call_xvc, "--into", "README.md", "--append") == (4, "marks-damaged")
    assert refusal(call_xvc, "--into", "missing.md") == (1, "no-document")
    assert refusal(call_xvc, "--append") == (2, "bad-value")
    report(call_xvc, "--into", "missing.md", "--append")
    assert (three / "missing.md").read_text().startswith(f"{BEGIN}\n## Experiments\n")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--metric", "los"], "bad-value"),
        (["--metric", "odd|key"], "no-direction"),
        (["--date", "yesterday"], "bad-value"),
        (["--format", "pdf"], "bad-value"),
        (["--format", "both"], "bad-value"),
        (["--format", "html", "-o", "x.md"], "bad-value"),
        (["-o", "report"], "bad-value"),
        (["nothing"], "no-run"),
    ],
)
def test_a_wrong_call_writes_nothing(
    three: Path, call_xvc: Calling, words: list[str], code: str
) -> None:
    """Each has its error."""
    before = sorted(three.iterdir())

    assert refusal(call_xvc, *words)[1] == code
    assert sorted(three.iterdir()) == before


def test_a_project_without_runs_has_a_report(project: Path, call_xvc: Calling) -> None:
    """It says that there is nothing yet."""
    assert "There is nothing to report yet." in report(call_xvc)


def test_of_many_runs_the_first_are_listed(tmp_path: Path, call_xvc: Calling) -> None:
    """Of 10,000 runs the best come first, and the number of all is said."""
    store = tmp_path / "a.duckdb"
    with Tracker(store) as tracker:
        tracker.log({"accuracy": 0.5})
    call_xvc("db", "ls", "--db", str(store))
    with duckdb.connect(str(store)) as connection:
        connection.execute(
            "INSERT INTO runs SELECT runs.* REPLACE ('r' || i AS id, "
            "json_object('accuracy', i / 1e4) AS metrics) FROM runs, range(9999) AS t(i)"
        )

    text = report(call_xvc, "--db", str(store))

    assert "10,000 runs" in text
    assert "50 of 10,000 shown" in text
    assert "r9998 has the highest accuracy: 0.9998" in text
    assert len(text) < 20_000


def test_a_long_value_is_cut(project: Path, call_xvc: Calling) -> None:
    """A param of a million letters is a cell like others."""
    for letter in "ab":
        with Tracker(params={"prompt": letter * 1_000_000}) as tracker:
            tracker.log({"accuracy": 0.5})

    text = report(call_xvc)

    assert f"{'a' * 59}…" in text
    assert len(text) < 10_000


@pytest.mark.parametrize("words", [("--into", "R.md", "--append"), ("-o", "out/r.md", "--yes")])
def test_a_report_follows_no_tracked_link_out(
    project: Path, call_xvc: Calling, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """A document or folder that a clone brought as a link is refused, and nothing there changes."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "notes.md").write_text("mine\n")
    (project / "R.md").symlink_to(outside / "notes.md")
    (project / "out").symlink_to(outside)
    git(project, "add", "R.md", "out")
    git(project, "commit", "-qm", "links")
    call_xvc("run", "--", "python", "train.py")

    called = call_xvc("report", *words, "--json")

    assert called.json["error"]["code"] == "outside-project"
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"notes.md": "mine\n"}
