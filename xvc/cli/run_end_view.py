"""How a run ended: one line of text, and the facts as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, TypedDict

from xvc.cli.output import duration, number
from xvc.core.direction import is_progress
from xvc.core.objective import exact_number
from xvc.core.run import Status

if TYPE_CHECKING:
    from xvc.project import Project
    from xvc.runs.request import RunRequest
    from xvc.runs.run import Ran

_SHOWN = 4  # metrics behind the line


class Ended(TypedDict):
    """How a run ended, and the version that it became."""

    run: str
    status: Status
    exit_code: int
    signal: str | None
    seconds: float | None
    params: Mapping[str, object]
    metrics: Mapping[str, object]
    version: str | None
    subject: str | None
    commit: str | None
    branch: str | None
    untagged: Annotated[str | None, "Why the version that was asked for was not made."]
    same_as: Annotated[str | None, "An earlier run of the same code, data, command and params."]


def ended_line(ran: Ran, declared: Sequence[str]) -> str:
    """Write how a run ended, and what it came to."""
    record = ran.record
    took = duration(record.seconds)
    if ran.tagged is not None:
        return f"{ran.tagged.name}  {ran.tagged.subject}  (run {record.id}, {took})"
    how = record.status.value
    if record.status is Status.FAILED and record.exit_code:
        how = f"failed ({record.exit_code})"
    return f"run {record.id} {how} in {took}{_metrics(ran, declared)}"


def _metrics(ran: Ran, declared: Sequence[str]) -> str:
    from xvc.core.commit_subject import chosen_metrics, subject  # late: as all that a run says

    numbers = [key for key, value in ran.record.metrics.items() if exact_number(value) is not None]
    telling = [key for key in numbers if not is_progress(key)]
    keys = list(dict.fromkeys([*chosen_metrics(ran.record.metrics, declared), *telling]))[:_SHOWN]
    left = len(telling) - len(keys)
    said = subject({}, ran.record.metrics, None, None, keys) if keys else ""
    more = f" | {left} more: xvc show {ran.record.id}" if keys and left > 0 else ""
    return f"  {said}{more}" if said else ""


def ended_facts(ran: Ran) -> Ended:
    record, tagged = ran.record, ran.tagged
    return {
        "run": record.id,
        "status": record.status,
        "exit_code": ran.exit_code,
        "signal": record.signal,
        "seconds": record.seconds,
        "params": record.params_around,
        "metrics": record.metrics,
        "version": tagged.name if tagged else None,
        "subject": tagged.subject if tagged else None,
        "commit": tagged.commit if tagged else None,
        "branch": tagged.branch if tagged else None,
        "untagged": ran.untagged,
        "same_as": ran.same_as,
    }


def unread_lines(project: Project, ran: Ran, request: RunRequest) -> list[str]:
    """Say how scores that a command wrote or printed become metrics, where the run has none."""
    from xvc.runs.unread_scores import printed_scores, written_scores  # late: as above

    written = written_scores(project, ran, request)
    if written is not None:
        file, scores = written
        way = "named in `metrics.files` of the settings, its values are metrics"
        return [f"it wrote {_shown(scores)} into {file}; {way}"]
    if scores := printed_scores(ran, request):
        way = "with --capture what it prints are its metrics"
        return [f"it printed {_shown(scores)}; {way}"]
    return []


def _shown(scores: Mapping[str, int | float]) -> str:
    return ", ".join(f"{key}={number(value)}" for key, value in list(scores.items())[:_SHOWN])
