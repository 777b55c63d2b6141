"""`xvc run --repeat`: one command, a seed each, and what the repeats say together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from surroundings import Calling, git

_TRAIN = """\
import json, os, sys
seed = int(sys.argv[sys.argv.index("--seed") + 1])
json.dump({"accuracy": 0.8 + seed / 100}, open("metrics.json", "w"))
sys.exit(5 if os.environ.get("FAILS") == str(seed) else 0)
"""


@pytest.fixture
def train(project: Path) -> Path:
    """A project whose committed script takes a seed."""
    (project / "train.py").write_text(_TRAIN)
    git(project, "add", "train.py")
    git(project, "commit", "-qm", "train")
    return project


SEEDED = ("--", "python", "train.py", "--seed", "{seed}")


def test_seeds_reach_the_command_and_are_summed(train: Path, call_xvc: Calling) -> None:
    """Seeds 0, 1, 2 are runs; the metric has n, mean and deviation, in JSON and in text."""
    done = call_xvc("run", "--repeat", "3", "--json", *SEEDED)
    said = call_xvc("run", "--repeat", "2", *SEEDED)

    assert done.code == 0, done.err
    assert [each["params"]["seed"] for each in done.data["repeats"]] == [0, 1, 2]
    (accuracy,) = done.data["metrics"]
    assert (accuracy["metric"], accuracy["count"]) == ("accuracy", 3)
    assert accuracy["mean"] == pytest.approx(0.81)
    assert accuracy["deviation"] == pytest.approx(0.01)
    assert (done.data["finished"], done.data["wanted"], done.data["stopped"]) == (3, 3, False)
    assert "2 of 2 repeats finished" in said.err
    assert "0.805" in said.err


_PLACED = """\
import json, sys
json.dump({"accuracy": 0.8 + int(sys.argv[1]) / 100}, open("metrics.json", "w"))
"""


def test_a_seed_may_be_any_word_of_the_command(project: Path, call_xvc: Calling) -> None:
    """Alone or inside another; runs of `xvc run -P`, and of a sweep, are repeats of the same."""
    (project / "t.py").write_text(_PLACED)
    git(project, "add", "t.py")
    git(project, "commit", "-qm", "t")
    words = ("--", "python", "t.py", "{seed}", "2", "--out=s{seed}.json")

    done = call_xvc("run", "--repeat", "3", "--json", *words)
    alone = call_xvc("run", "-P", "seed=7", "--json", *words)
    swept = call_xvc(
        *("sweep", "--param", "seed=8,9", "--metric", "accuracy:max", "--json", *words)
    )
    assert (done.code, done.json["warnings"], alone.json["warnings"]) == (0, [], []), done.err
    assert swept.code == 0, swept.err

    (place,) = call_xvc("leaderboard", "accuracy:max", "--json").data["places"]
    absent = call_xvc("leaderboard", "acuracy_odd", "--json")
    assert "no run has 'acuracy_odd'" in absent.json["error"]["message"]
    assert (len(place["runs"]), place["mean"]) == (6, pytest.approx(0.845))
    assert "t.py {seed} 2 --out=s{seed}.json" in call_xvc("brief").out
    assert call_xvc("tried", "-P", "seed=5", "--json", *words).data["repeats_total"] == 6
    paired = call_xvc("run", "--repeat", "2", "--against", "@", "--json", *words)
    assert paired.code == 0, paired.err
    assert not [said for said in paired.json["warnings"] if "taken" in said]


def test_the_store_is_no_code(tmp_path: Path, call_xvc: Calling) -> None:
    """Where git does not ignore it, because nobody called `xvc init`, repeats are of one code."""
    folder = tmp_path / "plain"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "t.py").write_text("print('accuracy:', 1)\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "t")

    done = call_xvc(
        *("run", "--repeat", "3", "--capture", "--json", "--", sys.executable, "t.py", "{seed}"),
        cwd=folder,
    )

    assert (done.data["finished"], done.json["warnings"]) == (3, [])
    refs = git(folder, "for-each-ref", "--format=%(refname)", "refs/xvc/runs").split()
    held = {git(folder, "ls-tree", "-r", "--name-only", ref) for ref in refs}
    assert {each.strip() for each in held} == {"t.py"}


def test_what_was_put_into_the_command_is_taken_up(project: Path, call_xvc: Calling) -> None:
    """In any place of it; a param that is nowhere in it is still named."""
    (project / "train.py").write_text('print("accuracy:", 0.5)\n')
    for words in (("{seed}",), ("seed={seed}", "lr={lr}"), ("seed={seed}",)):
        done = call_xvc(
            *("run", "--repeat", "1", "--capture", "-P", "lr=0.1", "--json"),
            *("--", "python", "train.py", *words),
        )
        lost = [each.partition(":")[0] for each in done.json["warnings"] if "taken it up" in each]

        assert lost == ([] if "lr={lr}" in words else ["lr"])


def test_versions_of_repeats_are_a_family(train: Path, call_xvc: Calling) -> None:
    """The first is the next minor, the others its patches, though a later minor is there."""
    call_xvc("run", "--tag", "minor", *SEEDED[:-1], "7")
    first = call_xvc("run", "--repeat", "3", "--tag", "minor", "--json", *SEEDED)
    git(train, "tag", "-m", "x", "e0.9.0")
    patch = call_xvc("run", "--repeat", "2", "--tag", "patch", "--json", *SEEDED)

    assert [each["version"] for each in first.data["repeats"]] == ["e0.2.0", "e0.2.1", "e0.2.2"]
    assert [each["version"] for each in patch.data["repeats"]] == ["e0.2.3", "e0.2.4"]
    compared = call_xvc("compare", "e0.1.0", "e0.2.1", "--json").data["verdicts"]
    assert compared == [[]]  # seed 7 is one more repeat


def test_a_repeat_that_fails_stops_no_other(
    train: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others run, only those that finished count, and the exit code is the failed one's."""
    monkeypatch.setenv("FAILS", "1")
    done = call_xvc("run", "--repeat", "3", "--tag", "minor", "--json", *SEEDED)

    assert done.code == 5
    assert [each["status"] for each in done.data["repeats"]] == ["finished", "failed", "finished"]
    assert [each["version"] for each in done.data["repeats"]] == ["e0.1.0", None, "e0.1.1"]
    assert (done.data["finished"], done.data["metrics"][0]["count"]) == (2, 2)


@pytest.mark.parametrize(
    ("command", "written"),
    [
        (("sh", "-c", 'echo "{\\"accuracy\\": $XVC_PARAM_SEED}" > metrics.json'), None),
        (
            ("python", "t.py"),
            "import xvc\nwith xvc.Tracker() as t:\n    t.log({'accuracy': t.params['seed']})\n",
        ),
    ],
    ids=["variable", "tracker"],
)
def test_seeds_reach_what_reads_them(
    project: Path, call_xvc: Calling, command: tuple[str, ...], written: str | None
) -> None:
    """Without a placeholder the seed is in the environment and in a Tracker's params."""
    if written is not None:
        (project / "t.py").write_text(written)
    done = call_xvc("run", "--repeat", "3", "--json", "--", *command)

    assert done.code == 0, done.err + done.out
    assert [each["metrics"]["accuracy"] for each in done.data["repeats"]] == [0, 1, 2]
    assert done.data["metrics"][0]["count"] == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--repeat", "0", *SEEDED), "no number of runs"),
        (("--repeat", "2", "--seed-param", "lr", *SEEDED), "no name by which repeats"),
        (("--repeat", "2", "-P", "seed=1", *SEEDED), "--repeat gives it"),
        (("--repeat", "2", "--", "python", "train.py", "--seed", "4"), "--seed {seed}"),
        (("--repeat", "2", "--", "python", "train.py", "{sed}"), "did you mean {seed}"),
        (("--repeat", "2", "--", "python", "train.py"), "nothing takes seed up"),
    ],
)
def test_repeats_that_would_be_the_same_are_refused(
    train: Path, call_xvc: Calling, words: tuple[str, ...], says: str
) -> None:
    """Nothing runs, and the message names what is missing."""
    done = call_xvc("run", "--json", *words)

    assert done.code == 2
    assert says in done.json["error"]["message"]
    assert call_xvc("ls", "--json").data["total"] == 0


def test_a_seed_in_a_params_file_goes_by_the_rules_of_params(
    project: Path, call_xvc: Calling
) -> None:
    """Beside the file it is refused, in the file or in a copy of it the repeats are repeats."""
    (project / "params.yaml").write_text("seed: 0\nlr: 0.1\n")
    (project / "t.py").write_text(
        "import json, sys, yaml\n"
        "seed = yaml.safe_load(open((sys.argv[1:] or ['params.yaml'])[0]))['seed']\n"
        "json.dump({'accuracy': seed}, open('metrics.json', 'w'))\n"
    )
    git(project, "add", ".")
    git(project, "commit", "-qm", "t")
    beside = call_xvc("run", "--repeat", "2", "--json", "--", "python", "t.py")
    copied = call_xvc(
        *("run", "--repeat", "2", "--params-copy", "--json", "--", "python", "t.py", "{params}")
    )
    edited = call_xvc("run", "--repeat", "2", "--params-edit", "--json", "--", "python", "t.py")

    assert beside.json["error"]["code"] == "param-in-file"
    for done in (copied, edited):
        assert done.code == 0, done.out
        assert [each["metrics"]["accuracy"] for each in done.data["repeats"]] == [0, 1]
        assert done.data["metrics"][0]["count"] == 2


def test_a_seed_that_nothing_takes_up_ends_the_repeats(project: Path, call_xvc: Calling) -> None:
    """Only the run can tell: the first has failed by it, and no other is begun."""
    (project / "t.py").write_text("import xvc\nxvc.Tracker().log({'accuracy': 1})\n")
    done = call_xvc("run", "--repeat", "3", "--json", "--", "true")

    assert done.code == 1
    assert (done.data["repeats_total"], done.data["stopped"]) == (1, True)
    assert any("nothing takes the seed up" in each for each in done.json["warnings"])


def test_a_change_of_the_code_meanwhile_is_said(train: Path, call_xvc: Calling) -> None:
    """A repeat of other code is none, and does not count."""
    change = "import sys; sys.argv[2] == '0' and open('train.py', 'a').write('x = 1\\n')"
    done = call_xvc("run", "--repeat", "3", "--json", "--", "python", "-c", change, *SEEDED[3:])

    assert (done.code, done.data["finished"]) == (0, 2)
    assert any("changed while the repeats ran" in each for each in done.json["warnings"])


def test_an_interrupt_ends_all(train: Path, call_xvc: Calling) -> None:
    """Ctrl-C reaches the repeat that runs, and no other begins."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "xvc", "run", "--repeat", "5", "--"),
            *("sh", "-c", "echo begun; sleep 30; : $XVC_PARAM_SEED"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130, err
    runs = call_xvc("ls", "--json").data
    assert [run["status"] for run in runs["runs"]] == ["interrupted"]


def test_a_seed_that_the_command_says_stands_beside_a_params_file(
    project: Path, call_xvc: Calling
) -> None:
    """The option is what the script uses, so the file's seed refuses nothing and stays as it is."""
    (project / "params.yaml").write_text("seed: 0\nlr: 0.1\n")
    (project / "t.py").write_text(
        "import json, sys\njson.dump({'accuracy': int(sys.argv[2])}, open('metrics.json', 'w'))\n"
    )
    git(project, "add", ".")
    git(project, "commit", "-qm", "t")
    done = call_xvc(*("run", "--repeat", "2", "--json", "--", "python", "t.py", "--seed", "{seed}"))

    assert done.code == 0, done.out
    assert [each["metrics"]["accuracy"] for each in done.data["repeats"]] == [0, 1]
    assert call_xvc("show", "@", "--json").data["params"]["seed"] == 1
    assert done.data["metrics"][0]["count"] == 2


def test_a_copy_of_the_params_that_nothing_reads_is_said(project: Path, call_xvc: Calling) -> None:
    """The run used the file's value, and the warning names the way by which a copy is read."""
    (project / "params.yaml").write_text("lr: 0.1\n")
    (project / "t.py").write_text("open('params.yaml').read()\n")
    (project / "other.py").write_text("import xvc\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "t")
    words = ("run", "--params-copy", "-P", "lr=0.5", "--json", "--", "python", "t.py")
    unread = call_xvc(*words)
    taken = call_xvc("run", "--params-copy", "-P", "lr=0.5", "--json", "--", "cat", "{params}")

    assert any("the command read params.yaml, not the copy" in w for w in unread.json["warnings"])
    assert taken.json["warnings"] == []


def test_a_short_option_that_the_script_calls_a_seed_overrules_a_file(
    project: Path, call_xvc: Calling
) -> None:
    """As the long one does; one that the command gives a value itself is refused."""
    (project / "params.yaml").write_text("seed: 7\n")
    (project / "t.py").write_text(
        "import argparse\np = argparse.ArgumentParser()\n"
        "p.add_argument('-s', '--seed')\np.parse_args()\n"
    )
    git(project, "add", ".")
    git(project, "commit", "-qm", "seeds")

    done = call_xvc("run", "--repeat", "1", "--", sys.executable, "t.py", "-s", "{seed}")
    fixed = call_xvc("run", "--repeat", "2", "--", sys.executable, "t.py", "-s", "3")

    assert (done.code, call_xvc("show", "--json").data["params"]) == (0, {"seed": 0})
    assert "the command says --seed 3 itself" in fixed.err
