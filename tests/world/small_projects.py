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
    Metrics that are in files have no ``has_series``. ``needs`` are packages that it imports.
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
    has_series: bool = True
    needs: tuple[str, ...] = ()


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

_HYDRA = """\
import hydra
from omegaconf import DictConfig
from account import account

@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg: DictConfig) -> None:
    rows = len(open("data/train.csv").readlines())
    scores = [round(0.9 - abs(cfg.lr - 0.3) / (cfg.model.depth + epoch), 4) for epoch in (0, 1)]
    for epoch, score in enumerate(scores):
        print(f"epoch {epoch} val_acc: {score} rows: {rows}")
    account(used={"lr": cfg.lr, "model.depth": cfg.model.depth},
            scored={"val_acc": scores, "rows": [rows, rows]}, read=["data/train.csv"])

main()
"""

HYDRA = Small(
    name="hydra",
    files={"train.py": _HYDRA, "conf/config.yaml": "lr: 0.1\nmodel:\n  depth: 3\n"},
    command=("python", "train.py", "lr=0.5", "model.depth=2"),
    key="lr",
    values=("0.2", "0.30"),
    sweep=("python", "train.py", "lr={lr}", "model.depth=2"),
    metric="val_acc:max",
    names_params=False,
    edit=("train.py", "0.9 -", "0.8 -"),
    options=("--capture",),
    ignored=("outputs",),
)

_NOTEBOOK = """\
import json, os
from account import account
lr = float(os.environ["LR"])
rows = open("data/train.csv").read().splitlines()
metrics = {"loss": round((1 - lr) ** 2, 4), "rows": len(rows)}
with open("metrics.json", "w") as out:
    json.dump(metrics, out)
with open("weights.txt", "w") as out:
    out.write(f"{lr}")
account(used={"lr": lr}, scored={key: [value] for key, value in metrics.items()},
        read=["data/train.csv"], wrote=["weights.txt"])
"""

_EXECUTE = """\
import nbformat
from nbclient import NotebookClient

cells = open("train.nb.py").read().split("# %%\\n")
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])
NotebookClient(notebook, timeout=300).execute()
nbformat.write(notebook, "executed.ipynb")
"""

NOTEBOOK = Small(
    name="notebook",
    needs=("nbclient", "nbformat"),
    files={"train.nb.py": _NOTEBOOK, "execute.py": _EXECUTE},
    command=("env", "LR=0.5", "python", "execute.py"),
    key="lr",
    values=("0.25", "0.75"),
    sweep=("env", "LR={lr}", "python", "execute.py"),
    metric="loss:min",
    names_params=False,
    edit=("train.nb.py", "(1 - lr) ** 2", "(1 - lr) ** 3"),
    options=("--out", "weights.txt"),
    settings="metrics:\n  files: [metrics.json]\n",
    model="weights.txt",
    ignored=("metrics.json", "weights.txt", "executed.ipynb"),
    has_series=False,
)

_PACKAGE = """\
import argparse
from account import account
from tiny.model import Model

p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default=0.1)
p.add_argument("--max-steps", type=int, default=3)
a = p.parse_args()
model, losses = Model(), []
for step in range(a.max_steps):
    losses.append(model.step(a.lr))
    print(f"step {step}: loss={losses[-1]}")
with open("out/model.txt", "w") as out:
    out.write(f"{model.weight}")
open("data/train.csv").read()
account(used={"lr": a.lr, "max_steps": a.max_steps}, scored={"loss": losses},
        read=["data/train.csv"], wrote=["out/model.txt"])
"""

_MODEL = """\
class Model:
    weight = 0.0

    def step(self, lr):
        self.weight += lr * (1 - self.weight)
        return round((1 - self.weight) ** 2, 4)
"""

PACKAGE = Small(
    name="package",
    files={
        "tiny/__init__.py": "",
        "tiny/model.py": _MODEL,
        "tiny/train.py": _PACKAGE,
        "out/.gitkeep": "",
    },
    command=("python", "-m", "tiny.train", "--lr", "0.5", "--max-steps", "2"),
    key="lr",
    values=("0.1", "0.20"),
    sweep=("python", "-m", "tiny.train", "--lr={lr}", "--max-steps=2"),
    metric="loss:min",
    edit=("tiny/model.py", "** 2", "** 3"),
    options=("--capture", "--out", "out/model.txt"),
    model="out/model.txt",
    ignored=("out/model.txt",),
)

_WORKERS = """\
import argparse, multiprocessing
from account import account

def work(rank, lr, answers):
    rows = open("data/train.csv").read().splitlines()[rank::2]
    account(used={"lr": lr}, scored={}, read=["data/train.csv"])
    answers.put((rank, len(rows), lr / (rank + 1)))

if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--lr", type=float, default=0.1)
    lr = p.parse_args().lr
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    workers = [context.Process(target=work, args=(rank, lr, answers)) for rank in range(2)]
    for each in workers:
        each.start()
    told = sorted(answers.get() for _ in workers)
    for each in workers:
        each.join()
    rows, accuracy = sum(count for _, count, _ in told), round(sum(lr for *_, lr in told), 4)
    print(f"rows: {rows} accuracy: {accuracy}")
    open("merged.txt", "w").write(f"{told}")
    account(used={"lr": lr}, scored={"rows": [rows], "accuracy": [accuracy]}, wrote=["merged.txt"])
"""

WORKERS = Small(
    name="processes",
    files={"train.py": _WORKERS},
    command=("python", "train.py", "--lr", "0.5"),
    key="lr",
    values=("0.1", "0.2"),
    sweep=("python", "train.py", "--lr", "{lr}"),
    metric="accuracy:max",
    edit=("train.py", "lr / (rank + 1)", "lr / (rank + 2)"),
    options=("--capture", "--out", "merged.txt"),
    model="merged.txt",
    ignored=("merged.txt",),
)

_FOLDER = """\
import json, os, sys
from account import account

config = json.load(open("conf.json"))
rows = open("data/train.csv").read().splitlines()
os.makedirs("runs/last", exist_ok=True)
os.chdir("runs/last")
loss = round(config["decay"] * len(rows), 4)
with open("weights.txt", "w") as out:
    out.write(f"{config}")
print("loss", loss)
account(used={"decay": config["decay"]}, scored={"loss": [loss]},
        read={"data/train.csv": "../../data/train.csv"},
        wrote={"runs/last/weights.txt": "weights.txt"})
"""

FOLDER = Small(
    name="other-folder",
    files={"train.py": _FOLDER, "conf.json": '{"decay": 0.5, "layers": [8, 4]}\n'},
    command=("python", "train.py"),
    key="decay",
    values=("0.25", "0.10"),
    sweep=("python", "train.py"),
    metric="loss:min",
    edit=("train.py", "* len(rows)", "* len(rows) * 2"),
    settings="params:\n  files: [conf.json]\n",
    options=("--capture", "--out", "runs/last/weights.txt"),
    model="runs/last/weights.txt",
    ignored=("runs/last/weights.txt",),
)

_FAILING = """\
import argparse, sys
from account import account

p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default=0.1)
lr = p.parse_args().lr
open("data/train.csv").read()
losses = []
for epoch in range(4):
    losses.append(round(1 - lr * epoch, 4))
    print(f"epoch {epoch} loss: {losses[-1]}", flush=True)
    open("half.txt", "w").write(f"{epoch} {lr}")
    if lr > 0.3 and epoch == 2:
        account(used={"lr": lr}, scored={"loss": losses}, read=["data/train.csv"],
                wrote=["half.txt"])
        raise FloatingPointError(f"loss is {losses[-1]}")
account(used={"lr": lr}, scored={"loss": losses}, read=["data/train.csv"], wrote=["half.txt"])
"""

FAILING = Small(
    name="half-way",
    files={"train.py": _FAILING},
    command=("python", "train.py", "--lr", "0.4"),
    key="lr",
    values=("0.1", "0.4"),
    sweep=("python", "train.py", "--lr", "{lr}"),
    metric="loss:min",
    edit=("train.py", "epoch == 2", "epoch == 3"),
    options=("--capture", "--out", "half.txt"),
    ignored=("half.txt",),
)
"""Fails half way, unless its learning rate is small."""

SMALL = (
    *(ARGPARSE, PARAMS_FILE, PIPELINE, BOOSTED, SHELL),
    *(HYDRA, NOTEBOOK, PACKAGE, WORKERS, FOLDER),
)
