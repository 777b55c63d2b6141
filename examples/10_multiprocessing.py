"""Many processes write at once: one run, one table, no lock and no lost row."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from xvc import Tracker

tracker = Tracker("multiprocessing.duckdb")


def evaluate(number: int) -> int:
    tracker.log({"number": number, "square": number * number})  # the forked worker's own journal
    return number * number


if __name__ == "__main__":
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as pool:
        total = sum(pool.map(evaluate, range(200)))
    frame = tracker.to_df()
    print(len(frame), frame["square"].sum() == total, frame["track_id"].nunique())
    # > 200 True 1
