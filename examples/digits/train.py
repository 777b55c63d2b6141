"""Train one model on the digits and log how it does: every fold, then the test images."""

import argparse
import time

import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from xvc import Tracker

MODELS = {
    "logreg": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    "svm": SVC(gamma=0.001),
    "forest": RandomForestClassifier(n_estimators=100, random_state=0),
}

parser = argparse.ArgumentParser()
parser.add_argument("--model", choices=MODELS, default="logreg")
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()

tracker = Tracker(params={"model": options.model, "seed": options.seed})
digits = pd.read_parquet("data/digits.parquet")
train, test, train_labels, test_labels = train_test_split(
    digits.drop(columns="target"), digits["target"], test_size=0.3, random_state=options.seed
)
model = MODELS[options.model]

for step, accuracy in enumerate(cross_val_score(model, train, train_labels, cv=5), start=1):
    tracker.log({"step": step, "fold_accuracy": accuracy})

begun = time.perf_counter()
model.fit(train, train_labels)
fit_seconds = time.perf_counter() - begun
guesses = model.predict(test)
accuracy = accuracy_score(test_labels, guesses)
f1 = f1_score(test_labels, guesses, average="macro")
tracker.log({"accuracy": accuracy, "f1": f1, "fit_seconds": fit_seconds})
print(f"{options.model}: accuracy {accuracy:.4f} on {len(test)} images")
