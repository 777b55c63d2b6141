"""Encoding arrays, frames, tensors and the like by their content.

Known by the name of their class, so nothing is imported. The bytes of an array are hashed where
they lie when they lie in order; the order of its axes in memory counts, as sums and ``ravel("K")``
depend on it. Equal frames are equal however their columns are kept in memory.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any


def _array(value: Any) -> Iterable[object]:
    """Type, shape and a hash of the bytes; arrays of objects by their parts."""
    if value.dtype.hasobject:
        return [str(value.dtype), value.shape, value.ravel().tolist(), _axes(value.strides, value)]
    described = value.dtype.descr if value.dtype.names else value.dtype.str
    return [str(described), value.shape, _hashed(value), _axes(value.strides, value)]


def _axes(strides: Iterable[int], value: Any) -> list[int]:
    """The axes that have a length, from the one with the widest steps in memory to the closest."""
    known = zip(strides, value.shape, strict=True)
    steps = {axis: step for axis, (step, length) in enumerate(known) if length > 1}
    order = sorted(steps, key=lambda axis: -abs(steps[axis]))
    return [axis if steps[axis] >= 0 else -axis - 1 for axis in order]


def _hashed(value: Any) -> bytes:
    if value.flags.c_contiguous and value.ndim and value.size and value.dtype.itemsize:
        return sha256(value.view("u1")).digest()  # as bytes: dates have no buffer of their own
    return sha256(value.tobytes()).digest()


def _frame(value: Any) -> Iterable[object]:
    """Of pandas: names, row labels, each column with its type, and what was noted of the whole."""
    columns = [value.iloc[:, place] for place in range(value.shape[1])]
    return [value.columns, value.index, [_column(column) for column in columns], *_noted(value)]


def _series(value: Any) -> Iterable[object]:
    return [value.name, value.index, _column(value), *_noted(value)]


def _noted(value: Any) -> list[object]:
    return [value.attrs, value.flags.allows_duplicate_labels]


def _index(value: Any) -> Iterable[object]:
    freq = getattr(value, "freq", None)
    levels = list(getattr(value, "levels", ()))  # of several, with those that no row has
    return [list(value.names), _column(value), None if freq is None else str(freq), levels]


def _column(value: Any) -> list[object]:
    kind = getattr(value.dtype, "categories", None)
    categories = None if kind is None else [kind.tolist(), bool(value.dtype.ordered)]
    return [repr(value.dtype) if categories is None else "category", categories, value.to_numpy()]


def _polars_frame(value: Any) -> Iterable[object]:
    return [value.shape, [_polars_column(column) for column in value.get_columns()]]


def _polars_column(value: Any) -> list[object]:
    """Name, type, what is missing, and the values."""
    head = [value.name, str(value.dtype)]
    if value.dtype.is_integer() or value.dtype.is_float():
        return [*head, value.is_null().to_list(), value.fill_null(0).to_numpy()]
    return [*head, value.to_list()]


def _tensor(value: Any) -> Iterable[object]:
    torch: Any = sys.modules["torch"]
    flat = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    facts = [str(value.dtype), tuple(value.shape), str(value.device), value.requires_grad]
    return [*facts, _axes(value.stride(), value), sha256(flat.numpy()).digest()]


def _logger(value: Any) -> Iterable[object]:
    return [value.name, value.level, value.disabled]


def _file(value: Any) -> Iterable[object]:
    return [value.digest()]


FORMS: dict[tuple[str, str], Callable[[Any], Iterable[object]]] = {
    ("numpy", "ndarray"): _array,
    ("pandas", "DataFrame"): _frame,
    ("pandas", "Series"): _series,
    **{
        ("pandas", kind): _index
        for kind in ("Index", "RangeIndex", "DatetimeIndex", "CategoricalIndex", "MultiIndex")
    },
    ("polars", "DataFrame"): _polars_frame,
    ("polars", "Series"): _polars_column,
    ("torch", "Tensor"): _tensor,
    ("torch", "Parameter"): _tensor,
    ("logging", "Logger"): _logger,
    ("logging", "RootLogger"): _logger,
    ("xvc", "File"): _file,
}
"""Package and class, and what stands for a value of it."""
