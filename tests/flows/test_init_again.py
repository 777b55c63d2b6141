"""`xvc init` after a refusal, in a repository that ignores much, and with git's own variables."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from surroundings import Calling, dvc, git
from xvc.git.commands import scrubbed

OURS = {
    ".dvc/.gitignore",
    ".dvc/config",
    ".dvcignore",
    ".gitattributes",
    "results/.gitignore",
    "xvc.yaml",
}


@pytest.fixture
def bare_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "fresh"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "train.py").write_text("print(1)")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    monkeypatch.chdir(folder)
    return folder


def _refuse(folder: Path, how: str) -> None:
    if how == "signature":
        git(folder, "config", "commit.gpgSign", "true")
        git(folder, "config", "gpg.program", "false")
    elif how == "lock":
        (folder / ".git/index.lock").touch()
    elif how == "hook":
        hook = folder / ".git/hooks/reference-transaction"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
    else:
        git(folder, "config", "user.useConfigOnly", "true")
        git(folder, "config", "user.name", "")


def _allow(folder: Path, how: str) -> None:
    if how == "signature":
        git(folder, "config", "commit.gpgSign", "false")
    elif how == "lock":
        (folder / ".git/index.lock").unlink()
    elif how == "hook":
        (folder / ".git/hooks/reference-transaction").unlink()
    else:
        git(folder, "config", "user.name", "A")


@pytest.mark.parametrize("how", ["signature", "lock", "hook", "identity"])
def test_init_finishes_what_it_began(bare_start: Path, call_xvc: Calling, how: str) -> None:
    """Whatever stopped the first call, the second commits all that both have made."""
    _refuse(bare_start, how)
    first = call_xvc("init")
    _allow(bare_start, how)
    second = call_xvc("init")
    third = call_xvc("init")

    assert (second.code, third.code) == (0, 0), (first.err, second.err)
    assert (
        set(git(bare_start, "ls-tree", "-r", "--name-only", "HEAD").split()) - {"train.py"} == OURS
    )
    assert git(bare_start, "status", "--porcelain") == ""
    assert "nothing to do" in third.out + third.err


@pytest.mark.parametrize(
    "rules",
    [
        *("*.dvc\n", "/*\n!.gitignore\n!*.py\n", ".*\n", "results/\n*.yaml\n"),
        *("*\n!*.py\n", "*\n!*/\n!*.py\n"),
    ],
)
def test_init_where_git_ignores_much(bare_start: Path, call_xvc: Calling, rules: str) -> None:
    """It is said which line ignores what, the remedy works, and versions can be made then."""
    (bare_start / ".gitignore").write_text(rules)
    git(bare_start, "add", "-f", ".gitignore")
    git(bare_start, "commit", "-qm", "ignore")
    first = call_xvc("init")
    if first.code != 0:
        lines = [part for part in first.err.split("`") if part.startswith("!")]
        with (bare_start / ".gitignore").open("a") as ignore:
            ignore.write("\n".join(lines) + "\n")
        git(bare_start, "commit", "-qam", "let through")
        second = call_xvc("init")
        assert second.code == 0, second.err
    ran = call_xvc("run", "--tag", "minor", "--", "true")
    tracked = set(git(bare_start, "ls-tree", "-r", "--name-only", "HEAD").split())

    assert ".gitignore line 1: " in first.err
    assert ran.code == 0, ran.err
    assert OURS | {"results/experiments.duckdb.dvc"} <= tracked


def test_what_git_is_told_by_variables_counts() -> None:
    """Identity and configuration stay; what names another repository goes."""
    kept = {
        "GIT_AUTHOR_NAME": "CI",
        "GIT_COMMITTER_EMAIL": "ci@example.org",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "CI",
        "GIT_CONFIG_GLOBAL": "/c",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_PARAMETERS": "'a.b=c'",
        "GIT_SSH_COMMAND": "ssh -i k",
    }
    gone = dict.fromkeys(
        ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"),
        "x",
    )
    found = scrubbed({**kept, **gone, "HOME": "/h"})

    assert {key: found.get(key) for key in kept} == kept
    assert not set(gone) & set(found)


def test_identity_by_variables(bare_start: Path, run_xvc: Calling) -> None:
    """In a CI job whose identity comes by variables, init and versions work."""
    git(bare_start, "config", "user.useConfigOnly", "true")
    git(bare_start, "config", "user.email", "")
    who = {
        f"GIT_{role}_{what}": "ci@example.org"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    made = run_xvc("init", env=who)
    ran = run_xvc("run", "--tag", "minor", "--", "true", env=who)

    assert (made.code, ran.code) == (0, 0), ran.err
    assert git(bare_start, "log", "-1", "--format=%ae").strip() == "ci@example.org"


def test_what_a_run_before_left_is_taken_over(
    project: Path, bare_start: Path, call_xvc: Calling
) -> None:
    """After a run, init, and a version git has nothing to say: store, metrics, journals are in."""
    (bare_start / "train.py").write_text((project / "train.py").read_text())
    git(bare_start, "add", "train.py")
    git(bare_start, "commit", "-qm", "code")

    before = call_xvc("run", "--", "python", "train.py", cwd=bare_start)
    made = call_xvc("init", cwd=bare_start)
    after_init = git(bare_start, "status", "--porcelain")
    tagged = call_xvc("run", "--tag", "minor", "--", "python", "train.py", cwd=bare_start)

    assert (before.code, made.code, tagged.code) == (0, 0, 0), made.err + tagged.err
    assert (after_init, git(bare_start, "status", "--porcelain")) == ("", "")
    assert call_xvc("ls", "--json", cwd=bare_start).data["total"] == 2


def test_a_metric_file_that_no_run_wrote_is_the_user_s(bare_start: Path, call_xvc: Calling) -> None:
    """A file that was there is neither ignored nor committed, and a changed .gitignore stays so."""
    (bare_start / "metrics.json").write_text('{"loss": 1}')

    call_xvc("init", cwd=bare_start)

    assert git(bare_start, "status", "--porcelain") == "?? metrics.json"


def test_a_repository_that_variables_name_gets_no_second(tmp_path: Path, run_xvc: Calling) -> None:
    """A work tree whose git folder only the environment names is refused; the hint makes it one."""
    folder, named = tmp_path / "work tree", tmp_path / "elsewhere.git"
    folder.mkdir()
    git(tmp_path, "init", "-q", "--bare", str(named))
    git(named, "config", "core.bare", "false")
    said = {"GIT_DIR": str(named), "GIT_WORK_TREE": str(folder)}

    refused = run_xvc("init", cwd=folder, env=said)
    nothing = list(folder.iterdir())
    (folder / ".git").write_text(f"gitdir: {named}\n")
    made = run_xvc("init", cwd=folder, env=said)

    assert (refused.code, nothing, made.code) == (2, [], 0), made.err
    assert f"`echo 'gitdir: {named}' > '{folder}/.git'`" in refused.err
    assert git(folder, "log", "--format=%s") == "Set up xvc"


def test_a_run_in_a_repository_that_variables_name(tmp_path: Path, run_xvc: Calling) -> None:
    """It goes on, and says that its code is not recorded."""
    git(tmp_path, "init", "-q", "--bare", "of.git")
    (tmp_path / "tree").mkdir()
    named = {"GIT_DIR": str(tmp_path / "of.git"), "GIT_WORK_TREE": str(tmp_path / "tree")}

    ran = run_xvc("run", "--", "sh", "-c", "exit 7", cwd=tmp_path / "tree", env=named)

    assert ran.code == 7
    assert "without its code" in ran.err


@pytest.mark.parametrize("pattern", ["*.yaml", "*.dvc", ".dvcignore"])
def test_where_git_turns_files_into_another_encoding(
    bare_start: Path, call_xvc: Calling, pattern: str
) -> None:
    """What xvc and DVC write is UTF-8, whatever the user's own files of that name are."""
    (bare_start / ".gitattributes").write_text(f"{pattern} working-tree-encoding=UTF-16\n")
    git(bare_start, "add", ".gitattributes")
    git(bare_start, "commit", "-qm", "attributes")

    made = call_xvc("init")
    ran = call_xvc("run", "--tag", "minor", "--", "true")

    assert (made.code, ran.code) == (0, 0), made.err + ran.err
    assert git(bare_start, "status", "--porcelain", "--", "*.yaml", "*.dvc", ".dvc") == ""


@pytest.mark.parametrize("is_taken_by_git", [True, False])
def test_a_store_of_a_folder_s_own_is_named(
    tmp_path: Path, call_xvc: Calling, is_taken_by_git: bool
) -> None:
    """Runs in a folder came before git and init above it: the call that is named brings them."""
    top, below = tmp_path / "p", tmp_path / "p/sub folder"
    below.mkdir(parents=True)
    call_xvc("run", "--name", "early", "--", "true", cwd=below)
    git(top, "init", "-q")
    (top / "code.py").write_text("")
    git(top, "add", "-A" if is_taken_by_git else "code.py")
    git(top, "commit", "-qm", "code")

    made = call_xvc("init", cwd=top)
    call = re.search(r"`(xvc merge .+?)` brings", made.err)
    merged = call_xvc(*shlex.split(call[1])[1:], cwd=top) if call else None

    assert merged is not None, made.err
    assert merged.code == 0, merged.err
    assert [each["name"] for each in call_xvc("ls", "--json", cwd=top).data["runs"]] == ["early"]


def test_a_dvc_repository_without_git_is_taken_over(bare_start: Path, call_xvc: Calling) -> None:
    """After `dvc init --no-scm`, which ignores nothing, DVC's private files are no code."""
    dvc(bare_start, "init", "-q", "--no-scm")
    git(bare_start, "add", "-A")
    git(bare_start, "commit", "-qm", "dvc")

    made = call_xvc("init")
    ran = call_xvc("run", "--tag", "minor", "--", "true")

    assert (made.code, ran.code) == (0, 0), made.err + ran.err
    assert git(bare_start, "status", "--porcelain") == ""
    assert git(bare_start, "describe", "--tags") == "e0.1.0"


def test_a_store_that_git_took_is_given_to_dvc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call_xvc: Calling
) -> None:
    """Runs came before git, whose first commit took all: versions stand on a clean branch after."""
    folder = tmp_path / "early"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "train.py").write_text("print('loss: 0.5')\n")
    call_xvc("run", "--capture", "--", "python", "train.py", cwd=folder)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "all of it")
    taken = git(folder, "ls-files").split()

    done = call_xvc("init", "--json", cwd=folder)
    tagged = call_xvc("run", "--json", "--tag", "minor", "--", "python", "train.py", cwd=folder)

    assert taken == ["results/experiments.duckdb", "train.py"]
    assert "git tracks results/experiments.duckdb no more; the file stays" in done.data["done"]
    assert tagged.data["version"] == "e0.1.0", tagged.err
    assert git(folder, "status", "--porcelain") == ""
    assert len(call_xvc("ls", "--json", cwd=folder).data["runs"]) == 2


def test_what_is_not_committed_is_something_to_do(
    bare_start: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Called again without an identity, `init` does not say that there is nothing to do."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{who}_NAME", raising=False)
    _refuse(bare_start, "identity")
    first = call_xvc("init", cwd=bare_start)
    assert "the set-up is not committed" in first.err

    again = call_xvc("init", cwd=bare_start)

    assert "nothing to do" not in again.out
    assert "the set-up is not committed" in again.err


def test_files_of_a_pipeline_are_named_from_the_project(
    bare_start: Path, call_xvc: Calling
) -> None:
    """A stage's folder belongs to the name; a name that YAML would read otherwise is quoted."""
    (bare_start / "sub").mkdir()
    (bare_start / "sub/conf.yaml").write_text("width: 3\n")
    (bare_start / "dvc.yaml").write_text(
        "stages:\n  s:\n    wdir: sub\n    cmd: 'true'\n    params: [conf.yaml: [width]]\n"
        "    metrics: ['a, #1.json']\n"
    )
    git(bare_start, "add", "-A")
    git(bare_start, "commit", "-qm", "pipeline")

    joined = call_xvc("init")
    ran = call_xvc("run", "--", "true")

    settings = yaml.safe_load((bare_start / "xvc.yaml").read_text())
    assert settings["params"]["files"] == ["sub/conf.yaml"]
    assert settings["metrics"]["files"] == ["sub/a, #1.json"]
    assert "params from sub/conf.yaml" in joined.out + joined.err
    assert "is not there" not in ran.out + ran.err


def test_a_pipeline_may_write_beside_the_project(bare_start: Path, call_xvc: Calling) -> None:
    """A metric outside of the project's folder is read by the pipeline, and no setting names it."""
    inner = bare_start / "ml"
    inner.mkdir()
    (inner / "dvc.yaml").write_text(
        "stages:\n  s:\n    wdir: ..\n    cmd: 'true'\n    metrics: [top.json]\n"
    )
    git(bare_start, "add", "-A")
    git(bare_start, "commit", "-qm", "pipeline")
    dvc(inner, "init", "-q", "--subdir")
    git(bare_start, "commit", "-qm", "dvc")

    call_xvc("-C", "ml", "init")

    settings = yaml.safe_load((inner / "xvc.yaml").read_text())
    assert settings["metrics"]["files"] == []
