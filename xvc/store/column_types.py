"""The types of Parquet columns as DuckDB reads them, and which one holds two others without loss.

Pure. Refuses what changes the meaning of a value (text for a number, a date for a moment).
"""

from __future__ import annotations

from dataclasses import dataclass

_SIGNED = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64}
_UNSIGNED = {"UTINYINT": 8, "USMALLINT": 16, "UINTEGER": 32, "UBIGINT": 64}
_FLOATS = {"FLOAT": 24, "DOUBLE": 53}  # bits of a whole number that is exact
_DIGITS = {8: 3, 16: 5, 32: 10, 64: 20}  # decimal digits of a whole number of so many bits
_WIDEST_DECIMAL = 38
_FINER = {
    frozenset({"TIMESTAMP", "TIMESTAMP_NS"}): "TIMESTAMP_NS",
    frozenset({"TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"}): "TIMESTAMPTZ_NS",
    frozenset({"TIME", "TIME_NS"}): "TIME_NS",
}
_NAMED = "STRUCT"


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


def wider(one: Kind, other: Kind, *, looks: bool = False) -> Kind | None:
    """Find the type that holds every value of both; None where there is none.

    Args:
        one: a type.
        other: another one.
        looks: whether the caller looks at each value, so that large whole numbers may meet DOUBLE
            and coarse moments fine ones.

    >>> wider(Kind("INTEGER"), Kind("UINTEGER"))
    Kind(name='BIGINT', parts=(), digits=None)
    >>> wider(Kind("BIGINT"), Kind("UBIGINT")), wider(Kind("BIGINT"), Kind("DOUBLE"))
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
        if len({name.lower() for name in names}) != len(names):
            return None  # DuckDB would take Loss for loss
        joined = [
            (name, wider(mine.get(name, Kind("NULL")), theirs.get(name, Kind("NULL"))))
            for name in names
        ]
    parts = tuple((name, kind) for name, kind in joined if kind is not None)
    return Kind(one.name, parts) if len(parts) == len(joined) else None
