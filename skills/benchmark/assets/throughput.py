"""Measure a service under load: requests a second, and latency at p50, p95 and p99.

    xvc run --tag minor -- python throughput.py --workers 4 --requests 200

`request` is a local stand-in: put your call there. No cache: a cached call has no latency. One
request at a time per worker (closed loop), so a slow answer delays the next and the tail looks
better than with arrivals at a fixed rate; say so with the figures.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from xvc import Tracker


def request(number: int) -> int:
    """Do one request and return the size of its answer; replace this."""
    time.sleep(0.001 if number % 50 else 0.01)  # every 50th is slow: the tail
    if number % 100 == 99:
        raise TimeoutError("no answer")
    return 128


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of all reach or stay below.

    >>> percentile([3.0, 1.0, 2.0, 4.0], 0.5)
    2.0
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def timed(number: int) -> dict[str, object]:
    """Do one request; a failure is a row as well, with its time."""
    began = time.perf_counter()
    try:
        size, error = request(number), ""
    except (OSError, RuntimeError) as err:  # and what your client raises; timeouts are OSErrors
        size, error = 0, f"{type(err).__name__}: {err}"
    took = time.perf_counter() - began
    return {"request": number, "latency": took, "bytes": size, "error": error}


def main(workers: int, requests: int, warmup: int) -> None:
    """Warm up, then send all requests; one row each, and one row of figures."""
    params = {"workers": workers, "requests": requests}
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(timed, range(1, warmup + 1)))  # connections, caches, clocks: not measured
        began = time.perf_counter()
        rows = list(pool.map(timed, range(requests)))
        took = time.perf_counter() - began
    good = [float(row["latency"]) for row in rows if not row["error"]]
    if not good:
        raise SystemExit("every request failed: there is no latency to report")
    figures = {f"p{round(q * 100)}": percentile(good, q) for q in (0.5, 0.95, 0.99)}
    with (
        Tracker(table="predictions", params=params) as predictions,
        Tracker(table="metrics", params=params) as metrics,
    ):
        predictions.log_batch(rows)  # after the clock has stopped
        metrics.log(
            {
                "per_second": len(good) / took,
                "seconds": took,
                "failed": len(rows) - len(good),
                **figures,
                "slowest": max(good),
            }
        )
    print(f"{len(good) / took:.0f}/s", *(f"{k} {v * 1e3:.1f} ms" for k, v in figures.items()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--warmup", type=int, default=10)
    words = parser.parse_args()
    main(words.workers, words.requests, words.warmup)
