"""A real comparison: two models on scikit-learn's handwritten digits, the better one kept."""

from sklearn.base import ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from xvc import Reader, Tracker

digits = load_digits()
train_x, test_x, train_y, test_y = train_test_split(
    digits.data / 16, digits.target, test_size=0.3, random_state=0
)


def fitted(model: ClassifierMixin, name: str) -> None:
    with Tracker("digits.duckdb", params={"model": name}, table="metrics") as tracker:
        model.fit(train_x, train_y)
        accuracy = accuracy_score(test_y, model.predict(test_x))
        tracker.log({"accuracy": accuracy, "classifier": model})


fitted(LogisticRegression(max_iter=1000), "logistic")
fitted(SVC(gamma=0.02), "svm")

reader = Reader("digits.duckdb", table="metrics")
best = reader.to_df().sort_values("accuracy").iloc[-1]
print(best["model"], best["accuracy"] > 0.97)
# > svm True
model = reader.get(best["classifier"])  # the model itself, by the hash in its column
print(model.predict(test_x[:5]).tolist() == test_y[:5].tolist())
# > True
