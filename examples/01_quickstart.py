"""Log a training run, look at it, and set a value that is only known at the end."""

from xvc import Tracker

tracker = Tracker("quickstart.duckdb", params={"model": "resnet18"})
for epoch in range(3):
    tracker.log({"epoch": epoch, "loss": 1 / (epoch + 1), "accuracy": 1 - 0.5 ** (epoch + 1)})

print(tracker.latest["model"], tracker.latest["accuracy"])
# > resnet18 0.875
print(tracker.values("loss"))
# > [1.0, 0.5, 0.3333333333333333]

tracker.set_params({"dataset": "cifar10"})  # in every row from now on
tracker.log({"epoch": 3, "loss": 0.25, "accuracy": 0.9375})
tracker.set_value("test_accuracy", 0.91)  # in every row of this run, back in time

frame = tracker.to_df()
print(frame[["epoch", "accuracy", "dataset", "test_accuracy"]].to_string(index=False))
# >  epoch  accuracy dataset  test_accuracy
# >      0    0.5000     NaN           0.91
# >      1    0.7500     NaN           0.91
# >      2    0.8750     NaN           0.91
# >      3    0.9375 cifar10           0.91
print(len(tracker), "rows of run", tracker.track_id)
# > 4 rows of run …
