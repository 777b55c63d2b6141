"""Rows as logs and as JSON lines, beside the store or in place of it."""

import pandas as pd

from xvc import Reader, Tracker

tracker = Tracker("logging.duckdb", logs_path="logs", jsonl="rows.jsonl")
tracker.log({"subject": "taxes", "tokens": 12})
tracker.log({"subject": "dance", "tokens": 7})
tracker.logger.info("a plain line, for people")

print(Reader.read_logs("logs")[["subject", "tokens"]].to_string(index=False))
# > subject  tokens
# >   taxes      12
# >   dance       7
lines = pd.read_json("rows.jsonl", lines=True)  # plain JSON lines: no xvc needed
print(lines[["level", "subject", "tokens"]].to_string(index=False))
# >    level subject  tokens
# > TRACKING   taxes      12
# > TRACKING   dance       7
