"""What the fault tests share: repositories to hurt, commands to hurt them with, and the checks.

The checks are the promises of the manual: every acknowledged row exactly once, git sound, every
version's pointer resolved, the user's files as they were, and the next command works.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import yaml

from forked import Outcome, Running, Server

HERE = Path(__file__).parent
STORE = "results/experiments.duckdb"
POINTER = STORE + ".dvc"
PYTHON = sys.executable
NOBODY = 65534

LOGGING = '''\
"""Logs rows, and writes each token to a file of its own once it was acknowledged."""
import os, sys
from xvc import Tracker

mark, count = sys.argv[1], int(sys.argv[2])
acks = os.open(os.environ["ACKS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
tracker = Tracker()
for step in range(count):
    token = f"{mark}-{step}"
    row = {"token": token, "step": step, "loss": 1.0 / (step + 1)}
    if step == 2:
        row["Late/Key"] = "x" * 40
    tracker.log(row)
    os.write(acks, f"{token}\\n".encode())
'''


@dataclass
class Repo:
    """A git repository with a training script, and everything around it that is not in it."""

    root: Path
    aside: Path
    server: Server
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        home = self.aside / "home"
        return {
            "PATH": f"{Path(PYTHON).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "TMPDIR": str(self.aside / "tmp"),
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(self.aside / "site"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "ACKS": str(self.aside / "acks"),
            "LANG": "C.UTF-8",
            **self.extra,
        }

    @property
    def store(self) -> Path:
        return self.root / STORE

    @property
    def room(self) -> Path:
        return self.root / ".git" / "xvc"

    def start(self, *words: str, **wishes: object) -> Running:
        folder = Path(str(wishes.pop("folder", self.root)))
        more = wishes.pop("more", {})
        environment = {**self.environment, **more}
        return self.server.start(words, folder, environment=environment, prefix=self.root, **wishes)

    def xvc(self, *words: str, **wishes: object) -> Outcome:
        return self.start("xvc", *words, **wishes).wait()

    def ran(self, *words: str, **wishes: object) -> Outcome:
        """Run a command that has to succeed."""
        outcome = self.xvc(*words, **wishes)
        assert outcome.code == 0, f"xvc {' '.join(words)}: {outcome.said}"
        return outcome

    def run_logging(self, mark: str, count: int = 3, *options: str, **wishes: object) -> Outcome:
        words = self.logging(mark, count)
        return self.xvc("run", *options, "--", *words, **wishes)

    def logging(self, mark: str, count: int = 3) -> list[str]:
        return [PYTHON, "log_rows.py", mark, str(count)]

    def git(self, *words: str, check: bool = True) -> str:
        called = subprocess.run(
            ["git", *words],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or called.returncode == 0, called.stderr
        return called.stdout.strip()

    def acks(self) -> list[str]:
        path = self.aside / "acks"
        return path.read_text().split() if path.exists() else []

    def tokens(self) -> Counter[str]:
        """Count each logged token in the store, after whatever waits was folded."""
        self.ran("ls")
        return tokens_in(self.store)

    def seen(self, folder: Path | None = None) -> Counter[str]:
        """Count each logged token as a reader sees it, also while the store is held."""
        script = self.aside / "see.py"
        script.write_text(_SEE)
        outcome = self.start(str(script), folder=folder or self.root).wait()
        assert outcome.code == 0, outcome.said
        return Counter(json.loads(outcome.out))

    def runs(self) -> list[dict]:
        return self.ran("ls", "--json", "--limit", "0").data["runs"]

    def index(self) -> str:
        return digest(self.root / ".git" / "index", "sha256")

    def tags(self) -> list[str]:
        return self.git("tag", "--list", "e*").split()

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", message)


_SEE = """
import json, os
from collections import Counter
from pathlib import Path
from xvc.project import Project

with Project.find(Path.cwd(), os.environ).keeper.view() as connection:
    found = connection.execute("SELECT token FROM events WHERE token IS NOT NULL").fetchall()
print(json.dumps(Counter(token for (token,) in found)))
"""


def tokens_in(store: Path) -> Counter[str]:
    """Read the tokens with plain DuckDB, as a person would."""
    with duckdb.connect(str(store), read_only=True) as connection:
        tables = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
        if "events" not in tables:
            return Counter()
        found = connection.execute("SELECT token FROM events WHERE token IS NOT NULL").fetchall()
    return Counter(token for (token,) in found)


def new_repo(root: Path, aside: Path, server: Server) -> Repo:
    """Make a repository with one commit; xvc is not set up in it."""
    root.mkdir(parents=True)
    for name in ("home/.config", "tmp", "site"):
        (aside / name).mkdir(parents=True, exist_ok=True)
    (aside / "home" / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    repo = Repo(root, aside, server)
    repo.git("init", "-q")
    shutil.rmtree(root / ".git" / "hooks", ignore_errors=True)
    repo.write("log_rows.py", LOGGING)
    repo.write("params.yaml", "lr: 0.1\nmodel: ridge\n")
    repo.commit("begin")
    return repo


def copy_repo(repo: Repo, place: Path) -> Repo:
    """Copy a repository with what is around it, so that xvc takes the copy for what it left."""
    place.mkdir(parents=True, exist_ok=True)
    copy = Repo(place / "repo", place / "aside", repo.server, dict(repo.extra))
    subprocess.run(["cp", "-a", str(repo.root), str(copy.root)], check=True)
    subprocess.run(["cp", "-a", str(repo.aside), str(copy.aside)], check=True)
    state = copy.room / "stores" / "main.json"
    if state.exists():
        facts, held = copy.store.stat(), json.loads(state.read_text())
        held["stamp"] = [facts.st_ino, facts.st_size, facts.st_mtime_ns]
        held["place"] = str(copy.store)  # else git's hook starts xvc whenever git writes its index
        state.write_text(json.dumps(held, separators=(",", ":")))
    return copy


def digest(path: Path, kind: str = "md5") -> str:
    return hashlib.new(kind, path.read_bytes(), usedforsecurity=False).hexdigest()


def object_of(repo: Repo, revision: str) -> Path:
    """Name the cache object that a revision's store pointer means."""
    found = yaml.safe_load(repo.git("show", f"{revision}:{POINTER}"))["outs"][0]["md5"]
    return repo.root / ".dvc/cache/files/md5" / found[:2] / found[2:]


def set_aside(repo: Repo, word: str = "corrupt") -> list[Path]:
    return sorted(repo.store.parent.glob(f"{repo.store.name}.{word}-*"))


def check_git(repo: Repo) -> None:
    """git finds nothing wrong; HEAD and every version can be read."""
    found = subprocess.run(
        ["git", "fsck", "--strict", "--no-dangling", "--no-progress"],
        cwd=repo.root,
        env=repo.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert "error" not in found.stderr, found.stderr
    repo.git("rev-parse", "--verify", "HEAD^{commit}")
    for tag in repo.tags():
        assert repo.git("cat-file", "-t", f"refs/tags/{tag}") == "tag"


def check_versions(repo: Repo) -> None:
    """Every version's pointer leads to an object that holds the bytes it is named for."""
    for tag in repo.tags():
        place = object_of(repo, f"refs/tags/{tag}")
        assert place.is_file(), f"{tag}: {place} is missing"
        assert digest(place) == place.parent.name + place.name, f"{tag}: {place} is rotten"


def check_rows(repo: Repo, found: Mapping[str, int], *, also: Sequence[str] = ()) -> None:
    """Every acknowledged row is there once; an unacknowledged one at most once."""
    expected = {*repo.acks(), *also}
    missing = expected - set(found)
    assert not missing, f"lost rows: {sorted(missing)}"
    twice = {token: count for token, count in found.items() if count != 1}
    assert not twice, f"rows that are there more than once: {twice}"


def wait_for(claim: object, seconds: float = 20, what: str = "it") -> None:
    """Poll until *claim* answers true."""
    deadline = time.monotonic() + seconds
    while not claim():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.005)
