r"""Replacing the section between two marks of a document, and nothing else in it.

Pure, on bytes: what stands outside the marks comes back byte by byte. Refuses to guess where
marks are missing, doubled or the wrong way round.
"""

from __future__ import annotations

import re

from xvc.errors import ConflictError, error

BEGIN, END = b"<!-- xvc:report begin -->", b"<!-- xvc:report end -->"
_MARK = b"<!-- xvc:report"


@error("no-marks")
class NoMarks(ConflictError):
    """A document has no place for a section."""

    path: str
    says = "{path} has no marks for a report"

    @property
    def hint(self) -> str:
        """Names both ways on."""
        marks = f"`{BEGIN.decode()}` and `{END.decode()}`"
        return f"Write {marks} where it belongs, or append it once with `--append`."


@error("marks-damaged")
class MarksDamaged(ConflictError):
    """The marks of a document do not hold one section."""

    path: str
    what: str
    says = "{path}: {what}"
    way = "One begin mark and, after it, one end mark have to be there; nothing was written."


def marks(name: str = "") -> tuple[bytes, bytes]:
    """Return the marks of the section of that name; the one without a name has its own.

    >>> marks("0042")[0]
    b'<!-- xvc:report 0042 begin -->'
    """
    if not name:
        return BEGIN, END
    word = re.sub(r"-{2,}", "-", re.sub(r"[^\w.]+", "-", name)).strip("-") or "section"
    return f"<!-- xvc:report {word} begin -->".encode(), f"<!-- xvc:report {word} end -->".encode()


def spliced(document: bytes, section: str, path: str, *, may_append: bool, name: str = "") -> bytes:
    r"""Return *document* with *section* between its marks, in the document's own line ends.

    Args:
        document: what is there.
        section: the new text, with ``\n`` at the ends of its lines.
        path: how the document is called, for errors.
        may_append: whether a document without marks gets them, at its end.
        name: of the section, where a document has several.

    >>> print(spliced(b"a\r\n", "b\n", "x.md", may_append=True))
    b'a\r\n\r\n<!-- xvc:report begin -->\r\nb\r\n<!-- xvc:report end -->\r\n'

    Raises:
        NoMarks: it has none, and may not get any.
        MarksDamaged: they do not come once and in order.
    """
    # A lone return at the end would make one of these with the first line end that follows.
    ending = b"\r\n" if b"\r\n" in document or document.endswith(b"\r") else b"\n"
    harmless = section.strip("\n").encode().replace(_MARK, _MARK.replace(b":", b" "))
    body = ending + harmless.replace(b"\n", ending) + ending
    begin, end = marks(name)
    begins, ends = document.count(begin), document.count(end)
    if not begins and not ends:
        if not may_append:
            raise NoMarks(path)
        return document + _gap(document, ending) + begin + body + end + ending
    if (begins, ends) != (1, 1):
        what = f"{begins} begin marks and {ends} end marks are in it"
        raise MarksDamaged(path, what)
    before, _, rest = document.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise MarksDamaged(path, "its end mark comes before its begin mark")
    return before + begin + body + end + after


def _gap(document: bytes, ending: bytes) -> bytes:
    """An empty line between what is there and what comes; nothing at the top of a document."""
    if not document:
        return b""
    return ending if document.endswith(b"\n") else ending * 2
