"""Every error that xvc raises on purpose, branching by who can act.

::

    XvcError
    ├─ UsageError       the caller: BadVersion BadReference BadSetting BadExpression BadValue
    │                               TooLarge BadQuery WriteRefused NotAStore NotKept NoPickle
    │                               OutsideProject BadFolder
    ├─ NotFoundError    the caller: NoProject NoRun NoVersion NoObject NoCommand NoStore NoTable
    │                               NoColumn NoPackage NoAsset
    ├─ ConflictError    a decision: TagTaken TreeDiffers AmbiguousRun AmbiguousAsset Unresolved
    │                               ForeignProject
    ├─ BusyError        time:       LockBusy StoreBusy
    ├─ CorruptError     a repair:   StoreCorrupt ObjectCorrupt AssetCorrupt PointerCorrupt TooNew
    │                               RecordRefused
    └─ ExternalError    the tool:   GitFailed NoIdentity DvcFailed StoreFailed JournalFailed
                                    StreamFailed AssetFailed

Each has a code, one sentence, a hint, its facts as fields, and survives pickling: the facts are
the arguments, in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from inspect import Parameter, Signature
from pathlib import PurePath
from shlex import quote
from string import Formatter
from typing import ClassVar, TypeVar, dataclass_transform

_Part = tuple[str, str | None, str | None, str | None]  # of a template, as Formatter parses it


def _first_line(words: str) -> str:
    return (words.strip().splitlines() or ["no message"])[0]


def _first_of_git(words: str) -> str:
    """Choose the line that says what went wrong; advice comes before it or after it."""
    lines = words.strip().splitlines()
    of_errors = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    is_advice = bool(lines) and lines[0].startswith(("hint: ", "warning: "))
    return of_errors[0] if is_advice and of_errors else _first_line(words)


def _nearest(name: str, known: tuple[str, ...]) -> str:
    """Say which of the known names may have been meant; else the first few."""
    by_small = {each.lower(): each for each in reversed(known)}
    near = [by_small[small] for small in get_close_matches(name.lower(), by_small)]
    if near:
        return f"Near it: {', '.join(map(repr, near))}."
    return f"There are: {', '.join(map(repr, known[:10]))}." if known else "There are none yet."


class XvcError(Exception):
    """The root: catch it to handle everything that xvc refuses."""

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False
    says: ClassVar[str] = ""
    """What happened, with the names of facts in braces."""
    way: ClassVar[str] = ""
    """What to do next, with the names of facts in braces."""

    def __str__(self) -> str:
        return _FORMATTER.vformat(self.says, (), vars(self)) if self.says else super().__str__()

    @property
    def hint(self) -> str:
        """One next step, or an empty string."""
        return _FORMATTER.vformat(self.way, (), vars(self))


class _Words(Formatter):
    """Formats facts: lists are joined, long ones cut, and what is empty gets other words.

    Between backticks stands a command to be copied: a fact there is quoted as a shell needs it,
    and a list is so many words.
    """

    def parse(self, format_string: str) -> Iterator[_Part]:
        marks = 0
        for literal, name, spec, conversion in super().parse(format_string):
            marks += literal.count("`")
            in_command = name is not None and marks % 2 == 1
            yield literal, name, f"`{spec}" if in_command else spec, conversion

    def format_field(self, value: object, format_spec: str) -> str:
        if format_spec.startswith("`"):
            if isinstance(value, tuple):
                most = int(format_spec[1:]) if format_spec[1:].isdigit() else len(value)
                return " ".join(quote(str(each)) for each in value[:most])
            text = self.format_field(value, format_spec[1:])
            return quote(text) if isinstance(value, (str, PurePath)) else text
        if isinstance(value, tuple):
            return _joined(value, format_spec)
        if isinstance(value, str) and format_spec.startswith("-"):
            return value or format_spec[1:]
        return str(super().format_field(value, format_spec))

    def convert_field(self, value: object, conversion: str | None) -> object:
        if conversion == "n" and isinstance(value, tuple):
            return len(value)
        if conversion == "l":
            return _first_line(str(value)).removesuffix(".")
        return super().convert_field(value, conversion)


def _joined(parts: tuple[object, ...], format_spec: str) -> str:
    if format_spec.isdigit() and len(parts) > (most := int(format_spec)):
        return f"{', '.join(map(str, parts[:most]))} …"
    between = ", " if not format_spec or format_spec.isdigit() else format_spec
    return between.join(map(str, parts))


_FORMATTER = _Words()
_Kind = TypeVar("_Kind", bound=XvcError)


@dataclass_transform()
def error(code: str) -> Callable[[type[_Kind]], type[_Kind]]:
    """Declare an error: its code, its facts as annotated fields, and two templates.

    The facts are the arguments, by position or by name, and survive pickling; a value behind one
    is its default. In the templates a list is joined with commas: ``{paths:5}`` names the first
    five of it, ``{mistakes:; }`` puts other marks between, ``{paths!n}`` counts. Of a text
    ``{holder:-another process}`` is what to say when it is empty, and ``{words!l}`` its first line.
    Between backticks, where a command stands, a text is quoted as a shell needs it.
    What depends on the facts otherwise is a ``__str__`` or a property ``hint``.

    >>> @error("tag-taken")
    ... class Taken(XvcError):
    ...     name: str
    ...     says = "tag {name!r} already marks another commit"
    ...     way = "Take the next version with `xvc tag minor`."
    >>> str(Taken("e1.0.0")), Taken("e1.0.0").code
    ("tag 'e1.0.0' already marks another commit", 'tag-taken')
    """

    def declared(kind: type[_Kind]) -> type[_Kind]:
        facts: dict[str, object] = vars(kind).get("__annotations__", {})
        own = vars(kind)
        given = [
            Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=own.get(name, Parameter.empty))
            for name in facts
        ]
        signature = Signature(given)

        def initialize(self: XvcError, *values: object, **named: object) -> None:
            held = signature.bind(*values, **named)
            held.apply_defaults()
            Exception.__init__(self, *held.args)
            vars(self).update(held.arguments)

        initialize.__annotations__ = dict(facts)
        whole = Signature([Parameter("self", Parameter.POSITIONAL_ONLY), *given])
        vars(initialize)["__signature__"] = whole
        type.__setattr__(kind, "__init__", initialize)
        kind.code = code
        return kind

    return declared


class UsageError(XvcError):
    """The call itself is wrong; the caller changes it."""

    code = "usage"
    exit_code = 2


class NotFoundError(XvcError):
    """What was named does not exist."""

    code = "not-found"


class ConflictError(XvcError):
    """Two claims disagree; somebody has to decide."""

    code = "conflict"
    exit_code = 4


class BusyError(XvcError):
    """Somebody else is at it; time helps."""

    code = "busy"
    exit_code = 5
    retryable = True


class CorruptError(XvcError):
    """Stored bytes are not what was stored."""

    code = "corrupt"
    exit_code = 6


class ExternalError(XvcError):
    """A tool below failed; its own words are kept."""

    code = "external"


@error("bad-version")
class BadVersion(UsageError):
    """A version has another shape than ``e1.4.0``."""

    text: str
    says = "{text!r} is not a version"
    way = "A version reads e1.4.0; let xvc choose with `xvc tag minor`."


@error("bad-reference")
class BadReference(UsageError):
    """A text can name no run, version or branch."""

    text: str
    reason: str
    says = "{text!r} names no run: {reason}"
    way = "Use a version (e1.4.0), a run id, a branch, @, @-2, best:METRIC or worst:METRIC."


@error("bad-setting")
class BadSetting(UsageError):
    """One or more settings cannot be used; all are listed."""

    mistakes: tuple[str, ...]
    says = "{mistakes:; }"
    way = (
        "Correct it where it stands; "
        "`xvc init` in a new folder writes an xvc.yaml that explains the settings."
    )


@error("bad-expression")
class BadExpression(UsageError):
    """A filter cannot be read."""

    text: str
    reason: str
    says = "cannot read the filter {text!r}: {reason}"
    way = "Write it like: accuracy > 0.9 and `val loss` < 1 and model == 'logreg'."


@error("bad-value")
class BadValue(UsageError):
    """A logged value or an option's value cannot be kept."""

    name: str
    reason: str
    says = "{name}: {reason}"


class TooLarge(BadValue):
    """A logged value, a row or a note is larger than a record may be."""

    code = "too-large"

    @property
    def hint(self) -> str:
        """Names where large things go."""
        return "Keep it as a file with `Tracker.log_artifact`, and log the digest it returns."


@error("bad-query")
class BadQuery(UsageError):
    """DuckDB cannot run the SQL that was given."""

    words: str
    near: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.words.removesuffix(".")

    @property
    def hint(self) -> str:
        """Names what is near, and the lists."""
        nearest = f"Nearest: {', '.join(self.near)}. " if self.near else ""
        return f"{nearest}`xvc db ls` lists the tables, `xvc db columns TABLE` what is in one."


@error("write-refused")
class WriteRefused(UsageError):
    """A statement that is no question came where only questions are answered."""

    kind: str
    says = "{kind} is refused: here the store is only read, one SELECT at a time"
    way = "Change what was logged with `set_value`, `set_where` or `delete_run`."


@error("not-a-store")
class NotAStore(UsageError):
    """A path names something that is there and is no store of xvc's."""

    path: str
    reason: str
    says = "{path} is no store: {reason}"
    way = "It was not touched; move it away, or name another: results/experiments.duckdb."


@error("outside-project")
class OutsideProject(UsageError):
    """Something in the project leads to a place outside it; that place was not touched."""

    what: str
    place: str
    root: str
    remedy: str
    says = "{what} leads to {place}, which is no place inside {root}"
    way = "{remedy}. Nothing was read or written there."


@error("bad-folder")
class BadFolder(UsageError):
    """The folder to work in does not exist, or is a file."""

    folder: str
    is_file: bool = False
    way = "Name the folder of a project; in Python `Reader(FILE)` reads the file of a store."

    def __str__(self) -> str:
        return f"{self.folder} is a file" if self.is_file else f"there is no folder {self.folder}"


@error("not-kept")
class NotKept(UsageError):
    """Rows were asked back of a tracker that keeps none."""

    says = "this tracker keeps no rows (SKIP_INSERT)"
    way = "Read them from its log with `Reader.read_logs`, or `Reader.read_jsonl`."


@error("no-pickle")
class NoPickle(UsageError):
    """An asset is a file or a folder, where an object was asked for."""

    digest: str
    says = "the asset {digest:.10} is no object"
    way = "`xvc assets export {digest:.10} OUT` copies it to a file or folder."


@error("no-project")
class NoProject(NotFoundError):
    """A command that needs a project was called outside one."""

    folder: str
    lacks: str = "a git repository"
    way = "Run `xvc init` there."

    def __str__(self) -> str:
        return f"{self.folder} has no {self.lacks.removeprefix('a ')}"


@error("nothing-checked-out")
class NothingCheckedOut(NotFoundError):
    """A clone has no branch checked out, because HEAD of its remote names none."""

    folder: str
    branches: tuple[str, ...]
    says = "{folder} has no branch checked out; its remote has {branches:3}"
    way = "Take one of them: `git switch {branches:1}`."


@error("repository-gone")
class RepositoryGone(NotFoundError):
    """The repository of a work tree is not where the tree says."""

    tree: str
    named: str
    says = "{tree}/.git leads to {named}, and there is no repository"

    @property
    def hint(self) -> str:
        """What to do next, quoted for a shell."""
        way = f"git worktree repair {quote(self.tree)}"
        return (
            f"If it was moved, call `{way}` where it is now; a submodule comes by "
            "`git submodule update --init` in the clone around it."
        )


@error("no-run")
class NoRun(NotFoundError):
    """No recorded run answers to a reference."""

    reference: str
    says = "no run answers to {reference!r}"
    way = "List runs with `xvc ls`, versions with `xvc log`."


@error("no-version")
class NoVersion(NotFoundError):
    """No such version tag, or no experiment behind it."""

    name: str
    project: str = ""
    way = "List versions with `xvc log`; `git fetch --tags` brings those of others."

    def __str__(self) -> str:
        whose = f" here; that is one of the project in {self.project}" if self.project else ""
        return f"there is no version {self.name}{whose}"


@error("no-object")
class NoObject(NotFoundError):
    """A DVC object that a pointer names is not in the cache.

    ``was_asked`` tells that each remote was asked for it in vain; ``remotes`` names them.
    """

    digest: str
    path: str
    was_asked: bool = False
    remotes: tuple[str, ...] = ()
    says = "{path} ({digest:.10}) is not in the DVC cache"
    way = (
        "`xvc pull` brings it, or `dvc fetch {path}`; without a DVC remote only another clone's "
        "cache has it."
    )

    def __str__(self) -> str:
        said = super().__str__()
        return f"{said}, nor on remote {', '.join(self.remotes)}" if self.remotes else said

    @property
    def hint(self) -> str:
        """Say what brings it; of what was asked for in vain, who can still have it."""
        if not self.was_asked:
            return super().hint
        if self.remotes:
            where = "Only another clone's cache can have it: `xvc push` there. "
        else:
            where = "There is no DVC remote, so only another clone's cache can have it. "
        return f"{where}`xvc doctor` looks for it in this tree."


@error("no-asset")
class NoAsset(NotFoundError):
    """An asset is not in the folder of assets."""

    digest: str
    says = "there is no asset {digest!r} here"
    way = (
        "`xvc pull` brings the assets of a version, `dvc checkout` of the assets.dvc beside the "
        "store those already fetched; `xvc assets ls` lists them, and eight letters of a digest "
        "are enough."
    )


_OF_A_SHELL = ("cd", "source", "export", "alias", "set", "ulimit", "eval", "if", "for", "while")


@error("no-command")
class NoCommand(NotFoundError):
    """The wrapped command could not be started."""

    exit_code = 127
    name: str
    reason: str
    says = "cannot start {name!r}: {reason}"

    @property
    def hint(self) -> str:
        """Shows the shape of a call, or of one that a shell is needed for."""
        if re.match(r"[A-Za-z_]\w*=", self.name):
            name = self.name.partition("=")[0]
            return f"`env` sets a variable: `xvc run -- env {name}=… python train.py`."
        if re.search(r"[\s|;&<>$`*]", self.name) or self.name in _OF_A_SHELL:
            return "A shell takes a line as one argument: `xvc run -- sh -c 'cd sub && ./train'`."
        return "Everything after `--` is the command: `xvc run -- python train.py`."


@error("no-store")
class NoStore(NotFoundError):
    """Nothing was ever logged where a store was looked for."""

    path: str
    says = "there is no store {path}"
    way = "`Tracker` makes it with the first row; look at the path and the current folder."


@error("no-table")
class NoTable(NotFoundError):
    """No row was ever logged into a table of this name."""

    name: str
    known: tuple[str, ...]
    says = "there is no table {name!r}"

    @property
    def hint(self) -> str:
        """Names the nearest, and the list."""
        return f"{_nearest(self.name, self.known)} `xvc db ls` lists the tables."


@error("no-column")
class NoColumn(NotFoundError, KeyError):
    """No row has such a key. A `KeyError`, too."""

    name: str
    known: tuple[str, ...]
    says = "no row has the key {name!r}"

    @property
    def hint(self) -> str:
        """Names the nearest, and the list."""
        return f"{_nearest(self.name, self.known)} `xvc db columns TABLE` lists the keys."


@error("no-package")
class NoPackage(NotFoundError):
    """What was asked for needs a package that is not installed."""

    name: str
    extra: str = ""
    says = "{name} is not installed"

    @property
    def hint(self) -> str:
        """Names the extra that brings it, or itself where none does."""
        what = f"xvc-experiments[{self.extra}]" if self.extra else self.name
        return f"Install `{what}`."


@error("tag-taken")
class TagTaken(ConflictError):
    """The wanted tag already marks another commit."""

    name: str
    holder: str
    says = "tag {name!r} already marks {holder:.10}"
    way = "Take the next version with `xvc tag minor`."


@error("tree-differs")
class TreeDiffers(ConflictError):
    """The code in the tree is not the code that the run used."""

    run: str
    paths: tuple[str, ...]
    says = "the code has changed since run {run}: {paths:5}"
    way = (
        "`xvc tag --run {run}` tags the code that the run really used; "
        "add `--commit` to put that code on your branch first."
    )


@error("ambiguous-run")
class AmbiguousRun(ConflictError):
    """A prefix fits more than one run."""

    prefix: str
    candidates: tuple[str, ...]
    says = "{prefix!r} fits {candidates!n} runs: {candidates:5}"
    way = "Give one more letter of the id."


@error("ambiguous-asset")
class AmbiguousAsset(ConflictError):
    """The beginning of a digest fits more than one asset."""

    prefix: str
    candidates: tuple[str, ...]
    says = "{prefix!r} fits {candidates!n} assets: {candidates}"
    way = "Give one more letter of the digest."


@error("unresolved")
class Unresolved(ConflictError):
    """A pointer still holds the marks of an unfinished merge."""

    path: str
    says = "{path} holds an unfinished merge"
    way = (
        "A store's: `xvc doctor`, `git checkout -m {path}`, then `git add`. Else choose a side "
        "with `git checkout --ours {path}` (or --theirs), then `git add`."
    )


@error("foreign-project")
class ForeignProject(ConflictError):
    """A folder belongs to the other program called xvc."""

    folder: str
    says = "{folder} belongs to another program that is also called xvc"
    way = "The two cannot share a repository; use a separate one for xvc-experiments."


@error("lock-busy")
class LockBusy(BusyError):
    """Another process holds one of xvc's locks."""

    name: str
    holder: str
    says = "{name} is held by {holder:-another process}"
    way = "Nothing is lost; try again when it is done."


@error("store-busy")
class StoreBusy(BusyError):
    """Another program holds the store open for writing."""

    path: str
    holder: str
    says = "{path} is open in {holder:-another program}"
    way = "Close that connection and try again; what was logged is safe in the journals."


@error("cache-unreadable")
class CacheUnreadable(NoObject):
    """A DVC object may be in the cache, but the cache cannot be read."""

    digest: str
    path: str
    place: str = ""
    reason: str = ""
    says = "{path} ({digest:.10}) is not seen: the DVC cache cannot be read ({place}: {reason})"

    @property
    def hint(self) -> str:
        """What to do about the cache."""
        return "Make it readable, or mount it; nothing that was recorded is lost."


@error("import-away")
class ImportAway(NoObject):
    """Imported data is neither in the cache nor on a DVC remote; ``source`` says what brings it."""

    digest: str
    path: str
    source: str = ""

    @property
    def hint(self) -> str:
        """Name DVC's command that brings it."""
        return f"It is imported: `{self.source}` brings it from its source."


@error("store-corrupt")
class StoreCorrupt(CorruptError):
    """The store does not open; it was set aside and could not be rebuilt."""

    path: str
    reason: str
    says = "{path} does not open: {reason}"
    way = "`xvc doctor` rebuilds it from the last version and the journals."


@error("object-corrupt")
class ObjectCorrupt(CorruptError):
    """A cache object's bytes do not have the hash in its name."""

    digest: str
    found: str
    says = "the cache object {digest:.10} holds other bytes ({found:.10})"

    @property
    def hint(self) -> str:
        """Names the source of a good copy; this one may be all that there is."""
        name = f"{self.digest[:2]}/{self.digest[2:]}"
        return (
            f"Rename that file ({name} in DVC's cache), keep it, and `dvc fetch` the object from a "
            "remote; where no remote has it, rename it back."
        )


@error("bad-listing")
class BadListing(CorruptError):
    """The list of a tracked folder names a file outside it, or git's own."""

    path: str
    member: str
    says = "the list of {path} names {member!r}, which is no file in it"
    way = "Track the folder anew with `dvc add`; nothing was written."


@error("asset-corrupt")
class AssetCorrupt(CorruptError):
    """An asset's bytes do not have the sha256 in its name; it was not unpickled."""

    digest: str
    found: str
    says = "the asset {digest:.10} holds other bytes ({found:.10})"
    way = (
        "Remove that file; then `dvc checkout` of the assets.dvc beside the store brings the "
        "version's copy, or log the same object again."
    )


@error("pointer-corrupt")
class PointerCorrupt(CorruptError):
    """A ``.dvc`` file cannot be read."""

    path: str
    reason: str
    says = "{path} cannot be read as a DVC pointer: {reason}"
    way = (
        "`git diff HEAD -- {path}` shows what has changed since the commit; `git checkout HEAD -- "
        "{path}` brings that back."
    )


class PipelineCorrupt(PointerCorrupt):
    """A ``dvc.yaml`` or ``dvc.lock`` cannot be read as DVC reads it."""

    code = "pipeline-corrupt"
    way = "Mend it: `dvc status` reads it, too; `git diff HEAD -- {path}` shows changes."

    def __str__(self) -> str:
        return f"{self.path} cannot be read: {self.reason}"


@error("record-refused")
class RecordRefused(CorruptError):
    """A record of a journal cannot be put into the store."""

    journal: str
    reason: str
    says = "a record of journal {journal} cannot be put into the store: {reason}"
    way = "It is kept; `xvc doctor --retry` tries it again."


@error("too-new")
class TooNew(CorruptError):
    """A journal or store was written by a newer xvc."""

    path: str
    found: int
    known: int
    says = "{path} has schema {found}; this xvc knows up to {known}"
    way = "Upgrade xvc-experiments; nothing was changed."


@error("other-duckdb")
class OtherDuckDB(CorruptError):
    """A store was written by a newer DuckDB than the one here can read, or by one of years ago."""

    path: str
    found: int
    first: int
    last: int

    def __str__(self) -> str:
        age = "a newer" if self.found > self.last else "a much older"
        return (
            f"{self.path} was written by {age} DuckDB: its storage version is {self.found}, "
            f"and the DuckDB here reads {self.first} to {self.last}"
        )

    @property
    def hint(self) -> str:
        """What reads it."""
        way = "`pip install --upgrade duckdb` brings a newer one."
        if self.found < self.first:
            way = "The DuckDB that wrote it exports it: `EXPORT DATABASE`."
        return f"Nothing is lost and nothing was changed. {way}"


_UNSIGNED = ("failed to sign", "unable to sign", "load public key", "signingkey", "ssh signing")
"""What git says where it cannot sign."""

_PARTIAL = ("lazy fetching disabled", "promisor remote")
"""By these git says that an object is only where a partial clone was made from."""


@error("git-failed")
class GitFailed(ExternalError):
    """git refused; its words and the call are kept."""

    arguments: tuple[str, ...]
    exit_status: int
    words: str

    def __str__(self) -> str:
        settings = {at + 1 for at, word in enumerate(self.arguments) if word == "-c"}
        verbs = (a for at, a in enumerate(self.arguments) if at not in settings and a[:1] != "-")
        verb = next(verbs, "git")
        return f"git {verb} failed ({self.exit_status}): {_first_of_git(self.words)}"

    @property
    def is_of_a_partial_clone(self) -> bool:
        """Whether git could not fetch an object that a partial clone had left out."""
        return any(sign in self.words for sign in _PARTIAL)

    @property
    def hint(self) -> str:
        """Quotes the remedy that git itself names, or says what git does not."""
        if any(sign in self.words for sign in _UNSIGNED):
            return (
                "git is told to sign here and cannot: mend its key (`git config user.signingKey`), "
                "or `git config commit.gpgSign false` and `git config tag.gpgSign false`."
            )
        if self.words.endswith("is a pipe"):
            return "Put a file in its place, or remove it: git reads it by its name."
        if self.is_of_a_partial_clone:
            return (
                "This clone is partial, and git cannot fetch what it left out: call again where "
                "its remote is in reach, or `git fetch --refetch --no-filter` there, for all of it."
            )
        lines = [line.strip() for line in self.words.splitlines()[1:]]
        commands = [line for line in lines if line.startswith("git ")]
        return f"git says: {' and '.join(f'`{line}`' for line in commands)}." if commands else ""


@error("ignored-by-git")
class IgnoredByGit(UsageError):
    """git ignores a folder that must be committed."""

    folder: str
    pattern: str
    says = "git ignores {folder} ({pattern}), so DVC can keep no settings there"
    way = (
        "End .gitignore with the lines `!.dvc/`, `!.dvc/config`, `!.dvcignore`, `!.gitignore`, "
        "`!.gitattributes`, `!*.dvc`, `!xvc.yaml` and `!results/`, then call `xvc init` again."
    )


@error("no-identity")
class NoIdentity(ExternalError):
    """git does not know who commits."""

    says = "git does not know your name and e-mail, so it cannot commit or tag"
    way = 'Set them: `git config user.name "…"` and `git config user.email "…"`.'


@error("dvc-failed")
class DvcFailed(ExternalError):
    """DVC refused; its words are kept."""

    doing: str
    words: str
    says = "DVC could not {doing}: {words!l}"
    way = "`xvc doctor` looks at the DVC set-up."


@error("store-failed")
class StoreFailed(ExternalError):
    """DuckDB refused a query or a write; its words are kept."""

    path: str
    words: str
    says = "{path}: {words!l}"


@error("journal-failed")
class JournalFailed(ExternalError):
    """A record could not be written; it is not acknowledged."""

    path: str
    reason: str
    says = "cannot write {path}: {reason}"
    way = "Make room or make it writable; every row logged before is safe."


@error("stream-failed")
class StreamFailed(ExternalError):
    """A row could not be written to a log or a JSONL file."""

    path: str
    reason: str
    says = "cannot write {path}: {reason}"
    way = "Make room or make it writable; rows are in the store, whatever a log lacks."


@error("asset-failed")
class AssetFailed(ExternalError):
    """An asset could not be written; nothing of it is kept."""

    path: str
    reason: str
    says = "cannot keep an asset in {path}: {reason}"
    way = "Make room or make it writable; every row and asset kept before is safe."


@error("target-exists")
class TargetExists(ConflictError):
    """Something is already where a copy is to go."""

    path: str
    says = "{path} is already there"
    way = "Choose another name, or add `--yes` to replace it."
