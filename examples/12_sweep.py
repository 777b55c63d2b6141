"""Sweep a grid of params in a project of its own, two trials at once, and look at what came out."""

import json
import subprocess
import sys
from pathlib import Path

TRAIN = """\
import os
from xvc import Tracker

lr, depth = float(os.environ["XVC_PARAM_LR"]), int(os.environ["XVC_PARAM_DEPTH"])
with Tracker() as tracker:
    tracker.log({"accuracy": 0.9 - (lr - 0.1) ** 2 - 0.01 * abs(depth - 3)})
"""


def call(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def xvc(*words: str) -> dict:
    return json.loads(call(sys.executable, "-m", "xvc", *words))["data"]


Path("train.py").write_text(TRAIN)
call("git", "init", "-q", "-b", "main")
call("git", "config", "user.name", "Ada")
call("git", "config", "user.email", "ada@example.org")
call("git", "add", ".")
call("git", "commit", "-qm", "Training")
xvc("init", "--json")

grid = ["--param", "lr=0.1,0.5", "--param", "depth=2..4"]
swept = xvc(
    *("sweep", *grid, "--metric", "accuracy:max", "--jobs", "2", "--json"),
    *("--", sys.executable, "train.py"),
)
print(swept["total"], "trials,", swept["counts"]["finished"], "finished")
# > 6 trials, 6 finished
print(swept["best"]["params"], swept["best"]["value"])
# > {'lr': 0.1, 'depth': 3} 0.9

shown = xvc("sweep", "show", "--json")
for trial in shown["trials"][:3]:
    print(trial["trial"], trial["params"], round(trial["value"], 2))
# > 1 {'lr': 0.1, 'depth': 3} 0.9
# > 0 {'lr': 0.1, 'depth': 2} 0.89
# > 2 {'lr': 0.1, 'depth': 4} 0.89
print(max(shown["importances"], key=shown["importances"].get, default="lr"))
# > lr

tagged = xvc("tag", "minor", "--run", swept["best"]["run"], "--json")
print(tagged["version"])
# > e0.1.0
