"""Declared outputs that are links, lie behind links, or have links in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from surroundings import Calling, git


def _write(place: str, text: str) -> tuple[str, ...]:
    return ("--", "sh", "-c", f"echo {text} > {place}")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder outside the project, as large disks are."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def test_a_linked_output_is_kept_as_what_it_leads_to(
    project: Path, scratch: Path, call_xvc: Calling
) -> None:
    """Folder or file, known to git as untracked or ignored: each version gives its own bytes."""
    (project / "ckpt").symlink_to(scratch)
    (scratch / "of-file").write_text("-")
    (project / "net.bin").symlink_to(scratch / "of-file")
    (project / "plain.bin").write_text("before DVC had it")
    places = ("ckpt/w.bin", "net.bin", "plain.bin")
    for text in ("one", "two"):
        script = "; ".join(f"echo {text} > {place}" for place in places)
        outs = [word for out in ("ckpt", "net.bin", "plain.bin") for word in ("--out", out)]
        ran = call_xvc("run", "--tag", "minor", *outs, "--", "sh", "-c", script)
        assert ran.code == 0, ran.err

    found = {}
    for version, name in (("e0.1.0", "one"), ("e0.2.0", "two")):
        for out in ("ckpt", "net.bin"):
            call_xvc("get", version, out, "-o", str(project.parent / name / out))
        tree = project.parent / f"tree-{name}"
        call_xvc("checkout", version, "--path", str(tree))
        at = project.parent / name
        got = [(at / place).read_text() for place in places[:2]]
        found[name] = [*got, *((tree / place).read_text() for place in places)]

    assert found == {"one": ["one\n"] * 5, "two": ["two\n"] * 5}
    listed = git(project, "ls-tree", "-r", "--name-only", "e0.1.0").splitlines()
    assert not {"ckpt", "net.bin", "plain.bin"} & set(listed)
    assert (project / "ckpt").is_symlink()


def test_what_cannot_be_kept_is_said_before_the_run_or_after(
    project: Path, scratch: Path, call_xvc: Calling
) -> None:
    """No pointer can lie behind a link: refused before; links in a folder are named after."""
    (project / "inner").mkdir()
    (project / "by-link").symlink_to("inner")
    (project / "away").symlink_to(scratch)
    (project / "out").mkdir()
    (project / "out" / "parts").symlink_to(scratch)
    (project / "out" / "lost").symlink_to("nowhere")

    refused = [call_xvc("run", "--out", out, *_write(out, "x")) for out in ("by-link/w", "away/w")]
    kept = call_xvc("run", "--out", "out", *_write("out/w", "x"))

    assert [each.code for each in refused] != [0, 0]
    assert "behind the link by-link" in refused[0].err
    assert not (project / "inner" / "w").exists()
    assert not (scratch / "w").exists()
    assert kept.code == 0
    assert "not kept: out/lost, out/parts" in kept.err


@pytest.mark.parametrize("left", ["absent", "link to nowhere", "pipe", "other file"])
def test_a_version_has_no_output_of_an_earlier_run(
    project: Path, call_xvc: Calling, left: str
) -> None:
    """Where a run leaves no output of its own, and the pointer names that of the run before."""
    (project / "leave.py").write_text(
        "import os, sys\n"
        "out, what = 'model.bin', sys.argv[1]\n"
        "if os.path.lexists(out): os.unlink(out)\n"
        "if what == 'link to nowhere': os.symlink('/nowhere/at/all', out)\n"
        "elif what == 'pipe': os.mkfifo(out)\n"
        "elif what == 'other file': os.symlink(sys.argv[0], out)\n"
        "elif what != 'absent': open(out, 'w').write(what)\n"
    )
    git(project, "add", "leave.py")
    git(project, "commit", "-qm", "leave")
    words = ("run", "--tag", "minor", "--out", "model.bin", "--", "python", "leave.py")
    first = call_xvc(*words, "the first")
    second = call_xvc(*words, left)
    again = call_xvc("tag", "minor", "--run", "@")
    forced = call_xvc("tag", "minor", "--run", "@", "--incomplete")

    assert (first.code, second.code, again.code) == (0, 4, 4)
    assert "model.bin" in second.err
    assert "data-differs" in call_xvc("tag", "minor", "--run", "@", "--json").out
    assert forced.code == 0
    assert ("modified" if left == "other file" else "absent") in call_xvc("show", "@").out
