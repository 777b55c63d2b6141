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
    steps = _steps(frame.f_code)
    known = [place for place, step in enumerate(steps) if step.offset <= frame.f_lasti]
    return steps, known[-1] if known else None


def has_returned(frame: FrameType) -> bool:
    """Whether a frame is at its end, and no error has left it."""
    steps, place = here(frame)
    return place is not None and steps[place].opname.startswith("RETURN")
