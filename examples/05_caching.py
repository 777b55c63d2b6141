"""Cache results: equal arguments and equal code give the stored result, in every process."""

from xvc import Tracker


def expensive(numbers: list[int], exponent: int) -> int:
    print("computing", numbers, exponent)
    return sum(number**exponent for number in numbers)


tracker = Tracker("caching.duckdb", cache="cache", params={"model": "v1"})
print(tracker.track(expensive, args=[[1, 2, 3], 2]), repr(tracker.latest["cache"]))
# > computing [1, 2, 3] 2
# > 14 ''
print(tracker.track(expensive, args=[[1, 2, 3], 2]), tracker.latest["cache"] == tracker.track_id)
# > 14 True
print(tracker.track(expensive, args=[[1, 2, 3], 3]), repr(tracker.latest["cache"]))
# > computing [1, 2, 3] 3
# > 36 ''
tracker.track(expensive, args=[[1, 2, 3], 2], params={"model": "v2"})  # other params
# > computing [1, 2, 3] 2
