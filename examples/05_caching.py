"""Cache results: equal arguments and equal code give the stored result, in every process."""

from xvc import Tracker

calls = []


def expensive(numbers: list[int], exponent: int) -> int:
    calls.append(numbers)
    return sum(number**exponent for number in numbers)


tracker = Tracker("caching.duckdb", cache="cache", params={"model": "v1"})
print(tracker.track(expensive, args=[[1, 2, 3], 2]), repr(tracker.latest["cache"]))
# > 14 ''
print(tracker.track(expensive, args=[[1, 2, 3], 2]), tracker.latest["cache"] == tracker.track_id)
# > 14 True
print(tracker.track(expensive, args=[[1, 2, 3], 3]), repr(tracker.latest["cache"]))
# > 36 ''
tracker.track(expensive, args=[[1, 2, 3], 2], params={"model": "v2"})  # other params: computed
print(len(calls), "of 4 calls were computed")
# > 3 of 4 calls were computed
