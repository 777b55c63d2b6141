"""Params in a command: values of long options, ``--lr 0.1`` or ``--lr=0.1``.

Pure, and cautious: an option without a value, a short one, what stands behind ``--``, and what a
shell drops, are no params; nor are the options of pytest and of notebook kernels, which are about
the program around.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import takewhile

from xvc.core.late_pattern import late
from xvc.recording.shell_words import handed_on

_OPTION = late(r"--([A-Za-z][\w.-]*)(?:=(.*))?", re.DOTALL)
_KERNEL_FILE = late(r"(?:^|[/=])kernel-[^/]*\.json$")
_KERNEL_PROGRAM = late(r"\w*(?:ipy|colab_|xpy|spyder_)\w*kernel\w*(?:\.py)?|xpython(?:-raw)?")
_TEST_RUNNERS = ("pytest", "py.test", "pytest-3")
_NEGATIVE = late(r"-[0-9.]")
_NUMBER = late(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_DECLARED = late(r"(?:add_argument|option)\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
_ONE = r"-{1,2}[A-Za-z][\w.-]*"
_NAMED = late(rf"[\"']({_ONE}(?:\s*/\s*{_ONE})*)[\"']")
_LONG = late(r"--([A-Za-z][\w.-]*)")
_REPEATED = late(r"multiple\s*=\s*True|action\s*=\s*[\"'](?:append|extend)[\"']")
_FLAG = late(
    r"action\s*=\s*[\"'](?:store_(?:true|false|const)|append_const|count)[\"']"
    r"|BooleanOptionalAction|is_flag\s*=\s*True"
)
_LIST = late(r"nargs\s*=\s*(?:[\"'][+*][\"']|[2-9])")


@dataclass(frozen=True, slots=True)
class Declared:
    """What a script's text says of its options: which have no value, several, and one each.

    Those in ``repeated`` are given once for each of their values.
    """

    flags: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    single: frozenset[str] = frozenset()
    repeated: frozenset[str] = frozenset()


def declared_in(text: str) -> Declared:
    """Read the options that a script declares with argparse or click, by their names.

    >>> found = declared_in("add_argument('--fast', action='store_true'); add_argument('--lr')")
    >>> found.flags, found.single
    (frozenset({'fast'}), frozenset({'lr'}))
    """
    flags: set[str] = set()
    lists: set[str] = set()
    single: set[str] = set()
    repeated: set[str] = set()
    for call in _DECLARED.findall(text):
        said = _NAMED.findall(call)
        names = {name.replace("-", "_") for text in said for name in _LONG.findall(text)}
        is_flag = _FLAG.search(call) or any("/" in text for text in said)  # click: --amp/--no-amp
        kind = flags if is_flag else lists if _LIST.search(call) else single
        kind |= names
        repeated |= names if _REPEATED.search(call) else set()
    return Declared(frozenset(flags), frozenset(lists), frozenset(single), frozenset(repeated))


def option_values(command: Sequence[str], declared: Declared = Declared()) -> dict[str, str]:
    """Return the values of a command's long options, by their names; of one given twice, the last.

    Several numbers behind an option are all of it.

    >>> option_values(["python", "-u", "train.py", "--lr", "0.1", "--model=svm", "--fast"])
    {'lr': '0.1', 'model': 'svm'}
    >>> option_values(["t.py", "--sizes", "1", "2", "--data", "a", "b", "--no-log", "x"])
    {'sizes': '1 2', 'data': 'a'}
    """
    found: dict[str, str] = {}
    words = [] if is_kernel(command) or is_test_runner(command) else handed_on(command)[0]
    if "--" in words:
        words = words[: words.index("--")]
    for place, word in enumerate(words):
        option = _OPTION.fullmatch(word)
        if option is None:
            continue
        bare = [*takewhile(_is_value, words[place + 1 :])]
        value = _behind(option[1], bare, declared) if option[2] is None else option[2]
        if value is not None:
            is_next = _as_argument(option[1]) in declared.repeated and option[1] in found
            found[option[1]] = f"{found[option[1]]} {value}" if is_next else value
    return found


def _behind(option: str, bare: Sequence[str], declared: Declared) -> str | None:
    """Choose what belongs to an option of the bare words behind it."""
    name = _as_argument(option)
    if not bare or name in declared.flags or name.startswith("no_"):
        return None
    is_list = name in declared.lists or (
        name not in declared.single and all(_NUMBER.fullmatch(word) for word in bare)
    )
    return " ".join(bare) if is_list else bare[0]


def option_params(
    command: Sequence[str], known: Collection[str] = (), declared: Declared = Declared()
) -> dict[str, str]:
    """Return the values of a command's long options, by the names of the params that they are.

    As scripts name them, ``--max-steps`` is ``max_steps``; a param in *known* that differs by such
    dashes at most keeps its name.

    >>> option_params(["train.py", "--max-steps", "3"]), option_params(["--a-b=1"], ["a-b"])
    ({'max_steps': '3'}, {'a-b': '1'})
    """
    names = {_as_argument(name): name for name in known}
    return {
        key if key in known else names.get(_as_argument(key), _as_argument(key)): value
        for key, value in option_values(command, declared).items()
    }


def without_param_values(command: Sequence[str], params: Collection[str]) -> list[str]:
    """Return the words of a command without the values that it gives to *params*.

    >>> without_param_values(["t.py", "--lr", "0.1", "--max-n=3", "seed=1", "a"], ["lr", "max_n"])
    ['t.py', '--lr', '--max-n=', 'seed=1', 'a']
    """
    names = {_as_argument(name) for name in params}
    words: list[str] = []
    is_given = False
    for word in command:
        if is_given and _is_value(word):
            is_given = False
            continue
        key, sign, _ = word.partition("=")
        is_param = _as_argument(key.removeprefix("--")) in names
        is_given = is_param and not sign and key.startswith("--")
        words.append(key + sign if is_param else word)
    return words


def _as_argument(name: str) -> str:
    return name.replace("-", "_")


def is_kernel(command: Sequence[str]) -> bool:
    """Whether a command starts a notebook's kernel: its options are for the notebook's program.

    >>> is_kernel(["-", "--f=/run/kernel-v3ab.json", "--stdin=9003"]), is_kernel(["t.py", "--f=a"])
    (True, False)
    """
    return any(_KERNEL_FILE.search(word) for word in command) or any(
        _is_kernel_program(word) for word in command[:3]
    )


def is_test_runner(command: Sequence[str]) -> bool:
    """Whether a command runs tests: how many may fail is no param of what they train.

    >>> is_test_runner(["python", "-m", "pytest", "--maxfail", "3"]), is_test_runner(["t.py"])
    (True, False)
    """
    names = (word.removesuffix("/__main__.py").rpartition("/")[2] for word in command[:3])
    return any(name in _TEST_RUNNERS for name in names)


def _is_kernel_program(word: str) -> bool:
    """Whether a word is a kernel's program: a file, or a package that ``python -m`` runs."""
    folders, _, name = word.removesuffix("/__main__.py").rpartition("/")
    package = folders.rpartition("/")[2] if word.endswith("/__main__.py") else ""
    return any(_KERNEL_PROGRAM.fullmatch(each) for each in (name, package, word.partition(".")[0]))


def _is_value(word: str) -> bool:
    return not word.startswith("-") or _NEGATIVE.match(word) is not None
