"""Running a command several times as repeats of one experiment, each with a seed of its own.

One repeat after the other, here or wherever the caller says. A repeat that fails ends no other; a
Ctrl-C ends all, and so does a seed that nothing takes up.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from xvc.core.command_places import (
    filled_in_template,
    placed_keys,
    placeholders,
    with_seed_places,
)
from xvc.core.commit_subject import chosen_metrics
from xvc.core.direction import is_progress
from xvc.core.objective import exact_number
from xvc.core.run import Status
from xvc.core.seed_names import is_count, is_seed
from xvc.core.typed_value import TypedValue
from xvc.core.version import Bump
from xvc.errors import BadValue
from xvc.project import Project
from xvc.recording.param_files import placed, refuse_beside_files
from xvc.recording.requested_params import never_taken_up, variable_of
from xvc.runs.code_fingerprint import fingerprints
from xvc.runs.repeats import RepeatedExperiment, Spread, experiments
from xvc.runs.request import RunRequest
from xvc.runs.run import Ran, pinned, read_back, run
from xvc.runs.run_params import told_in_command

_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Repeats:
    """How often, and the param that is 0, 1, 2 … in turn."""

    count: int
    param: str = "seed"


@dataclass(frozen=True, slots=True)
class Repeated:
    """Repeats that were run, in order.

    ``experiment`` are those that finished and repeat each other by the one rule of what a repeat
    is; ``spreads`` how each metric lies among them. ``is_stopped``: some were not begun. The exit
    code is that of the first repeat whose own is not 0, and 130 where a Ctrl-C ended all.
    """

    runs: tuple[Ran, ...]
    experiment: RepeatedExperiment
    spreads: tuple[tuple[str, Spread], ...]
    is_stopped: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The code of the whole."""
        return next((code for each in self.runs if (code := code_of(each))), 0) or (
            _INTERRUPTED if self.is_stopped else 0
        )


def code_of(ran: Ran) -> int:
    """Return the exit code of one; 1 where its command ended well and the run failed all the same.

    That is a run whose seed nothing took up.
    """
    return ran.exit_code or int(is_refused(ran))


def is_refused(ran: Ran) -> bool:
    """Whether a command ended well, and its run failed because nothing took a param up."""
    return ran.record.status is Status.FAILED and ran.record.exit_code == 0


def repeat(
    project: Project,
    request: RunRequest,
    wanted: Repeats,
    sink: Callable[[int, bytes], None],
    tell: Callable[[int, Ran], None],
) -> Repeated:
    """Run a command once for each seed.

    With ``request.tag`` the first that finishes is that version, the others are its patches.

    Args:
        project: where.
        request: what; ``{seed}`` in its command is the seed, ``{lr}`` the param lr.
        wanted: how often.
        sink: gets the output of all.
        tell: hears of each repeat that has ended, with its seed.

    Raises:
        BadValue: the seed can reach nothing, is given beside, or braces name no param.
        ParamInFile: a params file says the seed.
        NoCommand: the command cannot be started.
    """
    check(project, request, wanted)
    request = pinned(project, request)
    done: list[Ran] = []
    within: str | None = None
    is_stopped = False
    for seed in range(wanted.count):
        try:
            one = run(project, _next_of(of_seed(request, wanted, seed), within), sink)
        except KeyboardInterrupt:  # between two repeats
            is_stopped = True
            break
        one = read_back(project, one) if request.fold else one
        done.append(one)
        tell(seed, one)
        if one.tagged is not None:
            within = one.tagged.name
        is_last = seed == wanted.count - 1
        if one.is_interrupted or is_refused(one):
            is_stopped = not is_last or one.is_interrupted
            break
    return summed(project, done, is_stopped=is_stopped)


def _next_of(request: RunRequest, within: str | None) -> RunRequest:
    """Ask for the next patch of the family that the first repeat has begun."""
    if within is None:
        return request
    return replace(request, tag=Bump.PATCH, version=None, within=within)


def summed(project: Project, done: Sequence[Ran], *, is_stopped: bool = False) -> Repeated:
    """Say how the metrics of repeats lie."""
    records = [each.record for each in done]
    groups = experiments(records, fingerprints(project, records))
    group = max(groups, key=lambda each: len(each.repeats), default=RepeatedExperiment(()))
    warnings = []
    if len(groups) > 1:
        others = [run.id for each in groups if each is not group for run in each.runs]
        warnings.append(
            f"the code, data or params changed while the repeats ran: {', '.join(others)} "
            "repeat nothing of the others"
        )
    if any(is_refused(each) for each in done):
        warnings.append("no further repeat was begun: nothing takes the seed up")
    declared = list(project.settings.metrics_direction)
    return Repeated(
        runs=tuple(done),
        experiment=group,
        spreads=tuple(spreads_of(group, declared)),
        is_stopped=is_stopped,
        warnings=tuple(warnings),
    )


def spreads_of(group: RepeatedExperiment, declared: Sequence[str]) -> list[tuple[str, Spread]]:
    """Measure every metric of an experiment, those that tell most first."""
    metrics = {k: v for run in group.repeats for k, v in run.metrics.items()}
    numbers = {k for k, v in metrics.items() if exact_number(v) is not None}
    telling = [key for key in metrics if key in numbers and not is_progress(key)]
    first = [key for key in chosen_metrics(metrics, declared) if key in numbers]
    keys = dict.fromkeys([*first, *telling])
    found = ((key, Spread.of(group.numbers(key))) for key in keys if not is_seed(key))
    return [(key, spread) for key, spread in found if spread is not None]


def of_seed(request: RunRequest, wanted: Repeats, seed: int) -> RunRequest:
    """Return what one repeat is asked for."""
    params = {**request.params, wanted.param: TypedValue.of(seed)}
    shown = {key: typed.text for key, typed in params.items()}
    named = placed_keys(filled_in_template, request.command, params)
    must = (
        ()
        if wanted.param in named or request.write_params or is_count(wanted.param)
        else (wanted.param,)
    )
    return replace(
        request,
        command=filled_in_template(request.command, shown),
        params=params,
        looks_back=False,
        in_command=named,
        seeded=with_seed_places(filled_in_template, request.command, shown),
        must_use=(*request.must_use, *must),
    )


def check(project: Project, request: RunRequest, wanted: Repeats) -> None:
    """Refuse repeats that would all be the same, or that no rule would know as repeats.

    Raises:
        BadValue: see `repeat`.
        ParamInFile: a params file says the seed.
    """
    param = wanted.param
    if wanted.count < 1:
        raise BadValue("--repeat", f"{wanted.count} is no number of runs from 1 on")
    if not is_seed(param):
        says = f"{param!r} is no name by which repeats are known: seed, fold, repeat, …"
        raise BadValue("--seed-param", f"{says}; {param}_seed is one")
    if param in request.params:
        raise BadValue(f"-P {param}", "--repeat gives it: 0, 1, 2 …")
    _refuse_braces(request, param)
    last = of_seed(request, wanted, wanted.count)  # one that no file says by chance
    said = told_in_command(project, last).get(param)
    if said is None and not (request.write_params or request.edit_params):
        refuse_beside_files(placed(project, {param: last.params[param]}))
    if said is not None and said != last.params[param].text:
        shown = f"--{param} {{{param}}}"
        raise BadValue("--repeat", f"the command says --{param} {said} itself; write {shown}")
    _refuse_unused(project, last, param)


def _refuse_braces(request: RunRequest, param: str) -> None:
    known = [*request.params, param]
    for name in placeholders(request.command):
        if name in known or (name == "params" and request.write_params):
            continue
        near = difflib.get_close_matches(name, known, n=1) or [param]
        raise BadValue(
            f"{{{name}}}",
            f"it is no param; did you mean {{{near[0]}}}? Braces of the command's own are written "
            f"twice, {{{{{name}}}}}",
        )


def _refuse_unused(project: Project, last: RunRequest, param: str) -> None:
    if project.place is None or param not in last.must_use:
        return
    if placed(project, {param: last.params[param]}):
        return
    if never_taken_up(project.git, [param], last.command, last.folder):
        raise BadValue(
            "--repeat",
            f"nothing takes {param} up, so all runs would be the same; put {{{param}}} into the "
            f"command, read {variable_of(param)} or a Tracker's params in it, or add {param} to a "
            "params file; where a time is measured, --seed-param repeat numbers the runs",
        )
