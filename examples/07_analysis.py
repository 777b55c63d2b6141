"""Read what several runs logged, and compare them with pandas."""

from xvc import Reader, Tracker

for model, quality in (("linear", 0.8), ("forest", 0.9)):
    with Tracker("analysis.duckdb", params={"model": model}) as tracker:
        tracker.log_batch({"fold": fold, "accuracy": quality + fold / 100} for fold in range(3))

reader = Reader("analysis.duckdb")
frame = reader.to_df()
print(frame.groupby("model", sort=False)["accuracy"].agg(["mean", "max"]).round(3).to_string())
# >         mean   max
# > model
# > linear  0.81  0.82
# > forest  0.91  0.92
print(reader.last["model"], reader.last["fold"])
# > forest 2
