"""Putting a report into files: beside what is there, or between the marks of a document.

All is decided before anything is written; each file is there whole or as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from xvc.errors import BadValue, NotFoundError, TargetExists, error
from xvc.project import Project
from xvc.render.document import Report
from xvc.render.html import page
from xvc.render.markdown import markdown
from xvc.render.splice import spliced
from xvc.system.files import make_folder, write_durably


class Format(StrEnum):
    """How a report is written."""

    MARKDOWN = "md"
    HTML = "html"
    BOTH = "both"

    @classmethod
    def named(cls, text: str, *, has_name: bool) -> Format:
        """Read a format; *has_name* tells whether files are written, under a name.

        Raises:
            BadValue: there is no such format, or both would be printed one behind the other.
        """
        if text not in set(cls):
            raise BadValue("--format", f"{text!r} is none of {', '.join(cls)}")
        if text == cls.BOTH and not has_name:
            raise BadValue("--format", "both needs a name for the files: -o NAME")
        return cls(text)


@error("no-document")
class NoDocument(NotFoundError):
    """The document that a report would be put into does not exist."""

    path: str
    says = "there is no document {path}"
    way = "`--append` makes it; `xvc report -o FILE` writes a document of its own."


@dataclass(frozen=True, slots=True)
class Target:
    """Where a report goes: a file of its own, a document of others', or both.

    A document may have several sections, each between marks of its name.
    """

    out: Path | None = None
    form: Format | None = None
    into: Path | None = None
    replaces: bool = False
    may_append: bool = False
    section: str = ""


def publish(project: Project, report: Report, target: Target) -> list[Path]:
    """Write a report and return the files, in order; none when no place was named.

    Raises:
        TargetExists: a file is there, and *replaces* is not set.
        NoDocument: the document to put it into is missing.
        NoMarks: that document has no marks, and *may_append* is not set.
        MarksDamaged: its marks are doubled or out of order.
        BadValue: the name of the file and the format do not fit.
        OutsideProject: a link that git tracks leads out of the project; nothing was read.
    """
    planned: list[tuple[Path, bytes, int]] = []
    for place in (target.out, target.into):
        if place is not None and (way := project.way_out(place)) is not None:
            raise project.outside(way)
    if target.out is not None:
        for path, form in _files(target.out, target.form):
            if path.exists() and not target.replaces:
                raise TargetExists(str(path))
            planned.append((path, rendered(report, form).encode(), 0o644))
    if target.into is not None:
        planned.append(_document(report, target, target.into.resolve()))
    for path, content, mode in planned:
        if target.may_append:
            make_folder(path.parent)
        write_durably(path, content, mode=mode)
    return [path for path, _, _ in planned]


def rendered(report: Report, form: Format) -> str:
    """Write a report in one format."""
    return page(report) if form is Format.HTML else markdown(report)


def _files(out: Path, form: Format | None) -> list[tuple[Path, Format]]:
    named = {".md": Format.MARKDOWN, ".html": Format.HTML}.get(out.suffix.lower())
    if form is Format.BOTH:
        stem = out.with_suffix("") if named else out
        return [
            (stem.with_name(f"{stem.name}.{each.value}"), each)
            for each in (Format.MARKDOWN, Format.HTML)
        ]
    if named is None and form is None:
        raise BadValue("--out", f"{out} ends in neither .md nor .html; say --format md or html")
    if named is not None and form is not None and named is not form:
        raise BadValue("--format", f"{form.value} does not fit the name {out}")
    return [(out, form or named or Format.MARKDOWN)]


def _document(report: Report, target: Target, path: Path) -> tuple[Path, bytes, int]:
    may_append = target.may_append
    is_new = may_append and not path.exists()
    if not is_new and not path.is_file():
        raise NoDocument(str(path))
    held = b"" if is_new else path.read_bytes()
    content = spliced(
        held, markdown(report, level=2), str(path), may_append=may_append, name=target.section
    )
    return path, content, 0o644 if is_new else path.stat().st_mode & 0o777
