"""The types of columns, in stores and in files: which one holds two others, which can be a key.

Pure. Refuses what changes the meaning of a value (text for a number, a date for a moment): stores
keep such columns as VARIANT, files are not merged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from xvc.core.name_words import catalog_name

if TYPE_CHECKING:
    from duckdb.sqltypes import DuckDBPyType

EXACT = 1 << 53
"""Beyond it, a DOUBLE cannot tell neighbouring integers apart."""

_SIGNED = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64, "HUGEINT": 128}
_UNSIGNED = {"UTINYINT": 8, "USMALLINT": 16, "UINTEGER": 32, "UBIGINT": 64, "UHUGEINT": 128}
_FLOATS = {"FLOAT": 24, "DOUBLE": 53}  # bits of a whole number that is exact
_DIGITS = {8: 3, 16: 5, 32: 10, 64: 20, 128: 39}  # decimal digits of a whole number of so many bits
_WIDEST_DECIMAL = 38
_FINER = {
    frozenset({"TIMESTAMP", "TIMESTAMP_NS"}): "TIMESTAMP_NS",
    frozenset({"TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"}): "TIMESTAMPTZ_NS",
    frozenset({"TIME", "TIME_NS"}): "TIME_NS",
}
_NAMED = "STRUCT"
_NO_KEYS = ("VARIANT", "JSON", "INTERVAL")  # one value is written in several ways


@dataclass(frozen=True, slots=True)
class Kind:
    """One type: what DuckDB calls it, and the named types in it (LIST, MAP, STRUCT).

    ``digits`` are precision and scale of a DECIMAL.
    """

    name: str
    parts: tuple[tuple[str, Kind], ...] = ()
    digits: tuple[int, int] | None = None

    @property
    def sql(self) -> str:
        """Write it for a cast."""
        inner = [kind.sql for _, kind in self.parts]
        if self.name == "LIST":
            return f"{inner[0]}[]"
        if self.name == "MAP":
            return f"MAP({', '.join(inner)})"
        if self.name == _NAMED:
            names = ['"' + name.replace('"', '""') + '"' for name, _ in self.parts]
            fields = zip(names, inner, strict=True)
            return f"STRUCT({', '.join(f'{name} {kind}' for name, kind in fields)})"
        if self.digits is not None:
            return f"DECIMAL({self.digits[0]},{self.digits[1]})"
        return '"NULL"' if self.name == "NULL" else self.name

    @property
    def is_whole(self) -> bool:
        """Whether it holds whole numbers."""
        return self.name in _SIGNED or self.name in _UNSIGNED

    @property
    def is_float(self) -> bool:
        """Whether it holds numbers of floating point."""
        return self.name in _FLOATS

    @property
    def is_nested(self) -> bool:
        """Whether it holds other values."""
        return bool(self.parts) or self.name.startswith("UNION(") or self.name.endswith("]")

    @property
    def can_be_key(self) -> bool:
        """Whether equal values of it are the same value."""
        return not self.is_nested and self.name not in _NO_KEYS

    def uses(self, name: str) -> bool:
        """Whether it is that type or has it inside."""
        return self.name == name or any(kind.uses(name) for _, kind in self.parts)

    def signs(self, value: str) -> list[str]:
        """Write what tells two values apart to the last bit: 0.0 from -0.0, a month from 30 days.

        DuckDB's own comparison takes the one for the other, and so would lose a change.
        """
        if self.is_float:
            return [value, f"({value} = 0 AND signbit({value}))"]
        if self.name == "VARIANT":
            sort = f"variant_typeof({value})"
            # 1 is 1.0: which of them it is says only when its column was widened. By their texts,
            # because a CASE over the value takes 15 times as long to plan.
            sort = (
                f"CASE WHEN {sort} LIKE '%INT%' OR {sort} = 'DOUBLE' THEN 'NUMBER' ELSE {sort} END"
            )
            texts = (f"{value}::VARCHAR", f"to_json({value})::VARCHAR")
            return [sort, *(rf"regexp_replace({text}, '\.0$', '')" for text in texts)]
        if self.is_nested:
            return [f"to_json({value})::VARCHAR"]
        return [f"{value}::VARCHAR"] if self.name in ("JSON", "INTERVAL") else [value]


def kind_of(found: DuckDBPyType) -> Kind:
    """Read a type of DuckDB's."""
    match found.id:
        case "list" | "map" | "struct":
            inner = cast("list[tuple[str, DuckDBPyType]]", found.children)
            parts = tuple((name, kind_of(part)) for name, part in inner)
            return Kind(found.id.upper(), parts)
        case "decimal":
            digits = dict(cast("list[tuple[str, int]]", found.children))
            return Kind("DECIMAL", digits=(digits["precision"], digits["scale"]))
        case "null":
            return Kind("NULL")
    return Kind(str(found))


def same_key(kinds: Iterable[Kind]) -> bool:
    """Whether columns of these types can be matched as one key; NULL is no hindrance.

    >>> same_key([Kind("BIGINT"), Kind("HUGEINT"), Kind("NULL")])
    True
    >>> same_key([Kind("BIGINT"), Kind("DOUBLE")]), same_key([Kind("JSON")])
    (False, False)
    """
    found = {kind for kind in kinds if kind.name != "NULL"}
    is_one = len(found) < 2 or all(kind.is_whole for kind in found)
    return is_one and all(kind.can_be_key for kind in found)


def widest(kinds: Iterable[Kind], *, looks: bool) -> Kind | None:
    """Find the type that holds every value of all; None where there is none. See `wider`."""
    found = Kind("NULL")
    for kind in kinds:
        joined = wider(found, kind, looks=looks)
        if joined is None:
            return None
        found = joined
    return found


def wider(one: Kind, other: Kind, *, looks: bool = False) -> Kind | None:
    """Find the type that holds every value of both; None where there is none.

    Args:
        one: a type.
        other: another one.
        looks: whether the caller looks at each value, so that large whole numbers may meet DOUBLE
            and coarse moments fine ones.

    >>> wider(Kind("INTEGER"), Kind("UINTEGER"))
    Kind(name='BIGINT', parts=(), digits=None)
    >>> wider(Kind("BIGINT"), Kind("DOUBLE")), wider(Kind("BIGINT"), Kind("VARCHAR"))
    (None, None)
    """
    if one == other or other.name == "NULL":
        return one
    if one.name == "NULL":
        return other
    if one.name == other.name and one.parts and other.parts:
        return _nested(one, other)
    if one.is_whole and other.is_whole:
        return _whole(one.name, other.name)
    if "DECIMAL" in (one.name, other.name):
        return _decimal(one, other)
    if one.name in _FLOATS or other.name in _FLOATS:
        return _float(one, other, looks=looks)
    finer = _FINER.get(frozenset({one.name, other.name}))
    return Kind(finer) if finer and looks else None


def _whole(one: str, other: str) -> Kind | None:
    if (one in _SIGNED) == (other in _SIGNED):
        family = _SIGNED if one in _SIGNED else _UNSIGNED
        return Kind(max(one, other, key=family.__getitem__))
    signed, unsigned = (one, other) if one in _SIGNED else (other, one)
    needed = max(_SIGNED[signed], 2 * _UNSIGNED[unsigned])
    return next((Kind(name) for name, bits in _SIGNED.items() if bits == needed), None)


def _decimal(one: Kind, other: Kind) -> Kind | None:
    both = [_as_digits(kind) for kind in (one, other)]
    if both[0] is None or both[1] is None:
        return None
    scale = max(found[1] for found in both if found)
    whole = max(found[0] - found[1] for found in both if found)
    if whole + scale > _WIDEST_DECIMAL:
        return None
    return Kind("DECIMAL", digits=(whole + scale, scale))


def _as_digits(kind: Kind) -> tuple[int, int] | None:
    bits = _SIGNED.get(kind.name) or _UNSIGNED.get(kind.name)
    return (_DIGITS[bits], 0) if bits else kind.digits


def _float(one: Kind, other: Kind, *, looks: bool) -> Kind | None:
    names = {one.name, other.name}
    if names <= set(_FLOATS):
        return Kind("DOUBLE")
    whole = one if one.is_whole else other
    if not whole.is_whole:
        return None
    bits = _SIGNED.get(whole.name) or _UNSIGNED[whole.name]
    if "FLOAT" in names and bits <= _FLOATS["FLOAT"]:
        return Kind("FLOAT")
    return Kind("DOUBLE") if bits <= _FLOATS["DOUBLE"] or looks else None


def _nested(one: Kind, other: Kind) -> Kind | None:
    """Unite the fields of records by name, and what lists and maps hold by place."""
    if one.name != _NAMED:
        pairs = zip(one.parts, other.parts, strict=True)
        joined = [(name, wider(mine, its)) for (name, mine), (_, its) in pairs]
    else:
        mine, theirs = dict(one.parts), dict(other.parts)
        names = list(dict.fromkeys([*mine, *theirs]))
        if len({catalog_name(name) for name in names}) != len(names):
            return None  # DuckDB would take Loss for loss
        joined = [
            (name, wider(mine.get(name, Kind("NULL")), theirs.get(name, Kind("NULL"))))
            for name in names
        ]
    parts = tuple((name, kind) for name, kind in joined if kind is not None)
    return Kind(one.name, parts) if len(parts) == len(joined) else None
