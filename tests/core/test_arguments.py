"""The params in a command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.recording.command_params import declared_in, option_params, option_values


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (["python", "train.py", "--lr", "0.1"], {"lr": "0.1"}),
        (["python", "train.py", "--lr=0.1"], {"lr": "0.1"}),
        (["train", "--shift", "-0.5"], {"shift": "-0.5"}),
        (["train", "--empty="], {"empty": ""}),
        (["train", "--lr", "1", "--lr", "2"], {"lr": "2"}),
        (["train", "--fast", "--lr", "1"], {"lr": "1"}),
        (["train", "--last"], {}),
        (["train", "-x", "1", "0.1"], {}),
        (["train", "--", "--lr", "1"], {}),
        (["train", "--learning-rate", "1", "--a.b", "c"], {"learning-rate": "1", "a.b": "c"}),
        (["sh", "-c", "t.py", "x", "--lr", "1"], {}),
        (["bash", "-euo", "pipefail", "-c", 't.py "$@"', "x", "--lr", "1"], {"lr": "1"}),
        (["bash", "-c", 't.py "$@"', "--lr", "1", "--n", "2"], {"n": "2"}),
        (["timeout", "9", "/bin/sh", "-c", "t.py", "--lr", "1"], {}),
        (["bash", "train.sh", "--lr", "1"], {"lr": "1"}),
        ([], {}),
    ],
)
def test_values_of_long_options_are_params(command: list[str], found: dict[str, str]) -> None:
    """An option with a value is a param; a flag, a short one of no script, other words are none."""
    values = option_values(command)

    assert values == found


@pytest.mark.parametrize(
    ("option", "known", "key"),
    [
        ("--max-steps", (), "max_steps"),
        ("--max_steps", (), "max_steps"),
        ("--max-steps", ("max-steps",), "max-steps"),
        ("--max_steps", ("max-steps",), "max-steps"),
        ("--max-steps", ("max_steps", "lr"), "max_steps"),
        ("--opt.max-lr", (), "opt.max_lr"),
        ("--opt.max-lr", ("opt.max-lr",), "opt.max-lr"),
    ],
)
def test_an_option_and_its_argument_are_one_param(
    option: str, known: tuple[str, ...], key: str
) -> None:
    """Dashes make no other param, neither beside a script's own names nor beside a file's."""
    assert option_params(["train.py", option, "3"], known) == {key: "3"}


@given(st.lists(st.text()))
def test_any_command_can_be_read(command: list[str]) -> None:
    """Whatever is typed, reading it raises nothing and invents no value."""
    values = option_values(command)

    assert all(any(value in word for word in command) for value in values.values())


def test_options_of_pytest_are_no_params() -> None:
    """They are about the tests; those of a script that is called so are its own."""
    for words in (["pytest", "--maxfail", "3"], [".venv/bin/py.test", "--lr=3"]):
        assert option_values(words) == {}
    started = ["python", "-m", "pytest", "-k", "x", "--maxfail=3"]
    inside = ["/lib/python3.11/site-packages/pytest/__main__.py", "--maxfail", "3"]

    assert option_values(started) == option_values(inside) == {}
    assert option_values(["python", "pytest_like.py", "--lr", "3"]) == {"lr": "3"}


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("@click.option('--amp/--no-amp', default=False)", "--amp d.csv", {}),
        ("@click.option('-a/-A', '--amp / --plain')", "--amp d.csv", {}),
        ("option('--n', multiple=True, type=int)", "--n 1 --n 2", {"n": "1 2"}),
        ("add_argument('--n', action='append')", "--n=a --n b", {"n": "a b"}),
        ("add_argument('--n', nargs='+', action='extend')", "--n 1 2 --n 3", {"n": "1 2 3"}),
        ("add_argument('--n', type=int)", "--n 1 --n 2", {"n": "2"}),
        ("option('--lr', default=.1)", "--lr 0.2 d.csv", {"lr": "0.2"}),
        (
            "# add_argument('--lr', action='store_true')\nadd_argument('--lr')",
            "--lr 1",
            {"lr": "1"},
        ),
        ('"""add_argument("--n", nargs="+")"""\nadd_argument("--n")', "--n 1 d.csv", {"n": "1"}),
        ("add_argument('--on', help='no #', action='store_true')", "--on d.csv", {}),
        ("def main(p: str, on: bool = False): ...", "--on d.csv", {}),
        ("on: Annotated[bool, typer.Option('--go')]", "--go d.csv", {}),
        ("class A:\n  do_it: Optional[bool] = None", "--do-it d.csv", {}),
        ("class A:\n  fp16: bool = False", "--fp16 False", {"fp16": "False"}),
        ("make_option(c('-v', '--on'), action='store_true')", "--on d.csv --lr 1", {"lr": "1"}),
        (
            "p$add_argument('--lr')\np$add_argument('--on', action='store_true')",
            "--lr d",
            {"lr": "d"},
        ),
        ('"--lr"\n"--on"\naction = :store_true', "--on d.csv --lr 1", {"lr": "1"}),
        ("docopt: t.py [--on] [--lr=<x>] FILE", "--on d.csv --lr x", {"lr": "x"}),
    ],
)
def test_a_script_says_which_options_it_has(text: str, words: str, found: dict[str, str]) -> None:
    """A switch with its opposite takes no value; one that is given for each value has them all."""
    assert option_values(["t.py", *words.split()], declared_in(text)) == found


ARGPARSE = """
p = argparse.ArgumentParser()
p.add_argument("-l", "--learning-rate", "--lr", type=float)
p.add_argument("-b", "--batch-size", "--bs", dest="batch")
p.add_argument("-e", type=int)
p.add_argument("-v", action="count")
p.add_argument("--sizes", "-z", nargs="+")
p.add_argument("--sizeable", action="store_true")
"""
MANY = ARGPARSE + 'p.add_argument("-lr", "--rate")\n'
HIDDEN = """
self.p = argparse.ArgumentParser()
self.p.add_argument("--wd-scale")
"""
CLICK = "@click.option('--rate', '-r', 'lr'); @click.option('-n', '--n-steps', type=int)"


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        (ARGPARSE, "-l 0.2 -b4 -ve 7", {"learning_rate": "0.2", "batch": "4", "e": "7"}),
        (ARGPARSE, "-vv -l=-3", {"learning_rate": "-3"}),
        (ARGPARSE, "--learn 0.2 --bat=3", {"learning_rate": "0.2", "batch": "3"}),
        (ARGPARSE, "--lr 1 --learning-rate 2", {"learning_rate": "2"}),
        (ARGPARSE, "--size 3 4", {"size": "3 4"}),
        (ARGPARSE, "-z a b -q 5", {"sizes": "a b"}),
        (ARGPARSE, "-- -b 3", {}),
        (f"{ARGPARSE}add_others(p)", "--learn 0.2 -b 4", {"learn": "0.2", "batch": "4"}),
        (f"{ARGPARSE}p.allow_abbrev = False", "--learn 0.2", {"learn": "0.2"}),
        (MANY, "-lr 0.2 -l 3", {"rate": "0.2", "learning_rate": "3"}),
        (MANY, "-lr=0.2", {"rate": "0.2"}),
        (HIDDEN, "--wd 3", {"wd_scale": "3"}),
        (f"{HIDDEN}add_others(self.p)", "--wd 3", {"wd": "3"}),
        (f"{HIDDEN}for n in NAMES: self.p.add_argument(f'--{{n}}')", "--wd 3", {"wd": "3"}),
        (f"{HIDDEN}self.p.add_argument('--wd', type=lambda s: f(g(h(s))))", "--wd 3", {"wd": "3"}),
        (f"{HIDDEN}add = self.p.add_argument; add('--wd')", "--wd 3", {"wd": "3"}),
        ("p.add_argument('-b', dest='optim.batch')", "-b 3", {"optim.batch": "3"}),
        ("p.add_argument('--lr', action=Mine, nargs=0)", "--lr 3", {}),
        (CLICK, "fit -r 0.2 -n3", {"lr": "0.2", "n_steps": "3"}),
        (CLICK, "fit --rat 0.2 -n=3", {"rat": "0.2", "n_steps": "=3"}),
        (CLICK + ";option('-n', '--noise')", "fit -n 3", {}),
        ("", "-n 3", {}),
    ],
)
def test_a_script_says_which_param_an_option_is(
    text: str, words: str, found: dict[str, str]
) -> None:
    """Short ones, several ways to write one and, where argparse has them all, their beginnings."""
    command = ["nice", "-n", "5", "python", "t.py", *words.split()]

    assert option_params(command, (), declared_in(text)) == found


def test_a_param_that_is_known_by_another_spelling_keeps_its_name() -> None:
    """So a sweep of lr and a params file that says it mean what the script calls otherwise."""
    declared = declared_in(ARGPARSE)

    assert option_params(["t.py", "-l", "3"], ["lr"], declared) == {"lr": "3"}
