r"""Text of others where it is shown: on a terminal, in a spreadsheet. Nothing in it is obeyed.

Keys, values, notes, names, refs, paths, authors and the messages of other tools may hold anything.
Pure; what is stored stays as it is.
"""

from __future__ import annotations

from xvc.core.late_pattern import late

# Escapes and other controls, C1 ones too, and what turns the direction of writing or breaks lines.
_BIDI = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_UNSEEN = late(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}]")
_BEYOND_JSON = late(f"[\x7f-\x9f{_BIDI}]")  # JSON itself writes the others as escapes
_NUMBER = late(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?(?:inf|nan)")


def visible(text: str) -> str:
    r"""Write what a terminal would obey as an escape that it shows; tabs and line ends stay.

    >>> print(visible("a\x1b[31m\u202eb"))
    a\x1b[31m\u202eb
    """
    return _UNSEEN.sub(lambda sign: ascii(sign[0])[1:-1], text)


def visible_json(document: str) -> str:
    r"""Write the same JSON with nothing in it that a terminal would obey.

    >>> print(visible_json('"\x9b31m"'))
    "\u009b31m"
    """
    return _BEYOND_JSON.sub(lambda sign: f"\\u{ord(sign[0]):04x}", document)


def for_spreadsheet(cell: str) -> str:
    """Keep a cell of CSV from being a formula: one that begins like one gets an apostrophe.

    >>> for_spreadsheet("=HYPERLINK(1)"), for_spreadsheet("-1e-3"), for_spreadsheet("lr")
    ("'=HYPERLINK(1)", '-1e-3', 'lr')
    """
    begins_like_one = cell.lstrip(" ")[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "|")
    is_formula = bool(cell) and begins_like_one and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell
