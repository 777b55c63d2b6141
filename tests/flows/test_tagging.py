"""`xvc tag`: the version holds the code that made the result, and the user's tree stays theirs."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from surroundings import Calling, dvc, git

STORE = "results/experiments.duckdb"


def everything(folder: Path) -> dict[str, str]:
    """The bytes of the tree and of .git; not objects that no one names, locks and scratch files."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not re.search(r"\.git/(xvc/(locks|tmp)|objects)/", name):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def train(call_xvc: Calling, *options: str, lr: str = "0.1") -> None:
    assert call_xvc("run", *options, "--", "python", "train.py", "--lr", lr).code == 0


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("patch", "minor", "major"), ["e0.0.1", "e0.1.0", "e1.0.0"]),
        (("e2.3.4", "patch"), ["e2.3.4", "e2.3.5"]),
        (("minor", "minor"), ["e0.1.0", "e0.2.0"]),
    ],
)
def test_numbers(
    project: Path, call_xvc: Calling, words: tuple[str, ...], names: list[str]
) -> None:
    """A bump counts from the highest version; an explicit one is taken as it is."""
    train(call_xvc)
    made = [call_xvc("tag", word, "--json").data["version"] for word in words]

    assert made == names


def test_a_custom_prefix(project: Path, call_xvc: Calling) -> None:
    """Another prefix counts for itself, beside tags that are none of ours."""
    (project / "xvc.yaml").write_text("tag: {prefix: exp-}\n")
    git(project, "tag", "e9.0.0")
    git(project, "tag", "exp-notes")
    train(call_xvc)
    made = call_xvc("tag", "minor", "--json")

    assert made.data["version"] == "exp-0.1.0"
    assert call_xvc("show", "exp-0.1.0").code == 0


@pytest.mark.parametrize("version", ["e0.1", "1.0.0", "e01.0.0", "v1.0.0", "minro", ""])
def test_no_version(project: Path, call_xvc: Calling, version: str) -> None:
    """What is no version is refused with its shape."""
    train(call_xvc)
    made = call_xvc("tag", version)

    assert made.code == 2
    assert "e1.4.0" in made.err


def test_a_taken_version(project: Path, call_xvc: Calling) -> None:
    """A version is never moved: exit 4, and nothing is done."""
    train(call_xvc, "--tag", "minor")
    train(call_xvc)
    before = git(project, "rev-parse", "HEAD", "e0.1.0")
    made = call_xvc("tag", "e0.1.0", "--json")

    assert made.code == 4
    assert made.json["error"]["code"] == "tag-taken"
    assert git(project, "rev-parse", "HEAD", "e0.1.0") == before


def test_a_lightweight_tag_is_in_the_way(project: Path, call_xvc: Calling) -> None:
    """A tag that a person made under the next name is passed over, never overwritten."""
    git(project, "tag", "e0.1.0")
    train(call_xvc)
    made = call_xvc("tag", "minor", "--json")

    assert made.data["version"] == "e0.2.0"


def test_a_clean_tree(project: Path, call_xvc: Calling) -> None:
    """On the run's own code the version is a commit on the branch, and nothing is left lying."""
    before = git(project, "rev-parse", "HEAD")
    train(call_xvc)
    made = call_xvc("tag", "minor", "--json")

    assert made.data["branch"] == "main"
    assert git(project, "rev-parse", "HEAD~1") == before
    assert git(project, "rev-parse", "e0.1.0^{commit}") == git(project, "rev-parse", "HEAD")
    assert git(project, "diff", "--name-only", "HEAD~1", "HEAD").split() == [f"{STORE}.dvc"]
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "cat-file", "-t", "e0.1.0") == "tag"


def test_a_dirty_tree_that_the_run_saw(project: Path, call_xvc: Calling) -> None:
    """Uncommitted code that the run used goes beside the branch; branch and edits stay."""
    (project / "train.py").write_text("print('mine')\n")
    (project / "new.py").write_text("1\n")
    head = git(project, "rev-parse", "HEAD")
    call_xvc("run", "--", "python", "train.py")
    made = call_xvc("tag", "minor", "--json")

    assert made.data["branch"] is None
    assert git(project, "rev-parse", "HEAD") == head
    assert git(project, "show", "e0.1.0:train.py") == "print('mine')"
    assert git(project, "show", "e0.1.0:new.py") == "1"
    assert (project / "train.py").read_text() == "print('mine')\n"
    assert git(project, "diff", "--cached", "--name-only") == ""


def test_code_that_changed_since(project: Path, call_xvc: Calling) -> None:
    """Code that did not make the result is refused: exit 4, and the hint has both ways on."""
    train(call_xvc)
    (project / "train.py").write_text("print('later')\n")
    before = everything(project)
    made = call_xvc("tag", "minor", "--json")

    assert made.code == 4
    assert made.json["error"]["code"] == "tree-differs"
    assert "train.py" in made.json["error"]["message"]
    assert "--run" in made.json["error"]["hint"]
    assert "--commit" in made.json["error"]["hint"]
    assert everything(project) == before


@pytest.mark.parametrize("change", ["untracked", "committed", "staged", "deleted"])
def test_every_kind_of_change_counts(project: Path, call_xvc: Calling, change: str) -> None:
    """New code counts when the run's snapshot had other code: committed, staged or deleted."""
    train(call_xvc)
    if change == "untracked":
        (project / "notes.txt").write_text("not code of this run")
    elif change == "deleted":
        (project / "train.py").unlink()
    else:
        (project / "train.py").write_text("print('later')\n")
        git(project, "add", "train.py")
        if change == "committed":
            git(project, "commit", "-q", "-m", "later")
    made = call_xvc("tag", "minor")

    assert made.code == (0 if change == "untracked" else 4)


def test_the_way_on_with_run(project: Path, call_xvc: Calling) -> None:
    """`--run ID` tags the code that the run used, beside the later one."""
    train(call_xvc)
    run = call_xvc("ls", "--json").data["runs"][0]["id"]
    (project / "train.py").write_text("print('later')\n")
    git(project, "commit", "-qam", "later")
    made = call_xvc("tag", "minor", "--run", run, "--json")

    assert made.code == 0
    assert "later" not in git(project, "show", "e0.1.0:train.py")
    assert (project / "train.py").read_text() == "print('later')\n"
    assert git(project, "log", "-1", "--format=%s", "main") == "later"


def test_the_way_on_with_commit(project: Path, call_xvc: Calling) -> None:
    """`--commit` puts the code that the run used on the branch; later edits stay uncommitted."""
    (project / "train.py").write_text("print('mine')\n")
    call_xvc("run", "--", "python", "train.py")
    (project / "train.py").write_text("print('mine')\nprint('later')\n")
    made = call_xvc("tag", "minor", "--commit", "--json")

    assert made.data["branch"] == "main"
    assert git(project, "show", "main:train.py") == "print('mine')"
    assert (project / "train.py").read_text() == "print('mine')\nprint('later')\n"
    assert git(project, "status", "--porcelain") == " M train.py"


def test_commit_after_the_branch_moved(project: Path, call_xvc: Calling) -> None:
    """`--commit` does not put old code on top of newer commits."""
    (project / "train.py").write_text("print('mine')\n")
    call_xvc("run", "--", "python", "train.py")
    (project / "other.py").write_text("1")
    git(project, "add", "other.py")
    git(project, "commit", "-q", "-m", "other", "other.py")
    before = git(project, "rev-parse", "main")
    made = call_xvc("tag", "minor", "--commit", "--json")

    assert made.code == 4
    assert made.json["error"]["code"] == "branch-moved"
    assert git(project, "rev-parse", "main") == before


def test_staged_work_stays_staged(project: Path, call_xvc: Calling) -> None:
    """What the user has in the index stays there, and is in no commit of ours."""
    train(call_xvc)
    (project / "staged.py").write_text("1\n")
    git(project, "add", "staged.py")
    call_xvc("tag", "minor", "--run", "@")

    assert git(project, "tag") == "e0.1.0"
    assert git(project, "status", "--porcelain") == "A  staged.py"
    assert "staged.py" not in git(project, "ls-tree", "-r", "--name-only", "e0.1.0").split()


def test_a_dry_run_changes_nothing(project: Path, call_xvc: Calling) -> None:
    """`--dry-run` says the name and the line, and leaves every byte as it was."""
    train(call_xvc)
    call_xvc("ls")
    before = everything(project)
    made = call_xvc("tag", "minor", "--dry-run", "--json")

    assert (made.data["version"], made.data["dry_run"]) == ("e0.1.0", True)
    assert "accuracy=0.95" in made.data["subject"]
    assert everything(project) == before


def test_a_run_has_two_versions(project: Path, call_xvc: Calling) -> None:
    """A second version of the same run is allowed, named beside the first, and both show it."""
    train(call_xvc)
    told = [call_xvc("tag", word) for word in ("minor", "major")]
    shown = [call_xvc("show", name, "--json").data["id"] for name in ("e0.1.0", "e1.0.0")]

    assert shown[0] == shown[1]
    assert "warning" not in told[0].err
    assert "had e0.1.0 already" in told[1].err
    assert git(project, "status", "--porcelain") == ""


def test_a_detached_head(project: Path, call_xvc: Calling) -> None:
    """On a detached HEAD the version is the new HEAD; no branch moves."""
    git(project, "checkout", "-q", "--detach")
    main = git(project, "rev-parse", "main")
    train(call_xvc, "--tag", "minor")

    assert git(project, "rev-parse", "e0.1.0^{commit}") == git(project, "rev-parse", "HEAD")
    assert git(project, "rev-parse", "main") == main
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.parametrize("how", ["a run's", "by itself"])
def test_what_is_said_of_a_version_in_the_middle_of_a_rebase(
    project: Path, call_xvc: Calling, how: str
) -> None:
    """HEAD has it, and what is rebased comes on top of it: it is not called beside the branch."""
    (project / "notes.txt").write_text("1\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "notes")
    git(project, "-c", "sequence.editor=sed -i s/^pick/edit/", "rebase", "-i", "HEAD~1")

    run = ["run", *(["--tag", "minor"] if how == "a run's" else []), "--", "python", "train.py"]
    said = [call_xvc(*run)]
    said += [call_xvc("tag", "minor")] if how == "by itself" else []
    git(project, "rebase", "--continue")

    assert [each.code for each in said] == [0] * len(said)
    assert not any("beside" in each.out + each.err for each in said)
    assert git(project, "tag", "--merged", "main") == "e0.1.0"
    assert git(project, "status", "--porcelain") == ""


def test_a_store_that_nobody_has_ignored(tmp_path: Path, call_xvc: Calling) -> None:
    """After `dvc init` alone, a version leaves a clean tree: git ignores the store, as DVC does."""
    git(tmp_path, "init", "-q", "p")
    dvc(tmp_path / "p", "init", "-q")
    git(tmp_path / "p", "commit", "-qm", "dvc")

    ran = call_xvc("run", "--tag", "minor", "--", "true", cwd=tmp_path / "p")

    assert ran.code == 0, ran.err
    assert git(tmp_path / "p", "status", "--porcelain") == ""


def test_what_git_is_told_of_encodings_changes_no_text(project: Path, call_xvc: Calling) -> None:
    """What xvc commits is UTF-8 and is not called Latin-1: a colleague reads it as it was said."""
    for key in ("i18n.commitEncoding", "i18n.logOutputEncoding"):
        git(project, "config", key, "ISO-8859-1")

    made = call_xvc("run", "--tag", "minor", "--note", "größe", "--", "true")
    log = call_xvc("log", "--json")
    for key in ("i18n.commitEncoding", "i18n.logOutputEncoding"):
        git(project, "config", "--unset", key)

    assert made.code == 0, made.err
    assert "größe" in git(project, "log", "-1", "--format=%s")
    assert "größe" in git(project, "tag", "-l", "-n1", "e0.1.0")
    assert "größe" in log.out


def test_a_failed_run_can_be_a_version(project: Path, call_xvc: Calling) -> None:
    """Without `--run` the last run that finished is meant; a failed one has to be named."""
    train(call_xvc)
    call_xvc("run", "--", "false")
    first = call_xvc("tag", "minor", "--json").data["run"]
    second = call_xvc("tag", "minor", "--run", "@", "--json").data["run"]
    ids = [run["id"] for run in call_xvc("ls", "--json").data["runs"]]

    assert [second, first] == ids


def test_nothing_to_tag(project: Path, call_xvc: Calling) -> None:
    """Without a finished run there is nothing to tag, and the answer says so."""
    made = call_xvc("tag", "minor")
    call_xvc("run", "--", "false")
    again = call_xvc("tag", "minor")

    assert (made.code, again.code) == (1, 1)
    assert "no run has finished" in made.err
    assert git(project, "tag") == ""


@pytest.mark.parametrize("setting", ["tag.gpgSign", "commit.gpgSign", "tag.forceSignAnnotated"])
def test_a_signature_that_cannot_be_made(
    project: Path, call_xvc: Calling, setting: str, tmp_path: Path
) -> None:
    """Where git is told to sign and cannot, nothing is done, and git's words are passed on."""
    train(call_xvc)
    call_xvc("ls")
    git(project, "config", setting, "true")
    git(project, "config", "gpg.program", str(tmp_path / "no-gpg"))
    before = git(project, "rev-parse", "HEAD"), git(project, "status", "--porcelain")
    made = call_xvc("tag", "minor", "--json")

    assert made.code == 1
    assert made.json["error"]["code"] == "git-failed"
    assert "sign" in made.json["error"]["message"] or "gpg" in made.json["error"]["message"]
    assert git(project, "tag") == ""
    assert (git(project, "rev-parse", "HEAD"), git(project, "status", "--porcelain")) == before
    git(project, "config", setting, "false")
    assert call_xvc("tag", "minor", "--json").data["version"] == "e0.1.0"


def test_a_key_of_ssh_that_is_not_there_has_its_way_out(
    project: Path, call_xvc: Calling, tmp_path: Path
) -> None:
    """Whatever git calls it, the hint says which settings of git sign."""
    train(call_xvc)
    git(project, "config", "gpg.format", "ssh")
    git(project, "config", "commit.gpgSign", "true")
    git(project, "config", "user.signingKey", str(tmp_path / "gone.pub"))

    made = call_xvc("tag", "minor", "--json")

    assert made.json["error"]["code"] == "git-failed"
    assert "git config commit.gpgSign false" in made.json["error"]["hint"]


def test_a_signature_is_made(project: Path, call_xvc: Calling, tmp_path: Path) -> None:
    """Where git is told to sign and can, the tag is signed, and is read as any other."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    for name, value in (("gpg.format", "ssh"), ("user.signingKey", key), ("tag.gpgSign", "true")):
        git(project, "config", name, str(value))
    train(call_xvc, "--tag", "minor")

    assert "SSH SIGNATURE" in git(project, "cat-file", "tag", "e0.1.0")
    assert call_xvc("log", "--json").data["versions"][0]["metrics"] == {"accuracy": 0.95}


def test_the_message(project: Path, call_xvc: Calling) -> None:
    """The line names model, settings, result, data and text, in this order."""
    (project / "data.csv").write_text("1,2\n")
    dvc(Path.cwd(), "add", "-q", "data.csv")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "data")
    digest = re.search(r"md5: (\w{6})", (project / "data.csv.dvc").read_text())
    metrics = "open('metrics.json', 'w').write('{\"acc\": 0.97222}')"
    call_xvc("run", "-P", "model=svm", "-P", "lr=1.0", "--", "true")
    call_xvc("run", "-P", "model=logreg", "-P", "lr=0.1", "--", "python", "-c", metrics)
    made = call_xvc("tag", "minor", "-m", "baseline", "--json")

    assert digest is not None
    line = f"model=logreg | lr=0.1 | acc=0.9722 | data={digest[1]} | baseline"
    assert made.data["subject"] == line
    assert git(project, "tag", "-l", "e*", "-n1") == f"e0.1.0          {line}"
    listed = git(project, "tag", "-l", "e*", "-n9").splitlines()
    assert listed[0].split(maxsplit=1)[1] == line
    assert any('Xvc-Params: {"lr": 0.1, "model": "logreg"}' in part for part in listed)


def test_an_output_is_no_input_of_the_next_run(project: Path, call_xvc: Calling) -> None:
    """Two equal runs with `--out` have the same data; one that only reads it has it as data."""
    writes = ("--out", "model.bin", "--", sys.executable, "-c", "open('model.bin', 'w').write('a')")
    words = ("run", "--tag", "minor", "--json")
    runs = [call_xvc(*words, *writes).data["run"] for _ in range(2)]
    runs.append(
        call_xvc(*words, "--", sys.executable, "-c", "open('model.bin').read()").data["run"]
    )

    data = [call_xvc("show", run, "--json").data.get("data", {}) for run in runs]

    assert (data[0], data[1]) == ({}, {})
    assert list(data[2]) == ["model.bin"]


def test_what_settings_say_is_in_the_message(project: Path, call_xvc: Calling) -> None:
    """The keys of `tag.keys` are shown, in their order, and no others."""
    (project / "xvc.yaml").write_text("tag: {keys: [seed, lr]}\n")
    given = ["-P", "lr=0.1", "-P", "seed=7", "-P", "model=svm"]
    call_xvc("run", *given, "--tag", "minor", "--", "true")

    assert git(project, "tag", "-l", "-n1").endswith("seed=7 | lr=0.1")


@pytest.mark.parametrize("text", ["a\nXvc-Run: fake", "# comment", "a | b", "", "-x", "é" * 500])
def test_any_text_is_one_line(project: Path, call_xvc: Calling, text: str) -> None:
    """No text of the user's breaks the message or forges a trailer."""
    train(call_xvc)
    run = call_xvc("ls", "--json").data["runs"][0]["id"]
    assert call_xvc("tag", "minor", f"--message={text}").code == 0
    (found,) = call_xvc("log", "--json").data["versions"]

    assert found["run"] == run
    assert "accuracy=0.95" in found["subject"]
    assert "\n" not in found["subject"]


def test_a_commit_hook_has_no_say(project: Path, call_xvc: Calling) -> None:
    """A hook that refuses commits does not stop a version, which is no commit of the user's."""
    hook = project / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    train(call_xvc, "--tag", "minor")

    assert git(project, "tag") == "e0.1.0"


def test_inside_a_hook(project: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an outer git says of another repository is not believed."""
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    train(call_xvc, "--tag", "minor")
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")

    assert git(project, "tag") == "e0.1.0"
    assert git(project, "status", "--porcelain") == ""


def test_an_ignored_results_folder(project: Path, call_xvc: Calling) -> None:
    """A project that ignores results/ gets its pointer into the version all the same."""
    (project / ".gitignore").write_text("metrics.json\nresults/\n*.dvc\n")
    git(project, "commit", "-qam", "ignore")
    train(call_xvc, "--tag", "minor")
    train(call_xvc, "--tag", "minor", lr="0.2")

    assert f"{STORE}.dvc" in git(project, "ls-tree", "-r", "--name-only", "e0.2.0").split()
    assert git(project, "status", "--porcelain") == ""
    assert len(os.listdir(project / "results")) >= 2


def test_git_dies_after_it_has_moved_the_branch(project: Path, call_xvc: Calling) -> None:
    """A git that is killed once its ref has moved has done its work: all agree."""
    train(call_xvc)
    kill_git(project, "committed", "refs/heads/main")
    made = call_xvc("tag", "minor")

    assert made.code == 0, made.err
    assert not list((project / ".git").rglob("*.lock"))
    assert git(project, "rev-parse", "e0.1.0^{commit}") == git(project, "rev-parse", "HEAD")
    assert git(project, "status", "--porcelain") == ""


def test_git_dies_after_it_has_made_the_tag(project: Path, call_xvc: Calling) -> None:
    """A tag that is there and marks the right commit is the version."""
    train(call_xvc)
    kill_git(project, "committed", "refs/tags/e0.1.0")
    made = call_xvc("tag", "minor")

    assert made.code == 0, made.err
    assert git(project, "rev-parse", "e0.1.0^{commit}") == git(project, "rev-parse", "HEAD")


def test_git_dies_while_it_makes_the_tag(project: Path, call_xvc: Calling) -> None:
    """The lock that it leaves is taken away at once, and the next call makes the version."""
    train(call_xvc)
    kill_git(project, "prepared", "refs/tags/e0.1.0")
    refused = call_xvc("tag", "minor")
    (project / ".git" / "hooks" / "reference-transaction").unlink()
    made = call_xvc("tag", "minor")

    assert refused.code == 1
    assert not list((project / ".git" / "refs").rglob("*.lock"))
    assert made.code == 0, made.err
    assert git(project, "tag") == "e0.1.0"
    assert git(project, "status", "--porcelain") == ""


def kill_git(project: Path, state: str, ref: str) -> None:
    """Have git killed when it is at *state* of moving *ref*, as git's own hook sees it."""
    hook = project / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        f'#!/bin/sh\n[ "$1" = {state} ] && grep -q " {ref}$" && kill -9 $PPID\nexit 0\n'
    )
    hook.chmod(0o755)


def test_a_run_whose_folders_are_gone_gets_a_version(project: Path, call_xvc: Calling) -> None:
    """Its output was cleared away with its folder: the pointer comes back, and so do the bytes."""
    make = "import os; os.makedirs('a/b'); open('a/b/m.txt', 'w').write('1')"
    run = call_xvc("run", "--json", "--out", "a/b/m.txt", "--", "python", "-c", make).data["run"]
    shutil.rmtree(project / "a")
    made = call_xvc("tag", "minor", "--run", run, "--json")
    got = call_xvc("get", "e0.1.0", "a/b/m.txt", "-o", "got.txt")

    assert made.json["ok"], made.json
    assert got.code == 0, got.err
    assert (project / "got.txt").read_text() == "1"
