"""Secrets by what they look like: tokens of a known shape, private keys, passwords beside a name.

The shapes are the rules of gitleaks (`scripts/secret_rules.py` brings them up to date) and those of
`own_secret_rules.json`: services, headers and command lines that these lack. A name beside a value
that looks drawn by chance, keys in PEM and URLs with a password are xvc's own.
Pure; measured on the sources of big projects, so that code is seldom taken for a secret.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import cast

from xvc.core import name_words, secret_names
from xvc.core.late_pattern import late
from xvc.core.name_words import camel_words, word_table
from xvc.core.secret_names import is_secret_name

_LONGEST = 1_000_000  # characters that are looked at: 0.2 s; what a person writes is shorter
_SHORTEST = 12  # no rule knows a shorter secret
_BEFORE, _AFTER = 80, 400  # what is looked at around the word that a rule goes by

_LETTER = late("[A-DF-Za-df-z]")  # every word that a rule goes by has one; numbers have `e`
_PEM = late(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,20}-----"
    r"(?:[\s\"',+>#*|-]|\\n|\\r)*[A-Za-z0-9+/=]{40,}|-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY"
    r"[A-Z ]{0,20}-----\s+(?:Proc-Type|Version|Comment):"
)
_PUTTY = late(r"PuTTY-User-Key-File-\d:[\s\S]{0,2000}?Private-Lines: \d+\s+[A-Za-z0-9+/]{40}")
_URL = late(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/@:\"'<>{}$]{0,80}:([^\s/@\"'<>{}$()]{6,200})@")
_QUOTED = (  # with strokes before the quotes where the text is itself in a text, as in notebooks
    r"(?:[bru]{0,2}\\{0,3}\"([^\"\\\n]{8,300})\\{0,3}\"|[bru]{0,2}'([^'\\\n]{8,300})')"
)
_NAMED = late(
    r"(?<![\w.-])([\w.-]{2,80})\\{0,3}[\"']?\]?[ \t]*"
    r"(?:(?::[ \t]*\w[\w.|\[\] ]{1,40})?(?::=|=>|[=:](?![=:])))[ \t]*"
    rf"(?:{_QUOTED}|([^\s\"',;&)}}\]\\]{{8,300}}))"
)
_CALLED = late(rf"[\"'](-{{0,2}}[A-Za-z][\w.-]{{1,80}})[\"'],[ \t]*(?:default=)?{_QUOTED}")
_LISTED = late(  # `name: API_KEY`, and its value behind it or on the next line
    r"\b(?:name|key|id)[\"']?[ \t]*[:=][ \t]*[\"']?([\w.-]{2,80})[\"']?,?\s{0,40}"
    rf"[\"']?value[\"']?[ \t]*[:=][ \t]*(?:{_QUOTED}|([^\s\"',;&)}}\]]{{8,300}}))"
)
_SET = late(r"^[ \t]*(?:ENV|ARG)[ \t]+(\w{2,80})[ \t]+([^\s\"'=]{8,300})", re.MULTILINE)
_PAIRS = 8  # pairs that are looked for in the value of another: bounds the time of a long line
_BEHIND = 200  # signs behind a line in which a value may stand that a name tells of
_TAG = late(r"<([\w.-]{2,80})>([^<>\s]{8,300})</\1>")
HINTS = ("pass", "secret", "token", "key", "pwd", "cred")
"""What every name that tells of a secret has in it."""

_WORDS = late(  # what stands where a secret would
    r"example|sample|dummy|fake|mock|placeholder|change.?me|replace|redacted|insert|enter|your"
    r"|secret|password|passwd|passw0rd|token|xxxx|\*\*\*|\.\.\.|12345678|abcdef|<|\{\{|\$[({A-Z_a-z]|%\(|%s",
    re.IGNORECASE,
)
_CODE = late(
    r"[A-Za-z_]\w*(?:[.:\\-][A-Za-z_]\w*)+|[a-z0-9_-]*[./][a-z0-9_./-]*|[\w.]*[(\[{].*|/.*|\./.*|~/.*"
    r"|[\d.,:-]+(?:T[\d:.]+)?Z?"
)
_OF_A_CALL = word_table(  # a token beside such a word says which call it is, or where to go on
    "action change continuation cursor idempotency next page pagination previous request resume"
)
_PLAIN_URL = late(r"https?:|s3:|gs:|file:|urn:|data:")


@dataclass(frozen=True, slots=True, order=True)
class SecretMatch:
    """Where a secret stands in a text, and which rule says so."""

    start: int
    end: int
    rule: str


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    pattern: str
    entropy: float
    is_any_case: bool
    beginnings: tuple[str, ...]
    keywords: tuple[str, ...]

    def span(self, text: str, at: int) -> tuple[int, int] | None:
        """Where the secret stands for which the word at *at* speaks."""
        if self.beginnings:
            found = _compiled(self.pattern).match(text, at)
        else:
            found = _compiled(self.pattern).search(text, max(0, at - _BEFORE), at + _AFTER)
        if found is None:
            return None
        return found.span(1) if found.re.groups and found[1] else found.span()


def tokens(text: str) -> list[SecretMatch]:
    """Find what is a secret by its own shape, or by the service that is named beside it.

    >>> [found.rule for found in tokens("key = 'ghp_" + "x7KdQm2z9" * 4 + "'")]
    ['github-pat']
    """
    if len(text) < _SHORTEST:
        return []
    exact, small = _by_word()
    found = {
        SecretMatch(*span, rule.name)
        for held, words in ((text, exact), (_lower(text), small))
        for word, rules in words.items()
        if word in held
        for at in _places(held, word)
        for rule in rules
        if (span := rule.span(text, at)) and _is_as_drawn(text[slice(*span)], rule.entropy)
    }
    return sorted(found)


def _is_as_drawn(secret: str, least: float) -> bool:
    return entropy(secret) >= least and not _is_stand_in(secret)


def secrets_in(text: str) -> list[SecretMatch]:
    """Find the secrets of a file's text: tokens, private keys, passwords in URLs and beside names.

    >>> secrets_in("password = os.environ['DB_PASSWORD']")
    []
    >>> [found.rule for found in secrets_in("db_password: 'kX9#vQ2!mT7z'")]
    ['named-secret']
    """
    text = text[:_LONGEST]
    if _LETTER.search(text) is None:
        return []  # a table of numbers
    found = tokens(text)
    for rule, pattern in (("private-key", _PEM), ("private-key", _PUTTY)):
        found += [SecretMatch(*each.span(), rule) for each in pattern.finditer(text)]
    for each in _URL.finditer(text) if "@" in text else ():
        if _is_drawn(each[1]) or _is_of_a_server(each[1], text[each.end() : each.end() + 9]):
            found.append(SecretMatch(*each.span(1), "password-in-url"))
    found += named(text)
    return sorted(found)


def telling_lines(text: str, words: Iterable[str] = HINTS) -> list[tuple[int, int]]:
    """List where the lines are that have one of these words, in small letters, in them."""
    lower = _lower(text)
    begins = {text.rfind("\n", 0, at) + 1 for word in words for at in _places(lower, word)}
    ends = ((begin, text.find("\n", begin)) for begin in sorted(begins))
    return [(begin, len(text) if end < 0 else end) for begin, end in ends]


def named(text: str) -> list[SecretMatch]:
    """Find what looks drawn by chance and stands beside a name that tells of a secret.

    >>> [found.rule for found in named("os.environ.setdefault('API_KEY', 'kX9vQ2mT7zpL4wRb')")]
    ['named-secret']
    """
    lines = telling_lines(text)
    return sorted({found for begin, end in lines for found in _named(text, begin, end)})


def _named(text: str, begin: int, end: int) -> Iterator[SecretMatch]:
    for pattern in (_NAMED, _TAG, _CALLED, _LISTED, _SET):
        last = end + _BEHIND if pattern is _LISTED else end
        at, inner = begin, 0
        while at < end and (each := pattern.search(text, at, last)):
            value = each.span(each.lastindex or 0)
            is_told = is_secret_name(each[1]) and not _is_of_a_call(each[1])
            if is_told and _is_drawn(text[value[0] : value[1]]):
                yield SecretMatch(*value, "named-secret")
            inner = (inner + 1) % _PAIRS if not is_told else 0
            at = value[0] if inner else value[1]  # a pair may stand in the value of another


def _is_of_a_call(name: str) -> bool:
    """Whether a name is one of a token that a server gave a call, or a caller its request."""
    before, last = ["", *camel_words(name)][-2:]
    return last == "token" and before in _OF_A_CALL


def _lower(text: str) -> str:
    """Write letters small, and keep the place of each."""
    try:
        return text.encode("latin-1").lower().decode("latin-1")  # of bytes, ASCII letters only
    except UnicodeEncodeError:
        return text.translate(_SMALL)  # a hundred times slower


def _is_drawn(value: str) -> bool:
    """Whether a value looks drawn by chance, and not written to be read."""
    if _WORDS.search(value) or _CODE.fullmatch(value) or _PLAIN_URL.match(value) or " " in value:
        return False
    signs = (str.islower, str.isupper, str.isdigit, lambda sign: not sign.isalnum())
    kinds = sum(any(is_kind(sign) for sign in value) for is_kind in signs)
    bits = entropy(value)
    if len(value) >= 16 and kinds >= 2 and any(sign.isdigit() for sign in value):
        return bits >= 3.0
    return kinds >= 3 and any(sign.isdigit() for sign in value) and bits >= 2.75


def _is_of_a_server(password: str, host: str) -> bool:
    """Whether a password that a person may have chosen opens what is not on this machine."""
    is_mixed = any(map(str.isdigit, password)) and any(map(str.isalpha, password))
    is_chosen = len(password) >= 8 and is_mixed and entropy(password) >= 2.5
    is_local = host.startswith(("localhost", "127.0.0.", "example", "[::1]"))
    return is_chosen and not is_local and _WORDS.search(password) is None


def _is_stand_in(value: str) -> bool:
    small = value.lower()
    return "example" in small or "xxxxx" in small or len(set(value)) < 6


def entropy(text: str) -> float:
    """Return the bits that each sign of a text carries.

    >>> entropy("aaaa"), entropy("abcd")
    (0.0, 2.0)
    """
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts) + 0.0 if text else 0.0


_SMALL = {ord(big): big.lower() for big in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_RULES = Path(__file__).with_name("secret_rules.json")
_OWN_RULES = Path(__file__).with_name("own_secret_rules.json")


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


@cache
def rules_digest() -> bytes:
    """Name what is looked for, in 64 bytes, by the text of the rules and of what applies them."""
    files = (__file__, secret_names.__file__, name_words.__file__, _RULES, _OWN_RULES)
    return blake2b(b"".join(Path(file).read_bytes() for file in files)).digest()


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@cache
def _by_word() -> tuple[dict[str, list[_Rule]], dict[str, list[_Rule]]]:
    """Map the words that rules go by to those rules: words as they stand, and words in any case."""
    exact: dict[str, list[_Rule]] = {}
    small: dict[str, list[_Rule]] = {}
    for rule in _rules():
        words = exact if rule.beginnings and not rule.is_any_case else small
        for word in rule.beginnings or rule.keywords:
            words.setdefault(word, []).append(rule)
    return exact, small


@cache
def _rules() -> tuple[_Rule, ...]:
    files = [json.loads(place.read_bytes())["rules"] for place in (_RULES, _OWN_RULES)]
    listed = cast("list[dict[str, object]]", [rule for rules in files for rule in rules])
    return tuple(
        _Rule(
            name=str(each["id"]),
            pattern=str(each["pattern"]),
            entropy=float(cast("float", each["entropy"])),
            is_any_case=bool(each["any_case"]),
            beginnings=tuple(cast("list[str]", each["beginnings"])),
            keywords=tuple(cast("list[str]", each["keywords"])),
        )
        for each in listed
    )
