"""The life of a model, told once: trained, promoted, rolled back, pruned, had again elsewhere.

Every command is a process of its own; the objects travel through S3, the refs through git.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from remotes import bucket, use_remote
from surroundings import Called, forked, git

TRAIN = """\
import json
import pickle
import sys
from types import SimpleNamespace

model = SimpleNamespace(C=float(sys.argv[1]), weights=list(range(1000)))
pickle.dump(model, open("model.pkl", "wb"))
json.dump({"acc": round(0.8 + model.C / 10, 4)}, open("metrics.json", "w"))
"""
PRODUCTION = "models/production/digits/model.pkl"


def told(cwd: Path, *words: str) -> str:
    """Run a command, which has to succeed; `pytest -rP` shows what it said."""
    if words[0] in ("xvc", "dvc"):
        done = forked(*words, cwd=cwd)
    else:
        ended = subprocess.run(words, cwd=cwd, check=False, capture_output=True, text=True)
        done = Called(ended.returncode, ended.stdout, ended.stderr)
    print("$", *words, f"\n{done.out}")
    assert done.code == 0, done.err
    return done.out


def strength(path: Path) -> float:
    """Which of the models this is: the C it was trained with."""
    return float(pickle.loads(path.read_bytes()).C)


@pytest.mark.timeout(600)
def test_the_life_of_a_model(project: Path, tmp_path: Path) -> None:
    """The best serves, a mistake is taken back, what was pruned comes back in another clone."""
    clone = tmp_path / "clone"
    (project / "train.py").write_text(TRAIN)
    git(project, "commit", "-qam", "training")
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(project, "remote", "add", "origin", str(tmp_path / "origin.git"))
    for each in ("1", "0.05", "0.0001"):
        words = ("run", "--tag", "patch", "--model", "model.pkl:digits", "--")
        told(project, "xvc", *words, sys.executable, "train.py", each)

    gates = ("--require", "acc >= 0.85", "--better-than", "production")
    told(project, "xvc", "model", "promote", "best:acc", *gates)
    assert strength(project / PRODUCTION) == 1
    told(project, "xvc", "model", "promote", "e0.0.3")
    assert strength(project / PRODUCTION) == 0.0001
    told(project, "xvc", "model", "list", "--by", "acc")
    told(project, "xvc", "model", "rollback")
    assert strength(project / PRODUCTION) == 1
    told(project, "xvc", "model", "history", "digits")
    told(project, "xvc", "model", "prune", "--keep", "1", "--by", "acc", "--yes")
    assert len(list((project / "models/candidates/digits").glob("*.dvc"))) == 1
    assert git(project, "status", "--porcelain") == ""

    with bucket() as options:
        use_remote(project, options)
        told(project, "xvc", "push")
        git(tmp_path, "clone", "-q", "origin.git", "clone")
        use_remote(clone, options)
        told(clone, "xvc", "pull")
        for version, out in (("e0.0.2", "second"), ("e0.0.3", "third")):
            told(clone, "xvc", "get", version, "model:digits", "-o", out)
        shown = told(clone, "gto", "show")
        steps = told(clone, "gto", "history", "digits")
        words = ("dvc", "artifacts", "get", ".", "digits")
        told(clone, *words, "--stage", "production", "-o", "served")
        told(clone, *words, "--rev", "v0.0.3", "-o", "mistaken")
        told(clone, "xvc", "model", "list")

    assert strength(clone / PRODUCTION) == 1
    assert [strength(clone / out / "model.pkl") for out in ("second", "third")] == [0.05, 0.0001]
    assert [strength(clone / out / "model.pkl") for out in ("served", "mistaken")] == [1, 0.0001]
    assert [word for word in shown.split() if word[:2] == "v0"] == ["v0.0.3", "v0.0.1"]
    assert (steps.count("assignment"), steps.count("registration")) == (3, 2)
