"""Ask a project from Python, and give its best run a version."""

import subprocess
from pathlib import Path

import xvc


def call(*words: str) -> None:
    subprocess.run(words, capture_output=True, check=True)


Path("train.py").write_text("print('training')\n")
call("git", "init", "-q", "-b", "main")
call("git", "config", "user.name", "Ada")
call("git", "config", "user.email", "ada@example.org")
call("git", "add", ".")
call("git", "commit", "-qm", "Training")
call("xvc", "init")

for lr in (0.1, 0.3):
    with xvc.Tracker(params={"lr": lr}) as tracker:
        tracker.log({"accuracy": 0.9 - (lr - 0.1)})

project = xvc.open()
runs = project.runs("lr < 1", sort="accuracy")
print(runs[["status", "lr", "accuracy"]].to_string(index=False))
# >   status  lr  accuracy
# > finished 0.1       0.9
# > finished 0.3       0.7

tagged = project.tag("minor", run="best:accuracy", message="the first one")
print(tagged.name, tagged.subject)
# > e0.1.0 lr=0.1 | accuracy=0.9 | the first one
print(project.versions()[["version", "metrics.accuracy"]].to_string(index=False))
# > version  metrics.accuracy
# >  e0.1.0               0.9

compared = project.compare("@-1", "@").comparison
print(*(f"{row.key}: {row.values} {row.percent[1]:.0f} %" for row in compared.params))
# > lr: (0.1, 0.3) 200 %
print(
    project.sql("SELECT count(*) AS rows, max(accuracy) AS best FROM events").to_string(index=False)
)
# >  rows  best
# >     2   0.9

try:
    project.tag("e0.1.0", run="@")
except xvc.errors.ConflictError as err:
    print(f"{err.code}: {err.hint}")
# > tag-taken: Take the next version with `xvc tag minor`.
