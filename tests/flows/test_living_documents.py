"""Living documents: sections of series between their marks, and a brief of one series."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from surroundings import Calling
from xvc.experiments import track_experiment


@pytest.fixture
def series(project: Path) -> Path:
    """Two series: one whose models were judged on folds, and one of a single experiment."""
    made = (("baseline", 0.65, 0.05), ("boosted", 0.87, 0.02), ("net", 0.85, 0.04))
    for name, mean, deviation in made:
        with track_experiment(name, series="0042") as exp:
            exp.log_params({"model": name, "depth": 6})
            exp.log_metrics({"accuracy": mean, "mean_score": mean, "sd_score": deviation})
    with suppress(LookupError), track_experiment("broken", series="0042") as exp:
        exp.log_metric("accuracy", 0.99)
        raise LookupError
    with track_experiment("alone", series="0043") as exp:
        exp.log_metric("loss", 0.5)
    return project


def test_each_series_has_its_section_in_one_document(series: Path, call_xvc: Calling) -> None:
    """The document is made; written again, the same bytes; what is between sections stays."""
    place = series / "docs" / "experiments.md"
    first = call_xvc("report", "--series", "0042", "--into", "docs/experiments.md", "--json")
    place.write_text(f"# Ours\n\n{place.read_text()}\nBetween.\n")
    call_xvc("report", "--series", "0043", "--into", "docs/experiments.md")
    text = place.read_text()
    with track_experiment("late", series="0043") as exp:
        exp.log_metric("loss", 0.25)
    call_xvc("report", "--series", "0043", "--into", "docs/experiments.md")
    call_xvc("report", "--series", "0042", "--into", "docs/experiments.md")
    later = place.read_text()

    assert (first.code, first.data["best"]["value"]) == (0, 0.87)
    assert text.startswith("# Ours\n\n<!-- xvc:report 0042 begin -->\n## Series 0042\n")
    assert "\nBetween.\n" in text
    assert text.partition("Between.")[0] == later.partition("Between.")[0]
    assert "late" in later.partition("Between.")[2]
    assert [later.count(f"<!-- xvc:report {name} end -->") for name in ("0042", "0043")] == [1, 1]


def test_a_section_says_which_is_selected_and_why(series: Path, call_xvc: Calling) -> None:
    """What failed is listed and never selected; reasons, params, and stability over folds."""
    text = call_xvc("report", "--series", "0042").out

    assert "4 experiments, 3 finished." in text
    assert "Selected: boosted" in text
    assert "Highest accuracy (0.87; the next has 0.85)." in text
    assert "| boosted | 0.87 | 0.02 |" in " ".join(text.split())
    assert "| depth | 6 |" in " ".join(text.split())
    assert "| broken | failed |" in " ".join(text.split())


def test_a_series_that_is_none_is_refused(series: Path, call_xvc: Calling) -> None:
    """For a report and a brief alike; runs beside a series are a mistake."""
    calls = [("report", "--series", "9"), ("brief", "--series", "9")]
    calls += [("report", "@", "--series", "0042")]

    codes = [call_xvc(*words, "--json").json["error"]["code"] for words in calls]

    assert codes == ["bad-value"] * 3


def test_a_brief_of_a_series_is_of_its_runs(series: Path, call_xvc: Calling) -> None:
    """Other runs are neither counted nor the best."""
    whole, own = call_xvc("brief", "--json").data, call_xvc("brief", "--series", "0043", "--json")

    assert (whole["runs"], own.data["runs"]) == (5, 1)
    assert [best["metric"] for best in own.data["best"]] == ["loss"]
    assert own.data["failed_total"] == 0
    assert own.json["warnings"] == []
