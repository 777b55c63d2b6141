"""Keep objects: the column holds a hash, the bytes are stored once, whoever logs them again."""

import numpy as np

from xvc import Tracker

tracker = Tracker("assets.duckdb")
weights = np.linspace(0, 1, 10_000)

first = tracker.log({"weights": weights, "loss": 0.2})
again = tracker.log({"weights": weights.copy(), "loss": 0.1})
print(len(first["weights"]), first["weights"] == again["weights"])
# > 64 True

# Unpickling runs code: get only what you or your team have logged.
restored = tracker.get(first["weights"])
print(restored.shape, bool((restored == weights).all()))
# > (10000,) True
