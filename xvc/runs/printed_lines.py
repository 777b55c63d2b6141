"""Reads one printed line: what a logger puts before it, where it has got to, names and numbers.

Pure. Refuses to guess: a part of a line with anything else in it says nothing.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import lru_cache

from xvc.core.metric_names import direction_said
from xvc.core.name_words import word_table
from xvc.runs.printed_names import PROGRESS, Number, Printed, Said, is_beside, is_result

NUMBER = r"[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:nan|inf(?:inity)?))"
NAME = r"[^\W\d][\w'./@^-]*(?:[ ][^\W\d][\w'./@^-]*){0,3}"
_GROUPED = r"[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+)"
_COMMA = r"[+-]?(?:0,[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,}))(?:[eE][+-]?[0-9]+)?(?![.,][0-9])"
_UNIT = (
    r"[ ]?(?:%|[munµ]?s|secs?|min|h|hrs?|[a-zA-Z]+/(?:s|sec|second|step|it|iter)|dB|[KMG]i?B|pp|x)"
)
_SPREAD = r"(?:[ ]*(?:±|\+/-|\+-)[ ]*[0-9.eE+-]+%?|[ ]?\+[ ]?[0-9.]+(?:[eE][+-]?[0-9]+)?)"
_TAIL = rf"(?:{_SPREAD})?(?:[ ]*(?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\[\]]*\]))?"
_VALUE = re.compile(
    rf"(?:(?P<grouped>{_GROUPED})|(?P<comma>{_COMMA})|(?P<number>{NUMBER})(?:/(?P<whole>[0-9]+))?)"
    rf"(?P<unit>{_UNIT})?{_TAIL}(?=$|[ ,])"
)
_NAMED = re.compile(rf"(?P<name>{NAME})(?P<of>[ ]?\([^()=:]{{1,16}}\))?(?P<sign>[ ]?[:=][ ]?|[ ])")
_SIMPLE = re.compile(
    rf"({NAME})([ ]?[:=][ ]?|[ ])({NUMBER})(?:[ ](?=[^\W\d])(?!(?:{_UNIT})(?:$|[ ,]))|$)"
)
_ABOUT = re.compile(rf"({NAME})[ ]?:[ ](?=[^\W\d])")
_CLOCK = re.compile(r"(?:[0-9]+(?::[0-9]{2})+|[0-9]+:[0-9]{2}:[0-9]{2}\.[0-9]+|N/A)(?=$|[ ,])")
_WORD = re.compile(r"[A-Za-z][\w.-]*(?=$|[ ,])")
_APART = re.compile(r"[|;\t]|,(?=[ \t]|[^\W\d])[ \t]*|[ \t]+-+[ \t]+|[ \t]{2,}")
_APART_BY_TABS = re.compile(r"[|;\t]|,(?=[ \t]|[^\W\d])[ \t]*|[ \t]+-+[ \t]+")
_PROGRESS = re.compile(
    r"(?:(?:train|training|val|valid|validation|test|eval|current)[ ])?"
    rf"\[?({'|'.join(word for word in PROGRESS if word not in ('e', '#'))})"
    r"(?:\((\w+)\))?\]?[ ]*[:=#]?[ ]*\[?[ ]*([0-9]+)(?:\.0)?"
    r"(?:[ ]*/[ ]*[0-9]+|[ ]of[ ][0-9]+)?\]?"
    r"(?:[ ]?\[[ ]*([0-9]+)/[0-9]+(?:[ ]*\([0-9. ]+%\))?\])?"
    r"(?=$|[\s:,|)\]-])[ ]*[:,)\]]*[ ]*",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"([0-9]+)[ ]*/[ ]*[0-9]+[ ]+(?=[^\W\d])")  # of fairseq, behind the epoch
_WHEN = re.compile(  # "Best accuracy: 0.91 at epoch 17"
    rf"[ ,]+\(?(?:at|in|on|after|from)[ ](?P<what>{'|'.join(w for w in PROGRESS if len(w) > 1)})"
    r"[ ]?[:=#]?[ ]?(?P<number>[0-9]+)(?:[ ]?/[ ]?[0-9]+)?\)?[.!]?$",
    re.IGNORECASE,
)
_PROSE = re.compile(  # "Saving dict for global step 1000: accuracy = 0.95"
    rf"[^\W\d][\w./'-]*(?:[ ]+[\w./'-]+){{3,9}}:[ ]+(?={NAME}[ ]?=[ ]?{NUMBER})"
)
_PADDED = re.compile(rf"(?<=\))[ ]{{2,}}(?={NUMBER}(?:$|[ ,|]))")
_COCO = re.compile(
    r"Average (?:Precision|Recall)[ ]+\((A[PR])\)[ ]*@\[[ ]*IoU=([0-9.:]+)[ ]*\|[ ]*area=[ ]*(\w+)"
    rf"[ ]*\|[ ]*maxDets=[ ]*([0-9]+)[ ]*\][ ]*=[ ]*({NUMBER})"
)
_SCORED = re.compile(  # sacrebleu's and Kaldi's lines: the score, then what it is made of
    rf"(?:(BLEU)[ ]=[ ]({NUMBER})[ ][0-9.]+(?:/[0-9.]+){{3}}[ ]|%(WER|CER|SER)[ ]({NUMBER})[ ]\[).*"
)
_NUMBERED = re.compile(r"\[([0-9]+)\]\t(?=\S[^:=]*[:=])|([0-9]+):\t(?=learn|test)")
_BAR = re.compile(  # of tqdm: "train: 100%|███| 10/10 [00:01<00:00, 9.1it/s, loss=0.3]"
    r"(?:^|:[ \t]*|[ \t]+)[0-9]{1,3}%\|[^|]*\|[ \t]*[0-9.]+[a-zA-Z]?/[0-9.]+[a-zA-Z]?"
    r"(?:[ \t]*\[[0-9:]+<[^,\]]*,[^,\]]*(?:,[ \t]*(.*))?\])?$"
    r"|(?:^|:?[ \t]+)[0-9]+it[ ]\[[0-9:]+,[^,\]]*(?:,[ \t]*(.*))?\]$"
)
_KERAS = re.compile(r"([0-9]+)/([0-9]+)[ ](?:\[[=>. ]+\]|[━╸╺─ ]*[━╸╺─]|(?=-[ ]))")
_SENTENCE = re.compile(
    rf"(?:the[ \t]+)?([^\W\d][\w'./@ -]*?)(?:[ \t]+(?:is|was|are|were)[ \t]*:?|[ \t]*[:=])[ \t]*"
    rf"({NUMBER})[ \t]*(%)?[.!]?",
    re.IGNORECASE,
)
_OF = word_table("of on for over after at in with using by")
_NO_NAME = word_table("if when since because until while as and or but than that this line from to")
_ASIDE = re.compile(r"^(?:the|a|an)[ \t]+|[ \t]+(?:is|was|are|were)$", re.IGNORECASE)
_MOST_WORDS = 12
_BULLET = re.compile(r"(?:[*•✓✔·]|=+>|-+>|>+|-+(?=[ ])|\[[0-9]+(?:,[ ]*[0-9]+)+\])[ \t]*")
_RANK = re.compile(
    r"\[(?:default|rank)[: ]?([0-9]+)\]:?[ ]?|\[[0-9]+,([0-9]+)\]<std\w+>:[ ]?"
    r"|\([^()]*pid=[0-9]+[^()]*\)[ ]",
    re.IGNORECASE,
)
_STAMP = re.compile(
    r"\[?(?:[A-Z][ ])?(?:[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[T ]?"
    r"|[0-9]{1,2}[/.][0-9]{1,2}(?:[/.][0-9]{2,4})?[T ])?"
    r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
    r"(?:[ ][\w.]+(?=\]))?\]?[ ]*(?:[-|:,][ ]*)?"
)
_GLOG = re.compile(r"[IWEF][0-9]{4,8}[ ][0-9:.]+[ ]+[0-9]+[ ][\w.]+:[0-9]+\][ ]")
_LEVEL = r"(?:TRACE|DEBUG|INFO|NOTICE|SUCCESS|WARNING|WARN|ERROR|CRITICAL|FATAL)"
_LEVELLED = re.compile(
    rf"(?:[\[(][\w. <>:/-]+[\])][ ]?|[\w.<>]+(?::[\w.<>]+)*[ ]+[-|:][ ]+|[\w.<>]+:)?[ ]*"
    rf"(?:\[[ ]*(?i:{_LEVEL})[ ]*\]|{_LEVEL}(?=[ :\]|-])|(?i:info|warning|debug)(?=:))"
    r"(?::[\w.]+:(?=\S)"
    r"|[ ]*(?:[|-][ ]*)?(?:[\w.<>]+:[\w.<>]+:[0-9]+[ ]+-[ ]+|\[[\w.:<> ]+\][ ]*)?"
    r"(?:[:|-][ ]*)?(?:[\w.]+[ ]+-[ ]+)?)[ ]*"
)
_SAYS_LEVEL = re.compile(rf"{_LEVEL}|(?i:info|warning|debug):")
_HEAD = 120  # letters in which a level stands
_PLACE = re.compile(r"[ ]{2,}[\w.]+\.py:[0-9]+$")  # where Rich says that a line was logged
_WRAPPED = re.compile(rf"(?:np\.float[0-9]+|tensor|[Aa]rray)\([ ]*({NUMBER})(?:,[^()]*)?\)")
_NOT_FINITE = re.compile(r"(?<=[:\s\[,])(-?(?:nan|NaN|inf|Infinity))(?=[\s,}\]])")
_WHOLE = re.compile(r"[+-]?[0-9]+")


def without_prefix(text: str) -> str | None:
    """Take off what a logger puts before a line; None where another process than the first spoke.

    >>> without_prefix("2026-11-30 10:00:00,123 - train - INFO - epoch 3 loss=0.2")
    'epoch 3 loss=0.2'
    """
    if text[:1] not in "[(0123456789IWEF" and _SAYS_LEVEL.search(text, 0, _HEAD) is None:
        return text
    if (ranked := _RANK.match(text)) is not None:
        rank = next((number for number in ranked.groups() if number is not None), "0")
        if int(rank):
            return None
        text = text[ranked.end() :]
    rest = text
    for prefix in (_GLOG, _STAMP):
        if (found := prefix.match(rest)) is not None:
            rest = rest[found.end() :]
    if (found := _LEVELLED.match(rest)) is not None and found.end() < len(rest):
        rest = rest[found.end() :]
    elif rest is not text and (named := re.match(r"\[[\w. <>:/-]+\][ ]+(?:-[ ]+)?", rest)):
        rest = rest[named.end() :]
    return _PLACE.sub("", rest) if rest is not text else text


def of_line(text: str) -> tuple[Printed, list[Said], bool]:
    """Read where a line has got to and what it says, and whether only metrics have its shape."""
    if (bullet := _BULLET.match(text)) is not None:
        text = text[bullet.end() :]
    if (score := _by_itself(text)) is not None:
        return {}, score, True
    when = _WHEN.search(text)
    text = _PROSE.sub("", text[: when.start()] if when is not None else text, count=1)
    progress, rest, is_framed = progress_of(text)
    if (bar := _KERAS.match(rest)) is not None:
        if bar[1] != bar[2]:
            return {}, [], False  # the mean so far
        rest = rest[bar.end() :]
    values = _values_of(_without_bars(rest), progress)
    if not values and not progress and (sentence := _of_sentence(text)) is not None:
        values = [sentence]
    if when is not None and values:
        progress.setdefault(PROGRESS[when["what"].lower()], int(when["number"]))
    return progress, values, is_framed


def _without_bars(text: str) -> str:
    """Take away the bars of tqdm and what wraps a number: ``tensor(0.3)``."""
    if "%|" in text or "it [" in text:
        text = _BAR.sub(lambda found: f" | {found[1] or found[2] or ''}", text)
    return _PADDED.sub(" ", _WRAPPED.sub(r"\1", text)) if "(" in text else text


def _values_of(text: str, progress: Printed) -> list[Said]:
    """Read the parts of a line; those that say how far it is go to *progress*."""
    values, about = list[Said](), ""
    for piece in _parts(text):
        part = " ".join(piece.split()) if "  " in piece or "\t" in piece else piece.strip()
        if _PROGRESS.match(part) is not None:
            own, part, _ = progress_of(part)
            for key, count in own.items():
                progress.setdefault(key, count)
        elif progress and (counted := _COUNTED.match(part)) is not None:
            progress.setdefault("batch", int(counted[1]))
            part = part[counted.end() :]
        if part:
            about, said = _of_part(part, about)
            values += said
    return values


def _by_itself(text: str) -> list[Said] | None:
    """Read a line whose shape is one tool's alone; None for any other line."""
    if (coco := _COCO.fullmatch(text)) is not None:
        name = f"{coco[1]}@[IoU={coco[2]}|area={coco[3]}|maxDets={coco[4]}]"
        value = number(coco[5])
        return [] if value == -1 else [Said(name, value, is_sure=True)]  # -1: no such object
    if (score := _SCORED.fullmatch(text)) is not None:
        return [Said(score[1] or score[3], number(score[2] or score[4]), is_sure=True)]
    return None


def progress_of(text: str) -> tuple[Printed, str, bool]:
    """Take the number of an epoch or a step off the beginning of a line."""
    row: Printed = {}
    while (found := _PROGRESS.match(text)) is not None:
        row.setdefault(PROGRESS[found[1].lower()], int(found[3]))
        if found[4] is not None and "%" not in found[0]:
            row.setdefault("batch", int(found[4]))
        text = text[found.end() :].lstrip("|,- \t")
        if (counted := _COUNTED.match(text)) is not None:
            row.setdefault("batch", int(counted[1]))
            text = text[counted.end() :]
    if (numbered := _NUMBERED.match(text)) is not None:
        row["step"] = int(numbered[1] or numbered[2])
        return row, text[numbered.end() :], True
    return row, text, False


def _parts(text: str) -> Iterator[str]:
    """Split a line, but nothing in brackets: ``Namespace(lr=0.1, n=3)`` is one, ``{a: 1}`` too.

    Also what stands before a bracket that was opened on an earlier line.
    """
    apart = _APART_BY_TABS if "\t" in text or " | " in text else _APART
    if not any(letter in text for letter in "(){}["):
        yield from apart.split(text)
        return
    inside, depth = list[bool](), 0
    for letter in text:
        depth += letter in "({["
        inside.append(depth > 0)
        if letter in ")}" and depth == 0:
            inside = [True] * len(inside)
        depth -= letter in ")}]" and depth > 0
    at = 0
    for found in apart.finditer(text):
        if not inside[found.start()]:
            yield text[at : found.start()]
            at = found.end()
    yield text[at:]


def _of_part(part: str, about: str) -> tuple[str, list[Said]]:
    """Read a part that says names and numbers, and nothing else: ``val: loss=0.1 acc=0.9``."""
    values, at = list[Said](), 0
    if ": " in part and (told := _ABOUT.match(part)) and _NAMED.match(part, told.end()):
        about, at = told[1], told.end()
    while at < len(part):
        if (simple := _SIMPLE.match(part, at)) is not None:
            name, _ = _name_of(simple[1], is_said=simple[2] != " ")
            if not name:
                return about, []
            key = f"{about}/{name}" if about else name
            values.append(Said(key, number(simple[3]), "", simple[2] != " "))
            at = simple.end()
            continue
        named = _NAMED.match(part, at)
        if named is None:
            return about, []
        end = named.end()
        is_said = named["sign"] != " "
        if (value := _VALUE.match(part, end)) is not None:
            said = _said(named["name"] + (named["of"] or ""), value, about, is_said=is_said)
            if said is None:
                return about, []
            values.append(said)
        elif is_said and (value := _CLOCK.match(part, end) or _word(named["sign"], part, end)):
            pass
        else:
            return about, []
        at = value.end()
        at += len(part[at:]) - len(part[at:].lstrip(" ,"))
    return about, values


def _word(sign: str, part: str, at: int) -> re.Match[str] | None:
    return _WORD.match(part, at) if sign == "=" else None  # "device=cuda"


@lru_cache(maxsize=4096)
def _name_of(name: str, *, is_said: bool) -> tuple[str, bool]:
    """Return the name without its article, and whether it is a result's; "" for prose."""
    name = _ASIDE.sub("", name) or name
    low = name.lower().split()
    if any(word in _NO_NAME for word in low) or (not is_said and low[-1] in _OF):
        return "", False  # "accuracy on 10000 images: 93": the number belongs to what follows
    is_known = is_result(name)
    if not is_said and not (is_known and len(name.split()) <= 3) and not is_beside(name):
        return "", False
    return name, is_known


def _said(name: str, value: re.Match[str], about: str, *, is_said: bool) -> Said | None:
    name, is_known = _name_of(name, is_said=is_said)
    if not name:
        return None
    number, unit = _number_of(value), (value["unit"] or "").strip()
    if value["whole"] is not None:
        if not int(value["whole"]) or direction_said(name) != "max" or unit:
            return None
        number = number / int(value["whole"])
    if value["comma"] is not None and not is_known:
        return None
    return Said(f"{about}/{name}" if about else name, number, unit, is_said)


def _number_of(value: re.Match[str]) -> Number:
    if (comma := value["comma"]) is not None:
        return float(comma.replace(",", "."))
    if (grouped := value["grouped"]) is not None:
        marks = "," if grouped.rfind(".") > grouped.rfind(",") else "."
        return float(grouped.replace(marks, "").replace(",", "."))
    return number(value["number"])


def _of_sentence(text: str) -> Said | None:
    """Read what people write of one score: ``The RMSE of prediction is: 0.445``.

    Its name is a metric's, with what it is of; any other sentence says nothing.
    """
    found = _SENTENCE.fullmatch(text.replace("class: ", "class ", 1))
    if found is None:
        return None
    words = found[1].split()
    low = [word.lower() for word in words]
    head = words[: next((at for at, word in enumerate(low) if word in _OF), len(words))]
    names = {" ".join(head[-2:]), *head[-1:]}
    is_score = any(direction_said(name) is not None for name in names)
    if not is_score or len(words) > _MOST_WORDS or any(word in _NO_NAME for word in low):
        return None
    return Said(" ".join(words), number(found[2]), found[3] or "", is_sure=True)


def of_dict(text: str) -> list[Said]:
    """Read a dict as Python or JSON write it; numbers may be in quotes, dicts in dicts."""
    if "(" in text:
        text = _WRAPPED.sub(r"\1", text)
    try:  # Python's own quotes are JSON's where there are no others, and JSON is read at once
        found = json.loads(text if '"' in text else text.replace("'", '"'))
    except (ValueError, RecursionError):
        found = _of_python(text)
    return list(_numbers(found)) if isinstance(found, dict) else []


def _of_python(text: str) -> object:
    try:
        return ast.literal_eval(_NOT_FINITE.sub(r"'\1'", text))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _numbers(found: dict[object, object], before: str = "") -> Iterator[Said]:
    for key, value in found.items():
        name = f"{before}{key}"
        if isinstance(value, dict):
            yield from _numbers(value, f"{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield Said(name, value)
        elif isinstance(value, str) and re.fullmatch(NUMBER, value.strip()):
            yield Said(name, number(value.strip()))


def number(text: str) -> Number:
    """Return a number as it was written: whole ones as integers."""
    return int(text) if _WHOLE.fullmatch(text) else float(text)
