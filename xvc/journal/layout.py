"""Where journals and xvc's other private files lie. Paths only: nothing is read or written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Room:
    """The private folder of a repository, shared by its worktrees, or of one store outside git.

    ``tree`` names the work tree (``main``, or the worktree's own name): each has its own store,
    and so its own journals.
    """

    folder: Path
    tree: str = "main"

    @property
    def journals(self) -> Path:
        """Journals whose rows may not all be in the store yet."""
        return self.folder / "journals" / self.tree

    @property
    def folded(self) -> Path:
        """Journals of ended writers, all in the store, kept until a version holds their rows."""
        return self.journals / "folded"

    @property
    def kept(self) -> Path:
        """Journals whose rows a version holds, but none on the branch that their runs were on."""
        return self.journals / "kept"

    @property
    def quarantine(self) -> Path:
        """Damaged lines, by the name of the journal they were in."""
        return self.folder / "quarantine"

    @property
    def refused(self) -> Path:
        """Records that this tree's store could not take, by the name of the journal they are in."""
        return self.folder / "refused" / self.tree

    @property
    def scratch(self) -> Path:
        """Files that no one misses after a crash."""
        return self.folder / "tmp"

    def modules_of(self, run: str) -> Path:
        """The source files that the processes of a run have loaded, as they leave them."""
        return self.scratch / f"modules-{run}"

    @property
    def logs(self) -> Path:
        """The output of runs, by run id."""
        return self.folder / "logs"

    @property
    def exit_codes(self) -> Path:
        """The exit codes of processes whose runs wait for them, a file for each run."""
        return self.folder / "exit-codes" / self.tree

    @property
    def last_words(self) -> Path:
        """What workers of pools were at when their pool ended them, a file for each process."""
        return self.folder / "last-words" / self.tree

    @property
    def store_lock(self) -> Path:
        """Held while the store of this tree is written."""
        return self.folder / "locks" / f"store-{self.tree}"

    @property
    def run_times(self) -> Path:
        """When runs were going on in this tree."""
        return self.folder / "run-times" / f"{self.tree}.jsonl"

    @property
    def data_looks(self) -> Path:
        """What the data of this tree looked like when xvc last looked, a file for each path."""
        return self.folder / "data-looks" / self.tree

    @property
    def searched(self) -> Path:
        """In which texts no secret was found, by digests that say nothing else of them."""
        return self.folder / "texts-without-secrets"

    @property
    def version_lock(self) -> Path:
        """Held while a version is made, by all trees."""
        return self.folder / "locks" / "versions"

    def table_lock(self, name: str) -> Path:
        """Held while a table, of which *name* is made, is written."""
        return self.folder / "locks" / f"table-{name}"

    @property
    def store_state(self) -> Path:
        """What the store of this tree looked like when xvc last left it."""
        return self.folder / "stores" / f"{self.tree}.json"

    @property
    def merge(self) -> Path:
        """What a merge of this tree left to decide; there only while one is unfinished."""
        return self.folder / "merges" / self.tree

    @property
    def pending(self) -> Path:
        """The changes under way, a file each: of versions, models, stores and branches."""
        return self.folder / "pending"

    def pending_worktree(self, name: str) -> Path:
        """What git is doing for one work tree, a file each; another lock guards them."""
        return self.pending / "worktrees" / name

    @property
    def set_up(self) -> Path:
        """The files of `xvc init` in this tree that wait for a commit; there only until then."""
        return self.folder / "set-up" / f"{self.tree}.json"

    @property
    def operations(self) -> Path:
        """The operation log."""
        return self.folder / "operations.jsonl"

    @property
    def worktrees(self) -> Path:
        """What is remembered of each work tree that xvc made, by its name."""
        return self.folder / "worktrees"

    @property
    def worktree_lock(self) -> Path:
        """Held while git makes or forgets a work tree."""
        return self.folder / "locks" / "worktrees"

    @property
    def removed(self) -> Path:
        """The journals of work trees that are gone, a folder each."""
        return self.folder / "journals" / "removed"

    @property
    def sweeps(self) -> Path:
        """What is known of each sweep, a folder each."""
        return self.folder / "sweeps"

    def marks(self, below: str) -> Path:
        """The objects that nothing needed at the last `xvc gc`, with the time.

        *below* is the folder of the DVC repository whose cache they are in, from the top of a tree.
        """
        return self.folder / "gc" / f"marks{_of(below)}.json"

    @property
    def dvc_cache(self) -> Path:
        """DVC's objects, for the trees of a bare repository: no tree of it is the main one."""
        return self.folder / "dvc-cache"

    def stores_kept(self, below: str) -> Path:
        """A second name for each store in the cache of a DVC repository, by digest."""
        return self.folder / "stores-kept" / _of(below)

    @property
    def dvc_site(self) -> Path:
        """DVC's own state, kept out of shared folders."""
        return self.folder / "dvc-site"


def _of(below: str) -> str:
    return "" if below == "." else f"+{quote(below, safe='')}"
