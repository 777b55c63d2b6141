"""Which instruction a frame is at."""

from __future__ import annotations

import dis
from functools import cache
from types import CodeType, FrameType


@cache
def _steps(code: CodeType) -> list[dis.Instruction]:
    return list(dis.get_instructions(code))


def here(frame: FrameType) -> tuple[list[dis.Instruction], int | None]:
    """The instructions of a frame, and which of them it is at."""
    return step_at(frame.f_code, frame.f_lasti)


def step_at(code: CodeType, byte: int) -> tuple[list[dis.Instruction], int | None]:
    """The instructions of a function, and which of them is at a byte."""
    steps = _steps(code)
    known = [place for place, step in enumerate(steps) if step.offset <= byte]
    return steps, known[-1] if known else None


def has_returned(frame: FrameType) -> bool:
    """Whether a frame is at its end, and no error has left it."""
    return is_return(frame.f_code, frame.f_lasti)


def is_return(code: CodeType, byte: int) -> bool:
    """Whether a function returns at a byte."""
    steps, place = step_at(code, byte)
    return place is not None and steps[place].opname.startswith("RETURN")
