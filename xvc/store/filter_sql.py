"""A filter as SQL: what `xvc.core.filter.evaluate` means, asked of rows instead of runs.

Every comparison is true or false, never NULL, so that ``not`` is what it says. In a row there is
no telling a None that was logged from a key that was not: both are null, and neither is present.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xvc.core.expression import And, Compare, Expression, Not, Operator, Or, Present
from xvc.store.schema import literal, quoted
from xvc.types import Primitive

_SIGNS = {Operator.EQUAL: "=", Operator.DIFFERENT: "<>"}
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "U")
_BROKEN = ("DOUBLE", "FLOAT", "DECIMAL")
_NUMBER = "'^(U?INT[0-9]+|DOUBLE|FLOAT|DECIMAL)'"  # what variant_typeof calls numbers
_LARGEST = (1 << 127) - 1


@dataclass(frozen=True, slots=True)
class Field:
    """One column as people call it: by its logged key, or by its own name when it has none.

    ``path`` leads to a number in the dicts of a column, as a JSON pointer.
    """

    label: str
    column: str
    type: str
    path: str | None = None

    @property
    def sql(self) -> str:
        """The column, quoted, or what its path leads to."""
        if self.path is None:
            return quoted(self.column)
        return f"TRY_CAST({quoted(self.column)} ->> {literal(self.path)} AS DOUBLE)"

    @property
    def is_number(self) -> bool:
        """Whether all of its values are numbers."""
        return self.type.startswith((*_WHOLE, *_BROKEN)) and self.type != "UUID"

    @property
    def is_mixed(self) -> bool:
        """Whether each of its values has a type of its own."""
        return self.type == "VARIANT"

    @property
    def is_time(self) -> bool:
        """Whether its values are points of time."""
        return self.type.startswith("TIMESTAMP") or self.type == "DATE"

    @property
    def number(self) -> str | None:
        """The expression for its numbers, NULL where a value is none; None when it has none."""
        if self.is_number:
            return f"{self.sql}::DOUBLE"
        if self.is_mixed:
            is_number = f"regexp_matches(variant_typeof({self.sql}), {_NUMBER})"
            return f"CASE WHEN {is_number} THEN TRY_CAST({self.sql} AS DOUBLE) END"
        return None


def condition(expression: Expression, field_of: Callable[[str], Field]) -> tuple[str, list[object]]:
    """Write a filter as the condition of a query, and the values to bind to it.

    Args:
        expression: the filter.
        field_of: finds a key's column, and raises when there is none.
    """
    match expression:
        case And(parts):
            return _joined(" AND ", parts, field_of)
        case Or(parts):
            return _joined(" OR ", parts, field_of)
        case Not(part):
            inner, values = condition(part, field_of)
            return f"(NOT {inner})", values
        case Present(key):
            return f"({field_of(key).sql} IS NOT NULL)", []
    return _compared(expression, field_of(expression.key))


def _joined(
    word: str, parts: Sequence[Expression], field_of: Callable[[str], Field]
) -> tuple[str, list[object]]:
    written = [condition(part, field_of) for part in parts]
    return f"({word.join(text for text, _ in written)})", [v for _, its in written for v in its]


def _compared(claim: Compare, field: Field) -> tuple[str, list[object]]:
    wanted, is_equality = claim.value, claim.op in _SIGNS
    if claim.op is Operator.CONTAINS:
        return _contains(field, wanted)
    sign = _SIGNS.get(claim.op, claim.op.value)
    if wanted is None:
        if not is_equality:
            return "false", []
        return f"({field.sql} IS {'NOT ' if claim.op is Operator.DIFFERENT else ''}NULL)", []
    if isinstance(wanted, bool):
        truth = _truth(field)
        return (f"coalesce({truth} {sign} ?, false)", [wanted]) if truth and is_equality else _NO
    if isinstance(wanted, str):
        text, bound = _text(field)
        return (f"coalesce({text} {sign} {bound}, false)", [wanted]) if text else _NO
    return _numeric(field, sign, wanted)


_NO: tuple[str, list[object]] = ("false", [])


def _numeric(field: Field, sign: str, wanted: float) -> tuple[str, list[object]]:
    number = field.number
    if number is None or (isinstance(wanted, float) and math.isnan(wanted)):
        return "false", []
    if isinstance(wanted, int) and abs(wanted) > _LARGEST:
        wanted = math.copysign(math.inf, wanted)
    if field.type.startswith(_WHOLE):  # exact, where a DOUBLE would not be
        return f"coalesce({field.sql} {sign} ?, false)", [wanted]
    return f"coalesce(NOT isnan({number}) AND {number} {sign} ?, false)", [wanted]


def _truth(field: Field) -> str | None:
    if field.is_mixed:
        is_truth = f"starts_with(variant_typeof({field.sql}), 'BOOL')"
        return f"CASE WHEN {is_truth} THEN TRY_CAST({field.sql} AS BOOLEAN) END"
    return field.sql if field.type == "BOOLEAN" else None


def _text(field: Field) -> tuple[str | None, str]:
    """Write the expression for a field's text, and how a text is bound to be held against it."""
    if field.is_mixed:
        is_text = f"variant_typeof({field.sql}) = 'VARCHAR'"
        return f"CASE WHEN {is_text} THEN {field.sql}::VARCHAR END", "?"
    if field.is_time:
        return field.sql, f"TRY_CAST(? AS {field.type})"
    if field.type == "UUID":
        return f"{field.sql}::VARCHAR", "?"
    return (field.sql if field.type == "VARCHAR" else None), "?"


def _contains(field: Field, wanted: Primitive) -> tuple[str, list[object]]:
    if field.type == "JSON":
        is_list = f"json_type({field.sql}) = 'ARRAY'"
        found = f"json_contains({field.sql}, to_json(?))"
        return f"coalesce({is_list} AND {found}, false)", [wanted]
    text, _ = _text(field)
    if text is None or field.is_time or not isinstance(wanted, str):
        return "false", []
    return f"coalesce(contains({text}, ?), false)", [wanted]
