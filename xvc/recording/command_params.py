"""Params in a command: values of options, ``--lr 0.1`` or ``--lr=0.1``.

Pure, and cautious: an option without a value, what stands behind ``--``, and what a shell drops,
are no params; nor are the options of pytest and of notebook kernels, which are about the program
around. Which param a short option (``-b 4``), another way to write one and the beginning of a long
one (``--learn``) are, the script's text says; without it, short ones are none, the others as typed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from xvc.core.code_files import is_source
from xvc.core.command_places import not_filled_in_run
from xvc.core.late_pattern import late
from xvc.core.name_words import word_table
from xvc.core.seed_names import is_seed
from xvc.recording.shell_words import handed_on

_OPTION = late(r"--([A-Za-z][\w.-]*)(?:=(.*))?", re.DOTALL)
_KERNEL_FILE = late(r"(?:^|[/=])kernel-[^/]*\.json$")
_KERNEL_PROGRAM = late(r"\w*(?:ipy|colab_|xpy|spyder_)\w*kernel\w*(?:\.py)?|xpython(?:-raw)?")
_TEST_RUNNERS = ("pytest", "py.test", "pytest-3")
_NEGATIVE = late(r"-[0-9.]")
_NUMBER = late(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_DECLARED = late(r"(?:add_argument|option)\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
_NO_CODE = late(
    r"(\"(?!\"\")(?:\\.|[^\"\\\n])*\"|'(?!'')(?:\\.|[^'\\\n])*')"
    r"|\"\"\".*?\"\"\"|'''.*?'''|#[^\n]*",
    re.DOTALL,
)
_BOOL = late(r"\b(\w+)\s*:\s*(?:(?:\w+\.)?(?:Annotated|Optional)\[\s*)*bool\b")
_BOOL_OPTION = late(r"\bbool\b[^\n]*?\bOption\(([^()]*)\)")
_STORED = late(
    r"[\"']--([\w.-]+)[\"'](?:(?![\"']-|add_argument|option\().)*?"
    r"action\s*=\s*[:\"']store_(?:true|false)",
    re.DOTALL,
)
_LONG = late(r"--([A-Za-z][\w.-]*)")
_VALUED = late(r"--([A-Za-z][\w.-]*)[= ](?:<|[A-Z]{2})")
_TRUTHS = word_table("true false yes no on off 1 0 t f y n")
_SPELLED = late(r"\s*[\"']([^\"']*)[\"']\s*(?:,|$)")
_DEST = late(r"\bdest\s*=\s*[\"']([\w.]+)[\"']")
_REPEATED = late(r"multiple\s*=\s*True|action\s*=\s*[\"'](?:append|extend)[\"']")
_FLAG = late(
    r"action\s*=\s*[\"'](?:store_(?:true|false|const)|append_const|count|help|version)[\"']"
    r"|BooleanOptionalAction|is_flag\s*=\s*True|\bcount\s*=\s*True|nargs\s*=\s*0"
)
_LIST = late(r"nargs\s*=\s*(?:[\"'][+*][\"']|[2-9])")
_PARSER = late(r"(\w+)\s*=\s*(?:argparse\s*\.\s*)?ArgumentParser\(")
_CALLS = late(r"\badd_argument\b")
_ELSEWHERE = late(
    r"\ballow_abbrev\b|\bparents\s*=|\badd_arguments\(|\(\s*(?:\w+\.)?ArgumentParser\)"
)


@dataclass(frozen=True, slots=True)
class Declared:
    """What a script's text says of its options: which have no value, several, and one each.

    Those in ``repeated`` are given once for each of their values; behind ``switches``, which are
    declared in other ways than argparse's, only true and false are values. ``names`` maps each way
    to write an option, a short one with its dash, to the name by which the script has it. With
    ``abbreviates`` these are all options there are, and the beginning of a long one is enough;
    with ``by_argparse`` a sign may stand between a short one and its value.
    """

    flags: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    single: frozenset[str] = frozenset()
    repeated: frozenset[str] = frozenset()
    switches: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    abbreviates: bool = False
    by_argparse: bool = False

    def spelled(self, typed: str) -> str:
        """Return the declared spelling of a long option, of which the beginning may be typed."""
        name = _as_argument(typed)
        if name in self.names or not self.abbreviates:
            return name
        longer = [each for each in self.names if each.startswith(name)]
        return longer[0] if len({self.names[each] for each in longer}) == 1 else name


def declared_in(text: str) -> Declared:
    """Read the options that a script declares with argparse or click, by their names.

    >>> found = declared_in("add_argument('--fast', action='store_true'); add_argument('--lr')")
    >>> found.flags, found.single
    (frozenset({'fast'}), frozenset({'lr'}))
    >>> declared_in("add_argument('-b', '--batch-size'); option('--lr', '-l', 'rate')").names
    {'-b': 'batch_size', 'batch_size': 'batch_size', 'lr': 'rate', '-l': 'rate'}
    """
    switches = _switches(text)
    text = _without_comments(text)
    kinds: dict[str, set[str]] = {"flags": set(), "lists": set(), "single": set()}
    repeated: set[str] = set()
    names: dict[str, str] = {}
    disputed: set[str] = set()
    calls = [(call, _spellings(call)) for call in _DECLARED.findall(text)]
    for call, said in calls:
        options = [word for words in said for word in words if word.startswith("-")]
        spelled = [_as_argument(word[2:]) if word[:2] == "--" else word for word in options]
        is_flag = _FLAG.search(call) or any(len(words) > 1 for words in said)  # --amp/--no-amp
        kind = "flags" if is_flag else "lists" if _LIST.search(call) else "single"
        kinds[kind] |= {*spelled}
        repeated |= {*spelled} if _REPEATED.search(call) else set()
        name = _declared_name(call, said, spelled)
        disputed |= {each for each in spelled if names.get(each, name) != name}
        names |= dict.fromkeys(spelled, name)
    sure = {each: name for each, name in names.items() if each not in disputed}
    return Declared(
        **{kind: frozenset(found) for kind, found in kinds.items()},
        repeated=frozenset(repeated),
        switches=frozenset(switches),
        names=sure,
        abbreviates=not disputed and _has_all_options(text, sum(bool(said) for _, said in calls)),
        by_argparse="ArgumentParser" in text,
    )


def _without_comments(text: str) -> str:
    """Leave out comments, and texts of several lines: what is declared there, is not."""
    return _NO_CODE.sub(lambda found: found[1] or "", text)


def _switches(text: str) -> set[str]:
    """Name the switches of typer, dataclasses and docopt, and of parsers in R and Julia."""
    code = _without_comments(text)
    found = {*_BOOL.findall(code), *_STORED.findall(code)}
    found |= {name for said in _BOOL_OPTION.findall(code) for name in _LONG.findall(said)}
    if "docopt" in text:
        found |= {*_LONG.findall(text)} - {*_VALUED.findall(text)}
    return {*map(_as_argument, found)}


def _spellings(call: str) -> list[list[str]]:
    """List the texts with which a call begins: each the ways to write it, a switch's apart."""
    found, at = list[list[str]](), 0
    while (text := _SPELLED.match(call, at)) is not None:
        found.append([part.strip() for part in text[1].split("/")])
        at = text.end()
    return found


def _declared_name(call: str, said: Sequence[Sequence[str]], spelled: Sequence[str]) -> str:
    """Name an option as its script does: as it says, else by the first long way to write it."""
    named = _DEST.search(call)
    if named is not None:
        return named[1]
    own = [word for (word, *_) in said if word.isidentifier()]
    return [*own, *(each for each in spelled if each[0] != "-"), *(s[1:] for s in spelled), ""][0]


def _has_all_options(text: str, count: int) -> bool:
    """Whether a script's text has all options of its one parser, which takes their beginnings.

    Not where it adds more than the *count* that was read: in a loop, or by a call too deep.
    """
    parsers = {*_PARSER.findall(text)}
    if len(parsers) != 1 or _ELSEWHERE.search(text) or text.count("ArgumentParser(") != 1:
        return False
    (parser,) = parsers
    is_given = re.search(rf"[(,=]\s*(?:\w+\.)*{parser}\s*[,)\n]", text) is not None
    return not is_given and len(_CALLS.findall(text)) == count


@dataclass(frozen=True, slots=True)
class _Given:
    """An option of a command: its name, its value, and the word of it, that begins with ``head``.

    ``is_plain``: a long option, written out.
    """

    name: str
    value: str
    at: int
    head: str
    is_plain: bool


def option_values(command: Sequence[str], declared: Declared = Declared()) -> dict[str, str]:
    """Return the values of a command's options, by their names; of one given twice, the last.

    Several numbers behind an option are all of it. Short options and beginnings of long ones are
    among them where a script declares them.

    >>> option_values(["python", "-u", "train.py", "--lr", "0.1", "--model=svm", "--fast"])
    {'lr': '0.1', 'model': 'svm'}
    >>> option_values(["t.py", "--sizes", "1", "2", "--data", "a", "b", "--no-log", "x"])
    {'sizes': '1 2', 'data': 'a'}
    >>> option_values(["nice", "-n", "5", "t.py", "-n3"], declared_in("add_argument('-n')"))
    {'n': '3'}
    """
    found: dict[str, str] = {}
    for each in _given(command, declared):
        is_next = each.name in found and any(
            name == each.name and spelled in declared.repeated
            for spelled, name in declared.names.items()
        )
        found[each.name] = f"{found[each.name]} {each.value}" if is_next else each.value
    return found


def _given(command: Sequence[str], declared: Declared) -> Iterator[_Given]:
    words = [] if is_kernel(command) or is_test_runner(command) else handed_on(command)[0]
    if "--" in words:
        words = words[: words.index("--")]
    begins = _behind_script(words)
    for place, word in enumerate(words):
        bare = [*takewhile(_is_value, words[place + 1 :])]
        option = _OPTION.fullmatch(word)
        if option is None:
            if place >= begins and _NEGATIVE.match(word) is None:
                yield from _short(word, place, bare, declared)
            continue
        exact = _as_argument(option[1])
        spelled = declared.spelled(option[1]) if place >= begins else exact
        value = _behind(spelled, bare, declared) if option[2] is None else option[2]
        if value is None or (option[2] is None and spelled in declared.flags):
            continue
        is_switch = option[2] is None and spelled in declared.switches
        if is_switch and value.lower() not in _TRUTHS:  # a word of its own
            continue
        name = declared.names.get(spelled, "") if place >= begins else ""
        is_same = not name or name == exact
        at, head = (place + 1, "") if option[2] is None else (place, f"--{option[1]}=")
        yield _Given(option[1] if is_same else name, value, at, head, spelled == exact)


def _short(word: str, place: int, bare: Sequence[str], declared: Declared) -> Iterator[_Given]:
    """Read a word of short options that are declared: switches, then one with a value.

    One may have several letters, as ``-lr``.
    """
    whole = word.partition("=")[0]
    head, rest = word[:1], word[1:]
    letters = whole[1:] if whole in declared.names else rest[:1]
    while head[:1] == "-" and letters.isascii() and letters[:1].isalpha():
        key, head, rest = f"-{letters}", head + letters, rest[len(letters) :]
        if key in declared.flags:
            letters = rest[:1]
            continue
        if key in declared.names:
            if declared.by_argparse and rest.startswith("="):
                head, rest = f"{head}=", rest[1:]
            value = rest or _behind(key, bare, declared)
            at, head = (place, head) if rest else (place + 1, "")
            if value is not None:
                yield _Given(declared.names[key], value, at, head, is_plain=False)
        return


def _behind_script(words: Sequence[str]) -> int:
    """Find where the words for a script begin: what stands before it is for what starts it."""
    scripts = [place for place, word in enumerate(words) if is_source(word)]
    modules = [place + 1 for place, word in enumerate(words) if word == "-m"]
    return [*scripts, *modules, len(words)][0] + 1


def with_seeds_marked(
    command: Sequence[str], declared: Declared, texts: Mapping[str, str]
) -> tuple[str, ...] | None:
    """Put ``{seed}`` in the place of seeds that only the script knows to be one: ``-s 1``.

    None where there is none, or where *texts*, those of the params, would not give the same words.

    >>> with_seeds_marked(["t.py", "-s", "1"], declared_in("option('-s', '--seed')"), {"seed": "1"})
    ('t.py', '-s', '{seed}')
    """
    words = list(command)
    handed = handed_on(command)[0]
    if handed != words[: len(handed)]:
        return None
    marked: list[str] = []
    for each in _given(command, declared):
        if each.is_plain and is_seed(each.name):
            return None  # known by its own name
        if not each.is_plain and is_seed(each.name) and texts.get(each.name) == each.value:
            words[each.at] = f"{each.head}\0{each.name}\0"
            marked.append(each.name)
    if len(marked) != 1:
        return None
    (name,) = marked
    return tuple(
        word.replace(f"\0{name}\0", f"{{{name}}}") for word in not_filled_in_run(words, marked)
    )


def _behind(option: str, bare: Sequence[str], declared: Declared) -> str | None:
    """Choose what belongs to an option of the bare words behind it."""
    name = option
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
    others = {name: names[spelled] for spelled, name in declared.names.items() if spelled in names}
    return {
        key if key in known else names.get(_as_argument(key), others.get(key, _as_argument(key))): (
            value
        )
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
