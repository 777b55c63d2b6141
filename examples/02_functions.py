"""Track functions: arguments, result, time and errors become a row; nothing else changes."""

from xvc import Tracker

tracker = Tracker("functions.duckdb", raise_on_error=False)


def power(base: int, exponent: int) -> int:
    return base**exponent


print(tracker.track(power, args=[2, 10]))
# > 1024
row = tracker.latest
print(row["function_name"], row["args"], row["function_result"], repr(row["error"]))
# > power [2, 10] 1024 ''


@tracker.wrap(params={"stage": "evaluate"})
def scores(threshold: float) -> dict[str, float]:
    return {"precision": 1 - threshold / 10, "recall": threshold / 10}


scores(2.0)
print(tracker.latest["stage"], tracker.latest["precision"], tracker.latest["recall"])
# > evaluate 0.8 0.2


@tracker.wrap()
def fails() -> None:
    raise ValueError("no such label")


fails()  # recorded; raised as well, unless the tracker is told otherwise as here
print(tracker.latest["error"])
# > ValueError: no such label
