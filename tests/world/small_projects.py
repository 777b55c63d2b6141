"""Small projects as people have them, none made for xvc, each with an account of its own.

LightGBM and XGBoost are no dependencies of the tests: `BOOSTED` prints, character by character, as
their own loggers do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DATA = "".join(f"{n},{n * n}\n" for n in range(20))


@dataclass(frozen=True, kw_only=True)
class Small:
    """A project: its files, the command as its users type it, and how a sweep is asked for.

    ``edit`` is what somebody changes in a work tree: file, old text, new text. ``options`` are for
    `xvc run` and `xvc sweep`. ``metric`` ranks; ``model`` is the file that the program leaves.
    """

    name: str
    files: Mapping[str, str]
    command: tuple[str, ...]
    key: str
    values: tuple[str, str]
    sweep: tuple[str, ...]
    metric: str
    edit: tuple[str, str, str]
    options: tuple[str, ...] = ()
    model: str | None = None
    ignored: tuple[str, ...] = ()
    settings: str = ""
    names_params: bool = True


_ARGPARSE = """\
import argparse, os
from account import account

p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default=0.1)
p.add_argument("--epochs", type=int, default=3)
a = p.parse_args()
start, weight = 0, 0.0
if os.path.exists("checkpoint.txt"):  # go on where the last call stopped
    start, weight = open("checkpoint.txt").read().split()
    start, weight = int(start), float(weight)
rows = [line.split(",") for line in open("data/train.csv")]
losses = []
for epoch in range(start, a.epochs):
    weight += a.lr * (1 - weight)
    losses.append(round((1 - weight) ** 2, 4))
    print(f"epoch {epoch} loss: {losses[-1]} rows: {len(rows)}")
open("checkpoint.txt", "w").write(f"{a.epochs} {weight}")
account(used={"lr": a.lr, "epochs": a.epochs},
        scored={"loss": losses, "rows": [len(rows)] * len(losses)},
        read=["data/train.csv"], wrote=["checkpoint.txt"])
"""

ARGPARSE = Small(
    name="argparse-checkpoint",
    files={"train.py": _ARGPARSE},
    command=("python", "train.py", "--lr", "0.5", "--epochs", "2"),
    key="lr",
    values=("0.1", "0.20"),
    sweep=("python", "train.py", "--lr", "{lr}", "--epochs", "2"),
    metric="loss:min",
    edit=("train.py", "(1 - weight) ** 2", "(1 - weight) ** 3"),
    options=("--capture", "--out", "checkpoint.txt"),
    model="checkpoint.txt",
    ignored=("checkpoint.txt",),
)

_FROM_FILE = """\
import json, yaml
from account import account

params = yaml.safe_load(open("params.yaml"))
lr, layers = params["train"]["lr"], params["model"]["layers"]
acc = round(0.9 - abs(lr - 0.3) / len(layers), 4)
json.dump({"acc": acc, "val": {"acc": acc / 2}}, open("metrics.json", "w"))
account(used={"train.lr": lr, "train.steps": params["train"]["steps"]},
        scored={"acc": [acc], "val.acc": [acc / 2]})
"""

PARAMS_FILE = Small(
    name="params-file",
    files={
        "train.py": _FROM_FILE,
        "params.yaml": """\
# of the paper
train:
  lr: 0.5   # tuned
  steps: 10
model: {layers: [8, 4]}
""",
    },
    command=("python", "train.py"),
    key="train.lr",
    values=("0.25", "0.10"),
    sweep=("python", "train.py"),
    metric="acc:max",
    edit=("train.py", "0.9 -", "0.8 -"),
    ignored=("metrics.json",),
    settings="params:\n  files: [params.yaml]\nmetrics:\n  files: [metrics.json]\n",
)

_STAGE = """\
import json, sys, yaml
from account import account

who = sys.argv[1]
n = yaml.safe_load(open("params.yaml"))["n"]
rows = open("data/train.csv").read().splitlines()[:n]
open(f"model-{who}.txt", "w").write("\\n".join(rows))
score = n / 20 if who == "cnn" else n / 40
json.dump({"acc": score}, open(f"{who}.json", "w"))
account(used={"n": n}, scored={f"{who}.json:acc": [score]}, read=["data/train.csv"],
        wrote=[f"model-{who}.txt"])
"""

PIPELINE = Small(
    name="dvc-foreach",
    files={
        "stage.py": _STAGE,
        "params.yaml": "n: 10\n",
        "dvc.yaml": """\
stages:
  fit:
    foreach: [cnn, mlp]
    do:
      cmd: python stage.py ${item}
      deps: [stage.py, data/train.csv]
      params: [n]
      outs: ["model-${item}.txt"]
      metrics: ["${item}.json": {cache: false}]
""",
    },
    command=("dvc", "repro", "-q"),
    key="n",
    values=("4", "16"),
    sweep=("dvc", "repro", "-q"),
    metric="cnn.json:acc:max",
    edit=("stage.py", "n / 40", "n / 80"),
    ignored=("model-*.txt", "cnn.json", "mlp.json"),
)

_BOOSTED = """\
import sys
from account import account

eta = float(dict(word.split("=") for word in sys.argv[1:])["eta"])
open("data/train.csv").read()
auc, logloss = [], []
for round_ in (10, 20):  # as lightgbm.log_evaluation(10)
    auc.append(round(0.7 + eta * round_ / 100, 6))
    print(f"[{round_}]\\tvalid_0's auc: {auc[-1]:g}")
for round_ in (0, 1):  # as xgboost.train(…, verbose_eval=True)
    logloss.append(round(0.69 - eta * round_ / 10, 5))
    print(f"[{round_}]\\teval-logloss:{logloss[-1]:.5f}")
open("booster.txt", "w").write(f"tree\\n{eta}\\n")
account(used={"eta": eta}, scored={"valid_0's auc": auc, "eval-logloss": logloss},
        read=["data/train.csv"], wrote=["booster.txt"])
"""

BOOSTED = Small(
    name="boosted-trees",
    files={"boost.py": _BOOSTED},
    command=("python", "boost.py", "eta=0.3"),
    key="eta",
    values=("0.1", "0.2"),
    sweep=("python", "boost.py", "eta={eta}"),
    metric="eval-logloss:min",
    names_params=False,
    edit=("boost.py", "0.69 -", "0.59 -"),
    options=("--capture", "--out", "booster.txt"),
    model="booster.txt",
    ignored=("booster.txt",),
)

_SHELL = """\
#!/bin/sh
set -e
lr=$1
echo "loading"
echo "accuracy = 0.$lr"
echo "weights $lr" > weights.txt
python "$ACCOUNT_MODULE" "{\\"used\\": {\\"lr\\": $lr}, \\"scored\\": {\\"accuracy\\": [0.$lr]},
  \\"read\\": [\\"data/train.csv\\"], \\"wrote\\": [\\"weights.txt\\"]}"
"""

SHELL = Small(
    name="shell-script",
    files={"train.sh": _SHELL},
    command=("sh", "train.sh", "7"),
    key="lr",
    values=("3", "5"),
    sweep=("sh", "train.sh", "{lr}"),
    metric="accuracy:max",
    names_params=False,
    edit=("train.sh", "0.$lr", "0.2$lr"),
    options=("--capture", "--out", "weights.txt"),
    model="weights.txt",
    ignored=("weights.txt",),
)

SMALL = (ARGPARSE, PARAMS_FILE, PIPELINE, BOOSTED, SHELL)
