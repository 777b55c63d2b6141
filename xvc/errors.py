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
from collections.abc import Callable
from difflib import get_close_matches
from inspect import Parameter, Signature
from string import Formatter
from typing import ClassVar, TypeVar, dataclass_transform


def _first_line(words: str) -> str:
    return (words.strip().splitlines() or ["no message"])[0]


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


class _Joined(Formatter):
    """Formats a list of facts as its members with commas between them."""

    def format_field(self, value: object, format_spec: str) -> str:
        if isinstance(value, tuple):
            return ", ".join(str(each) for each in value)
        return str(super().format_field(value, format_spec))


_FORMATTER = _Joined()
_Kind = TypeVar("_Kind", bound=XvcError)


@dataclass_transform()
def error(code: str) -> Callable[[type[_Kind]], type[_Kind]]:
    """Declare an error: its code, its facts as annotated fields, and two templates.

    The facts are the arguments, by position or by name, and survive pickling.

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
        given = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in facts]
        signature = Signature(given)

        def initialize(self: XvcError, *values: object, **named: object) -> None:
            held = signature.bind(*values, **named)
            Exception.__init__(self, *held.args)
            vars(self).update(held.arguments)

        initialize.__annotations__ = dict(facts)
        own = Signature([Parameter("self", Parameter.POSITIONAL_ONLY), *given])
        vars(initialize)["__signature__"] = own
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


class BadVersion(UsageError):
    """A version has another shape than ``e1.4.0``."""

    code = "bad-version"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text!r} is not a version"

    @property
    def hint(self) -> str:
        """Shows the shape."""
        return "A version reads e1.4.0; let xvc choose with `xvc tag minor`."


class BadReference(UsageError):
    """A text can name no run, version or branch."""

    code = "bad-reference"

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text, reason)
        self.text, self.reason = text, reason

    def __str__(self) -> str:
        return f"{self.text!r} names no run: {self.reason}"

    @property
    def hint(self) -> str:
        """Lists the shapes."""
        return "Use a version (e1.4.0), a run id, a branch, @, @-2, best:METRIC or worst:METRIC."


class BadSetting(UsageError):
    """One or more settings cannot be used; all are listed."""

    code = "bad-setting"

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        super().__init__(mistakes)
        self.mistakes = mistakes

    def __str__(self) -> str:
        return "; ".join(self.mistakes)

    @property
    def hint(self) -> str:
        """Names the reference."""
        return (
            "Correct it where it stands; "
            "`xvc init` in a new folder writes an xvc.yaml that explains the settings."
        )


class BadExpression(UsageError):
    """A filter cannot be read."""

    code = "bad-expression"

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text, reason)
        self.text, self.reason = text, reason

    def __str__(self) -> str:
        return f"cannot read the filter {self.text!r}: {self.reason}"

    @property
    def hint(self) -> str:
        """Shows one that works."""
        return "Write it like: accuracy > 0.9 and model == 'logreg'."


class BadValue(UsageError):
    """A logged value or an option's value cannot be kept."""

    code = "bad-value"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


class TooLarge(BadValue):
    """A logged value, a row or a note is larger than a record may be."""

    code = "too-large"

    @property
    def hint(self) -> str:
        """Names where large things go."""
        return "Keep it as a file with `Tracker.log_artifact`, and log the digest it returns."


class BadQuery(UsageError):
    """DuckDB cannot run the SQL that was given."""

    code = "bad-query"

    def __init__(self, words: str, near: tuple[str, ...] = ()) -> None:
        super().__init__(words, near)
        self.words, self.near = words, near

    def __str__(self) -> str:
        return self.words.removesuffix(".")

    @property
    def hint(self) -> str:
        """Names what is near, and the lists."""
        nearest = f"Nearest: {', '.join(self.near)}. " if self.near else ""
        return f"{nearest}`xvc db ls` lists the tables, `xvc db columns TABLE` what is in one."


class WriteRefused(UsageError):
    """A statement that is no question came where only questions are answered."""

    code = "write-refused"

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind

    def __str__(self) -> str:
        return f"{self.kind} is refused: here the store is only read, one SELECT at a time"

    @property
    def hint(self) -> str:
        """Names the ways to change what is kept."""
        return "Change what was logged with `set_value`, `set_where` or `delete_run`."


class NotAStore(UsageError):
    """A path names something that is there and is no store of xvc's."""

    code = "not-a-store"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path} is no store: {self.reason}"

    @property
    def hint(self) -> str:
        """Says that it was left alone, and both ways on."""
        return "It was not touched; move it away, or name another: results/experiments.duckdb."


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
    """The folder to work in does not exist."""

    folder: str
    says = "there is no folder {folder}"


class NotKept(UsageError):
    """Rows were asked back of a tracker that keeps none."""

    code = "not-kept"

    def __str__(self) -> str:
        return "this tracker keeps no rows (SKIP_INSERT)"

    @property
    def hint(self) -> str:
        """Names where the rows are."""
        return "Read them from its log with `Reader.read_logs`, or `Reader.read_jsonl`."


class NoPickle(UsageError):
    """An asset is a file or a folder, where an object was asked for."""

    code = "no-pickle"

    def __init__(self, digest: str) -> None:
        super().__init__(digest)
        self.digest = digest

    def __str__(self) -> str:
        return f"the asset {self.digest[:10]} is no object"

    @property
    def hint(self) -> str:
        """Names the way to its bytes."""
        return f"`xvc assets export {self.digest[:10]} OUT` copies it to a file or folder."


class NoProject(NotFoundError):
    """A command that needs a project was called outside one."""

    code = "no-project"

    def __init__(self, folder: str, lacks: str = "a git repository") -> None:
        super().__init__(folder, lacks)
        self.folder, self.lacks = folder, lacks

    def __str__(self) -> str:
        return f"{self.folder} has no {self.lacks.removeprefix('a ')}"

    @property
    def hint(self) -> str:
        """Names the command that makes one."""
        return "Run `xvc init` there."


class NoRun(NotFoundError):
    """No recorded run answers to a reference."""

    code = "no-run"

    def __init__(self, reference: str) -> None:
        super().__init__(reference)
        self.reference = reference

    def __str__(self) -> str:
        return f"no run answers to {self.reference!r}"

    @property
    def hint(self) -> str:
        """Names the list."""
        return "List runs with `xvc ls`, versions with `xvc log`."


class NoVersion(NotFoundError):
    """No such version tag, or no experiment behind it."""

    code = "no-version"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"there is no version {self.name}"

    @property
    def hint(self) -> str:
        """Names the list and the fetch."""
        return "List versions with `xvc log`; `git fetch --tags` brings those of others."


class NoObject(NotFoundError):
    """A DVC object that a pointer names is not in the cache."""

    code = "no-object"

    def __init__(self, digest: str, path: str) -> None:
        super().__init__(digest, path)
        self.digest, self.path = digest, path

    def __str__(self) -> str:
        return f"{self.path} ({self.digest[:10]}) is not in the DVC cache"

    @property
    def hint(self) -> str:
        """Names the fetch, and what is left without a remote."""
        return (
            f"Fetch it with `dvc fetch {self.path}`, or `dvc fetch --all-tags` for every version; "
            "without a DVC remote only another clone's cache has it."
        )


class NoAsset(NotFoundError):
    """An asset is not in the folder of assets."""

    code = "no-asset"

    def __init__(self, digest: str) -> None:
        super().__init__(digest)
        self.digest = digest

    def __str__(self) -> str:
        return f"there is no asset {self.digest!r} here"

    @property
    def hint(self) -> str:
        """Names the fetch and the list."""
        return (
            "`dvc pull` brings the assets of a version, `dvc checkout` those already fetched; "
            "`xvc assets ls` lists them, and eight letters of a digest are enough."
        )


_OF_A_SHELL = ("cd", "source", "export", "alias", "set", "ulimit", "eval", "if", "for", "while")


class NoCommand(NotFoundError):
    """The wrapped command could not be started."""

    code = "no-command"
    exit_code = 127

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"cannot start {self.name!r}: {self.reason}"

    @property
    def hint(self) -> str:
        """Shows the shape of a call, or of one that a shell is needed for."""
        if re.match(r"[A-Za-z_]\w*=", self.name):
            name = self.name.partition("=")[0]
            return f"`env` sets a variable: `xvc run -- env {name}=… python train.py`."
        if re.search(r"[\s|;&<>$`*]", self.name) or self.name in _OF_A_SHELL:
            return "A shell takes a line as one argument: `xvc run -- sh -c 'cd sub && ./train'`."
        return "Everything after `--` is the command: `xvc run -- python train.py`."


class NoStore(NotFoundError):
    """Nothing was ever logged where a store was looked for."""

    code = "no-store"

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"there is no store {self.path}"

    @property
    def hint(self) -> str:
        """Names what makes one."""
        return "`Tracker` makes it with the first row; look at the path and the current folder."


class NoTable(NotFoundError):
    """No row was ever logged into a table of this name."""

    code = "no-table"

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name, known)
        self.name, self.known = name, known

    def __str__(self) -> str:
        return f"there is no table {self.name!r}"

    @property
    def hint(self) -> str:
        """Names the nearest, and the list."""
        return f"{_nearest(self.name, self.known)} `xvc db ls` lists the tables."


class NoColumn(NotFoundError, KeyError):
    """No row has such a key. A `KeyError`, too."""

    code = "no-column"

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name, known)
        self.name, self.known = name, known

    def __str__(self) -> str:
        return f"no row has the key {self.name!r}"

    @property
    def hint(self) -> str:
        """Names the nearest, and the list."""
        return f"{_nearest(self.name, self.known)} `xvc db columns TABLE` lists the keys."


class NoPackage(NotFoundError):
    """What was asked for needs a package that is not installed."""

    code = "no-package"

    def __init__(self, name: str, extra: str) -> None:
        super().__init__(name, extra)
        self.name, self.extra = name, extra

    def __str__(self) -> str:
        return f"{self.name} is not installed"

    @property
    def hint(self) -> str:
        """Names the extra."""
        return f"Install `xvc-experiments[{self.extra}]`."


class TagTaken(ConflictError):
    """The wanted tag already marks another commit."""

    code = "tag-taken"

    def __init__(self, name: str, holder: str) -> None:
        super().__init__(name, holder)
        self.name, self.holder = name, holder

    def __str__(self) -> str:
        return f"tag {self.name!r} already marks {self.holder[:10]}"

    @property
    def hint(self) -> str:
        """Names the way to a free one."""
        return "Take the next version with `xvc tag minor`."


class TreeDiffers(ConflictError):
    """The code in the tree is not the code that the run used."""

    code = "tree-differs"

    def __init__(self, run: str, paths: tuple[str, ...]) -> None:
        super().__init__(run, paths)
        self.run, self.paths = run, paths

    def __str__(self) -> str:
        shown = ", ".join(self.paths[:5]) + (" …" if len(self.paths) > 5 else "")
        return f"the code has changed since run {self.run}: {shown}"

    @property
    def hint(self) -> str:
        """Names both ways on."""
        return (
            f"`xvc tag --run {self.run}` tags the code that the run really used; "
            f"add `--commit` to put that code on your branch first."
        )


class AmbiguousRun(ConflictError):
    """A prefix fits more than one run."""

    code = "ambiguous-run"

    def __init__(self, prefix: str, candidates: tuple[str, ...]) -> None:
        super().__init__(prefix, candidates)
        self.prefix, self.candidates = prefix, candidates

    def __str__(self) -> str:
        return f"{self.prefix!r} fits {len(self.candidates)} runs: {', '.join(self.candidates[:5])}"

    @property
    def hint(self) -> str:
        """Asks for more letters."""
        return "Give one more letter of the id."


class AmbiguousAsset(ConflictError):
    """The beginning of a digest fits more than one asset."""

    code = "ambiguous-asset"

    def __init__(self, prefix: str, candidates: tuple[str, ...]) -> None:
        super().__init__(prefix, candidates)
        self.prefix, self.candidates = prefix, candidates

    def __str__(self) -> str:
        return f"{self.prefix!r} fits {len(self.candidates)} assets: {', '.join(self.candidates)}"

    @property
    def hint(self) -> str:
        """Asks for more letters."""
        return "Give one more letter of the digest."


class Unresolved(ConflictError):
    """A pointer still holds the marks of an unfinished merge."""

    code = "unresolved"

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path} holds an unfinished merge"

    @property
    def hint(self) -> str:
        """Names the merge driver, which a fresh clone may lack, and git's own way out."""
        return (
            f"A store's: `xvc doctor`, `git checkout -m {self.path}`, then `git add`. Else choose "
            f"a side with `git checkout --ours {self.path}` (or --theirs), then `git add`."
        )


class ForeignProject(ConflictError):
    """A folder belongs to the other program called xvc."""

    code = "foreign-project"

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.folder = folder

    def __str__(self) -> str:
        return f"{self.folder} belongs to another program that is also called xvc"

    @property
    def hint(self) -> str:
        """Says what the two share."""
        return "The two cannot share a repository; use a separate one for xvc-experiments."


class LockBusy(BusyError):
    """Another process holds one of xvc's locks."""

    code = "lock-busy"

    def __init__(self, name: str, holder: str) -> None:
        super().__init__(name, holder)
        self.name, self.holder = name, holder

    def __str__(self) -> str:
        return f"{self.name} is held by {self.holder or 'another process'}"

    @property
    def hint(self) -> str:
        """Says that nothing is lost."""
        return "Nothing is lost; try again when it is done."


class StoreBusy(BusyError):
    """Another program holds the store open for writing."""

    code = "store-busy"

    def __init__(self, path: str, holder: str) -> None:
        super().__init__(path, holder)
        self.path, self.holder = path, holder

    def __str__(self) -> str:
        return f"{self.path} is open in {self.holder or 'another program'}"

    @property
    def hint(self) -> str:
        """Says what to close."""
        return "Close that connection and try again; what was logged is safe in the journals."


class StoreCorrupt(CorruptError):
    """The store does not open; it was set aside and could not be rebuilt."""

    code = "store-corrupt"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path} does not open: {self.reason}"

    @property
    def hint(self) -> str:
        """Names the check."""
        return "`xvc doctor` rebuilds it from the last version and the journals."


class ObjectCorrupt(CorruptError):
    """A cache object's bytes do not have the hash in its name."""

    code = "object-corrupt"

    def __init__(self, digest: str, found: str) -> None:
        super().__init__(digest, found)
        self.digest, self.found = digest, found

    def __str__(self) -> str:
        return f"the cache object {self.digest[:10]} holds other bytes ({self.found[:10]})"

    @property
    def hint(self) -> str:
        """Names the source of a good copy; this one may be all that there is."""
        name = f"{self.digest[:2]}/{self.digest[2:]}"
        return (
            f"Rename that file ({name} in DVC's cache), keep it, and `dvc fetch` the object from a "
            "remote; where no remote has it, rename it back."
        )


class BadListing(CorruptError):
    """The list of a tracked folder names a file outside it."""

    code = "bad-listing"

    def __init__(self, path: str, member: str) -> None:
        super().__init__(path, member)
        self.path, self.member = path, member

    def __str__(self) -> str:
        return f"the list of {self.path} names {self.member!r}, which is outside it"

    @property
    def hint(self) -> str:
        """Says what to doubt."""
        return "Track the folder anew with `dvc add`; nothing was written."


class AssetCorrupt(CorruptError):
    """An asset's bytes do not have the sha256 in its name; it was not unpickled."""

    code = "asset-corrupt"

    def __init__(self, digest: str, found: str) -> None:
        super().__init__(digest, found)
        self.digest, self.found = digest, found

    def __str__(self) -> str:
        return f"the asset {self.digest[:10]} holds other bytes ({self.found[:10]})"

    @property
    def hint(self) -> str:
        """Names both sources of a good copy."""
        return (
            "Remove that file; then `dvc checkout` brings the version's copy, "
            "or log the same object again."
        )


class PointerCorrupt(CorruptError):
    """A ``.dvc`` file cannot be read."""

    code = "pointer-corrupt"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path} is no DVC pointer: {self.reason}"

    @property
    def hint(self) -> str:
        """Names the look at git's copy, and the way back to it."""
        return (
            f"`git diff HEAD -- {self.path}` shows what has changed since the commit; "
            f"`git checkout HEAD -- {self.path}` brings that back."
        )


class PipelineCorrupt(PointerCorrupt):
    """A ``dvc.yaml`` or ``dvc.lock`` cannot be read as DVC reads it."""

    code = "pipeline-corrupt"

    def __str__(self) -> str:
        return f"{self.path} cannot be read: {self.reason}"

    @property
    def hint(self) -> str:
        """Names DVC's own check."""
        return f"Mend it: `dvc status` reads it, too; `git diff HEAD -- {self.path}` shows changes."


class RecordRefused(CorruptError):
    """A record of a journal cannot be put into the store."""

    code = "record-refused"

    def __init__(self, journal: str, reason: str) -> None:
        super().__init__(journal, reason)
        self.journal, self.reason = journal, reason

    def __str__(self) -> str:
        return f"a record of journal {self.journal} cannot be put into the store: {self.reason}"

    @property
    def hint(self) -> str:
        """Names the call that tries it again."""
        return "It is kept; `xvc doctor --retry` tries it again."


class TooNew(CorruptError):
    """A journal or store was written by a newer xvc."""

    code = "too-new"

    def __init__(self, path: str, found: int, known: int) -> None:
        super().__init__(path, found, known)
        self.path, self.found, self.known = path, found, known

    def __str__(self) -> str:
        return f"{self.path} has schema {self.found}; this xvc knows up to {self.known}"

    @property
    def hint(self) -> str:
        """Names the upgrade."""
        return "Upgrade xvc-experiments; nothing was changed."


class GitFailed(ExternalError):
    """git refused; its words and the call are kept."""

    code = "git-failed"

    def __init__(self, arguments: tuple[str, ...], exit_status: int, words: str) -> None:
        super().__init__(arguments, exit_status, words)
        self.arguments, self.exit_status, self.words = arguments, exit_status, words

    def __str__(self) -> str:
        settings = {at + 1 for at, word in enumerate(self.arguments) if word == "-c"}
        verbs = (a for at, a in enumerate(self.arguments) if at not in settings and a[:1] != "-")
        verb = next(verbs, "git")
        return f"git {verb} failed ({self.exit_status}): {_first_line(self.words)}"

    @property
    def hint(self) -> str:
        """Quotes the remedy that git itself names."""
        lines = [line.strip() for line in self.words.splitlines()[1:]]
        commands = [line for line in lines if line.startswith("git ")]
        return f"git says: {' and '.join(f'`{line}`' for line in commands)}." if commands else ""


class IgnoredByGit(UsageError):
    """git ignores a folder that must be committed."""

    code = "ignored-by-git"

    def __init__(self, folder: str, pattern: str) -> None:
        super().__init__(folder, pattern)
        self.folder, self.pattern = folder, pattern

    def __str__(self) -> str:
        return f"git ignores {self.folder} ({self.pattern}), so DVC can keep no settings there"

    @property
    def hint(self) -> str:
        """Names the lines that let the files of a project through."""
        return (
            "End .gitignore with the lines `!.dvc/`, `!.dvcignore`, `!.gitattributes`, `!*.dvc`, "
            "`!xvc.yaml` and `!results/`, then call `xvc init` again."
        )


class NoIdentity(ExternalError):
    """git does not know who commits."""

    code = "no-identity"

    def __str__(self) -> str:
        return "git does not know your name and e-mail, so it cannot commit or tag"

    @property
    def hint(self) -> str:
        """Shows git's own commands."""
        return 'Set them: `git config user.name "…"` and `git config user.email "…"`.'


class DvcFailed(ExternalError):
    """DVC refused; its words are kept."""

    code = "dvc-failed"

    def __init__(self, doing: str, words: str) -> None:
        super().__init__(doing, words)
        self.doing, self.words = doing, words

    def __str__(self) -> str:
        return f"DVC could not {self.doing}: {_first_line(self.words)}"

    @property
    def hint(self) -> str:
        """Names the check."""
        return "`xvc doctor` looks at the DVC set-up."


class StoreFailed(ExternalError):
    """DuckDB refused a query or a write; its words are kept."""

    code = "store-failed"

    def __init__(self, path: str, words: str) -> None:
        super().__init__(path, words)
        self.path, self.words = path, words

    def __str__(self) -> str:
        return f"{self.path}: {_first_line(self.words)}"


class JournalFailed(ExternalError):
    """A record could not be written; it is not acknowledged."""

    code = "journal-failed"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"cannot write {self.path}: {self.reason}"

    @property
    def hint(self) -> str:
        """Says what is safe."""
        return "Make room or make it writable; every row logged before is safe."


class StreamFailed(ExternalError):
    """A row could not be written to a log or a JSONL file."""

    code = "stream-failed"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"cannot write {self.path}: {self.reason}"

    @property
    def hint(self) -> str:
        """Says what is safe."""
        return "Make room or make it writable; rows are in the store, whatever a log lacks."


class AssetFailed(ExternalError):
    """An asset could not be written; nothing of it is kept."""

    code = "asset-failed"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"cannot keep an asset in {self.path}: {self.reason}"

    @property
    def hint(self) -> str:
        """Says what is safe."""
        return "Make room or make it writable; every row and asset kept before is safe."


class TargetExists(ConflictError):
    """Something is already where a copy is to go."""

    code = "target-exists"

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path} is already there"

    @property
    def hint(self) -> str:
        """Names both ways on."""
        return "Choose another name, or add `--yes` to replace it."
