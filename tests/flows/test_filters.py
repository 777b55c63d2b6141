"""Files that git does not keep as they are on the disk: filters, line ends, keywords, modes."""

from __future__ import annotations

from pathlib import Path

from surroundings import Calling, git

_SCRIPT = r"""
from pathlib import Path
Path("metrics.json").write_bytes(b'{"loss": 0.5}\r\n')
Path("sub/m.json").write_bytes(b'{"acc": 0.25}\n')
Path("wide.json").write_bytes('{"wide": 1.5}\n'.encode("utf-16"))
"""
_ATTRIBUTES = """\
metrics.json text eol=crlf
/sub/*.json filter=upper
wide.json text working-tree-encoding=UTF-16
results/** filter=upper
"""


def test_a_version_leaves_a_clean_tree_whatever_git_makes_of_files(
    project: Path, call_xvc: Calling
) -> None:
    """Filters, line ends, encodings and modes are those of `git add`; pointers keep their bytes."""
    git(project, "config", "filter.upper.clean", "tr a-z A-Z")
    git(project, "config", "filter.upper.smudge", "tr A-Z a-z")
    held = (project / ".gitattributes").read_text()
    (project / ".gitattributes").write_text(_ATTRIBUTES + held)
    (project / ".gitignore").write_bytes(b"# caf\xe9\r\n/other\r\n")
    names = ("metrics.json", "sub/m.json", "wide.json")
    (project / "xvc.yaml").write_text(f"metrics:\n  files: [{', '.join(names)}]\n")
    (project / "sub").mkdir()
    (project / "measure.py").write_text(_SCRIPT.replace("0.", "0.1"))
    for name in names:
        (project / name).write_text("{}\n", encoding="utf-16" if "wide" in name else None)
    (project / "sub" / "m.json").chmod(0o755)
    git(project, "add", "-A")
    git(project, "commit", "-qm", "with attributes")
    (project / "measure.py").write_text(_SCRIPT)
    git(project, "commit", "-qam", "measure")

    ran = call_xvc(
        "run",
        "--tag",
        "minor",
        "--out",
        "w.bin",
        "--",
        "sh",
        "-c",
        "python measure.py; echo w > w.bin",
    )

    assert ran.code == 0, ran.err
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "show", "e0.1.0:sub/m.json") == '{"ACC": 0.25}'
    assert git(project, "ls-tree", "e0.1.0", "sub/m.json").startswith("100755")
    assert git(project, "show", "e0.1.0:results/experiments.duckdb.dvc").startswith("outs:")
    assert (project / ".gitignore").read_bytes() == b"# caf\xe9\r\n/other\r\n/w.bin\n"


def test_a_filter_that_is_not_installed_is_named_and_stops_no_run(
    project: Path, call_xvc: Calling
) -> None:
    """The run goes on and says what its code lacks."""
    attributes = (project / ".gitattributes").read_text()
    (project / ".gitattributes").write_text(f"{attributes}*.bin2 filter=away\n")
    git(project, "config", "filter.away.clean", "no-such-filter")
    git(project, "config", "filter.away.required", "true")
    git(project, "commit", "-qam", "with a filter")
    (project / "x.bin2").write_text("one")

    ran = call_xvc("run", "--", "true")

    assert ran.code == 0
    assert "code incomplete: what cannot be held is x.bin2 (git update-index failed" in ran.err
    assert "no-such-filter" in ran.err
