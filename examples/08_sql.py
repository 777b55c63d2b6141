"""Ask with SQL: through a tracker while it logs, or with plain DuckDB once it has ended."""

import duckdb

from xvc import Tracker

with Tracker("sql.duckdb", table="predictions") as tracker:
    for number in range(100):
        tracker.log({"number": number, "is_right": number % 7 != 0})
    question = "SELECT count(*), avg(is_right::INT) FROM db.predictions WHERE number >= ?"
    print(tracker.conn.execute(question, [50]).fetchall())
    # > [(50, 0.86)]

print(tracker.to_df(backend="arrow").num_rows)  # reading puts what was logged into the store
# > 100
with duckdb.connect("sql.duckdb", read_only=True) as store:
    print(store.sql("SELECT sum(number) FROM predictions WHERE NOT is_right").fetchall())
    # > [(735,)]
