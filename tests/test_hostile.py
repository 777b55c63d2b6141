"""A clone of a stranger's: what its settings and links lead to outside it is left alone.

A row of the table is a repository, made from a plain project; each is cloned beside a home with
private files, and called there. Nothing of that home may be read, written or recorded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from surroundings import Called, Calling, git

PRIVATE = "PRIVATE-4f1c"
FIGURE = "0.918273"
STORE = "results/experiments.duckdb"


def _settings(text: str) -> Callable[[Path, Path], None]:
    def make(tree: Path, home: Path) -> None:
        (tree / "xvc.yaml").write_text(text.replace("HOME", str(home)))

    return make


def _link(name: str, target: str) -> Callable[[Path, Path], None]:
    def make(tree: Path, home: Path) -> None:
        place = tree / name
        if place.is_dir() and not place.is_symlink():
            git(tree, "rm", "-rqf", "--cached", "--ignore-unmatch", name)
            place.rename(tree.with_name("aside"))
        place.unlink(missing_ok=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.path.relpath(home / target, place.parent))

    return make


def _dvc(text: str) -> Callable[[Path, Path], None]:
    def make(tree: Path, home: Path) -> None:
        with (tree / ".dvc/config").open("a") as file:
            file.write(text.replace("HOME", str(home)))

    return make


def _file(name: str, text: str) -> Callable[[Path, Path], None]:
    def make(tree: Path, home: Path) -> None:
        (tree / name).write_text(text.replace("HOME", str(home)))

    return make


def _foreign_database(tree: Path, home: Path) -> None:
    with duckdb.connect(str(tree / "notes.db")) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS a")
    (tree / "xvc.yaml").write_text("database: notes.db\n")


def _text_database(tree: Path, home: Path) -> None:
    (tree / "notes.txt").write_text("words\n" * 9)
    (tree / "xvc.yaml").write_text("database: notes.txt\n")


def _site_folder(tree: Path, home: Path) -> None:
    config = tree / ".dvc/config"
    line = f"site_cache_dir = {home}/.ssh\n"
    text = config.read_text()
    has_core = "[core]\n" in text
    config.write_text(
        text.replace("[core]\n", f"[core]\n    {line}") if has_core else f"{text}[core]\n{line}"
    )


def _pointers(tree: Path, home: Path) -> None:
    for number, path in enumerate(("../home/.ssh/id", f"{home}/.ssh/new", ".git/hooks/x", "..")):
        text = f"outs:\n- md5: {'0' * 32}\n  size: 1\n  hash: md5\n  path: {path}\n"
        (tree / f"{number}.dvc").write_text(text)


REFUSED: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "database absolute": (_settings("database: HOME/.ssh/id\n"), "outside-project"),
    "database upwards": (_settings("database: ../home/.ssh/id\n"), "outside-project"),
    "database new outside": (_settings("database: ../home/.ssh/new.db\n"), "outside-project"),
    "database of git": (_settings("database: .git/hooks/post-commit\n"), "outside-project"),
    "database of DVC": (_settings("database: .dvc/config.local\n"), "outside-project"),
    "params absolute": (_settings("params: {files: [HOME/.ssh/p.json]}\n"), "outside-project"),
    "params upwards": (_settings("params: {files: ../home/.ssh/p.json}\n"), "outside-project"),
    "metrics upwards": (_settings("metrics: {files: [../home/.ssh/p.json]}\n"), "outside-project"),
    "metrics of git": (_settings("metrics: {files: [.git/config]}\n"), "outside-project"),
    "cache outside": (_settings("cache: {folder: ../home/.ssh}\n"), "outside-project"),
    "store link": (_link(STORE, ".ssh/id"), "outside-project"),
    "store link to nothing": (_link(STORE, ".ssh/new.db"), "outside-project"),
    "log link": (_link(f"{STORE}.wal", ".ssh/id"), "outside-project"),
    "results link": (_link("results", ".ssh"), "outside-project"),
    "pointer link": (_link(f"{STORE}.dvc", ".ssh/id"), "outside-project"),
    "assets link": (_link("results/assets", ".ssh"), "outside-project"),
    "models link": (_link("models", ".ssh"), "outside-project"),
    "candidates link": (_link("models/candidates", ".ssh"), "outside-project"),
    "settings link": (_link("xvc.yaml", ".ssh/p.json"), "outside-project"),
    "rules link": (_link(".gitignore", ".ssh/id"), "outside-project"),
    "pipeline link": (_link("dvc.yaml", ".ssh/p.json"), "outside-project"),
    "DVC link": (_link(".dvc", ".ssh"), "outside-project"),
    "DVC scratch link": (_link(".dvc/tmp", ".ssh"), "outside-project"),
    "DVC cache link": (_link(".dvc/cache", ".ssh"), "outside-project"),
    "DVC settings link": (_link(".dvc/config.local", ".ssh/id"), "outside-project"),
    "DVC cache outside": (_dvc("[cache]\n    dir = HOME/.ssh\n"), "outside-project"),
    "DVC cache new": (_dvc("[cache]\n    dir = ../../home/.ssh/new\n"), "outside-project"),
    "another database": (_foreign_database, "not-a-store"),
    "text as database": (_text_database, "not-a-store"),
}

UNREAD: dict[str, Callable[[Path, Path], None]] = {
    "params link": _link("params.yaml", ".ssh/p.json"),
    "metrics link": _link("metrics.json", ".ssh/p.json"),
    "pipeline's params": _file(
        "dvc.yaml", "params: [HOME/.ssh/p.json]\nmetrics: [HOME/.ssh/p.json]\n"
    ),
    "DVC site folder": _site_folder,
    "pointers": _pointers,
    "a pipeline's outputs": _file(
        "dvc.yaml", "stages: {a: {cmd: 'true', outs: [HOME/.ssh/id, ../home/.ssh/p.json]}}\n"
    ),
    "a submodule": _file(".gitmodules", '[submodule "a"]\n\tpath = ../home\n\turl = HOME\n'),
    "attributes": _file(".gitattributes", "* filter=evil diff=evil merge=evil\n"),
    "a variable": _settings("environment: {variables: [ROOM_OF_ADA]}\n"),
}


@pytest.fixture
def cloned(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Callable[[Path, Path], None]], Path]]:
    """Make the project hostile, clone it, stand in the clone; the home is as it was, afterwards."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/id").write_text(f"{PRIVATE}\n")
    (home / ".ssh/id").chmod(0o600)
    (home / ".ssh/p.json").write_text(f'{{"figure": {FIGURE}}}\n')
    monkeypatch.setenv("ROOM_OF_ADA", PRIVATE)
    before = _facts(home)

    def make(hostile: Callable[[Path, Path], None]) -> Path:
        hostile(project, home)
        git(project, "add", "-Af", ".")
        git(project, "commit", "-qm", "hostile")
        clone = tmp_path / "clone"
        git(project, "clone", "-q", ".", str(clone))
        monkeypatch.chdir(clone)
        return clone

    yield make
    assert _facts(home) == before


def _facts(home: Path) -> list[tuple[str, int, int, bytes]]:
    found = []
    for path in sorted(home.rglob("*")):
        facts = path.stat()
        content = path.read_bytes() if path.is_file() else b""
        found.append((str(path), facts.st_mode, facts.st_mtime_ns, content))
    return found


def _leaks(clone: Path) -> list[str]:
    """Name the files and refs of the clone in which a private word stands."""
    words = (PRIVATE.encode(), FIGURE.encode())
    files = (p for p in clone.rglob("*") if p.is_file() and not p.is_symlink())
    found = [str(path) for path in files if any(word in path.read_bytes() for word in words)]
    refs = git(clone, "for-each-ref", "--format=%(refname)").split()
    for ref in refs:
        found += git(clone, "log", "-p", "--all", "-S", PRIVATE, "--format=%H", ref).split()
    return found


def _code(called: Called) -> str:
    return str(called.json["error"]["code"])


@pytest.mark.parametrize("kind", REFUSED)
def test_what_leads_outside_is_refused_before_anything_is_touched(
    kind: str, cloned: Callable[[Callable[[Path, Path], None]], Path], call_xvc: Calling
) -> None:
    """Reading, running and making a version say what leads where, and nothing happens there."""
    hostile, code = REFUSED[kind]
    clone = cloned(hostile)
    before = {path for path in clone.rglob("*") if ".git/" not in str(path)}

    listed = call_xvc("ls", "--json")
    tagged = call_xvc("tag", "minor", "--json")

    assert [_code(listed), _code(tagged)] == [code, code]
    assert listed.code == 2
    after = {path for path in clone.rglob("*") if ".git/" not in str(path)}
    assert {path for path in after - before if ".dvc/" not in str(path)} == set()
    assert _leaks(clone) == []


_FEW = ("database upwards", "text as database")


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=() if kind in _FEW else pytest.mark.sweep)
        for kind in (*REFUSED, *UNREAD)
    ],
)
def test_every_command_leaves_the_outside_alone(
    kind: str, cloned: Callable[[Callable[[Path, Path], None]], Path], call_xvc: Calling
) -> None:
    """Whatever is called in such a clone: refused, or done without the place outside."""
    clone = cloned(REFUSED[kind][0] if kind in REFUSED else UNREAD[kind])
    calls = (
        *("status", "log", "brief", "show @", "compare @ @", "validate", "report", "db ls"),
        *("db head", "db sql SELECT", "assets ls", "cache ls", "model list", "worktree list"),
        *("doctor", "push", "pull", "gc", "undo", "init", "cleanup", "rebase main", "merge main"),
        *("db sql --write DELETE", "sweep status", "get HEAD train.py -o got.py", "trust"),
        *(
            "pull --dry-run",
            "db columns",
            "db describe",
            "db delete @ --yes",
            "db set note x --run @",
        ),
        *("checkout @", "model add x model.pkl", "model promote x", "report --format html"),
        *("worktree add w", "worktree merge w --dry-run", "sweep --dry-run -P lr=1,2 -- true"),
        *("skills list", "schema", "rerun @", "doctor --retry", "tag patch --dry-run"),
        "run --tag minor -- true",
    )

    answers = [call_xvc(*call.split()[:1], "--json", *call.split()[1:]) for call in calls]

    assert not [each.out for each in answers if '"internal"' in each.out]
    assert _leaks(clone) == []


@pytest.mark.parametrize("kind", UNREAD)
def test_what_a_clone_may_not_record_is_left_out_of_a_run(
    kind: str, cloned: Callable[[Callable[[Path, Path], None]], Path], call_xvc: Calling
) -> None:
    """The command runs and is recorded, without what lies outside or was not allowed."""
    clone = cloned(UNREAD[kind])

    ran = call_xvc("run", "--tag", "minor", "--", "true")
    again = call_xvc("run", "--tag", "minor", "--", "true")

    assert ran.code == 0, ran.err
    assert again.code == 0, again.err
    assert call_xvc("ls").code == 0
    assert _leaks(clone) == []


@pytest.mark.parametrize(
    "words",
    [
        ("skills", "install", "--dest"),
        ("worktree", "add", "w", "--path"),
        ("checkout", "e0.1.0", "--path"),
    ],
)
def test_a_new_folder_is_made_behind_no_tracked_link(
    words: tuple[str, ...],
    cloned: Callable[[Callable[[Path, Path], None]], Path],
    call_xvc: Calling,
    tmp_path: Path,
) -> None:
    """A link that the clone brought is refused; one that its user made is followed."""
    clone = cloned(_link("out", ".ssh"))
    git(clone, "tag", "-am", "0", "e0.1.0")
    (tmp_path / "own").mkdir()
    (clone / "own").symlink_to(tmp_path / "own")

    theirs = call_xvc(*words, "out/new", "--json")
    ours = call_xvc(*words, "own/new", "--json")

    assert _code(theirs) == "outside-project"
    assert ours.code == 0, ours.err
    assert [*(tmp_path / "own/new").iterdir()]


def test_what_the_user_trusts_is_recorded(
    cloned: Callable[[Callable[[Path, Path], None]], Path], call_xvc: Calling
) -> None:
    """`xvc trust` allows what the settings name at that time, and nothing that comes later."""
    text = "params: {files: [HOME/.ssh/p.json]}\nenvironment: {variables: [ROOM_OF_ADA]}\n"
    clone = cloned(_settings(f"{text}snapshot: {{allow: ['*.env']}}\n"))
    (clone / "own.env").write_text("A=1\n")
    planned = call_xvc("trust", "--dry-run", "--json").data
    assert call_xvc("run", "--", "true").code == 2

    allowed = call_xvc("trust", "--json").data

    assert planned["variables"] == allowed["variables"] == ["ROOM_OF_ADA"]
    assert planned["files"] == allowed["files"]
    assert planned["patterns"] == allowed["patterns"] == ["*.env"]
    run = call_xvc("run", "--json", "--", "true").data["run"]
    shown = call_xvc("show", run, "--json").data
    assert FIGURE in str(shown)
    assert PRIVATE in str(shown)
    assert call_xvc("trust", "--json").data["new"] is False
    settings = clone / "xvc.yaml"
    settings.write_text(settings.read_text().replace("[ROOM_OF_ADA]", "[SHELL_OF_ADA]"))
    again = call_xvc("run", "--json", "--", "true")
    assert any("$SHELL_OF_ADA" in warning for warning in again.json["warnings"])


def test_a_clone_does_not_say_what_is_no_secret(
    cloned: Callable[[Callable[[Path, Path], None]], Path], call_xvc: Calling
) -> None:
    """`snapshot.allow` of a clone keeps nothing that looks like a secret, until it is trusted."""
    clone = cloned(_settings("snapshot: {allow: ['*.env']}\n"))
    (clone / "own.env").write_text(f"A={PRIVATE}\n")

    before = call_xvc("run", "--json", "--", "true").json
    call_xvc("trust")
    after = call_xvc("run", "--json", "--", "true").json

    assert [each for each in before["warnings"] if "*.env" in each and "`xvc trust`" in each]
    assert not [each for each in after["warnings"] if "*.env" in each]
    kept = [
        git(clone, "ls-tree", "-r", "--name-only", f"refs/xvc/runs/{each['data']['run']}").split()
        for each in (before, after)
    ]
    assert ["own.env" in names for names in kept] == [False, True]


def test_a_clone_does_not_say_how_metrics_are_read(
    cloned: Callable[[Callable[[Path, Path], None]], Path], call_xvc: Calling
) -> None:
    """A pattern of a clone's settings, which may never end, is used once it is trusted."""
    cloned(_settings("capture: {patterns: ['score (?P<own>[0-9]+)']}\n"))
    call = ("run", "--json", "--capture", "--", "echo", "score 7 of 9, loss: 0.5")

    before = call_xvc(*call).json
    trusted = call_xvc("trust", "--json").data
    after = call_xvc(*call).json

    assert trusted["captures"] == ["score (?P<own>[0-9]+)"]
    said = [[each for each in one["warnings"] if "`xvc trust`" in each] for one in (before, after)]
    assert [len(each) for each in said] == [1, 0]
    assert [one["data"]["metrics"] for one in (before, after)] == [{"loss": 0.5}, {"own": 7}]


REMOTES = {
    "a folder of something else": ("url = HOME/.ssh", "outside-project"),
    "a folder upwards": ("url = ../../home/.ssh", "outside-project"),
    "git's folder": ("url = ../.git/hooks", "outside-project"),
    "a command for S3": ("url = s3://b/c\n    configpath = ../aws", "remote-asks"),
    "a key for SSH": ("url = ssh://127.0.0.1:9/x\n    keyfile = HOME/.ssh/id", "remote-asks"),
    "a command for WebDAV": (
        "url = webdav://127.0.0.1:9/x\n    bearer_token_command = touch HOME/.ssh/called",
        "remote-asks",
    ),
    "another remote's": (
        "url = remote://other/x\n['remote \"other\"']\n    url = s3://b\n    configpath = ../aws",
        "remote-asks",
    ),
}


def test_a_clone_does_not_say_which_files_a_remote_reads(
    cloned: Callable[[Callable[[Path, Path], None]], Path], call_xvc: Calling, tmp_path: Path
) -> None:
    """Commands, keys and folders of others are the user's own to name; nothing is sent or asked."""
    clone = cloned(lambda tree, home: None)
    (tmp_path / "origin.git").mkdir()
    git(tmp_path / "origin.git", "init", "-q", "--bare")
    git(clone, "remote", "set-url", "origin", str(tmp_path / "origin.git"))
    config = clone / ".dvc/config"
    plain = config.read_text().replace("[core]\n", "[core]\n    remote = evil\n", 1)
    assert call_xvc("run", "--tag", "minor", "--", "true").code == 0

    said = {}
    for name, (text, _) in REMOTES.items():
        lines = text.replace("HOME", str(tmp_path / "home"))
        config.write_text(f"{plain}['remote \"evil\"']\n    {lines}\n")
        said[name] = _code(call_xvc("push", "--json"))

    assert said == {name: code for name, (_, code) in REMOTES.items()}
    shelf = tmp_path / "shelf"
    (clone / ".dvc/config.local").write_text(f"['remote \"evil\"']\n    url = {shelf}\n")
    assert call_xvc("push", "--json").code == 0


def test_a_private_store_stays_private(project: Path, call_xvc: Calling) -> None:
    """Who may read the store is not widened when it is made anew."""
    assert call_xvc("run", "--tag", "minor", "--", "true").code == 0
    store = project / STORE
    store.chmod(0o600)

    call_xvc("run", "--", "true")
    call_xvc("db", "sql", "--write", "--yes", "UPDATE runs SET note = 'x'")
    git(project, "checkout", "-q", "HEAD~0")
    store.unlink()
    call_xvc("ls")
    store.chmod(0o600)
    call_xvc("merge", "main")

    assert store.stat().st_mode & 0o777 == 0o600


def test_no_model_is_what_a_tracked_link_leads_to(
    project: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """Neither a link nor a folder with one puts what lies outside into the cache: it is pushed."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own/p.json").write_text(PRIVATE)
    (project / "bundle").mkdir()
    for place in ("bundle/in", "weights"):
        (project / place).symlink_to(tmp_path / "own/p.json")
    git(project, "add", "-f", "bundle", "weights")
    git(project, "commit", "-qm", "links")

    ran = call_xvc("run", "--model", "bundle", "--", "touch", "bundle/new")
    added = [
        call_xvc("model", "add", each, "--name", "m", "--json") for each in ("bundle", "weights")
    ]

    assert ran.code == 0
    assert "not kept as a model" in ran.err
    assert [each.json["error"]["code"] for each in added] == ["outside-project"] * 2
    kept = (path for path in (project / ".dvc/cache").rglob("*") if path.is_file())
    assert not any(PRIVATE in path.read_bytes().decode(errors="replace") for path in kept)


@pytest.mark.parametrize(
    "words", ["export run @ there", "export run @ there/a", "ui --export there"]
)
def test_nothing_is_written_through_a_tracked_link(
    project: Path, tmp_path: Path, call_xvc: Calling, words: str
) -> None:
    """A folder that a clone has as a link is not the folder that was named."""
    (tmp_path / "own").mkdir()
    (project / "there").symlink_to(tmp_path / "own")
    git(project, "add", "-f", "there")
    git(project, "commit", "-qm", "a link")

    answer = call_xvc(*words.split(), "--json")

    assert answer.json["error"]["code"] == "outside-project"
    assert [*(tmp_path / "own").iterdir()] == []
