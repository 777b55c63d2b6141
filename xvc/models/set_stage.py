"""Putting a model into a stage: pointer, dvc.yaml, commit and tags in one step.

The model was chosen, its gates held and its bytes were checked before. Somebody else's change of
the same stage meanwhile is told, never overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from xvc.core.commit_subject import headline
from xvc.core.model import candidate_path, ignore_file, stage_path, stage_tag
from xvc.core.run import DataFile
from xvc.dvc.artifacts import with_artifact
from xvc.dvc.pipeline import FILE, load
from xvc.dvc.pointers import SUFFIX, parse_pointer
from xvc.errors import ConflictError, error
from xvc.git.branch import clear
from xvc.journal.codec import to_json
from xvc.models.list import all_assignments, assignments, folder_of, registered
from xvc.models.publish_models import MODELS, ModelChange, NewTag, land, put_absent
from xvc.models.stages import PROMOTE, Assignment, Evidence, current, next_number
from xvc.project import Project
from xvc.recovery.recover import replay
from xvc.system.lock import FileLock
from xvc.types import Json, RunId

_WAIT = 120.0  # seconds for versions being made


@error("stage-moved")
class StageMoved(ConflictError):
    """Somebody else has put another model into the stage meanwhile."""

    name: str
    stage: str
    version: str
    says = "{version} of {name} was put into {stage} meanwhile"
    way = "Look at `xvc model history {name}`; what you wanted may not hold any more."


@error("version-elsewhere")
class VersionElsewhere(ConflictError):
    """The tag that would register a model's version marks a commit with another content."""

    tag: str
    says = "tag {tag} marks a commit in which that model is another one"
    way = "Give the run another version with `xvc tag patch --run RUN`, and promote that."


def stage_now(history: tuple[Assignment, ...], name: str, stage: str) -> int:
    """Return the number of what is in a stage, 0 for nothing: to be handed to `assign`."""
    now = current(history, name, stage)
    return 0 if now is None else now.number


def assign(project: Project, evidence: Evidence, seen: int, line: str) -> str:
    """Put a model into a stage; returns the stage's tag.

    Args:
        project: where.
        evidence: what and why; its objects are in the cache, checked.
        seen: the number of what was in the stage when this was decided.
        line: what people read in the tag.

    Raises:
        StageMoved: the stage has another model than was seen.
        VersionElsewhere: the version's tag is taken.
        ArtifactsByHand: dvc.yaml cannot be changed.
        PathsChanged, ModelChanged: something that would be written has changes of the user's.
        LockBusy: another xvc or git is at it, for long.
        GitFailed: git refused; nothing has changed.
    """
    project.needed_dvc()
    with FileLock(project.room.version_lock).held(wait=_WAIT, doing=evidence.action):
        clear(project.git, project.pending)
        replay(project, MODELS)
        history, taken = assignments(project), all_assignments(project)
        now = current(history, evidence.model, evidence.stage)
        if (0 if now is None else now.number) != seen:
            raise StageMoved(
                evidence.model, evidence.stage, now.evidence.version if now else "none"
            )
        evidence = replace(
            evidence,
            previous=now.evidence.version if now else "",
            by=project.git.text("var", "GIT_COMMITTER_IDENT").rpartition(">")[0] + ">",
        )
        number = next_number(taken, evidence.model)
        tag = stage_tag(evidence.model, evidence.stage, number, folder_of(project))
        change = _change(project, evidence, now, tag, line)
        land(project, change)
        put_absent(project, [path for path in change.files if path.endswith(SUFFIX)])
    return tag


def _change(
    project: Project, evidence: Evidence, now: Assignment | None, tag: str, line: str
) -> ModelChange:
    prefix, folder = project.settings.tag_prefix, folder_of(project)
    version = registered(evidence.model, evidence.version, prefix, folder)
    known = project.git.commit_of(f"refs/tags/{version}")
    if known is not None and _digest_at(project, known, evidence.model) != evidence.digest:
        raise VersionElsewhere(version)
    said = headline(f"{evidence.model} {evidence.version}")
    files = _files(project, evidence, now)
    marks = (NewTag(version, f"{said}\n"), NewTag(tag, evidence.render(line), known))
    verb = "promote" if evidence.action == PROMOTE else "roll back to"
    way = "`xvc model rollback`" if evidence.previous else "another promotion"
    what = f"{verb} {said} in {evidence.stage}"
    return ModelChange(
        why=f"{verb} {said} ({evidence.stage})",
        files=files,
        marks=marks,
        run=evidence.run,
        row=_row(evidence, tag),
        command=f"model {evidence.action}",
        what=what,
        hindrance=f"a stage is changed forward: {way} puts another model there",
    )


def _digest_at(project: Project, commit: str, name: str) -> str | None:
    """Return the content of the model that dvc.yaml names at a commit."""
    text = project.git.read(commit, project.relative(project.root / FILE))
    held = load(text or b"", FILE)
    artifacts = held.get("artifacts") if isinstance(held, dict) else None
    entry = artifacts.get(name) if isinstance(artifacts, dict) else None
    path = entry.get("path") if isinstance(entry, dict) else None
    if not isinstance(path, str):
        return None
    pointer = project.relative(project.root / path) + SUFFIX
    said = project.git.read(commit, pointer)
    return None if said is None else parse_pointer(said, pointer).digest


def _files(project: Project, evidence: Evidence, now: Assignment | None) -> dict[str, bytes | None]:
    """What the commit brings: the stage's pointer, the candidates, the artifact."""
    dvc = project.needed_dvc()
    place = stage_path(evidence.stage, evidence.model)
    wanted = {
        place: DataFile(evidence.digest, evidence.size),
        candidate_path(evidence.model, RunId(evidence.run)): DataFile(
            evidence.digest, evidence.size
        ),
    }
    if now is not None and now.evidence.run and dvc.holds(now.evidence.digest):
        old = DataFile(now.evidence.digest, now.evidence.size)
        wanted[candidate_path(evidence.model, RunId(now.evidence.run))] = old
    files: dict[str, bytes | None] = {}
    for path, file in wanted.items():
        target = project.root / path
        files[project.relative(target) + SUFFIX] = dvc.pointer_text(target, file)
        ignore, text = ignore_file(path)
        files[project.relative(project.root / ignore)] = text
    pipeline = project.relative(project.root / FILE)
    head = project.git.state().commit
    held = (project.git.read(head, pipeline) if head else None) or b""
    text_of = with_artifact(held.decode(), evidence.model, str(PurePosixPath(place)))
    if text_of.encode() != held:
        files[pipeline] = text_of.encode()
    return files


def _row(evidence: Evidence, tag: str) -> Mapping[str, Json]:
    """The row of the store; text only, since a number would become a metric of the run."""
    return {
        "tag": tag,
        "action": evidence.action,
        "model": evidence.model,
        "stage": evidence.stage,
        "version": evidence.version,
        "digest": evidence.digest,
        "previous": evidence.previous or None,
        "by": evidence.by,
        "metrics": to_json(dict(evidence.metrics)),
        "gates": to_json(
            [{"asked": g.asked, "found": g.found, "is_met": g.is_met} for g in evidence.gates]
        ),
    }
