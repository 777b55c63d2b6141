"""What cannot be read of a params file is not known to be the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from surroundings import Calling, git


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("lr: 0.1\n", "lr:\t0.1\n\tx: 1\n"),
        ("lr: [\n", "lr: {\n"),
        ("lr: 0.1\nname: a\n", "lr: 0.1\n"),
        ("lr: 0.1\n", "- 0.1\n"),
        ("lr: 0.1\n", ""),
        ("lr: 0.1\na: &a [*a]\n", "lr: 0.1\na: &a [1, *a]\n"),
    ],
    ids=["a tab", "both broken", "one param less", "a list", "empty", "a part left out"],
)
def test_a_run_is_of_other_params_than_one_whose_file_said_otherwise(
    project: Path, call_xvc: Calling, then: str, now: str
) -> None:
    """Neither `run` nor `tried` says that the same ran before, and no two are repeats."""
    (project / "params.yaml").write_text(then)
    git(project, "add", "params.yaml")
    git(project, "commit", "-qm", "params")
    call_xvc("run", "--", "cat", "params.yaml")
    (project / "params.yaml").write_text(now)

    tried = call_xvc("tried", "--json", "--", "cat", "params.yaml").data
    done = call_xvc("run", "--", "cat", "params.yaml")

    assert tried["same"] == []
    assert "ran before" not in done.err
    again = call_xvc("run", "--", "cat", "params.yaml")
    assert "ran before" in again.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "<<<<<<< HEAD\nlr: 0.1\n=======\nlr: 0.2\n>>>>>>> other\n",
            "line 1: it holds an unfinished",
        ),
        ("lr:\t0.1\n\tx: 1\n", "line 2: "),
        ("lr: 1\nname: caf\udce9\n", "line 2: the byte 0xe9 is not UTF-8"),
        (None, "a folder"),
    ],
    ids=["merge marks", "a tab", "latin-1", "a folder"],
)
def test_a_params_file_that_cannot_be_read_is_named_with_what_follows(
    project: Path, call_xvc: Calling, text: str | None, said: str
) -> None:
    """The run goes on without its params, and says so."""
    place = project / "params.yaml"
    place.mkdir() if text is None else place.write_bytes(os.fsencode(text))

    done = call_xvc("run", "--", "true")

    assert done.code == 0
    assert "params.yaml: " in done.err
    assert said in done.err
    assert "until it is mended, runs have no params of it" in done.err


def test_a_params_file_that_the_settings_name_is_missed(project: Path, call_xvc: Calling) -> None:
    """Nobody names one for nothing; but params.yaml may come later."""
    with (project / "xvc.yaml").open("a") as settings:
        settings.write("params: {files: [params.yaml, conf/base.yaml]}\n")

    done = call_xvc("run", "--json", "--", "true")

    assert [each for each in done.json["warnings"] if "params.files" in each] == [
        "conf/base.yaml: the setting params.files names it, and it is not there."
    ]


def test_a_params_file_that_is_a_link_to_nowhere_is_named(project: Path, call_xvc: Calling) -> None:
    """It is there, so the run was meant to have its params."""
    (project / "params.yaml").symlink_to("conf/gone.yaml")

    done = call_xvc("run", "--json", "--", "true")

    assert [each for each in done.json["warnings"] if "params.yaml" in each] == [
        "params.yaml: it is a link to conf/gone.yaml, where nothing is; runs have no params of it."
    ]


def test_an_option_is_no_param_where_a_file_behind_it_says_otherwise(
    project: Path, call_xvc: Calling
) -> None:
    """As nanoGPT has it: options and files count in the order in which they are given."""
    (project / "config").mkdir()
    (project / "config/shake.py").write_text("max_iters = 50\nlr = 0.1\n")
    (project / "gpt.py").write_text(
        "import sys\n"
        "max_iters, lr, seed = 1, 1.0, 0\n"
        "for word in sys.argv[1:]:\n"
        "    if word.startswith('--'): exec(word[2:])\n"
        "    else: exec(open(word).read())\n"
        "print(max_iters, lr, seed)\n"
    )
    words = ("run", "--json", "--", "python", "gpt.py")
    before = call_xvc(*words, "--max_iters=5", "--seed=3", "config/shake.py")
    behind = call_xvc(*words, "config/shake.py", "--max_iters=5", "--seed=3")
    alike = call_xvc(*words, "--max_iters=50", "config/shake.py")

    assert before.data["params"].items() >= {"seed": 3}.items()
    assert "max_iters" not in before.data["params"]
    assert any("config/shake.py" in said for said in before.json["warnings"])
    assert behind.data["params"]["max_iters"] == 5
    assert alike.data["params"]["max_iters"] == 50


@pytest.mark.parametrize(
    ("words", "params"),
    [
        (["bash", "-c", 'python opts.py "$@"', "sh", "--n", "4", "--lr", "2"], {"n": 4, "lr": 2}),
        (
            ["python", "opts.py", "--lang", "bash", "opts.sh", "--lr", "2"],
            {"lang": "bash", "lr": 2},
        ),
        (["python", "opts.py", "--shell", "sh", "-c", "x", "--lr", "2"], {"shell": "sh", "lr": 2}),
        (["bash", "deaf.sh", "--lr", "2"], {}),
        (["bash", "opts.sh", "--lr", "2"], {"lr": 2}),
        (["python", "opts.py", "--lr", "2", "a" * 300 + ".py"], {"lr": 2}),
        (["python", "opts.py", "--lr", "2", "deep.py"], {"lr": 2}),
    ],
)
def test_options_are_params_where_they_reach_the_program(
    project: Path, call_xvc: Calling, words: list[str], params: dict[str, object]
) -> None:
    """Past a shell that hands words on, and beside words that only look like one."""
    (project / "opts.py").write_text("import sys; print(sys.argv)\n")
    (project / "deaf.sh").write_text("python opts.py\n")
    (project / "opts.sh").write_text('for word; do :; done; python opts.py "$@"\n')
    (project / "deep.py").write_text(f"x = {'-' * 100_000}1\n")

    assert call_xvc("run", "--json", "--", *words).data["params"] == params


def test_a_key_that_names_no_file_is_a_key(project: Path, call_xvc: Calling) -> None:
    """However long the text before its colon is."""
    key = "a" * 300 + ".yaml:lr"

    ran = call_xvc("run", "-P", f"{key}=1", "--json", "--", "python", "train.py", "{" + key + "}")

    assert ran.code == 0 or ran.json["error"]["code"] != "system-refused"
