"""Repositories as a stranger might make them, and what every command does in a clone of each.

``scripts/hostile.py`` prints the table: a row is a repository, with what was read and written
outside it and what the commands said. `tests/test_hostile_kinds.py` runs some of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from surroundings import Called, Calling, git

PRIVATE = "PRIVATE-4f1c"
FIGURE = "0.918273"
VARIABLE = "ROOM_OF_ADA"
STORE = "results/experiments.duckdb"
ODD = "a\x1b[31mred\x1b]0;t\x07\x9b2J\u202eevil\u2066\x7f\r\x08"
_RAW = frozenset(
    [*map(chr, [*range(9), *range(11, 32), *range(127, 160)]), *"\u202a\u202b\u202d\u202e\u2066"]
)
_TOO_LONG = 60  # seconds of one call: then it hangs


@dataclass(frozen=True)
class Scene:
    """Where things lie: the stranger's tree, its hub and DVC remote, what is private, the clone."""

    folder: Path

    @property
    def tree(self) -> Path:
        """The stranger's project."""
        return self.folder / "tree"

    @property
    def hub(self) -> Path:
        """The bare repository that is cloned."""
        return self.folder / "hub.git"

    @property
    def shelf(self) -> Path:
        """The DVC remote."""
        return self.folder / "shelf"

    @property
    def outside(self) -> Path:
        """What is private: a folder beside the clone, and beside the tree."""
        return self.folder / "private"

    @property
    def clone(self) -> Path:
        """The clone in which xvc is called."""
        return self.folder / "clone"


Making = Callable[[Scene], None]


def settings(text: str) -> Making:
    """Settings of xvc: ``PRIVATE`` stands for the private folder."""
    return file("xvc.yaml", text)


def file(name: str, text: str) -> Making:
    """A file of the tree."""

    def make(scene: Scene) -> None:
        place = scene.tree / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.replace("PRIVATE", str(scene.outside)))

    return make


def dvc_settings(text: str) -> Making:
    """Lines at the end of DVC's settings; what ``[core]`` says stands in place of what it said."""

    def make(scene: Scene) -> None:
        config = scene.tree / ".dvc/config"
        held, said = config.read_text(), text.replace("PRIVATE", str(scene.outside))
        if said.startswith("[core]\n    remote"):
            held = held.replace("    remote = shelf\n", "", 1)
        if said.startswith("[core]\n"):
            core, _, rest = said.partition("['")
            held, said = held.replace("[core]\n", core, 1), f"['{rest}" if rest else ""
        config.write_text(held + said)

    return make


def link(name: str, target: str) -> Making:
    """A tracked link from a place in the tree to one in the private folder."""

    def make(scene: Scene) -> None:
        place = scene.tree / name
        if place.is_dir() and not place.is_symlink():
            git(scene.tree, "rm", "-rqf", "--cached", "--ignore-unmatch", name)
            place.rename(scene.folder / "aside")
        place.unlink(missing_ok=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.path.relpath(scene.outside / target, place.parent))

    return make


def link_inside(name: str, target: str) -> Making:
    """A tracked link to another place of the tree, git's own folder for example."""

    def make(scene: Scene) -> None:
        place = scene.tree / name
        place.unlink(missing_ok=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.path.relpath(scene.tree / target, place.parent))

    return make


def store(sql: str) -> Making:
    """The store as another program has changed it, sent by DVC's remote as any store is."""

    def make(scene: Scene) -> None:
        place = scene.tree / STORE
        place.chmod(0o644)
        with duckdb.connect(str(place)) as connection:
            connection.execute(sql.replace("PRIVATE", str(scene.outside)))
        repointed(scene, place.read_bytes())

    return make


def tracked_store(content: bytes) -> Making:
    """A file in place of the store that git tracks."""

    def make(scene: Scene) -> None:
        place = scene.tree / STORE
        place.unlink(missing_ok=True)
        place.write_bytes(content)

    return make


def sent_store(content: bytes) -> Making:
    """A file in place of the store that comes by DVC's remote."""
    return lambda scene: repointed(scene, content)


def kept(scene: Scene, content: bytes, ending: str = "") -> str:
    """Put an object on the DVC remote; returns its digest."""
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest() + ending
    place = scene.shelf / "files/md5" / digest[:2] / digest[2:]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.write_bytes(content)
    return digest


def repointed(scene: Scene, content: bytes) -> None:
    """Let the store's pointer name other bytes, which lie on the DVC remote."""
    digest = kept(scene, content)
    facts = f"outs:\n- md5: {digest}\n  size: {len(content)}\n  hash: md5\n"
    (scene.tree / f"{STORE}.dvc").write_text(f"{facts}  path: experiments.duckdb\n")


def listing(entries: Sequence[object] | str) -> Making:
    """A tracked folder whose list is as a stranger wrote it."""

    def make(scene: Scene) -> None:
        text = entries if isinstance(entries, str) else json.dumps(list(entries))
        text = text.replace("PRIVATE", str(scene.outside))
        digest = kept(scene, text.encode(), ".dir")
        kept(scene, b"x")
        pointer = f"outs:\n- md5: {digest}\n  size: 1\n  hash: md5\n  path: extra\n"
        (scene.tree / "extra.dvc").write_text(pointer)

    return make


def pointers(*paths: str) -> Making:
    """Pointers whose outputs lie elsewhere; the object is on the remote."""

    def make(scene: Scene) -> None:
        digest = kept(scene, b"x")
        for number, path in enumerate(paths):
            place = path.replace("PRIVATE", str(scene.outside))
            text = f"outs:\n- md5: {digest}\n  size: 1\n  hash: md5\n  path: {json.dumps(place)}\n"
            (scene.tree / f"{number}.dvc").write_text(text)

    return make


def refs(*names: str) -> Making:
    """Refs of the hub with names that git takes and nobody expects."""

    def make(scene: Scene) -> None:
        head = git(scene.tree, "rev-parse", "HEAD")
        packed = scene.hub / "packed-refs"
        lines = (
            packed.read_text().splitlines() if packed.exists() else ["# pack-refs with: peeled "]
        )
        packed.write_text("\n".join([*lines, *(f"{head} {name}" for name in names), ""]))

    return make


def both(*parts: Making) -> Making:
    """Several of these."""

    def make(scene: Scene) -> None:
        for part in parts:
            part(scene)

    return make


@dataclass(frozen=True)
class Kind:
    """One kind of hostile repository; *settle* adds to the clone what git does not carry.

    *command* is what is run there: a script that itself opens what is private tells nothing of xvc.
    """

    make: Making
    settle: Making = field(default=lambda scene: None)
    command: str = "python train.py"

    def calls(self, every: Sequence[str]) -> list[str]:
        """Put what is run there into calls."""
        return [each.replace("python train.py", self.command) for each in every]


def _fifo(*names: str) -> Making:
    def settle(scene: Scene) -> None:
        for name in names:
            place = scene.clone / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_dir():
                shutil.rmtree(place)
            place.unlink(missing_ok=True)
            os.mkfifo(place)

    return settle


def _renamed_run(name: str) -> str:
    """SQL that gives the newest run another id, wherever it is named."""
    newest, other = "(SELECT max(id) FROM runs)", "'" + name.replace("'", "''") + "'"
    return (
        f"UPDATE events SET track_id = {other} WHERE track_id = {newest}; "
        f"UPDATE runs SET id = {other} WHERE id = {newest}"
    )


def _many_tables(scene: Scene) -> None:
    store(
        "; ".join(
            f"CREATE TABLE t{n} (row_id UUID, track_id VARCHAR, timestamp TIMESTAMPTZ, a INT)"
            for n in range(1_000)
        )
        + "; INSERT INTO meta SELECT 'table', 't' || i FROM range(1000) t(i)"
    )(scene)


def _cut_store(scene: Scene) -> None:
    sent_store((scene.tree / STORE).read_bytes()[:70_000])(scene)


def _newer_store(scene: Scene) -> None:
    """The header says a storage version that no DuckDB of today has written."""
    held = bytearray((scene.tree / STORE).read_bytes())
    held[12:20] = (9_999).to_bytes(8, "little")
    sent_store(bytes(held))(scene)


def _enciphered_store(scene: Scene) -> None:
    place = scene.folder / "enciphered.duckdb"
    with duckdb.connect() as connection:
        connection.execute("SET force_mbedtls_unsafe = 'true'")
        connection.execute(
            f"ATTACH '{place}' AS e (ENCRYPTION_KEY 'sesame', ENCRYPTION_CIPHER 'CTR')"
        )
        connection.execute("CREATE TABLE e.runs (id VARCHAR); DETACH e")
    sent_store(place.read_bytes())(scene)


def _foreign_log(scene: Scene) -> None:
    """What another store has not yet written into its file lies beside ours."""
    other = scene.folder / "other.duckdb"
    call = f"""
import duckdb, os, shutil
c = duckdb.connect({str(other)!r})
c.execute("SET checkpoint_threshold = '1TB'")
c.execute("CREATE TABLE runs AS SELECT 'evil' AS id FROM range(9)")
shutil.copyfile({f"{other}.wal"!r}, {f"{scene.clone / STORE}.wal"!r})
os._exit(0)
"""
    (scene.clone / STORE).parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-c", call], check=True)


def _replaced_store(make: Callable[[Path], object]) -> Making:
    """Something in the place of the clone's store."""

    def settle(scene: Scene) -> None:
        place = scene.clone / STORE
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        make(place)

    return settle


def _dangling(place: Path) -> None:
    place.symlink_to("nowhere/at/all.duckdb")


def _socket(place: Path) -> None:
    here = os.getcwd()
    os.chdir(place.parent)  # a socket's name is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(place.name)
    finally:
        os.chdir(here)


def _device(place: Path) -> None:
    """A device where we may make one, else a link to it."""
    try:
        os.mknod(place, 0o600 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        place.symlink_to("/dev/zero")


def _nothing(scene: Scene) -> None:
    """Change nothing."""


def _secret_in_clone(scene: Scene) -> None:
    (scene.clone / ".env").write_text(f"TOKEN={PRIVATE}\n")


def _no_settings(scene: Scene) -> None:
    (scene.tree / "xvc.yaml").unlink()


def _loop(scene: Scene) -> None:
    for name in ("loop", "params.yaml", "extra.dvc", "dvc.yaml"):
        (scene.tree / name).unlink(missing_ok=True)
        (scene.tree / name).symlink_to(name)


def _folder_for_store(scene: Scene) -> None:
    (scene.tree / STORE).unlink()
    (scene.tree / STORE).mkdir()
    (scene.tree / STORE / "x").write_text("x")


def _bare_in_tree(scene: Scene) -> None:
    inner = scene.tree / "inner"
    git(scene.tree, "init", "-q", "--bare", str(inner))
    called = f"touch {scene.outside}/called"
    with (inner / "config").open("a") as config:
        config.write(f"[core]\n\tfsmonitor = {called}\n\tsshCommand = {called}\n")
    (inner / "refs/heads/x").write_text(git(scene.tree, "rev-parse", "HEAD") + "\n")


def _odd_tags(scene: Scene) -> None:
    for name, message in (
        ("e7.0.0", ODD),
        ("e8.0.0", "xvc: " + json.dumps({"run": ODD, "a": [[]]})),
        ("e0.9.0", "x\n\n" + "Xvc-Run: ../../private/id\n" * 3),
        ("e99999999999999999999.0.0", "x"),
    ):
        git(scene.tree, "tag", "-a", "--cleanup=verbatim", "-m", message, name)
    git(scene.tree, "tag", "e6.0.0")
    git(scene.tree, "tag", "e6.1.0", "HEAD^{tree}")
    blob = git(scene.tree, "hash-object", "-w", "train.py")
    git(scene.tree, "tag", "-a", "-m", "x", "e6.2.0", blob)


def _odd_commit(scene: Scene) -> None:
    words = ODD.replace("\r", "")
    with_name = ["-c", f"user.name={words}", "-c", "user.email=a@b"]
    git(scene.tree, *with_name, "commit", "-q", "--allow-empty", "--cleanup=verbatim", "-m", ODD)
    git(scene.tree, *with_name, "tag", "-a", "-m", ODD, "e0.7.0")


_BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(9)
)
_TOUCH = "touch PRIVATE/called"
_ODD_JSON = json.dumps(ODD)
_EVIL_REDOS = "(x+x+)+y"

KINDS: dict[str, Kind] = {
    "nothing hostile": Kind(_nothing),
    "database: an absolute path": Kind(settings("database: PRIVATE/id\n")),
    "database: a path upwards": Kind(settings("database: ../private/id\n")),
    "database: of git": Kind(settings("database: .git/hooks/post-commit\n")),
    "params.files outside": Kind(settings("params: {files: [PRIVATE/p.json]}\n")),
    "metrics.files outside": Kind(settings("metrics: {files: ../private/p.json}\n")),
    "cache.folder outside": Kind(settings("cache: {folder: ../private}\n")),
    "judge files and data outside": Kind(
        settings(
            "judge: {files: [PRIVATE/id, ../private, .git], data: [../private/p.json, '..']}\n"
        )
    ),
    "judge by a link": Kind(
        both(link("judge.py", "id"), settings("judge: {files: [judge.py], data: [judge.py]}\n"))
    ),
    "environment variables": Kind(settings(f"environment: {{variables: [{VARIABLE}, '*']}}\n")),
    "snapshot.allow": Kind(
        both(settings("snapshot: {allow: ['*']}\n"), file(".gitignore", "metrics.json\n")),
        _secret_in_clone,
    ),
    "settings: an alias bomb": Kind(settings(_BOMB + "judge: {metrics: *i}\ntag: {keys: *i}\n")),
    "settings: an alias bomb in a mapping": Kind(
        settings(_BOMB + "judge: {metrics: {x: *i}}\npage: {views: {x: *i}}\n")
    ),
    "settings: odd texts": Kind(
        settings(
            f"tag: {{keys: [{_ODD_JSON}], ignore: [{_ODD_JSON}, '**', '[']}}\n"
            f"page: {{views: {{{_ODD_JSON}: 'javascript:alert(1)'}}}}\n"
            f"metrics: {{direction: {{{_ODD_JSON}: max}}}}\n"
        )
    ),
    "settings: a wrong word of odd text": Kind(settings(f"{_ODD_JSON}: {_ODD_JSON}\n")),
    "settings: huge numbers": Kind(
        settings("snapshot: {limit: 1.0e+308, files: .inf}\nsystem: {interval: .nan}\n")
    ),
    "settings nested deep": Kind(settings("a: " + "[" * 3000 + "]" * 3000 + "\n")),
    "capture: a pattern that never ends": Kind(
        settings(f"capture: {{patterns: ['{_EVIL_REDOS}', '(?P<a>(a|a)*)$']}}\n")
    ),
    "tag prefix: an option": Kind(settings("tag: {prefix: '--upload-pack=x'}\n")),
    "link: settings": Kind(link("xvc.yaml", "p.json")),
    "link: store": Kind(link(STORE, "id")),
    "link: pointer of the store": Kind(link(f"{STORE}.dvc", "id")),
    "link: results": Kind(link("results", "")),
    "link: assets": Kind(link("results/assets", "")),
    "link: models": Kind(link("models", "")),
    "link: params and metrics": Kind(
        both(link("params.yaml", "p.json"), link("metrics.json", "p.json")), command="true"
    ),
    "link: pipeline": Kind(link("dvc.yaml", "p.json")),
    "link: lock of the pipeline": Kind(link("dvc.lock", "p.json")),
    "link: a pointer": Kind(link("extra.dvc", "id")),
    "link: DVC's folder": Kind(link(".dvc", "")),
    "link: DVC's cache": Kind(link(".dvc/cache", "")),
    "link: rules": Kind(both(link(".gitignore", "id"), link(".dvcignore", "id"))),
    "link: a data file's folder": Kind(both(pointers("inner/x"), link("inner", ""))),
    "link: into git's folder": Kind(
        both(link_inside("hooks", ".git/hooks"), pointers("hooks/post-checkout"))
    ),
    "link: to itself": Kind(_loop),
    "link: script": Kind(link("train.py", "id"), command="true"),
    "link: report": Kind(both(link("report.md", "id"), link("README.md", "id"))),
    "worktree includes": Kind(file(".worktreeinclude", "../private\nPRIVATE/id\n**\n.git\n")),
    "worktree includes by a link": Kind(
        both(link("shared", ""), file(".worktreeinclude", "shared\nshared/**\n"))
    ),
    "DVC: cache.dir": Kind(dvc_settings("[cache]\n    dir = PRIVATE\n")),
    "DVC: site folder": Kind(dvc_settings("[core]\n    site_cache_dir = PRIVATE\n")),
    "DVC: state and index": Kind(
        dvc_settings("[state]\n    dir = PRIVATE\n[index]\n    dir = PRIVATE\n")
    ),
    "DVC: remote is a folder of others": Kind(
        dvc_settings("[core]\n    remote = evil\n['remote \"evil\"']\n    url = PRIVATE\n")
    ),
    "DVC: remote upwards": Kind(
        dvc_settings("[core]\n    remote = evil\n['remote \"evil\"']\n    url = ../../private\n")
    ),
    "DVC: remote with ext::": Kind(
        dvc_settings(
            f"[core]\n    remote = evil\n['remote \"evil\"']\n    url = ext::sh -c '{_TOUCH}'\n"
        )
    ),
    "DVC: remote with credentials of files": Kind(
        both(
            file("aws", f"[default]\ncredential_process = {_TOUCH}\n"),
            dvc_settings(
                "[core]\n    remote = evil\n['remote \"evil\"']\n    url = s3://b/c\n"
                "    configpath = ../aws\n    credentialpath = PRIVATE/id\n"
                "    endpointurl = http://127.0.0.1:9\n"
            ),
        )
    ),
    "DVC: remote by SSH with a key": Kind(
        dvc_settings(
            "[core]\n    remote = evil\n['remote \"evil\"']\n    url = ssh://127.0.0.1:9/x\n"
            "    keyfile = PRIVATE/id\n    ask_password = true\n"
        )
    ),
    "DVC: settings that are none": Kind(file(".dvc/config", "[[[\n\x00")),
    "DVC: plugins": Kind(
        both(
            file("plugins/hydra_plugins/x.py", "open('PRIVATE/called', 'w')\n"),
            dvc_settings("[hydra]\n    enabled = true\n    plugins_path = plugins\n"),
        )
    ),
    "pipeline: commands and templates": Kind(
        file(
            "dvc.yaml",
            "vars: [PRIVATE/p.json, ../private/p.json]\n"
            f"stages:\n  a:\n    cmd: {_TOUCH} ${{figure}}\n    deps: [PRIVATE/id, ../private]\n"
            "    outs: [PRIVATE/id, ../private/new, .git/hooks/x]\n"
            "    params: [PRIVATE/p.json:]\n"
            f"  b:\n    foreach: ${{figure}}\n    do: {{cmd: {_TOUCH}}}\n"
            "metrics: [PRIVATE/p.json]\nplots: [PRIVATE/p.json, ../private]\n"
            "params: [PRIVATE/p.json]\nartifacts: {x: {path: PRIVATE/id}}\n",
        )
    ),
    "pipeline: an alias bomb": Kind(file("dvc.yaml", _BOMB + "stages: *i\nplots: *i\n")),
    "pipeline: a matrix without end": Kind(
        file(
            "dvc.yaml",
            "stages:\n  a:\n    matrix:\n"
            + "".join(f"      k{n}: [{', '.join(map(str, range(30)))}]\n" for n in range(8))
            + "    cmd: echo ${item.k0}\n",
        )
    ),
    "pipeline: nested deep": Kind(file("dvc.yaml", "stages: " + "{a: " * 2000 + "}" * 2000)),
    "pointers outside": Kind(
        pointers("../private/id", "PRIVATE/new", ".git/hooks/x", "..", "a/../../private/x")
    ),
    "pointers of git's and DVC's own": Kind(
        pointers(".git/config", ".GIT/hooks/post-merge", ".dvc/config.local", ".gitmodules")
    ),
    "pointers: odd paths": Kind(pointers(ODD, "-rf", "a\nb", "x\u0000y", "a" * 300)),
    "pointers: an alias bomb": Kind(file("extra.dvc", _BOMB + "outs: *i\n")),
    "pointers: wrong digests": Kind(
        file(
            "extra.dvc",
            "outs:\n- md5: ../../../private/id\n  path: x\n- md5: 7\n  path: y\n- path: [1]\n- 7\n",
        )
    ),
    "a folder's list upwards": Kind(
        listing([{"relpath": "../../private/x", "md5": "9dd4e461268c8034f5c8564e155c67a6"}])
    ),
    "a folder's list absolute": Kind(
        listing([{"relpath": "PRIVATE/x", "md5": "9dd4e461268c8034f5c8564e155c67a6"}])
    ),
    "a folder's list of git's own": Kind(
        listing([{"relpath": ".git/hooks/x", "md5": "9dd4e461268c8034f5c8564e155c67a6"}])
    ),
    "a folder's list that is none": Kind(listing("[" * 5000)),
    "a folder's list with odd names": Kind(
        listing([{"relpath": ODD, "md5": "9dd4e461268c8034f5c8564e155c67a6"}, 7])
    ),
    "store: a view": Kind(store("CREATE VIEW mine AS FROM read_text('PRIVATE/id')")),
    "store: a view of a table's name": Kind(
        store(
            "ALTER TABLE events RENAME TO held; "
            "CREATE VIEW events AS SELECT content, * FROM held, read_text('PRIVATE/id')"
        )
    ),
    "store: a macro": Kind(store("CREATE MACRO count(x) AS (SELECT 7)")),
    "store: a generated column": Kind(store("CREATE TABLE t (a INT, b INT AS (a + 1))")),
    "store: a type": Kind(store("CREATE TYPE mood AS ENUM ('a')")),
    "store: another schema": Kind(store("DROP TABLE runs; CREATE TABLE runs (a INT)")),
    "store: wrong states": Kind(
        store("UPDATE runs SET status = 'sleeping', started = 'infinity', id = NULL")
    ),
    "store: huge texts": Kind(
        store("UPDATE runs SET name = repeat('x', 30000000), note = repeat('y', 30000000)")
    ),
    "store: escapes": Kind(
        store(
            f"UPDATE runs SET name = '{ODD}', note = '{ODD}', branch = '{ODD}', "
            f"worktree = '{ODD}', folder = '{ODD}', host = '{ODD}'"
        )
    ),
    "store: nested deep": Kind(
        store(
            "UPDATE runs SET params = '{\"a\": ' || repeat('[', 9000) || repeat(']', 9000) || '}'"
        )
    ),
    "store: paths": Kind(
        store(
            "UPDATE runs SET log = 'PRIVATE/id', folder = '../private', worktree = 'PRIVATE', "
            'outs = \'{"PRIVATE/id": {"digest": "zz"}, "../private/x": {"digest": '
            '"9dd4e461268c8034f5c8564e155c67a6"}}\', '
            'data = \'{"../private/id": {"digest": "9dd4e461268c8034f5c8564e155c67a6"}}\'; '
            "INSERT INTO assets "
            "VALUES ('../../private/id', 'file', '../../../up', 'x', 1, NULL, NULL)"
        )
    ),
    "store: options for git": Kind(
        store(
            "UPDATE runs SET snapshot = '--upload-pack=touch PRIVATE/called', "
            "\"commit\" = '--output=PRIVATE/called', branch = '--all'"
        )
    ),
    "store: a sequence": Kind(store("CREATE SEQUENCE numbers; CREATE TABLE t (a INT)")),
    "store: a thousand tables": Kind(_many_tables),
    "store: tables named like words of SQL": Kind(
        store(
            'CREATE TABLE "select" AS FROM events; CREATE TABLE "a""b.c" AS FROM events; '
            'CREATE TABLE "-rf" AS FROM events; '
            "INSERT INTO meta VALUES ('table', 'select'), ('table', 'a\"b.c'), ('table', '-rf')"
        )
    ),
    "store: numbers that no float holds": Kind(
        store("UPDATE runs SET params = '{\"lr\": 1e400}', metrics = '{\"accuracy\": -1e999}'")
    ),
    "store: a key twice": Kind(
        store(
            'UPDATE runs SET params = \'{"lr": 1, "lr": 2}\', '
            'metrics = \'{"accuracy": 1, "accuracy": "x"}\''
        )
    ),
    "store: times without end": Kind(
        store("UPDATE runs SET started = '-infinity', finished = 'infinity'")
    ),
    "store: times that no calendar of ours has": Kind(
        store(
            "UPDATE runs SET started = TIMESTAMPTZ '294246-01-01', "
            "finished = TIMESTAMPTZ '290000-01-01 (BC)'; "
            "UPDATE events SET timestamp = TIMESTAMPTZ '294246-01-01'"
        )
    ),
    "store: an end before its beginning": Kind(
        store("UPDATE runs SET finished = started - INTERVAL 9 YEAR")
    ),
    "store: ids that are paths": Kind(store(_renamed_run("../../private/id"))),
    "store: ids of many lines": Kind(store(_renamed_run("a\nb\tc"))),
    "store: ids with nothing and escapes in them": Kind(store(_renamed_run(f"{ODD}x"))),
    "store: ids that are options": Kind(store(_renamed_run("--upload-pack=x"))),
    "store: ids of a million letters": Kind(
        store("UPDATE runs SET id = repeat('a', 1000000) || id")
    ),
    "store: every run is its own parent": Kind(
        store("UPDATE runs SET parent = id, fixes = id, idea = 'again'")
    ),
    "store: parents in a circle": Kind(
        store(
            "UPDATE runs SET idea = 'round', parent = (SELECT max(id) FROM runs); UPDATE runs "
            "SET parent = (SELECT min(id) FROM runs) WHERE id = (SELECT max(id) FROM runs)"
        )
    ),
    "store: models of runs that are nowhere": Kind(
        store(
            "CREATE TABLE models AS SELECT uuidv7() AS row_id, 'nowhere00000' AS track_id, "
            "now() AS timestamp, 'digits' AS model, 'production' AS stage, 'e9.9.9' AS version; "
            "INSERT INTO meta VALUES ('table', 'models')"
        )
    ),
    "store: a newer schema": Kind(store("UPDATE meta SET value = '99' WHERE key = 'schema'")),
    "store: edits that cannot be read": Kind(
        store(
            "INSERT INTO edits BY NAME SELECT uuidv7() AS edit_id, now() AS timestamp, 'value' AS "
            "kind, 'events' AS table_name, NULL AS track_id, 'accuracy' AS key, ('[\"j\", ' || "
            "repeat('[', 9000) || repeat(']', 9000) || ']')::JSON AS value"
        )
    ),
    "store: edits without a value of theirs": Kind(
        store(
            "INSERT INTO edits BY NAME SELECT uuidv7() AS edit_id, now() AS timestamp, 'value' AS "
            "kind, 'events' AS table_name, 'accuracy' AS key, '[7, {}]'::JSON AS value"
        )
    ),
    "store: keys of writers nested deep": Kind(
        store(
            "UPDATE folds SET names = ('{\"events\": ' || repeat('[', 9000) || repeat(']', 9000) "
            "|| '}')::JSON"
        )
    ),
    "store: keys of writers of another shape": Kind(
        store('UPDATE folds SET names = \'{"events": 7, "x": [[1]]}\'')
    ),
    "store: cut short": Kind(_cut_store),
    "store: of a newer DuckDB": Kind(_newer_store),
    "store: enciphered": Kind(_enciphered_store),
    "store: a log beside it from elsewhere": Kind(_nothing, _foreign_log),
    "store: a link to nowhere": Kind(_nothing, _replaced_store(_dangling)),
    "store: a socket": Kind(_nothing, _replaced_store(_socket)),
    "store: a device": Kind(_nothing, _replaced_store(_device)),
    "store: not a database": Kind(sent_store(b"words\n" * 99)),
    "store: empty": Kind(sent_store(b"")),
    "store: a database of another program": Kind(
        sent_store(b"SQLite format 3\x00" + b"\x00" * 4096)
    ),
    "store: tracked by git, no database": Kind(tracked_store(b"words\n" * 99)),
    "store: a folder": Kind(_folder_for_store),
    "attributes: filters": Kind(file(".gitattributes", "* filter=evil diff=evil merge=evil\n")),
    "hooks in the tree": Kind(
        both(
            file(".githooks/post-checkout", f"#!/bin/sh\n{_TOUCH}\n"),
            file(".husky/post-merge", f"#!/bin/sh\n{_TOUCH}\n"),
            file(".gitconfig", "[core]\n\thooksPath = .githooks\n[include]\n\tpath = PRIVATE/id\n"),
        )
    ),
    "a repository in the tree": Kind(_bare_in_tree),
    "submodules": Kind(
        file(".gitmodules", '[submodule "a"]\n\tpath = ../private\n\turl = ext::sh -c x\n')
    ),
    "refs with odd names": Kind(
        refs(
            "refs/heads/$(touch${IFS}called)",
            "refs/heads/;touch${IFS}called;",
            "refs/heads/\u202eevil",
            "refs/tags/e9.9.9-x",
            "refs/tags/--output=called",
            "refs/tags/e1.0.0'",
            "refs/xvc/runs/zzzzzzzzzzzz",
            "refs/xvc/logs/%2e%2e%2f%2e%2e%2fx",
        )
    ),
    "tags that are no versions": Kind(_odd_tags),
    "authors and messages": Kind(_odd_commit),
    "pyproject.toml": Kind(
        both(
            _no_settings,
            file("pyproject.toml", "[tool.xvc]\ndatabase = 'PRIVATE/id'\n"),
        )
    ),
    "Python beside the call": Kind(
        both(
            *(
                file(f"{name}.py", "open('PRIVATE/called', 'w')\n")
                for name in (
                    "duckdb",
                    "yaml",
                    "typer",
                    "sitecustomize",
                    "usercustomize",
                    "xvc",
                    "dvc",
                )
            )
        )
    ),
    "pipes in place of files": Kind(
        settings("params: {files: [params.yaml]}\nmetrics: {files: [metrics.json]}\n"),
        _fifo("params.yaml", "metrics.json", "dvc.yaml", "extra.dvc", ".dvcignore"),
    ),
    "a pipe in place of the settings": Kind(_nothing, _fifo("xvc.yaml", "pyproject.toml")),
    "a pipe in place of the store": Kind(_nothing, _fifo(STORE, f"{STORE}.wal")),
    "a pipe in place of DVC's settings": Kind(_nothing, _fifo(".dvc/config.local")),
    "params nested deep": Kind(
        both(
            file("params.yaml", "a: " + "[" * 5000 + "]" * 5000),
            file("metrics.json", "[" * 100000),
        )
    ),
    "params: an alias bomb": Kind(file("params.yaml", _BOMB)),
    "a script of odd name": Kind(file(f"{ODD.replace('/', '')}.py".replace("\x00", ""), "1\n")),
}


CALLS = (
    *("ls", "pull", "ls --where lr>0", "log", "show @", "compare e0.1.0 e0.2.0", "status"),
    *("brief", "validate", "leaderboard accuracy", "logs e0.1.0", "db ls", "db columns"),
    *("db head --table runs", "db sql FROM+runs", "report", "doctor", "model list", "sweep show"),
    *("worktree list", "assets ls", "cache ls", "tried -- python train.py", "trust --dry-run"),
    *("gc --dry-run", "push --dry-run", "export run e0.1.0 OUT/run", "ui --export OUT/page"),
    *("get e0.1.0 train.py -o OUT/got.py", "gate @ --metric accuracy --min 0", "diff . ."),
    *("run --tag minor --tag-optional -- python train.py --lr 0.2", "tag minor", "note @ words"),
    *("run --capture -- python train.py --lr 0.9", "report --into README.md", "undo --yes"),
    *("model add metrics.json --run @ --name digits", "model promote e0.1.0", "checkout e0.1.0"),
    *("worktree add wide", "worktree merge wide", "rerun e0.1.0", "merge origin/main"),
    *("sweep -P lr=0.1 -- python train.py --lr {lr}", "scrub --from .git/HEAD", "init"),
    *("gc", "doctor --retry", "push", "pull --runs", "ls --limit 5"),
)
"""What is called in a clone, in order; a sign + is a blank."""

MORE = (
    *("ls --all", "ls --group lr", "ls --sort accuracy", "log --ideas", "show e0.1.0", "logs @"),
    *("db head", "db tail", "db top accuracy", "db bottom accuracy", "db describe", "cache stats"),
    *("db plot hist accuracy", "report --format html", "model info digits", "sweep status"),
    *("model history digits", "mirror", "skills list", "schema ls", "tag minor --dry-run"),
    *("merge main --dry-run", "rebase main --on step", "cleanup", "merge --conflicts"),
    *("ls --db results/experiments.duckdb", "db head --db results/experiments.duckdb"),
    *("keep @", "discard @ --reason x", "db set a 1 --run @ --yes", "db delete e0.2.0 --yes"),
    *("db sql --write --yes DELETE+FROM+events+WHERE+false", "model get digits -o OUT/model"),
    *("model prune --by accuracy --yes", "cleanup --yes", "worktree remove wide", "sweep stop"),
    "skills install --dest OUT/skills",
)
"""The other commands."""


@dataclass(frozen=True)
class Finding:
    """What all calls in one clone came to."""

    said: dict[str, str]
    """What each call said: ok, the code of its error, or what is wrong."""
    wrong: tuple[str, ...]
    """Which calls ended in a mistake of xvc's, hung, or showed what is private or raw."""
    read: tuple[str, ...]
    """The private files that were opened, as far as the disk keeps the time of that."""
    written: tuple[str, ...]
    """What differs in the private folder, and what is recorded of it."""


def prepare(folder: Path, call: Calling, versions: tuple[str, ...] = ("0.1", "0.2")) -> Scene:
    """Make what every kind begins with: a project with a pipeline, its versions pushed."""
    scene = Scene(folder)
    tree = scene.tree
    git(folder, "init", "-q", "--bare", str(scene.hub))
    scene.shelf.mkdir()
    git(tree, "remote", "add", "origin", str(scene.hub))
    (tree / ".dvc/config").write_text(
        "[core]\n    analytics = false\n    remote = shelf\n"
        "['remote \"shelf\"']\n    url = ../../shelf\n"
    )
    (tree / "params.yaml").write_text("depth: 3\n")
    (tree / "dvc.yaml").write_text("stages: {a: {cmd: 'true', deps: [train.py], outs: [made]}}\n")
    (tree / "metrics.json").unlink(missing_ok=True)
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "params")
    for lr in versions:
        done = call("run", "--tag", "minor", "--", "python", "train.py", "--lr", lr)
        assert done.code == 0, done
    if versions:
        done = call("push")
        assert done.code == 0, done
    scene.outside.mkdir()
    (scene.outside / "id").write_text(f"{PRIVATE}\n")
    (scene.outside / "id").chmod(0o600)
    (scene.outside / "p.json").write_text(f'{{"figure": {FIGURE}}}\n')
    return scene


def made(kind: Kind, template: Scene, folder: Path) -> Scene:
    """Make one repository of a kind beside a private folder, and clone it."""
    shutil.copytree(template.folder, folder, symlinks=True)
    scene = Scene(folder)
    git(scene.tree, "remote", "set-url", "origin", str(scene.hub))
    kind.make(scene)
    own = (".dvc/config.local", ".dvc/tmp", ".dvc/cache")
    if not (scene.tree / ".dvc").is_symlink():
        git(scene.tree, "add", "-Af", "--", ".", *(f":!{each}" for each in own))
    else:
        git(scene.tree, "add", "-Af", "--", ".")
    git(scene.tree, "commit", "-qm", "hostile", "--allow-empty", "--no-verify")
    git(scene.tree, "push", "-q", "--no-verify", "origin", "main", "--tags")
    git(folder, "clone", "-q", "--no-local", str(scene.hub), str(scene.clone))
    kind.settle(scene)
    return scene


def tried(scene: Scene, call: Calling, calls: Sequence[str]) -> Finding:
    """Call all that is to be called in the clone, and see what came of it outside."""
    before = _facts(scene.outside)
    _unread(scene.outside)
    said, wrong = {}, []
    for each in calls:
        words = [
            word.replace("+", " ").replace("OUT", str(scene.folder / "out"))
            for word in each.split()
        ]
        said[each] = _word_of(scene, call, words)
        if said[each].startswith("!"):
            wrong.append(f"{each}: {said[each][1:]}")
    read = tuple(_opened(scene.outside))
    after = _facts(scene.outside)
    changed = [
        f"{name} changed"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    return Finding(said, tuple(wrong), read, (*changed, *_leaks(scene)))


def _word_of(scene: Scene, call: Calling, words: list[str]) -> str:
    at = words.index("--") if "--" in words else len(words)
    try:
        with _not_longer_than(_TOO_LONG):
            answer = call(*words[:at], "--json", *words[at:], cwd=scene.clone)
    except _TooLong:
        return "!it hangs"
    return _judged(answer)


def _judged(answer: Called) -> str:
    whole = answer.out + answer.err
    if PRIVATE in whole or FIGURE in whole:
        return "!it shows what is private"
    if raw := _RAW & set(whole):
        return f"!it writes {sorted(raw)}"
    try:
        document = json.loads(answer.out)
    except ValueError:
        return f"!it writes no document: {whole[-300:]!r}"
    if document.get("ok"):
        return "ok"
    error = document.get("error") or {"code": f"exit {answer.code}"}
    return f"!{error['message']}" if error["code"] == "internal" else str(error["code"])


class _TooLong(BaseException):
    """A call has not come back."""


@contextmanager
def _not_longer_than(seconds: int) -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        raise _TooLong

    held = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, held)


def _facts(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        facts = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[path.relative_to(folder).as_posix()] = (facts.st_mode, facts.st_mtime_ns, content)
    return found


def _unread(folder: Path) -> None:
    """Date the last reading of all files before their making, so that the disk notes the next."""
    for path in folder.rglob("*"):
        facts = path.stat()
        os.utime(path, ns=(0, facts.st_mtime_ns))


def _opened(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_atime_ns != 0:
            yield path.name


def _leaks(scene: Scene) -> Iterator[str]:
    """Name the files and refs of the clone and of what it writes to that hold what is private."""
    words = (PRIVATE.encode(), FIGURE.encode())
    places = [scene.clone, scene.folder / "out", scene.shelf]
    for path in (path for place in places for path in place.rglob("*")):
        is_asked = path.is_file() and not path.is_symlink() and path.name != ".env"
        if is_asked and any(word in path.read_bytes() for word in words):
            yield f"{path.relative_to(scene.folder)} holds what is private"
    for repository in (scene.clone, scene.hub):
        done = subprocess.run(
            ["git", "cat-file", "--batch-all-objects", "--batch", "--unordered"],
            cwd=repository,
            capture_output=True,
            check=False,
        )
        if any(word in done.stdout for word in words):
            yield f"an object of {repository.name} holds what is private"
    if (scene.clone / "called").exists():
        yield "a command of the repository was called"
